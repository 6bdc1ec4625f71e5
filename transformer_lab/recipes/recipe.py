"""A recipe: everything that decides what a trained model is like.

Holds what all recipes have in common. What a model learns from, and how well it
learned it, is the business of each kind of recipe, in a file of its own.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from torch import nn

from transformer_lab.config import Config
from transformer_lab.recipes.model_file import Tokenizer, model_file
from transformer_lab.training import Batch


@dataclass(frozen=True)
class TrainedModel:
    """A model with its tokenizer, and what is known about its training.

    `report` holds `parameters`, `steps`, `seconds` (tokenizer and training),
    `losses` (of each step), `machine`, and what the recipe measures. `snapshots`
    maps a step to what `to_bytes` would have given at that moment.
    """

    recipe: Recipe
    model: nn.Module
    tokenizer: Tokenizer
    report: dict
    content: bytes = field(repr=False)
    snapshots: dict[int, bytes] = field(default_factory=dict, repr=False)

    def to_bytes(self) -> bytes:
        """The whole model as one file, in half precision: what a live figure is given.

        Half the bytes for whoever waits for the page; a probability changes by less
        than 0.005. `content` has the weights as they are. Always the same bytes, so
        that all pages of the book share one copy.
        """
        half = copy.deepcopy(self.model).half()
        return model_file(half, self.tokenizer, **self.recipe.facts(self.tokenizer))


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """The sizes and settings that all kinds of recipes have."""

    trained_model: ClassVar[type[TrainedModel]] = TrainedModel
    # The files, besides its own and those of all models, that shape the result.
    sources: ClassVar[tuple[str, ...]] = ()

    name: str
    description: str
    d_model: int
    n_heads: int
    n_layers: int
    d_ff: int
    max_len: int
    steps: int
    batch_size: int
    peak_lr: float
    seed: int = 0
    n_held_out: int = 1000
    snapshots: tuple[int, ...] = ()  # the steps after which the weights are kept, for replay

    @abstractmethod
    def make_tokenizer(self) -> Tokenizer:
        """The tokenizer, trained or put together."""

    @abstractmethod
    def make_model(self, vocab_size: int) -> nn.Module:
        """The model, untrained."""

    @abstractmethod
    def batches(self, tokenizer: Tokenizer) -> Callable[[int], Batch]:
        """From the number of a step to its batch."""

    @abstractmethod
    def measure(self, model: nn.Module, tokenizer: Tokenizer) -> dict:
        """What the report says about the trained model."""

    def facts(self, tokenizer: Tokenizer) -> dict[str, str]:
        """What a model file says besides config and tokenizer."""
        return {}

    def summary(self, report: dict) -> str:
        """The report in one line."""
        return ""

    def config(self, vocab_size: int, **choices) -> Config:
        """The model's config, with these sizes."""
        return Config(
            vocab_size=vocab_size,
            max_len=self.max_len,
            d_model=self.d_model,
            n_heads=self.n_heads,
            n_layers=self.n_layers,
            d_ff=self.d_ff,
            **choices,
        )
