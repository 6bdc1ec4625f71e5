"""Config: the choices that make one model.

Sizes, and the points where families of models differ (positions, normalisation,
activation). A family is a row of choices here, not a class of its own. It holds
no weights and builds nothing: `models.py` does that from it.

Taught in chapter 2 (the map); each choice in the chapter that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

# How a model knows where a token stands (chapter 4).
Positions = Literal["learned", "sinusoidal", "rotary", "none"]
# The bend in the feed-forward layer (chapter 8); those that end in "glu" are gated.
Activation = Literal["relu", "gelu", "gelu_tanh", "swiglu", "geglu"]
# What keeps the residual stream at one size, and where it stands (chapter 9).
Norm = Literal["layer", "rms"]
NormOrder = Literal["pre", "post"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """The choices that make one model: its sizes and its variants.

    Raises:
        ValueError: if the choices do not fit together; the message says what
            would.

    >>> Config(vocab_size=50, max_len=16, d_model=10, n_heads=4, n_layers=1)
    Traceback (most recent call last):
    ...
    ValueError: d_model=10 is not divisible by n_heads=4; the nearest sizes that are: 8 and 12
    """

    vocab_size: int  # tokens in the vocabulary
    max_len: int  # positions that the model can see at once
    d_model: int  # size of the vector that stands for a token
    n_heads: int  # attention heads in each layer
    n_layers: int  # blocks
    d_ff: int = 0  # neurons in each feed-forward layer; 0 means 4 * d_model
    positions: Positions = "learned"
    n_token_types: int = 0  # kinds of segments that BERT tells apart; 0 means no such thing
    embedding_scale: float = 1.0  # the token vectors are multiplied by this
    embedding_norm: bool = False  # normalise before the first block, as BERT does
    activation: Activation = "gelu_tanh"
    bias: bool = True  # whether linear layers add a constant
    norm: Norm = "layer"
    norm_order: NormOrder = "pre"
    norm_eps: float = 1e-5  # keeps a norm from dividing by zero
    tie_head: bool = True  # predict with the token embeddings themselves

    def __post_init__(self) -> None:
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        for name in ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small: at least 1")
        if self.d_model % self.n_heads:
            below = self.d_model // self.n_heads * self.n_heads
            fits = [size for size in (below, below + self.n_heads) if size > 0]
            raise ValueError(
                f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}; "
                f"the nearest sizes that are: {' and '.join(map(str, fits))}"
            )
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(
                f"rotary positions turn pairs of numbers, but a head has {self.d_head}: "
                "d_model / n_heads must be even"
            )
        for name, kind in get_type_hints(type(self)).items():
            options, value = get_args(kind), getattr(self, name)
            if options and value not in options:
                raise ValueError(f"{name}={value!r} is not one of {', '.join(options)}")

    @property
    def d_head(self) -> int:
        """The size of one head's queries, keys and values."""
        return self.d_model // self.n_heads
