"""Functions that make one number of many: of a whole tensor, or along some of its dimensions.

`dim` names the dimensions that go; with `keepdim=True` they stay, with size 1, so that the
result can be broadcast against the tensor that it came from.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import inf, isnan, nan
from typing import Any, NamedTuple

from .dtypes import bool_, dtype, int64
from .elementwise import elementwise, floating, maximum, minimum, sub
from .offered import offered
from .rearranging import permute
from .shapes import Shape, dimension, dimensions
from .tensors import Tensor, fresh, numbers_as

# --- How it is done ----------------------------------------------------------------


def rows_along(input: Tensor, dims: Sequence[int], kind: dtype) -> list[list]:
    """The numbers that one number is made of, for each place that is left."""
    if input.ndim == 0:
        return [numbers_as(input, kind)]
    kept = [d for d in range(input.ndim) if d not in dims]
    numbers = numbers_as(permute(input, *kept, *dims), kind)
    width = math.prod(input.shape[d] for d in dims)
    rows = math.prod(input.shape[d] for d in kept)
    return [numbers[i * width : (i + 1) * width] for i in range(rows)]


def shape_without(input: Tensor, dims: Sequence[int], keepdim: bool) -> Shape:
    """The shape of the result when these dimensions are gone."""
    sizes = [1 if d in dims else n for d, n in enumerate(input.shape)]
    return tuple(n for d, n in enumerate(sizes) if keepdim or d not in dims)


def reduced(
    function: Callable,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    kind: dtype | None = None,
    gives: dtype | None = None,
) -> Tensor:
    """`function` of each list of numbers along `dim` (None: of all of them)."""
    dims = dimensions(dim, input.ndim)
    kind = kind or input.dtype
    numbers = [function(row) for row in rows_along(input, dims, kind)]
    return fresh(numbers, shape_without(input, dims, keepdim), gives or kind)


def along(
    function: Callable, input: Tensor, dim: int, kind: dtype, gives: dtype | None = None
) -> Tensor:
    """`function` makes of each list of numbers along `dim` another, just as long."""
    dim = dimension(dim, input.ndim)
    if input.ndim == 0:
        return fresh(function(numbers_as(input, kind)), (), gives or kind)
    last = permute(input, *(d for d in range(input.ndim) if d != dim), dim)
    rows = [function(row) for row in rows_along(input, [dim], kind)]
    result = fresh([number for row in rows for number in row], last.shape, gives or kind)
    order = list(range(input.ndim - 1))
    order.insert(dim, input.ndim - 1)
    return permute(result, *order)


# --- Sums and means ----------------------------------------------------------------


def _added(kind: dtype) -> dtype:
    return kind if kind.is_floating_point else int64


def _nan_if_empty(function: Callable) -> Callable:
    return lambda numbers: function(numbers) if numbers else nan


def _mean(numbers: Sequence[float]) -> float:
    return builtins.sum(numbers) / len(numbers) if numbers else nan


@offered()
def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The sum; of bools, how many are true."""
    return reduced(builtins.sum, input, dim, keepdim, dtype or _added(input.dtype))


@offered()
def prod(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The product."""
    return reduced(math.prod, input, dim, keepdim, dtype or _added(input.dtype))


@offered()
def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The mean, of floating numbers only."""
    kind = dtype or input.dtype
    if not kind.is_floating_point:
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point "
            f"or complex dtype. Got: {kind.title}"
        )
    return reduced(_mean, input, dim, keepdim, kind)


@offered()
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The mean square distance from the mean, of one number less than there are (`correction`)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if not input.dtype.is_floating_point:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    left_out = correction if correction is not None else int(unbiased)

    def variance(numbers: list[float]) -> float:
        centre, left = _mean(numbers), builtins.max(0, len(numbers) - left_out)
        squares = builtins.sum((number - centre) ** 2 for number in numbers)
        return squares / left if left else nan if not squares else inf

    return reduced(variance, input, dim, keepdim)


