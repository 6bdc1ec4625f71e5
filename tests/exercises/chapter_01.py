"""Right and wrong answers to the exercises of chapter 1, as readers write them."""

import math

import numpy as np
import torch


def _rnn_in_loops(x, h, W, U, b):
    new = []
    for row in range(len(h)):
        total = b[row]
        for i in range(len(x)):
            total = total + W[row, i] * x[i]
        for j in range(len(h)):
            total = total + U[row, j] * h[j]
        new.append(math.tanh(total))
    return new


def _rnn_joined(x, h, W, U, b):
    return torch.tanh(torch.cat([W, U], dim=1) @ torch.cat([x, h]) + b)


def _rnn_numpy(x, h, W, U, b):
    x, h, W, U, b = (part.numpy() for part in (x, h, W, U, b))
    return np.tanh(W @ x + U.dot(h) + b)


def _rnn_linear(x, h, W, U, b):
    return torch.nn.functional.linear(x, W, b).add(h @ U.T).tanh()


def _rnn_module(x, h, W, U, b):
    cell = torch.nn.RNNCell(len(x), len(h))
    cell.load_state_dict(
        {"weight_ih": W, "weight_hh": U, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    )
    return cell(x[None], h[None])[0]


def _lstm_in_loops(c, keep, write, new):
    def gate(z):
        return 1 / (1 + math.exp(-z))

    return [
        gate(k) * old + gate(w) * math.tanh(n)
        for old, k, w, n in zip(c, keep, write, new, strict=True)
    ]


def _lstm_numpy(c, keep, write, new):
    c, keep, write, new = (part.numpy() for part in (c, keep, write, new))
    return c / (1 + np.exp(-keep)) + np.tanh(new) / (1 + np.exp(-write))


def _lstm_in_place(c, keep, write, new):
    c *= keep.sigmoid()
    c += write.sigmoid() * new.tanh()
    return c


def _lstm_tanh_of_half(c, keep, write, new):
    # A sigmoid is a tanh of half the number, moved up.
    return (1 + (keep / 2).tanh()) / 2 * c + (1 + (write / 2).tanh()) / 2 * new.tanh()


RIGHT = {
    "rnn_step": [_rnn_in_loops, _rnn_joined, _rnn_numpy, _rnn_linear, _rnn_module],
    "lstm_state": [
        lambda c, keep, write, new: (
            torch.sigmoid(keep) * c + torch.sigmoid(write) * torch.tanh(new)
        ),
        _lstm_in_loops,
        _lstm_numpy,
        _lstm_in_place,
        _lstm_tanh_of_half,
    ],
    "more_kept": [
        lambda t, layers, size, state: 2 * (t * layers * size - state),
        lambda t, layers, size, state: float(2 * t * layers * size) - 2 * state,
        lambda t, layers, size, state: torch.tensor(t * layers * 2 * size - state - state),
        lambda t, layers, size, state: (
            sum(size for _ in range(t) for _ in range(layers) for _ in ("key", "value"))
            - sum(state for _ in ("h", "c"))
        ),
        lambda t, layers, size, state: np.zeros((layers, 2, t, size)).size - 2 * state,
    ],
}

WRONG = {
    "rnn_step": [
        lambda x, h, W, U, b: W @ x + U @ h + b,
        lambda x, h, W, U, b: torch.tanh(W @ x + b),
        lambda x, h, W, U, b: torch.tanh(W @ x + U @ h),
        lambda x, h, W, U, b: torch.tanh(W @ x + U.T @ h + b),
        lambda x, h, W, U, b: torch.tanh(W @ x + h + b),
        lambda x, h, W, U, b: torch.tanh(U @ x + W @ h + b),
        lambda x, h, W, U, b: torch.tanh(x @ W + h @ U + b),
        lambda x, h, W, U, b: torch.relu(W @ x + U @ h + b),
        lambda x, h, W, U, b: torch.tanh(W @ x + U @ h + b)[:-1],
        lambda x, h, W, U, b: torch.tanh(W @ x + U @ h - b),
        lambda x, h, W, U, b: torch.tanh(W @ x + U * h + b),
        lambda x, h, W, U, b: (W @ x + U @ h + b).clamp(-1, 1),
        lambda x, h, W, U, b: torch.tanh(W @ x + U @ torch.tanh(h) + b),
    ],
    "lstm_state": [
        lambda c, keep, write, new: keep * c + write * new,
        lambda c, keep, write, new: write.sigmoid() * c + keep.sigmoid() * new.tanh(),
        lambda c, keep, write, new: c + write.sigmoid() * new.tanh(),
        lambda c, keep, write, new: keep.sigmoid() * c + new.tanh(),
        lambda c, keep, write, new: keep.sigmoid() * c + write.sigmoid() * new.sigmoid(),
        lambda c, keep, write, new: (keep.sigmoid() * c + write.sigmoid() * new.tanh()).tanh(),
        lambda c, keep, write, new: keep.sigmoid() * c.tanh() + write.sigmoid() * new.tanh(),
        lambda c, keep, write, new: keep.sigmoid() * c + (1 - keep.sigmoid()) * new.tanh(),
        lambda c, keep, write, new: keep.tanh() * c + write.tanh() * new.tanh(),
        lambda c, keep, write, new: keep.softmax(0) * c + write.softmax(0) * new.tanh(),
        lambda c, keep, write, new: (keep.sigmoid() * c + write.sigmoid() * new.tanh()).sum(),
    ],
    "more_kept": [
        lambda t, layers, size, state: t * layers * size - 2 * state,
        lambda t, layers, size, state: 2 * t * layers * size - state,
        lambda t, layers, size, state: 2 * t * layers * size,
        lambda t, layers, size, state: 2 * t * size - 2 * state,
        lambda t, layers, size, state: 2 * layers * size - 2 * state,
        lambda t, layers, size, state: 2 * t * layers - 2 * state,
        lambda t, layers, size, state: 2 * t * t * layers * size - 2 * state,
        lambda t, layers, size, state: t * layers * size - state,
        lambda t, layers, size, state: abs(2 * t * layers * size - 2 * state),
        lambda t, layers, size, state: 3 * t * layers * size - 2 * state,
    ],
}
