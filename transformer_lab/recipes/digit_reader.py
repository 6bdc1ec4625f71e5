"""digit-reader: a Vision Transformer that reads written digits.

Taught in chapter 17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from transformer_lab import model_file
from transformer_lab.beyond_text import VisionTransformer
from transformer_lab.languages import digits
from transformer_lab.recipes.recipe import Recipe, Report, TrainedModel
from transformer_lab.tokenization import CharacterTokenizer
from transformer_lab.training import Batch

# A model file can hold it, too, though it reads no text as the other three do.
model_file.ARCHITECTURES["vision-transformer"] = cast(Any, VisionTransformer)


@dataclass(frozen=True)
class PictureBatch(Batch):
    """Pictures, and for each the one thing that is to be said: what it shows."""

    inputs: Float[Tensor, "B H W"]
    targets: Int[Tensor, "B 1"]

    def logits(self, model: nn.Module) -> Float[Tensor, "B 1 C"]:
        """The model's scores for `targets`."""
        return model(self.inputs)[:, None]


@dataclass(frozen=True, kw_only=True)
class DigitReaderReport(Report):
    """The share of held-out pictures that are read right."""

    accuracy: float
    n_held_out: int

    def summary(self) -> str:
        """How many pictures are read right."""
        return f"{100 * self.accuracy:.1f} % of {self.n_held_out:,} held-out digits are read right"


@dataclass(frozen=True)
class TrainedDigitReader(TrainedModel[Any, CharacterTokenizer]):
    """A trained `DigitReader`. It reads pictures; `read` says what they show."""

    report: DigitReaderReport

    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """It reads no text.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.recipe.name} reads pictures, not text: give them to `read`")

    @torch.no_grad()
    def read(self, images: Float[Tensor, "n 8 8"]) -> str:
        """The digits that these pictures show, one after the other."""
        return self.tokenizer.decode(self.model(images).argmax(dim=-1).tolist())


@dataclass(frozen=True, kw_only=True)
class DigitReader(Recipe[Any, CharacterTokenizer]):
    """A small ViT; `max_len` counts its patches. `n_held_out` counts pictures.

    `positions` and `shuffled` are for comparisons: a model without positions, and pictures
    whose squares of that side (1: pixels, 2: patches) are all shuffled in one way.
    """

    trained_type = TrainedDigitReader
    report_type = DigitReaderReport

    positions: str = "learned"
    shuffled: int | None = None

    def make_tokenizer(self) -> CharacterTokenizer:
        """The names of the classes: class 0 is called "0"."""
        return CharacterTokenizer({**{str(digit): digit for digit in range(10)}, "[UNK]": 10})

    def make_model(self, vocab_size: int) -> VisionTransformer:
        """One class for each digit, and one that no picture belongs to: the tokenizer's unknown."""
        return VisionTransformer(self.config(vocab_size, positions=self.positions))

    def pictures(self, images: Float[Tensor, "n 8 8"]) -> Float[Tensor, "n 8 8"]:
        """The pictures as this recipe's model gets them."""
        if self.shuffled is None:
            return images
        return digits.shuffled(images, side=self.shuffled, seed=self.seed)

    def batches(self, tokenizer: CharacterTokenizer) -> Callable[[int], PictureBatch]:
        """Pictures drawn by chance, each bent a little, as no two hands write alike."""
        learned, _, _ = digits.split(seed=self.seed)

        def batch_at(step: int) -> PictureBatch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
            drawn = torch.randint(len(learned), (self.batch_size,), generator=generator)
            images = bent(learned.images[drawn], generator=generator)
            return PictureBatch(self.pictures(images), learned.labels[drawn][:, None])

        return batch_at

    @torch.no_grad()
    def measure(self, model: VisionTransformer, tokenizer: CharacterTokenizer) -> dict[str, Any]:
        """How many held-out pictures are read right."""
        _, _, held_out = digits.split()
        images, labels = held_out.images[: self.n_held_out], held_out.labels[: self.n_held_out]
        right = model(self.pictures(images)).argmax(dim=-1) == labels
        return {"accuracy": right.float().mean().item(), "n_held_out": len(labels)}


def bent(
    images: Float[Tensor, "B H W"], *, generator: torch.Generator, strength: float = 0.1
) -> Float[Tensor, "B H W"]:
    """Each picture turned, leaned, stretched and moved a little, by chance.

    Args:
        images: the pictures.
        generator: of the draws.
        strength: the standard deviation of each of the six numbers of the affine map.
    """
    still = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    maps = still + strength * torch.randn(len(images), 2, 3, generator=generator)
    sheets = images[:, None]  # one channel of colour
    grid = functional.affine_grid(maps, list(sheets.shape), align_corners=False)
    return functional.grid_sample(sheets, grid, align_corners=False)[:, 0]
