"""Right and wrong answers to the exercises of chapter 09, as readers write them."""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
from torch.nn import functional


def norm_in_numpy(x, weight, bias):
    x = x.numpy().astype(np.float64)
    centred = x - x.mean(axis=2)[:, :, None]
    return centred / np.sqrt(x.var(axis=2)[:, :, None] + 1e-5) * weight.numpy() + bias.numpy()


def norm_token_by_token(x, weight, bias):
    texts = []
    for text in x:
        rows = []
        for token in text:
            mean = sum(token) / len(token)
            variance = sum((number - mean) ** 2 for number in token) / len(token)
            rows.append((token - mean) / (variance + 1e-5) ** 0.5 * weight + bias)
        texts.append(torch.stack(rows))
    return texts


def norm_by_moments(x, weight, bias):
    mean = x.double().mean(-1, keepdim=True)
    variance = x.double().square().mean(-1, keepdim=True) - mean**2
    return torch.addcmul(bias, weight, (x - mean) * torch.rsqrt(variance + 1e-5))


def rms_in_lists(x, weight):
    def normed(token):
        size = (sum(n * n for n in token) / len(token) + 1e-5) ** 0.5
        return [n / size * w for n, w in zip(token, weight.tolist(), strict=True)]

    return [[normed(token) for token in text] for text in x.tolist()]


def rms_by_length(x, weight):
    length = x.norm(dim=-1, keepdim=True)
    return weight * x / (length**2 / x.shape[-1] + 1e-5).sqrt()


def both_in_a_loop(x, attention, feed_forward, norm_1, norm_2):
    for part, norm in ((attention, norm_1), (feed_forward, norm_2)):
        x = x + part(norm(x))
    return x


def added_in_place(x, attention, feed_forward, norm_1, norm_2):
    x += attention(norm_1(x))
    x += feed_forward(norm_2(x))
    return x


def folded(x, attention, feed_forward, norm_1, norm_2):
    parts = [lambda s: attention(norm_1(s)), lambda s: feed_forward(norm_2(s))]
    return reduce(lambda stream, part: stream + part(stream), parts, x).tolist()


def what_each_writes(x, attention, feed_forward, norm_1, norm_2):
    first = attention(norm_1(x))
    second = feed_forward(norm_2(x + first))
    return torch.stack([x, first, second]).sum(0).numpy()


RIGHT = {
    "layer_norm": [
        lambda x, weight, bias: functional.layer_norm(x, x.shape[-1:], weight, bias),
        norm_in_numpy,
        norm_token_by_token,
        norm_by_moments,
    ],
    "rms_norm": [
        lambda x, weight: weight * x * ((x * x).mean(-1)[..., None] + 1e-5) ** -0.5,
        rms_in_lists,
        rms_by_length,
        lambda x, weight: (
            (x.numpy() * weight.numpy()) / np.sqrt(np.mean(x.numpy() ** 2, -1)[..., None] + 1e-5)
        ),
    ],
    "pre_norm_block": [
        lambda x, look, think, first, second: (
            x + look(first(x)) + think(second(x + look(first(x))))
        ),
        both_in_a_loop,
        added_in_place,
        folded,
        what_each_writes,
    ],
}

WRONG = {
    "layer_norm": [
        lambda x, weight, bias: functional.layer_norm(x, x.shape[-1:]),
        lambda x, weight, bias: functional.layer_norm(x, x.shape[-1:], weight, bias, eps=1e-3),
        lambda x, weight, bias: functional.layer_norm(x, x.shape[1:]) * weight + bias,
        lambda x, weight, bias: (x - x.mean()) / x.std() * weight + bias,
        lambda x, weight, bias: (
            (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * weight + bias
        ),
        lambda x, weight, bias: functional.normalize(x, dim=-1) * weight + bias,
        lambda x, weight, bias: (x - x.mean(-1, keepdim=True)) * weight + bias,
        lambda x, weight, bias: functional.layer_norm(x, x.shape[-1:], bias, weight),
        lambda x, weight, bias: functional.layer_norm(x, x.shape[-1:], weight, bias)[0],
    ],
    "rms_norm": [
        lambda x, weight: functional.layer_norm(x, x.shape[-1:], weight),
        lambda x, weight: functional.normalize(x, dim=-1) * weight,
        lambda x, weight: x / x.square().mean(-1, keepdim=True).sqrt() * weight,
        lambda x, weight: x / (x.square().mean() + 1e-5).sqrt() * weight,
        lambda x, weight: x / (x.abs().mean(-1, keepdim=True) + 1e-5) * weight,
        lambda x, weight: x / (x.std(-1, keepdim=True) + 1e-5) * weight,
        lambda x, weight: x * (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight,
        lambda x, weight: x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() / weight,
    ],
    "pre_norm_block": [
        lambda x, look, think, first, second: second(think(first(look(x)))),
        lambda x, look, think, first, second: x + look(first(x)),
        lambda x, look, think, first, second: x + think(second(x)),
        lambda x, look, think, first, second: x + think(second(look(first(x)))),
        lambda x, look, think, first, second: (
            first(x) + look(first(x)) + think(second(first(x) + look(first(x))))
        ),
        lambda x, look, think, first, second: x + look(first(x)) + think(first(x + look(first(x)))),
        lambda x, look, think, first, second: look(first(x)) + think(second(x + look(first(x)))),
    ],
}
