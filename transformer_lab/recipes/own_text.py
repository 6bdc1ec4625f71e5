"""A model of a reader's own text: it learns from one file, and continues it.

Holds the reading of the file, sizes that suit its length, and the measuring: the
last tenth of the text is never learned from, and the loss there stands beside
that of someone who knows only how often each token occurs.

Taught in chapter 12.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from transformer_lab.generation import generate
from transformer_lab.models import Decoder
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import BPETokenizer, CharacterTokenizer
from transformer_lab.tokenization.byte_level import split_words
from transformer_lab.training import Batch, batched, evaluate, next_token_batch

TokenizerKind = Literal["characters", "bpe"]

SHORTEST, LONGEST = 500, 20_000_000  # characters of a text that can be learned from
MAX_BYTES = 4 * LONGEST  # a character has at most four in UTF-8
LONG = 300_000  # from here on, words are seen often enough to learn pieces of them
LONGEST_WORD = 2000  # byte-pair encoding glues inside words: a longer one would take hours
LEARNED_SHARE = 0.9  # the rest is held out


@dataclass(frozen=True, kw_only=True)
class OwnTextReport(Report):
    """Losses are in nats per token; bits per character compare different tokenizers."""

    held_out_loss: float
    baseline: float  # see the function of that name
    bits_per_character: float
    n_characters: int
    n_tokens: int

    def summary(self) -> str:
        """The loss, beside those that tell whether it is a good one."""
        losses = self.losses[-20:]
        return (
            f"loss on the last tenth of the text, which it did not learn from: "
            f"{self.held_out_loss:.3f} nats per token "
            f"({self.bits_per_character:.2f} bits per character)\n"
            f"on what it did learn from: {sum(losses) / len(losses):.3f}; of one who knows only "
            f"how often each token occurs: {self.baseline:.3f}"
        )


@dataclass(frozen=True)
class TrainedOwnText(TrainedModel[Decoder, BPETokenizer | CharacterTokenizer]):
    """A trained `OwnText`."""

    recipe: OwnText
    report: OwnTextReport

    def generate(
        self, text: str = "", *, max_new_tokens: int = 300, seed: int = 0, **settings: Any
    ) -> str:
        """Continue a text; settings as in `generation.distribution`.

        The model sees `max_len` tokens at once. When they are full, it goes on
        from the last half of them.

        Raises:
            ValueError: if a character of `text` does not occur in what it learned from.
        """
        ids = self.ids(text)[0].tolist()
        n_prompt, max_len = len(ids), self.model.config.max_len
        while (left := n_prompt + max_new_tokens - len(ids)) > 0:
            window = ids if len(ids) < max_len else ids[-(max_len // 2) :]
            room = min(left, max_len - len(window))
            ids += generate(
                self.model, window, max_new_tokens=room, seed=seed + len(ids), **settings
            )
        # Without a prompt, what it was given to start from is not part of the text.
        return self.tokenizer.decode(ids if text else ids[n_prompt:])

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs that the model is given: a new line, where there is no text."""
        if isinstance(self.tokenizer, CharacterTokenizer):
            if unknown := sorted(set(text) - set(self.tokenizer.vocab)):
                raise ValueError(
                    f"the text that {self.recipe.name} learned from has no "
                    f"{', '.join(map(repr, unknown[:5]))}"
                )
            # A text of one line has no line breaks: then its first character.
            text = text or ("\n" if "\n" in self.tokenizer.vocab else self.recipe.text[0])
        return torch.tensor([self.tokenizer.encode(text or "\n")])


@dataclass(frozen=True, kw_only=True)
class OwnText(Recipe[Decoder, BPETokenizer | CharacterTokenizer]):
    """A decoder, trained on the next token of one text."""

    trained_type = TrainedOwnText
    report_type = OwnTextReport

    text: str = field(repr=False)
    tokenizer: TokenizerKind
    vocab_size: int = 0  # at most, of byte-pair encoding

    @property
    def parts(self) -> tuple[str, str]:
        """The text to learn from, and the last tenth, to measure on."""
        cut = int(LEARNED_SHARE * len(self.text))
        return self.text[:cut], self.text[cut:]

    def make_tokenizer(self) -> BPETokenizer | CharacterTokenizer:
        """Pieces that were learned from the first part, or all characters of the text."""
        if self.tokenizer == "characters":
            return CharacterTokenizer.of_text(self.text)
        return BPETokenizer.train([self.parts[0]], vocab_size=self.vocab_size)

    def make_model(self, vocab_size: int) -> Decoder:
        """A GPT."""
        return Decoder(self.config(vocab_size))

    def batches(self, tokenizer: BPETokenizer | CharacterTokenizer) -> Callable[[int], Batch]:
        """Passages from anywhere in the first part, each `max_len` tokens long."""
        ids = tokenizer.encode(self.parts[0])
        length = min(self.max_len + 1, len(ids))

        def batch_at(step: int) -> Batch:
            rng = random.Random(f"{self.seed} {step}")
            starts = [rng.randrange(len(ids) - length + 1) for _ in range(self.batch_size)]
            return next_token_batch([ids[start : start + length] for start in starts])

        return batch_at

    def measure(
        self, model: Decoder, tokenizer: BPETokenizer | CharacterTokenizer
    ) -> dict[str, float]:
        """The loss on the last tenth, and of one who only counts."""
        learned, held_out = map(tokenizer.encode, self.parts)
        loss = evaluate(model, passages(held_out, self.max_len))
        per_character = (len(held_out) - 1) / len(self.parts[1]) / math.log(2)
        return {
            "held_out_loss": loss,
            "baseline": baseline(learned, held_out, len(tokenizer)),
            "bits_per_character": loss * per_character,
            "n_characters": len(self.text),
            "n_tokens": len(learned) + len(held_out),
        }


