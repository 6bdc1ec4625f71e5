"""NextToken: what could come next, how the choice is made, and a story that grows.

The reader types; the model, run in the page, gives a probability to every token
of its vocabulary. Temperature, top-k and top-p reshape and cut that distribution;
a draw from it is appended, and the question is asked again.

Holds only the figure's state: drawing and computing are in `next_token.js`.
Taught in chapter 12; also the landing page's figure.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import Number
from transformer_lab.widgets.real_model import RealModelFigure


class NextToken(RealModelFigure):
    """A live figure of one model's next-token prediction.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        real_model: a decoder that the reader can load, such as `SMOLLM2`, or None.
        text: what stands in the text box at first.
        temperature, top_k, top_p: the settings at first; see `generation.distribution`.
        seed: of the draws; the same seed draws the same tokens.
        compact: fold the finer controls away, as on the landing page.

    Raises:
        TraitError: if a setting is out of its range.
    """

    _module = "next_token.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    temperature = Number(1.0, min=0.0, max=2.0).tag(sync=True)
    top_k = traitlets.Int(0, min=0).tag(sync=True)
    top_p = Number(1.0, min=0.01, max=1.0).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    compact = traitlets.Bool(False).tag(sync=True)
