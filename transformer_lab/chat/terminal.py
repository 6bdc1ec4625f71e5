"""A conversation in the terminal: `transformer-lab chat`.

Each line is a message. The whole list of messages is sent again each time, and the
answer appears as it is written. Lines can also come from a pipe.

Taught in chapter 14.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from transformer_lab.chat.model import ChatModel

LONGEST_LINE = 1 << 20  # letters that are read; much less fits into any window
HELP = """\
Type a message and press Enter. Ctrl-C stops an answer, Ctrl-D ends the conversation.
  /forget  forget everything but the system message
  /undo    forget the last message and its answer
  /list    show the messages that are sent each time
  /help    show this
  /quit    end"""


def run(model: ChatModel, *, system: str | None = None, **settings) -> None:
    """Talk until the lines end.

    Args:
        model: who answers.
        system: the system message.
        settings: as for `ChatModel.stream`.

    Raises:
        ValueError: if a line has no end.
    """
    by_hand = sys.stdin.isatty()
    if by_hand:
        with suppress(ImportError):  # not on every system
            import readline  # noqa: F401  (arrow keys, and the lines from before)
        print(f"You talk with {model.name}.\n{HELP}")
    talk = Talk(model, system, settings)
    while True:
        try:
            line = (input("\nyou> ") if by_hand else _next_line()).strip()
        except (EOFError, KeyboardInterrupt):
            if by_hand:
                print("\nGoodbye.")
            return
        if line == "/quit":
            return
        if line.startswith("/"):
            print(talk.command(line))
        elif line:
            talk.say(line, name=f"{model.name}> " if by_hand else "")


def _next_line() -> str:
    """One line of a pipe, which may be a file that is no text at all."""
    line = sys.stdin.readline(LONGEST_LINE + 1)
    if not line:
        raise EOFError
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a line has more than {LONGEST_LINE:,} letters: give one message a line")
    return line


class Talk:
    """The list of messages, and what can be done with it."""

    def __init__(self, model: ChatModel, system: str | None, settings: dict) -> None:
        self.model = model
        self.settings = settings
        self.system = [] if system is None else [{"role": "system", "content": system}]
        self.messages = list(self.system)

    def command(self, line: str) -> str:
        """Do what a line with a slash says, and tell about it."""
        if line == "/forget":
            self.messages = list(self.system)
            return "(everything is forgotten)"
        if line == "/undo":
            if self.messages == self.system:
                return "(there is nothing to forget)"
            del self.messages[-2:]
            return "(the last message and its answer are forgotten)"
        if line == "/list":
            told = [f"{each['role']}: {printable(each['content'])}" for each in self.messages]
            return "\n".join(told) or "(no messages yet)"
        if line == "/help":
            return HELP
        return f"(there is no command {printable(line[:40])}; /help lists them)"

    def say(self, text: str, *, name: str = "") -> None:
        """Send the whole list with one more message, and print the answer as it comes.

        What cannot be sent is not kept. An answer that Ctrl-C stops is kept as far as
        it came.
        """
        sent = [*self.messages, {"role": "user", "content": text}]
        try:
            reply = self.model.stream(sent, **self.settings)
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
        self.messages = [*sent, {"role": "assistant", "content": reply.text}]


def printable(text: str) -> str:
    """Text without the characters that would steer the terminal.

    >>> printable("red \\x1b[31mletters")
    'red [31mletters'
    """
    return "".join(each for each in text if each.isprintable() or each in "\n\t")
