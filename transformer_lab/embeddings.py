"""Embeddings: what a token is, and where it stands, as one vector.

Holds the token embedding plus learned positions. It leaves out the other ways
to tell a model about order, which join here when chapter 4 teaches them.

Shapes: `B` batch, `T` time, `D` = `d_model`.

Source: Vaswani et al. 2017, section 3.4; learned positions as in Radford et
al. 2018 (GPT). Taught in chapter 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Embeddings(nn.Module):
    """Look up one vector for each token and one for its position, and add them.

    Attention by itself sees a set, not a sequence: without the position vector,
    "Ben saw Mia" and "Mia saw Ben" would be the same to it.
    """

    def __init__(self, vocab_size: int, max_len: int, d_model: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)

    def forward(self, ids: Int[Tensor, "B T"], *, start: int = 0) -> Float[Tensor, "B T D"]:
        """Embed `ids`, whose first token stands at position `start`.

        Raises:
            ValueError: if a position or an ID lies outside of what was built.
        """
        end, max_len = start + ids.shape[-1], self.position.num_embeddings
        if end > max_len:
            raise ValueError(f"the text has {end} tokens, but this model sees at most {max_len}")
        if ids.numel() and int(ids.max()) >= self.token.num_embeddings:
            raise ValueError(
                f"token ID {int(ids.max())} is outside of this model's vocabulary "
                f"(0 to {self.token.num_embeddings - 1})"
            )
        positions = torch.arange(start, end, device=ids.device)
        return self.token(ids) + self.position(positions)  # (B, T, D)
