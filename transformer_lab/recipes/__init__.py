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

import difflib
import inspect
import json
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn

from transformer_lab import distributed
from transformer_lab.files import cache_folder, checksum, write_atomically
from transformer_lab.models import count_parameters
from transformer_lab.recipes.math_teacher import MathTeacher
from transformer_lab.recipes.model_file import model_file, read_model, read_model_file, weights_file
from transformer_lab.recipes.own_text import (
    OwnText,
    forget,
    keep,
    kept,
    kept_names,
    read_text,
    recipe_of_text,
)
from transformer_lab.recipes.recipe import Recipe, TrainedModel
from transformer_lab.recipes.story_bert import StoryBERT
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
    "OwnText",
    "Recipe",
    "StoryBERT",
    "StoryGPT",
    "TrainedModel",
    "Translator",
    "clean",
    "find",
    "held_out_loss",
    "held_out_stories",
    "is_trained",
    "keep",
    "kept_names",
    "key",
    "load",
    "model_file",
    "prompt_ids",
    "read_model",
    "read_model_file",
    "read_text",
    "recipe_of_text",
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
        StoryBERT(
            name="story-bert",
            description="a BERT that guesses hidden words of stories (encoder, chapter 10)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=96,
            steps=1200,
            batch_size=48,
            peak_lr=0.004,
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
            n_heads=3,
            n_layers=3,
            d_ff=288,
            max_len=192,
            vocab_size=640,
            steps=1600,
            batch_size=10,
            peak_lr=0.0025,
        ),
    ]
}


def load(recipe: str | Recipe, *, cache: Path | None = None, progress: bool = True) -> TrainedModel:
    """The trained model of a recipe; trains it if it is not in the cache.

    Args:
        recipe: a name from `RECIPES` or of a text that was kept, or a recipe of your own.
        cache: the cache folder (default: the user's).
        progress: whether to show what is going on.

    Raises:
        ValueError: if there is no recipe of that name.
    """
    recipe = find(recipe, cache=cache)
    folder = _folder(recipe, cache)
    ready = _read(recipe, folder)
    if distributed.as_first_says(ready is not None):
        return ready or _read(recipe, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.with_suffix(".lock"), recipe.name, progress=progress):
        # Another process may have trained it while this one waited.
        ready = _read(recipe, folder)
        if distributed.as_first_says(ready is not None):
            return ready or _read(recipe, folder)
        if folder.exists() and distributed.is_first():
            print(f"the cached {recipe.name} is damaged; training it again", file=sys.stderr)
            shutil.rmtree(folder)
        _train(recipe, folder, progress=progress)
    return _read(recipe, folder)


def find(recipe: str | Recipe, *, cache: Path | None = None) -> Recipe:
    """The recipe of this name: one of the book's, or a reader's text that was kept.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe in RECIPES:
        return RECIPES[recipe]
    cache = cache or cache_folder()
    names = [*RECIPES, *kept_names(cache)]
    if recipe in names:
        return kept(recipe, cache)
    near = difflib.get_close_matches(recipe, names, n=1)
    hint = f"did you mean {near[0]!r}? There are" if near else "there are"
    raise ValueError(f"there is no recipe {recipe!r}; {hint}: {', '.join(names)}")


def is_trained(recipe: Recipe, *, cache: Path | None = None) -> bool:
    """Whether `load` finds it in the cache, so that it need not train."""
    return (_folder(recipe, cache) / "checksums.json").exists()


def clean(name: str | None = None, *, cache: Path | None = None) -> list[str]:
    """Remove what nobody can use any more: models that older versions trained.

    What another process is training is left alone, and so is a folder that is
    none of ours.

    Args:
        name: remove all that was trained under this name instead, and the text
            that was kept with it.
        cache: the cache folder (default: the user's).

    Returns:
        The names of the folders that were removed.

    Raises:
        ValueError: if there is no recipe of that name.
    """
    cache = cache or cache_folder()
    names = [*RECIPES, *kept_names(cache)]
    if name is not None and name not in names:
        find(name, cache=cache)
    removed = []
    for one in [name] if name else names:
        pattern = re.compile(rf"({re.escape(one)}-[0-9a-f]{{12}})(\.unfinished)?")
        current = None if name else _folder(find(one, cache=cache), cache).name
        for folder in sorted(cache.glob(f"{one}-*")):
            match = pattern.fullmatch(folder.name)
            if not match or match[1] == current:
                continue
            # Who trains holds the lock of the folder: then it stays.
            with suppress(Timeout), FileLock(cache / f"{match[1]}.lock", timeout=0):
                shutil.rmtree(folder)
                removed.append(folder.name)
    if name:
        forget(name, cache)
    return removed


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


def _folder(recipe: Recipe, cache: Path | None) -> Path:
    """Where a trained model is kept: a change of its key is another place."""
    return (cache or cache_folder()) / f"{recipe.name}-{key(recipe)}"


@contextmanager
def _only_one(path: Path, name: str, *, progress: bool) -> Iterator[None]:
    """Hold the lock of this recipe; if another process has it, say so and wait.

    Of several workers the first holds it for all; they wait for what it says.
    """
    if not distributed.is_first():
        yield
        return
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress:
            print(f"another process is training {name}; waiting for it", file=sys.stderr)
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

    losses = train(
        model,
        recipe.batches(tokenizer),
        steps=recipe.steps,
        peak_lr=recipe.peak_lr,
        checkpoint=unfinished / "checkpoint.safetensors",
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
        content = model_file(model, tokenizer, **recipe.facts(tokenizer))
        _keep(unfinished, folder, content, report)
    distributed.as_first_says("it is kept")  # the others wait for that


def _keep(unfinished: Path, folder: Path, content: bytes, report: dict) -> None:
    """Write the model and its report, and give the folder its name."""
    write_atomically(unfinished / "model.safetensors", content)
    write_atomically(unfinished / "report.json", json.dumps(report).encode())
    (unfinished / "checkpoint.safetensors").unlink(missing_ok=True)
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
