"""Functions that put numbers in order. NaN counts as larger than every number, as in torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

from .dtypes import int64
from .indexing import gather
from .offered import offered
from .reductions import along, pair
from .shapes import dimension
from .tensors import Tensor, fresh


def in_order(numbers: Sequence, descending: bool = False) -> list[int]:
    """The places of the numbers, from the smallest to the largest; of equals, the first first."""

    def key(place: int) -> tuple[bool, Any]:
        number = numbers[place]
        missing = isnan(number)
        size = 0 if missing else -number if descending else number
        return missing != descending, size

    return sorted(range(len(numbers)), key=key)


@offered()
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """Where each number of the order stood. Equals always stay in their order here."""
    return along(lambda row: in_order(row, descending), input, dim, input.dtype, gives=int64)


@offered()
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> tuple[Tensor, Tensor]:
    """(values, indices): the numbers in order along `dim`, and where they stood."""
    indices = argsort(input, dim, descending)
    return pair("sort", gather(input, dim, indices), indices)


@offered()
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Tensor, Tensor]:
    """(values, indices): the k largest numbers along `dim`, the largest first."""
    dim = dimension(dim, input.ndim)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    order = argsort(input, dim, descending=largest)
    indices = order.narrow(dim, 0, k) if input.ndim else order
    return pair("topk", gather(input, dim, indices), indices.clone())


@offered(method=True)
def unique(input: Tensor) -> Tensor:
    """Each number once, in order."""
    numbers = input.numbers()
    once = list(dict.fromkeys(numbers[place] for place in in_order(numbers)))
    return fresh(once, (len(once),), input.dtype)


@offered()
def bincount(input: Tensor, *, minlength: int = 0) -> Tensor:
    """How often each whole number from 0 on occurs."""
    numbers = input.numbers()
    counts = [0] * max(minlength, max(numbers, default=-1) + 1)
    for number in numbers:
        if number < 0:
            raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
        counts[number] += 1
    return fresh(counts, (len(counts),), int64)
