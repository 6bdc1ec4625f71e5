"""Exercises of chapter 9: residuals and norm."""

from __future__ import annotations

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Mistake

_EPS = 1e-5


def _normed(x: Tensor, dim: int | tuple[int, ...] = -1, *, unbiased: bool = False) -> Tensor:
    variance = x.var(dim, keepdim=True, correction=int(unbiased))
    return (x - x.mean(dim, keepdim=True)) / (variance + _EPS).sqrt()


def _layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _normed(x) * weight + bias


def _mean_square(x: Tensor, dim: int | tuple[int, ...] = -1) -> Tensor:
    return x.square().mean(dim, keepdim=True) + _EPS


def _rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    return x / _mean_square(x).sqrt() * weight


def _pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))


def _post_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = norm_1(x + attention(x))
    return norm_2(x + feed_forward(x))


def _replacing_block(x, attention, feed_forward, norm_1, norm_2):
    return feed_forward(norm_2(attention(norm_1(x))))


def _normed_stream_block(x, attention, feed_forward, norm_1, norm_2):
    x = norm_1(x)
    x = norm_2(x + attention(x))
    return x + feed_forward(x)


def _parallel_block(x, attention, feed_forward, norm_1, norm_2):
    return x + attention(norm_1(x)) + feed_forward(norm_2(x))


def _late_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = x + norm_1(attention(x))
    return x + norm_2(feed_forward(x))


