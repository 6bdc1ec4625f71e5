"""A block: the parts, joined by residuals and normalisation.

Holds the decoder block of GPT-2: normalise, look around, add; normalise, think,
add ("pre-norm"). The 2017 order (add, then normalise) and the encoder's block
join here in chapters 9 and 10.

The running sum that every layer reads from and adds to is called the residual
stream. No layer replaces it; each writes its own contribution into it. That is
also what lets the gradient reach the first layer of a deep stack.

Source: Vaswani et al. 2017, section 3.1; pre-norm: Xiong et al. 2020,
"On Layer Normalization in the Transformer Architecture". Taught in chapter 9.
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from transformer_lab.attention import KeyValueCache, MultiHeadAttention
from transformer_lab.feedforward import FeedForward


class DecoderBlock(nn.Module):
    """One layer of a decoder: look around, then think."""

    def __init__(self, d_model: int, n_heads: int, d_ff: int, *, activation: str) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "..."],
        cache: KeyValueCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Add to the residual stream what this layer has found out."""
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))
