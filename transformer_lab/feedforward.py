"""The feed-forward layer: each token thinks for itself.

Attention moves information between positions but, given its weights, only
averages. This layer is where a token's vector is bent: widened, passed through
a non-linear function, and brought back. It leaves out the gated variants
(SwiGLU, GeGLU), which join here when chapter 8 teaches them.

Shapes: `T` time, `D` = `d_model`, `F` = `d_ff`.

Source: Vaswani et al. 2017, section 3.3. GELU: Hendrycks and Gimpel 2016.
Taught in chapter 8.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

ACTIVATIONS = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    # The tanh approximation that GPT-2 was trained with.
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
}


class FeedForward(nn.Module):
    """Expand, bend, contract; the same for every position, each on its own.

    Raises:
        ValueError: if `activation` is not one of `ACTIVATIONS`.
    """

    def __init__(self, d_model: int, d_ff: int, *, activation: str = "gelu_tanh") -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r} is not one of {', '.join(ACTIVATIONS)}")
        self.expand = nn.Linear(d_model, d_ff)
        self.activation = ACTIVATIONS[activation]()
        self.contract = nn.Linear(d_ff, d_model)

    def forward(self, x: Float[Tensor, "*batch T D"]) -> Float[Tensor, "*batch T D"]:
        """Transform each position by itself."""
        neurons = self.activation(self.expand(x))  # (B, T, F)
        return self.contract(neurons)  # (B, T, D)
