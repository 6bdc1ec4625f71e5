"""Other shapes of the same numbers: views where strides can do it, copies where they cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .dtypes import dtype, int64, stored
from .offered import offered
from .refusals import missing
from .shapes import (
    broadcast,
    count,
    dimension,
    dimensions,
    inferred,
    is_row_major,
    sizes,
    strides_as,
)
from .tensors import Tensor, fresh, numbers_as, view

# --- The same numbers --------------------------------------------------------------


@offered()
def numel(input: Tensor) -> int:
    """How many numbers it holds."""
    return math.prod(input.shape)


@offered(function=False)
def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return input.shape if dim is None else input.shape[_row_dimension(dim, input)]


@offered(function=False)
def dim(input: Tensor) -> int:
    """How many dimensions it has."""
    return input.ndim


@offered(function=False)
def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many places of the flat list lie between neighbours of each dimension."""
    return input._strides if dim is None else input._strides[dimension(dim, input.ndim)]


@offered(function=False)
def storage_offset(input: Tensor) -> int:
    """The place in the flat list where its first number stands."""
    return input._offset


@offered(function=False)
def is_contiguous(input: Tensor) -> bool:
    """Whether its numbers stand in the list row after row."""
    return is_row_major(input.shape, input._strides)


@offered()
def clone(input: Tensor) -> Tensor:
    """A copy with a flat list of its own."""
    return fresh(input.numbers(), input.shape, input.dtype)


@offered(function=False)
def contiguous(input: Tensor) -> Tensor:
    """The tensor itself if its numbers stand row after row, else such a copy."""
    return input if is_contiguous(input) else clone(input)


@offered()
def detach(input: Tensor) -> Tensor:
    """A view: there are no gradients here to detach it from."""
    return view(input, input.shape, input._strides)


@offered(function=False)
def as_subclass(input: Tensor, cls: type) -> Tensor:
    """The same numbers in a class made of Tensor. What functions make of it is a Tensor."""
    new = view(input, input.shape, input._strides)
    new.__class__ = cls
    return new


# --- Another kind of number --------------------------------------------------------


@offered(function=False)
def to(input: Tensor, dtype: Any) -> Tensor:
    """The numbers as another kind; the tensor itself if they are of this kind already."""
    kind = dtype.dtype if isinstance(dtype, Tensor) else dtype
    if kind == "cpu":
        return input
    if isinstance(kind, str):
        raise NotImplementedError(missing(kind))
    return input if input.dtype is kind else fresh(input.numbers(), input.shape, kind)


@offered(function=False)
def cpu(input: Tensor) -> Tensor:
    """The tensor itself: the page has no other device."""
    return input


@offered("type", function=False)
def type_(input: Tensor, dtype: dtype) -> Tensor:
    """`x.type(kind)`: as `to`."""
    return to(input, dtype)


@offered(function=False)
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The numbers as the kind of another tensor."""
    return to(input, other.dtype)


# --- Reading the list with another shape -------------------------------------------


@offered()
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The numbers, in the same order, in another shape; one size may be -1. A view if it can be.

    Raises:
        RuntimeError: if the sizes do not multiply up to the number of numbers.
    """
    new = inferred(sizes(shape, "reshape", "shape"), math.prod(input.shape))
    strides = strides_as(input.shape, input._strides, new)
    if strides is None:
        return fresh(input.numbers(), new, input.dtype)
    return view(input, new, strides)


@offered("view", function=False)
def view_(input: Tensor, *shape: Any) -> Tensor:
    """As `reshape`, but never a copy."""
    new = inferred(sizes(shape, "view"), math.prod(input.shape))
    strides = strides_as(input.shape, input._strides, new)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return view(input, new, strides)