@offered()
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The root of the variance."""
    return elementwise(math.sqrt, var(input, dim, unbiased, keepdim, correction=correction))


@offered()
def norm(input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The length of each list of numbers: the p-th root of the sum of the powers of p."""
    if not input.dtype.is_floating_point:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{input.dtype.title}"
        )
    return reduced(lambda numbers: length(numbers, p), input, dim, keepdim)


def length(numbers: Sequence[float], p: Any = 2) -> float:
    """The p-norm of a list of numbers."""
    sizes = [builtins.abs(number) for number in numbers]
    if p in (2, "fro"):
        return math.sqrt(builtins.sum(size * size for size in sizes))
    if p == inf:
        return _highest(sizes) if sizes else 0.0
    if p == -inf:
        return -_highest([-size for size in sizes])
    if p == 0:
        return builtins.sum(size != 0 for size in sizes)
    return builtins.sum(size**p for size in sizes) ** (1 / p)


@offered()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The distance: the norm of the difference."""
    return norm(sub(input, other), p)


@offered()
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return sum(input.diagonal())


@offered()
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The logarithm of the sum of the powers of e."""
    return reduced(log_of_sum, input, dim, keepdim, floating(input.dtype))


def log_of_sum(numbers: Sequence[float]) -> float:
    """log Σ e^x, with the largest number taken out first: then no power is too large."""
    high = _highest(numbers) if numbers else -inf
    if math.isinf(high) or isnan(high):
        return high
    return high + math.log(builtins.sum(math.exp(number - high) for number in numbers))


# --- Softmax -----------------------------------------------------------------------


def _softmax(numbers: Sequence[float]) -> list[float]:
    high = _highest(numbers) if numbers else nan
    if math.isinf(high) or isnan(high):
        return [nan] * len(numbers)
    powers = [math.exp(number - high) for number in numbers]
    total = builtins.sum(powers)
    return [power / total for power in powers]


def _log_softmax(numbers: Sequence[float]) -> list[float]:
    total = log_of_sum(numbers)
    return [nan if math.isinf(total) else number - total for number in numbers]


def _softmax_kind(input: Tensor, asked: dtype | None, name: str) -> dtype:
    kind = asked or input.dtype
    if not kind.is_floating_point:
        raise NotImplementedError(
            f"\"{name}_lastdim_kernel_impl\" not implemented for '{kind.title}'"
        )
    return kind


@offered()
def softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    """Powers of e, divided by their sum along `dim`: shares that add up to 1."""
    return along(_softmax, input, dim, _softmax_kind(input, dtype, "softmax"))


@offered()
def log_softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    """The logarithm of softmax, without a detour over powers that would become 0."""
    return along(_log_softmax, input, dim, _softmax_kind(input, dtype, "log_softmax"))


@offered()
def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """The sums of the first number, of the first two, of the first three, …"""
    return along(lambda row: list(accumulate(row)), input, dim, dtype or _added(input.dtype))


@offered()
def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """The products of the first number, of the first two, …"""

    def products(row: list) -> list:
        return list(accumulate(row, lambda a, b: a * b))

    return along(products, input, dim, dtype or _added(input.dtype))


# --- Largest and smallest ----------------------------------------------------------


def place_of_highest(numbers: Sequence) -> int:
    """The place of the largest number, the first of several; NaN counts as larger than all."""
    best = 0
    for place, number in enumerate(numbers):
        if isnan(number):
            return place
        if number > numbers[best]:
            best = place
    return best


def place_of_lowest(numbers: Sequence) -> int:
    """The place of the smallest number, the first of several; a NaN goes before all."""
    best = 0
    for place, number in enumerate(numbers):
        if isnan(number):
            return place
        if number < numbers[best]:
            best = place
    return best


def _highest(numbers: Sequence) -> Any:
    return numbers[place_of_highest(numbers)]


def _lowest(numbers: Sequence) -> Any:
    return numbers[place_of_lowest(numbers)]


