"""TrainingReplay: a training run, to be stopped at any moment and looked into.

Snapshots of the weights are taken along the run. The reader moves through them
and sees the loss, the heads, the prediction and how a story goes on at that
moment, all computed in the page from the weights of that snapshot, on the
reader's own text.

Holds only the figure's state: drawing and computing are in `training_replay.js`.
Taught in chapter 12.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class TrainingReplay(LiveFigure):
    """A live figure of one training run.

    Keyword Args:
        snapshots: model files (bytes) along the run, half precision will do;
            `list(TrainedModel.snapshots.values())`.
        steps: how many training steps each snapshot has behind it.
        losses: the training loss of each step (nats per token).
        floor: the loss that no model can be below on average (nats per token).
        text: what stands in the text box at first.
        selected: which snapshot is shown at first, counted from 0.
        seed: of the draws with which the text goes on; the same at every step, so
            that only training changes it.

    Raises:
        ValueError: if there is no snapshot or no loss, or if snapshots and steps
            are not equally many.
    """

    _module = "training_replay.js"
    _later = ("snapshots",)

    snapshots = traitlets.List(traitlets.Bytes()).tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    losses = traitlets.List(Number()).tag(sync=True)
    floor = Number(0.0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Int(0, min=0).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        if not self.snapshots or len(self.snapshots) != len(self.steps):
            raise ValueError(
                "TrainingReplay needs one step for each snapshot, and at least one; it was given "
                f"{len(self.snapshots)} snapshots and {len(self.steps)} steps"
            )
        if not self.losses:
            raise ValueError("TrainingReplay needs the loss of each step; it was given none")
