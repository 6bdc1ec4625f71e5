"""morse-listener: an encoder-decoder that hears Morse code and writes it down.

Taught in chapter 17.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from transformer_lab import model_file
from transformer_lab.beyond_text import Listener
from transformer_lab.blocks import Block
from transformer_lab.generation import generate
from transformer_lab.initialisation import look_at_neighbours
from transformer_lab.languages import morse
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.training import Batch, next_token_batch

PAD, UNKNOWN, START, STOP = 0, 1, 2, 3  # the IDs of [PAD], [UNK], [CLS] and [SEP]
HELD_OUT_SEED = "held out"
NEIGHBOURS = (-2, -1, 1, 2, -3, 3, -4, 4)  # what the first block's heads begin by looking at

model_file.ARCHITECTURES["listener"] = Listener


@dataclass(frozen=True)
class SoundBatch(Batch):
    """The sounds, what is written of each text, what comes next."""

    source: Float[Tensor, "B S N"]
    source_mask: Bool[Tensor, "B 1 1 S"]  # hides what fills up the shorter sounds

    def logits(self, model: nn.Module) -> Float[Tensor, "B T V"]:
        """The model's scores for `targets`."""
        return model(self.source, self.inputs, source_mask=self.source_mask)


@dataclass(frozen=True, kw_only=True)
class MorseListenerReport(Report):
    """The mistakes on held-out sounds: letters to insert, delete or replace, for each letter."""

    error_rate: float
    n_held_out: int

    def summary(self) -> str:
        """How many mistakes it makes."""
        return (
            f"{100 * self.error_rate:.1f} mistakes in 100 letters of {self.n_held_out:,} "
            "held-out sounds"
        )


@dataclass(frozen=True)
class TrainedMorseListener(TrainedModel[Listener, WordPieceTokenizer]):
    """A trained `MorseListener`. It reads sounds; `listen` says what it hears."""

    report: MorseListenerReport

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """It reads no text.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.recipe.name} reads sounds, not text: give them to `listen`")

    def listen(self, samples: np.ndarray) -> str:
        """The letters that it hears in a sound of `morse.RATE` samples a second.

        Raises:
            ValueError: if the sound is too long.
        """
        return hear(self.model, self.tokenizer, samples)


@dataclass(frozen=True, kw_only=True)
class MorseListener(Recipe[Listener, WordPieceTokenizer]):
    """A small encoder-decoder. `n_held_out` counts sounds.

    It begins with sounds of one letter; after every `longer_every` steps they may be one
    letter longer, up to `longest`. With long ones from the first step on, it has to
    find out at once what a letter sounds like and which letter is next, and in a short
    training it learns neither.
    """

    trained_type = TrainedMorseListener
    report_type = MorseListenerReport

    longest: int = 5
    longer_every: int = 200

    def make_tokenizer(self) -> WordPieceTokenizer:
        """One token for each letter."""
        return WordPieceTokenizer.of_words(sorted(morse.CODE))

    def make_model(self, vocab_size: int) -> Listener:
        """With heads that begin by looking at neighbours, as a mark is longer than a slice."""
        model = Listener(self.config(vocab_size, positions="rotary"))
        first = cast(Block, model.encoder_blocks[0])
        look_at_neighbours(first.attention, NEIGHBOURS[: self.n_heads])
        return model

    def batches(self, tokenizer: WordPieceTokenizer) -> Callable[[int], SoundBatch]:
        """New sounds at each step: longer and longer ones."""

        def batch_at(step: int) -> SoundBatch:
            rng = random.Random(f"{self.seed} {step}")
            longest = min(self.longest, 1 + step // self.longer_every)
            drawn = [morse.sample(rng, longest=longest) for _ in range(self.batch_size)]
            return sound_batch(tokenizer, drawn)

        return batch_at

    def measure(self, model: Listener, tokenizer: WordPieceTokenizer) -> dict[str, Any]:
        """How many mistakes it makes on new sounds, left alone with its own letters."""
        rng = random.Random(f"{HELD_OUT_SEED} {self.seed}")
        drawn = [morse.sample(rng, longest=self.longest) for _ in range(self.n_held_out)]
        heard = [hear(model, tokenizer, samples) for samples, _ in drawn]
        return {
            "error_rate": error_rate(heard, [text for _, text in drawn]),
            "n_held_out": self.n_held_out,
        }

    def facts(self, tokenizer: WordPieceTokenizer) -> dict[str, str]:
        """The tokens that begin and end a text."""
        return {"start": "[CLS]", "stop": "[SEP]"}


def sound_batch(
    tokenizer: WordPieceTokenizer, drawn: Sequence[tuple[np.ndarray, str]]
) -> SoundBatch:
    """Sounds and their texts; what fills up the shorter sounds is hidden."""
    texts = [[START, *(tokenizer.vocab[letter] for letter in text), STOP] for _, text in drawn]
    batch = next_token_batch(texts, pad_id=PAD)
    sounds = [morse.slices(samples) for samples, _ in drawn]
    lengths = torch.tensor([len(sound) for sound in sounds])
    source = pad_sequence(sounds, batch_first=True)  # (B, S, N)
    is_heard = torch.arange(source.shape[1]) < lengths[:, None]  # (B, S)
    return SoundBatch(batch.inputs, batch.targets, source, is_heard[:, None, None, :])


def hear(model: Listener, tokenizer: WordPieceTokenizer, samples: np.ndarray) -> str:
    """What the model writes for a sound, letter by letter, always the likeliest.

    It stops where no hand could have sent more. A decoder that has lost its place can go on for
    ever; Whisper's does so too, and has rules against it (Radford et al. 2023, section 4.5).
    """
    slices = morse.slices(samples)
    reader = model.after_reading(slices[None])
    room = len(slices) // morse.SLICES_A_LETTER
    ids = generate(reader, [START], max_new_tokens=room, temperature=0, stop=STOP)
    return "".join(tokenizer.piece(id) for id in ids)


def edits(written: str, truth: str) -> int:
    """The fewest letters to insert, delete or replace that make `written` right.

    >>> edits("sos", "sos"), edits("so", "sos"), edits("ees", "sos")
    (0, 1, 2)
    """
    row = list(range(len(truth) + 1))
    for i, letter in enumerate(written, start=1):
        new = [i]
        for j, right in enumerate(truth, start=1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (letter != right)))
        row = new
    return row[-1]


def error_rate(written: Sequence[str], truths: Sequence[str]) -> float:
    """All mistakes over all letters that were sent: the character error rate."""
    n_mistakes = sum(edits(*pair) for pair in zip(written, truths, strict=True))
    return n_mistakes / sum(map(len, truths))
