"""What the page's small torch does not offer, it refuses by name, in one sentence."""

from __future__ import annotations

import sys
from opcode import opmap

ELSEWHERE = "run this notebook in Colab or Jupyter for all of torch"
LARGEST = 2**22  # numbers in one tensor; to add two such takes about 400 MB


def missing(name: str) -> str:
    """The sentence for what is missing.

    >>> missing("fft")
    "the page's small torch has no `fft`; run this notebook in Colab or Jupyter for all of torch"
    """
    return f"the page's small torch has no `{name}`; {ELSEWHERE}"


def refuse_attribute(module: str, name: str) -> Exception:
    """The error for an attribute that a module lacks, called from the module's `__getattr__`.

    For `from torch import name` it is an ImportError: of an AttributeError, Python would keep
    only "cannot import name".
    """
    if name.startswith("__"):
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    asks = sys._getframe(2)
    importing = asks.f_code.co_code[asks.f_lasti] == opmap["IMPORT_FROM"]
    kind = ImportError if importing else AttributeError
    return kind(missing(f"{module}.{name}".removeprefix("torch.")))


def refuse_size(shape: tuple[int, ...], count: int) -> Exception:
    """The error for a tensor that would take more memory than a page should."""
    return RuntimeError(
        f"a tensor of shape {list(shape)} holds {count:,} numbers, and the page's small torch "
        f"stops at {LARGEST:,}; {ELSEWHERE}"
    )
