"""`x[...]`: reading and writing parts of a tensor.

A number, a slice, `None` and `...` only change offset, shape and strides: what comes out is a
view. A mask, or a tensor or list of whole numbers, picks places one by one: what comes out is a
copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .creation import tensor
from .dtypes import bool_, int64
from .offered import Operand, offered
from .rearranging import (
    clone,
    expand,
    expanded,
    flatten,
    nonzero,
    rows_at,
    select,
    unsqueeze,
    write,
)
from .shapes import broadcast, count, dimension, places
from .tensors import Tensor, fresh, view

Picked = dict[int, Tensor]  # dimension → the whole numbers that pick from it


def get(input: Tensor, index: Any) -> Tensor:
    """`x[index]`."""
    part, picked = _parted(input, index)
    if not picked:
        return part
    shape, found = _picked_places(part, picked)
    storage = input._storage
    return fresh([storage[place] for place in found], shape, input.dtype)


def put(input: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`."""
    part, picked = _parted(input, index)
    shape, found = _picked_places(part, picked) if picked else (part.shape, part.places())
    if isinstance(value, (bool, int, float)):
        value = fresh([value], (), input.dtype)
    if not isinstance(value, Tensor):
        raise TypeError(
            f"can't assign a {type(value).__name__} to a torch.{input.dtype.title}Tensor"
        )
    if picked and value.dtype is not input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype.title} for the destination and {value.dtype.title} for the source."
        )
    write(found, input, _stretched(value, shape, bool(picked)).numbers())


def _stretched(value: Tensor, shape: Sequence[int], picked: bool) -> Tensor:
    """The value in the shape of what it replaces; leading dimensions of size 1 fall away."""
    cut = value
    while cut.ndim and cut.shape[0] == 1:
        cut = select(cut, 0, 0)
    if not picked:
        return expand(cut, shape)
    try:
        return expand(cut, shape)
    except RuntimeError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
            f"indexing result of shape {list(shape)}"
        ) from None


# --- Numbers, slices, None and ... -------------------------------------------------


def _parted(input: Tensor, index: Any) -> tuple[Tensor, Picked]:
    """The view that numbers and slices make, and what picks places in it one by one."""
    items = [_item(each) for each in (index if isinstance(index, tuple) else (index,))]
    taken = sum(_dimensions_taken(item) for item in items)
    if input.ndim == 0 and any(isinstance(item, (int, slice)) for item in items):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
            "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            if isinstance(items[0], int)
            else "slice() cannot be applied to a 0-dim tensor."
        )
    if taken > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim}")
    part, dim, tensors = input, 0, []
    for at, item in enumerate(items):
        if item is None:
            part, dim = unsqueeze(part, dim), dim + 1
        elif item is Ellipsis:
            dim += input.ndim - taken
        elif isinstance(item, int):
            part = _row(part, dim, at, item)
        elif isinstance(item, slice):
            part, dim = _slice(part, dim, item), dim + 1
        else:
            if item.ndim == 0:  # a mask of one bool: a dimension that is there, or empty
                part = unsqueeze(part, dim)
            tensors.append((dim, item))
            dim += _dimensions_taken(item) or 1
    picked = {}
    for first, item in tensors:
        for at, column in enumerate(_columns(item, part, first)):
            picked[first + at] = column
    return part, picked


