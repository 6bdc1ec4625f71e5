"""The tensor: a flat list of numbers, a shape and strides (`shapes.py` shows how they work).

Several tensors can read one list: a row, a transpose or a slice is a *view*, and a number
written through one of them is seen by all. Functions and methods stand in the other files;
`methods.py` puts them here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .dtypes import bool_, dtype, float32, stored
from .refusals import missing
from .shapes import Size, count, is_row_major, places, row_major


def _operator(self: Tensor, other: Any) -> Tensor: ...  # type: ignore[empty-body]


class Tensor:
    """Numbers of one kind in a grid of any number of dimensions.

    `Tensor([1, 2])` makes float32 of whatever it gets, as in torch; `tensor([1, 2])` keeps
    whole numbers whole, and is what one should use.
    """

    shape: Size
    dtype: dtype
    _storage: array
    _strides: tuple[int, ...]
    _offset: int

    if TYPE_CHECKING:  # `methods.py` puts these and the others here
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _operator
        __matmul__ = __getitem__ = _operator

    def __new__(cls, data: Sequence = ()) -> Tensor:
        from .creation import tensor  # here, for it needs this class

        return tensor(data, dtype=float32)

    # --- What it is ---------------------------------------------------------------

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def data(self) -> Tensor:
        return view(self, self.shape, self._strides, self._offset)

    def numbers(self) -> list:
        """Its numbers as Python's, row after row; a bool is 0 or 1."""
        n = count(self.shape)
        if is_row_major(self.shape, self._strides):
            return self._storage[self._offset : self._offset + n].tolist()
        storage = self._storage
        return [storage[place] for place in self.places()]

    def places(self) -> list[int]:
        """Where in the list its numbers stand, row after row."""
        count(self.shape)
        return places(self.shape, self._strides, self._offset)

    def tolist(self) -> Any:
        """Python's numbers, in lists in lists as the shape says."""
        values = self.numbers()
        if self.dtype is bool_:
            values = [value != 0 for value in values]
        return _nested(iter(values), self.shape)

    def item(self) -> Any:
        """Its only number, as a number of Python."""
        if count(self.shape) != 1:
            raise RuntimeError(
                f"a Tensor with {count(self.shape)} elements cannot be converted to Scalar"
            )
        number = self._storage[self._offset]
        return bool(number) if self.dtype is bool_ else number

    # --- What Python asks of it ---------------------------------------------------

    def __repr__(self) -> str:
        from .printing import shown

        return shown(self)

    def __format__(self, how: str) -> str:
        return format(self.item(), how) if self.ndim == 0 else object.__format__(self, how)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self.shape[0])])

    def __bool__(self) -> bool:
        if count(self.shape) == 1:
            return bool(self.item())
        many = "more than one value" if count(self.shape) else "no values"
        raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")

    def __float__(self) -> float:
        return float(self._only_number())

    def __int__(self) -> int:
        return int(self._only_number())

    def __index__(self) -> int:
        if count(self.shape) != 1 or self.dtype.is_floating_point:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def _only_number(self) -> Any:
        if count(self.shape) != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict) -> Tensor:
        return self.clone()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"'Tensor' object has no attribute {name!r}")
        raise AttributeError(missing(f"Tensor.{name}", dir(type(self))))


def _nested(values: Iterator, shape: Sequence[int]) -> Any:
    """The next of these numbers, as lists in lists of this shape."""
    if not shape:
        return next(values)
    return [_nested(values, shape[1:]) for _ in range(shape[0])]


def view(
    tensor: Tensor, shape: Iterable[int], strides: Iterable[int], offset: int | None = None
) -> Tensor:
    """The same list of numbers, read in another way."""
    new = object.__new__(Tensor)
    new._storage = tensor._storage
    new._strides = tuple(strides)
    new._offset = tensor._offset if offset is None else offset
    new.shape, new.dtype = Size(shape), tensor.dtype
    return new


def fresh(numbers: Iterable, shape: Iterable[int], kind: dtype) -> Tensor:
    """A tensor with a list of its own; the numbers come row after row."""
    new = object.__new__(Tensor)
    new._storage = stored(numbers, kind)
    new.shape, new.dtype = Size(shape), kind
    new._strides, new._offset = row_major(new.shape), 0
    return new


def numbers_as(tensor: Tensor, kind: dtype) -> list:
    """The tensor's numbers, converted to this kind."""
    numbers = tensor.numbers()
    return numbers if tensor.dtype is kind else stored(numbers, kind).tolist()
