"""story-gpt: a decoder that learns to tell stories, and its floor.

Taught in chapters 7 (many heads) and 12 (training).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from transformer_lab.generation import generate
from transformer_lab.languages import stories
from transformer_lab.languages.grammar import END
from transformer_lab.models import Decoder
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.training import Batch, batched, evaluate, next_token_batch

HELD_OUT_SEED, TOKENIZER_SEED = 1_000_001, 1_000_002  # apart from the training seed


@dataclass(frozen=True, kw_only=True)
class StoryGPTReport(Report):
    """Both losses are in nats per token; see `story_floor`."""

    held_out_loss: float
    floor: float

    def summary(self) -> str:
        """The loss, beside its floor."""
        above = 100 * (self.held_out_loss / self.floor - 1)
        return (
            f"held-out loss {self.held_out_loss:.4f} nats per token; the floor is "
            f"{self.floor:.4f} ({above:.1f} % above it)"
        )


@dataclass(frozen=True)
class TrainedStoryGPT(TrainedModel[Decoder, BPETokenizer]):
    """A trained `StoryGPT`."""

    report: StoryGPTReport

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs of a story's beginning; see `prompt_ids`."""
        return torch.tensor([prompt_ids(self.tokenizer, text)])

    def generate(self, text: str = "", *, max_new_tokens: int = 96, **settings: Any) -> str:
        """Continue a text until the story ends; settings as in `generation.stream`."""
        ids = prompt_ids(self.tokenizer, text)
        settings = {"stop": ids[0], "max_len": self.model.config.max_len} | settings
        new = generate(self.model, ids, max_new_tokens=max_new_tokens, **settings)
        return self.tokenizer.decode(ids[1:] + new).strip()

    @cached_property
    def unseen_tokens(self) -> list[int]:
        """The token IDs that no story holds: the model knows nothing about them."""
        return _unseen_tokens(self.tokenizer)


@dataclass(frozen=True, kw_only=True)
class StoryGPT(Recipe[Decoder, BPETokenizer]):
    """A decoder, trained on the next token of stories."""

    trained_type = TrainedStoryGPT
    report_type = StoryGPTReport

    vocab_size: int  # at most; training the tokenizer stops when no pair is left
    n_tokenizer_stories: int = 1500

    def make_tokenizer(self) -> BPETokenizer:
        """Byte-pair encoding, learned from stories."""
        drawn = stories.sample_many(self.n_tokenizer_stories, seed=TOKENIZER_SEED + self.seed)
        texts = (f" {story}" for story in drawn)
        return BPETokenizer.train(texts, vocab_size=self.vocab_size, special_tokens=[END])

    def make_model(self, vocab_size: int) -> Decoder:
        """A GPT."""
        return Decoder(self.config(vocab_size))

    def batches(self, tokenizer: BPETokenizer) -> Callable[[int], Batch]:
        """Stories, none of them held out."""
        return story_batches(
            tokenizer,
            batch_size=self.batch_size,
            seed=self.seed,
            without=set(map(str, held_out_stories(self))),
        )

    def measure(self, model: Decoder, tokenizer: BPETokenizer) -> dict[str, float]:
        """The loss on held-out stories, and the least that is possible there."""
        held_out = held_out_stories(self)
        return {
            "held_out_loss": held_out_loss(model, tokenizer, held_out),
            "floor": story_floor(held_out, tokenizer),
        }

    def facts(self, tokenizer: BPETokenizer) -> dict[str, str]:
        """The start token, and the tokens that never occur in training."""
        return {"start": END, "unseen_tokens": json.dumps(_unseen_tokens(tokenizer))}


def prompt_ids(tokenizer: BPETokenizer, text: str) -> list[int]:
    """The start token, then the words of `text`, each with a space before it.

    Stories are written like that in training, so that a word is the same token
    at the start of a story and in the middle of it.
    """
    return tokenizer.encode(END + "".join(f" {word}" for word in text.split()))


def story_batches(
    tokenizer: BPETokenizer, *, batch_size: int, seed: int, without: Collection[str] = ()
) -> Callable[[int], Batch]:
    """The batch of each training step: fresh stories, none of them in `without`."""

    # Each word with its space is cut by itself, so its tokens can be looked up.
    @cache
    def ids_of_word(word: str) -> list[int]:
        return tokenizer.encode(stories.spell(["", word]))

    def ids_of(story: stories.Story) -> list[int]:
        end = tokenizer.vocab[END]
        return [end, *(id for word in story.words for id in ids_of_word(word.text)), end]

    sequences_at = story_sequences(ids_of, batch_size=batch_size, seed=seed, without=without)
    return lambda step: next_token_batch(sequences_at(step))


def story_sequences(
    ids_of: Callable[[stories.Story], list[int]],
    *,
    batch_size: int,
    seed: int,
    without: Collection[str] = (),
) -> Callable[[int], Sequence[list[int]]]:
    """The stories of each training step, as `ids_of` writes them; none is in `without`.

    Stories are drawn for 32 steps at a time and sorted by length, so that those
    in one batch are about as long as each other and little is spent on padding.
    """
    without = set(without)
    n_batches = 32

    @lru_cache(maxsize=1)
    def pool(index: int) -> list[Sequence[list[int]]]:
        rng = random.Random(f"{seed} {index}")
        drawn: list[list[int]] = []
        while len(drawn) < n_batches * batch_size:
            story = stories.GRAMMAR.sample(rng)
            if str(story) not in without:
                drawn.append(ids_of(story))
        drawn.sort(key=len)
        batches = list(batched(drawn, batch_size))
        rng.shuffle(batches)
        return batches

    return lambda step: pool(step // n_batches)[step % n_batches]


def held_out_stories(recipe: StoryGPT) -> list[stories.Story]:
    """The stories that training leaves out, to measure on."""
    return list(stories.sample_many(recipe.n_held_out, seed=HELD_OUT_SEED + recipe.seed))


def story_floor(held_out: Sequence[stories.Story], tokenizer: BPETokenizer) -> float:
    """The loss of the true distribution on these stories (nats per token).

    The probability of a story does not depend on how it is cut into tokens, so
    the log probability of its words is shared out over its tokens.
    """
    log_p = sum(
        stories.GRAMMAR.log_probability([word.text for word in story.words]) for story in held_out
    )
    n_tokens = sum(len(_story_ids(tokenizer, str(story))) - 1 for story in held_out)
    return -log_p / n_tokens


def held_out_loss(
    model: Decoder, tokenizer: BPETokenizer, held_out: Sequence[stories.Story]
) -> float:
    """The model's loss on these stories (nats per token)."""
    sequences = sorted((_story_ids(tokenizer, str(story)) for story in held_out), key=len)
    return evaluate(model, map(next_token_batch, batched(sequences, 100)))


def _story_ids(tokenizer: BPETokenizer, story: str) -> list[int]:
    """A story between two start tokens: the second one says that it is over."""
    ids = prompt_ids(tokenizer, story)
    return [*ids, ids[0]]


def _unseen_tokens(tokenizer: BPETokenizer) -> list[int]:
    words = stories.GRAMMAR.vocabulary()
    seen = {id for word in words for id in tokenizer.encode(stories.spell(["", word]))}
    return sorted(set(tokenizer.vocab.values()) - seen - {tokenizer.vocab[END]})
