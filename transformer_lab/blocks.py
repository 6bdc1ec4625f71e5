"""A block: the parts, joined by residuals and normalisation.

Holds the block that encoders and GPT-like decoders share, and the two norms.
In every block each position first looks around (attention), then thinks for
itself (feed-forward). What it finds is added to the residual stream: the running
sum that every layer reads from and adds to. No layer replaces it; each writes
its own contribution into it. That is also what lets the gradient reach the
first layer of a deep stack.

Source: Vaswani et al. 2017, section 3.1 (add, then normalise: "post-norm");
pre-norm: Xiong et al. 2020, "On Layer Normalization in the Transformer
Architecture"; RMSNorm: Zhang and Sennrich 2019. Taught in chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, MultiHeadAttention
from transformer_lab.config import Config
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


NORMS = {"layer": nn.LayerNorm, "rms": RMSNorm}


def make_norm(config: Config) -> nn.Module:
    """The norm that a model of this kind uses."""
    return NORMS[config.norm](config.d_model, eps=config.norm_eps)


class Block(nn.Module):
    """One layer: look around, then think. The mask says where it may look.

    With a causal mask this is also the block of a GPT. With `crosses=True` it is
    that of a translator's decoder: between looking around and thinking it looks
    across, at another text.
    """

    def __init__(self, config: Config, *, crosses: bool = False) -> None:
        super().__init__()
        self.norm_order = config.norm_order
        self.attention_norm = make_norm(config)
        self.attention = MultiHeadAttention(
            config.d_model,
            config.n_heads,
            bias=config.bias,
            rotate=rotate if config.positions == "rotary" else None,
        )
        if crosses:
            # No positions turn here: places in two texts cannot be compared.
            self.cross_attention_norm = make_norm(config)
            self.cross_attention = MultiHeadAttention(
                config.d_model, config.n_heads, bias=config.bias
            )
        self.feed_forward_norm = make_norm(config)
        self.feed_forward = FeedForward(
            config.d_model, config.d_ff, activation=config.activation, bias=config.bias
        )

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
        """Add to the residual stream what this layer has found out.

        Args:
            x: the residual stream.
            mask: True where a position may look within `x`.
            cache: the keys and values of the positions before `x`.
            context: the other text's vectors, for a block that crosses.
            context_mask: True where a position may look within `context`.
            context_cache: keeps the keys and values of `context`.
        """

        def look_around(x: Tensor) -> Tensor:
            return self.attention(x, mask=mask, cache=cache)

        def look_across(x: Tensor) -> Tensor:
            return self.cross_attention(x, context, mask=context_mask, cache=context_cache)

        x = self._add(x, look_around, self.attention_norm)
        if context is not None:
            x = self._add(x, look_across, self.cross_attention_norm)
        return self._add(x, self.feed_forward, self.feed_forward_norm)

    def _add(self, x: Tensor, layer: Callable[[Tensor], Tensor], norm: nn.Module) -> Tensor:
        """The residual connection around one layer, in either order."""
        if self.norm_order == "pre":
            return x + layer(norm(x))  # the stream itself is never normalised
        return norm(x + layer(x))
