"""Exercises of chapter 1: why Transformers."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _rnn_step(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(W @ x + U @ h + b)


def _lstm_state(c: Tensor, keep: Tensor, write: Tensor, new: Tensor) -> Tensor:
    return keep.sigmoid() * c + write.sigmoid() * new.tanh()


def _numbers_kept(n_tokens: int, n_layers: int, n_heads: int, d_head: int) -> int:
    return 2 * n_tokens * n_layers * n_heads * d_head


_random = torch.Generator().manual_seed(0)


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_random)


EXERCISES = {
    "rnn_step": Exercise(
        task="x, h (D), W, U (D, D), b (D) → the new state (D).",
        inputs=[
            (_draw(3), _draw(3), _draw(3, 3), _draw(3, 3), _draw(3)),
            (_draw(2), _draw(2), _draw(2, 2), _draw(2, 2), _draw(2)),
        ],
        solution=_rnn_step,
        mistakes=[
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + b),
                "The old state is missing: this network forgets everything at each step.",
            ),
            Mistake(
                lambda x, h, W, U, b: W @ x + U @ h + b,
                "The bend is missing. Without it the state can grow without end, and many steps "
                "are one linear map.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(U @ x + W @ h + b),
                "The two matrices are swapped: the first is for the token, the second for the "
                "state.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(x @ W + h @ U + b),
                "The vectors stand on the wrong side of the matrices: here a row of a matrix "
                "makes one number of the result.",
            ),
            Mistake(
                lambda x, h, W, U, b: h + torch.tanh(W @ x + U @ h + b),
                "The old state is added once more at the end. A plain RNN replaces it.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + U @ h),
                "The bias is missing.",
            ),
        ],
    ),
    "lstm_state": Exercise(
        task="c, keep, write, new (D) → the new protected state (D).",
        inputs=[(_draw(4), _draw(4), _draw(4), _draw(4)), (_draw(3), *_draw(3, 3))],
        solution=_lstm_state,
        mistakes=[
            Mistake(
                lambda c, keep, write, new: write.sigmoid() * c + keep.sigmoid() * new.tanh(),
                "The two gates are swapped: which of them guards the old state?",
            ),
            Mistake(
                lambda c, keep, write, new: keep * c + write * new.tanh(),
                "The gates are not squashed: a gate is a number between 0 and 1.",
            ),
            Mistake(
                lambda c, keep, write, new: keep.sigmoid() * c + write.sigmoid() * new,
                "The new content is not squashed: a single large value could fill the state.",
            ),
            Mistake(
                lambda c, keep, write, new: c + write.sigmoid() * new.tanh(),
                "Nothing is ever forgotten here: the gate that keeps is missing.",
            ),
            Mistake(
                lambda c, keep, write, new: keep.sigmoid() * c + (1 - keep.sigmoid()) * new.tanh(),
                "One gate does both jobs here, as in a GRU. The LSTM has one for each.",
            ),
            Mistake(
                lambda c, keep, write, new: (
                    keep.sigmoid() * c + write.sigmoid() * new.tanh()
                ).tanh(),
                "Nearly: there is no bend around the sum. It is what lets the gradient pass as "
                "it is.",
            ),
        ],
    ),
    "numbers_kept": Exercise(
        task="n_tokens, n_layers, n_heads, d_head → how many numbers are kept.",
        inputs=[(10, 2, 4, 16), (1, 12, 12, 64), (7, 3, 2, 5)],
        solution=_numbers_kept,
        mistakes=[
            Mistake(
                lambda t, layers, heads, size: t * layers * heads * size,
                "Only one of the two is counted: there is a key and a value.",
            ),
            Mistake(
                lambda t, layers, heads, size: 2 * t * heads * size,
                "Every layer keeps its own.",
            ),
            Mistake(
                lambda t, layers, heads, size: 2 * t * layers * size,
                "Every head keeps its own.",
            ),
            Mistake(
                lambda t, layers, heads, size: 2 * t * t * layers * heads * size,
                "The *comparisons* grow with the square of the length. What is kept is one key "
                "and one value for each token.",
            ),
            Mistake(
                lambda t, layers, heads, size: 3 * t * layers * heads * size,
                "The queries are counted, too. A query is used once, by its own token, and need "
                "not be kept.",
            ),
        ],
    ),
}
