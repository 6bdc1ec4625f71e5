"""Right and wrong answers to the exercises of chapter 17, as readers write them."""

from __future__ import annotations

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


def by_slices(image, side):
    height, width = image.shape
    corners = [(r, c) for r in range(0, height, side) for c in range(0, width, side)]
    return torch.stack([image[r : r + side, c : c + side].flatten() for r, c in corners])


def cut_with_numpy(image, side):
    height, width = image.shape
    rows = image.numpy().reshape(height // side, side, width // side, side)
    return rows.swapaxes(1, 2).reshape(-1, side * side)


def counted(written, truths):
    n_edits = n_letters = 0
    for text, truth in zip(written, truths, strict=True):
        n_edits += edits(text, truth)
        n_letters += len(truth)
    return n_edits / n_letters


def weighted(written, truths):
    n_letters = sum(len(truth) for truth in truths)
    pairs = zip(written, truths, strict=True)
    return sum(edits(w, t) / len(t) * (len(t) / n_letters) for w, t in pairs)


def own_by_parts(n_numbers, d_model, n_patches):
    return sum([n_numbers * d_model, d_model, n_patches * d_model, d_model])


def own_by_shapes(n_numbers, d_model, n_patches):
    shapes = [(d_model, n_numbers), (d_model,), (n_patches, d_model), (d_model,)]
    return sum(torch.zeros(shape).numel() for shape in shapes)


def hour_by_hour(day, mean, std, layer, positions):
    return [layer((day[:, hour] - mean) / std) + place for hour, place in enumerate(positions)]


def by_columns(day, mean, std, layer, positions):
    common = (day - mean[:, None]) / std[:, None]
    return positions + layer(common.transpose(0, 1))


def with_a_shifted_mean(day, mean, std, layer, positions):
    return torch.add(layer(day.T / std - mean / std), positions)


def of_lists(day, mean, std, layer, positions):
    scales = list(zip(mean.tolist(), std.tolist(), strict=True))
    hours = [
        [(reading - m) / s for reading, (m, s) in zip(hour, scales, strict=True)]
        for hour in zip(*day.tolist(), strict=True)
    ]
    return layer(torch.tensor(hours)) + positions


REPORT = {"english": "new", "encoder": "keep", "decoder": "keep", "hindi": "keep"}
CLASSES = {"english": "new", "encoder": "keep", "decoder": "drop", "hindi": "new"}


def by_cases(part, says):
    if part == "english":
        return "new"
    if part == "encoder" or says == "report":
        return "keep"
    return "drop" if part == "decoder" else "new"


RIGHT = {
    "cut_into_patches": [
        with_loops,
        by_slices,
        cut_with_numpy,
        lambda image, side: (
            image.unflatten(1, (-1, side)).unflatten(0, (-1, side)).transpose(1, 2).flatten(2)
        ).flatten(0, 1),
        lambda image, side: (
            image.unfold(0, side, side).unfold(1, side, side).reshape(-1, side * side)
        ),
    ],
    "own_parameters": [
        own_by_parts,
        own_by_shapes,
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + 1 + n_patches + 1),
        lambda n, d, t: (n + 1) * d + (t + 1) * d,
    ],
    "character_error_rate": [
        counted,
        weighted,
        lambda written, truths: sum(map(edits, written, truths)) / len("".join(truths)),
        lambda written, truths: np.sum([*map(edits, written, truths)]) / len("".join(truths)),
    ],
    "day_vectors": [
        hour_by_hour,
        by_columns,
        with_a_shifted_mean,
        of_lists,
        lambda day, mean, std, layer, positions: layer((day.T - mean) / std) + positions,
    ],
    "what_to_change": [
        by_cases,
        lambda part, says: (REPORT if says == "report" else CLASSES)[part],
        lambda part, says: {"report": REPORT, "classes": CLASSES}.get(says).get(part),
        lambda part, says: (
            dict(zip(CLASSES, ("new", "keep", "drop", "new"), strict=True))[part]
            if says == "classes"
            else ("new" if part == "english" else "keep")
        ),
    ],
}

WRONG = {
    "cut_into_patches": [
        lambda image, side: image.reshape(-1, side, side),
        lambda image, side: by_slices(image, side).reshape(-1, side, side),
        lambda image, side: image.reshape(side * side, -1).T,
        lambda image, side: by_slices(image.T, side),
        lambda image, side: by_slices(image, side).T,
        lambda image, side: by_slices(image, side)[1:],
    ],
    "own_parameters": [
        lambda n_numbers, d_model, n_patches: n_numbers * d_model,
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + 1 + n_patches),
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + n_patches),
        lambda n_numbers, d_model, n_patches: n_patches * d_model,
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers**2 + n_patches + 2),
        lambda n_numbers, d_model, n_patches: d_model * (n_numbers + n_patches + 3),
    ],
    "character_error_rate": [
        lambda written, truths: 100 * counted(written, truths),
        lambda written, truths: 1 - counted(written, truths),
        lambda written, truths: sum(map(edits, written, truths)),
        lambda written, truths: sum(map(edits, written, truths)) / len(truths),
        lambda written, truths: float(written != truths),
        lambda written, truths: abs(len("".join(written)) / len("".join(truths)) - 1),
    ],
    "day_vectors": [
        lambda day, mean, std, layer, positions: layer((day - mean[:, None]) / std[:, None]),
        lambda day, mean, std, layer, positions: layer(day.reshape(-1, 1)),
        lambda day, mean, std, layer, positions: layer((day - mean) / std) + positions,
        lambda day, mean, std, layer, positions: by_columns(day, mean, std, layer, positions).T,
        lambda day, mean, std, layer, positions: by_columns(day, mean, std, layer, positions[0]),
        lambda day, mean, std, layer, positions: layer((day.T - mean) * std) + positions,
        lambda day, mean, std, layer, positions: layer((day.T - mean) / std + positions),
        lambda day, mean, std, layer, positions: positions,
    ],
    "what_to_change": [
        lambda part, says: "keep",
        lambda part, says: "drop",
        lambda part, says: by_cases(part, says).upper(),
        lambda part, says: by_cases(part, "report"),
        lambda part, says: by_cases(part, "classes"),
        lambda part, says: by_cases(part, "report" if says == "classes" else "classes"),
    ],
}
