"""PositionWaves: how a model can know where a token stands, in three ways.

Sinusoidal rows, rows that a model has learned, and rotary positions. The reader
moves two tokens along the text and sees whether what the model can compare, a dot
product, depends on their places or only on their distance.

Holds only the figure's state: drawing and computing are in `position_waves.js`.
Taught in chapter 4.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class PositionWaves(LiveFigure):
    """A live figure of positions: sinusoidal, rotary, and learned if a table is given.

    Keyword Args:
        way: "sinusoidal", "rotary" or "learned".
        position: where the earlier of two tokens stands, counted from 0.
        distance: how many positions later the other one stands.
        size: numbers in a vector, an even number; sinusoidal and rotary.
        base: sets the slowest wave; sinusoidal and rotary.
        table: learned positions, as the bytes of a 16-bit float array of shape
            (positions, numbers); without it there is no "learned".
        table_size: how many numbers a row of `table` has.
        seed: of the query and the key that "rotary" turns.
    """

    _module = "position_waves.js"

    way = traitlets.Enum(["sinusoidal", "rotary", "learned"], "sinusoidal").tag(sync=True)
    position = traitlets.Int(8, min=0).tag(sync=True)
    distance = traitlets.Int(6, min=0).tag(sync=True)
    size = traitlets.Int(16, min=2).tag(sync=True)
    base = Number(10_000.0, min=1.0).tag(sync=True)
    table = traitlets.Bytes().tag(sync=True)
    table_size = traitlets.Int(0, min=0).tag(sync=True)
    seed = traitlets.Int(1, min=0).tag(sync=True)
