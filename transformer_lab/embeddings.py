"""Embeddings: what a token is, and where it stands, as one vector.

Holds the token embedding and three ways to tell a model about order: learned
positions and sinusoidal ones, which are added to the token's vector, and rotary
ones, which turn queries and keys inside attention. It leaves out relative
biases (T5, ALiBi).

Shapes: `B` batch, `T` time, `D` = `d_model`, `H` heads, `K` head size.

Source: Vaswani et al. 2017, sections 3.4 and 3.5; learned positions as in
Radford et al. 2018 (GPT); rotary: Su et al. 2021, "RoFormer".
Taught in chapter 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from transformer_lab.config import Positions, check_choice


class Embeddings(nn.Module):
    """Look up one vector for each token and one for its position, and add them.

    Attention by itself sees a set, not a sequence: without positions, "Ben saw
    Mia" and "Mia saw Ben" would be the same to it.

    Args:
        vocab_size, max_len, d_model: as in `Config`.
        positions: "learned" or "sinusoidal" are added here; "rotary" and "none"
            add nothing here.
        n_token_types: kinds of segments, each with a vector of its own (BERT).
        scale: the token vectors are multiplied by this. The 2017 model takes
            sqrt(d_model), so that the positions do not drown the words.

    Raises:
        ValueError: if there is no such kind of positions.

    >>> embeddings = Embeddings(vocab_size=50, max_len=16, d_model=8)
    >>> embeddings(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self,
        vocab_size: int,
        max_len: int,
        d_model: int,
        *,
        positions: str = "learned",
        n_token_types: int | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("positions", positions, Positions)
        self.max_len = max_len
        self.scale = scale
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = self.token_type = None
        if positions == "learned":
            self.position = nn.Embedding(max_len, d_model)
        elif positions == "sinusoidal":
            self.position = SinusoidalPositions(max_len, d_model)
        if n_token_types is not None:
            self.token_type = nn.Embedding(n_token_types, d_model)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        token_types: Int[Tensor, "B T"] | None = None,
        *,
        start: int = 0,
    ) -> Float[Tensor, "B T D"]:
        """Embed `ids`, whose first token stands at position `start`.

        Args:
            ids: token IDs.
            token_types: the segment of each token (default: all 0).
            start: the position of the first token.

        Raises:
            ValueError: if a position or an ID lies outside of what was built (of an ID
                only on a CPU: a GPU would have to be waited for), or token types are
                given to a model that tells none apart.
        """
        end, vocab_size = start + ids.shape[-1], self.token.num_embeddings
        if end > self.max_len:
            raise ValueError(
                f"the text has {end} tokens, but this model sees at most {self.max_len}"
            )
        if token_types is not None and self.token_type is None:
            raise ValueError("token types were given, but this model has none (n_token_types=None)")
        try:
            x = self.token(ids) * self.scale  # (B, T, D)
        except IndexError as error:
            unknown = int(ids.min()) if ids.min() < 0 else int(ids.max())
            raise ValueError(
                f"token ID {unknown} is outside of this model's vocabulary (0 to {vocab_size - 1})"
            ) from error
        if self.position is not None:
            x = x + self.position(torch.arange(start, end, device=ids.device))
        if self.token_type is not None:
            x = x + self.token_type(torch.zeros_like(ids) if token_types is None else token_types)
        return x


def sinusoidal_positions(
    n_positions: int, d_model: int, *, base: float = 10_000.0
) -> Float[Tensor, "T D"]:
    """One row of waves for each position; nothing in it is learned.

    Numbers 2i and 2i + 1 of a row are the sine and the cosine of the position
    times `base ** (-2i / d_model)`: fast waves first, slow ones last, like the
    hands of a clock. The dot product of two rows depends only on how far apart
    they are.

    Raises:
        ValueError: if `d_model` is odd: each wave needs a sine and a cosine.

    Source: Vaswani et al. 2017, section 3.5.

    >>> sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    if d_model % 2:
        raise ValueError(f"sinusoidal positions come in pairs, but d_model={d_model} is odd")
    angles = _angles(torch.arange(n_positions), d_model, base)  # (T, D/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)  # (T, D)


class SinusoidalPositions(nn.Module):
    """The table of waves, looked up like a learned one but never trained or saved."""

    waves: Tensor

    def __init__(self, max_len: int, d_model: int) -> None:
        super().__init__()
        self.register_buffer("waves", sinusoidal_positions(max_len, d_model), persistent=False)

    def forward(self, positions: Int[Tensor, "T"]) -> Float[Tensor, "T D"]:
        """The rows of these positions."""
        return self.waves[positions]


def rotate(
    x: Float[Tensor, "... T K"], positions: Int[Tensor, "T"], *, base: float = 10_000.0
) -> Float[Tensor, "... T K"]:
    """Turn pairs of numbers of each vector, further for later positions.

    Queries and keys are turned like this before they meet. Turning both by the
    same angle changes no dot product, so a score depends on what the two
    tokens are and on how far apart they stand, not on where.

    The paper pairs neighbours (0 with 1); like LLaMA's published weights, this
    pairs number i with number i + K/2. That is the same up to the order in
    which a vector's numbers are written.

    Args:
        x: queries or keys.
        positions: where each of the T tokens stands.
        base: sets the slowest wave.

    Raises:
        ValueError: if K is odd.

    Source: Su et al. 2021, section 3.2.

    >>> rotate(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))  # one radian: (cos 1, sin 1)
    tensor([[0.5403, 0.8415]])
    """
    size = x.shape[-1]
    if size % 2:
        raise ValueError(f"rotary positions turn pairs of numbers, but a vector has {size}")
    angles = _angles(positions, size, base)  # (T, K/2)
    # Half precision cannot tell position 1000 from 1001: it is for the result only.
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)  # (..., T, K/2) each
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def _angles(positions: Tensor, size: int, base: float) -> Tensor:
    """How far each of the size/2 clock hands has turned at each position, in radians."""
    frequencies = base ** (-torch.arange(0, size, 2, device=positions.device) / size)
    return positions[:, None] * frequencies  # (T, size/2)
