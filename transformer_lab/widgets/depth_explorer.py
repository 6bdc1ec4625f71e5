"""DepthExplorer: what depth does to the signal and to the gradient.

A stack of small layers runs in the page, forward and back, with residual
connections and norms or without. Two curves show the size of the signal and of
the gradient at each layer.

Holds only the figure's state: drawing and computing are in `depth_explorer.js`.
Taught in chapter 9.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class DepthExplorer(LiveFigure):
    """A live figure of a deep stack of layers.

    Keyword Args:
        depth: the number of layers.
        residual: whether each layer adds to its input, or replaces it.
        norm: "none", "pre" (before each layer) or "post" (after the sum).
        scale: the size of the random weights; 1 keeps the size of what passes
            through one linear layer.
        seed: of the random weights.
        guess: whether the curves wait until the reader has predicted.
    """

    _module = "depth_explorer.js"

    depth = traitlets.Int(64, min=1, max=64).tag(sync=True)
    residual = traitlets.Bool(False).tag(sync=True)
    norm = traitlets.Enum(["none", "pre", "post"], "none").tag(sync=True)
    scale = Number(1.0, min=0.5, max=2.0).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    guess = traitlets.Bool(False).tag(sync=True)
