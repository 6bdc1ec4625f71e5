"""TranslatorSteps: English goes in, Hindi comes out word by word, and where it looks.

The reader types a sentence of the small language. The page's own encoder reads it
once; the decoder writes, one word a step, and each step can be looked at again:
its candidates, and its cross-attention as lines and as a matrix.

Holds only the figure's state: drawing and computing are in `translator_steps.js`.
Taught in chapter 13.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class TranslatorSteps(LiveFigure):
    """A live figure of an encoder-decoder at work.

    Keyword Args:
        model_file: an encoder-decoder as bytes, from `TrainedModel.to_bytes()`.
        romanised: each word of the target language in Latin letters; all other
            words of the vocabulary are those that can be typed.
        examples: sentences to choose from.
        text: what stands in the text box at first.
        step: the word of the translation that is looked at, from 1; 0 for the last.
        look: "mean" or "layer head", such as "1 0": whose cross-attention is drawn.
    """

    _module = "translator_steps.js"

    model_file = traitlets.Bytes().tag(sync=True)
    romanised = traitlets.Dict().tag(sync=True)
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)
    text = traitlets.Unicode("we are friends").tag(sync=True)
    step = traitlets.Int(1, min=0).tag(sync=True)
    look = traitlets.Unicode("mean").tag(sync=True)
