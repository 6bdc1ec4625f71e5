"""A block: the parts, joined by residuals and normalisation.

Holds the block that encoders and GPT-like decoders share, and the two norms.
In every block each position first attends to others (attention), then its vector is
worked on by itself (feed-forward). What comes out is added to the residual stream: the running
sum that every layer reads from and adds to. No layer replaces it; each writes
its own contribution into it. So each token keeps its own vector, and the
gradient a way back to the first layer (chapter 9).

Source: Vaswani et al. 2017, section 3.1 (add, then normalise: "post-norm");
pre-norm: Xiong et al. 2020, "On Layer Normalization in the Transformer
Architecture"; RMSNorm: Zhang and Sennrich 2019; a norm on both sides of a layer:
Gemma Team 2024, "Gemma 2". Taught in chapters 9 and 15.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, MultiHeadAttention
from transformer_lab.config import Config, Norm
from transformer_lab.embeddings import rotate
from transformer_lab.feedforward import FeedForward


class RMSNorm(nn.Module):
    """Bring each vector to length sqrt(D), then scale each number by a learned factor.

    LayerNorm also subtracts the vector's mean and adds a learned constant; this
    leaves both out, and costs less.

    Source: Zhang and Sennrich 2019. Taught in chapter 9.

    >>> RMSNorm(2)(torch.tensor([3.0, 4.0]))  # divided by sqrt((9 + 16) / 2)
    tensor([0.8485, 1.1314], grad_fn=<MulBackward0>)
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch D"]:
        """Normalise each vector by itself."""
        size = (x.square().mean(-1, keepdim=True) + self.eps).sqrt()
        return x / size * self.weight


Layer = Callable[[Tensor], Tensor]

NORMS: dict[Norm, type[nn.Module]] = {"layer": nn.LayerNorm, "rms": RMSNorm}


def make_norm(config: Config, size: int | None = None) -> nn.Module:
    """The norm of this model, for vectors of `size` (default: d_model)."""
    return NORMS[config.norm](size or config.d_model, eps=config.norm_eps)


def make_after_norm(config: Config) -> Layer:
    """The norm of a layer's output; without one a plain identity, so that no block lists it."""
    return make_norm(config) if config.norm_order == "sandwich" else identity


def identity(x: Tensor) -> Tensor:
    """Change nothing."""
    return x


def make_attention(config: Config, *, rope_base: float | None = None) -> MultiHeadAttention:
    """The attention of this model; without a `rope_base`, positions do not turn."""
    return MultiHeadAttention(
        config.d_model,
        config.n_heads,
        n_kv_heads=config.n_kv_heads,
        head_size=config.head_size,
        bias=config.bias,
        rotate=None if rope_base is None else partial(rotate, base=rope_base),
        score_scale=config.score_scale,
        score_cap=config.score_cap,
        head_norm=partial(make_norm, config, config.d_head) if config.head_norm else None,
    )


class Block(nn.Module):
    """One layer: attention, then feed-forward. The mask says what each token may attend to.

    With a causal mask this is also the block of a GPT. With `crosses=True` it is
    that of a translator's decoder: between attention and feed-forward it attends to
    another text. With `local=True` its positions turn as those of a
    layer with a window do; the window itself comes with the mask.
    """

    def __init__(self, config: Config, *, crosses: bool = False, local: bool = False) -> None:
        super().__init__()
        self.is_post_norm = config.norm_order == "post"
        rope_base = None
        if config.positions == "rotary":
            rope_base = (config.local_rope_base if local else None) or config.rope_base
        self.attention_norm = make_norm(config)
        self.attention = make_attention(config, rope_base=rope_base)
        self.attention_after_norm = make_after_norm(config)
        if crosses:
            # No positions turn here: places in two texts cannot be compared.
            self.cross_attention_norm = make_norm(config)
            self.cross_attention = make_attention(config)
            self.cross_attention_after_norm = make_after_norm(config)
        self.feed_forward_norm = make_norm(config)
        self.feed_forward = FeedForward(
            config.d_model, config.d_ff, activation=config.activation, bias=config.bias
        )
        self.feed_forward_after_norm = make_after_norm(config)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "..."] | None = None,
        cache: KeyValueCache | None = None,
        context: Float[Tensor, "B S D"] | None = None,
        context_mask: Bool[Tensor, "..."] | None = None,
        context_cache: KeyValueCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Add the output of each layer to the residual stream.

        Args:
            x: the residual stream.
            mask: True where a position may look within `x`.
            cache: the keys and values of the positions before `x`.
            context: the other text's vectors, for a block that crosses.
            context_mask: True where a position may look within `context`.
            context_cache: keeps the keys and values of `context`.
        """
        attend = partial(self.attention, mask=mask, cache=cache)
        x = self._add(x, attend, self.attention_norm, self.attention_after_norm)
        if context is not None:
            attend = partial(
                self.cross_attention, context=context, mask=context_mask, cache=context_cache
            )
            x = self._add(x, attend, self.cross_attention_norm, self.cross_attention_after_norm)
        return self._add(x, self.feed_forward, self.feed_forward_norm, self.feed_forward_after_norm)

    def _add(self, x: Tensor, layer: Layer, norm: Layer, after_norm: Layer) -> Tensor:
        """The residual connection around one layer."""
        if self.is_post_norm:
            return norm(x + layer(x))
        return x + after_norm(layer(norm(x)))  # the stream itself is never normalised
