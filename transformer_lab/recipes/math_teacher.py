"""math-teacher: a decoder that learns to answer, in turns, and to do sums.

It is an ordinary decoder, trained on the next token. What makes it a chat model
is the format of its texts, and that only the assistant's words count in the loss.

Taught in chapter 14.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from jaxtyping import Int
from torch import Tensor

from transformer_lab.blocks import Block
from transformer_lab.conversation.messages import Message, Role
from transformer_lab.conversation.template import PLAIN_TURNS, ChatTemplate
from transformer_lab.initialisation import look_at_neighbours
from transformer_lab.languages import arithmetic
from transformer_lab.languages.arithmetic import Conversation
from transformer_lab.models import Decoder
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.training import IGNORED, Batch, batched, padded

SPECIAL_TOKENS = (PLAIN_TURNS.closing, *PLAIN_TURNS.opening.values())
TOKENIZER_SEED, HELD_OUT_SEED = "tokenizer", "held out"


@dataclass(frozen=True, kw_only=True)
class MathTeacherReport(Report):
    """The share of held-out sums and differences, and of answers of each kind, that are right."""

    right_sums: float
    n_held_out: int
    right_of_kind: dict[str, float]
    n_of_kind: dict[str, int]

    def summary(self) -> str:
        """How many held-out problems come out right."""
        return (
            f"{100 * self.right_sums:.1f} % of {self.n_held_out:,} held-out sums and "
            "differences are right"
        )


@dataclass(frozen=True)
class TrainedMathTeacher(TrainedModel[Decoder, BPETokenizer]):
    """A trained `MathTeacher`; `chat` talks with it."""

    report: MathTeacherReport

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs of a conversation that begins with this text, up to where it answers."""
        return torch.tensor([PLAIN_TURNS.render(self.tokenizer, [Message("user", text)])])


@dataclass(frozen=True, kw_only=True)
class MathTeacher(Recipe[Decoder, BPETokenizer]):
    """A decoder, trained on conversations. `n_held_out` counts conversations."""

    trained_type = TrainedMathTeacher
    report_type = MathTeacherReport

    vocab_size: int  # at most
    n_tokenizer_conversations: int = 1500

    def make_tokenizer(self) -> BPETokenizer:
        """Byte-pair encoding in which each digit stands alone, so that places can be added."""
        # Names often enough to become one token each, as frequent words do.
        names = [f" {name}" for name in arithmetic.NAMES] * 100
        return BPETokenizer.train(
            [*self._texts(), *names],
            vocab_size=self.vocab_size,
            special_tokens=SPECIAL_TOKENS,
            split_digits=True,
        )

    def make_model(self, vocab_size: int) -> Decoder:
        """With rotary positions: what to add stands at a fixed distance, wherever it stands.

        The heads of the first block start out looking at the last few tokens, which is
        where the digits of a sum and the pieces of a name stand.
        """
        model = Decoder(self.config(vocab_size, positions="rotary"))
        look_at_neighbours(cast(Block, model.blocks[0]).attention, offsets=(-1, -2, -3))
        return model

    def batches(self, tokenizer: BPETokenizer) -> Callable[[int], Batch]:
        """Conversations without the problems that are held out."""

        def batch_at(step: int) -> Batch:
            drawn = [self._conversation(f"{step} {row}") for row in range(self.batch_size)]
            return conversation_batch(tokenizer, drawn, max_len=self.max_len)

        return batch_at

    def measure(self, model: Decoder, tokenizer: BPETokenizer) -> dict[str, Any]:
        """How many held-out problems, and how many answers of each kind, are right."""
        problems = sorted(arithmetic.held_out(seed=self.seed))
        asked = [problem_conversation(problem, seed=self.seed) for problem in problems]
        right = [ok for _, ok in right_answers(model, tokenizer, asked, max_len=self.max_len)]
        talks = [
            arithmetic.sample(random.Random(f"{HELD_OUT_SEED} {self.seed} {number}"))
            for number in range(self.n_held_out)
        ]
        declined = [declined_conversation(question) for question in unseen_questions()]
        kinds: dict[str, list[bool]] = {}
        for kind, ok in [
            *right_answers(model, tokenizer, talks, max_len=self.max_len),
            *right_answers(model, tokenizer, declined, max_len=self.max_len),
        ]:
            kinds.setdefault(kind, []).append(ok)
        return {
            "right_sums": sum(right) / len(right),
            "n_held_out": len(right),
            "right_of_kind": {kind: sum(oks) / len(oks) for kind, oks in kinds.items()},
            "n_of_kind": {kind: len(oks) for kind, oks in kinds.items()},
        }

    def facts(self, tokenizer: BPETokenizer) -> dict[str, str]:
        """The format of its texts, and the tokens that do not occur in them."""
        seen = {id for text in self._texts() for id in tokenizer.encode_plain(text)}
        text_tokens = set(range(len(SPECIAL_TOKENS), len(tokenizer)))
        return {
            "template": json.dumps(asdict(PLAIN_TURNS)),
            "unseen_tokens": json.dumps(sorted(text_tokens - seen)),
        }

    def _texts(self) -> list[str]:
        """What the tokenizer learns from: what is said in some conversations."""
        return [
            message["content"]
            for number in range(self.n_tokenizer_conversations)
            for message in self._conversation(f"{TOKENIZER_SEED} {number}").messages
        ]

    def _conversation(self, name: str) -> Conversation:
        rng = random.Random(f"{self.seed} {name}")
        return arithmetic.sample(rng, without=arithmetic.held_out(seed=self.seed))


