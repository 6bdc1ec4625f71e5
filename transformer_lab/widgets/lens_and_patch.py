"""LensAndPatch: two texts, what the model would say half-way, and what carries the answer.

A table shows at every token and depth what the model would say if it stopped there. A
click carries the residual stream of that place from one text into the other, and the
answer moves with it, or does not. A reader can load a real model, which reads two texts
of its own.

Holds only the figure's state: drawing and computing are in `lens_and_patch.js`.
Taught in chapter 16.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.real_model import RealModelFigure

TWO_NAMES = "When Mary and John went to the store, {} gave a drink to"


class LensAndPatch(RealModelFigure):
    """A live figure of the logit lens and of activation patching.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: the text whose answer is changed.
        other_text: the text whose numbers are carried over; it needs as many tokens.
        cells: pairs [depth, token] that are carried over at first, counted from 0; depth 0 is
            after the embeddings, depth 1 after the first block, and so on.
        tried: whether each cell is shaded by what it alone brings over.
        real_model: a decoder that a reader can load, or None.
        real_text, real_other_text: the two texts that it reads at first; the defaults are
            those of Wang et al. 2022, whose answer is the name that was said only once.
    """

    _module = "lens_and_patch.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    other_text = traitlets.Unicode().tag(sync=True)
    cells = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    tried = traitlets.Bool(False).tag(sync=True)
    real_text = traitlets.Unicode(TWO_NAMES.format("John")).tag(sync=True)
    real_other_text = traitlets.Unicode(TWO_NAMES.format("Mary")).tag(sync=True)
