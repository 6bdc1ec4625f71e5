"""Written digits: 1,797 pictures of 8 by 8 pixels, each with the digit that it shows.

They come with scikit-learn, which took them from the UCI repository (Alpaydin and Kaynak
1998): the part that thirteen people wrote. Chance decides which are held out. So the
same hands are on both sides; how well a stranger's digits would be read, this does not say.

Taught in chapter 17.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

SIDE = 8  # pixels
N_HELD_OUT, N_VALIDATION = 360, 240
HELD_OUT_SEED = 1_000_001


@dataclass(frozen=True)
class Digits:
    """Pictures, from 0 (paper) to 1 (ink), and what they show."""

    images: Float[Tensor, "n 8 8"]
    labels: Int[Tensor, "n"]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)


def split(*, seed: int = 0) -> tuple[Digits, Digits, Digits]:
    """The digits to learn from, those to choose settings by, and those held out.

    Args:
        seed: decides which of the others are learned from. The held-out ones are always the
            same, so that nothing is ever chosen by them.

    Raises:
        ModuleNotFoundError: if scikit-learn is not installed.
    """
    from sklearn.datasets import load_digits  # here alone: it takes a second to import

    numbers, shown = load_digits(return_X_y=True)
    images = torch.tensor(numbers, dtype=torch.float32).view(-1, SIDE, SIDE) / 16
    labels = torch.tensor(shown, dtype=torch.long)
    held_out, others = _order(len(labels), HELD_OUT_SEED).tensor_split([N_HELD_OUT])
    chosen, learned = others[_order(len(others), seed)].tensor_split([N_VALIDATION])
    first, second, third = (Digits(images[p], labels[p]) for p in (learned, chosen, held_out))
    return first, second, third


def shuffled(images: Float[Tensor, "n 8 8"], *, side: int, seed: int) -> Float[Tensor, "n 8 8"]:
    """The same pictures with their patches in another order, the same for all of them.

    Args:
        images: the pictures.
        side: of a patch; 1 shuffles single pixels.
        seed: of the order.
    """
    n = SIDE // side
    patches = images.view(-1, n, side, n, side).transpose(2, 3).reshape(-1, n * n, side, side)
    return (
        patches[:, _order(n * n, seed)]
        .view(-1, n, n, side, side)
        .transpose(2, 3)
        .reshape(images.shape)
    )


def _order(n: int, seed: int) -> Int[Tensor, "n"]:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))
