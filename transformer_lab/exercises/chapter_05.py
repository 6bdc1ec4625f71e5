"""Exercises of chapter 5: attention."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _scaled_scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.T / query.shape[-1] ** 0.5


def _softmax_rows(scores: Tensor, base: float = math.e) -> Tensor:
    return (scores * math.log(base)).softmax(dim=-1)


def _attend(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    return _softmax_rows(_scaled_scores(x @ w_q, x @ w_k)) @ (x @ w_v)


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Sizes that all differ: no other size is the right one by chance.
_queries_and_keys = [
    (_random(3, 7, seed=0), _random(4, 7, seed=1)),
    (_random(5, 3, seed=2), _random(2, 3, seed=3)),
]
_scores = [(_random(4, 3, seed=4), 2.0), (2 * _random(2, 5, seed=5), 10.0)]
_texts = [
    (
        _random(n_tokens, d_model, seed=seed),
        _random(d_model, size, seed=10 * seed + 1),
        _random(d_model, size, seed=10 * seed + 2),
        _random(d_model, d_value, seed=10 * seed + 3),
    )
    for seed, n_tokens, d_model, size, d_value in [(6, 5, 4, 3, 2), (7, 2, 3, 6, 7)]
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
                lambda query, key: query @ key.T / query.shape[0] ** 0.5,
                "This takes the root of the number of queries. A score is a sum over the numbers "
                "of one query: their count is what matters.",
            ),
            Mistake(
                lambda query, key: query @ key.T / 2,
                "2 is the root for queries of four numbers. These have another size.",
            ),
            Mistake(
                lambda query, key: key @ query.T / query.shape[-1] ** 0.5,
                "Rows and columns are swapped: each row must belong to a query, each column to "
                "a key.",
            ),
        ],
    ),
    "softmax_rows": Exercise(
        task="scores (T, S), base → weights (T, S) whose rows add up to 1.",
        inputs=_scores,
        solution=_softmax_rows,
        mistakes=[
            Mistake(
                lambda scores, base: scores.softmax(dim=-1),
                "These are powers of e. Here the base is an argument of the function.",
            ),
            Mistake(
                lambda scores, base: (scores * math.log(base)).softmax(dim=0),
                "Here the columns add up to 1. A row belongs to one token that looks: it is the "
                "row that shares out its attention.",
            ),
            Mistake(
                lambda scores, base: (
                    (scores * math.log(base)).flatten().softmax(dim=0).reshape(scores.shape)
                ),
                "Here all weights together add up to 1. Each token has weights of its own: take "
                "the sum row by row.",
            ),
            Mistake(
                lambda scores, base: scores / scores.sum(dim=-1, keepdim=True),
                "The rows add up to 1, but some weights are negative. What makes every score "
                "positive first?",
            ),
            Mistake(
                lambda scores, base: base**scores,
                "All numbers are positive now, but a row does not add up to 1 yet.",
            ),
            Mistake(
                lambda scores, base: (scores * math.log(base)).log_softmax(dim=-1),
                "These are the logarithms of the weights: none of them is positive.",
            ),
            Mistake(
                lambda scores, base: (scores * base).softmax(dim=-1),
                "This multiplies the scores by the base. The base is what is raised to the power "
                "of a score.",
            ),
            Mistake(
                lambda scores, base: (scores / base).softmax(dim=-1),
                "This takes the base for a temperature. The base is what is raised to the power "
                "of a score.",
            ),
            Mistake(
                lambda scores, base: base**scores / (base**scores).max(-1, keepdim=True).values,
                "The largest weight of each row is 1 now. It is their sum that should be.",
            ),
        ],
    ),
    "attend": Exercise(
        task="x (T, D), w_q and w_k (D, K), w_v (D, M) → the output of attention (T, M).",
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
                    ((x @ w_q) @ (x @ w_k).T / x.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v)
                ),
                "Nearly: this divides by the root of the size of a token's vector. How many "
                "products are added up in one score?",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: (
                    ((x @ w_q) @ (x @ w_k).T / w_v.shape[-1] ** 0.5).softmax(-1) @ (x @ w_v)
                ),
                "Nearly: this divides by the root of the size of a value. The scores are made "
                "without the values.",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: (
                    ((x @ w_q) @ (x @ w_k).T / len(x) ** 0.5).softmax(-1) @ (x @ w_v)
                ),
                "Nearly: this divides by the root of the number of tokens. How many products are "
                "added up in one score?",
            ),
            Mistake(
                lambda x, w_q, w_k, w_v: ((x @ w_q) @ (x @ w_k).T / 2).softmax(-1) @ (x @ w_v),
                "Nearly: 2 is the root for queries of four numbers. These have another size.",
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
                lambda x, w_q, w_k, w_v: _softmax_rows(_scaled_scores(x @ w_q, x @ w_k)),
                "These are the weights, and they are right. Now they have to mix the values.",
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
