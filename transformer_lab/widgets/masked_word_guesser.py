"""MaskedWordGuesser: hide a word, and see what an encoder and a decoder make of the gap.

The reader types a text and hides words of it. The page's own encoder guesses them
from both sides; the decoder guesses the first of them, and writes on from there,
having seen the left side alone. Below, the attention weights of each.

Holds only the figure's state: drawing and computing are in `masked_word_guesser.js`.
Taught in chapter 10.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class MaskedWordGuesser(LiveFigure):
    """A live figure of an encoder and a decoder before the same gap.

    Keyword Args:
        model_file: an encoder that guesses, as bytes from `TrainedModel.to_bytes()`.
        decoder_file: a decoder that was trained on the same language, likewise.
        examples: texts to choose from.
        text: what stands in the text box at first.
        hidden: which words are hidden, counted from 0, punctuation too.
        look: "mean" or "layer head", such as "1 0": whose attention is drawn.
    """

    _module = "masked_word_guesser.js"

    model_file = traitlets.Bytes().tag(sync=True)
    decoder_file = traitlets.Bytes().tag(sync=True)
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    hidden = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    look = traitlets.Unicode("mean").tag(sync=True)
