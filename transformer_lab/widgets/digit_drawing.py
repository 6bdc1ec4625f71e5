"""DigitDrawing: draw a digit, and see what a Vision Transformer makes of it.

The reader draws on 8 by 8 squares, with a pointer or with the keys, or takes a held-out
digit. The page's own model says which digit it is, and how its class token looked at the
patches, head by head.

Holds only the figure's state: drawing and computing are in `digit_drawing.js`.
Taught in chapter 17.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class DigitDrawing(LiveFigure):
    """A live figure of a model that reads digits.

    Keyword Args:
        model_file: a Vision Transformer as bytes, from `TrainedModel.to_bytes()`.
        examples: digits to choose from, each `{"label": "3", "pixels": [64 numbers]}`.
        pixels: the ink of each square, row by row, from 0 to 16.
    """

    _module = "digit_drawing.js"

    model_file = traitlets.Bytes().tag(sync=True)
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)
    pixels = traitlets.List(traitlets.Int(min=0, max=16)).tag(sync=True)
