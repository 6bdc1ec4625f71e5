"""A chat model: from a list of messages to the assistant's words, piece by piece.

`ChatModel` holds a model with its tokenizer and its template, and the rule for what
falls out of the context window. `Reply` is an answer that is being written, as
`Settings` say. `Conversation` is the list of messages that is sent again, whole, each
time: the model itself remembers nothing from one call to the next.

Taught in chapter 14.
"""

from __future__ import annotations

import codecs
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

from transformer_lab import generation
from transformer_lab.conversation.messages import Message, check
from transformer_lab.conversation.template import ChatTemplate
from transformer_lab.tokenization import BPETokenizer

FinishReason = Literal["stop", "length"]

# The most text that is looked at, for each token of the window. A token of ordinary text
# has about 4 bytes; only long runs of one sign have more than this.
BYTES_PER_TOKEN = 16


class ContextLengthError(ValueError):
    """The last message alone is more than the model sees at once."""


class UnknownTokenError(ValueError):
    """A token is named that the model does not have."""


@runtime_checkable
class LanguageModel(Protocol):
    """From token IDs (1, T) to logits (1, T, V), for at most `config.max_len` tokens."""

    config: Any
    __call__: Callable[..., Tensor]


@dataclass(frozen=True)
class Settings:
    """How the tokens of an answer are chosen, and where it ends.

    Args:
        max_tokens: the most that the answer may have; None: until the window
            is full. At most a quarter of the window is kept free for it.
        temperature, top_p: see `generation.distribution`.
        seed: of the draws; the same seed draws the same answer.
        stop: texts that end the answer; they are not part of it.
        logit_bias: what to add to the scores of these tokens before each choice.
        frequency_penalty: what to take off a token's score each time that the
            answer has it.
        presence_penalty: what to take off once, however often the answer has it.

    Raises:
        ValueError: if a setting cannot be used.
    """

    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    stop: Sequence[str] = ()
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.max_tokens is not None and not self.max_tokens >= 1:
            raise ValueError(f"max_tokens={self.max_tokens} must be at least 1")
        if isinstance(self.stop, str) or not all(isinstance(x, str) and x for x in self.stop):
            raise ValueError("stop must be a list of texts, none of them empty")
        names = ("temperature", "frequency_penalty", "presence_penalty")
        numbers = [(name, getattr(self, name)) for name in names]
        for name, number in [*numbers, *(("logit_bias", x) for x in self.logit_bias.values())]:
            if not math.isfinite(number):
                raise ValueError(f"{name}={number} must be a number")
        generation.check_settings(temperature=self.temperature, top_p=self.top_p, seed=self.seed)


@dataclass(frozen=True)
class Fitted:
    """A conversation cut to the context window."""

    ids: list[int]  # what the model sees
    messages: list[Message]  # those that are in it
    dropped: list[Message]  # those that fell out, in their order


