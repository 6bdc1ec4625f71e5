"""DistanceExplorer: who still remembers, and how much gradient is left, over a distance.

Several trained models read the reader's own row of notes and answer the same
question. Beside it stand the curves that the chapter has measured.

Holds only the figure's state: drawing and computing are in
`distance_explorer.js`. Taught in chapter 1.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class DistanceExplorer(LiveFigure):
    """A live figure of memory over a distance, in the recall language.

    Args (keyword only):
        names: of the models.
        model_files: for each a `safetensors` file (bytes) whose metadata hold
            `architecture` ("decoder", "rnn" or "lstm") and `config` (JSON).
        vocabulary: the tokens of the recall language, in the order of their IDs.
        notes: the row of notes at first, such as "f1 c3 a4".
        distance: which note is asked for at first; 1 is the last one.
        distances: where accuracy and gradient were measured.
        accuracy: for each model, the share of right answers at each distance.
        gradient: for each model, the size of the answer's gradient at the note.
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
    accuracy = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    gradient = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    chance = traitlets.Float(0.25).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        counts = [len(x) for x in (self.names, self.model_files, self.accuracy, self.gradient)]
        if len(set(counts)) != 1 or not counts[0]:
            raise ValueError(
                "DistanceExplorer needs a name, a file, and two curves for each model; it got "
                f"{counts[0]} names, {counts[1]} files, {counts[2]} and {counts[3]} curves"
            )
