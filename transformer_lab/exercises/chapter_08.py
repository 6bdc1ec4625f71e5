"""Exercises of chapter 8: feed-forward."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from transformer_lab.exercises.exercise import Exercise, Mistake


def _feed_forward(x: Tensor, w_1: Tensor, b_1: Tensor, w_2: Tensor, b_2: Tensor) -> Tensor:
    return torch.relu(x @ w_1 + b_1) @ w_2 + b_2


def _collapse(w_1: Tensor, b_1: Tensor, w_2: Tensor, b_2: Tensor) -> tuple[Tensor, Tensor]:
    return w_1 @ w_2, b_1 @ w_2 + b_2


def _as_one(weight_and_bias: tuple[Tensor, Tensor]) -> Tensor:
    """Weight and bias as one tensor, so that they can be compared at once."""
    weight, bias = weight_and_bias
    return torch.cat([weight, bias[None]])


def _collapsed(w_1: Tensor, b_1: Tensor, w_2: Tensor, b_2: Tensor) -> Tensor:
    return _as_one(_collapse(w_1, b_1, w_2, b_2))


def _swiglu(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    return (functional.silu(x @ w_gate) * (x @ w_up)) @ w_down


_random = torch.Generator().manual_seed(0)


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_random)


_two_layers = (_draw(2, 6), _draw(6), _draw(6, 2), _draw(2))
_square = (_draw(3, 3), _draw(3), _draw(3, 3), _draw(3))
_gated = (_draw(4, 4), _draw(4, 4), _draw(4, 4))

EXERCISES = {
    "feed_forward": Exercise(
        task="x (T, D), w_1 (D, F), b_1 (F), w_2 (F, D), b_2 (D) → (T, D), with a ReLU between.",
        inputs=[(_draw(3, 2), *_two_layers), (_draw(4, 3), *_square)],
        solution=_feed_forward,
        mistakes=[
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1) @ w_2 + b_2,
                "The bend is missing. Without it the two layers are one.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu((x @ w_1 + b_1) @ w_2 + b_2),
                "The bend stands at the end. It belongs between the two layers; what comes out "
                "may be negative.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(torch.relu(x @ w_1 + b_1) @ w_2 + b_2),
                "There are two bends. The last layer only brings the vector back to its size.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1) @ w_2,
                "The biases are missing.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: (torch.relu(x @ w_1) + b_1) @ w_2 + b_2,
                "The first bias comes too late: it moves the place where the bend is, so it must "
                "be added before it.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: x + torch.relu(x @ w_1 + b_1) @ w_2 + b_2,
                "The input is added here. That is the residual connection, which is the block's "
                "work and not the layer's.",
            ),
        ],
    ),
    "collapse": Exercise(
        task="w_1, b_1, w_2, b_2 → one weight and bias that do the same; give the weight with "
        "the bias as its last row.",
        inputs=[_two_layers, _square],
        solution=_collapsed,
        mistakes=[
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one((w_1 @ w_2, b_2)),
                "The first bias is lost. It passes through the second layer too.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one((w_1 @ w_2, b_1 @ w_2)),
                "The second bias is lost.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one(_collapse(w_2, b_2, w_1, b_1)),
                "The product is the wrong way round: the first layer acts on the vector first, "
                "so it stands on the left.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: w_1 @ w_2,
                "This is the weight alone; the bias is missing as the last row.",
            ),
        ],
    ),
    "swiglu": Exercise(
        task="x (T, D), w_gate (D, F), w_up (D, F), w_down (F, D) → (T, D).",
        inputs=[(_draw(3, 4), *_gated), (_draw(2, 4), *_gated)],
        solution=_swiglu,
        mistakes=[
            Mistake(
                lambda x, gate, up, down: (x @ gate * functional.silu(x @ up)) @ down,
                "The bend is on the wrong side: it belongs to the gate, and the other copy "
                "stays as it is.",
            ),
            Mistake(
                lambda x, gate, up, down: (torch.sigmoid(x @ gate) * (x @ up)) @ down,
                "The gate is a plain sigmoid here. In SwiGLU it is multiplied by its own input: "
                "that function is called SiLU, or swish.",
            ),
            Mistake(
                lambda x, gate, up, down: (functional.silu(x @ gate) + x @ up) @ down,
                "The two copies are added. A gate multiplies.",
            ),
            Mistake(
                lambda x, gate, up, down: functional.silu(x @ gate) @ down,
                "The second copy is missing: the gate has nothing to let through.",
            ),
            Mistake(
                lambda x, gate, up, down: (x @ gate * (x @ up)) @ down,
                "Both copies are plain. The gate needs a bend.",
            ),
        ],
    ),
}
