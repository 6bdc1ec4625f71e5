"""MaskPlayground: who may look at whom, to be clicked, and what follows from it.

The reader sets and clears the cells of a mask. Beside it stands what the mask
really lets through: which token's change reaches which position, found by
changing the tokens one by one and running the model.

Holds only the figure's state: drawing and computing are in `mask_playground.js`.
Taught in chapter 6.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class MaskPlayground(LiveFigure):
    """A live figure of an attention mask, on a model of ours.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: what stands in the text box at first; eight tokens are used.
        n_padding: how many padding tokens there are.
        padding_in_front: whether they stand in front of the text, not behind it.
        mask: rows of booleans, true where a position may look; empty means causal.
        row: the position whose weights are shown, counted from 0.
        layers: after how many blocks the reach is measured.
        after_softmax: whether hidden tokens are set to zero after the softmax,
            which is the mistake, instead of to minus infinity before it.
    """

    _module = "mask_playground.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    n_padding = traitlets.Int(0, min=0, max=3).tag(sync=True)
    padding_in_front = traitlets.Bool(False).tag(sync=True)
    mask = traitlets.List(traitlets.List(traitlets.Bool())).tag(sync=True)
    row = traitlets.Int(3, min=0).tag(sync=True)
    layers = traitlets.Int(1, min=1).tag(sync=True)
    after_softmax = traitlets.Bool(False).tag(sync=True)
