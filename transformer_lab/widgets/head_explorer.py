"""HeadExplorer: every attention head of a model at work, on the reader's own text.

A grid shows one small matrix for each head. The chosen head is shown large, with
what each token looks at; heads can be switched off, and the prediction for the
next token stands beside what it was with all of them. A reader can load a real
model, whose heads then read the same text.

Holds only the figure's state: drawing and computing are in `head_explorer.js`.
Taught in chapter 7.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.real_model import RealModelFigure


class HeadExplorer(RealModelFigure):
    """A live figure of all attention heads of one model.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: what stands in the text box at first.
        layer, head: the head that is shown large at first, counted from 0.
        disabled_heads: pairs [layer, head] that are switched off at first.
        real_model: a decoder that a reader can load, or None.
    """

    _module = "head_explorer.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    layer = traitlets.Int(0, min=0).tag(sync=True)
    head = traitlets.Int(0, min=0).tag(sync=True)
    disabled_heads = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
