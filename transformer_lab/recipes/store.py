"""Where trained models and readers' texts are kept, and how they come back whole.

    NAME.lock                  held by the process that writes anything under this name
    NAME/text.sealed           a reader's text
    NAME/KEY/model.sealed      a model of that name, its report.sealed and its snapshots;
                               while it is being trained, checkpoint.sealed

A key stands for everything that shapes the model (`keys.py`), so that a change of any of
it is another folder. Each file begins with its checksum, and appears whole or not at all;
the report comes last, so where it is, all is. What is not whole is put aside under a name
that ends in `.damaged`, and made again.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path

import torch
from filelock import Timeout

from transformer_lab import distributed
from transformer_lab.files import (
    cache_folder,
    locked,
    make_folder,
    put_aside,
    read_sealed,
    remove,
    write_sealed,
)
from transformer_lab.model_file import read_model
from transformer_lab.recipes.book import RECIPES
from transformer_lab.recipes.keys import key
from transformer_lab.recipes.own_text import OwnText, recipe_of_text
from transformer_lab.recipes.recipe import (
    Recipe,
    TrainedModel,
    read_snapshot,
    run,
    snapshot_name,
    train_along,
)

MODEL, REPORT, TEXT = "model.sealed", "report.sealed", "text.sealed"
# What the store writes into the folder of a name; anything else there is not ours.
OURS = re.compile(rf"({re.escape(TEXT)}|[0-9a-f]{{12}})(\.damaged)?|\..*\.part")


def load(recipe: str | Recipe, *, cache: Path | None = None, progress: bool = True) -> TrainedModel:
    """The trained model of a recipe; trains it if it is not in the cache.

    For one process; the workers of `torchrun` call `load_with_workers`.

    Args:
        recipe: a name from `RECIPES` or of a text that was kept, or a recipe of your own.
        cache: the cache folder (default: the user's).
        progress: whether to show what is going on.

    Raises:
        ValueError: if there is no recipe of that name.
        OSError: if it has to be kept and cannot be.
        RuntimeError: in a worker that is not the first: it would wait for ever.
    """
    if not distributed.is_first():
        raise RuntimeError("of several workers only the first loads; call load_with_workers")
    recipe = find(recipe, cache=cache)
    cache = cache or cache_folder()
    folder = model_folder(recipe, cache)
    trained = read(recipe, folder)
    if trained is None:
        with lock(recipe.name, cache, progress=progress):
            # Another process may have trained it while this one waited.
            trained = read(recipe, folder) or train(recipe, folder, progress=progress)
    return trained


def load_with_workers(recipe: str | Recipe, *, cache: Path | None = None) -> TrainedModel | None:
    """`load` by all workers inside `distributed.workers()`, which train together if need be.

    The first one loads. Whenever it trains, the others train along; they write nothing.

    Returns:
        The trained model; None to all workers but the first.

    Raises:
        ValueError, OSError: as `load` does.
    """
    if distributed.is_first():
        trained = load(recipe, cache=cache)
        distributed.broadcast(False)
        return trained
    recipe = find(recipe, cache=cache)
    while distributed.broadcast(None):
        train_along(recipe, model_folder(recipe, cache or cache_folder()))
    return None


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
        return kept_text(recipe, cache)
    near = difflib.get_close_matches(recipe, names, n=1)
    hint = f"did you mean {near[0]!r}? There are" if near else "there are"
    raise ValueError(f"there is no recipe {recipe!r}; {hint}: {', '.join(names)}")


def is_trained(recipe: Recipe, *, cache: Path | None = None) -> bool:
    """Whether `load` finds it in the cache, so that it need not train."""
    return (model_folder(recipe, cache or cache_folder()) / REPORT).is_file()


def model_folder(recipe: Recipe, cache: Path) -> Path:
    """The folder of this recipe's model."""
    return cache / recipe.name / key(recipe)


@contextmanager
def lock(name: str, cache: Path, *, progress: bool = True, wait: bool = True) -> Iterator[None]:
    """Let no other process write under this name; wait for one that does."""
    busy = f"another process is training {name}; waiting for it" if progress else None
    with locked(cache / f"{name}.lock", busy, wait=wait):
        yield


def read(recipe: Recipe, folder: Path) -> TrainedModel | None:
    """The trained model that is kept in a folder; None if there is none, or it is not whole."""
    try:
        report = recipe.report_type(**json.loads(read_sealed(folder / REPORT)))
        report.summary()  # it must hold what can be said of it
        if len(report.losses) != recipe.steps:
            return None
        content = read_sealed(folder / MODEL)
        snapshots = {step: read_snapshot(folder, step) for step in recipe.snapshots}
        model, tokenizer = read_model(content)
    except Exception:  # damage can be of any kind, and all of it means the same
        return None
    return recipe.trained_type(recipe, model, tokenizer, report, content, snapshots)


@torch.enable_grad()  # also where `load` is called under `no_grad`
def train(recipe: Recipe, folder: Path, *, progress: bool) -> TrainedModel:
    """Train the model and keep it. The caller holds the `lock`.

    Raises:
        ValueError: if what was kept is already changed again.
    """
    make_folder(folder.parent)
    content, report, snapshots = run(recipe, folder, progress=progress)
    files = {snapshot_name(step): snapshot for step, snapshot in snapshots.items()}
    # Once more, in case that one was lost meanwhile; the report comes last.
    files |= {MODEL: content, REPORT: json.dumps(asdict(report)).encode()}
    for name, content in files.items():
        write_sealed(folder / name, content)
    for path in folder.iterdir():
        if path.name not in files:
            remove(path)
    trained = read(recipe, folder)
    if trained is None:
        raise ValueError(f"{folder} was changed while {recipe.name} was loaded; load it again")
    return trained


def keep_text(recipe: OwnText, cache: Path, *, path: Path | None = None) -> None:
    """Write down a recipe, with its text, so that its name alone is enough from now on.

    Args:
        recipe: takes the place of an earlier one that came from the same file.
        cache: the cache folder.
        path: the file of the text.

    Raises:
        ValueError: if the name stands for the text of another file.
    """
    origin = str(path.resolve()) if path else None
    with lock(recipe.name, cache):
        file = _text_file(recipe.name, cache)
        if os.path.lexists(file):
            try:
                other, before = _read_text(file)
            except ValueError:
                put_aside(file, ", and the text is kept anew")
            else:
                if other != origin and before.text != recipe.text:
                    raise ValueError(
                        f"{recipe.name} is the model of another text already, {other}: choose "
                        f"another --name, or remove that one (transformer-lab clean {recipe.name})"
                    )
        make_folder(file.parent)
        content = json.dumps({"path": origin, "recipe": asdict(recipe)})
        write_sealed(file, content.encode())


def kept_text(name: str, cache: Path) -> OwnText:
    """The recipe that was kept under this name.

    Raises:
        ValueError: if it is not whole.
    """
    try:
        return _read_text(_text_file(name, cache))[1]
    except ValueError as error:
        raise ValueError(
            f"the text that was kept as {name} is not whole; train it again with --text"
        ) from error


def kept_names(cache: Path) -> list[str]:
    """The names of all texts that were kept."""
    return sorted(path.name for path in _inside(cache) if os.path.lexists(path / TEXT))


def _text_file(name: str, cache: Path) -> Path:
    return cache / name / TEXT


def _read_text(file: Path) -> tuple[str | None, OwnText]:
    """Where a text came from, and its recipe.

    Raises:
        ValueError: if the file is not whole.
    """
    try:
        kept = json.loads(read_sealed(file))
        parts = kept["recipe"]
        recipe = OwnText(**parts | {"snapshots": tuple(parts["snapshots"])})
        # What a good recipe is made of, to compare the types with.
        good = recipe_of_text(recipe.text, name=recipe.name, tokenizer="characters")
        for field in fields(good):
            expected, found = (type(getattr(each, field.name)) for each in (good, recipe))
            if found is not expected:
                raise ValueError(f"{field.name} is of type {found.__name__}")
        return kept["path"], recipe
    except Exception as error:  # damage can be of any kind, and all of it means the same
        raise ValueError(f"{file} is not whole") from error


def clean(name: str | None = None, *, cache: Path | None = None) -> list[str]:
    """Remove what nobody can use any more: models of older versions, and what was damaged.

    What another process is training is left alone, and so is what is none of ours.

    Args:
        name: remove all that is kept under this name instead, a text too.
        cache: the cache folder (default: the user's).

    Returns:
        What was removed, as paths in the cache.

    Raises:
        ValueError: if there is no recipe of that name, or another process is training it.
    """
    cache = cache or cache_folder()
    names = [*RECIPES, *kept_names(cache)]
    if name is not None:
        if name not in names:
            find(name, cache=cache)  # says that there is none
        try:
            return _clean(name, cache)
        except Timeout:
            raise ValueError(f"another process is training {name}; stop it first") from None
    removed = []
    for each in names:
        try:
            current = key(find(each, cache=cache))
        except ValueError as error:  # without its text, nobody knows which model is current
            print(error, file=sys.stderr)
            continue
        with suppress(Timeout):
            removed += _clean(each, cache, current=current)
    return removed


def _clean(name: str, cache: Path, *, current: str | None = None) -> list[str]:
    """Remove what is kept under a name; with a key, its model and the text stay.

    Raises:
        Timeout: if another process writes under this name.
    """
    folder = cache / name
    stays = (TEXT, current) if current else ()
    found = [path for path in _inside(folder) if OURS.fullmatch(path.name)]
    found = [path for path in found if path.name not in stays]
    found += [path for path in cache.glob(f"{name}.*") if path.suffix == ".damaged"]
    if not found:
        return []
    with lock(name, cache, wait=False):
        for path in found:
            remove(path)
        with suppress(OSError):
            folder.rmdir()  # unless there is something else in it
    return sorted(path.relative_to(cache).as_posix() for path in found)


def _inside(folder: Path) -> list[Path]:
    """What is in a folder; nothing, if it is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return list(folder.iterdir())
    return []
