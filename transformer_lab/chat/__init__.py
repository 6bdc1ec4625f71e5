"""Chat: a list of messages in, the assistant's words out.

- `model`: the answer, piece by piece; what falls out of the context window.
- `loading`: the models that can be asked, by name.
- `terminal`: a conversation in the terminal.

The list and its tokens are `transformer_lab.conversation`; the same behind a network
address, for any client, is `transformer_lab.server`.

Taught in chapter 14.
"""

from transformer_lab.chat.loading import MODELS, load
from transformer_lab.chat.model import (
    ChatModel,
    ContextLengthError,
    Conversation,
    Reply,
    Settings,
)
from transformer_lab.conversation.messages import Message, check
from transformer_lab.conversation.template import CHATML, PLAIN_TURNS, SMOLLM2, ChatTemplate

__all__ = [
    "CHATML",
    "MODELS",
    "PLAIN_TURNS",
    "SMOLLM2",
    "ChatModel",
    "ChatTemplate",
    "ContextLengthError",
    "Conversation",
    "Message",
    "Reply",
    "Settings",
    "check",
    "load",
]
