"""Right and wrong answers to the exercises of chapter 15, as readers write them."""

from __future__ import annotations

import math

import numpy as np
import torch


def cache_that_is_built(n_layers, n_kv_heads, d_head, n_tokens):
    with torch.device("meta"):
        keys = torch.empty(n_layers, n_kv_heads, n_tokens, d_head, dtype=torch.float16)
    return keys.nbytes + keys.nbytes


def head_by_counting(head, n_heads, n_kv_heads):
    shared, left = 0, n_heads // n_kv_heads
    for _ in range(head):
        left -= 1
        if left == 0:
            shared, left = shared + 1, n_heads // n_kv_heads
    return shared


RIGHT = {
    "kv_cache_bytes": [
        lambda n_layers, n_kv_heads, d_head, n_tokens: sum(
            2 * 2 * n_kv_heads * d_head for _ in range(n_layers * n_tokens)
        ),
        lambda layers, heads, size, n: 4 * layers * heads * size * n,
        lambda *sizes: 4 * math.prod(sizes),
        cache_that_is_built,
        lambda *sizes: np.prod(sizes, dtype=np.int64) * 2 * np.float16().nbytes,
        lambda *sizes: float(4 * math.prod(sizes)),
    ],
    "shared_head": [
        lambda head, n_heads, n_kv_heads: int(head / (n_heads / n_kv_heads)),
        lambda head, n_heads, n_kv_heads: head * n_kv_heads // n_heads,
        lambda head, n_heads, n_kv_heads: torch.arange(n_kv_heads).repeat_interleave(
            n_heads // n_kv_heads
        )[head],
        lambda head, n_heads, n_kv_heads: math.floor(head / n_heads * n_kv_heads + 1e-9),
        head_by_counting,
    ],
    "gated_width": [
        lambda d_ff: (2 * d_ff + 1) // 3,
        lambda d_ff: int(d_ff * 2 / 3),
        lambda d_ff: math.ceil(d_ff * 2 / 3),
        lambda d_ff: 2 * d_ff // 3,
        lambda d_ff: d_ff - d_ff // 3,
        lambda d_ff: np.round(d_ff / 1.5),
    ],
}

WRONG = {
    "kv_cache_bytes": [
        lambda layers, heads, size, n: 2 * layers * heads * size * n,  # keys only, or one byte
        lambda layers, heads, size, n: layers * heads * size * n,
        lambda layers, heads, size, n: 8 * layers * heads * size * n,  # 32 bits
        lambda layers, heads, size, n: 4 * heads * size * n,  # one layer
        lambda layers, heads, size, n: 4 * layers * size * n,  # one head
        lambda layers, heads, size, n: 4 * layers * heads * size,  # one token
        lambda layers, heads, size, n: 4 * layers * heads * n,  # one number of each
        lambda layers, heads, size, n: 4 * layers * heads * size * n * n,  # pairs
        lambda layers, heads, size, n: 4 * layers * heads * size * n // 1024,
    ],
    "shared_head": [
        lambda head, n_heads, n_kv_heads: head % n_kv_heads,
        lambda head, n_heads, n_kv_heads: head // n_kv_heads,
        lambda head, n_heads, n_kv_heads: head,
        lambda head, n_heads, n_kv_heads: head / (n_heads / n_kv_heads),
        lambda head, n_heads, n_kv_heads: round(head * n_kv_heads / n_heads),
        lambda head, n_heads, n_kv_heads: math.ceil(head * n_kv_heads / n_heads),
        lambda head, n_heads, n_kv_heads: head % (n_heads // n_kv_heads),
        lambda head, n_heads, n_kv_heads: head // (n_heads // n_kv_heads) + 1,
        lambda head, n_heads, n_kv_heads: 0,
    ],
    "gated_width": [
        lambda d_ff: d_ff,
        lambda d_ff: d_ff // 2,
        lambda d_ff: d_ff // 3,
        lambda d_ff: 3 * d_ff // 2,
        lambda d_ff: 2 * d_ff / 3,
        lambda d_ff: 4 * d_ff // 3,
        lambda d_ff: 8 * d_ff // 3,  # of d_model, not of d_ff
        lambda d_ff: 2 * d_ff,
    ],
}