@offered(function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of another tensor."""
    return view_(input, other.shape)


@offered(function=False)
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """In the shape of another tensor."""
    return reshape(input, other.shape)


@offered("flatten", "ravel")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start to end as one."""
    start, end = dimension(start_dim, input.ndim), dimension(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    middle = math.prod(input.shape[start : end + 1])
    return reshape(input, (*input.shape[:start], middle, *input.shape[end + 1 :]))


@offered()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several, whose sizes multiply up to its own."""
    _has_dimensions(input, RuntimeError("unflatten: a single number has no dimension to cut"))
    dim = dimension(dim, input.ndim)
    wanted, here = tuple(sizes), input.shape[dim]
    known = math.prod(size for size in wanted if size != -1)
    if -1 in wanted and known:
        wanted = tuple(here // known if size == -1 else size for size in wanted)
    if math.prod(wanted) != here:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({here}) in the input tensor"
        )
    return reshape(input, (*input.shape[:dim], *wanted, *input.shape[dim + 1 :]))


@offered()
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of size 1, or without those given, where they are of size 1."""
    dims = dimensions(dim, input.ndim)
    kept = [i for i in range(input.ndim) if i not in dims or input.shape[i] != 1]
    return _of_dimensions(input, kept)


@offered()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With one more dimension, of size 1."""
    dim = dimension(dim, input.ndim + 1)
    shape, strides = list(input.shape), list(input._strides)
    strides.insert(dim, shape[dim] * strides[dim] if dim < input.ndim else 1)
    shape.insert(dim, 1)
    return view(input, shape, strides)


def _of_dimensions(input: Tensor, dims: Sequence[int]) -> Tensor:
    return view(input, [input.shape[d] for d in dims], [input._strides[d] for d in dims])


# --- Dimensions in another order ---------------------------------------------------


@offered()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in this order: shape and strides change places, no number moves."""
    order = sizes(dims, "permute", "dims")
    if len(order) != input.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {input.ndim} is "
            f"not equal to len(dims) = {len(order)}"
        )
    order = [dimension(d, input.ndim) for d in order]
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _of_dimensions(input, order)


@offered("transpose", "swapaxes", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    a, b = dimension(dim0, input.ndim), dimension(dim1, input.ndim)
    order = list(range(input.ndim))
    if order:
        order[a], order[b] = b, a
    return _of_dimensions(input, order)


@offered("movedim", "moveaxis")
def movedim(input: Tensor, source: int, destination: int) -> Tensor:
    """One dimension at another place; the others keep their order."""
    start, end = dimension(source, input.ndim), dimension(destination, input.ndim)
    order = list(range(input.ndim))
    if order:
        order.insert(end, order.pop(start))
    return _of_dimensions(input, order)


@offered()
def t(input: Tensor) -> Tensor:
    """A matrix transposed; what has fewer dimensions stays as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return _of_dimensions(input, list(reversed(range(input.ndim))))


def all_reversed(input: Tensor) -> Tensor:
    """What `x.T` gives."""
    return _of_dimensions(input, list(reversed(range(input.ndim))))


def last_two_exchanged(input: Tensor) -> Tensor:
    """What `x.mT` gives: each matrix of a stack transposed."""
    if input.ndim == 1:
        raise RuntimeError(
            "tensor.mT is only supported on matrices or batches of matrices. Got "
            f"{input.ndim}-D tensor."
        )
    return transpose(input, -2, -1) if input.ndim else input


# --- The same numbers more than once -----------------------------------------------


def expanded(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Stretched to a shape that it can be broadcast to: a stride of 0 where it has one row."""
    if input.shape == tuple(shape):
        return input
    new = len(shape) - input.ndim
    strides = [
        0 if size == 1 else stride for size, stride in zip(input.shape, input._strides, strict=True)
    ]
    return view(input, shape, [0] * new + strides)


@offered(function=False)
def expand(input: Tensor, *size: Any) -> Tensor:
    """A view in which dimensions of size 1 are shown several times; -1 leaves a size."""
    wanted = sizes(size, "expand")
    new = len(wanted) - input.ndim
    if new < 0:
        raise RuntimeError(
            f"expand(torch.{input.dtype.title}Tensor{{{list(input.shape)}}}, size="
            f"{list(wanted)}): the number of sizes provided ({len(wanted)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({input.ndim})"
        )
    shape = list(wanted)
    for dim, n in reversed(list(enumerate(wanted))):
        here = input.shape[dim - new] if dim >= new else 1
        if n == -1 and dim < new:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, "
                f"non-existing dimension {dim}"
            )
        if n == -1:
            shape[dim] = here
        elif here not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({here}) "
                f"at non-singleton dimension {dim}.  Target sizes: {list(wanted)}.  Tensor "
                f"sizes: {list(input.shape)}"
            )
    return expanded(input, shape)


