"""Exercises of chapter 6: masking."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _make_causal_mask(n: int) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def _masked_weights(scores: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, scores, -torch.inf).softmax(dim=-1)


def _causal_and_padding(ids: Tensor, pad_id: int) -> Tensor:
    return _make_causal_mask(ids.shape[1]) & (ids != pad_id)[:, None, :]


def _shared_out(weights: Tensor) -> Tensor:
    return weights / weights.sum(dim=-1, keepdim=True)


# Each row may look somewhere. In the second one a hidden score is so large that a
# sum or a power of e with it leaves nothing for the others.
_scores = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
_mask = torch.tensor(
    [[True, False, True, True, False], [False, True, False, False, True], [True] * 4 + [False]]
)
_tall = 2 * torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
_tall_mask = torch.ones(6, 4, dtype=torch.bool).tril()
_tall_mask[4, 1] = _tall_mask[5, 0] = False
_tall[1, 3] = 150.0

# Padding behind, in front, and on both sides.
_ids = torch.tensor([[5, 6, 7, 8, 0, 0], [0, 8, 9, 4, 3, 6]])
_more_ids = torch.tensor([[7, 7, 1, 2, 7], [3, 0, 7, 7, 7], [2, 1, 0, 5, 4]])

EXERCISES = {
    "make_causal_mask": Exercise(
        task="n → the mask (n, n): true where a row may look at a column.",
        inputs=[(3,), (6,), (1,)],
        solution=_make_causal_mask,
        mistakes=[
            Mistake(
                lambda n: _make_causal_mask(n).T,
                "This is the other triangle: each token sees itself and the future. Rows look, "
                "columns are looked at.",
            ),
            Mistake(
                lambda n: torch.ones(n, n, dtype=torch.bool).tril(-1),
                "Nearly: a token may also look at itself. The first one would see nothing here.",
            ),
            Mistake(
                lambda n: torch.ones(n, n, dtype=torch.bool).tril(1),
                "Off by one: each token also sees the next one, which is its own answer.",
            ),
            Mistake(
                lambda n: ~_make_causal_mask(n),
                "True and false are the wrong way round. Some libraries do it so; in this book "
                "true means that the token may look.",
            ),
            Mistake(
                lambda n: torch.where(_make_causal_mask(n), 0.0, -torch.inf),
                "This is what is added to the scores. The question asks for true and false.",
            ),
            Mistake(
                lambda n: torch.ones(n, n, dtype=torch.bool),
                "This hides nothing: the first token may look at the last one.",
            ),
            Mistake(
                lambda n: torch.eye(n, dtype=torch.bool),
                "Here each token sees itself alone. It may also look at all that came before.",
            ),
        ],
    ),
    "masked_weights": Exercise(
        task="scores and mask (T, S) → weights, 0 where hidden, each row adding up to 1.",
        inputs=[(_scores, _mask), (_tall, _tall_mask)],
        solution=_masked_weights,
        mistakes=[
            Mistake(
                lambda scores, mask: torch.where(mask, scores.softmax(-1), 0.0),
                "The mask comes after the softmax: the rows no longer add up to 1, and the "
                "hidden scores were in the sum.",
            ),
            Mistake(
                lambda scores, mask: _shared_out(torch.where(mask, scores.softmax(-1), 0.0)),
                "On paper this is right: what is hidden is taken away, and the rest is shared out "
                "anew. On a computer one of the hidden scores here is so large that rounding "
                "leaves nothing to share out. Hide the score itself, before anything is made "
                "of it.",
            ),
            Mistake(
                lambda scores, mask: torch.where(mask, scores, 0.0).softmax(-1),
                "A score of 0 is a score like any other, and gets some weight. Which score gets "
                "none at all?",
            ),
            Mistake(
                lambda scores, mask: torch.where(mask, scores, -torch.inf).softmax(0).nan_to_num(),
                "The softmax runs over the wrong axis: each column adds up to 1, not each row.",
            ),
            Mistake(
                lambda scores, mask: torch.where(mask, -torch.inf, scores).softmax(-1),
                "What should be seen is hidden, and what should be hidden is seen: true means "
                "*may look*.",
            ),
            Mistake(
                lambda scores, mask: torch.where(mask, scores, -torch.inf),
                "The scores are hidden well. They are not weights yet.",
            ),
            Mistake(
                lambda scores, mask: scores.softmax(-1),
                "This is the softmax without a mask: hidden tokens get their weight as before.",
            ),
        ],
    ),
    "causal_and_padding": Exercise(
        task="ids (B, T) and pad_id → the mask (B, T, T): true where a token may look.",
        inputs=[(_ids, 0), (_more_ids, 7)],
        solution=_causal_and_padding,
        mistakes=[
            Mistake(
                lambda ids, pad: _make_causal_mask(ids.shape[1]).expand(len(ids), -1, -1),
                "This is only the causal mask: padding can still be looked at.",
            ),
            Mistake(
                lambda ids, pad: (ids != pad)[:, None, :].expand(-1, ids.shape[1], -1),
                "This is only the padding mask: the future can still be looked at.",
            ),
            Mistake(
                lambda ids, pad: _make_causal_mask(ids.shape[1]) & (ids != pad)[:, :, None],
                "The padding is kept from looking, but not from being looked at. Which axis are "
                "the keys?",
            ),
            Mistake(
                lambda ids, pad: _make_causal_mask(ids.shape[1]) | (ids != pad)[:, None, :],
                "Here either mask is enough. A token may look only where *both* allow it.",
            ),
            Mistake(
                lambda ids, pad: _make_causal_mask(ids.shape[1]) & (ids == pad)[:, None, :],
                "This looks at nothing but padding: the comparison is the wrong way round.",
            ),
            Mistake(
                lambda ids, pad: _causal_and_padding(ids, pad) & (ids != pad)[:, :, None],
                "The columns are right. The rows of the padding are emptied too: here it is only "
                "kept from being looked at, and may itself look as any other token does.",
            ),
            Mistake(
                lambda ids, pad: _make_causal_mask(ids.shape[1]).T & (ids != pad)[:, None, :],
                "The padding is hidden well, but the triangle is the other one: each token sees "
                "itself and the future.",
            ),
            Mistake(
                lambda ids, pad: _causal_and_padding(ids, 0),
                "Padding is the token whose number is given, which need not be 0.",
            ),
        ],
    ),
}
