"""Right and wrong answers to the exercises of chapter 6, as readers write them."""

import math

import numpy as np
import torch


def rows_by_hand(scores, mask):
    rows = []
    for row, allowed in zip(scores.tolist(), mask.tolist(), strict=True):
        powers = [math.exp(s) if may else 0.0 for s, may in zip(row, allowed, strict=True)]
        rows.append([power / sum(powers) for power in powers])
    return rows


def in_numpy(scores, mask):
    scores = np.where(mask.numpy(), scores.numpy(), -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def filled_row_by_row(n):
    mask = torch.zeros(n, n)
    for t in range(n):
        mask[t, : t + 1] = 1
    return mask


def text_by_text(ids, pad):
    masks = []
    for text in ids:
        mask = torch.ones(len(text), len(text), dtype=torch.bool).tril()
        mask[:, text == pad] = False
        masks.append(mask)
    return masks


def triangle(ids):
    return torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()


RIGHT = {
    "make_causal_mask": [
        lambda n: [[column <= row for column in range(n)] for row in range(n)],
        lambda n: torch.arange(n)[None] <= torch.arange(n)[:, None],
        lambda n: np.tril(np.ones((n, n), dtype=bool)),
        lambda n: ~torch.ones(n, n).triu(1).bool(),
        filled_row_by_row,
        lambda n: [[True] * (t + 1) + [False] * (n - t - 1) for t in range(n)],
    ],
    "masked_weights": [
        lambda scores, mask: scores.masked_fill(~mask, -torch.inf).softmax(-1),
        lambda scores, mask: scores.masked_fill(~mask, -1e9).softmax(-1),
        lambda scores, mask: (scores + torch.where(mask, 0.0, -torch.inf)).softmax(1),
        rows_by_hand,
        in_numpy,
        lambda scores, mask: torch.where(mask, scores, -torch.inf).log_softmax(-1).exp(),
    ],
    "causal_and_padding": [
        lambda ids, pad: [
            [[s <= t and row[s] != pad for s in range(len(row))] for t in range(len(row))]
            for row in ids.tolist()
        ],
        text_by_text,
        lambda ids, pad: triangle(ids)[None] * (ids != pad)[:, None],
        lambda ids, pad: torch.logical_and(triangle(ids), ids.ne(pad).unsqueeze(1)),
        lambda ids, pad: (
            np.tril(np.ones((ids.shape[1],) * 2, dtype=bool)) & (ids.numpy() != pad)[:, None, :]
        ),
        lambda ids, pad: (ids != pad)[:, None, :].expand(-1, ids.shape[1], -1).tril(),
    ],
}

WRONG = {
    "make_causal_mask": [
        lambda n: torch.ones(n, n, dtype=torch.bool).triu(),
        lambda n: torch.ones(n, n, dtype=torch.bool).tril(-1),
        lambda n: torch.ones(n, n, dtype=torch.bool).tril(1),
        lambda n: torch.ones(n, n, dtype=torch.bool).triu(1),
        lambda n: torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1) == 1, -torch.inf),
        lambda n: torch.ones(n, n, dtype=torch.bool),
        lambda n: [[column == row for column in range(n)] for row in range(n)],
        lambda n: [[True] * (t + 1) for t in range(n)],
        lambda n: torch.ones(n, n).tril()[None],
        lambda n: [column <= n for column in range(n)],
    ],
    "masked_weights": [
        lambda scores, mask: scores.softmax(-1) * mask,
        lambda scores, mask: (
            (scores.softmax(-1) * mask) / (scores.softmax(-1) * mask).sum(-1, keepdim=True)
        ),
        lambda scores, mask: (scores.exp() * mask) / (scores.exp() * mask).sum(-1, keepdim=True),
        lambda scores, mask: (scores * mask).softmax(-1),
        lambda scores, mask: scores.masked_fill(~mask, -torch.inf).softmax(0).nan_to_num(),
        lambda scores, mask: scores.masked_fill(mask, -torch.inf).softmax(-1),
        lambda scores, mask: scores.masked_fill(~mask, -torch.inf),
        lambda scores, mask: scores.masked_fill(~mask, -1.0).softmax(-1),
        lambda scores, mask: scores.softmax(-1),
        lambda scores, mask: scores.masked_fill(~mask, -torch.inf).softmax(-1).T,
        lambda scores, mask: mask / mask.sum(-1, keepdim=True),
        lambda scores, mask: (scores - 10 * ~mask).softmax(-1),
    ],
    "causal_and_padding": [
        lambda ids, pad: triangle(ids).repeat(len(ids), 1, 1),
        lambda ids, pad: (ids != pad)[:, None, :].repeat(1, ids.shape[1], 1),
        lambda ids, pad: triangle(ids) & (ids != pad)[:, :, None],
        lambda ids, pad: triangle(ids) | (ids != pad)[:, None, :],
        lambda ids, pad: triangle(ids) & (ids == pad)[:, None, :],
        lambda ids, pad: triangle(ids) & (ids != pad)[:, None, :] & (ids != pad)[:, :, None],
        lambda ids, pad: triangle(ids).T & (ids != pad)[:, None, :],
        lambda ids, pad: triangle(ids) & (ids != 0)[:, None, :],
        lambda ids, pad: triangle(ids) & (ids != pad)[:, None, None, :],
        lambda ids, pad: triangle(ids) & (ids[0] != pad),
        lambda ids, pad: (triangle(ids) & (ids != pad)[:, None, :]).float().softmax(-1),
    ],
}
