"""FamilyDiagram: one block diagram for the whole family, and what each member changed.

The reader chooses a model and another one to compare it with. The diagram shows the
chosen one's parts in the order in which a token meets them, and marks what differs.
Beside it: its parameters part by part, and what a token costs in memory and work.

Holds only the figure's state: what is drawn and computed stands in
`family_diagram.js` and `engine/family.js`. Taught in chapter 15.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class FamilyDiagram(LiveFigure):
    """A live figure of models as rows of choices.

    Keyword Args:
        rows: the models: dictionaries with `family` ("GPT-2"), `name` ("GPT-2 small"),
            `year`, `architecture` ("encoder", "decoder" or "encoder-decoder") and
            `config` (a `Config` as a dictionary).
        name: the model that is shown; by default the first one.
        compare: the name of the model it is compared with; "" for none.
        context: how many tokens stand in the window, for the costs.
    """

    _module = "family_diagram.js"

    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    compare = traitlets.Unicode("").tag(sync=True)
    context = traitlets.Int(1024, min=1).tag(sync=True)
