"""Right and wrong answers to the exercises of chapter 12, as readers write them."""

import math

import numpy as np
import torch
from torch.nn import functional


def next_tokens_in_place(ids):
    targets = torch.full_like(ids, -100)
    targets[:, :-1] = ids[:, 1:]
    return targets


def next_tokens_by_loop(ids):
    rows = []
    for row in ids:
        rows.append([])
        for place in range(len(row)):
            rows[-1].append(int(row[place + 1]) if place + 1 < len(row) else -100)
    return rows


def next_tokens_rolled_and_mended(ids):
    targets = torch.roll(ids, shifts=-1, dims=1)
    targets[:, -1] = -100
    return targets


def cross_entropy_by_loop(logits, targets):
    total = 0.0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        total += math.log(sum(math.exp(score) for score in row)) - row[target]
    return total / len(targets)


def cross_entropy_in_numpy(logits, targets):
    scores = logits.numpy() - logits.numpy().max(axis=1, keepdims=True)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(targets)), targets.numpy()]).mean()


def with_temperature_by_loop(logits, temperature):
    powers = [math.exp(score / temperature) for score in logits.tolist()]
    return [power / sum(powers) for power in powers]


def with_temperature_in_numpy(logits, temperature):
    powers = np.exp((logits.numpy() - logits.numpy().max()) / temperature)
    return powers / powers.sum()


def with_temperature_of_probabilities(logits, temperature):
    powers = logits.softmax(dim=-1) ** (1 / temperature)
    return powers / powers.sum()


def top_p_by_loop(probabilities, p):
    kept, total = [0.0] * len(probabilities), 0.0
    shares = probabilities.tolist()
    for place in sorted(range(len(shares)), key=lambda place: -shares[place]):
        if total >= p:
            break
        kept[place] = shares[place]
        total += shares[place]
    return [share / total for share in kept]


