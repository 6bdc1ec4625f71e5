"""ModelMap: a whole model as a map, and one token on its way through it.

Each part of the map is a button. It shows what the part is for, which shapes go
in and come out, how many parameters it has, and the numbers of one token there.

Holds only the figure's state: drawing and computing are in `model_map.js`.
Taught in chapter 2.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class ModelMap(LiveFigure):
    """A live map of one decoder.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: what stands in the text box at first.
        part: the part that is open at first, such as "tokens", "embeddings",
            "blocks.0.attention", "final_norm" or "head".
        token: the token that is followed, counted from 0; -1 is the last one.
    """

    _module = "model_map.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    part = traitlets.Unicode("tokens").tag(sync=True)
    token = traitlets.Int(-1, min=-1).tag(sync=True)
