"""Written digits: 1,797 pictures of 8 by 8 pixels, each with the digit that it shows.

They come with scikit-learn, which took them from the UCI repository (Alpaydin and Kaynak
1998): the part that thirteen people wrote. We cut them by chance into those to learn from and
those held out. So the same hands are on both sides; how well a stranger's digits
would be read, this does not say.

Taught in chapter 17.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

SIDE = 8  # pixels
N_HELD_OUT = 360  # a fifth


@dataclass(frozen=True)
class Digits:
    """Pictures, from 0 (paper) to 1 (ink), and what they show."""

    images: Float[Tensor, "n 8 8"]
    labels: Int[Tensor, "n"]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)


def split(*, seed: int = 0, n_held_out: int = N_HELD_OUT) -> tuple[Digits, Digits]:
    """The digits to learn from, and those held out; which is which, the seed decides.

    Raises:
        ModuleNotFoundError: if scikit-learn is not installed.
    """
    from sklearn.datasets import load_digits  # here alone: it takes a second to import

    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images, dtype=torch.float32).view(-1, SIDE, SIDE) / 16
    labels = torch.tensor(labels, dtype=torch.long)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    kept, held_out = order[n_held_out:], order[:n_held_out]
    return Digits(images[kept], labels[kept]), Digits(images[held_out], labels[held_out])


def shuffled(images: Float[Tensor, "n 8 8"], *, side: int, seed: int) -> Float[Tensor, "n 8 8"]:
    """The same pictures with their patches in another order, the same for all of them.

    Args:
        images: the pictures.
        side: of a patch; 1 shuffles single pixels.
        seed: of the order.
    """
    n = SIDE // side
    patches = images.view(-1, n, side, n, side).transpose(2, 3).reshape(-1, n * n, side, side)
    order = torch.randperm(n * n, generator=torch.Generator().manual_seed(seed))
    return patches[:, order].view(-1, n, n, side, side).transpose(2, 3).reshape(images.shape)
