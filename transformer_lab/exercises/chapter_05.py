"""Exercises of chapter 5: attention."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _scaled_scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.T / query.shape[-1] ** 0.5


def _softmax_rows(scores: Tensor) -> Tensor:
    return scores.softmax(dim=-1)


def _attend(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return _softmax_rows(_scaled_scores(x @ w_q, x @ w_k)) @ (x @ w_v)


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# As many keys as queries in one input, so that a swapped product has the right shape.
_queries_and_keys = [
    (_random(3, 8, seed=0), _random(3, 8, seed=1)),
    (_random(2, 5, seed=2), _random(4, 5, seed=3)),
]
_scores = [(_random(4, 4, seed=4),), (2 * _random(2, 3, seed=5),)]
# Square matrices, so that a forgotten or swapped one has the right shape.
_texts = [
    (_random(5, 4, seed=n), *(_random(4, 4, seed=10 * n + m) for m in (1, 2, 3))) for n in (6, 7)
]

EXERCISES = {
    "scaled_scores": Exercise(
        task="query (T, K), key (S, K) → the scaled scores (T, S).",
        inputs=_queries_and_keys,
        solution=_scaled_scores,
        mistakes=[
            Mistake(
                lambda query, key: query @ key.T,
                "The dot products are right, but their variance grows with the size of a "
                "query. What brings it back to 1?",
            ),
            Mistake(
                lambda query, key: query @ key.T / query.shape[-1],
                "This divides by the size itself. The size is the variance of the scores; how "
                "large is a typical score then?",
            ),
            Mistake(
                lambda query, key: query @ key.T * query.shape[-1] ** 0.5,
                "The root is right, but this multiplies by it: the scores spread even wider.",
            ),
            Mistake(
                lambda query, key: query @ key.T / key.shape[0] ** 0.5,
                "This takes the root of the number of keys. A score is a sum over the numbers "
                "of a query: their count is what matters.",
            ),
            Mistake(
                lambda query, key: key @ query.T / query.shape[-1] ** 0.5,
                "Rows and columns are swapped: each row must belong to a query, each column to "
                "a key.",
            ),
        ],
    ),
    "softmax_rows": Exercise(
        task="scores (T, S) → weights (T, S) whose rows add up to 1.",
        inputs=_scores,
        solution=_softmax_rows,
        mistakes=[
            Mistake(
                lambda scores: scores.softmax(dim=0),
                "Here the columns add up to 1. A row is one token that looks: it is the row "
                "that shares out its attention.",
            ),
            Mistake(
                lambda scores: scores.flatten().softmax(dim=0).reshape(scores.shape),
                "Here all weights together add up to 1. Each token has a look of its own: take "
                "the sum row by row.",
            ),
            Mistake(
                lambda scores: scores / scores.sum(dim=-1, keepdim=True),
                "The rows add up to 1, but some weights are negative. What makes every score "
                "positive first?",
            ),
            Mistake(
                lambda scores: scores.exp(),
                "All numbers are positive now, but a row does not add up to 1 yet.",
            ),
            Mistake(
                lambda scores: scores.log_softmax(dim=-1),
                "These are the logarithms of the weights: none of them is positive.",
            ),
        ],
    ),
    "attend": Exercise(
        task="x (T, D) and three matrices (D, K) → the output of attention (T, K).",
        inputs=_texts,
        solution=_attend,
        mistakes=[
            Mistake(
                lambda x, w_q, w_k, w_v: ((x @ w_q) @ (x @ w_k).T).softmax(-1) @ (x @ w_v),
                "Nearly: the scores go into the softmax without the scale.",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: (
                    ((x @ w_q) @ (x @ w_k).T / w_k.shape[-1]).softmax(-1) @ (x @ w_v)
                ),
                "Nearly: the scores are divided by the size of a key, not by its root.",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: (
                    ((x @ w_q) @ (x @ w_k).T).softmax(-1) @ (x @ w_v) / w_k.shape[-1] ** 0.5
                ),
                "The scale comes too late: after the softmax it only makes the output smaller. "
                "It must act on the scores.",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: (
                    _scaled_scores(x @ w_q, x @ w_k).softmax(dim=0) @ (x @ w_v)
                ),
                "The softmax runs down the columns: each row must share out its own attention.",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: _softmax_rows(_scaled_scores(x @ w_q, x @ w_k)) @ x,
                "The weights are right, but they mix the vectors as they came in. What does a "
                "token hand over?",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: _attend(x, w_k, w_q, w_v),
                "Queries and keys have changed places: who looks, and who is looked at?",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: _scaled_scores(x @ w_q, x @ w_k) @ (x @ w_v),
                "The scores themselves mix the values. They must become weights first.",
            ),
        ],
    ),
}
