"""Kinds of numbers: what one place of a tensor can hold.

torch has about forty; the five here are those that this book's exercises meet. A tensor keeps
its numbers in an `array` of Python's standard library, which holds them as torch does: what
goes into an `array("f")` is rounded to the 32 bits of a float32.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class dtype:  # noqa: N801 (torch's name)
    """A kind of number. `rank` orders them: of two that meet, the higher one is the result's."""

    name: str
    code: str  # of `array`
    rank: int
    title: str  # as torch's error messages call it, and the same in C
    in_c: str

    @property
    def is_floating_point(self) -> bool:
        return self.code in "fd"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __deepcopy__(self, memo: dict) -> dtype:
        return self  # compared with `is`


bool_ = dtype("bool", "b", 0, "Bool", "bool")
int32 = dtype("int32", "i", 1, "Int", "int")
int64 = dtype("int64", "q", 2, "Long", "long int")
float32 = dtype("float32", "f", 3, "Float", "float")
float64 = dtype("float64", "d", 4, "Double", "double")

_BITS = {"i": 32, "q": 64}


def dtype_of(number: object) -> dtype:
    """What torch makes of a Python number: a float is a float32, as a rule of torch."""
    if isinstance(number, bool):
        return bool_
    if isinstance(number, int):
        return int64
    if isinstance(number, float):
        return float32
    if isinstance(number, str):
        raise TypeError("new(): invalid data type 'str'")
    raise RuntimeError(f"Could not infer dtype of {type(number).__name__}")


def promoted(
    tensors: Iterable[dtype], single: Iterable[dtype], numbers: Iterable[dtype] = ()
) -> dtype:
    """The kind in which numbers of several kinds are added, compared or multiplied.

    Tensors with a dimension decide. Tensors of a single number (`single`), and then Python's
    numbers, change the result only if they are of another family: a float among whole numbers
    makes floats, a whole number among bools whole numbers.
    Source: torch's documentation, "Tensor Attributes", torch.dtype.
    """
    result = None
    for group in (numbers, single, tensors):
        highest = max(group, key=lambda kind: kind.rank, default=None)
        if highest is None:
            continue
        if result is None or highest.is_floating_point:
            result = highest
        elif highest is bool_ or result.is_floating_point:
            result = max(highest, result, key=lambda kind: kind.rank)
        else:
            result = highest
    assert result is not None, "called with at least one number"
    return result


def stored(numbers: Iterable, kind: dtype) -> array:
    """The numbers as an array of this kind: rounded, cut to whole numbers, or made 0 and 1."""
    if kind is bool_:
        return array("b", [number != 0 for number in numbers])
    if kind.is_floating_point:
        return array(kind.code, numbers)
    half = 2 ** (_BITS[kind.code] - 1)
    whole = [number if type(number) is int else _whole(number, half) for number in numbers]
    try:
        return array(kind.code, whole)
    except OverflowError:  # too big for its bits: the rest is lost, as in torch
        return array(kind.code, [(number + half) % (2 * half) - half for number in whole])


def _whole(number: float, half: int) -> int:
    """The number without its fraction; what no whole number can show is the lowest of them."""
    return int(number) if -half <= number < half else -half


@dataclass(frozen=True)
class finfo:  # noqa: N801 (torch's name)
    """The limits of a floating kind: `torch.finfo(torch.float32).min`."""

    dtype: dtype = float32

    def __post_init__(self) -> None:
        if not self.dtype.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )

    @property
    def eps(self) -> float:
        return 2.0**-23 if self.dtype is float32 else sys.float_info.epsilon

    @property
    def max(self) -> float:
        return (2 - 2.0**-23) * 2.0**127 if self.dtype is float32 else sys.float_info.max

    @property
    def min(self) -> float:
        return -self.max

    @property
    def tiny(self) -> float:
        return 2.0**-126 if self.dtype is float32 else sys.float_info.min
