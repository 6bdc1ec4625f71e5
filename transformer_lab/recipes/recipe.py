"""A recipe: everything that decides what a trained model is like.

Holds what all recipes, their reports and their trained models have in common, and the
training by a recipe. What a model learns from, and how well it learned it, is left to
each kind of recipe, in a file of its own.
"""

from __future__ import annotations

import copy
import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from transformer_lab import distributed
from transformer_lab.config import Config
from transformer_lab.files import make_folder, put_aside, read_sealed, write_sealed
from transformer_lab.model_file import Model, Tokenizer, model_file, read_model
from transformer_lab.models import count_parameters
from transformer_lab.training import Batch, load_checkpoint, train

CHECKPOINT = "checkpoint.sealed"
ModelT = TypeVar("ModelT", bound=Model)
TokenizerT = TypeVar("TokenizerT", bound=Tokenizer)


@dataclass(frozen=True, kw_only=True)
class Report(ABC):
    """What is known about a training. Each kind of recipe adds what it measures."""

    parameters: int
    steps: int
    seconds: float  # of the tokenizer's and the model's training
    losses: list[float]  # of each step (nats per token)
    machine: str

    @abstractmethod
    def summary(self) -> str:
        """How good the model is, in a line."""


@dataclass(frozen=True)
class TrainedModel(ABC, Generic[ModelT, TokenizerT]):
    """A model with its tokenizer, and what is known about its training.

    `content` is the model file; `snapshots` maps a step to what `to_bytes` would have
    given at that moment.
    """

    recipe: Recipe[ModelT, TokenizerT]
    model: ModelT
    tokenizer: TokenizerT
    report: Report
    content: bytes = field(repr=False)
    snapshots: dict[int, bytes] = field(default_factory=dict, repr=False)

    @abstractmethod
    def ids(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs that the model is given for a reader's text."""

    def pieces(self, text: str) -> list[str]:
        """The tokens of `ids(text)`, as readable text."""
        return [self.tokenizer.piece(id) for id in self.ids(text)[0].tolist()]

    def to_bytes(self) -> bytes:
        """The whole model as one file, in half precision: what a live figure is given.

        Half the bytes to load with a page; a probability changes by less
        than 0.005. `content` has the weights as they are. Always the same bytes, so
        that all pages of the book share one copy.
        """
        half = copy.deepcopy(self.model).half()
        return model_file(half, self.tokenizer, **self.recipe.facts(self.tokenizer))


@runtime_checkable
class TextGenerator(Protocol):
    """A trained model that continues texts."""

    def generate(self, text: str = "", *, max_new_tokens: int = ..., **settings: Any) -> str:
        """The text, continued; settings as in `generation.stream`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC, Generic[ModelT, TokenizerT]):
    """The sizes and settings that all kinds of recipes have."""

    trained_type: ClassVar[type[TrainedModel]]
    report_type: ClassVar[type[Report]]

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
    def make_tokenizer(self) -> TokenizerT:
        """The tokenizer, trained or put together."""

    @abstractmethod
    def make_model(self, vocab_size: int) -> ModelT:
        """The model, untrained."""

    @abstractmethod
    def batches(self, tokenizer: TokenizerT) -> Callable[[int], Batch]:
        """From the number of a step to its batch."""

    @abstractmethod
    def measure(self, model: ModelT, tokenizer: TokenizerT) -> dict[str, Any]:
        """What the report says about the trained model."""

    def facts(self, tokenizer: TokenizerT) -> dict[str, str]:
        """What a model file says besides config and tokenizer."""
        return {}

    def config(self, vocab_size: int, **choices: Any) -> Config:
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

    def untrained(self) -> tuple[ModelT, TokenizerT]:
        """The model before its first step, always the same, and its tokenizer."""
        tokenizer = self.make_tokenizer()
        torch.manual_seed(self.seed)
        return self.make_model(len(tokenizer)), tokenizer


def run(
    recipe: Recipe, folder: Path, *, progress: bool = True
) -> tuple[bytes, Report, dict[int, bytes]]:
    """Train a model, or go on with a training that was stopped.

    Args:
        recipe: says how.
        folder: holds the checkpoint and the snapshots of the training that is under way. What
            is not whole there is put aside, and the training begins again.
        progress: whether to show what is going on.

    Returns:
        The model file, the report and the snapshots; see `TrainedModel`.
    """
    started = time.perf_counter()
    model, tokenizer = recipe.untrained()
    facts = recipe.facts(tokenizer)
    snapshots = _snapshots_so_far(recipe, folder, model)
    distributed.broadcast(True)  # the folder is ready: the other workers `train_along`

    def keep_snapshot(step: int, _: object) -> None:
        if step in recipe.snapshots:
            half = copy.deepcopy(model).half()
            snapshots[step] = model_file(half, tokenizer, step=str(step), **facts)
            write_sealed(folder / snapshot_name(step), snapshots[step])

    label = f"training {recipe.name}" if progress else None
    losses = _train(recipe, model, tokenizer, folder, on_step=keep_snapshot, progress=label)
    report = recipe.report_type(
        parameters=count_parameters(model),
        steps=recipe.steps,
        seconds=round(time.perf_counter() - started, 1),
        losses=losses,
        machine=f"{platform.machine()}, {torch.get_num_threads()} threads",
        **recipe.measure(model.eval(), tokenizer),
    )
    return model_file(model, tokenizer, **facts), report, snapshots


def train_along(recipe: Recipe, folder: Path) -> None:
    """What the other workers do while the first one is in `run`."""
    _train(recipe, *recipe.untrained(), folder)


def _train(
    recipe: Recipe, model: Model, tokenizer: Tokenizer, folder: Path, **options: Any
) -> list[float]:
    return train(
        model,
        recipe.batches(tokenizer),
        steps=recipe.steps,
        peak_lr=recipe.peak_lr,
        checkpoint=folder / CHECKPOINT,
        **options,
    )


def _snapshots_so_far(recipe: Recipe, folder: Path, model: Model) -> dict[int, bytes]:
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
