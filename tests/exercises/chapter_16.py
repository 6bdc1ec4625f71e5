"""Right and wrong answers to the exercises of chapter 16, as readers write them."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


def shares_by_loop(parts, row):
    whole = [sum(column) for column in parts.T.tolist()]
    size = (sum(number**2 for number in whole) / len(whole)) ** 0.5
    return [
        sum(p * r for p, r in zip(part, row.tolist(), strict=True)) / size
        for part in parts.tolist()
    ]


def shares_with_numpy(parts, row):
    parts, row = parts.numpy(), row.numpy()
    return parts.dot(row) / np.sqrt(np.mean(parts.sum(axis=0) ** 2))


def shares_of_scaled_parts(parts, row):
    scaled = parts * len(row) ** 0.5 / parts.sum(0).norm()
    return (scaled * row).sum(1)


def shares_by_the_norm_of_torch(parts, row):
    whole = parts.sum(0)
    factor = functional.rms_norm(whole, whole.shape, eps=0.0)[0] / whole[0]
    return factor * (parts @ row)


def shares_with_the_mean_taken_away(parts, row):
    parts = parts - parts.mean(-1, keepdim=True)
    return parts @ row / parts.sum(0).square().mean().sqrt()


def shares_by_taking_away(parts, row):
    def logit(x):
        return x @ row / x.square().mean().sqrt()

    whole = parts.sum(0)
    return torch.stack([logit(whole) - logit(whole - part) for part in parts])


def brought_by_loop(ours, theirs, patched):
    rows = zip(ours.tolist(), theirs.tolist(), patched.tolist(), strict=True)
    return [(p - o) / (t - o) for o, t, p in rows]


def brought_with_numpy(ours, theirs, patched):
    ours, theirs, patched = ours.numpy(), theirs.numpy(), patched.numpy()
    return np.divide(patched - ours, theirs - ours)


def steer_by_rows(x, a, b, at):
    step = a.mean(0) - b.mean(0)
    return torch.stack([row + step if t == at else row for t, row in enumerate(x)])


def steer_with_numpy(x, a, b, at):
    steered = x.numpy().copy()
    steered[at] += a.numpy().mean(axis=0) - b.numpy().mean(axis=0)
    return steered


def steer_with_a_mask(x, a, b, at):
    mask = torch.zeros(len(x), 1)
    mask[at] = 1.0
    return x + mask * (a.sum(0) / len(a) - b.sum(0) / len(b))


def steer_in_place(x, a, b, at):
    x[at] = x[at] + a.mean(0) - b.mean(0)
    return x


def steer_by_lists(x, a, b, at):
    rows = x.tolist()
    step = (a.mean(0) - b.mean(0)).tolist()
    rows[at] = [number + more for number, more in zip(rows[at], step, strict=True)]
    return rows


def steer_half_way(x, a, b, at):
    return steer_by_rows(x, a / 2, b / 2, at)


def steer_from_there_on(x, a, b, at):
    steered = x.clone()
    steered[at:] += a.mean(0) - b.mean(0)
    return steered


EXPERIMENTS = {
    "said": "lens",
    "wrote": "shares",
    "carried": "patch",
    "needed": "ablate",
    "used": "steer",
    "learned": "control",
}


def experiment_by_cases(question):
    if question == "said":
        return "lens"
    if question == "wrote":
        return "shares"
    if question == "carried":
        return "patch"
    if question == "needed":
        return "ablate"
    return "steer" if question == "used" else "control"


def verdict_by_cases(claim):
    match claim:
        case "passes" | "steered":
            return "shown"
        case _:
            return "too far"


RIGHT = {
    "direct_shares": [
        shares_by_loop,
        shares_with_numpy,
        shares_of_scaled_parts,
        shares_by_the_norm_of_torch,
    ],
    "brought_over": [
        brought_by_loop,
        brought_with_numpy,
        lambda ours, theirs, patched: (ours - patched) / (ours - theirs),
        lambda ours, theirs, patched: 1 - (theirs - patched) / (theirs - ours),
    ],
    "steer": [steer_by_rows, steer_with_numpy, steer_with_a_mask, steer_in_place, steer_by_lists],
    "experiment_for": [
        experiment_by_cases,
        lambda question: EXPERIMENTS[question],
        lambda question: dict(zip(EXPERIMENTS, EXPERIMENTS.values(), strict=True)).get(question),
        lambda question: next(e for q, e in EXPERIMENTS.items() if q == question),
    ],
    "what_was_shown": [
        verdict_by_cases,
        lambda claim: "shown" if claim in ("passes", "steered") else "too far",
        lambda claim: ["too far", "shown"][claim in {"passes", "steered"}],
        lambda claim: {"passes": "shown", "steered": "shown"}.get(claim, "too far"),
    ],
}

WRONG = {
    "direct_shares": [
        shares_with_the_mean_taken_away,
        shares_by_taking_away,
        lambda parts, row: parts * row / parts.sum(0).square().mean().sqrt(),
        lambda parts, row: parts @ row / parts.square().mean().sqrt(),
        lambda parts, row: shares_with_numpy(parts, row) / len(parts),
        lambda parts, row: functional.rms_norm(parts, parts.shape[1:]) @ row,
    ],
    "brought_over": [
        lambda ours, theirs, patched: theirs - patched,
        lambda ours, theirs, patched: (patched - ours) / patched,
        lambda ours, theirs, patched: ((patched - ours) / (theirs - ours)).mean(),
        lambda ours, theirs, patched: ((patched - ours) / (theirs - ours)).abs(),
        lambda ours, theirs, patched: patched > ours,
        lambda ours, theirs, patched: (patched - ours) / (theirs - ours).abs(),
    ],
    "steer": [
        steer_half_way,
        steer_from_there_on,
        lambda x, a, b, at: steer_by_rows(x, b, a, at),
        lambda x, a, b, at: steer_by_rows(x, a, b, at)[at],
        lambda x, a, b, at: steer_by_rows(x, a, b, at + 1),
        lambda x, a, b, at: x,
    ],
    "experiment_for": [
        lambda question: "patch",
        lambda question: "attention map",
        lambda question: EXPERIMENTS[question].upper(),
        lambda question: (EXPERIMENTS | {"needed": "lens"})[question],
        lambda question: (EXPERIMENTS | {"learned": "patch"})[question],
        lambda question: (EXPERIMENTS | {"carried": "shares"})[question],
    ],
    "what_was_shown": [
        lambda claim: None,
        lambda claim: claim == "passes" or claim == "steered",
        lambda claim: "shown" if claim == "passes" else "too far",
        lambda claim: "shown" if claim in ("passes", "others", "steered") else "too far",
        lambda claim: "too far" if claim in ("passes", "steered") else "shown",
        lambda claim: verdict_by_cases(claim).replace(" ", "_"),
    ],
}
