"""The key of a trained model: a short name for everything that shapes it.

That is the recipe's values, the version of torch, and the code: the recipe's own file and
every module of this package that it imports, directly or through others. Comments and
docstrings do not count: a better word in one of them trains nothing again.
"""

from __future__ import annotations

import ast
import inspect
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch

from transformer_lab.files import checksum
from transformer_lab.recipes.recipe import Recipe

PACKAGE = Path(__file__).parents[1]


def key(recipe: Recipe) -> str:
    """The key of the model that this recipe gives."""
    values = asdict(recipe) | {"description": ""}
    files = sources(Path(inspect.getfile(type(recipe))))
    code = sorted(_read(path)[0] for path in files)
    shaping = [type(recipe).__name__, values, torch.__version__, code]
    return checksum(json.dumps(shaping, sort_keys=True).encode())[:12]


def sources(path: Path) -> set[Path]:
    """A file and the files of this package that it imports, directly or through others."""
    found: set[Path] = set()
    waiting = {path}
    while waiting:
        found |= waiting
        waiting = set().union(*(_read(path)[1] for path in waiting)) - found
    return found


@cache
def _read(path: Path) -> tuple[str, set[Path]]:
    """The checksum of the code in a file, and the files of this package that it imports."""
    tree = ast.parse(path.read_bytes())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return checksum(ast.dump(tree).encode()), set().union(*map(_files, names))


def _files(name: str) -> set[Path]:
    """The file of a module, or of the module that a name stands in; of this package only."""
    package, *parts = name.split(".")
    if package == PACKAGE.name:
        module = PACKAGE.joinpath(*parts)
        for place in (module, module.parent):
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file():
                    return {path}
    return set()
