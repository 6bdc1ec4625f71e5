"""story-bert: an encoder that learns to guess hidden words, and the best guess there is.

Taught in chapter 10.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from transformer_lab.attention import padding_mask
from transformer_lab.languages import stories
from transformer_lab.models import MaskedWords
from transformer_lab.recipes.recipe import Recipe, TrainedModel
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.training import IGNORED, Batch

HELD_OUT_SEED = 2_000_001  # apart from the training seed
PAD, MASK, N_SPECIAL = 0, 4, 5  # the IDs of [PAD] and [MASK]; the words come after them


@dataclass(frozen=True)
class MaskedBatch(Batch):
    """Stories with hidden words, and the words; `targets` is IGNORED elsewhere."""

    def logits(self, model: MaskedWords) -> Tensor:
        """The model's scores for `targets`, with the padding hidden."""
        return model(self.inputs, mask=padding_mask(self.inputs, PAD))


@dataclass(frozen=True)
class TrainedGuesser(TrainedModel):
    """A trained `StoryBERT`. `report` adds `accuracy`, `best_accuracy`, `n_questions`."""

    def guess(self, text: str) -> list[dict[str, float]]:
        """For each `[MASK]` in the text, every word with its probability, best first."""
        ids, _ = self.tokenizer.encode_for_bert(text)
        with torch.no_grad():
            probabilities = self.model(torch.tensor([ids]))[0].softmax(dim=-1)  # (T, V)
        guesses = []
        for place in (i for i, id in enumerate(ids) if id == MASK):
            best = probabilities[place].sort(descending=True)
            words = map(self.tokenizer.piece, best.indices.tolist())
            guesses.append(dict(zip(words, best.values.tolist(), strict=True)))
        return guesses


@dataclass(frozen=True, kw_only=True)
class StoryBERT(Recipe):
    """An encoder, trained on hidden words of stories."""

    trained_model = TrainedGuesser
    sources = ("languages/grammar.py", "languages/stories.py")

    share_hidden: float = 0.15  # of the words of each story

    def make_tokenizer(self) -> WordPieceTokenizer:
        """Every word of the language is one piece, in small letters, as in BERT."""
        return WordPieceTokenizer.of_words(stories.GRAMMAR.vocabulary())

    def make_model(self, vocab_size: int) -> MaskedWords:
        """The same blocks as those of `story-gpt`, without the causal mask."""
        return MaskedWords(self.config(vocab_size))

    def batches(self, tokenizer: WordPieceTokenizer) -> Callable[[int], MaskedBatch]:
        """Stories with some of their words hidden, none of them held out."""
        without = set(map(str, held_out_stories(self)))

        def batch_at(step: int) -> MaskedBatch:
            rng = random.Random(f"{self.seed} {step}")
            drawn: list[list[int]] = []
            while len(drawn) < self.batch_size:
                story = stories.GRAMMAR.sample(rng)
                if str(story) not in without:
                    drawn.append(story_ids(tokenizer, story))
            return masked_batch(
                drawn, vocab_size=len(tokenizer), rng=rng, share=self.share_hidden
            )

        return batch_at

    def measure(self, model: MaskedWords, tokenizer: WordPieceTokenizer) -> dict:
        """How often a hidden word is guessed, and how often the grammar itself would."""
        questions = held_out_questions(self)
        right = guessed_right(model, tokenizer, questions)
        best = [_says(question.best, question.hidden) for question in questions]
        return {
            "accuracy": sum(right) / len(right),
            "best_accuracy": sum(best) / len(best),
            "n_questions": len(questions),
        }

    def facts(self, tokenizer: WordPieceTokenizer) -> dict[str, str]:
        """The tokens around a text, and the one that hides a word."""
        return {"start": "[CLS]", "stop": "[SEP]", "mask": "[MASK]"}

    def summary(self, report: dict) -> str:
        """The accuracy, beside the best possible one."""
        return (
            f"{100 * report['accuracy']:.1f} % of {report['n_questions']:,} hidden words are "
            f"guessed; the best guess by the grammar is right for "
            f"{100 * report['best_accuracy']:.1f} %"
        )


