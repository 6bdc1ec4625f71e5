"""WordInContext: one word in several sentences, through the layers of a model.

Sentences of known meaning show where each sense lies; the reader's own sentences
are placed among them, layer by layer. A reader can load a real encoder, which
compares any word that their sentences have in common.

Holds only the figure's state: drawing and computing are in `word_in_context.js`.
Taught in chapter 11.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.real_model import RealModelFigure


class WordInContext(RealModelFigure):
    """A live figure of one word's vectors in context.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        word: the word that is followed.
        text: the reader's sentences, one a line; six lines are used.
        references: texts in which the sense of the word is known.
        senses: the sense in each of them; exactly two different ones.
        layer: 0 is the token's own vector, 1 after the first block, and so on.
        real_model: an encoder that a reader can load, or None.

    Raises:
        ValueError: if references and senses do not fit together.
    """

    _module = "word_in_context.js"

    model_file = traitlets.Bytes().tag(sync=True)
    word = traitlets.Unicode("bank").tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    references = traitlets.List(traitlets.Unicode()).tag(sync=True)
    senses = traitlets.List(traitlets.Unicode()).tag(sync=True)
    layer = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        if len(self.references) != len(self.senses) or len(set(self.senses)) != 2:
            raise ValueError(
                "WordInContext needs one sense for each reference, and two different ones; it was "
                f"given {len(self.references)} references and {len(self.senses)} senses, "
                f"{len(set(self.senses))} of them different"
            )
