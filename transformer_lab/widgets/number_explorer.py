"""NumberExplorer: open any number of a model, and see the sum that it is.

It begins at the probabilities of what comes next and goes down, one click a step: a
logit, the parts that wrote it, a head, its weights, a query and a key, a row of a matrix,
the token's row in the table. Every number is the model's own.

Holds only the figure's state: the numbers come from `engine/explain.js`, the drawing is
in `number_explorer.js`. Taught in chapter 2.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.real_model import RealModelFigure


class NumberExplorer(RealModelFigure):
    """The numbers of one decoder, each as a sum of others.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        real_model: a decoder that the reader can load, such as `SMOLLM2`, or None.
        text: what stands in the text box at first.
        token: the token after which something comes next, counted from 0; -1 is the last one.
        path: the numbers that were opened, one below the other, such as
            `["probability/512", "logit/512"]`; the last one is shown. Each stands for
            itself (`engine/explain.js` lists them; places count from 0), and what is no
            number of this model and text is left out, with all that is below it.
    """

    _module = "number_explorer.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    token = traitlets.Int(-1, min=-1).tag(sync=True)
    path = traitlets.List(traitlets.Unicode()).tag(sync=True)
