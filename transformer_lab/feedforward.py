"""The feed-forward layer: what is computed from each token's vector by itself.

Attention moves information between positions but, given its weights, only
averages. Here a token's vector is widened, passed through an activation function,
which is not linear, and brought back. In the gated variants a second linear layer
reads the same vector, and its result decides, number by number, how much of the
first goes on.

Shapes: `T` time, `D` = `d_model`, `F` = `d_ff`.

Source: Vaswani et al. 2017, section 3.3. GELU: Hendrycks and Gimpel 2016.
SwiGLU and GeGLU: Shazeer 2020, "GLU Variants Improve Transformer".
Taught in chapter 8.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from transformer_lab.config import Activation, check_choice

# The activation function, and whether it is the gate of a second linear layer.
ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], bool]] = {
    "relu": (nn.ReLU, False),
    "gelu": (nn.GELU, False),
    # The tanh approximation that GPT-2 was trained with.
    "gelu_tanh": (lambda: nn.GELU(approximate="tanh"), False),
    "silu": (nn.SiLU, False),  # also called swish
    "swiglu": (nn.SiLU, True),
    # Gemma's: also with the tanh approximation.
    "geglu": (lambda: nn.GELU(approximate="tanh"), True),
}


class FeedForward(nn.Module):
    """Expand, activate, contract; the same for every position, each on its own.

    Raises:
        ValueError: if there is no such activation.
    """

    def __init__(
        self, d_model: int, d_ff: int, *, activation: str = "gelu_tanh", bias: bool = True
    ) -> None:
        super().__init__()
        check_choice("activation", activation, Activation)
        make_activation, gated = ACTIVATIONS[activation]
        self.gate = nn.Linear(d_model, d_ff, bias=bias) if gated else None
        self.expand = nn.Linear(d_model, d_ff, bias=bias)
        self.activation = make_activation()
        self.contract = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Float[Tensor, "*batch T D"]) -> Float[Tensor, "*batch T D"]:
        """Transform each position by itself."""
        if self.gate is None:
            neurons = self.activation(self.expand(x))  # (B, T, F)
        else:
            neurons = self.activation(self.gate(x)) * self.expand(x)  # (B, T, F)
        return self.contract(neurons)  # (B, T, D)
