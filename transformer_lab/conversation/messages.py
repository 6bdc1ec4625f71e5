"""Messages: a conversation is a list of dictionaries, and each has a role.

    [
        {"role": "system", "content": "you are a math teacher"},
        {"role": "user", "content": "what is 2+1"},
    ]

Holds the three roles and the check of such a list. It leaves out what the list
becomes before a model sees it: see `template.py`.

Source: the shape is that of OpenAI's chat completions
(https://platform.openai.com/docs/api-reference/chat). Taught in chapter 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["system", "user", "assistant"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True)
class Message:
    """One entry of a conversation: who says it, and what.

    Raises:
        ValueError: if there is no such role, or the content is no text.
    """

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"there is no role {self.role!r}; the roles are: {', '.join(ROLES)}")
        if not isinstance(self.content, str):
            kind = type(self.content).__name__
            raise ValueError(f"the content of a message must be text, but it is a {kind}")

    def to_dict(self) -> dict[str, str]:
        """The message as an entry of the list.

        >>> Message("user", "what is 2+1").to_dict()
        {'role': 'user', 'content': 'what is 2+1'}
        """
        return {"role": self.role, "content": self.content}


def check(messages: Sequence[Mapping | Message]) -> list[Message]:
    """The messages of a conversation that waits for the assistant's answer.

    The rules: there is at least one message; each has a role and a content, and
    nothing else; a system message comes first or not at all; the last message is
    the user's, for the assistant has nothing to answer otherwise.

    Args:
        messages: dictionaries, or `Message`s.

    Raises:
        ValueError: if a rule is broken; one sentence says which, and where.

    >>> check([{"role": "user", "content": "what is 2+1"}])
    [Message(role='user', content='what is 2+1')]
    """
    if isinstance(messages, (str, Mapping)) or not isinstance(messages, Sequence):
        kind = type(messages).__name__
        raise ValueError(f"the messages must be a list of messages, but they are a {kind}")
    if not messages:
        raise ValueError("the list of messages is empty: give at least one of the user's")
    checked = [_message(message, number) for number, message in enumerate(messages, start=1)]
    for number, message in enumerate(checked, start=1):
        if message.role == "system" and number > 1:
            raise ValueError(f"message {number} is a system message, but only the first can be one")
    if checked[-1].role != "user":
        raise ValueError(
            f"the last message is from the {checked[-1].role}, but only the user's can be answered"
        )
    return checked


def _message(message: Mapping | Message, number: int) -> Message:
    if isinstance(message, Message):
        return message
    if not isinstance(message, Mapping):
        kind = type(message).__name__
        raise ValueError(f"message {number} must have a role and a content, but it is a {kind}")
    for name in ("role", "content"):
        if name not in message:
            raise ValueError(f"message {number} has no {name!r}")
    if unknown := [name for name in message if name not in ("role", "content")]:
        raise ValueError(
            f"message {number} has {unknown[0]!r}, which means nothing here; "
            "a message has 'role' and 'content'"
        )
    try:
        return Message(message["role"], message["content"])
    except ValueError as error:
        raise ValueError(f"message {number}: {error}") from None
