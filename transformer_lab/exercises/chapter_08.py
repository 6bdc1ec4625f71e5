"""Exercises of chapter 8: feed-forward."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from transformer_lab.exercises.exercise import Exercise, Mistake


def _feed_forward(x: Tensor, w_1: Tensor, b_1: Tensor, w_2: Tensor, b_2: Tensor) -> Tensor:
    return torch.relu(x @ w_1 + b_1) @ w_2 + b_2


def _as_one(weight: Tensor, bias: Tensor) -> Tensor:
    """Weight and bias as one tensor, so that they can be compared at once."""
    return torch.cat([weight, bias[None]])


def _collapse(w_1: Tensor, b_1: Tensor, w_2: Tensor, b_2: Tensor) -> Tensor:
    return _as_one(w_1 @ w_2, b_1 @ w_2 + b_2)


def _swiglu(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    return (functional.silu(x @ w_gate) * (x @ w_up)) @ w_down


_random = torch.Generator().manual_seed(0)


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_random)


def _layer(n_tokens: int, d_model: int, d_ff: int) -> tuple[Tensor, ...]:
    return (
        _draw(n_tokens, d_model),
        _draw(d_model, d_ff),
        _draw(d_ff),
        _draw(d_ff, d_model),
        _draw(d_model),
    )


def _two_linear(d: int, f: int, e: int) -> tuple[Tensor, ...]:
    return _draw(d, f), _draw(f), _draw(f, e), _draw(e)


def _gated(n_tokens: int, d_model: int, d_ff: int) -> tuple[Tensor, ...]:
    matrices = _draw(d_model, d_ff), _draw(d_model, d_ff), _draw(d_ff, d_model)
    return _draw(n_tokens, d_model), *matrices


EXERCISES = {
    "feed_forward": Exercise(
        task="x (T, D), w_1 (D, F), b_1 (F), w_2 (F, D), b_2 (D) → the output (T, D), with a ReLU "
        "between.",
        inputs=[_layer(3, 2, 6), _layer(5, 3, 7)],
        solution=_feed_forward,
        mistakes=[
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1) @ w_2 + b_2,
                "The activation function is missing. Without it the two layers are one.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu((x @ w_1 + b_1) @ w_2 + b_2),
                "The ReLU stands at the end. It belongs between the two layers; what comes out "
                "may be negative.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(torch.relu(x @ w_1 + b_1) @ w_2 + b_2),
                "There are two ReLUs. The last layer only brings the vector back to its size.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1) @ w_2,
                "Both biases are missing.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1) @ w_2 + b_2,
                "The first bias is missing: it sets each neuron's threshold.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: torch.relu(x @ w_1 + b_1) @ w_2,
                "The second bias is missing: it is added to what the last layer gives.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: (torch.relu(x @ w_1) + b_1) @ w_2 + b_2,
                "The first bias comes too late: it moves the place of the corner, so it must be "
                "added before the ReLU.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: functional.gelu(x @ w_1 + b_1) @ w_2 + b_2,
                "This is a GELU. A ReLU stops every negative number altogether.",
            ),
            Mistake(
                lambda x, w_1, b_1, w_2, b_2: x + torch.relu(x @ w_1 + b_1) @ w_2 + b_2,
                "The input is added here. That is the residual connection, which is the block's "
                "work and not the layer's.",
            ),
        ],
    ),
    "collapse": Exercise(
        task="w_1 (D, F), b_1, w_2 (F, E), b_2 → one weight and bias that do the same; give the "
        "weight with the bias as its last row.",
        inputs=[_two_linear(2, 6, 5), _two_linear(4, 3, 7)],
        solution=_collapse,
        mistakes=[
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one(w_1 @ w_2, b_2),
                "The first bias is lost. It passes through the second layer too.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one(w_1 @ w_2, b_1 @ w_2),
                "The second bias is lost.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: torch.cat([(b_1 @ w_2 + b_2)[None], w_1 @ w_2]),
                "The bias stands on top. It should be the last row.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: _as_one(w_1 @ w_2, b_1 @ w_2 + b_2).T,
                "Rows and columns have changed places.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: w_1 @ w_2,
                "This is the weight alone; the bias is missing as the last row.",
            ),
            Mistake(
                lambda w_1, b_1, w_2, b_2: torch.relu(_collapse(w_1, b_1, w_2, b_2)),
                "There is no activation function here: numbers below 0 must stay.",
            ),
        ],
    ),
    "swiglu": Exercise(
        task="x (T, D), w_gate (D, F), w_up (D, F), w_down (F, D) → the layer's output (T, D).",
        inputs=[_gated(3, 4, 5), _gated(2, 6, 7)],
        solution=_swiglu,
        mistakes=[
            Mistake(
                lambda x, gate, up, down: (x @ gate * functional.silu(x @ up)) @ down,
                "The SiLU is on the wrong side: it belongs to the gate, and the other vector "
                "stays as it is.",
            ),
            Mistake(
                lambda x, gate, up, down: (torch.sigmoid(x @ gate) * (x @ up)) @ down,
                "The gate is a plain sigmoid here. In SwiGLU it is multiplied by its own input: "
                "that function is called SiLU, or swish.",
            ),
            Mistake(
                lambda x, gate, up, down: (functional.silu(x @ gate) + x @ up) @ down,
                "The two vectors are added. A gate multiplies.",
            ),
            Mistake(
                lambda x, gate, up, down: functional.silu(x @ gate) @ down,
                "The second vector is missing: the gate has nothing to let through.",
            ),
            Mistake(
                lambda x, gate, up, down: (x @ gate * (x @ up)) @ down,
                "Both vectors are plain. The gate needs an activation function.",
            ),
            Mistake(
                lambda x, gate, up, down: functional.silu(x @ gate * (x @ up)) @ down,
                "The SiLU comes after the product. Only the gate goes through it, before.",
            ),
            Mistake(
                lambda x, gate, up, down: (functional.gelu(x @ gate) * (x @ up)) @ down,
                "The gate is a GELU here: that layer is GeGLU. SwiGLU's gate is a SiLU.",
            ),
        ],
    ),
}
