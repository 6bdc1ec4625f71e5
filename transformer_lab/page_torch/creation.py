"""Tensors made of Python's numbers, of one number repeated, or of a rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .dtypes import dtype, dtype_of, float32, int64, promoted
from .offered import Number, offered
from .shapes import count, sizes
from .tensors import Tensor, fresh


@offered(method=False)
def tensor(data: Any, *, dtype: dtype | None = None) -> Tensor:
    """A tensor of a number, or of lists in lists of numbers; always a copy.

    Raises:
        ValueError: if the lists differ in length.
        TypeError, RuntimeError: if what they hold is no number.
    """
    if isinstance(data, Tensor):
        return data.clone() if dtype is None else fresh(data.numbers(), data.shape, dtype)
    shape = _shape_of(data)
    numbers: list = []
    _collect(data, shape, 0, numbers)
    kind = dtype or _kind_of(numbers)
    return fresh([_python_number(number, kind) for number in numbers], shape, kind)


@offered("as_tensor", "asarray", method=False)
def as_tensor(data: Any, dtype: dtype | None = None) -> Tensor:
    """The tensor itself where it is one of this kind already; else as `tensor`."""
    if isinstance(data, Tensor) and dtype in (None, data.dtype):
        return data
    return tensor(data, dtype=dtype)


def _is_sequence(data: object) -> bool:
    """What torch takes for a list: it has a length and numbered places, and is no word."""
    listed = hasattr(data, "__len__") and hasattr(data, "__getitem__")
    return listed and not isinstance(data, (Tensor, str, bytes, dict))


def _shape_of(data: Any) -> tuple[int, ...]:
    """The lengths of the lists, from the outermost in, each by its first part."""
    shape = []
    while _is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def _collect(data: Any, shape: Sequence[int], depth: int, numbers: list) -> None:
    """Add the numbers of lists in lists to one flat list; they must be as long as `shape`."""
    if depth == len(shape):
        if _is_sequence(data):
            wanted = "must be real number, not list"
            if numbers and isinstance(numbers[0], int):
                wanted = "'list' object cannot be interpreted as an integer"
            raise TypeError(wanted.replace("list", type(data).__name__))
        numbers.append(data)
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(
            f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})"
        )
    for part in data:
        _collect(part, shape, depth + 1, numbers)


def _kind_of(numbers: list) -> dtype:
    kinds = {n.dtype if isinstance(n, Tensor) else dtype_of(n) for n in numbers}
    return max(kinds, key=lambda kind: kind.rank) if kinds else float32


def _python_number(number: Any, kind: dtype) -> Number:
    if isinstance(number, Tensor):
        if count(number.shape) != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return number.item()
    if not isinstance(number, (bool, int, float)):
        dtype_of(number)  # raises: this is no number
    if kind is int64 and isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number


# --- One number, repeated ----------------------------------------------------------


def new_shape(given: Sequence, function: str) -> tuple[int, ...]:
    """The sizes of a tensor that is to be made; none may be negative."""
    shape = sizes(given, function)
    for size in shape:
        if size < 0 and function == "zeros":
            raise RuntimeError(f"{function}: Dimension size must be non-negative.")
        if size < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {size}: {list(shape)}"
            )
    return shape


def filled(shape: Sequence[int], number: Number, kind: dtype) -> Tensor:
    """A tensor that holds one number everywhere."""
    return fresh([number] * count(shape), shape, kind)


@offered(method=False)
def zeros(*size: Any, dtype: dtype | None = None) -> Tensor:
    """Zeros, float32 unless another kind is asked for."""
    return filled(new_shape(size, "zeros"), 0, dtype or float32)


@offered(method=False)
def ones(*size: Any, dtype: dtype | None = None) -> Tensor:
    """Ones, float32 unless another kind is asked for."""
    return filled(new_shape(size, "ones"), 1, dtype or float32)


@offered(method=False)
def empty(*size: Any, dtype: dtype | None = None) -> Tensor:
    """As `zeros`: torch leaves what stood in memory before, which nobody should read."""
    return filled(new_shape(size, "empty"), 0, dtype or float32)


@offered(method=False)
def full(size: Sequence[int], fill_value: Any, *, dtype: dtype | None = None) -> Tensor:
    """One number everywhere; its kind is that of the number."""
    if isinstance(fill_value, Tensor) and not fill_value.ndim:
        fill_value = fill_value.item()
    if not isinstance(fill_value, (bool, int, float)):
        raise TypeError(
            "full(): argument 'fill_value' (position 2) must be Number, not "
            f"{type(fill_value).__name__}"
        )
    return filled(new_shape((size,), "full"), fill_value, dtype or dtype_of(fill_value))


@offered(method=False)
def zeros_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    """Zeros in the shape and kind of another tensor."""
    return filled(input.shape, 0, dtype or input.dtype)


@offered(method=False)
def ones_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    """Ones in the shape and kind of another tensor."""
    return filled(input.shape, 1, dtype or input.dtype)


@offered(method=False)
def empty_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    """As `zeros_like`: see `empty`."""
    return filled(input.shape, 0, dtype or input.dtype)


@offered(method=False)
def full_like(input: Tensor, fill_value: Any, *, dtype: dtype | None = None) -> Tensor:
    """One number everywhere, in the shape and kind of another tensor."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype)


