"""How a tensor is shown: all its numbers in one width, as torch shows them.

torch chooses among three ways, by the largest and the smallest number: `2.` if all are whole,
`2.5000e+05` if they are very large, very small or far apart, else four decimals. Of more than a
thousand numbers, the first and the last three of each dimension are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

from .dtypes import bool_, float32, int64
from .tensors import Tensor

DECIMALS = 4
LINE = 80  # characters
MANY = 1000  # numbers: more are shown in part
EDGE = 3  # rows at each end that are then shown


def shown(tensor: Tensor) -> str:
    """The text of a tensor: numbers, then its kind and size where they cannot be seen."""
    start = "tensor("
    whole = math.prod(tensor.shape)
    part = _edges(tensor) if whole > MANY else tensor.tolist()
    notes = []
    if not whole and tensor.shape != (0,):
        notes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in (float32, int64, bool_) or (not whole and tensor.dtype is not float32):
        notes.append(f"dtype={tensor.dtype!r}")
    how = _format_of(list(_flat(part)), tensor.dtype.is_floating_point)
    text = start + (_rows(part, tensor.ndim, len(start), *how) if whole else "[]")
    last = len(text) - text.rfind("\n") + 1
    for note in notes:
        if last + len(note) + 2 > LINE:
            text, last = f"{text},\n{' ' * len(start)}{note}", len(start) + len(note)
        else:
            text, last = f"{text}, {note}", last + len(note) + 2
    return text + ")"


_GAP = "..."


def _edges(tensor: Tensor) -> Any:
    """The numbers in lists in lists, of each dimension only the ends, with a gap between."""
    if tensor.ndim == 0:
        return tensor.item()
    n = tensor.shape[0]
    if n <= 2 * EDGE:
        return [_edges(row) for row in tensor]
    ends = [_edges(tensor[i]) for i in (*range(EDGE), *range(n - EDGE, n))]
    return [*ends[:EDGE], _GAP, *ends[EDGE:]]


def _flat(part: Any) -> Any:
    if isinstance(part, list):
        return chain.from_iterable(_flat(each) for each in part)
    return [] if part is _GAP else [part]


def _format_of(numbers: list, is_floating: bool) -> tuple[Callable[[Any], str], int]:
    """How to write each of these numbers, and how wide that is; 0 and NaN do not count."""
    if not is_floating:
        width = max((len(str(number)) for number in numbers), default=1)
        return lambda number: str(number).rjust(width), width
    finite = [number for number in numbers if math.isfinite(number) and number != 0]
    sizes = [abs(number) for number in finite] or [1.0]
    low, high = min(sizes), max(sizes)
    if finite and (high / low > 1000 or high > 1e8 or low < 1e-4):
        written = f".{DECIMALS}e"
        end = ""
    elif all(number == math.ceil(number) for number in finite):
        written, end = ".0f", "."
    else:
        written, end = f".{DECIMALS}f", ""

    def plain(number: float) -> str:
        return format(number, written) + (end if math.isfinite(number) else "")

    width = max((len(plain(number)) for number in finite), default=1)
    return lambda number: plain(number).rjust(width), width


def _rows(part: Any, ndim: int, indent: int, how: Callable[[Any], str], width: int) -> str:
    if ndim == 0:
        return how(part)
    if ndim == 1:
        return _line(part, indent, how, width)
    rows = [
        each if each is _GAP else _rows(each, ndim - 1, indent + 1, how, width) for each in part
    ]
    return "[" + ("," + "\n" * (ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def _line(numbers: list, indent: int, how: Callable[[Any], str], width: int) -> str:
    words = [" ..." if number is _GAP else how(number) for number in numbers]
    fit = max(1, (LINE - indent) // (width + 2))
    lines = [", ".join(words[i : i + fit]) for i in range(0, len(words), fit)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
