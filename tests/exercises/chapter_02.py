"""Right and wrong answers to the exercises of chapter 02, as readers write them."""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch


def count_a_built_block(d, f):
    from transformer_lab.blocks import Block
    from transformer_lab.config import Config

    config = Config(vocab_size=1, max_len=1, d_model=d, n_heads=2, n_layers=1, d_ff=f)
    with torch.device("meta"):
        return sum(p.numel() for p in Block(config).parameters())


def layers_one_by_one(d, f):
    total = 0
    for n_in, n_out in [(d, d), (d, d), (d, d), (d, d), (d, f), (f, d)]:
        total += n_in * n_out
        total += n_out
    for _ in range(2):
        total += d + d
    return total


def stream_again(start, parts):
    return stream_again(start + parts[0](start), parts[1:]) if parts else start


def stream_in_place(start, parts):
    for part in parts:
        start += part(start)
    return start


def stream_of_lists(start, parts):
    stream = start
    for part in parts:
        added = part(stream).tolist()
        stream = torch.tensor(
            [
                [a + b for a, b in zip(row, new, strict=True)]
                for row, new in zip(stream.tolist(), added, strict=True)
            ]
        )
    return stream.tolist()


def moved_by_loop(before, after, at):
    n = 0
    for i, (old, new) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
        if i != at and any(abs(a - b) > 0.001 for a, b in zip(old, new, strict=True)):
            n += 1
    return n


def moved_in_numpy(before, after, at):
    moved = (np.abs(after.numpy() - before.numpy()) > 0.001).any(axis=1)
    return int(np.delete(moved, at).sum())


RIGHT = {
    "block_parameters": [
        lambda d, f: 4 * d * (d + 1) + f * (d + 1) + d * (f + 1) + 4 * d,
        lambda d, f: 4 * d**2 + 2 * d * f + 9 * d + f,
        count_a_built_block,
        layers_one_by_one,
        lambda d, f: float(4 * d * d + 2 * d * f + 9 * d + f),
    ],
    "run_stream": [
        stream_again,
        stream_in_place,
        stream_of_lists,
        lambda start, parts: reduce(lambda x, part: x + part(x), parts, start),
        lambda start, parts: stream_again(start, parts).numpy(),
    ],
    "n_others_moved": [
        lambda before, after, at: sum(
            (new - old).abs().max() > 0.001
            for i, (old, new) in enumerate(zip(before, after, strict=True))
            if i != at
        ),
        moved_by_loop,
        moved_in_numpy,
        lambda before, after, at: (
            torch.isclose(before, after, rtol=0, atol=0.001)
            .all(1)
            .logical_not()
            .index_fill(0, torch.tensor(at), False)
            .sum()
        ),
    ],
}

WRONG = {
    "block_parameters": [
        lambda d, f: 4 * d * d + 2 * d * f + 4 * d,  # no biases
        lambda d, f: 3 * d * (d + 1) + f * (d + 1) + d * (f + 1) + 4 * d,  # no output layer
        lambda d, f: 4 * d * (d + 1) + f * (d + 1) + d * (f + 1),  # no norms
        lambda d, f: 4 * d * (d + 1) + f * (d + 1) + d * (f + 1) + 2 * d,  # one vector a norm
        lambda d, f: 12 * d * d + 13 * d,  # four times as wide, whatever is given
        lambda d, f: 4 * d * (d + 1) + 2 * (d * f + f) + 4 * d,  # the narrowing bias is wide
        lambda d, f: 4 * d * (d + 1) + d * f + f + 4 * d,  # it never narrows
        lambda d, f: 12 * d * d,
    ],
    "run_stream": [
        lambda start, parts: start,
        lambda start, parts: reduce(lambda x, part: part(x), parts, start),
        lambda start, parts: start + sum(part(start) for part in parts),
        lambda start, parts: sum(part(start) for part in parts),
        lambda start, parts: stream_again(start, parts[::-1]),
        lambda start, parts: stream_again(start, parts[:-1]),
        lambda start, parts: stream_again(start, parts) - start,
        lambda start, parts: stream_again(start, parts).T,
    ],
    "n_others_moved": [
        lambda before, after, at: ((after - before).abs().amax(1) > 0.001).sum(),
        lambda before, after, at: ((after - before).abs().amax(1) > 0.001).sum() - 1,
        lambda before, after, at: ((after - before)[:, 0].abs() > 0.001).sum() - 1,
        lambda before, after, at: ((after - before)[:, -1].abs() > 0.001).sum() - 1,
        lambda before, after, at: moved_by_loop(before, after.maximum(before), at),
        lambda before, after, at: moved_by_loop(before, after.minimum(before), at),
        lambda before, after, at: moved_by_loop(before, after, at - 1),
        lambda before, after, at: ((after - before).abs().amax(0) > 0.001).sum(),
        lambda before, after, at: ((after - before).sum(1).abs() > 0.001).sum() - 1,
        lambda before, after, at: moved_by_loop(before[at:], after[at:], 0),
        lambda before, after, at: moved_by_loop(before[: at + 1], after[: at + 1], at),
        lambda before, after, at: len(before) - 1,
    ],
}
