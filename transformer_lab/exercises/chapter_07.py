"""Exercises of chapter 7: many heads."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _split_heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _previous_token_score(weights: Tensor) -> Tensor:
    return weights.diagonal(offset=-1).mean()


_causal = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)).tril()
_causal = _causal / _causal.sum(-1, keepdim=True)

EXERCISES = {
    "split_heads": Exercise(
        task="x (B, T, D) → (B, H, T, K): give each head its own slice of every vector.",
        inputs=[
            (torch.arange(24.0).reshape(1, 3, 8), 2),
            (torch.arange(48.0).reshape(2, 2, 12), 3),
        ],
        solution=_split_heads,
        mistakes=[
            Mistake(
                lambda x, n: x.reshape(x.shape[0], n, x.shape[1], -1),
                "The shape is right, but a head got numbers from different tokens: `reshape` "
                "to (B, H, T, K) at once reads on across the end of a token. Cut each vector "
                "first, then swap two axes.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (n, -1)),
                "Each vector is cut well, but the axes stand as (B, T, H, K). Attention works "
                "on the last two: they must be T and K.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2).transpose(1, 3),
                "Each head got every n-th number instead of a slice of neighbours: in the cut, "
                "the heads come first and the size of a head second.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2),
                "The number of heads and the size of a head are the wrong way round.",
            ),
        ],
    ),
    "previous_token_score": Exercise(
        task="weights (T, T) → the mean weight that a token puts on the one before it.",
        inputs=[(_causal,), (torch.eye(4),), (torch.eye(4).roll(-1, dims=1),)],
        solution=_previous_token_score,
        mistakes=[
            Mistake(
                lambda weights: weights.diagonal().mean(),
                "This looks at the main diagonal: each token's weight on itself. The token "
                "before is one column to the left.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=1).mean(),
                "This looks at the token *after*: in a causal model that weight is always 0. "
                "Rows look, columns are looked at.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=-1).sum() / len(weights),
                "Nearly: the first token has no token before it, so there is one pair fewer "
                "than there are tokens.",
            ),
            Mistake(
                lambda weights: weights.diagonal(offset=-1).sum(),
                "This adds the weights up; the question asks for their mean.",
            ),
        ],
    ),
}
