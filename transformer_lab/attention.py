"""Attention: each position asks, and takes what it needs from the others.

Holds the attention function in two halves (whom to look at, what to take),
the causal and padding masks, multi-head attention, and the key/value cache
that makes generation cheap. It leaves out fused kernels: the weights are the
thing that we want to see, and a fused kernel never writes them down.

Shapes: `B` batch, `T` queries, `S` keys, `H` heads, `G` heads of keys and values
(all `H`, or fewer), `K` size of one head, `D` = `d_model`, in most models `H * K`.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.
Taught in chapters 5 (attention), 6 (masking) and 7 (many heads).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


def attention_scores(
    query: Float[Tensor, "*batch T K"],
    key: Float[Tensor, "*batch S K"],
    *,
    scale: float | None = None,
) -> Float[Tensor, "*batch T S"]:
    """How well each query matches each key: their dot product over sqrt(K).

    The dot product of two vectors of K independent numbers with variance 1 has
    variance K. Dividing by sqrt(K) brings it back to 1, so that the softmax
    that follows does not start out saturated, with a gradient near zero. A few
    models multiply by a `scale` of their own instead.

    Source: Vaswani et al. 2017, section 3.2.1 and its footnote 4.
    """
    if scale is not None:
        return query @ key.transpose(-2, -1) * scale
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def soft_cap(x: Float[Tensor, "*shape"], cap: float) -> Float[Tensor, "*shape"]:
    """Bend numbers so that they stay between -cap and cap; small ones hardly change.

    Source: Gemma Team 2024, "Gemma 2", section 2. Taught in chapter 15.

    >>> soft_cap(torch.tensor([0.1, 1000.0]), 50.0)
    tensor([ 0.1000, 50.0000])
    """
    return cap * (x / cap).tanh()


def attention_weights(
    scores: Float[Tensor, "*batch T S"], mask: Bool[Tensor, "..."] | None = None
) -> Float[Tensor, "*batch T S"]:
    """Turn scores into weights: each row is positive and adds up to 1.

    Args:
        scores: from `attention_scores`.
        mask: broadcasts to `scores`; True where a query may look at a key.

    Returns:
        The weights. A query that may look at nothing gets a row of zeros.

    >>> attention_weights(torch.zeros(2, 2), causal_mask(2))
    tensor([[1.0000, 0.0000],
            [0.5000, 0.5000]])
    """
    if mask is None:
        return scores.softmax(dim=-1)
    # A hidden key scores -inf *before* the softmax, so that its weight is
    # exactly 0 and the visible ones still add up to 1. A row of nothing but
    # -inf would come out as NaN, so such a row is set aside and filled with 0.
    blind = ~mask.any(dim=-1, keepdim=True)
    scores = torch.where(mask, scores, -math.inf)
    # On a CPU the usual case is quicker; to ask a GPU would mean to wait for it.
    if scores.device.type == "cpu" and not blind.any():
        return scores.softmax(dim=-1)
    return scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0)


def scaled_dot_product_attention(
    query: Float[Tensor, "*batch T K"],
    key: Float[Tensor, "*batch S K"],
    value: Float[Tensor, "*batch S V"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch T V"]:
    """Mix the values, each query with its own weights: softmax(QKᵀ/√K) V.

    The same numbers as `torch.nn.functional.scaled_dot_product_attention`.

    Source: Vaswani et al. 2017, equation 1.

    >>> same = torch.ones(1, 3, 4)
    >>> bool(torch.allclose(scaled_dot_product_attention(same, same, same), same))
    True
    """
    return attention_weights(attention_scores(query, key), mask) @ value


def causal_mask(
    n_queries: int,
    n_keys: int | None = None,
    *,
    window: int | None = None,
    device: torch.device | str | None = None,
) -> Bool[Tensor, "T S"]:
    """True where a position may look: at itself and at what came before.

    Args:
        n_queries: T, the positions that look.
        n_keys: S, the positions that can be looked at (default: T). With a
            cache there are more keys than queries: the queries are the last T.
        window: how far back, the position itself included (default: to the start).
        device: where the mask lives.

    >>> causal_mask(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    n_keys = n_queries if n_keys is None else n_keys
    allowed = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    allowed = allowed.tril(diagonal=n_keys - n_queries)
    if window is None:
        return allowed
    return allowed.triu(diagonal=n_keys - n_queries - window + 1)


def padding_mask(ids: Int[Tensor, "B S"], pad_id: int) -> Bool[Tensor, "B 1 1 S"]:
    """True where a key is a real token and not padding; fits any T and H.

    >>> padding_mask(torch.tensor([[7, 8, 0]]), pad_id=0).squeeze().tolist()
    [True, True, False]
    """
    return (ids != pad_id)[:, None, None, :]


class KeyValueCache:
    """The keys and values that a layer has already computed.

    In generation only one token is new at each step. Its query needs the keys
    and values of every earlier token, and those never change (a causal model's
    past cannot see its future), so we keep them instead of computing them again.
    Query heads that share keys and values share what is kept: (B, G, S, K). A
    layer with a window could forget what lies behind it; this one keeps all.
    Taught in chapter 12.
    """

    def __init__(self) -> None:
        self.key = self.value = torch.empty(0, 0)  # then (B, G, S, K)

    def __len__(self) -> int:
        """The number of positions stored."""
        return self.key.shape[-2]

    def extend(
        self, key: Float[Tensor, "B G T K"], value: Float[Tensor, "B G T K"]
    ) -> tuple[Float[Tensor, "B G S K"], Float[Tensor, "B G S K"]]:
        """Append the new keys and values; return all of them so far."""
        if len(self):
            key = torch.cat([self.key, key], dim=-2)
            value = torch.cat([self.value, value], dim=-2)
        self.key, self.value = key, value
        return key, value


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each with queries, keys and values of its own.

    Every head reads the whole vector of each token and makes queries, keys and values of
    size `d_model / n_heads` from it, so that different heads can look at different places
    for different reasons. What they gather is put side by side and mixed by one last linear
    layer: a sum over the heads, each through weights of its own.

    Self-attention: `attention(x)`. Cross-attention: `attention(x, context)`,
    where the queries come from `x` and the keys and values from `context`.

    With `n_kv_heads` below `n_heads`, groups of query heads share one head of keys
    and values: there is less to keep in the cache (Ainslie et al. 2023, "GQA").

    Source: Vaswani et al. 2017, section 3.2.2. Taught in chapters 7 and 15.

    Args:
        d_model, n_heads, n_kv_heads, head_size, score_scale, score_cap: as in `Config`.
        bias: whether the linear layers add a constant.
        rotate: turns queries and keys by their positions before they meet, as
            `embeddings.rotate` does (default: nothing turns).
        head_norm: makes the norms of each head's queries and keys (default: none).

    Raises:
        ValueError: if `d_model` is not divisible by `n_heads`, or `n_heads` by
            `n_kv_heads`.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        n_kv_heads: int | None = None,
        head_size: int | None = None,
        bias: bool = True,
        rotate: Callable[[Tensor, Tensor], Tensor] | None = None,
        score_scale: float | None = None,
        score_cap: float | None = None,
        head_norm: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if d_model % n_heads and head_size is None:
            raise ValueError(f"d_model={d_model} is not divisible by n_heads={n_heads}")
        size, n_kv_heads = head_size or d_model // n_heads, n_kv_heads or n_heads
        if n_heads % n_kv_heads:
            raise ValueError(f"n_heads={n_heads} is not divisible by n_kv_heads={n_kv_heads}")
        self.n_heads = n_heads
        self.n_sharing = n_heads // n_kv_heads  # query heads for each head of keys and values
        self.rotate = rotate
        self.score_scale = score_scale
        self.score_cap = score_cap
        self.query = nn.Linear(d_model, n_heads * size, bias=bias)
        self.key = nn.Linear(d_model, n_kv_heads * size, bias=bias)
        self.value = nn.Linear(d_model, n_kv_heads * size, bias=bias)
        self.output = nn.Linear(n_heads * size, d_model, bias=bias)
        self.query_norm = head_norm() if head_norm else None
        self.key_norm = head_norm() if head_norm else None
        # Identities that only give an activation a name: `trace` can look at
        # it, or change it, without the model knowing.
        self.scores = nn.Identity()
        self.weights = nn.Identity()
        self.heads = nn.Identity()

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        context: Float[Tensor, "B S D"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
        cache: KeyValueCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Let each position of `x` gather from `context` (default: `x` itself).

        Args:
            x: the positions that look.
            context: the positions that are looked at.
            mask: broadcasts to (B, H, T, S); True where looking is allowed.
            cache: if given, `x` are the newest positions and the cache
                supplies (and remembers) the keys and values of all. A `context`
                never grows: its keys and values are computed once, and kept.
        """
        query = self._split(self.query(x))  # (B, H, T, K)
        if self.query_norm is not None:
            query = self.query_norm(query)
        if context is not None and cache is not None and len(cache):
            return self._gather(query, cache.key, cache.value, mask)
        context = x if context is None else context
        key = self._split(self.key(context))  # (B, G, S, K): G = H, or fewer
        value = self._split(self.value(context))  # (B, G, S, K)
        if self.key_norm is not None:
            key = self.key_norm(key)
        if self.rotate is not None:
            n_seen = 0 if cache is None else len(cache)
            longest = max(x.shape[-2], context.shape[-2])
            positions = torch.arange(n_seen, n_seen + longest, device=x.device)
            query = self.rotate(query, positions[: x.shape[-2]])
            key = self.rotate(key, positions[: context.shape[-2]])
        if cache is not None:
            key, value = cache.extend(key, value)
        return self._gather(query, key, value, mask)

    def _gather(
        self,
        query: Float[Tensor, "B H T K"],
        key: Float[Tensor, "B G S K"],
        value: Float[Tensor, "B G S K"],
        mask: Bool[Tensor, "..."] | None,
    ) -> Float[Tensor, "B T D"]:
        if self.n_sharing > 1:
            key = key.repeat_interleave(self.n_sharing, dim=1)  # (B, H, S, K)
            value = value.repeat_interleave(self.n_sharing, dim=1)  # (B, H, S, K)
        scores = attention_scores(query, key, scale=self.score_scale)  # (B, H, T, S)
        if self.score_cap is not None:
            scores = soft_cap(scores, self.score_cap)
        scores = self.scores(scores)
        weights = self.weights(attention_weights(scores, mask))
        heads = self.heads(weights @ value)  # (B, H, T, K)
        return self.output(self._join(heads))  # (B, T, D)

    def _split(self, x: Float[Tensor, "B T N"]) -> Float[Tensor, "B H T K"]:
        size = self.query.out_features // self.n_heads
        return x.unflatten(-1, (-1, size)).transpose(1, 2)

    def _join(self, heads: Float[Tensor, "B H T K"]) -> Float[Tensor, "B T N"]:
        return heads.transpose(1, 2).flatten(-2)