@dataclass(frozen=True)
class Question:
    """A story with one hidden word, and what the grammar itself would guess."""

    story: stories.Story
    place: int  # of the hidden word

    @property
    def hidden(self) -> str:
        """The word that is hidden, in small letters."""
        return self.story.words[self.place].text.lower()

    @property
    def best(self) -> dict[str, float]:
        """The exact probability of each word at this place, the likeliest first."""
        words = [word.text for word in self.story.words]
        return hidden_word(words, self.place)


def hidden_word(words: Sequence[str], place: int) -> dict[str, float]:
    """The exact probability of each word at `place`, given all the others.

    As the model sees it: in small letters.

    >>> words = stories.split("Anna had a red ball. She played with the red ball all day.")
    >>> max(hidden_word(words, 4), key=hidden_word(words, 4).get)
    'ball'
    """
    in_small_letters: dict[str, float] = {}
    for word, probability in stories.GRAMMAR.hidden_word(words, place).items():
        in_small_letters[word.lower()] = in_small_letters.get(word.lower(), 0.0) + probability
    return dict(sorted(in_small_letters.items(), key=lambda item: -item[1]))


def story_ids(tokenizer: WordPieceTokenizer, story: stories.Story) -> list[int]:
    """`[CLS]`, the words of the story, `[SEP]`."""
    return tokenizer.encode_for_bert(str(story))[0]


def held_out_stories(recipe: StoryBERT) -> list[stories.Story]:
    """The stories that training leaves out, to measure on."""
    return list(stories.sample_many(recipe.n_held_out, seed=HELD_OUT_SEED + recipe.seed))


def held_out_questions(recipe: StoryBERT) -> list[Question]:
    """One hidden word in each held-out story, drawn from all its places."""
    rng = random.Random(f"questions {recipe.seed}")
    held_out = held_out_stories(recipe)
    return [Question(story, rng.randrange(len(story.words))) for story in held_out]


def masked_batch(
    sequences: Sequence[Sequence[int]],
    *,
    vocab_size: int,
    rng: random.Random,
    share: float = 0.15,
) -> MaskedBatch:
    """Hide words by BERT's rule: of the 15 % to be guessed, 80 % become `[MASK]`.

    Another 10 % become any word, and 10 % stay as they are. So the model cannot
    rely on the words that it sees: any of them may be wrong, and it must keep a
    guess for each. At least one word of each story is hidden.

    Source: Devlin et al. 2019, section 3.1 and appendix A.1.
    """
    longest = max(map(len, sequences))
    inputs = torch.full((len(sequences), longest), PAD)
    targets = torch.full((len(sequences), longest), IGNORED)
    for row, ids in enumerate(sequences):
        inputs[row, : len(ids)] = torch.tensor(ids)
        places = range(1, len(ids) - 1)  # neither [CLS] nor [SEP]
        for place in rng.sample(places, max(1, round(share * len(places)))):
            targets[row, place] = ids[place]
            draw = rng.random()
            if draw < 0.8:
                inputs[row, place] = MASK
            elif draw < 0.9:
                inputs[row, place] = rng.randrange(N_SPECIAL, vocab_size)
    return MaskedBatch(inputs, targets)


@torch.no_grad()
def guessed_right(
    model: MaskedWords, tokenizer: WordPieceTokenizer, questions: Sequence[Question]
) -> list[bool]:
    """For each question, whether the model's first guess is the hidden word."""
    right: list[bool] = []
    for start in range(0, len(questions), 200):
        chunk = questions[start : start + 200]
        sequences = [story_ids(tokenizer, question.story) for question in chunk]
        longest = max(map(len, sequences))
        ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in sequences])
        rows = torch.arange(len(chunk))
        places = torch.tensor([question.place + 1 for question in chunk])  # after [CLS]
        truth = ids[rows, places].clone()
        ids[rows, places] = MASK
        logits = model(ids, mask=padding_mask(ids, PAD))[rows, places]  # (B, V)
        right += (logits.argmax(dim=-1) == truth).tolist()
    return right


def _says(guess: dict[str, float], word: str) -> float:
    """How often the best guess is this word; where several are equally good, their share."""
    most = max(guess.values())
    best = [other for other, probability in guess.items() if probability > most * (1 - 1e-9)]
    return (word in best) / len(best)
