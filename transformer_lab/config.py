"""Config: the choices that make one model.

Sizes, and the points where families of models differ (positions, normalisation,
activation, shared keys). A family is a row of choices here, not a class of its own.
It holds no weights and builds nothing: `models.py` does that from it, and each model says
there which choices it supports.

Taught in chapters 2 (the map) and 15 (the family); each choice in the chapter that names it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

# How a model knows where a token stands (chapter 4).
Positions = Literal["learned", "sinusoidal", "rotary", "none"]
# The activation function of the feed-forward layer (chapter 8); those that end in "glu" are gated.
Activation = Literal["relu", "gelu", "gelu_tanh", "silu", "swiglu", "geglu"]
# What keeps the residual stream at one size, and where it stands (chapter 9).
Norm = Literal["layer", "rms"]
# "sandwich" (Gemma 2 and 3): before each layer, and once more on its output.
NormOrder = Literal["pre", "post", "sandwich"]

# Every model supports all choices but these; of these, a model's `supports` names its own.
OPTIONAL = frozenset(
    """
    n_token_types embedding_norm tie_head logit_cap logit_bias windows local_rope_base
    """.split()
)


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
    # Neurons in each feed-forward layer. None is replaced by 4 * d_model.
    d_ff: int = None  # pyright: ignore[reportAssignmentType]
    positions: Positions = "learned"
    n_token_types: int | None = None  # kinds of segments that BERT tells apart
    embedding_scale: float = 1.0  # the token vectors are multiplied by this
    embedding_norm: bool = False  # normalise before the first block, as BERT does
    activation: Activation = "gelu_tanh"
    bias: bool = True  # whether linear layers add a constant
    norm: Norm = "layer"
    norm_order: NormOrder = "pre"
    norm_eps: float = 1e-5  # keeps a norm from dividing by zero
    tie_head: bool = True  # predict with the token embeddings themselves
    # What later families added (chapter 15). None: it is not there, or not special.
    head_size: int | None = None  # the size of one head; None means d_model / n_heads
    n_kv_heads: int | None = None  # heads with keys and values of their own; None means n_heads
    rope_base: float = 10_000.0  # sets the slowest wave of rotary positions
    local_rope_base: float | None = None  # the same for layers with a window; None: rope_base
    score_scale: float | None = None  # scores are multiplied by this; None means 1 / sqrt(d_head)
    score_cap: float | None = None  # scores go through a tanh that stays below this
    logit_cap: float | None = None  # a decoder's logits do too
    logit_bias: bool = False  # an encoder-decoder adds a constant to each logit
    head_norm: bool = False  # normalise each head's queries and keys
    # For each layer of a decoder, how many positions it sees; None means all.
    windows: tuple[int | None, ...] | None = None

    def __post_init__(self) -> None:
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        if self.windows is not None:  # a list, if it comes from a file
            object.__setattr__(self, "windows", tuple(self.windows))
        for name, value in vars(self).items():
            for number in value if isinstance(value, tuple) else [value]:
                is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
                if is_number and not number > 0:
                    raise ValueError(f"{name}={value} is too small: it must be above 0")
        check_choice("positions", self.positions, Positions)
        check_choice("activation", self.activation, Activation)
        check_choice("norm", self.norm, Norm)
        check_choice("norm_order", self.norm_order, NormOrder)
        self._check_heads()
        self._check_windows()
        self._check_rotary()

    def _check_heads(self) -> None:
        if self.d_model % self.n_heads and self.head_size is None:
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

    def _check_windows(self) -> None:
        if self.windows is None:
            return
        if len(self.windows) != self.n_layers:
            raise ValueError(
                f"windows={self.windows} must have one value for each of {self.n_layers} layers"
            )
        if not any(self.windows):
            raise ValueError(f"windows={self.windows} hides nothing: leave it out")

    def _check_rotary(self) -> None:
        is_rotary = self.positions == "rotary"
        if is_rotary and self.d_head % 2:
            raise ValueError(
                f"rotary positions turn pairs of numbers, but a head has {self.d_head}: "
                "d_model / n_heads must be even, or head_size"
            )
        if self.rope_base != Config.rope_base and not is_rotary:
            raise ValueError(f"rope_base={self.rope_base} is for rotary positions only")
        if self.local_rope_base is not None and not (is_rotary and self.windows):
            raise ValueError(
                f"local_rope_base={self.local_rope_base} is for rotary positions with windows only"
            )

    @property
    def d_head(self) -> int:
        """The size of one head's queries, keys and values."""
        return self.head_size or self.d_model // self.n_heads

    @property
    def kv_heads(self) -> int:
        """The heads that have keys and values of their own."""
        return self.n_kv_heads or self.n_heads

    @property
    def layer_windows(self) -> tuple[int | None, ...]:
        """For each layer, how many positions it sees; None means all."""
        return self.windows or (None,) * self.n_layers

    def refuse_unsupported(self, model: type[Any]) -> None:
        """Raise a ValueError for a choice that would change nothing in a model of this class.

        Args:
            model: a class whose `supports` names those of `OPTIONAL` that it uses.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in OPTIONAL - model.supports and value != field.default:
                raise ValueError(
                    f"{model.__name__} does not support {field.name}={value!r}: leave it out"
                )


def check_choice(name: str, value: str, options: object) -> None:
    """Raise a ValueError if a value is none of the `options`, a `Literal`.

    >>> check_choice("norm", "batch", Norm)
    Traceback (most recent call last):
    ...
    ValueError: norm='batch' is not one of layer, rms
    """
    if value not in get_args(options):
        raise ValueError(f"{name}={value!r} is not one of {', '.join(get_args(options))}")