def _bare_block(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(x)
    return x + feed_forward(x)


def _without_second_norm(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(norm_1(x))
    return x + feed_forward(x)


def _look_back(x: Tensor) -> Tensor:
    return x.cumsum(0) / 3


def _halve(x: Tensor) -> Tensor:
    return x / x.abs().max()


_random = torch.Generator().manual_seed(0)
_x = 3 * torch.randn(2, 3, 4, generator=_random) + 1
_weight, _bias = torch.tensor([1.0, 0.5, 2.0, -1.0]), torch.tensor([0.0, 1.0, -1.0, 0.5])
_small = 0.001 * torch.randn(3, 2, 5, generator=_random)  # here the epsilon shows
_small_weight = torch.tensor([0.5, -2.0, 1.0, 3.0, 1.5])
_small_bias = torch.tensor([1.0, 0.5, -1.0, 0.0, 2.0])

EXERCISES = {
    "layer_norm": Exercise(
        task="x (B, T, D), weight and bias (D) → the layer norm, epsilon 1e-5.",
        inputs=[(_x, _weight, _bias), (_small, _small_weight, _small_bias)],
        solution=_layer_norm,
        mistakes=[
            Mistake(
                lambda x, weight, bias: _normed(x, 1) * weight + bias,
                "The mean runs over the tokens. Each token's vector is normalised by itself, "
                "over its own numbers.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x, 0) * weight + bias,
                "The mean runs over the texts of the batch: that is another norm. Here each "
                "token's vector is normalised by itself.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x, (-2, -1)) * weight + bias,
                "The mean runs over a whole text. Each token has a mean of its own.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x, (0, 1, 2)) * weight + bias,
                "The mean runs over everything at once. Each token has a mean of its own.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x, unbiased=True) * weight + bias,
                "Nearly: the variance is a plain mean here, over all the numbers, and not over "
                "one fewer. Libraries often do the other thing unless told.",
            ),
            Mistake(
                lambda x, weight, bias: (
                    (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0) * weight
                    + bias
                ),
                "The epsilon is missing: without it, a vector of equal numbers is divided by zero.",
            ),
            Mistake(
                lambda x, weight, bias: (
                    (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * weight + bias
                ),
                "Two things: the epsilon is missing, and libraries divide by one fewer than all "
                "the numbers unless told.",
            ),
            Mistake(
                lambda x, weight, bias: (
                    (x - x.mean(-1, keepdim=True))
                    / (x.std(-1, keepdim=True, correction=0) + _EPS)
                    * weight
                    + bias
                ),
                "The epsilon is added to the standard deviation; it belongs to the variance, "
                "under the root.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x),
                "The learned scale and shift are missing.",
            ),
            Mistake(
                lambda x, weight, bias: _normed(x) * weight,
                "The learned shift is missing.",
            ),
            Mistake(
                lambda x, weight, bias: (_normed(x) + bias) * weight,
                "The shift comes too early: the scale is applied first, then the shift is added.",
            ),
            Mistake(
                lambda x, weight, bias: x / _mean_square(x).sqrt() * weight + bias,
                "The mean is not taken away first.",
            ),
            Mistake(
                lambda x, weight, bias: (
                    (x - x.mean(-1, keepdim=True))
                    / (x.var(-1, keepdim=True, correction=0) + _EPS)
                    * weight
                    + bias
                ),
                "Divided by the variance: its root is the standard deviation.",
            ),
        ],
    ),
    "rms_norm": Exercise(
        task="x (B, T, D) and weight (D) → the RMS norm, epsilon 1e-5.",
        inputs=[(_x, _weight), (_small, _small_weight)],
        solution=_rms_norm,
        mistakes=[
            Mistake(
                lambda x, weight: _normed(x) * weight,
                "The mean is taken away here. That is LayerNorm; RMSNorm leaves the mean in.",
            ),
            Mistake(
                lambda x, weight: x / _mean_square(x) * weight,
                "Divided by the mean square: the root is missing.",
            ),
            Mistake(
                lambda x, weight: x / (x.square().sum(-1, keepdim=True) + _EPS).sqrt() * weight,
                "Divided by the vector's length: take the *mean* of the squares, not their sum.",
            ),
            Mistake(
                lambda x, weight: x / _mean_square(x, 1).sqrt() * weight,
                "The mean runs over the tokens. Each token is normalised by itself.",
            ),
            Mistake(
                lambda x, weight: x / _mean_square(x, (-2, -1)).sqrt() * weight,
                "The mean runs over a whole text. Each token has a size of its own.",
            ),
            Mistake(
                lambda x, weight: x / _mean_square(x).sqrt(),
                "The learned scale is missing.",
            ),
            Mistake(
                lambda x, weight: x / (_mean_square(x) - _EPS).sqrt() * weight,
                "The epsilon is missing: without it, a vector of zeros is divided by zero.",
            ),
            Mistake(
                lambda x, weight: x / ((_mean_square(x) - _EPS).sqrt() + _EPS) * weight,
                "The epsilon is added after the root; it belongs under it.",
            ),
        ],
    ),
    "pre_norm_block": Exercise(
        task="x (T, D), attention, feed_forward, norm_1, norm_2 → the stream after one pre-norm "
        "block.",
        inputs=[
            (_x[0], _look_back, torch.relu, _normed, _halve),
            (_x[1], torch.tanh, _look_back, _halve, _normed),
        ],
        solution=_pre_norm_block,
        mistakes=[
            Mistake(
                _post_norm_block,
                "This is post-norm, as in 2017: the sum is normalised. In pre-norm only what "
                "goes into each part is.",
            ),
            Mistake(
                _replacing_block,
                "Each part replaces the stream. It should add to it.",
            ),
            Mistake(
                _normed_stream_block,
                "The stream itself is normalised here. Only the copy that a part reads should be.",
            ),
            Mistake(
                _parallel_block,
                "Both parts read the same stream. The second should see what the first has added.",
            ),
            Mistake(
                _late_norm_block,
                "The norms stand after the parts. In pre-norm they stand before: a part reads a "
                "normed copy.",
            ),
            Mistake(
                _bare_block,
                "There are no norms here.",
            ),
            Mistake(
                _without_second_norm,
                "The second part reads the stream as it is. It needs a normed copy too.",
            ),
            Mistake(
                lambda x, attention, feed_forward, norm_1, norm_2: _pre_norm_block(
                    x, attention, feed_forward, norm_2, norm_1
                ),
                "The two norms have changed places.",
            ),
            Mistake(
                lambda x, attention, feed_forward, norm_1, norm_2: _pre_norm_block(
                    x, feed_forward, attention, norm_2, norm_1
                ),
                "The order of the parts is turned round: attention comes first.",
            ),
        ],
    ),
}
