"""BendSpace: a network of two inputs that trains in the page, and folds its space.

Holds only the figure's state: drawing and computing are in `bend_space.js`.
Taught in chapter 8.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class BendSpace(LiveFigure):
    """A live playground for what a non-linearity can do.

    Keyword Args:
        data: "circles", "xor", "spiral" or "own" (the points of `points`).
        activation: "none", "relu", "gelu" or "swiglu".
        depth: hidden layers.
        width: neurons in each.
        seed: of the first weights.
        points: the reader's own points, [x, y, class] with x and y from -1 to 1.
    """

    _module = "bend_space.js"

    data = traitlets.Enum(["circles", "xor", "spiral", "own"], "circles").tag(sync=True)
    activation = traitlets.Enum(["none", "relu", "gelu", "swiglu"], "none").tag(sync=True)
    depth = traitlets.Int(1, min=1, max=4).tag(sync=True)
    width = traitlets.Int(4, min=2, max=8).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    points = traitlets.List(traitlets.List(Number())).tag(sync=True)
