"""Config: the choices that make one model.

Sizes, and the points where families of models differ (positions, normalisation,
activation, shared keys). A family is a row of choices here, not a class of its own.
It holds no weights and builds nothing: `models.py` does that from it.

Taught in chapters 2 (the map) and 15 (the family); each choice in the chapter that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

# How a model knows where a token stands (chapter 4).
Positions = Literal["learned", "sinusoidal", "rotary", "none"]
# The activation function of the feed-forward layer (chapter 8); those that end in "glu" are gated.
Activation = Literal["relu", "gelu", "gelu_tanh", "silu", "swiglu", "geglu"]
# What keeps the residual stream at one size, and where it stands (chapter 9).
Norm = Literal["layer", "rms"]
# "sandwich" (Gemma 2 and 3): before each layer, and once more on what it found.
NormOrder = Literal["pre", "post", "sandwich"]


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
    # What later families added (chapter 15). Each default is "not there".
    head_size: int = 0  # the size of one head; 0 means d_model / n_heads
    n_kv_heads: int = 0  # heads with keys and values of their own; 0 means all n_heads
    rope_base: float = 10_000.0  # sets the slowest wave of rotary positions
    local_rope_base: float = 0.0  # the same for local layers; 0 means rope_base
    score_scale: float = 0.0  # scores are multiplied by this; 0 means 1 / sqrt(d_head)
    score_cap: float = 0.0  # scores go through a tanh that stays below this; 0 means no cap
    logit_cap: float = 0.0  # a decoder's logits do too; 0 means no cap
    logit_bias: bool = False  # an encoder-decoder adds a constant to each logit
    head_norm: bool = False  # normalise each head's queries and keys
    window: int = 0  # a decoder's local layer sees this many positions; 0 means all
    global_every: int = 0  # with a window, every so many layers one sees all; 0 means none

    def __post_init__(self) -> None:
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        for name in ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small: at least 1")
        for name in ("head_size", "n_kv_heads", "window", "global_every"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        if self.d_model % self.n_heads and not self.head_size:
            below = self.d_model // self.n_heads * self.n_heads
            fits = [size for size in (below, below + self.n_heads) if size > 0]
            raise ValueError(
                f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}; "
                f"the nearest sizes that are: {' and '.join(map(str, fits))}"
            )
        if self.n_heads % self.kv_heads:
            fits = [n for n in range(1, self.n_heads + 1) if self.n_heads % n == 0]
            raise ValueError(
                f"n_kv_heads={self.n_kv_heads} does not share {self.n_heads} heads out evenly; "
                f"these do: {', '.join(map(str, fits))}"
            )
        if self.global_every and not self.window:
            raise ValueError(
                f"global_every={self.global_every} says which layers have no window, but there is "
                "none (window=0)"
            )
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(
                f"rotary positions turn pairs of numbers, but a head has {self.d_head}: "
                "d_model / n_heads must be even, or head_size"
            )
        for name, kind in get_type_hints(type(self)).items():
            options, value = get_args(kind), getattr(self, name)
            if options and value not in options:
                raise ValueError(f"{name}={value!r} is not one of {', '.join(options)}")

    @property
    def d_head(self) -> int:
        """The size of one head's queries, keys and values."""
        return self.head_size or self.d_model // self.n_heads

    @property
    def kv_heads(self) -> int:
        """The heads that have keys and values of their own."""
        return self.n_kv_heads or self.n_heads

    def is_local(self, layer: int) -> bool:
        """Whether this layer, counted from 0, sees only the window."""
        if not self.window:
            return False
        return not self.global_every or (layer + 1) % self.global_every != 0
