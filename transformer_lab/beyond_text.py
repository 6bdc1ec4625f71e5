"""Beyond text: models that read numbers where the others read words.

A picture is cut into patches, a sound into slices of its spectrum. A linear layer makes a
vector of the numbers in each, and it stands where a word's vector would. From there on
everything is as for text: the same blocks, and for sounds the same decoder.
It holds that embedding and two models around it. It leaves out colour, convolutions
before the first block, and models that read several kinds of data at once.

Shapes: `B` batch, `T` patches or slices, `N` numbers in each, `D` = `d_model`, `C` classes.

Sources: Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words" (ViT); Radford et al.
2023, "Robust Speech Recognition via Large-Scale Weak Supervision" (Whisper).
Taught in chapter 17.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from transformer_lab.blocks import Block
from transformer_lab.config import Config
from transformer_lab.embeddings import SinusoidalPositions
from transformer_lab.initialisation import initialise
from transformer_lab.models import AfterReading, EncoderDecoder, make_final_norm


def cut_into_patches(images: Float[Tensor, "B H W"], side: int) -> Float[Tensor, "B T N"]:
    """Squares of `side` by `side` pixels, row by row, each as one row of numbers.

    Raises:
        ValueError: if the patches do not fill the image.

    >>> cut_into_patches(torch.arange(16.0).view(1, 4, 4), side=2)[0, 1]
    tensor([2., 3., 6., 7.])
    """
    height, width = images.shape[-2:]
    if height % side or width % side:
        raise ValueError(
            f"patches of {side} by {side} do not fill an image of {height} by {width} pixels"
        )
    # (B, rows, side, columns, side)
    rows = images.unflatten(2, (-1, side)).unflatten(1, (-1, side))
    return rows.transpose(2, 3).flatten(3).flatten(1, 2)


class PatchEmbeddings(nn.Module):
    """A vector for each patch or slice: a linear layer on its numbers, and its position.

    It takes the place of `Embeddings`: what a table of words looks up is computed here.

    Args:
        n_numbers: N, how many numbers a patch has.
        config: its `d_model`, `max_len` and `positions`; rotary ones turn in the blocks.
    """

    def __init__(self, n_numbers: int, config: Config) -> None:
        super().__init__()
        self.max_len = config.max_len
        self.patch = nn.Linear(n_numbers, config.d_model)
        self.position = None
        if config.positions == "learned":
            self.position = nn.Embedding(config.max_len, config.d_model)
            nn.init.normal_(self.position.weight, std=0.02)
        elif config.positions == "sinusoidal":
            self.position = SinusoidalPositions(config.max_len, config.d_model)

    def forward(self, patches: Float[Tensor, "B T N"]) -> Float[Tensor, "B T D"]:
        """Embed the patches.

        Raises:
            ValueError: if there are more than `max_len`.
        """
        n_patches = patches.shape[-2]
        if n_patches > self.max_len:
            raise ValueError(
                f"there are {n_patches} patches or slices, but this model sees at most "
                f"{self.max_len}"
            )
        x = self.patch(patches)  # (B, T, D)
        if self.position is not None:
            x = x + self.position(torch.arange(n_patches, device=patches.device))
        return x


class VisionTransformer(nn.Module):
    """Says what is to be seen: a score for each class of pictures.

    An encoder as BERT's. Before the patches stands one learned vector, the class token; it
    stands for no patch, so it is free to gather what the whole picture is about.
    (Its position is left out: it always stands in the same place, and a
    learned vector can hold that too.)

    Source: Dosovitskiy et al. 2021, section 3.1. Taught in chapter 17.

    Args:
        config: `vocab_size` counts the classes, `max_len` the patches.
        patch_side: the pixels of a patch's side.

    >>> config = Config(vocab_size=10, max_len=16, d_model=8, n_heads=2, n_layers=1)
    >>> VisionTransformer(config)(torch.zeros(1, 8, 8)).shape
    torch.Size([1, 10])
    """

    supports = frozenset()

    def __init__(self, config: Config, *, patch_side: int = 2) -> None:
        super().__init__()
        config.refuse_unsupported(VisionTransformer)
        self.config = config
        self.patch_side = patch_side
        self.embeddings = PatchEmbeddings(patch_side**2, config)
        self.class_token = nn.Parameter(torch.zeros(config.d_model))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.final_norm = make_final_norm(config)
        self.head = nn.Linear(config.d_model, config.vocab_size)
        self.apply(partial(initialise, n_layers=config.n_layers))

    def forward(self, images: Float[Tensor, "B H W"]) -> Float[Tensor, "B C"]:
        """Score every class for each picture.

        Raises:
            ValueError: if the picture has more patches than the model sees, or
                they do not fill it.
        """
        patches = self.embeddings(cut_into_patches(images, self.patch_side))  # (B, T, D)
        first = self.class_token.expand(len(images), 1, -1)  # (B, 1, D)
        x = torch.cat([first, patches], dim=1)  # (B, 1 + T, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x[:, 0]))  # (B, C)


class Listener(EncoderDecoder):
    """Hears a sound whole, and writes down what was sent: a Whisper without convolutions.

    The encoder-decoder of chapter 13; only what its encoder reads is another.

    Source: Radford et al. 2023, section 2.2. Taught in chapter 17.

    Args:
        config: `max_len` counts the slices of a sound, and the letters.
        n_numbers: the numbers of a slice.

    >>> config = Config(vocab_size=30, max_len=16, d_model=8, n_heads=2, n_layers=1)
    >>> Listener(config)(torch.zeros(1, 9, 96), torch.tensor([[2, 7]])).shape
    torch.Size([1, 2, 30])
    """

    def __init__(self, config: Config, *, n_numbers: int = 96) -> None:
        super().__init__(config)
        # Rotary positions say how far two slices are apart, and cross-attention has none at all:
        # to find the next letter, the decoder must also know where in the sound a slice stands.
        self.slices = PatchEmbeddings(n_numbers, replace(config, positions="sinusoidal"))
        initialise(self.slices.patch, n_layers=config.n_layers)

    def forward(
        self,
        source: Float[Tensor, "B S N"],
        target: Int[Tensor, "B T"],
        *,
        source_mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score every possible next letter after each position of `target`.

        Args:
            source: the slices of the sounds; the shorter ones end in silence.
            target: the letters so far, from the start token on.
            source_mask: hides slices; by default all are heard.

        Raises:
            ValueError: if a sound or a text is longer than `max_len`.
        """
        memory = self.encode(source, source_mask=source_mask)
        return self.decode(target, memory, source_mask=source_mask)

    def encode(
        self, source: Float[Tensor, "B S N"], *, source_mask: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, "B S D"]:
        """Hear the sounds: for each slice a vector that knows the others."""
        x = self.slices(source)  # (B, S, D)
        for block in self.encoder_blocks:
            x = block(x, mask=source_mask)
        return self.encoder_norm(x)

    def after_reading(self, source: Float[Tensor, "1 S N"]) -> AfterReading:
        """Hear a sound once; what comes back continues a text like a `Decoder`."""
        return AfterReading(self, self.encode(source))
