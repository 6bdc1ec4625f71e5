"""Exercises of chapter 7: many heads."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _split_heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _previous_token_score(weights: Tensor) -> Tensor:
    return weights.diagonal(offset=-1).mean()


def _attention(n: int) -> Tensor:
    """The weights of one head of a causal model on `n` tokens, drawn at random."""
    weights = torch.rand(n, n, generator=torch.Generator().manual_seed(n)).tril()
    return weights / weights.sum(-1, keepdim=True)


EXERCISES = {
    "split_heads": Exercise(
        task="x (B, T, D) → each head's own slice of every vector (B, H, T, K).",
        inputs=[
            (torch.arange(120.0).reshape(2, 5, 12), 4),  # K = 3
            (torch.arange(168.0).reshape(3, 4, 14), 7),  # K = 2
        ],
        solution=_split_heads,
        mistakes=[
            Mistake(
                lambda x, n: x.reshape(x.shape[0], n, x.shape[1], -1),
                "The shape is right, but a head got numbers from different tokens: a change of "
                "shape to (B, H, T, K) at once reads on across the end of a token. Cut each "
                "vector first, then swap two axes.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (n, -1)),
                "Each vector is cut well, but the axes stand as (B, T, H, K). Attention works "
                "on the last two: they must be T and K.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).permute(0, 3, 1, 2),
                "Each head got every n-th number instead of a slice of neighbours: in the cut, "
                "the heads come first and the size of a head second.",
            ),
            Mistake(
                lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2),
                "The number of heads and the size of a head are the wrong way round.",
            ),
            Mistake(
                lambda x, n: torch.stack(x.chunk(n, dim=-1)),
                "The slices are right, but the heads stand before the batch. The batch stays "
                "first.",
            ),
            Mistake(
                lambda x, n: _split_heads(x, n).transpose(-2, -1),
                "The slices are right, but their last two axes are K and T: that is how keys are "
                "turned for the product. Here T comes before K.",
            ),
        ],
    ),
    "previous_token_score": Exercise(
        task="weights (T, T) → the mean weight that a token puts on the one before it.",
        inputs=[(_attention(5),), (_attention(3),), (_attention(8),)],
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
            Mistake(
                lambda weights: weights[1:, :-1].mean(),
                "This is the mean of a whole block of the matrix. From each row only one weight "
                "is wanted: the one on the token just before.",
            ),
            Mistake(
                lambda weights: weights[-1, -2],
                "This is the weight of the last token alone. All tokens count that have one "
                "before them.",
            ),
        ],
    ),
}
