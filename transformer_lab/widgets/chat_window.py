"""ChatWindow: a conversation, and beside it the one row of tokens that the model is given.

The reader chats with a model that runs in the page. Every message becomes a turn in
one flat sequence, coloured by who speaks, which is sent whole each time. A message
can be forgotten: it stays on the screen, but is no longer sent.

Holds only the figure's state: drawing and computing are in `chat_window.js`.
Taught in chapter 14.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import Number
from transformer_lab.widgets.real_model import RealModelFigure


class ChatWindow(RealModelFigure):
    """A live figure of a chat model at work.

    Keyword Args:
        model_file: a decoder as bytes, from `TrainedModel.to_bytes()`; its metadata
            hold the chat template.
        real_model: a chat model that the reader can load, such as `SMOLLM2`, or None.
        messages: the conversation at first: dictionaries with `role` and `content`.
            What the reader adds comes here too; `forgotten` is true for a message
            that is no longer sent.
        examples: messages to choose from.
        temperature: 0 always takes the likeliest token.
        seed: of the draws; the same seed draws the same answers.
    """

    _module = "chat_window.js"

    model_file = traitlets.Bytes().tag(sync=True)
    messages = traitlets.List(traitlets.Dict()).tag(sync=True)
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)
    temperature = Number(0.0, min=0.0, max=2.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
