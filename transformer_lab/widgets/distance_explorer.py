"""DistanceExplorer: who still remembers, over a distance.

Several trained models read the reader's own row of notes and answer the same
question. Below stand the curves that the chapter has measured.

Holds only the figure's state: drawing and computing are in
`distance_explorer.js`. Taught in chapter 1.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class DistanceExplorer(LiveFigure):
    """A live figure of memory over a distance, in the recall language.

    Keyword Args:
        names: of the models.
        model_files: for each a `safetensors` file (bytes) whose metadata hold
            `architecture` ("decoder", "rnn" or "lstm") and `config` (JSON).
        vocabulary: the tokens of the recall language, in the order of their IDs.
        notes: the row of notes at first, such as "f1 c3 a4".
        distance: which note is asked for at first; 1 is the last one.
        distances: where the curves were measured.
        accuracy: for each model, the share of right answers at each distance.
        spread: for each model, how far the confidence interval of each share
            reaches to either side (default: no intervals are shown).
        gradient: for each model, the size of the answer's gradient at the note
            (default: no such curves are shown).
        chance: the share of right answers of one who guesses.

    Raises:
        ValueError: if names, files and curves are not equally many.
    """

    _module = "distance_explorer.js"

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    model_files = traitlets.List(traitlets.Bytes()).tag(sync=True)
    vocabulary = traitlets.List(traitlets.Unicode()).tag(sync=True)
    notes = traitlets.Unicode().tag(sync=True)
    distance = traitlets.Int(1, min=1).tag(sync=True)
    distances = traitlets.List(traitlets.Int()).tag(sync=True)
    accuracy = traitlets.List(traitlets.List(Number())).tag(sync=True)
    spread = traitlets.List(traitlets.List(Number())).tag(sync=True)
    gradient = traitlets.List(traitlets.List(Number())).tag(sync=True)
    chance = Number(0.25).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        counts = [len(x) for x in (self.names, self.model_files, self.accuracy)]
        may_be_absent = [len(x) for x in (self.spread, self.gradient) if x]
        if len({*counts, *may_be_absent}) != 1 or not counts[0]:
            raise ValueError(
                "DistanceExplorer needs a name, a file and a curve for each model; it got "
                f"{counts[0]} names, {counts[1]} files and {counts[2]} curves of shares, "
                f"{len(self.spread)} of their spread and {len(self.gradient)} of gradients"
            )
