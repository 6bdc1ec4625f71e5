"""Shapes and strides: how a flat list of numbers is read as rows, columns and more.

The number at index (i, j) of a tensor of two dimensions stands at place
`offset + i * strides[0] + j * strides[1]` of the list. So much can be done without moving a
number:

    a tensor of shape (2, 3)        strides (3, 1)   one row is three places further
    its transpose, (3, 2)           strides (1, 3)   the same list, read in columns
    row 1, of shape (3,)            strides (1,)     the same list, from place 3 on
    a row shown twice, (2, 3)       strides (0, 1)   the next row is the same row

Nothing here knows of tensors: these functions take and give tuples of whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .refusals import LARGEST, refuse_size

Shape = tuple[int, ...]


class Size(tuple[int, ...]):
    """A shape, as torch shows it."""

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def numel(self) -> int:
        return math.prod(self)


def count(shape: Sequence[int]) -> int:
    """How many numbers a tensor of this shape holds; refuses what is too big for a page."""
    numbers = math.prod(shape)
    if numbers > LARGEST:
        raise refuse_size(tuple(shape), numbers)
    return numbers


def row_major(shape: Sequence[int]) -> Shape:
    """The strides of numbers that stand row after row.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_row_major(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the numbers stand row after row. The stride of a single row does not matter."""
    whole = zip(shape, strides, row_major(shape), strict=True)
    return 0 in shape or all(size == 1 or a == b for size, a, b in whole)


def places(shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> list[int]:
    """Where in the flat list each number of a tensor stands, row after row.

    >>> places((3, 2), (1, 3))
    [0, 3, 1, 4, 2, 5]
    """
    found = [offset]
    for size, stride in zip(shape, strides, strict=True):
        steps = [i * stride for i in range(size)]
        found = [place + step for place in found for step in steps]
    return found


def dimension(dim: int, ndim: int) -> int:
    """A dimension counted from the front; -1 is the last one. IndexError if there is none."""
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise TypeError(f"a dimension must be int, not {type(dim).__name__}")
    n = max(ndim, 1)  # a single number lets itself be treated as a row of one
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim % n


def dimensions(dims: int | Sequence[int] | None, ndim: int) -> list[int]:
    """Several dimensions, in order; None or none at all stand for all of them."""
    if dims is None or (not isinstance(dims, int) and len(dims) == 0):
        return list(range(ndim))
    found = [dimension(dim, ndim) for dim in ([dims] if isinstance(dims, int) else dims)]
    for dim in found:
        if found.count(dim) > 1:
            raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
    return sorted(found) if ndim else []


def broadcast(*shapes: Sequence[int]) -> Shape:
    """The shape that all of them can be stretched to: sizes meet from the right, a 1 fits any.

    Raises:
        RuntimeError: if two sizes differ and neither is 1.

    >>> broadcast((5, 1), (3,))
    (5, 3)
    """
    result: Shape = ()
    for shape in shapes:
        a = (1,) * (len(shape) - len(result)) + tuple(result)
        b = (1,) * (len(result) - len(shape)) + tuple(shape)
        for dim in reversed(range(len(a))):
            if a[dim] != b[dim] and 1 not in (a[dim], b[dim]):
                raise RuntimeError(
                    f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) "
                    f"at non-singleton dimension {dim}"
                )
        result = tuple(y if x == 1 else x for x, y in zip(a, b, strict=True))
    return result


def inferred(shape: Sequence[int], numbers: int) -> Shape:
    """The shape with its -1 filled in, so that it holds so many numbers."""
    for at, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(
                f"invalid shape dimension {size} at index {at} of shape {list(shape)}"
            )
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(size for size in shape if size != -1)
    if -1 in shape and known == 0 and numbers == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
            "unspecified dimension size -1 can be any value and is ambiguous"
        )
    fits = numbers % known == 0 if -1 in shape and known else known == numbers
    if not fits:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numbers}")
    return tuple(numbers // known if size == -1 else size for size in shape)


def strides_as(shape: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> Shape | None:
    """The strides with which the same list is read in a new shape; None if no strides do.

    Dimensions that follow each other in the list can be taken together and cut anew; what a
    transpose has put out of order cannot.
    """
    if 0 in shape:
        return row_major(new)
    parts: list[tuple[int, int]] = []  # (numbers, stride of the last) that stand in order
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        if parts and parts[-1][1] == size * stride:
            parts[-1] = (parts[-1][0] * size, stride)
        else:
            parts.append((size, stride))
    result, left, step = [], 1, 1  # from the last dimension to the first
    for size in reversed(new):
        if left == 1 and size != 1:
            if not parts:
                return None
            left, step = parts.pop()
        if left % size:
            return None
        result.append(step)
        left, step = left // size, step * size
    return tuple(reversed(result))


def spread(numbers: Sequence) -> tuple:
    """Sizes however they are given: `reshape(2, 3)` and `reshape((2, 3))` mean the same."""
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
        numbers = numbers[0]
    return tuple(n if type(n) is int else _index(n) for n in numbers)


def _index(number: object) -> int:
    try:
        return number.__index__()  # type: ignore[attr-defined]
    except AttributeError:
        raise TypeError(
            f"argument 'size' must be tuple of ints, not {type(number).__name__}"
        ) from None
