"""A conversation in the terminal: `transformer-lab chat`.

Each line is a message, and the answer appears as it is written. Lines can also come
from a pipe. `Conversation` keeps the list of messages.

Taught in chapter 14.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from transformer_lab.chat.model import ChatModel, Conversation

LONGEST_LINE = 1 << 20  # letters that are read; much less fits into any window
HELP = """\
Type a message and press Enter. Ctrl-C stops an answer, Ctrl-D ends the conversation.
  /forget  forget everything but the system message
  /undo    forget the last message and its answer
  /list    show the messages that are sent each time
  /help    show this
  /quit    end"""


def run(model: ChatModel, *, system: str | None = None, **settings: Any) -> None:
    """Talk until the lines end.

    Args:
        model: who answers.
        system: the system message.
        settings: see `model.Settings`.

    Raises:
        ValueError: if a line has no end.
    """
    interactive = sys.stdin.isatty()
    if interactive:
        with suppress(ImportError):  # not on every system
            import readline  # noqa: F401  (arrow keys, and the lines from before)
        print(f"You talk with {model.name}.\n{HELP}")
    conversation = Conversation(model, system, **settings)
    while True:
        try:
            line = (input("\nyou> ") if interactive else _next_line()).strip()
        except (EOFError, KeyboardInterrupt):
            if interactive:
                print("\nGoodbye.")
            return
        if line == "/quit":
            return
        if line.startswith("/"):
            print(command(conversation, line))
        elif line:
            say(conversation, line, name=f"{model.name}> " if interactive else "")


def _next_line() -> str:
    """One line of a pipe, which may be a file that is no text at all."""
    line = sys.stdin.readline(LONGEST_LINE + 1)
    if not line:
        raise EOFError
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a line has more than {LONGEST_LINE:,} letters: give one message a line")
    return line


def command(conversation: Conversation, line: str) -> str:
    """Do what a line with a slash says, and return what to print."""
    if line == "/forget":
        conversation.messages = list(conversation.system)
        return "(everything is forgotten)"
    if line == "/undo":
        if conversation.messages == conversation.system:
            return "(there is nothing to forget)"
        del conversation.messages[-2:]
        return "(the last message and its answer are forgotten)"
    if line == "/list":
        messages = conversation.messages
        lines = [f"{each['role']}: {printable(each['content'])}" for each in messages]
        return "\n".join(lines) or "(no messages yet)"
    if line == "/help":
        return HELP
    return f"(there is no command {printable(line[:40])}; /help lists them)"


def say(conversation: Conversation, text: str, *, name: str = "") -> None:
    """Send a message, and print the answer as it comes.

    A message that cannot be sent is not kept. An answer that Ctrl-C stops is kept as far
    as it came.
    """
    try:
        reply = conversation.ask(text)
    except ValueError as error:
        print(f"({error})")
        return
    print(name, end="", flush=True)
    try:
        for piece in reply:
            print(printable(piece), end="", flush=True)
        print()
    except KeyboardInterrupt:
        reply.close()
        print(" (stopped)")
    if reply.finish_reason == "length":
        print("(the answer was cut: it may have no more tokens)")
    if reply.dropped:
        print(f"(the {len(reply.dropped)} oldest messages no longer fit, and were not sent)")
    conversation.keep(text, reply)


def printable(text: str) -> str:
    """Text without the characters that would steer the terminal.

    >>> printable("red \\x1b[31mletters")
    'red [31mletters'
    """
    return "".join(each for each in text if each.isprintable() or each in "\n\t")
