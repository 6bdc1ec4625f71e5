"""EmbeddingMap: a model's word vectors as a flat map, at any moment of its training.

The reader moves through training, chooses a word, and sees which vectors are
most like it: measured in all dimensions, not on the map. The map is only one
flat view of many; how much it keeps is said beside it.

Holds the figure's state, and the directions of the map; what the reader can change is
computed and drawn in `embedding_map.js`.
Taught in chapter 4.
"""

from __future__ import annotations

import numpy as np
import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number

N_VIEWS = 4  # flat views to choose from


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

    Worked out from them: `directions`, two principal directions of the last snapshot for
    each flat view, those with the greatest spread first, rows of `size` numbers.

    Raises:
        ValueError: if the vectors are not of that shape.
    """

    _module = "embedding_map.js"

    vectors = traitlets.Bytes().tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    selected = traitlets.Int(0, min=0).tag(sync=True)
    word = traitlets.Unicode().tag(sync=True)
    view = traitlets.Int(0, min=0).tag(sync=True)
    directions = traitlets.List(traitlets.List(Number())).tag(sync=True)

    @traitlets.observe("vectors")
    def _find_directions(self, change) -> None:
        n_rows = len(self.steps) * len(self.words)
        values = np.frombuffer(self.vectors, np.float16)
        if not n_rows or not values.size or values.size % n_rows:
            raise ValueError(
                f"vectors holds {values.size} numbers; it needs equally many for each of "
                f"{len(self.steps)} steps and {len(self.words)} words"
            )
        last = values.reshape(len(self.steps), len(self.words), -1)[-1].astype(float)
        directions = principal_directions(last)
        n_views = min(N_VIEWS, len(directions) // 2)
        self.directions = directions[: 2 * n_views].round(9).tolist()


def principal_directions(rows: np.ndarray) -> np.ndarray:
    """The directions in which rows (N, D) differ, the greatest spread first: (D, D).

    Each has length 1 and a positive greatest number, so that a picture never flips.
    """
    centred = rows - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)  # the smallest spread first
    directions = vectors.T[::-1]
    greatest = np.abs(directions).argmax(axis=1, keepdims=True)
    return directions * np.sign(np.take_along_axis(directions, greatest, axis=1))
