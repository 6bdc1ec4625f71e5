"""A recipe: everything that decides what a trained model is like.

Holds what all recipes have in common, and the training by one. What a model learns
from, and how well it learned it, is the business of each kind of recipe, in a file of
its own.
"""

from __future__ import annotations

import copy
import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from transformer_lab import distributed
from transformer_lab.config import Config
from transformer_lab.files import make_folder, put_aside, read_sealed, write_sealed
from transformer_lab.model_file import Tokenizer, model_file, read_model
from transformer_lab.models import count_parameters
from transformer_lab.training import Batch, load_checkpoint, train

CHECKPOINT = "checkpoint.sealed"


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


def run(
    recipe: Recipe, folder: Path, *, progress: bool = True
) -> tuple[bytes, dict, dict[int, bytes]]:
    """Train a model, or go on with a training that was stopped.

    Args:
        recipe: says how.
        folder: holds the checkpoint and the snapshots of the training that is under way. What
            is not whole there is put aside, and the training begins again.
        progress: whether to show what is going on.

    Returns:
        The model file, the report and the snapshots; see `TrainedModel`. Of several workers
        that train together, the first has them.
    """
    started = time.perf_counter()
    tokenizer = recipe.make_tokenizer()
    torch.manual_seed(recipe.seed)
    model = recipe.make_model(len(tokenizer))
    snapshots = _snapshots_so_far(recipe, folder, model) if distributed.is_first() else {}
    distributed.as_first_says("what is in the folder is whole")  # the others wait for that

    def keep_snapshot(step: int, model: nn.Module) -> None:
        if step in recipe.snapshots:
            half = type(model)(model.config)
            half.load_state_dict(model.state_dict())
            facts = recipe.facts(tokenizer)
            snapshots[step] = model_file(half.half(), tokenizer, step=str(step), **facts)
            write_sealed(folder / snapshot_name(step), snapshots[step])

    losses = train(
        model,
        recipe.batches(tokenizer),
        steps=recipe.steps,
        peak_lr=recipe.peak_lr,
        checkpoint=folder / CHECKPOINT,
        on_step=keep_snapshot,
        progress=f"training {recipe.name}" if progress else None,
    )
    report = {
        "parameters": count_parameters(model),
        "steps": recipe.steps,
        "seconds": round(time.perf_counter() - started, 1),
        "losses": losses,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
    if distributed.is_first():
        report |= recipe.measure(model.eval(), tokenizer)
    return model_file(model, tokenizer, **recipe.facts(tokenizer)), report, snapshots


def _snapshots_so_far(recipe: Recipe, folder: Path, model: nn.Module) -> dict[int, bytes]:
    """The snapshots of the steps before the checkpoint; of all there is or of nothing."""
    make_folder(folder)
    if not any(folder.iterdir()):
        return {}
    try:
        trial = copy.deepcopy(model)
        optimiser = torch.optim.AdamW(trial.parameters())
        n_steps = len(load_checkpoint(folder / CHECKPOINT, trial, optimiser))
        before = [step for step in recipe.snapshots if step < n_steps]
        return {step: read_snapshot(folder, step) for step in before}
    except (OSError, ValueError):
        put_aside(folder, f", and the training of {recipe.name} begins again")
        return {}


def snapshot_name(step: int) -> str:
    """The file of a snapshot, in the model's folder."""
    return f"snapshot-{step:05d}.sealed"


def read_snapshot(folder: Path, step: int) -> bytes:
    """The model file of the moment after this step.

    Raises:
        OSError, ValueError: if it is not there, or not whole.
    """
    content = read_sealed(folder / snapshot_name(step))
    read_model(content)
    return content
