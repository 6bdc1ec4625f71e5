"""Chat: a list of messages in, the assistant's words out.

- `messages`: the list, its roles and its rules.
- `template`: the list becomes one sequence of tokens.
- `model`: the answer, piece by piece; what falls out of the context window.
- `loading`: the models that can be asked, by name.
- `server`, `protocol`, `turns`, `connections`: the same behind a network address, for any client.
- `terminal`: the same for a terminal.

Taught in chapter 14.
"""

from transformer_lab.chat.loading import MODELS, load
from transformer_lab.chat.messages import Message, check
from transformer_lab.chat.model import ChatModel, ContextLengthError, Conversation, Reply
from transformer_lab.chat.template import CHATML, PLAIN_TURNS, SMOLLM2, ChatTemplate

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
    "check",
    "load",
]
