"""Exercises of chapter 1: why Transformers."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake


def _rnn_step(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(W @ x + U @ h + b)


def _lstm_state(c: Tensor, keep: Tensor, write: Tensor, new: Tensor) -> Tensor:
    return keep.sigmoid() * c + write.sigmoid() * new.tanh()


def _more_kept(n_tokens: int, n_layers: int, d_model: int, d_state: int) -> int:
    return 2 * n_tokens * n_layers * d_model - 2 * d_state


_random = torch.Generator().manual_seed(0)


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_random)


EXERCISES = {
    "rnn_step": Exercise(
        task="x (D), h (H), W (H, D), U (H, H), b (H) → the new state (H).",
        inputs=[
            (_draw(3), _draw(5), _draw(5, 3), _draw(5, 5), _draw(5)),
            (_draw(4), _draw(2), _draw(2, 4), _draw(2, 2), _draw(2)),
        ],
        solution=_rnn_step,
        mistakes=[
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + b),
                "The old state is missing: this network forgets everything at each step.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(U @ h + b),
                "The token is missing: this network reads nothing.",
            ),
            Mistake(
                lambda x, h, W, U, b: W @ x + U @ h + b,
                "The activation function is missing: as it is, nothing keeps the state between "
                "-1 and 1.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x) + torch.tanh(U @ h) + b,
                "The token and the state are squashed one by one. Add everything up first, then "
                "squash the sum.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + U @ h) + b,
                "The bias comes too late: it belongs to the sum that is squashed.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + h @ U + b),
                "The old state stands on the wrong side of its matrix: each number of the result "
                "comes of one row of the matrix, not of one column.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + h + b),
                "The old state goes in as it is: its matrix is missing.",
            ),
            Mistake(
                lambda x, h, W, U, b: h + torch.tanh(W @ x + U @ h + b),
                "The old state is added once more at the end. A plain RNN replaces it.",
            ),
            Mistake(
                lambda x, h, W, U, b: torch.tanh(W @ x + U @ h),
                "The bias is missing.",
            ),
            Mistake(
                lambda x, h, W, U, b: (W @ x + U @ h + b).sigmoid(),
                "This squashes with a sigmoid, to numbers between 0 and 1; the formula has "
                "another function.",
            ),
        ],
    ),
    "lstm_state": Exercise(
        task="c, keep, write, new (D) → the new second state (D).",
        inputs=[(_draw(4), *_draw(3, 4)), (2 * _draw(5), *_draw(3, 5))],
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
                lambda c, keep, write, new: keep * c + write * new,
                "Nothing is squashed: a gate is a number between 0 and 1, and the new content "
                "goes through tanh.",
            ),
            Mistake(
                lambda c, keep, write, new: keep.sigmoid() * c + new.tanh(),
                "The new content comes in whole, always: the gate that writes is missing.",
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
                "Nearly: the sum itself is not squashed again. So what is kept stays as it is.",
            ),
        ],
    ),
    "more_kept": Exercise(
        task="n_tokens, n_layers, d_model, d_state → how many numbers more.",
        inputs=[(10, 3, 16, 39), (1, 12, 64, 100), (1, 2, 5, 30)],
        solution=_more_kept,
        mistakes=[
            Mistake(
                lambda t, layers, size, state: t * layers * size - 2 * state,
                "The Transformer keeps two vectors for each token; here it is one.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * t * size - 2 * state,
                "Every block keeps vectors of its own.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * t * layers * size - state,
                "An LSTM has two states; here it is one.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * t * layers * size,
                "This is what the Transformer keeps. How many is that *more* than the LSTM?",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * state - 2 * t * layers * size,
                "The difference is taken the wrong way round.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * t * t * layers * size - 2 * state,
                "The *comparisons* grow with the square of the length. The vectors that are "
                "kept do not: each token has its own two in each block.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * t * (layers * size - state),
                "The states of the LSTM are counted once for each token. It has the same two for "
                "the whole text.",
            ),
            Mistake(
                lambda t, layers, size, state: 2 * layers * (t * size - state),
                "The states of the LSTM are counted once for each block. Ours has one layer.",
            ),
        ],
    ),
}
