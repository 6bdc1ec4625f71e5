"""Transformer Lab: the Transformer, written to be read and run to be understood.

The package mirrors the book: one chapter, one module. A module imports only from
floors below its own; README.md says which they are ("How the folders are laid out").

`import transformer_lab` is instant: a submodule (and torch with it) is
imported when it is first used.

>>> import transformer_lab
>>> "recipes" in dir(transformer_lab)
True
"""

from __future__ import annotations

import importlib
import os
from pkgutil import iter_modules

# torch's threads spin while they wait for each other: beside another busy program that costs
# several times the work, so they are to spin a moment only. Read by GNU's OpenMP library
# (Linux) when torch is first imported; those of macOS (which would ask for KMP_BLOCKTIME) and
# Windows do not know it, and nothing changes there. A reader's own choice stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__version__ = "0.1.0"

_SUBMODULES = [found.name for found in iter_modules(__path__) if found.name != "__main__"]

__all__ = ["__version__", *_SUBMODULES]


def __getattr__(name: str):
    """Import a submodule when it is first asked for."""
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])