def top_p_by_sorting(probabilities, p):
    ordered, ids = probabilities.sort(descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.zeros_like(probabilities)
    kept[ids] = ordered * (before < p)
    return kept / kept.sum()


def top_p_in_numpy(probabilities, p):
    shares = probabilities.numpy()
    order = np.argsort(-shares)
    n = int(np.searchsorted(np.cumsum(shares[order]), p)) + 1
    kept = np.zeros_like(shares)
    kept[order[:n]] = shares[order[:n]]
    return kept / kept.sum()


def top_p_as_a_mask(probabilities, p):
    """Hugging Face's way: on scores, from the small end, with minus infinity for what goes."""
    ordered, ids = probabilities.log().sort()
    gone = ordered.softmax(-1).cumsum(-1) <= 1 - p
    gone[-1:] = False
    return probabilities.log().masked_fill(gone.scatter(0, ids, gone), -math.inf).softmax(-1)


def top_p_without_the_crossing_token(probabilities, p):
    ordered, ids = probabilities.sort(descending=True)
    kept = torch.zeros_like(probabilities)
    kept[ids] = ordered * (ordered.cumsum(-1) <= p)
    return kept / kept.sum()


RIGHT = {
    "next_tokens": [
        next_tokens_in_place,
        next_tokens_by_loop,
        next_tokens_rolled_and_mended,
        lambda ids: [[*row[1:], -100] for row in ids.tolist()],
        lambda ids: functional.pad(ids[:, 1:], (0, 1), value=-100),
        lambda ids: np.hstack([ids.numpy()[:, 1:], np.full((len(ids), 1), -100)]),
        lambda ids: torch.cat([ids[:, 1:], torch.full((ids.shape[0], 1), -100)], dim=1).float(),
    ],
    "cross_entropy": [
        cross_entropy_by_loop,
        cross_entropy_in_numpy,
        functional.cross_entropy,
        lambda logits, t: functional.nll_loss(logits.log_softmax(-1), t),
        lambda logits, t: (logits.logsumexp(-1) - logits.gather(-1, t[:, None])[:, 0]).mean(),
        lambda logits, t: -logits.log_softmax(-1)[range(len(t)), t].mean(),
        lambda logits, t: -logits.softmax(-1)[torch.arange(len(t)), t].log().mean(),
        lambda logits, t: (
            -(functional.one_hot(t, logits.shape[-1]) * logits.log_softmax(-1)).sum() / len(t)
        ),
    ],
    "with_temperature": [
        with_temperature_by_loop,
        with_temperature_in_numpy,
        with_temperature_of_probabilities,
        lambda logits, t: (logits / t).softmax(dim=-1),
        lambda logits, t: (logits / t).exp() / (logits / t).exp().sum(),
        lambda logits, t: ((logits - logits.max()) / t).softmax(0).tolist(),
    ],
    "top_p": [
        top_p_by_loop,
        top_p_by_sorting,
        top_p_in_numpy,
        top_p_as_a_mask,
    ],
}

WRONG = {
    "next_tokens": [
        lambda ids: ids,
        lambda ids: ids[:, 1:],
        lambda ids: ids[:, :-1],
        lambda ids: torch.roll(ids, -1, dims=1),
        lambda ids: torch.roll(ids, 1, dims=1),
        lambda ids: torch.roll(ids, -1),
        lambda ids: torch.roll(ids, -1, dims=0),
        lambda ids: ids + 1,
        lambda ids: functional.pad(ids[:, 1:], (0, 1)),
        lambda ids: functional.pad(ids[:, 1:], (0, 1), value=-1),
        lambda ids: functional.pad(ids[:, :-1], (1, 0), value=-100),
        lambda ids: functional.pad(ids[:, 2:], (0, 2), value=-100),
        lambda ids: [row[1:] for row in ids.tolist()],
    ],
    "cross_entropy": [
        lambda logits, t: logits.log_softmax(-1).gather(-1, t[:, None]).mean(),
        lambda logits, t: -logits.log_softmax(0).gather(-1, t[:, None]).mean(),
        lambda logits, t: -logits.log_softmax(-1).mean(),
        lambda logits, t: -logits.softmax(-1)[range(len(t)), t].mean(),
        lambda logits, t: -logits.softmax(-1)[range(len(t)), t].mean().log(),
        lambda logits, t: -logits.softmax(-1)[range(len(t)), t].log2().mean(),
        lambda logits, t: -logits.log_softmax(-1)[range(len(t)), t],
        lambda logits, t: functional.cross_entropy(logits.softmax(-1), t),
        lambda logits, t: functional.cross_entropy(logits, t, reduction="sum"),
        lambda logits, t: functional.cross_entropy(logits, t).exp(),
        lambda logits, t: functional.cross_entropy(logits[:-1], t[1:]),
        lambda logits, t: -logits.log_softmax(-1)[:, t].mean(),
    ],
    "with_temperature": [
        lambda logits, t: logits,
        lambda logits, t: logits / t,
        lambda logits, t: logits.softmax(-1),
        lambda logits, t: (logits * t).softmax(-1),
        lambda logits, t: (logits - t).softmax(-1),
        lambda logits, t: logits.softmax(-1) / t,
        lambda logits, t: logits.softmax(-1) ** (1 / t),
        lambda logits, t: (logits.softmax(-1) / t).softmax(-1),
        lambda logits, t: (logits / t**0.5).softmax(-1),
        lambda logits, t: (logits / t).log_softmax(-1),
        lambda logits, t: (logits / t).exp(),
    ],
    "top_p": [
        top_p_without_the_crossing_token,
        lambda shares, p: shares,
        lambda shares, p: shares * (shares >= p),
        lambda shares, p: shares * (top_p_by_sorting(shares, p) > 0),
        lambda shares, p: top_p_by_sorting(shares, p).sort(descending=True).values,
        lambda shares, p: top_p_by_sorting(shares, p).softmax(-1),
        lambda shares, p: top_p_by_sorting(shares, 1 - p),
        lambda shares, p: (k := shares * (shares.cumsum(-1) <= p)) / k.sum(),
        lambda shares, p: (k := shares * (shares.cumsum(-1) - shares < p)) / k.sum(),
        lambda shares, p: (k := shares * (shares > 1 - p)) / k.sum(),
        lambda shares, p: (k := shares * (shares >= shares.topk(2).values[-1])) / k.sum(),
        lambda shares, p: (shares > 0.2) / (shares > 0.2).sum(),
    ],
}
