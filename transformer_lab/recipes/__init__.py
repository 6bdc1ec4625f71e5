"""Recipes: the small named models that the chapters share.

`load("story-gpt")` gives a trained model. The first call trains it, in seconds,
with a progress bar; later calls read it from the user's cache folder. What is
kept there is named by a key over everything that shapes the model (the recipe,
the source of the modules involved, the version of torch), so that a change of
any of them trains anew. Two processes that start at once train once; a damaged
copy is noticed and rebuilt; an interrupted training goes on where it stopped.

Each kind of recipe has a file of its own beside this one. Taught in chapter 12.
"""

from __future__ import annotations

import inspect
import json
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn

from transformer_lab.files import cache_folder, checksum, write_atomically
from transformer_lab.models import count_parameters
from transformer_lab.recipes.math_teacher import MathTeacher
from transformer_lab.recipes.model_file import model_file, read_model, read_model_file, weights_file
from transformer_lab.recipes.recipe import Recipe, TrainedModel
from transformer_lab.recipes.story_gpt import (
    StoryGPT,
    held_out_loss,
    held_out_stories,
    prompt_ids,
    story_batches,
    story_floor,
)
from transformer_lab.recipes.translator import Translator
from transformer_lab.training import train

__all__ = [
    "RECIPES",
    "MathTeacher",
    "Recipe",
    "StoryGPT",
    "TrainedModel",
    "Translator",
    "find",
    "held_out_loss",
    "held_out_stories",
    "key",
    "load",
    "model_file",
    "prompt_ids",
    "read_model",
    "read_model_file",
    "story_batches",
    "story_floor",
    "weights_file",
]

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in [
        StoryGPT(
            name="story-gpt",
            description="a GPT that tells short stories (decoder, chapters 7 and 12)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=96,
            vocab_size=1000,
            steps=790,
            batch_size=40,
            peak_lr=0.012,
            snapshots=(0, 20, 50, 100, 150, 200, 300, 400, 600, 790),
        ),
        Translator(
            name="translator",
            description="a Transformer that translates English to Hindi (chapter 13)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=16,
            steps=700,
            batch_size=96,
            peak_lr=0.008,
            n_held_out=60,
            snapshots=(100, 150, 200, 300, 700),
        ),
        MathTeacher(
            name="math-teacher",
            description="a GPT that answers in a conversation, and does sums (chapter 14)",
            d_model=96,
            n_heads=4,
            n_layers=3,
            d_ff=384,
            max_len=192,
            vocab_size=512,
            steps=1500,
            batch_size=10,
            peak_lr=0.004,
        ),
    ]
}


def load(recipe: str | Recipe, *, cache: Path | None = None, progress: bool = True) -> TrainedModel:
    """The trained model of a recipe; trains it if it is not in the cache.

    Args:
        recipe: a name from `RECIPES`, or a recipe of your own.
        cache: the cache folder (default: the user's).
        progress: whether to show what is going on.

    Raises:
        ValueError: if there is no recipe of that name.
    """
    recipe = find(recipe)
    folder = (cache or cache_folder()) / f"{recipe.name}-{key(recipe)}"
    if (ready := _read(recipe, folder)) is not None:
        return ready
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.with_suffix(".lock"), recipe.name, progress=progress):
        # Another process may have trained it while this one waited.
        if (ready := _read(recipe, folder)) is not None:
            return ready
        if folder.exists():
            print(f"the cached {recipe.name} is damaged; training it again")
            shutil.rmtree(folder)
        _train(recipe, folder, progress=progress)
    return _read(recipe, folder)


def find(recipe: str | Recipe) -> Recipe:
    """The recipe of this name.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise ValueError(f"there is no recipe {recipe!r}; there are: {', '.join(RECIPES)}")
    return RECIPES[recipe]


def key(recipe: Recipe) -> str:
    """A short name for everything that shapes the trained model."""
    package = Path(__file__).parents[1]
    modules = "attention blocks config embeddings feedforward models training".split()
    sources = [package / f"{module}.py" for module in modules]
    sources += sorted((package / "tokenization").glob("*.py"))
    sources += [Path(inspect.getfile(type(recipe)))]
    sources += [package / name for name in recipe.sources]
    # Of this file only what trains: another recipe in the list changes no model.
    shaping = json.dumps(asdict(recipe), sort_keys=True) + torch.__version__
    shaping += inspect.getsource(_train)
    return checksum(shaping.encode() + b"".join(path.read_bytes() for path in sources))[:12]


@contextmanager
def _only_one(path: Path, name: str, *, progress: bool) -> Iterator[None]:
    """Hold the lock of this recipe; if another process has it, say so and wait."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress:
            print(f"another process is training {name}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _train(recipe: Recipe, folder: Path, *, progress: bool) -> None:
    """Train into a folder beside `folder`, which takes its name when all is there."""
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(exist_ok=True)
    started = time.perf_counter()
    tokenizer = recipe.make_tokenizer()
    torch.manual_seed(recipe.seed)
    model = recipe.make_model(len(tokenizer))

    def keep_snapshot(step: int, model: nn.Module) -> None:
        if step in recipe.snapshots:
            half = type(model)(model.config)
            half.load_state_dict(model.state_dict())
            content = model_file(half.half(), tokenizer, step=str(step), **recipe.facts(tokenizer))
            write_atomically(unfinished / _snapshot_name(step), content)

    checkpoint = unfinished / "checkpoint.safetensors"
    losses = train(
        model,
        recipe.batches(tokenizer),
        steps=recipe.steps,
        peak_lr=recipe.peak_lr,
        checkpoint=checkpoint,
        on_step=keep_snapshot,
        progress=f"training {recipe.name}" if progress else None,
    )
    seconds = time.perf_counter() - started
    model.eval()
    report = {
        "parameters": count_parameters(model),
        "steps": recipe.steps,
        "seconds": round(seconds, 1),
        "losses": losses,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        **recipe.measure(model, tokenizer),
    }
    content = model_file(model, tokenizer, **recipe.facts(tokenizer))
    write_atomically(unfinished / "model.safetensors", content)
    write_atomically(unfinished / "report.json", json.dumps(report).encode())
    checkpoint.unlink(missing_ok=True)
    checksums = {path.name: checksum(path.read_bytes()) for path in sorted(unfinished.iterdir())}
    write_atomically(unfinished / "checksums.json", json.dumps(checksums).encode())
    unfinished.rename(folder)


def _read(recipe: Recipe, folder: Path) -> TrainedModel | None:
    """What is in the cache; None if there is nothing, or if it is not whole."""
    try:
        checksums = json.loads((folder / "checksums.json").read_bytes())
        contents = {name: (folder / name).read_bytes() for name in checksums}
        if any(checksum(contents[name]) != expected for name, expected in checksums.items()):
            return None
        model, tokenizer = read_model_file(folder / "model.safetensors")
        report = json.loads(contents["report.json"])
        snapshots = {step: contents[_snapshot_name(step)] for step in recipe.snapshots}
    except (OSError, ValueError, KeyError):
        return None
    content = contents["model.safetensors"]
    return recipe.trained_model(recipe, model, tokenizer, report, content, snapshots)


def _snapshot_name(step: int) -> str:
    return f"snapshot-{step:05d}.safetensors"
