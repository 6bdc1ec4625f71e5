"""What the page's small torch does not offer, it refuses by name, in one sentence."""

from __future__ import annotations

ELSEWHERE = "run this notebook in Colab or Jupyter for all of torch"
LARGEST = 2**22  # numbers in one tensor; to add two such takes about 400 MB


def missing(name: str) -> str:
    """The sentence for what is missing.

    >>> missing("fft")
    "the page's small torch has no `fft`; run this notebook in Colab or Jupyter for all of torch"
    """
    return f"the page's small torch has no `{name}`; {ELSEWHERE}"


def refuse_attribute(module: str, name: str) -> Exception:
    """The error for an attribute that a module lacks.

    It is no AttributeError unless Python itself asks (`__path__` and the like), or pytest: of
    an AttributeError, `from torch import name` would keep only "cannot import name".
    """
    if name.startswith("__") or name == "pytest_plugins":
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    return NotImplementedError(missing(f"{module}.{name}".removeprefix("torch.")))


def refuse_size(shape: tuple[int, ...], count: int) -> Exception:
    """The error for a tensor that would take more memory than a page should."""
    return RuntimeError(
        f"a tensor of shape {list(shape)} holds {count:,} numbers, and the page's small torch "
        f"stops at {LARGEST:,}; {ELSEWHERE}"
    )
