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

import torch

from transformer_lab.conversation.messages import Message
from transformer_lab.conversation.template import PLAIN_TURNS, ChatTemplate
from transformer_lab.initialisation import look_at_neighbours
from transformer_lab.languages import arithmetic
from transformer_lab.languages.arithmetic import Conversation
from transformer_lab.models import Decoder
from transformer_lab.recipes.recipe import Recipe
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.training import IGNORED, Batch

SPECIAL_TOKENS = (PLAIN_TURNS.closing, *PLAIN_TURNS.opening.values())
TOKENIZER_SEED, HELD_OUT_SEED = "tokenizer", "held out"


@dataclass(frozen=True, kw_only=True)
class MathTeacher(Recipe):
    """A decoder, trained on conversations. `n_held_out` counts conversations."""

    sources = ("languages/arithmetic.py", "conversation/template.py", "conversation/messages.py")

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
        look_at_neighbours(model.blocks[0].attention, offsets=(-1, -2, -3))
        return model

    def batches(self, tokenizer: BPETokenizer) -> Callable[[int], Batch]:
        """Conversations without the problems that are held out."""

        def batch_at(step: int) -> Batch:
            drawn = [self._conversation(f"{step} {row}") for row in range(self.batch_size)]
            return conversation_batch(tokenizer, drawn, max_len=self.max_len)

        return batch_at

    def measure(self, model: Decoder, tokenizer: BPETokenizer) -> dict:
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

    def summary(self, report: dict) -> str:
        """How many held-out problems come out right."""
        return (
            f"{100 * report['right_sums']:.1f} % of {report['n_held_out']:,} held-out sums and "
            "differences are right"
        )

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
        turn = template.turn(tokenizer, Message(**message))
        is_learned = message["role"] == "assistant"
        ids += turn
        targets += [IGNORED, *(turn[1:] if is_learned else [IGNORED] * (len(turn) - 1))]
    return ids, targets


def conversation_batch(
    tokenizer: BPETokenizer, conversations: Sequence[Conversation], *, max_len: int
) -> Batch:
    """Shift by one, as for any text; a conversation is cut where the window is full."""
    rows = [conversation_ids(tokenizer, talk.messages) for talk in conversations]
    longest = min(max(len(ids) for ids, _ in rows) - 1, max_len)
    inputs = torch.full((len(rows), longest), tokenizer.vocab[PLAIN_TURNS.closing])
    targets = torch.full((len(rows), longest), IGNORED)
    for row, (ids, wanted) in enumerate(rows):
        n = min(len(ids) - 1, longest)
        inputs[row, :n] = torch.tensor(ids[:n])
        targets[row, :n] = torch.tensor(wanted[1 : n + 1])
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
    for start in range(0, len(conversations), 128):
        talks = conversations[start : start + 128]
        batch = conversation_batch(tokenizer, talks, max_len=max_len)
        right = batch.logits(model).argmax(dim=-1) == batch.targets
        for row, talk in enumerate(talks):
            place, kinds = 0, iter(talk.kinds)
            for message in talk.messages:
                turn = PLAIN_TURNS.turn(tokenizer, Message(**message))
                # The targets stand one place to the left of what they predict.
                end = place + len(turn) - 1
                if end > batch.targets.shape[1]:
                    break
                if message["role"] == "assistant":
                    results.append((next(kinds), bool(right[row, place:end].all())))
                place += len(turn)
    return results
