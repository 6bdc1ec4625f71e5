"""translator: an encoder-decoder that learns to turn English into Hindi.

Taught in chapter 13.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from transformer_lab.attention import padding_mask
from transformer_lab.generation import beam_search, generate
from transformer_lab.languages import translation
from transformer_lab.models import EncoderDecoder
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.training import IGNORED, Batch, batched, next_token_batch, padded

PAD, UNKNOWN, START, STOP = 0, 1, 2, 3  # the IDs of [PAD], [UNK], [CLS] and [SEP]


@dataclass(frozen=True)
class TranslationBatch(Batch):
    """The sentences to translate, what is written of the translation, what comes next."""

    source: Int[Tensor, "B S"]

    def logits(self, model: nn.Module) -> Float[Tensor, "B T V"]:
        """The model's scores for `targets`, with the source's padding hidden."""
        return model(self.source, self.inputs, source_mask=padding_mask(self.source, PAD))


@dataclass(frozen=True, kw_only=True)
class TranslatorReport(Report):
    """The share of held-out sentences that come out right to the last word."""

    exact_match: float
    exact_match_of_kind: dict[str, float]
    n_held_out: int

    def summary(self) -> str:
        """How many sentences come out right."""
        return (
            f"{100 * self.exact_match:.1f} % of {self.n_held_out:,} held-out sentences "
            "come out right to the last word"
        )


@dataclass(frozen=True)
class TrainedTranslator(TrainedModel[EncoderDecoder, WordPieceTokenizer]):
    """A trained `Translator`."""

    report: TranslatorReport

    def ids(self, text: str) -> Int[Tensor, "1 S"]:
        """The token IDs of an English sentence, which the encoder reads.

        Raises:
            ValueError: if the sentence is empty, too long, or has an unknown word.
        """
        words = translation.split(text)
        unknown = [word for word in words if word not in _english_words()]
        if unknown:
            raise ValueError(
                f"this translator does not know {', '.join(map(repr, unknown))}; "
                f"it knows {len(_english_words())} words, such as "
                "'we', 'girl', 'is', 'reading', 'red', 'book', 'market'"
            )
        if not words:
            raise ValueError("there is nothing to translate: give a sentence, 'we are friends'")
        if len(words) >= self.recipe.max_len:
            raise ValueError(
                f"the sentence has {len(words)} words; this translator reads at most "
                f"{self.recipe.max_len - 1}"
            )
        return torch.tensor([source_ids(self.tokenizer, words)])

    def translate(self, english: str, *, n_beams: int = 1) -> str:
        """The Hindi of an English sentence: greedily, or with beam search.

        Raises:
            ValueError: as for `ids`.
        """
        model = self.model.after_reading(self.ids(english))
        room = self.recipe.max_len - 1
        if n_beams == 1:
            ids = generate(model, [START], max_new_tokens=room, temperature=0, stop=STOP)
        else:
            [best, *_] = beam_search(
                model, [START], stop=STOP, n_beams=n_beams, max_new_tokens=room
            )
            ids = best.ids
        return translation.spell([self.tokenizer.piece(id) for id in ids])


@dataclass(frozen=True, kw_only=True)
class Translator(Recipe[EncoderDecoder, WordPieceTokenizer]):
    """An encoder-decoder as in 2017, small. `n_held_out` counts sentences of each kind."""

    trained_type = TrainedTranslator
    report_type = TranslatorReport

    def make_tokenizer(self) -> WordPieceTokenizer:
        """One vocabulary for both languages, of whole words."""
        english, hindi = translation.vocabulary()
        return WordPieceTokenizer.of_words([*english, *hindi], strip_accents=False)

    def make_model(self, vocab_size: int) -> EncoderDecoder:
        """With sinusoidal positions and ReLU, as in the paper; normalised before each layer."""
        choices = {"positions": "sinusoidal", "activation": "relu"}
        return EncoderDecoder(self.config(vocab_size, **choices))

    def batches(self, tokenizer: WordPieceTokenizer) -> Callable[[int], TranslationBatch]:
        """Sentences of all kinds, equally often, none of them held out."""
        by_kind: dict[str, list[translation.Pair]] = {}
        for pair in translation.held_out(self.n_held_out, seed=self.seed)[0]:
            by_kind.setdefault(pair.kind, []).append(pair)
        kinds = list(by_kind.values())

        def batch_at(step: int) -> TranslationBatch:
            rng = random.Random(f"{self.seed} {step}")
            drawn = [rng.choice(rng.choice(kinds)) for _ in range(self.batch_size)]
            return translation_batch(tokenizer, drawn)

        return batch_at

    def measure(self, model: EncoderDecoder, tokenizer: WordPieceTokenizer) -> dict[str, Any]:
        """How many held-out sentences come out right to the last word."""
        _, held_out = translation.held_out(self.n_held_out, seed=self.seed)
        right = exact_matches(model, tokenizer, held_out)
        kinds: dict[str, list[bool]] = {}
        for pair, is_right in zip(held_out, right, strict=True):
            kinds.setdefault(pair.kind, []).append(is_right)
        return {
            "exact_match": sum(right) / len(right),
            "exact_match_of_kind": {kind: sum(r) / len(r) for kind, r in kinds.items()},
            "n_held_out": len(held_out),
        }

    def facts(self, tokenizer: WordPieceTokenizer) -> dict[str, str]:
        """The tokens that begin and end a translation."""
        return {"start": "[CLS]", "stop": "[SEP]"}


def source_ids(tokenizer: WordPieceTokenizer, words: Sequence[str]) -> list[int]:
    """The IDs of a sentence to translate, with the token that says that it is over."""
    return [*(tokenizer.vocab[word] for word in words), STOP]


def target_ids(tokenizer: WordPieceTokenizer, words: Sequence[str]) -> list[int]:
    """The IDs of a translation, between the token that starts it and the one that ends it."""
    return [START, *(tokenizer.vocab[word] for word in words), STOP]


def translation_batch(
    tokenizer: WordPieceTokenizer, pairs: Sequence[translation.Pair]
) -> TranslationBatch:
    """Shift right: at each position of the translation, the target is the next token."""
    batch = next_token_batch([target_ids(tokenizer, pair.hindi) for pair in pairs], pad_id=PAD)
    source = padded((source_ids(tokenizer, pair.english) for pair in pairs), PAD)
    return TranslationBatch(batch.inputs, batch.targets, source)


def exact_matches(
    model: EncoderDecoder, tokenizer: WordPieceTokenizer, pairs: Sequence[translation.Pair]
) -> list[bool]:
    """For each sentence, whether the translation is right to the last word.

    Greedy choice with the right words given in advance ("teacher forcing") takes
    the right word everywhere exactly when greedy choice alone does: up to the first
    mistake both see the same. So one pass over all positions is enough.
    """
    right: list[bool] = []
    for group in batched(pairs, 256):
        batch = translation_batch(tokenizer, group)
        with torch.no_grad():
            chosen = batch.logits(model).argmax(dim=-1)  # (B, T)
        right += ((chosen == batch.targets) | (batch.targets == IGNORED)).all(dim=-1).tolist()
    return right


@cache
def _english_words() -> frozenset[str]:
    return frozenset(translation.vocabulary()[0])