@dataclass(frozen=True)
class ChatModel:
    """A language model that was taught to answer in turns.

    Args:
        name: what it is called by.
        model: the language model.
        tokenizer: byte-level, with the template's special tokens.
        template: the format that the model was taught.
        stop_ids: the tokens with which the model ends its turn.
    """

    name: str
    model: LanguageModel
    tokenizer: BPETokenizer
    template: ChatTemplate
    stop_ids: frozenset[int]

    @property
    def max_len(self) -> int:
        """The most tokens that the model sees at once, its answer included."""
        return self.model.config.max_len

    def fit(self, messages: Sequence[Mapping | Message], room: int) -> Fitted:
        """Cut a conversation so that it leaves `room` tokens for the answer.

        The rule: the system message stays; the oldest exchange (a message of the
        user with the answers to it) falls out first, as a whole, until the rest
        fits. The last message of the user always stays.
        Text is encoded only as far as it can fit, so that the work is bounded.

        Args:
            messages: see `messages.check`.
            room: tokens to keep free for the answer.

        Raises:
            ContextLengthError: if the last message alone is too long.
            ValueError: as for `messages.check`.
        """
        checked = check(messages)
        system = [message for message in checked[:1] if message.role == "system"]
        *older, last = _exchanges(checked[len(system) :])
        needed = f"the last message{' with the system message' if system else ''}"
        spare_bytes = self._spare_bytes([*system, *last], needed)
        beginning = self._encode(self.template.with_system(system))
        end = [*self._encode(last), *self.template.opened(self.tokenizer)]
        spare = self.max_len - room - len(beginning) - len(end)
        if spare < 0:
            raise ContextLengthError(
                f"{needed} takes {len(beginning) + len(end)} tokens; with {room} for the "
                f"answer that is more than the {self.max_len} that {self.name} sees at once"
            )
        middle: deque[int] = deque()
        while older and (spare_bytes := spare_bytes - _n_bytes(older[-1])) >= 0:
            ids = self._encode(older[-1])
            if len(middle) + len(ids) > spare:
                break
            middle.extendleft(reversed(ids))
            older.pop()
        dropped = [message for exchange in older for message in exchange]
        kept = [*system, *checked[len(system) + len(dropped) :]]
        return Fitted([*beginning, *middle, *end], kept, dropped)

    def _spare_bytes(self, messages: Sequence[Message], needed: str) -> int:
        """How many bytes are still read beside the messages that are `needed`, so in words."""
        most, n_bytes = BYTES_PER_TOKEN * self.max_len, _n_bytes(messages)
        if n_bytes > most:
            raise ContextLengthError(
                f"{needed} has {n_bytes:,} bytes; {self.name} sees at most {self.max_len} tokens "
                f"at once, and no more than {most:,} bytes are read"
            )
        return most - n_bytes

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        return [id for each in messages for id in self.template.turn(self.tokenizer, each)]

    def stream(self, messages: Sequence[Mapping | Message], **settings: Any) -> Reply:
        """Start an answer; its text comes in pieces, as the model writes it.

        Args:
            messages: the whole conversation so far; see `messages.check`.
            settings: see `Settings`.

        Raises:
            ValueError: if the messages or a setting cannot be used. This is known
                before the first piece.
        """
        chosen = Settings(**settings)
        if unknown := [id for id in chosen.logit_bias if not 0 <= id < len(self.tokenizer)]:
            raise UnknownTokenError(
                f"logit_bias names the token {unknown[0]}, but {self.name} has only those from 0 "
                f"to {len(self.tokenizer) - 1}"
            )
        quarter = max(1, self.max_len // 4)
        return Reply(self, self.fit(messages, min(chosen.max_tokens or quarter, quarter)), chosen)

    def answer(self, messages: Sequence[Mapping | Message], **settings: Any) -> Reply:
        """The same, written to its end; `Reply.text` holds it."""
        return self.stream(messages, **settings).complete()


class Reply(Iterator[str]):
    """An answer that is being written: iterate over it for pieces of text.

    Each piece is valid text: half a character at the end of a token is held back until
    its other half comes, and so is what may be the beginning of a stop text.

    Attributes:
        text: what has come so far.
        finish_reason: None while it is being written, then "stop" (the model ended
            its turn, or a stop text came) or "length".
        prompt_tokens: how many tokens the model was given.
        completion_tokens: how many it has chosen, the one that ends the turn included.
        dropped: the messages that fell out of the window.
    """

    def __init__(self, model: ChatModel, fitted: Fitted, settings: Settings) -> None:
        self.text = ""
        self.finish_reason: FinishReason | None = None
        self.ids: list[int] = []
        self.prompt_tokens = len(fitted.ids)
        self.completion_tokens = 0
        self.dropped = fitted.dropped
        self._model = model
        self._stop = settings.stop
        most = model.max_len - len(fitted.ids)
        self._max_tokens = min(settings.max_tokens or most, most)
        self._pieces = self._write(_choose(model, fitted.ids, settings))

    def __next__(self) -> str:
        return next(filter(None, self._pieces))

    def steps(self) -> Iterator[str]:
        """The same in small steps: some give no text, as when a part of the prompt was read.

        For callers that do something else between two steps, or may want to stop.
        """
        return self._pieces

    def complete(self) -> Reply:
        """Write it to its end."""
        for _ in self._pieces:
            pass
        return self

    def close(self) -> None:
        """Stop the work: no further token is computed."""
        self._pieces.close()

    def _write(self, tokens: Iterator[int | None]) -> Generator[str, None, None]:
        # A character that is cut off by a token's end waits in the decoder.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        waiting = ""
        reason: FinishReason = "length"
        while self.completion_tokens < self._max_tokens:
            id = next(tokens)
            if id is None:  # a part of the prompt has been read
                yield ""
                continue
            self.completion_tokens += 1
            if id in self._model.stop_ids:
                reason = "stop"
                break
            self.ids.append(id)
            waiting += decoder.decode(self._model.tokenizer.token_bytes(id))
            ends = [at for text in self._stop if (at := waiting.find(text)) >= 0]
            if ends:
                if min(ends):
                    yield self._append(waiting[: min(ends)])
                self.finish_reason = "stop"
                return
            sure = len(waiting) - _partial_stop_length(self._stop, waiting)
            yield self._append(waiting[:sure])
            waiting = waiting[sure:]
        waiting += decoder.decode(b"", final=True)
        if waiting:
            yield self._append(waiting)
        self.finish_reason = reason

    def _append(self, piece: str) -> str:
        self.text += piece
        return piece


class Conversation:
    """A conversation: the list of messages, sent again with each new one.

    Args:
        model: who answers.
        system: the system message, if there is to be one.
        settings: see `Settings`.

    Attributes:
        messages: the list; each a dictionary with `role` and `content`.
    """

    def __init__(self, model: ChatModel, system: str | None = None, **settings: Any) -> None:
        self.model = model
        self.settings = settings
        self.system = [] if system is None else [{"role": "system", "content": system}]
        self.messages = list(self.system)

    def say(self, text: str) -> str:
        """Append the user's message, send the whole list, append the answer and return it.

        If that fails, the list is as before.
        """
        reply = self.ask(text).complete()
        self.keep(text, reply)
        return reply.text

    def ask(self, text: str) -> Reply:
        """Start the answer to the list with one more message; `keep` then puts both into it.

        Raises:
            ValueError: as for `ChatModel.stream`.
        """
        asked = {"role": "user", "content": text}
        return self.model.stream([*self.messages, asked], **self.settings)

    def keep(self, text: str, reply: Reply) -> None:
        """Append the user's message and the answer, as far as it has come."""
        self.messages.append({"role": "user", "content": text})
        self.messages.append({"role": "assistant", "content": reply.text})


def _exchanges(messages: Sequence[Message]) -> list[list[Message]]:
    """Cut before each message of the user: a question stays with its answer."""
    exchanges: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return exchanges


def _n_bytes(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode(errors="replace")) for message in messages)


def _choose(model: ChatModel, prompt: Sequence[int], settings: Settings) -> Iterator[int | None]:
    """The model's tokens, and None between the parts of a long prompt.

    Each token makes itself less likely to come again, by way of the bias.
    """
    bias = dict(settings.logit_bias)
    frequency, presence = settings.frequency_penalty, settings.presence_penalty
    seen: set[int] = set()
    for token in generation.stream(
        model.model,
        prompt,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        max_len=model.max_len,
        bias=bias,
        pauses=True,
    ):
        if token is not None and (frequency or presence):
            once = 0.0 if token in seen else presence
            bias[token] = bias.get(token, 0.0) - frequency - once
            seen.add(token)
        yield token


def _partial_stop_length(stop: Sequence[str], text: str) -> int:
    """How many letters at the end of `text` may be the beginning of a stop text."""
    longest = max((len(end) for end in stop), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(end.startswith(text[-length:]) for end in stop):
            return length
    return 0
