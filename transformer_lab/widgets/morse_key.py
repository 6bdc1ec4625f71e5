"""MorseKey: key Morse code, hear it, and see a model write down what it hears.

The reader holds a button, with a pointer or the space bar; or lets an even hand send a text.
The page makes a sound of it, with noise if wanted, and its spectrogram; the page's own
model writes letter by letter, and shows where in the sound it looked.

Holds only the figure's state: sound, drawing and computing are in `morse_key.js`.
Taught in chapter 17.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number


class MorseKey(LiveFigure):
    """A live figure of a model that hears Morse code.

    Keyword Args:
        model_file: a `Listener` as bytes, from `TrainedModel.to_bytes()`.
        text: what an even hand sends at first: letters from a to z.
        noise: standard deviation of the noise; the tone's amplitude is 1.
        tape: how many times as fast as keyed the reader's own sound is played to the model.
    """

    _module = "morse_key.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode("sos").tag(sync=True)
    noise = Number(0.3, min=0.0, max=3.0).tag(sync=True)
    tape = Number(3.0, min=1.0, max=6.0).tag(sync=True)
