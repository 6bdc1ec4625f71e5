"""LensAndPatch: two texts, what the model would say half-way, and what carries the answer.

A table shows at every token and depth what the model would say if it stopped there. A
click carries the residual stream of that place from one text into the other, and the
answer moves with it, or does not.

Holds only the figure's state: drawing and computing are in `lens_and_patch.js`.
Taught in chapter 16.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class LensAndPatch(LiveFigure):
    """A live figure of the logit lens and of activation patching.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: the text whose answer is changed.
        other_text: the text whose numbers are carried over; it needs as many tokens.
        cells: pairs [depth, token] that are carried over at first, counted from 0; depth 0 is
            after the embeddings, depth 1 after the first block, and so on.
        tried: whether each cell is shaded by what it alone brings over.
    """

    _module = "lens_and_patch.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    other_text = traitlets.Unicode().tag(sync=True)
    cells = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    tried = traitlets.Bool(False).tag(sync=True)
