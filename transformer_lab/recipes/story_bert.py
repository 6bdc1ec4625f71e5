"""story-bert: an encoder that learns to guess hidden words, and the best guess there is.

Taught in chapter 10.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from transformer_lab.attention import padding_mask
from transformer_lab.blocks import Block
from transformer_lab.initialisation import look_at_neighbours
from transformer_lab.languages import stories
from transformer_lab.models import MaskedWords
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.recipes.story_gpt import story_sequences
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.tokenization.wordpiece import MASK, PAD, SPECIAL_TOKENS, UNKNOWN
from transformer_lab.training import Batch, batched, masked_batch, padded

HELD_OUT_SEED = 2_000_001  # apart from the training seed
PAD_ID, MASK_ID = SPECIAL_TOKENS.index(PAD), SPECIAL_TOKENS.index(MASK)


@dataclass(frozen=True)
class MaskedStories(Batch):
    """Stories with hidden words. `targets` holds the words, and IGNORED elsewhere."""

    def logits(self, model: nn.Module) -> Float[Tensor, "B T V"]:
        """The model's scores for `targets`, with the padding hidden."""
        return model(self.inputs, mask=padding_mask(self.inputs, PAD_ID))


@dataclass(frozen=True, kw_only=True)
class StoryBERTReport(Report):
    """The share of hidden words that is guessed, by the model and by others."""

    accuracy: float
    best_accuracy: float  # of the grammar itself, which sees both sides
    left_accuracy: float  # of the grammar, which sees the left side only
    frequent_accuracy: float  # of one who always says the most frequent word
    n_questions: int

    def summary(self) -> str:
        """The accuracy, beside the best possible one."""
        return (
            f"{100 * self.accuracy:.1f} % of {self.n_questions:,} hidden words are guessed; "
            f"the best guess that the grammar allows is right for {100 * self.best_accuracy:.1f} %"
        )


@dataclass(frozen=True)
class TrainedStoryBERT(TrainedModel[MaskedWords, WordPieceTokenizer]):
    """A trained `StoryBERT`."""

    recipe: StoryBERT
    report: StoryBERTReport

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs of `[CLS]`, the words in small letters, `[SEP]`."""
        return torch.tensor([self.tokenizer.encode_for_bert(text)[0]])

    def guess(self, text: str) -> list[dict[str, float]]:
        """For each `[MASK]` in the text, every word with its probability, best first.

        A word of the text that no story holds is read as `[UNK]`.

        Raises:
            ValueError: if the text hides no word, or is too long.
        """
        ids = self.ids(text)
        if MASK_ID not in ids:
            raise ValueError(f"there is nothing to guess: write {MASK} where a word is hidden")
        with torch.no_grad():
            logits = self.model(ids)[ids == MASK_ID]  # (number of hidden words, V)
        guesses = []
        for probabilities in logits.softmax(dim=-1):
            best = probabilities.sort(descending=True)
            words = map(self.tokenizer.piece, best.indices.tolist())
            guesses.append(dict(zip(words, best.values.tolist(), strict=True)))
        return guesses

    def unknown_words(self, text: str) -> list[str]:
        """The words of the text that the model can only read as `[UNK]`."""
        unknown = self.tokenizer.vocab[UNKNOWN]
        words = stories.split(text.replace(MASK, ""))
        return [word for word in words if unknown in self.tokenizer.encode(word)]

    @cached_property
    def questions(self) -> list[Question]:
        """The held-out questions that `report` is measured on."""
        return held_out_questions(self.recipe)


@dataclass(frozen=True, kw_only=True)
class StoryBERT(Recipe[MaskedWords, WordPieceTokenizer]):
    """An encoder, trained on hidden words of stories by BERT's rule."""

    trained_type = TrainedStoryBERT
    report_type = StoryBERTReport

    share: float = 0.15  # of the words are chosen; of the chosen ones
    share_masked: float = 0.8  # are hidden
    share_random: float = 0.1  # become another word

    def make_tokenizer(self) -> WordPieceTokenizer:
        """Every word of the language is one piece, in small letters as in BERT."""
        return WordPieceTokenizer.of_words(stories.GRAMMAR.vocabulary())

    def make_model(self, vocab_size: int) -> MaskedWords:
        """Blocks as large as those of `story-gpt`, without the causal mask.

        A `[MASK]` says nothing about its word: what stands around it must, and a word
        is often to be copied from elsewhere in the story. Questions about a few words
        of each story teach only slowly where to look. So the first block starts out
        looking at the neighbours (positions are rotary, because those know distances),
        and the head starts by letting everything pass.
        """
        model = MaskedWords(self.config(vocab_size, positions="rotary"))
        first = cast(Block, model.encoder.blocks[0])
        look_at_neighbours(first.attention, offsets=(-1, 1, -2, 2))
        # GELU hardly bends what lies around 2, and the norm subtracts the mean again. So
        # a word that an attention layer copies is compared with the embeddings at once.
        model.transform.weight.data = torch.eye(self.d_model)
        model.transform.bias.data.fill_(2.0)
        return model

    def batches(self, tokenizer: WordPieceTokenizer) -> Callable[[int], MaskedStories]:
        """Stories with hidden words, none of them held out."""
        sequences_at = story_sequences(
            lambda story: story_ids(tokenizer, story),
            batch_size=self.batch_size,
            seed=self.seed,
            without=set(map(str, held_out_stories(self))),
        )
        words = range(len(SPECIAL_TOKENS), len(tokenizer))

        def batch_at(step: int) -> MaskedStories:
            batch = masked_batch(
                sequences_at(step),
                words=words,
                mask_id=MASK_ID,
                pad_id=PAD_ID,
                share=self.share,
                share_masked=self.share_masked,
                share_random=self.share_random,
                generator=torch.Generator().manual_seed(1_000_003 * self.seed + step),
            )
            return MaskedStories(batch.inputs, batch.targets)

        return batch_at

    def measure(self, model: MaskedWords, tokenizer: WordPieceTokenizer) -> dict[str, float]:
        """How often a hidden word is guessed, and how often others would guess it."""
        questions = held_out_questions(self)
        right = guessed_right(model, tokenizer, questions)
        everywhere = most_frequent_word(self)
        return {
            "accuracy": sum(right) / len(right),
            "best_accuracy": fmean(chance(q.possible, q.hidden) for q in questions),
            "left_accuracy": fmean(chance(q.possible_from_left, q.hidden) for q in questions),
            "frequent_accuracy": fmean(q.hidden == everywhere for q in questions),
            "n_questions": len(questions),
        }

    def facts(self, tokenizer: WordPieceTokenizer) -> dict[str, str]:
        """The tokens around a text, and the one that hides a word."""
        return {"start": "[CLS]", "stop": "[SEP]", "mask": MASK}