def _not_empty(input: Tensor, dim: Any, name: str, error: type[Exception] = IndexError) -> None:
    if 0 not in input.shape:
        return
    if dim is None:
        raise error(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
            + (" Specify the reduction dim with the 'dim' argument." * (error is RuntimeError))
        )
    for d in [dim] if isinstance(dim, int) else dim:
        if not input.shape[dimension(d, input.ndim)]:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


@offered()
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest number along `dim`."""
    _not_empty(input, None if dim == () else dim, "amax", RuntimeError)
    return reduced(_highest, input, dim, keepdim)


@offered()
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest number along `dim`."""
    _not_empty(input, None if dim == () else dim, "amin", RuntimeError)
    return reduced(_lowest, input, dim, keepdim)


@offered()
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest number stands; without `dim`, counted row after row."""
    _not_empty(input, None if dim is None else dimension(dim, input.ndim), "argmax")
    return reduced(place_of_highest, input, dim, keepdim, gives=int64)


@offered()
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest number stands: see `argmax`."""
    _not_empty(input, None if dim is None else dimension(dim, input.ndim), "argmin")
    return reduced(place_of_lowest, input, dim, keepdim, gives=int64)


class _Pair(NamedTuple):
    """Numbers, and where they stood: what `max` along a dimension returns."""

    values: Tensor
    indices: Tensor


def pair(name: str, values: Tensor, indices: Tensor) -> _Pair:
    """Values and indices in a tuple that is shown as torch's."""
    kind = _PAIRS.get(name) or type(name, (_Pair,), {"__repr__": _shown, "__slots__": ()})
    _PAIRS[name] = kind
    return kind(values, indices)


_PAIRS: dict[str, Any] = {}


def _shown(self: _Pair) -> str:
    name = type(self).__name__
    return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"


def _by_place(name: str, where: Callable, input: Tensor, dim: int, keepdim: bool) -> _Pair:
    """The number that `where` finds along `dim`, and its place."""
    dim = dimension(dim, input.ndim)
    _not_empty(input, dim, name)
    rows = rows_along(input, [dim], input.dtype)
    found = [where(row) for row in rows]
    shape = shape_without(input, [dim], keepdim)
    values = [row[place] for row, place in zip(rows, found, strict=True)]
    return pair(name, fresh(values, shape, input.dtype), fresh(found, shape, int64))


def _extreme(name: str, where: Callable, input: Tensor, dim: Any, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        return (maximum if name == "max" else minimum)(input, dim)
    if dim is not None:
        return _by_place(name, where, input, dim, keepdim)
    _not_empty(input, None, name, RuntimeError)
    return reduced(lambda row: row[where(row)], input, None, keepdim)


@offered()
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest number; along `dim`: (values, indices); of two tensors, place by place."""
    return _extreme("max", place_of_highest, input, dim, keepdim)


@offered()
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest number: see `max`."""
    return _extreme("min", place_of_lowest, input, dim, keepdim)


def _place_of_middle(numbers: Sequence) -> int:
    order = sorted(range(len(numbers)), key=lambda place: numbers[place])
    return order[(len(numbers) - 1) // 2]


@offered()
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The number in the middle, the lower one of two; along `dim`: (values, indices)."""

    def where(numbers: Sequence) -> int:
        place = place_of_highest(numbers)
        return place if isnan(numbers[place]) else _place_of_middle(numbers)

    if dim is not None:
        return _by_place("median", where, input, dim, keepdim)
    return reduced(lambda row: row[where(row)] if row else nan, input, None, keepdim)


# --- True and false ----------------------------------------------------------------


@offered()
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any number is not 0."""
    return reduced(builtins.any, input, dim, keepdim, gives=bool_)


@offered()
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether no number is 0."""
    return reduced(builtins.all, input, dim, keepdim, gives=bool_)


@offered()
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many numbers are not 0."""

    def found(row: list) -> int:
        return builtins.sum(number != 0 for number in row)

    return reduced(found, input, dim, False, gives=int64)