@offered(function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of another tensor."""
    return expand(input, other.shape)


@offered()
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """As `expand`."""
    return expand(input, size)


@offered(method=False)
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All of them in the shape that they can be stretched to."""
    shape = broadcast(*(t.shape for t in tensors))
    return tuple(expanded(t, shape) for t in tensors)


@offered(function=False)
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """A copy, so many times along each dimension."""
    times = sizes(repeats, "repeat", "repeats")
    new = len(times) - input.ndim
    if new < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    shape = (1,) * new + tuple(input.shape)
    strides = (0,) * new + input._strides
    # Each dimension becomes two: how often, and how long.
    pairs = [n for each in zip(times, shape, strict=True) for n in each]
    steps = [n for stride in strides for n in (0, stride)]
    whole = [n * size for n, size in zip(times, shape, strict=True)]
    return fresh(view(input, pairs, steps).numbers(), whole, input.dtype)


@offered()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """As `repeat`, with a 1 for each dimension that is not named."""
    times = sizes(dims, "tile", "dims")
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@offered()
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Each row so many times, next to itself; without `dim`, each number of the flat list."""
    if dim is None:
        input, dim = flatten(input), 0
    dim = _row_dimension(dim, input)
    rows = input.shape[dim]
    times = numbers_as(repeats, int64) if isinstance(repeats, Tensor) else [repeats]
    if len(times) not in (1, rows):
        raise RuntimeError("repeats must have the same size as input along dim, but got "
            f"repeats.size(0) = {len(times)} and input.size({dim}) = {rows}")  # fmt: skip
    times = times * rows if len(times) == 1 else times
    return rows_at(input, dim, [i for i, n in enumerate(times) for _ in range(n)])


# --- Parts -------------------------------------------------------------------------


def _row_dimension(dim: int, input: Tensor) -> int:
    """As `dimension`, of a tensor that must have one."""
    _has_dimensions(input, IndexError(f"Dimension specified as {dim} but tensor has no dimensions"))
    return dimension(dim, input.ndim)


def _has_dimensions(input: Tensor, error: Exception) -> None:
    """Refuses a single number, which has no rows."""
    if not input.ndim:
        raise error


@offered()
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` rows of a dimension, from `start` on; a view."""
    _has_dimensions(input, RuntimeError("narrow() cannot be applied to a 0-dim tensor."))
    dim = dimension(dim, input.ndim)
    if start + length > input.shape[dim]:
        raise RuntimeError(
            f"start ({start}) + length ({length}) exceeds dimension size ({input.shape[dim]})."
        )
    shape = (*input.shape[:dim], length, *input.shape[dim + 1 :])
    return view(input, shape, input._strides, input._offset + start * input._strides[dim])


@offered()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One row of a dimension, which is then gone; a view."""
    _has_dimensions(input, IndexError("select() cannot be applied to a 0-dim tensor."))
    dim = dimension(dim, input.ndim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at "
            f"dimension {dim}"
        )
    place = input._offset + index % input.shape[dim] * input._strides[dim]
    kept = [d for d in range(input.ndim) if d != dim]
    return view(input, [input.shape[d] for d in kept], [input._strides[d] for d in kept], place)


@offered()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The rows of a dimension; views."""
    dimension(dim, input.ndim)
    dim = _row_dimension(dim, input)
    return tuple(select(input, dim, i) for i in range(input.shape[dim]))


@offered()
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of this size (the last may be smaller), or of each of these sizes; views."""
    _has_dimensions(tensor, RuntimeError("split expects at least a 1-dimensional tensor"))
    given, dim = dim, dimension(dim, tensor.ndim)
    whole = tensor.shape[dim]
    if isinstance(split_size_or_sections, int):
        part = split_size_or_sections
        if part == 0 and whole:
            raise RuntimeError(
                "split_size can only be 0 if dimension size is 0, but got dimension size of "
                f"{whole}"
            )
        sizes = [min(part, whole - at) for at in range(0, whole, part or 1)] or [0]
    else:
        sizes = list(split_size_or_sections)
        if sum(sizes) != whole:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {whole} (input tensor's "
                f"size at dimension {given}), but got split_sizes={sizes}"
            )
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(narrow(tensor, dim, at, size) for at, size in zip(starts, sizes, strict=True))


@offered()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """So many parts, if possible of the same size; views."""
    _has_dimensions(input, RuntimeError("chunk expects at least a 1-dimensional tensor"))
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[dimension(dim, input.ndim)]
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


@offered()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as the last one; a view: one stride of both together."""
    a, b = dimension(dim1, input.ndim), dimension(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    below, right = max(-offset, 0), max(offset, 0)
    length = max(0, min(input.shape[a] - below, input.shape[b] - right))
    kept = [d for d in range(input.ndim) if d not in (a, b)]
    start = below * input._strides[a] + right * input._strides[b] if length else 0
    return view(
        input,
        [*(input.shape[d] for d in kept), length],
        [*(input._strides[d] for d in kept), input._strides[a] + input._strides[b]],
        input._offset + start,
    )


@offered(function=False)
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All slices of this size along a dimension, one every `step`; what is in them comes last."""
    d, is_number = _dimension(dimension, input.ndim), input.ndim == 0
    length, stride = (1, 1) if is_number else (input.shape[d], input._strides[d])
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(
            f"maximum size for tensor at dimension {d} is {length} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    shape, strides = [*input.shape, size], [*input._strides, stride]
    if not is_number:
        shape[d], strides[d] = (length - size) // step + 1, step * stride
    return view(input, shape, strides)


_dimension = dimension  # in `unfold` that word is an argument


@offered()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or a matrix with this diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 2:
        return clone(_diagonal(input, diagonal))
    n = input.shape[0] + abs(diagonal)
    result = fresh([0] * count((n, n)), (n, n), input.dtype)
    write(_diagonal(result, diagonal).places(), result, input.numbers())
    return result


_diagonal = diagonal  # in `diag` that word is an argument


# --- Several tensors as one --------------------------------------------------------


def _all_tensors(tensors: Any, function: str) -> None:
    if isinstance(tensors, Tensor):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor"
        )
    for at, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"expected Tensor as element {at} in argument 0, but got {type(each).__name__}"
            )


def _highest(tensors: Sequence[Tensor]) -> dtype:
    return max((t.dtype for t in tensors), key=lambda kind: kind.rank)


@offered("cat", "concat", "concatenate", method=False)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """One after the other along a dimension; all other sizes must be the same."""
    _all_tensors(tensors, "cat")
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for at, each in enumerate(tensors):
        if not each.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {at}) cannot be concatenated")
    kind = _highest(tensors)
    whole = [t for t in tensors if t.shape != (0,)] or [tensors[0]]  # torch passes over `[]`
    first = whole[0]
    dim = dimension(dim, first.ndim)
    for at, each in enumerate(whole):
        if each.ndim != first.ndim:
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {first.ndim} and {each.ndim}"
            )
        for d in range(first.ndim):
            if d != dim and each.shape[d] != first.shape[d]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size "
                    f"{first.shape[d]} but got size {each.shape[d]} for tensor number {at} in "
                    "the list."
                )
    shape = list(first.shape)
    shape[dim] = sum(each.shape[dim] for each in whole)
    count(shape)
    # Before `dim`, the tensors take turns: each gives the numbers of one place.
    rows = math.prod(shape[:dim])
    columns = [numbers_as(each, kind) for each in whole]
    widths = [math.prod(each.shape[dim:]) for each in whole]
    numbers = []
    for row in range(rows):
        for column, width in zip(columns, widths, strict=True):
            numbers += column[row * width : (row + 1) * width]
    return fresh(numbers, shape, kind)


@offered(method=False)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """As the rows of a new dimension; all must have the same shape."""
    _all_tensors(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    dim = dimension(dim, tensors[0].ndim + 1)
    for at, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} "
                f"at entry 0 and {list(each.shape)} at entry {at}"
            )
    return cat([unsqueeze(each, dim) for each in tensors], dim)


@offered("vstack", "row_stack", method=False)
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One under the other, as rows."""
    _all_tensors(tensors, "vstack")
    return cat([reshape(t, (1, -1)) if t.ndim < 2 else t for t in tensors])


@offered(method=False)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """One beside the other."""
    _all_tensors(tensors, "hstack")
    flat = [t if t.ndim else reshape(t, (1,)) for t in tensors]
    return cat(flat, 0 if flat and flat[0].ndim == 1 else 1)


# --- Rows by their numbers ---------------------------------------------------------


def write(places: Sequence[int], target: Tensor, numbers: Sequence) -> None:
    """Put these numbers at these places of the tensor's list."""
    for place, value in zip(places, stored(numbers, target.dtype), strict=True):
        target._storage[place] = value


def rows_at(input: Tensor, dim: int, rows: Sequence[int]) -> Tensor:
    """A copy of the rows with these numbers (from 0), in this order."""
    shape = (*input.shape[:dim], len(rows), *input.shape[dim + 1 :])
    count(shape)
    width = math.prod(input.shape[dim + 1 :])
    old, numbers = input.numbers(), []
    for start in range(0, len(old), width * input.shape[dim] or 1):
        for row in rows:
            numbers += old[start + row * width : start + (row + 1) * width]
    return fresh(numbers, shape, input.dtype)


@offered()
def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy with the rows of these dimensions in the reverse order."""
    given = sizes(dims, "flip", "dims")
    for dim in dimensions(given, input.ndim) if given else []:
        input = rows_at(input, dim, range(input.shape[dim])[::-1])
    return clone(input)


@offered()
def fliplr(input: Tensor) -> Tensor:
    """Columns in the reverse order."""
    return flip(input, 1)


@offered()
def flipud(input: Tensor) -> Tensor:
    """Rows in the reverse order."""
    return flip(input, 0)


@offered()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Every row moved on by `shifts`; what falls out at one end comes in at the other."""
    if dims is None or dims == ():
        return reshape(roll(flatten(input), shifts, 0), input.shape)
    shifts = [shifts] if isinstance(shifts, int) else list(shifts)
    dims = [dims] if isinstance(dims, int) else list(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}"
        )
    if 0 in input.shape:
        return clone(input)
    for shift, dim in zip(shifts, dims, strict=True):
        d = _row_dimension(dim, input)
        n = input.shape[d]
        input = rows_at(input, d, [(i - shift) % n for i in range(n)])
    return input


def _triangle(input: Tensor, keep: Any, name: str) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    rows, columns = input.shape[-2:]
    kept = [keep(j - i) for i in range(rows) for j in range(columns)]
    numbers = input.numbers()
    every = kept * (len(numbers) // max(len(kept), 1))
    result = [n if yes else 0 for n, yes in zip(numbers, every, strict=True)]
    return fresh(result, input.shape, input.dtype)


@offered()
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros above the diagonal (the one so far above the main one)."""
    return _triangle(input, lambda above: above <= diagonal, "tril")


@offered()
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros below the diagonal."""
    return _triangle(input, lambda above: above >= diagonal, "triu")


@offered()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """(n, dimensions): the index of each number that is not 0; or each column by itself."""
    found = [place for place, number in enumerate(input.numbers()) if number]
    columns = coordinates(found, input.shape)
    if as_tuple:
        return tuple(fresh(c, (len(found),), int64) for c in columns or [[0] * len(found)])
    rows = [c[i] for i in range(len(found)) for c in columns]
    return fresh(rows, (len(found), input.ndim), int64)


@offered()
def argwhere(input: Tensor) -> Tensor:
    """(n, dimensions): the index of each number that is not 0."""
    return nonzero(input)


def coordinates(flat: Sequence[int], shape: Sequence[int]) -> list[list[int]]:
    """Numbers of places, counted row after row, as one list of indices for each dimension."""
    columns, step = [], 1
    for size in reversed(shape):
        columns.insert(0, [place // step % size for place in flat])
        step *= size
    return columns


@offered(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The index in a tensor of this shape of places counted row after row."""
    whole = sizes((shape,), "unravel_index", "shape")
    flat = [n % math.prod(whole) if n < 0 else n for n in indices.numbers()]
    return tuple(fresh(c, indices.shape, int64) for c in coordinates(flat, whole))