@offered(function=False)
def new_zeros(input: Tensor, *size: Any, dtype: dtype | None = None) -> Tensor:
    """Zeros of the same kind."""
    return filled(new_shape(size, "new_zeros"), 0, dtype or input.dtype)


@offered(function=False)
def new_ones(input: Tensor, *size: Any, dtype: dtype | None = None) -> Tensor:
    """Ones of the same kind."""
    return filled(new_shape(size, "new_ones"), 1, dtype or input.dtype)


@offered(function=False)
def new_full(
    input: Tensor, size: Sequence[int], fill_value: Any, *, dtype: dtype | None = None
) -> Tensor:
    """One number everywhere, of the same kind."""
    return full(size, fill_value, dtype=dtype or input.dtype)


@offered(function=False)
def new_tensor(input: Tensor, data: Any, *, dtype: dtype | None = None) -> Tensor:
    """As `tensor`, of the same kind."""
    return tensor(data, dtype=dtype or input.dtype)


# --- By a rule ---------------------------------------------------------------------


@offered(method=False)
def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: dtype | None = None) -> Tensor:
    """The numbers from start (0, where one number is given) up to, but without, the end."""
    if end is None:
        start, end = 0, start
    for name, value in (("end", end), ("start", start), ("step", step)):
        if not isinstance(value, (bool, int, float, Tensor)):
            raise TypeError(
                f"arange(): argument '{name}' (position 1) must be Number, not "
                f"{type(value).__name__}"
            )
    start, end, step = (n.item() if isinstance(n, Tensor) else n for n in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    kind = dtype or promoted([dtype_of(n) for n in (start, end, step, 0)], [])
    length = count((max(0, math.ceil((end - start) / step)),))
    return fresh([start + i * step for i in range(length)], (length,), kind)


@offered(method=False)
def linspace(start: Any, end: Any, steps: int, *, dtype: dtype | None = None) -> Tensor:
    """So many numbers, evenly from the start to the end, both among them."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    count((steps,))
    step = (end - start) / max(steps - 1, 1)
    numbers = [
        start + i * step if i < steps / 2 else end - (steps - 1 - i) * step for i in range(steps)
    ]
    if steps == 1:
        numbers = [start]
    return fresh(numbers, (steps,), dtype or float32)


@offered(method=False)
def eye(n: int, m: int | None = None, *, dtype: dtype | None = None) -> Tensor:
    """Ones on the main diagonal of a matrix of n rows and m (or n) columns, zeros beside it."""
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    m = n if m is None else m
    count((n, m))
    return fresh([i == j for i in range(n) for j in range(m)], (n, m), dtype or float32)


def _triangle(keep, row: int, col: int, offset: int) -> Tensor:
    pairs = [(i, j) for i in range(row) for j in range(col) if keep(j - i, offset)]
    numbers = [i for i, _ in pairs] + [j for _, j in pairs]
    return fresh(numbers, (2, len(pairs)), int64)


@offered(method=False)
def tril_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """(2, n): row and column of each place on and below the diagonal."""
    return _triangle(lambda above, offset: above <= offset, row, col, offset)


@offered(method=False)
def triu_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """(2, n): row and column of each place on and above the diagonal."""
    return _triangle(lambda above, offset: above >= offset, row, col, offset)
