"""EmbeddingMap: a model's word vectors as a flat map, at any moment of its training.

The reader moves through training, chooses a word, and sees which vectors are
most like it: measured in all dimensions, not on the map. The map is only one
flat view of many; how much it keeps is said beside it.

Holds only the figure's state: drawing and computing are in `embedding_map.js`.
Taught in chapter 4.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class EmbeddingMap(LiveFigure):
    """A live figure of word vectors through training.

    Keyword Args:
        vectors: one table of vectors for each snapshot, as the bytes of a 16-bit
            float array of shape (snapshots, words, size).
        steps: how many training steps each snapshot has behind it.
        words: the word of each row.
        kinds: the kind of each word. The first nine get a sign and a colour of
            their own; "" and all further kinds share one.
        selected: which snapshot is shown at first, counted from 0.
        word: the word whose neighbours are shown at first.
        view: which pair of principal directions is drawn at first; 0 is the
            pair that keeps most.
    """

    _module = "embedding_map.js"

    vectors = traitlets.Bytes().tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    selected = traitlets.Int(0, min=0).tag(sync=True)
    word = traitlets.Unicode().tag(sync=True)
    view = traitlets.Int(0, min=0).tag(sync=True)
