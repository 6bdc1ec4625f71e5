"""A chat model: from a list of messages to the assistant's words, piece by piece.

`ChatModel` holds a model with its tokenizer and its template, and the rule for what
falls out of the context window. `Reply` is an answer that is being written.
`Conversation` is the list of messages that is sent again, whole, each time: the
model itself remembers nothing from one call to the next.

Taught in chapter 14.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from transformer_lab import generation
from transformer_lab.conversation.messages import Message, check
from transformer_lab.conversation.template import ChatTemplate
from transformer_lab.tokenization import BPETokenizer

# The most text that is looked at, for each token of the window. A token of ordinary text
# has about 4 bytes; only long runs of one sign have more than this.
BYTES_PER_TOKEN = 16


class ContextLengthError(ValueError):
    """The last message alone is more than the model sees at once."""


class UnknownTokenError(ValueError):
    """A token is named that the model does not have."""


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
        model: from token IDs (1, T) to logits (1, T, V); has `config.max_len`.
        tokenizer: byte-level, with the template's special tokens.
        template: the format that the model was taught.
        stop_ids: the tokens with which the model ends its turn.
    """

    name: str
    model: generation.Logits
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
        with_system = " with the system message" if system else ""
        spare_bytes = BYTES_PER_TOKEN * self.max_len
        n_bytes = _bytes([*system, *last])
        if n_bytes > spare_bytes:
            raise ContextLengthError(
                f"the last message{with_system} has {n_bytes:,} bytes; {self.name} sees at most "
                f"{self.max_len} tokens at once, and no more than {spare_bytes:,} bytes are read"
            )
        spare_bytes -= n_bytes
        n_tokens = len(self.template.render(self.tokenizer, [*system, *last]))
        spare = self.max_len - room - n_tokens
        if spare < 0:
            raise ContextLengthError(
                f"the last message{with_system} takes {n_tokens} tokens; with {room} for the "
                f"answer that is more than the {self.max_len} that {self.name} sees at once"
            )
        n_dropped = len(older)
        while n_dropped:
            exchange = older[n_dropped - 1]
            spare_bytes -= _bytes(exchange)
            if spare_bytes < 0:
                break
            spare -= sum(len(self.template.turn(self.tokenizer, each)) for each in exchange)
            if spare < 0:
                break
            n_dropped -= 1
        dropped = [message for each in older[:n_dropped] for message in each]
        kept = [*system, *checked[len(system) + len(dropped) :]]
        return Fitted(self.template.render(self.tokenizer, kept), kept, dropped)

    def stream(
        self,
        messages: Sequence[Mapping | Message],
        *,
        max_tokens: int | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        logit_bias: Mapping[int, float] | None = None,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
    ) -> Reply:
        """Start an answer; its text comes in pieces, as the model writes it.

        Args:
            messages: the whole conversation so far; see `messages.check`.
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
            ValueError: if the messages or a setting cannot be used. This is known
                before the first piece.
        """
        if max_tokens is not None and not max_tokens >= 1:
            raise ValueError(f"max_tokens={max_tokens} must be at least 1")
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature={temperature} must be a number, and not negative")
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p={top_p} must be above 0 and at most 1 (1 keeps every token)")
        if not -(2**63) <= seed < 2**63:
            raise ValueError(f"seed={seed} must be a whole number of at most 63 binary digits")
        if isinstance(stop, str) or not all(isinstance(text, str) and text for text in stop):
            raise ValueError("stop must be a list of texts, none of them empty")
        bias = dict(logit_bias or {})
        amounts = {"frequency_penalty": frequency_penalty, "presence_penalty": presence_penalty}
        for name, amount in [*amounts.items(), *(("logit_bias", each) for each in bias.values())]:
            if not math.isfinite(amount):
                raise ValueError(f"{name}={amount} must be a number")
        if unknown := [id for id in bias if not 0 <= id < len(self.tokenizer)]:
            raise UnknownTokenError(
                f"logit_bias names the token {unknown[0]}, but {self.name} has only those from 0 "
                f"to {len(self.tokenizer) - 1}"
            )
        quarter = max(1, self.max_len // 4)
        fitted = self.fit(messages, min(max_tokens or quarter, quarter))
        most = self.max_len - len(fitted.ids)
        tokens = generation.stream(
            self.model,
            fitted.ids,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_len=self.max_len,
            bias=bias,
            pauses=True,
        )
        tokens = _penalised(tokens, bias, frequency_penalty, presence_penalty)
        return Reply(self, fitted, tokens, min(max_tokens or most, most), tuple(stop))

    def answer(self, messages: Sequence[Mapping | Message], **settings) -> Reply:
        """The same, written to its end; `Reply.text` holds it."""
        reply = self.stream(messages, **settings)
        for _ in reply:
            pass
        return reply


class Reply(Iterator[str]):
    """An answer that is being written: iterate over it for pieces of text.

    Each piece is valid text: a token may hold half a character, which waits for
    its other half. What may be the beginning of a stop text waits too.

    Attributes:
        text: what has come so far.
        finish_reason: None while it is being written, then "stop" (the model ended
            its turn, or a stop text came) or "length".
        prompt_tokens: how many tokens the model was given.
        completion_tokens: how many it has chosen, the one that ends the turn included.
        dropped: the messages that fell out of the window.
    """

    def __init__(
        self,
        model: ChatModel,
        fitted: Fitted,
        tokens: Iterator[int | None],
        max_tokens: int,
        stop: tuple[str, ...],
    ) -> None:
        self.text = ""
        self.finish_reason: str | None = None
        self.ids: list[int] = []
        self.prompt_tokens = len(fitted.ids)
        self.completion_tokens = 0
        self.dropped = fitted.dropped
        self._pieces = self._write(model, tokens, max_tokens, stop)

    def __next__(self) -> str:
        return next(filter(None, self._pieces))

    def steps(self) -> Iterator[str]:
        """The same in small steps: some give no text, as when a part of the prompt was read.

        For who does something else between two steps, or may want to stop.
        """
        return self._pieces

    def close(self) -> None:
        """Stop the work: no further token is computed."""
        self._pieces.close()

    def _write(
        self, model: ChatModel, tokens: Iterator[int | None], max_tokens: int, stop: tuple[str, ...]
    ) -> Iterator[str]:
        # A character that is cut off by a token's end waits in the decoder.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        waiting = ""
        reason = "length"
        while self.completion_tokens < max_tokens:
            id = next(tokens)
            if id is None:  # a part of the prompt has been read
                yield ""
                continue
            self.completion_tokens += 1
            if id in model.stop_ids:
                reason = "stop"
                break
            self.ids.append(id)
            waiting += decoder.decode(model.tokenizer.token_bytes(id))
            ends = [at for text in stop if (at := waiting.find(text)) >= 0]
            if ends:
                if min(ends):
                    yield self._say(waiting[: min(ends)])
                self.finish_reason = "stop"
                return
            sure = len(waiting) - _beginning_of(stop, waiting)
            yield self._say(waiting[:sure])
            waiting = waiting[sure:]
        waiting += decoder.decode(b"", final=True)
        if waiting:
            yield self._say(waiting)
        self.finish_reason = reason

    def _say(self, piece: str) -> str:
        self.text += piece
        return piece


class Conversation:
    """A conversation: the list of messages, sent again with each new one.

    Args:
        model: who answers.
        system: the system message, if there is to be one.
        settings: as for `ChatModel.stream`.
    """

    def __init__(self, model: ChatModel, system: str | None = None, **settings) -> None:
        self.model = model
        self.settings = settings
        self.messages: list[dict[str, str]] = []
        if system is not None:
            self.messages.append({"role": "system", "content": system})

    def say(self, text: str) -> str:
        """Append the user's message, send the whole list, append the answer and return it.

        If that fails, the list is as before.
        """
        sent = [*self.messages, {"role": "user", "content": text}]
        reply = self.model.answer(sent, **self.settings)
        self.messages = [*sent, {"role": "assistant", "content": reply.text}]
        return reply.text


def _exchanges(messages: Sequence[Message]) -> list[list[Message]]:
    """Cut before each message of the user: a question stays with its answer."""
    exchanges: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return exchanges


def _bytes(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode(errors="replace")) for message in messages)


def _penalised(
    tokens: Iterator[int | None], bias: dict[int, float], frequency: float, presence: float
) -> Iterator[int | None]:
    """Pass the tokens on; each makes itself less likely to come again, by way of `bias`."""
    seen = set()
    for token in tokens:
        if token is not None and (frequency or presence):
            once = 0.0 if token in seen else presence
            bias[token] = bias.get(token, 0.0) - frequency - once
            seen.add(token)
        yield token


def _beginning_of(stop: Sequence[str], text: str) -> int:
    """How many letters at the end of `text` may be the beginning of a stop text."""
    longest = max((len(end) for end in stop), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(end.startswith(text[-length:]) for end in stop):
            return length
    return 0
