"""Right and wrong answers to the exercises of chapter 17, as readers write them."""

import numpy as np
import torch

from transformer_lab.exercises.chapter_17 import edits


def with_loops(image, side):
    height, width = image.shape
    return [
        [image[top + y, left + x].item() for y in range(side) for x in range(side)]
        for top in range(0, height, side)
        for left in range(0, width, side)
    ]


def unfolded(image, side):
    unfold = torch.nn.Unfold(side, stride=side)
    return unfold(image[None, None])[0].T


def counted(written, truths):
    n_edits = n_letters = 0
    for text, truth in zip(written, truths, strict=True):
        n_edits += edits(text, truth)
        n_letters += len(truth)
    return n_edits / n_letters


RIGHT = {
    "cut_into_patches": [
        with_loops,
        unfolded,
        lambda image, side: (
            image.unfold(0, side, side).unfold(1, side, side).reshape(-1, side * side)
        ),
        lambda image, side: (
            image.numpy()
            .reshape(image.shape[0] // side, side, image.shape[1] // side, side)
            .swapaxes(1, 2)
            .reshape(-1, side * side)
        ),
    ],
    "character_error_rate": [
        counted,
        lambda written, truths: np.sum([*map(edits, written, truths)]) / len("".join(truths)),
    ],
    "own_parameters": [
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + 1 + n_patches + 1),
        lambda n, d, t: sum(p.numel() for p in torch.nn.Linear(n, d).parameters()) + (t + 1) * d,
    ],
    "parts_to_replace": [
        lambda names, says: [
            "token" in name or ("head" in name and says == "classes") for name in names
        ],
        lambda names, says: torch.tensor(
            [name.split(".")[0] in {"embeddings", *["head"] * (says != "text")} for name in names]
        ),
        lambda names, says: [
            int(name[:4] == "embe" or (name[:4] == "head" and says[0] == "c")) for name in names
        ],
    ],
}

WRONG = {
    "cut_into_patches": [
        lambda image, side: image.reshape(-1, side, side),
        lambda image, side: image.unfold(0, side, side).unfold(1, side, side),
        lambda image, side: image.reshape(side * side, -1).T,
        lambda image, side: (
            image.T.unfold(0, side, side).unfold(1, side, side).flatten(2).flatten(0, 1)
        ),
        lambda image, side: unfolded(image, side).T,
    ],
    "character_error_rate": [
        lambda written, truths: 100 * counted(written, truths),
        lambda written, truths: 1 - counted(written, truths),
        lambda written, truths: sum(map(edits, written, truths)),
        lambda written, truths: sum(map(edits, written, truths)) / len(truths),
        lambda written, truths: float(written != truths),
    ],
    "own_parameters": [
        lambda n_numbers, d_model, n_patches: n_numbers * d_model,
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + 1 + n_patches),
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + n_patches),
        lambda n_numbers, d_model, n_patches: n_patches * d_model,
    ],
    "parts_to_replace": [
        lambda names, says: [False for _ in names],
        lambda names, says: ["head" in name or "token" in name for name in names],
        lambda names, says: ["norm" not in name for name in names],
        lambda names, says: ["blocks" in name for name in names],
    ],
}
