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


def _nearest_single(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    return bool(labels[(vectors - x).norm(dim=-1).argmin()])


def _by_dot_products(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    return bool(x @ vectors[labels].mean(0) > x @ vectors[~labels].mean(0))


def _by_absolute_differences(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return bool((x - yes).abs().sum() < (x - no).abs().sum())


def _by_medians(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    yes, no = vectors[labels].median(0).values, vectors[~labels].median(0).values
    return bool((x - yes).norm() < (x - no).norm())


def _by_mean_distances(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    distances = (vectors - x).norm(dim=-1)
    return bool(distances[labels].mean() < distances[~labels].mean())


def _by_sums(vectors: Tensor, labels: Tensor, x: Tensor) -> bool:
    yes, no = vectors[labels].sum(0), vectors[~labels].sum(0)
    return bool((x - yes).norm() < (x - no).norm())


def _case(vectors: list[list[int]], labels: str, x: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    is_true = torch.tensor([label == "T" for label in labels])
    return torch.tensor(vectors).float(), is_true, torch.tensor(x).float()


_random = torch.Generator().manual_seed(0)
_vectors = functional.normalize(torch.randn(7, 4, generator=_random), dim=-1)
_labels = torch.tensor([True, True, False, True, False, False, False])
_few = functional.normalize(torch.randn(5, 3, generator=_random), dim=-1)
_few_labels = torch.tensor([False, True, False, True, True])
# Found by a search: on these, no two of the known ways (right or wrong) agree throughout.
_cases = [
    _case([[-4, -1], [1, 1], [4, 6], [2, 4], [-2, 5]], "TFFTF", [3, 0]),
    _case(
        [[2, 3, -6], [2, 2, 0], [2, -4, 3], [-3, -5, 4], [6, 2, 0], [2, 4, 3], [1, 1, 6]],
        "FTFFFTT",
        [-1, 3, -2],
    ),
    _case(
        [
            [-3, 6, -6, -3],
            [-6, 3, 6, 6],
            [3, 4, -1, 5],
            [0, -3, 4, 6],
            [-6, 4, -5, -3],
            [4, -4, -6, 5],
        ],
        "TTFFTT",
        [0, -4, -4, 3],
    ),
    _case(
        [
            [2, 6, -6, 0, 0],
            [-3, -1, -6, 4, -2],
            [3, 0, -6, 2, -2],
            [0, 2, 1, 1, -3],
            [-2, 1, -2, -4, 0],
            [3, 3, -4, 2, 6],
            [-5, -5, 1, 3, 3],
            [5, -4, 4, -6, 5],
            [2, 3, 4, -6, 5],
        ],
        "TFTTTFTTT",
        [-2, -4, -4, 0, -2],
    ),
    _case(
        [
            [0, -6, -2],
            [4, -4, 3],
            [-5, -1, -5],
            [-3, -1, -3],
            [-4, 0, 5],
            [-2, -4, 3],
            [-6, -2, -2],
            [4, -6, -2],
        ],
        "TTTTTFFF",
        [5, 0, 4],
    ),
    _case([[-5, -6], [-6, 3], [-2, 1], [-5, 5], [2, -5], [-5, 5], [-4, 1]], "TFTTTTF", [-5, -1]),
    _case(
        [
            [-1, 2, -3, 3],
            [3, -5, -6, -4],
            [3, -2, -4, 2],
            [0, 5, 4, -3],
            [-1, 6, 5, -4],
            [5, 3, -5, 3],
            [-1, -5, 3, -1],
            [6, 0, 1, -1],
            [-3, -1, 1, 0],
            [-3, -1, -6, -2],
        ],
        "FTFTFFFTFT",
        [-4, -3, -1, -3],
    ),
    _case(
        [[-6, 5, -2], [0, -2, -4], [-3, 6, 5], [0, 1, -5], [4, -1, 4], [4, 5, 2]],
        "TFTFTT",
        [-1, -3, 2],
    ),
]

EXERCISES = {
    "cosine": Exercise(
        task="a and b (D) → the cosine of the angle between them.",
        inputs=[
            (torch.tensor([3.0, 4.0]), torch.tensor([4.0, -3.5])),
            (torch.tensor([1.0, 2.0, 2.0]), torch.tensor([-2.0, 0.5, 1.0])),
            (torch.tensor([0.5, -1.0, 3.0, 2.0, 0.0]), torch.tensor([1.0, -4.0, 0.2, 2.0, 5.0])),
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
        task="vectors (N, D) of length 1, labels (N) → the mean cosine of same-label pairs "
        "minus that of different-label pairs.",
        inputs=[(_vectors, _labels), (_few, _few_labels)],
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
        task="vectors (N, D), labels (N), x (D) → true if x is nearer to the true ones' mean, else "
        "false.",
        inputs=_cases,
        solution=_nearer_to_true,
        mistakes=[
            Mistake(
                lambda vectors, labels, x: not _nearer_to_true(vectors, labels, x),
                "The answer is always the opposite: which mean has the smaller distance?",
            ),
            Mistake(
                _nearest_single,
                "This asks the single nearest vector. The question is about the means.",
            ),
            Mistake(
                _by_dot_products,
                "This compares dot products with the means, and a long mean wins. Compare "
                "distances.",
            ),
            Mistake(
                _by_absolute_differences,
                "This adds up the absolute differences. The straight way is shorter: it is the "
                "length of the difference (squares, added up).",
            ),
            Mistake(
                _by_medians,
                "This takes medians, the middle one by size. The middle here is the mean.",
            ),
            Mistake(
                _by_mean_distances,
                "This averages the distances to the single vectors. First average the vectors, "
                "then take one distance for each kind.",
            ),
            Mistake(
                _by_sums,
                "This compares with the sums: they lie farther out the more vectors there are. "
                "Divide by their number.",
            ),
        ],
    ),
}
