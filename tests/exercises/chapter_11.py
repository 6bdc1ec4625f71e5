"""Right and wrong answers to the exercises of chapter 11, as readers write them."""

from __future__ import annotations

import math

import numpy as np
import torch


def cosine_by_loop(a, b):
    dot = sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    return dot / math.hypot(*a.tolist()) / math.hypot(*b.tolist())


def cosine_with_numpy(a, b):
    a, b = a.numpy(), b.numpy()
    return a.dot(b) / np.linalg.norm(a) / np.linalg.norm(b)


def cosine_of_normalised(a, b):
    normalise = torch.nn.functional.normalize
    return normalise(a, dim=0) @ normalise(b, dim=0)


def cosine_by_the_law_of_cosines(a, b):
    return (a @ a + b @ b - (a - b) @ (a - b)) / (2 * (a @ a * (b @ b)).sqrt())


def separation_by_loop(vectors, labels):
    pairs = {True: [], False: []}
    for i in range(len(labels)):
        for j in range(i):
            pairs[bool(labels[i] == labels[j])].append(float(vectors[i] @ vectors[j]))
    return sum(pairs[True]) / len(pairs[True]) - sum(pairs[False]) / len(pairs[False])


def separation_with_numpy(vectors, labels):
    vectors, labels = vectors.numpy(), labels.numpy()
    row, column = np.triu_indices(len(labels), k=1)
    cosines, same = (vectors @ vectors.T)[row, column], labels[row] == labels[column]
    return cosines[same].mean() - cosines[~same].mean()


def separation_by_sums(vectors, labels):
    yes, no = vectors[labels], vectors[~labels]
    n, m = len(yes), len(no)
    same = yes.sum(0).square().sum() - n + no.sum(0).square().sum() - m
    return same / (n * (n - 1) + m * (m - 1)) - (yes @ no.T).mean()


def separation_without_diagonal(vectors, labels):
    cosines = (vectors @ vectors.T).fill_diagonal_(0)
    same = (labels[:, None] == labels).float()
    n_same = same.sum() - len(labels)
    return (cosines * same).sum() / n_same - (cosines * (1 - same)).sum() / (1 - same).sum()


def separation_of_kinds(vectors, labels):  # the mean of each kind's mean
    means = []
    for kind in (vectors[labels], vectors[~labels]):
        cosines = kind @ kind.T
        means.append((cosines.sum() - len(kind)) / (len(kind) * (len(kind) - 1)))
    return sum(means) / 2 - (vectors[labels] @ vectors[~labels].T).mean()


def separation_of_the_true_alone(vectors, labels):
    yes = vectors[labels]
    mean = ((yes @ yes.T).sum() - len(yes)) / (len(yes) * (len(yes) - 1))
    return mean - (yes @ vectors[~labels].T).mean()


def separation_of_middles(vectors, labels):
    return (vectors[labels].mean(0) - vectors[~labels].mean(0)).norm()


def separation_by_sum(vectors, labels):
    cosines = vectors @ vectors.T
    same = labels[:, None] == labels
    return cosines[same].sum() - len(labels) - cosines[~same].sum()


def separation_as_ratio(vectors, labels):
    cosines = (vectors @ vectors.T).fill_diagonal_(0)
    same = labels[:, None] == labels
    return cosines[same].sum() / (same.sum() - len(labels)) / cosines[~same].mean()


def separation_over_all_pairs(vectors, labels):
    cosines = (vectors @ vectors.T).fill_diagonal_(0)
    sign = torch.where(labels[:, None] == labels, 1.0, -1.0)
    return (cosines * sign).sum() / (len(labels) * (len(labels) - 1))


def nearer_by_loop(vectors, labels, x):
    totals = {True: [0.0] * len(x), False: [0.0] * len(x)}
    counts = {True: 0, False: 0}
    for row, label in zip(vectors.tolist(), labels.tolist(), strict=True):
        totals[label] = [t + v for t, v in zip(totals[label], row, strict=True)]
        counts[label] += 1
    distance = {
        kind: math.dist(x.tolist(), [t / counts[kind] for t in totals[kind]])
        for kind in (True, False)
    }
    return distance[True] < distance[False]


