"""What the page's small torch does not offer, it refuses by name, in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from opcode import opmap

ELSEWHERE = "run this notebook in Colab or Jupyter for all of torch"
LARGEST = 2**22  # numbers in one tensor; to add two such takes about 400 MB


def missing(name: str, offered: Iterable[str] = ()) -> str:
    """The sentence for what is missing; what is `offered` there may be what was meant.

    >>> missing("fft")
    "the page's small torch has no `fft`; run this notebook in Colab or Jupyter for all of torch"
    """
    near = get_close_matches(name.rpartition(".")[2], offered, n=1, cutoff=0.86)
    question = f"did you mean `{near[0]}`? If not, " if near else ""
    return f"the page's small torch has no `{name}`; {question}{ELSEWHERE}"


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
    offered = sys._getframe(1).f_globals  # of the module that was asked
    return kind(missing(f"{module}.{name}".removeprefix("torch."), offered))


def refuse_size(shape: tuple[int, ...], count: int) -> Exception:
    """The error for a tensor that would take more memory than a page should."""
    return RuntimeError(
        f"a tensor of shape {list(shape)} holds {count:,} numbers, and the page's small torch "
        f"stops at {LARGEST:,}; {ELSEWHERE}"
    )