def _item(item: Any) -> Any:
    """One part of an index: None, ..., a whole number, a slice or a tensor."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, (bool, str)) or hasattr(item, "__len__"):
        if not isinstance(item, Tensor):
            item = (
                tensor(item)
                if isinstance(item, (bool, str)) or len(item)
                else tensor([], dtype=int64)
            )
        if item.dtype.is_floating_point:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return int(item) if item.ndim == 0 and item.dtype is not bool_ else item
    if hasattr(item, "__index__"):
        return item.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
        f"valid indices (got {type(item).__name__})"
    )


def _dimensions_taken(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Tensor) and item.dtype is bool_ else 1


def _row(part: Tensor, dim: int, at: int, index: int) -> Tensor:
    if not -part.shape[dim] <= index < part.shape[dim]:
        raise IndexError(
            f"index {index} is out of bounds for dimension {at} with size {part.shape[dim]}"
        )
    return select(part, dim, index)


def _slice(part: Tensor, dim: int, item: slice) -> Tensor:
    if item.step is not None and item.step < 1:
        raise ValueError("step must be greater than zero")
    start, stop, step = item.indices(part.shape[dim])
    shape, strides = list(part.shape), list(part._strides)
    offset = part._offset + (start * strides[dim] if shape[dim] else 0)
    shape[dim], strides[dim] = len(range(start, stop, step)), strides[dim] * step
    return view(part, shape, strides, offset)


# --- Masks and tensors of whole numbers --------------------------------------------


def _columns(item: Tensor, part: Tensor, dim: int) -> list[Tensor]:
    """What a tensor picks from each dimension that it stands for; of a mask, where it is true."""
    if item.dtype is not bool_:
        return [item]
    if item.ndim == 0:
        return [fresh([0] * bool(item), (int(bool(item)),), int64)]
    if item.shape != part.shape[dim : dim + item.ndim]:
        wrong = next(i for i, n in enumerate(item.shape) if n != part.shape[dim + i])
        raise IndexError(
            f"The shape of the mask {list(item.shape)} at index {wrong} does not match the shape "
            f"of the indexed tensor {list(part.shape)} at index {dim + wrong}"
        )
    return list(nonzero(item, as_tuple=True))


def _picked_places(part: Tensor, picked: Picked) -> tuple[tuple[int, ...], list[int]]:
    """Shape of what is picked, and the places in the list where its numbers stand."""
    dims = sorted(picked)
    try:
        shape = broadcast(*(picked[d].shape for d in dims))
    except RuntimeError:
        shapes = ", ".join(str(list(picked[d].shape)) for d in dims)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    steps = [0] * count(shape)
    for at, d in enumerate(dims):
        numbers = _in_bounds(expanded(picked[d], shape).numbers(), part.shape[d], at)
        steps = [s + n * part._strides[d] for s, n in zip(steps, numbers, strict=True)]
    # What is picked stands where the first tensor of the index stood, or, if a slice stood
    # between two of them, in front.
    together = dims[-1] - dims[0] + 1 == len(dims)
    kept = [d for d in range(part.ndim) if d not in picked]
    before = [d for d in kept if together and d < dims[0]]
    after = [d for d in kept if d not in before]
    sizes = [[part.shape[d] for d in some] for some in (before, after)]
    whole = (*sizes[0], *shape, *sizes[1])
    count(whole)
    outer = places(sizes[0], [part._strides[d] for d in before], part._offset)
    inner = places(sizes[1], [part._strides[d] for d in after])
    return whole, [a + b + c for a in outer for b in steps for c in inner]


def _in_bounds(numbers: list, size: int, at: int) -> list:
    """Whole numbers that pick from `size` rows, counted from the front; `at`: which tensor's."""
    for number in numbers:
        if not -size <= number < size:
            raise IndexError(f"index {number} is out of bounds for dimension {at} with size {size}")
    return [number % size for number in numbers]


# --- Functions that pick -----------------------------------------------------------


def _places_along(input: Tensor, dim: int, index: Tensor, function: str) -> list[int]:
    """For each number of `index`: the place in `input` that it picks along one dimension."""
    if index.dtype.is_floating_point or index.dtype is bool_:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if index.ndim != input.ndim:
        whose = "input" if function == "gather" else "self"
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {whose} tensor"
        )
    for d in range(input.ndim):
        if d != dim and index.shape[d] > input.shape[d]:
            start = f"Size does not match at dimension {d} expected" * (function == "gather")
            raise RuntimeError(
                f"{start or 'Expected'} index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {dim}"
            )
    size, step = (input.shape[dim], input._strides[dim]) if input.ndim else (1, 1)
    numbers = index.numbers()
    for number in numbers:
        if not 0 <= number < size:
            raise RuntimeError(
                f"index {number} is out of bounds for dimension {dim} with size {size}"
            )
    strides = [0 if d == dim else s for d, s in enumerate(input._strides)]
    rows = places(index.shape, strides, input._offset)
    return [row + number * step for row, number in zip(rows, numbers, strict=True)]