def nearer_with_numpy(vectors, labels, x):
    vectors, labels, x = vectors.numpy(), labels.numpy(), x.numpy()
    middles = [vectors[labels == kind].mean(axis=0) for kind in (False, True)]
    return np.argmin([np.linalg.norm(x - middle) for middle in middles]) == 1


def nearer_by_squares(vectors, labels, x):
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return ((x - yes) ** 2).sum() < ((x - no) ** 2).sum()


def nearer_by_the_plane_between(vectors, labels, x):
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return ((yes - no) @ (x - (yes + no) / 2)).item() > 0


def nearer_with_weights(vectors, labels, x):
    weights = labels.float()
    yes = weights @ vectors / weights.sum()
    no = (1 - weights) @ vectors / (1 - weights).sum()
    return torch.dist(x, yes) < torch.dist(x, no)


def nearer_by_absolute(vectors, labels, x):
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return (x - yes).abs().sum() < (x - no).abs().sum()


def nearer_by_largest(vectors, labels, x):
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return (x - yes).abs().max() < (x - no).abs().max()


def nearer_by_median(vectors, labels, x):
    yes, no = vectors[labels].median(0).values, vectors[~labels].median(0).values
    return (x - yes).norm() < (x - no).norm()


def nearer_by_cosine(vectors, labels, x):
    yes, no = vectors[labels].mean(0), vectors[~labels].mean(0)
    return torch.cosine_similarity(x, yes, dim=0) > torch.cosine_similarity(x, no, dim=0)


def nearer_than_all(vectors, labels, x):
    return (x - vectors[labels].mean(0)).norm() < (x - vectors.mean(0)).norm()


def nearer_by_three_neighbours(vectors, labels, x):
    nearest = (vectors - x).norm(dim=-1).argsort()[:3]
    return labels[nearest].sum() >= 2


def nearer_by_mean_distance(vectors, labels, x):
    distances = (vectors - x).norm(dim=-1)
    return distances[labels].mean() < distances[~labels].mean()


RIGHT = {
    "cosine": [
        lambda a, b: torch.cosine_similarity(a, b, dim=0),
        cosine_by_loop,
        cosine_with_numpy,
        cosine_of_normalised,
        cosine_by_the_law_of_cosines,
    ],
    "separation": [
        separation_by_loop,
        separation_with_numpy,
        separation_by_sums,
        separation_without_diagonal,
    ],
    "nearer_to_true": [
        nearer_by_loop,
        nearer_with_numpy,
        nearer_by_squares,
        nearer_by_the_plane_between,
        nearer_with_weights,
    ],
}

WRONG = {
    "cosine": [
        lambda a, b: (a * b).sum(),
        lambda a, b: (a * b).mean() / (a.norm() * b.norm()),
        lambda a, b: (a * b).sum() / (a.abs().sum() * b.abs().sum()),
        lambda a, b: (a * b).sum() / a.norm() ** 2,
        lambda a, b: torch.acos(torch.cosine_similarity(a, b, dim=0)),
        lambda a, b: 1 - torch.cosine_similarity(a, b, dim=0),
        lambda a, b: torch.cosine_similarity(a, b, dim=0).abs(),
        lambda a, b: torch.cosine_similarity(a - a.mean(), b - b.mean(), dim=0),
    ],
    "separation": [
        separation_of_kinds,
        separation_of_the_true_alone,
        separation_of_middles,
        separation_by_sum,
        separation_as_ratio,
        separation_over_all_pairs,
        lambda vectors, labels: -separation_by_loop(vectors, labels),
    ],
    "nearer_to_true": [
        nearer_by_absolute,
        nearer_by_largest,
        nearer_by_median,
        nearer_by_cosine,
        nearer_than_all,
        nearer_by_three_neighbours,
        nearer_by_mean_distance,
        lambda vectors, labels, x: True,
        lambda vectors, labels, x: labels[(vectors - x).norm(dim=-1).argmin()],
    ],
}
