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


def _shift(x: Tensor) -> Tensor:
    return x.roll(1, dims=0)


def _square(x: Tensor) -> Tensor:
    return x * x


# What a part puts out before a token is changed, and after. Seven positions of four
# numbers; no column, sign or sum gives the answer away.
_before = torch.arange(28.0).reshape(7, 4) / 8
_a_few = _before.clone()  # 0, 3 and 5 moved, with 2 itself; 4 hardly
_a_few[2, 0] += 1.0
_a_few[0, 3] -= 0.5
_a_few[5, 1], _a_few[5, 2] = _a_few[5, 1] + 0.25, _a_few[5, 2] - 0.25
_a_few[3, 2] += 0.125
_a_few[4, 1] += 0.0004
_most = _before + 0.002  # all but 6 and the first number of each
_most[:, 0] = _before[:, 0]
_most[6] = _before[6]
_not_itself = _before.clone()  # 0 was changed and stayed as it was; 2, 3 and 4 moved
_not_itself[2:5, 2] -= 3.0

EXERCISES = {
    "block_parameters": Exercise(
        task="d_model and d_ff → the number of parameters of one block.",
        inputs=[(64, 200), (768, 3072), (8, 21)],
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
                "A norm has two learned vectors, and a block has two norms: one before "
                "attention, one before the feed-forward layer.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f, n_norms=0),
                "The norms are missing. They are small, but they are learned too.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, f) - (f * d + d),
                "The feed-forward layer widens *and* narrows: it is two linear layers.",
            ),
            Mistake(
                lambda d, f: _block_parameters(d, 4 * d),
                "The width of the feed-forward layer is given here. It need not be four times "
                "the size of a vector.",
            ),
        ],
    ),
    "run_stream": Exercise(
        task="start (T, D) and parts → the residual stream after all of them.",
        inputs=[
            (torch.arange(6.0).reshape(3, 2) - 2, [_square, _shift]),
            (torch.linspace(-1, 2, 20).reshape(4, 5), [torch.relu, _shift, _square]),
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
            Mistake(
                lambda start, parts: _run_stream(start, parts[::-1]),
                "The parts come in another order here: the first one of the list is the first "
                "one to read.",
            ),
        ],
    ),
    "n_others_moved": Exercise(
        task="before and after (T, D), changed → how many other positions moved.",
        inputs=[(_before, _a_few, 2), (_before, _most, 4), (_before, _not_itself, 0)],
        solution=_n_others_moved,
        mistakes=[
            Mistake(
                lambda before, after, changed: ((after - before).abs().amax(-1) > 0.001).sum(),
                "This counts the changed token itself too, where it moved. The question is "
                "about the others.",
            ),
            Mistake(
                lambda before, after, changed: ((after - before).abs().amax(-1) > 0.001).sum() - 1,
                "This takes one off for the changed token in any case. A part may well give the "
                "same for it as before: leave it out of the count instead.",
            ),
            Mistake(
                lambda before, after, changed: _n_others_moved(before, after.max(before), changed),
                "Numbers that went down are not counted: it is the size of the change that "
                "matters, not its sign.",
            ),
            Mistake(
                lambda before, after, changed: _n_others_moved(
                    before.sum(-1, keepdim=True), after.sum(-1, keepdim=True), changed
                ),
                "The changes of a position are added up before their size is taken, so that "
                "some cancel each other.",
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
            Mistake(
                lambda before, after, changed: _n_others_moved(
                    before[:, :1], after[:, :1], changed
                ),
                "This looks at the first number of each position only.",
            ),
            Mistake(
                lambda before, after, changed: (
                    (after - before)[changed + 1 :].abs().amax(-1) > 0.001
                ).sum(),
                "This counts only the positions after the changed one. In an encoder those "
                "before it may move as well.",
            ),
        ],
    ),
}