@offered()
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim 0, input[i][index[i][j]] for dim 1, and so on."""
    found = _places_along(input, dimension(dim, input.ndim), index, "gather")
    return fresh([input._storage[place] for place in found], index.shape, input.dtype)


@offered()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """As `gather`, with the other dimensions broadcast."""
    if dim is None:
        return take(input, flatten(indices))
    dim = dimension(dim, input.ndim)
    sizes = [[n for d, n in enumerate(t.shape) if d != dim] for t in (input, indices)]
    others = list(broadcast(*sizes))
    shapes = [(*others[:dim], t.shape[dim], *others[dim:]) for t in (input, indices)]
    return gather(expanded(input, shapes[0]), dim, expanded(indices, shapes[1]))


@offered()
def take(input: Tensor, index: Tensor) -> Tensor:
    """Numbers by their places, counted row after row."""
    numbers = input.numbers()
    for place in index.numbers():
        if not -len(numbers) <= place < len(numbers):
            raise IndexError(
                f"out of range: tried to access index {place} on a tensor of {len(numbers)} "
                "elements."
            )
    return fresh([numbers[place] for place in index.numbers()], index.shape, input.dtype)


@offered()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The rows of a dimension with these numbers."""
    dim = dimension(dim, input.ndim)
    if index.dtype.is_floating_point or index.dtype is bool_:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    rows = index.numbers()
    if any(not 0 <= row < input.shape[dim] for row in rows):
        raise IndexError("index out of range in self")
    return rows_at(input, dim, rows)


@offered()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """(n): the numbers where the mask is true."""
    if mask.dtype is not bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast(input.shape, mask.shape)
    return get(expanded(input, shape), expanded(mask, shape))


@offered()
def scatter(input: Tensor, dim: int, index: Tensor, src: Operand) -> Tensor:
    """A copy in which the numbers of `src` stand where `gather` would find them."""
    return _scattered(input, dim, index, src, lambda old, new: new, "scatter")


@offered()
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """As `scatter`, adding to what stands there."""
    return _scattered(input, dim, index, src, lambda old, new: old + new, "scatter_add")


def _scattered(
    input: Tensor, dim: int, index: Tensor, src: Operand, function: Any, name: str
) -> Tensor:
    result = clone(input)
    found = _places_along(result, dimension(dim, input.ndim), index, name)
    if isinstance(src, Tensor):
        if src.dtype is not input.dtype:
            raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
        strides = src._strides
        numbers = [src._storage[p] for p in places(index.shape, strides, src._offset)]
    else:
        numbers = fresh([src], (), input.dtype).numbers() * len(found)
    for place, number in zip(found, numbers, strict=True):
        write([place], result, [function(result._storage[place], number)])
    return result


@offered()
def index_fill(input: Tensor, dim: int, index: Tensor, value: Operand) -> Tensor:
    """A copy in which the rows with these numbers hold one number only."""
    result = clone(input)
    here = (slice(None),) * dimension(dim, input.ndim)
    put(result, (*here, index), value if not isinstance(value, Tensor) else value.item())
    return result


@offered()
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy in which the rows of `source` have been added to the rows with these numbers."""
    result = clone(input)
    dim = dimension(dim, input.ndim)
    here = (slice(None),) * dim
    for at, row in enumerate(index.tolist()):
        put(result, (*here, row), get(result, (*here, row)) + select(source, dim, at))
    return result
