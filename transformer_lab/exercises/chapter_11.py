"""Exercises of chapter 11: contextual embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from transformer_lab.exercises.exercise import Exercise, Mistake


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return a @ b / (a.norm() * b.norm())


def _separation(vectors: Tensor, labels: Tensor, *, with_itself: bool = False) -> Tensor:
    cosines = vectors @ vectors.T
    same = labels[:, None] == labels
    pairs = same if with_itself else same & ~torch.eye(len(labels), dtype=torch.bool)
    return cosines[pairs].mean() - cosines[~same].mean()


def _nearer_to_true(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return bool((x - yes).norm() < (x - no).norm())


_random = torch.Generator().manual_seed(0)
_vectors = functional.normalize(torch.randn(6, 4, generator=_random), dim=-1)
_labels = torch.tensor([True, True, False, True, False, False])
# Three far ones on one side, and one very near on the other: means and nearest differ.
_spread = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 6.0], [4.0, 4.0], [4.4, 4.0]])
_spread_labels = torch.tensor([True, True, True, False, False])

EXERCISES = {
    "cosine": Exercise(
        task="a and b (D) → the cosine of the angle between them.",
        inputs=[
            (torch.tensor([3.0, 4.0]), torch.tensor([4.0, -3.5])),
            (torch.tensor([1.0, 2.0, 2.0]), torch.tensor([-2.0, 0.5, 1.0])),
        ],
        solution=_cosine,
        mistakes=[
            Mistake(
                lambda a, b: a @ b,
                "This is the dot product. It also grows with the lengths; the angle does not.",
            ),
            Mistake(
                lambda a, b: a @ b / (a.norm() + b.norm()),
                "Divided by the sum of the lengths: each length stretches the dot product by "
                "itself, so both must be divided away.",
            ),
            Mistake(
                lambda a, b: a @ b / (a @ a * (b @ b)),
                "Divided by the squared lengths: the roots are missing.",
            ),
            Mistake(
                lambda a, b: a * b / (a.norm() * b.norm()),
                "The products of the single numbers are still to be added up.",
            ),
            Mistake(
                lambda a, b: (a - b).norm(),
                "This is the distance between the two. Two arrows can point the same way and end "
                "far apart.",
            ),
        ],
    ),
    "separation": Exercise(
        task="vectors (N, D) of length 1, labels (N) → mean cosine of same-label pairs minus "
        "that of different-label pairs.",
        inputs=[(_vectors, _labels), (_vectors[:4], _labels[:4])],
        solution=_separation,
        mistakes=[
            Mistake(
                lambda vectors, labels: _separation(vectors, labels, with_itself=True),
                "Each vector is compared with itself too, and that cosine is always 1. It makes "
                "any group look close.",
            ),
            Mistake(
                lambda vectors, labels: -_separation(vectors, labels),
                "The sign is the other way round: same minus different.",
            ),
            Mistake(
                lambda vectors, labels: _separation(vectors, labels, with_itself=True).neg(),
                "The sign is the other way round, and each vector is compared with itself too.",
            ),
            Mistake(
                lambda vectors, labels: (
                    _separation(vectors, labels)
                    + (vectors @ vectors.T)[labels[:, None] != labels].mean()
                ),
                "This is the mean cosine of pairs with the same label alone. Alike compared with "
                "what?",
            ),
        ],
    ),
    "nearer_to_true": Exercise(
        task="vectors (N, D), labels (N), x (D) → whether x is nearer to the true ones' mean.",
        inputs=[
            (_spread, _spread_labels, torch.tensor([3.6, 2.6])),
            (_spread, _spread_labels, torch.tensor([4.0, 3.5])),
            (_spread, _spread_labels, torch.tensor([0.5, 0.2])),
            (_spread, _spread_labels, torch.tensor([9.0, 9.0])),
        ],
        solution=_nearer_to_true,
        mistakes=[
            Mistake(
                lambda vectors, labels, x: not _nearer_to_true(vectors, labels, x),
                "The answer is always the opposite: which mean has the smaller distance?",
            ),
            Mistake(
                lambda vectors, labels, x: bool(labels[(vectors - x).norm(dim=-1).argmin()]),
                "This asks the single nearest vector. The question is about the means.",
            ),
            Mistake(
                lambda vectors, labels, x: bool(
                    x @ vectors[labels].mean(0) > x @ vectors[~labels].mean(0)
                ),
                "This compares dot products with the means, and a long mean wins. Compare "
                "distances.",
            ),
        ],
    ),
}