@dataclass(frozen=True)
class Question:
    """A story with one hidden word, and what the grammar itself says about it.

    All words are in small letters, as the model reads them.
    """

    story: stories.Story
    place: int  # of the hidden word

    @property
    def hidden(self) -> str:
        """The word that is hidden."""
        return self.story.words[self.place].text.lower()

    @property
    def text(self) -> str:
        """The story with `[MASK]` in place of the hidden word."""
        words = [word.text for word in self.story.words]
        return stories.spell([*words[: self.place], MASK, *words[self.place + 1 :]])

    @cached_property
    def possible(self) -> dict[str, float]:
        """The exact probability of each word at this place, given both sides.

        The grammar sees capitals and the model does not. So this is, if anything,
        a little better than the best that a model can do.
        """
        words = [word.text for word in self.story.words]
        return in_small_letters(stories.GRAMMAR.hidden_word(words, self.place))

    @cached_property
    def possible_from_left(self) -> dict[str, float]:
        """The exact probability of each word at this place, given the left side alone."""
        words = [word.text for word in self.story.words]
        return in_small_letters(stories.GRAMMAR.next_word(words[: self.place]))


def held_out_stories(recipe: StoryBERT) -> list[stories.Story]:
    """The stories that training leaves out, to measure on."""
    return list(stories.sample_many(recipe.n_held_out, seed=HELD_OUT_SEED + recipe.seed))


def held_out_questions(recipe: StoryBERT) -> list[Question]:
    """One hidden word in each held-out story, drawn from all its places."""
    rng = random.Random(f"questions {recipe.seed}")
    held_out = held_out_stories(recipe)
    return [Question(story, rng.randrange(len(story.words))) for story in held_out]


def story_ids(tokenizer: WordPieceTokenizer, story: stories.Story) -> list[int]:
    """`[CLS]`, the words of the story, `[SEP]`."""
    return tokenizer.encode_for_bert(str(story))[0]


@torch.no_grad()
def hidden_word_logits(
    model: MaskedWords, tokenizer: WordPieceTokenizer, questions: Sequence[Question]
) -> Float[Tensor, "B V"]:
    """For each question, the model's score for every word at the hidden place."""
    found = []
    for group in batched(questions, 200):
        ids = padded((tokenizer.encode_for_bert(one.text)[0] for one in group), PAD_ID)  # (B, T)
        logits = model(ids, mask=padding_mask(ids, PAD_ID))  # (B, T, V)
        found.append(logits[ids == MASK_ID])  # (B, V)
    return torch.cat(found)


def guessed_right(
    model: MaskedWords, tokenizer: WordPieceTokenizer, questions: Sequence[Question]
) -> list[bool]:
    """For each question, whether the model's first guess is the hidden word."""
    guesses = hidden_word_logits(model, tokenizer, questions).argmax(dim=-1)
    truth = [tokenizer.vocab[question.hidden] for question in questions]
    return (guesses == torch.tensor(truth)).tolist()


def chance(possible: dict[str, float], word: str) -> float:
    """How likely the best guess is this word; equally good guesses share the chance.

    >>> chance({"red": 0.4, "blue": 0.4, "old": 0.2}, "blue")
    0.5
    """
    most = max(possible.values())
    best = [other for other, probability in possible.items() if probability > most - 1e-9]
    return (word in best) / len(best)


def most_frequent_word(recipe: StoryBERT) -> str:
    """The word that one who never looks at the text would always say."""
    drawn = stories.sample_many(recipe.n_held_out, seed=recipe.seed)
    counts = Counter(word.text.lower() for story in drawn for word in story.words)
    return counts.most_common(1)[0][0]


def in_small_letters(probabilities: dict[str, float]) -> dict[str, float]:
    """Add up the probabilities of words that differ only in capitals."""
    added: defaultdict[str, float] = defaultdict(float)
    for word, probability in probabilities.items():
        added[word.lower()] += probability
    return dict(sorted(added.items(), key=lambda item: -item[1]))
