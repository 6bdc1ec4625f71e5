"""Where trained models and readers' texts are kept, and how they come back whole.

    NAME.lock                  held by who writes anything under this name
    NAME/text.sealed           a reader's text
    NAME/KEY/model.sealed      a model of that name, its report.sealed and its snapshots;
                               while it is being trained, checkpoint.sealed

A key stands for everything that shapes the model, so that a change of any of it is
another place. Each file begins with its checksum, and appears whole or not at all; the
report comes last, so where it is, all is. What is not whole is put aside under a name that
ends in `.damaged`, and made again.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path

import torch

from transformer_lab import distributed
from transformer_lab.files import (
    checksum,
    locked,
    make_folder,
    put_aside,
    read_sealed,
    remove,
    write_sealed,
)
from transformer_lab.model_file import read_model
from transformer_lab.recipes.own_text import OwnText, recipe_of_text
from transformer_lab.recipes.recipe import Recipe, TrainedModel, read_snapshot, run, snapshot_name

MODEL, REPORT, TEXT = "model.sealed", "report.sealed", "text.sealed"
# What the store writes into the folder of a name; anything else there is not ours.
OURS = re.compile(rf"({re.escape(TEXT)}|[0-9a-f]{{12}})(\.damaged)?|\..*\.part")


def key(recipe: Recipe) -> str:
    """A short name for everything that shapes the trained model."""
    package = Path(__file__).parents[1]
    modules = "attention blocks config embeddings feedforward initialisation models".split()
    modules += ["training"]
    sources = [package / f"{module}.py" for module in modules]
    sources += sorted((package / "tokenization").glob("*.py"))
    sources += [package / "model_file.py", package / "recipes/recipe.py"]
    sources += [Path(inspect.getfile(type(recipe)))]
    sources += [package / name for name in recipe.sources]
    shaping = json.dumps(asdict(recipe), sort_keys=True) + torch.__version__
    return checksum(shaping.encode() + b"".join(path.read_bytes() for path in sources))[:12]


def place(recipe: Recipe, cache: Path) -> Path:
    """The folder of this recipe's model."""
    return cache / recipe.name / key(recipe)


@contextmanager
def alone(name: str, cache: Path, *, progress: bool = True, wait: bool = True) -> Iterator[None]:
    """Let no other process write under this name; wait for one that does.

    Of several workers the first holds the lock for all.
    """
    if not distributed.is_first():
        yield
        return
    busy = f"another process is training {name}; waiting for it" if progress else None
    with locked(cache / f"{name}.lock", busy, wait=wait):
        yield


def read(recipe: Recipe, folder: Path) -> TrainedModel | None:
    """The trained model that is kept in a folder; None if there is none, or it is not whole."""
    try:
        report = json.loads(read_sealed(folder / REPORT))
        recipe.summary(report)  # it must hold what can be said of it
        if len(report["losses"]) != recipe.steps:
            return None
        content = read_sealed(folder / MODEL)
        snapshots = {step: read_snapshot(folder, step) for step in recipe.snapshots}
        model, tokenizer = read_model(content)
    except Exception:  # damage can be of any kind, and all of it means the same
        return None
    return recipe.trained_model(recipe, model, tokenizer, report, content, snapshots)


def train(recipe: Recipe, folder: Path, *, progress: bool) -> None:
    """Train the model and keep it; the caller is `alone`."""
    if distributed.is_first():
        make_folder(folder.parent)
    content, report, snapshots = run(recipe, folder, progress=progress)
    if distributed.is_first():
        files = {snapshot_name(step): snapshot for step, snapshot in snapshots.items()}
        # Once more, in case that one was lost meanwhile; the report comes last.
        files |= {MODEL: content, REPORT: json.dumps(report).encode()}
        for name, content in files.items():
            write_sealed(folder / name, content)
        for path in folder.iterdir():
            if path.name not in files:
                remove(path)
    distributed.as_first_says("it is kept")  # the others wait for that


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
    with alone(recipe.name, cache):
        file = _text_file(recipe.name, cache)
        if os.path.lexists(file):
            try:
                other, before = _read_text(file)
            except ValueError:
                if distributed.is_first():
                    put_aside(file, ", and the text is kept anew")
            else:
                if other != origin and before.text != recipe.text:
                    raise ValueError(
                        f"{recipe.name} is the model of another text already, {other}: choose "
                        f"another --name, or remove that one (transformer-lab clean {recipe.name})"
                    )
        if distributed.is_first():
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


def clean(name: str, cache: Path, *, current: str | None = None) -> list[str]:
    """Remove what is kept under a name; with a key, its model and the text stay.

    Returns:
        What was removed, as paths in the cache.

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
    with alone(name, cache, wait=False):
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