def recipe_of_text(
    text: str,
    *,
    name: str,
    tokenizer: TokenizerKind | None = None,
    steps: int | None = None,
    source: str = "a text",
) -> OwnText:
    """A recipe for a text, with sizes that suit its length.

    Args:
        text: at least 500 characters.
        name: what the model is to be called.
        tokenizer: default: characters, and byte-pair encoding for a long text.
        steps: of training.
        source: where the text comes from, in words.

    Raises:
        ValueError: if the text is too short or too long, or the name is no name.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 60:
        raise ValueError(
            f"{name!r} is no name for a model: use small letters, digits and hyphens, as in my-text"
        )
    if not text.strip():
        raise ValueError(f"{source} is empty: there is nothing to learn from")
    if not SHORTEST <= len(text) <= LONGEST:
        short = len(text) < SHORTEST
        raise ValueError(
            f"{source} is too {'short' if short else 'long'}: it has {len(text):,} characters; "
            f"at {'least' if short else 'most'} {SHORTEST if short else LONGEST:,} can be learned "
            "from"
        )
    if tokenizer is None:
        tokenizer = "bpe" if len(text) >= LONG else "characters"
    if tokenizer not in get_args(TokenizerKind):
        raise ValueError(f"tokenizer {tokenizer!r} is not one of characters, bpe")
    if tokenizer == "bpe" and (longest := max(map(len, split_words(text)))) > LONGEST_WORD:
        raise ValueError(
            f"{source} has a word of {longest:,} letters, too long for pieces of words; "
            "take the tokenizer 'characters'"
        )
    sizes = sizes_for(len(text), tokenizer)
    if steps is not None:
        sizes["steps"] = steps
    return OwnText(
        name=name,
        description=f"{source}, {len(text):,} characters",
        text=text,
        tokenizer=tokenizer,
        **sizes,
    )


def sizes_for(n_characters: int, tokenizer: TokenizerKind) -> dict[str, Any]:
    """The sizes of a model for a text of this length.

    A short text is soon known by heart, and from then on the model gets worse at
    all else. So each token is seen about 25 times, and pieces of words, of which
    there are more kinds, 10 times. (Tried on English prose of 20,000 to 100,000
    characters: the loss on the held-out part rose when each was seen more often.)
    """
    pieces = tokenizer == "bpe"
    small = n_characters < LONG
    d_model, batch_size, max_len = 64 if small else 96, 24, 96
    n_seen = (10 / 3 if pieces else 25) * n_characters  # a piece has about 3 characters
    return {
        "d_model": d_model,
        "n_heads": 4,
        "n_layers": 2 if small else 3,
        "d_ff": 4 * d_model,
        "max_len": max_len,
        "batch_size": batch_size,
        "vocab_size": 256 + min(1744, n_characters // 200) if pieces else 0,
        "steps": max(100, min(2000, int(n_seen / (batch_size * max_len)))),
        "peak_lr": 0.008 if small else 0.005,
    }


def read_text(path: Path) -> str:
    """A reader's text file.

    Raises:
        ValueError: if there is no such file, or it is too long, or holds no text; in one
            sentence. What is no regular file (a device, a pipe) might never end, and is
            not opened.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give a text file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no regular file: give a text file")
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ValueError(f"{path} has {size:,} bytes; at most {MAX_BYTES:,} can be read")
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if b"\0" in content:
        raise ValueError(f"{path} is no text but a binary file: save it as plain text in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in UTF-8 (byte {error.start:,} does not fit): save it in UTF-8"
        ) from None
    return text.replace("\r\n", "\n")


def passages(ids: Sequence[int], max_len: int, *, per_batch: int = 64) -> list[Batch]:
    """A text cut into passages, one after another, so that each token is predicted once."""
    starts = range(0, len(ids) - 1, max_len)
    cut = [ids[start : start + max_len + 1] for start in starts]
    return [next_token_batch(group) for group in batched(cut, per_batch)]


def baseline(learned: Sequence[int], held_out: Sequence[int], vocab_size: int) -> float:
    """The loss of one who knows only how often each token occurs (nats per token).

    Each token counts once more than it was seen, so that none is impossible.

    >>> round(baseline([0, 0, 1, 1], [0, 1, 0], 2), 3) == round(math.log(2), 3)
    True
    """
    counts = Counter(learned)
    total = len(learned) + vocab_size
    targets = held_out[1:]  # the first one has nothing before it, so no model predicts it
    return -sum(math.log((counts[id] + 1) / total) for id in targets) / len(targets)
