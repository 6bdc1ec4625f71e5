"""Shapes that are declared hold: every test runs with jaxtyping's import hook and beartype.

Only the modules that declare shapes are hooked, and of a function only its tensors are
checked: the other types are the static checker's, and tests hand over wrong ones to read
the sentence that refuses them. Subprocesses and notebooks run without the hook.

Source: https://docs.kidger.site/jaxtyping/api/runtime-type-checking/.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from beartype import beartype
from jaxtyping import install_import_hook

PACKAGE = Path(__file__).resolve().parents[1] / "transformer_lab"


def check_tensors(function: Callable) -> Callable:
    """beartype for the annotations that hold a shape."""
    hints = function.__annotations__.items()
    function.__annotations__ = {name: hint for name, hint in hints if "jaxtyping" in repr(hint)}
    return beartype(function) if function.__annotations__ else function


def check() -> None:
    """Switch the hook on for the modules that declare shapes and are not yet imported."""
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if "from jaxtyping import" in path.read_text("utf-8")
    ]
    install_import_hook(modules, "tests.shapes.check_tensors")
