"""Exercises of chapter 2: the map."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _block_parameters(
    d_model: int, d_ff: int, *, n_linear: int = 4, n_norms: int = 2, bias: int = 1
) -> int:
    attention = n_linear * (d_model * d_model + bias * d_model)
    feed_forward = 2 * d_model * d_ff + bias * (d_ff + d_model)
    return attention + feed_forward + n_norms * 2 * d_model


def _run_stream(start: Tensor, parts: list[Callable[[Tensor], Tensor]]) -> Tensor:
    for part in parts:
        start = start + part(start)
    return start


def _replaced(start: Tensor, parts: list[Callable[[Tensor], Tensor]]) -> Tensor:
    for part in parts:
        start = part(start)
    return start


def _n_others_moved(before: Tensor, after: Tensor, changed: int) -> Tensor:
    moved = (after - before).abs().amax(-1) > 0.001
    moved[changed] = False
    return moved.sum()


def _double(x: Tensor) -> Tensor:
    return 2 * x


def _shift(x: Tensor) -> Tensor:
    return x.roll(1, dims=0)


_before = torch.zeros(5, 3)
_one_lowered = _before.clone()
_one_lowered[1], _one_lowered[3, 0] = 1.0, -0.5
_all_moved = _before + 1
_hardly_moved = _before.clone()
_hardly_moved[2], _hardly_moved[4] = 1.0, 0.0001

EXERCISES = {
    "block_parameters": Exercise(
        task="d_model and d_ff → the number of parameters of one block.",
        inputs=[(64, 256), (768, 3072), (8, 20)],
        solution=_block_parameters,
        mistakes=[
            Mistake(
                lambda d, f: _block_parameters(d, f, bias=0),
                "The biases are missing: a linear layer also adds one learned number to each "
                "of its outputs.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f, n_linear=3),
                "Attention has one linear layer more: after queries, keys and values there is "
                "the one that mixes what the heads have found.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f, n_norms=1),
                "A block has two norms: one before attention, one before the feed-forward layer.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f, n_norms=0),
                "The norms are missing. They are small, but they are learned too.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f) - (f * d + d),
                "The feed-forward layer widens *and* narrows: it is two linear layers.",
            ),
        ],
    ),
    "run_stream": Exercise(
        task="start (T, D) and parts → the residual stream after all of them.",
        inputs=[
            (torch.arange(6.0).reshape(3, 2), [_double, _shift]),
            (torch.tensor([[1.0, -1.0], [2.0, 0.5]]), [torch.relu, _shift, _double]),
        ],
        solution=_run_stream,
        mistakes=[
            Mistake(
                _replaced,
                "Each part replaces the stream here. It should add to it, so that nothing is lost.",
            ),
            Mistake(
                lambda start, parts: start + sum(part(start) for part in parts),
                "Every part reads the stream as it was at the start. It should read what the "
                "parts before it have already added.",
            ),
            Mistake(
                lambda start, parts: start + _replaced(start, parts),
                "The parts replace each other, and only the start is added at the end. Every "
                "part adds its own result.",
            ),
            Mistake(
                lambda start, parts: _run_stream(start, parts) - start,
                "This is what the parts have added up to; the stream also holds its start.",
            ),
        ],
    ),
    "n_others_moved": Exercise(
        task="before and after (T, D), changed → how many other positions moved.",
        inputs=[(_before, _one_lowered, 1), (_before, _all_moved, 0), (_before, _hardly_moved, 2)],
        solution=_n_others_moved,
        mistakes=[
            Mistake(
                lambda before, after, changed: ((after - before).abs().amax(-1) > 0.001).sum(),
                "This counts the changed token itself too. Of course that one moved.",
            ),
            Mistake(
                lambda before, after, changed: _n_others_moved(before, after.clamp(min=0), changed),
                "Numbers that went down are not counted: it is the size of the change that "
                "matters, not its sign.",
            ),
            Mistake(
                lambda before, after, changed: ((after - before).abs() > 0.001).sum(),
                "This counts single numbers. The question is about positions: one that moved in "
                "several numbers is still one.",
            ),
            Mistake(
                lambda before, after, changed: _n_others_moved(1e9 * before, 1e9 * after, changed),
                "Any difference counts here, however small. Allow for rounding.",
            ),
        ],
    ),
}