def conversation_ids(
    tokenizer: BPETokenizer,
    messages: Sequence[dict[str, str]],
    *,
    template: ChatTemplate = PLAIN_TURNS,
) -> tuple[list[int], list[int]]:
    """The one sequence of a conversation, and which of its tokens are to be learned.

    Those are the assistant's words and the token that ends its turn; all others,
    the opening of its turn too, are IGNORED: nobody wants the model to learn to
    write the user's lines.

    Returns:
        The token IDs, and as many targets.
    """
    ids, targets = [], []
    for message in messages:
        turn = _turn(tokenizer, message, template)
        is_learned = message["role"] == "assistant"
        ids += turn
        targets += [IGNORED, *(turn[1:] if is_learned else [IGNORED] * (len(turn) - 1))]
    return ids, targets


def _turn(
    tokenizer: BPETokenizer, message: dict[str, str], template: ChatTemplate = PLAIN_TURNS
) -> list[int]:
    return template.turn(tokenizer, Message(cast(Role, message["role"]), message["content"]))


def conversation_batch(
    tokenizer: BPETokenizer, conversations: Sequence[Conversation], *, max_len: int
) -> Batch:
    """Shift by one, as for any text; a conversation is cut where the window is full."""
    rows = [conversation_ids(tokenizer, talk.messages) for talk in conversations]
    inputs = padded((ids[:-1][:max_len] for ids, _ in rows), tokenizer.vocab[PLAIN_TURNS.closing])
    targets = padded((targets[1:][:max_len] for _, targets in rows), IGNORED)
    return Batch(inputs, targets)


def problem_conversation(problem: arithmetic.Problem, *, seed: int = 0) -> Conversation:
    """One problem, asked in some words, and its answer."""
    asked = arithmetic.ask(random.Random(f"{seed} {problem}"), problem)
    messages = [
        {"role": "system", "content": "you are a math teacher"},
        {"role": "user", "content": asked},
        {"role": "assistant", "content": arithmetic.solve(problem)},
    ]
    return Conversation(messages, ["held-out sum"])


def unseen_questions() -> list[str]:
    """Questions to decline in wordings, and about things, that training never holds."""
    return [
        question.format(thing)
        for question in arithmetic.HELD_OUT_QUESTIONS
        for thing in arithmetic.HELD_OUT_THINGS
    ]


def declined_conversation(question: str) -> Conversation:
    """A question that is to be declined."""
    messages = [
        {"role": "system", "content": "you are a math teacher"},
        {"role": "user", "content": question},
        {"role": "assistant", "content": arithmetic.DECLINED},
    ]
    return Conversation(messages, ["decline, unseen"])


@torch.no_grad()
def right_answers(
    model: Decoder,
    tokenizer: BPETokenizer,
    conversations: Sequence[Conversation],
    *,
    max_len: int,
) -> list[tuple[str, bool]]:
    """For each answer that fits: its kind, and whether it is right to the last token.

    With the right words given in advance, greedy choice takes the right token
    everywhere exactly when it does so on its own (see `translator.exact_matches`).
    """
    results: list[tuple[str, bool]] = []
    for talks in batched(conversations, 128):
        batch = conversation_batch(tokenizer, talks, max_len=max_len)
        right = batch.logits(model).argmax(dim=-1) == batch.targets
        for row, talk in enumerate(talks):
            place, kinds = 0, iter(talk.kinds)
            for message in talk.messages:
                turn = _turn(tokenizer, message)
                # The targets stand one place to the left of what they predict.
                end = place + len(turn) - 1
                if end > batch.targets.shape[1]:
                    break
                if message["role"] == "assistant":
                    results.append((next(kinds), bool(right[row, place:end].all())))
                place += len(turn)
    return results
