"""What makes `x + y`, `x[0]` and `x.exp()` of the functions in the other files.

Operators, methods, and the methods whose names end in `_`, which write what the function gives
into the tensor itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import elementwise, indexing, ordering, products, random, rearranging, reductions
from .dtypes import bool_, dtype, float32, float64, int32, int64
from .offered import METHODS, offered
from .rearranging import write
from .tensors import Tensor

OPERANDS = (Tensor, int, float)
ENTERED = (ordering, random, reductions)  # imported so that what they offer is in the tables


def _operator(function: Callable, *, reflected: bool = False) -> Callable:
    plain = function.__wrapped__  # type: ignore[attr-defined]  (its arguments are checked here)

    def operate(self: Tensor, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return plain(other, self) if reflected else plain(self, other)

    return operate


ARITHMETIC = {
    "add": elementwise.add,
    "sub": elementwise.sub,
    "mul": elementwise.mul,
    "truediv": elementwise.div,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.remainder,
    "pow": elementwise.pow,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
}
COMPARISONS = {name: getattr(elementwise, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}


def _matmul(self: Tensor, other: Any) -> Any:
    return products.matmul(self, other) if isinstance(other, Tensor) else NotImplemented


# --- In place ----------------------------------------------------------------------


def _family(kind: dtype) -> int:
    """Bools, whole numbers, floating numbers: the later ones do not fit into the earlier."""
    return 2 if kind.is_floating_point else 0 if kind is bool_ else 1


def _put_in_place(self: Tensor, result: Tensor) -> Tensor:
    """Write the result of a function into the tensor itself."""
    if _family(result.dtype) > _family(self.dtype):
        raise RuntimeError(
            f"result type {result.dtype.title} can't be cast to the desired output type "
            f"{self.dtype.title}"
        )
    if result.shape != self.shape:
        raise RuntimeError(
            f"output with shape {list(self.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    write(self.places(), self, result.numbers())
    return self


def _in_place(function: Callable) -> Callable:
    def method(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
        return _put_in_place(self, function(self, *args, **keywords))

    return method


def _in_place_operator(function: Callable) -> Callable:
    def operate(self: Tensor, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return _put_in_place(self, function(self, other))

    return operate


IN_PLACE = """abs add addcmul ceil clamp clip cos cumprod cumsum div divide eq exp floor
floor_divide ge gt index_add index_fill le lerp log lt masked_fill mul multiply nan_to_num ne neg
pow reciprocal relu remainder round rsqrt scatter scatter_add sigmoid sin sqrt square sub subtract
tanh tril triu""".split()


@offered("copy_", function=False)
def copy_(input: Tensor, src: Tensor) -> Tensor:
    """Overwrite the numbers with those of another tensor, which must fit the shape."""
    indexing.put(input, ..., rearranging.expand(src, input.shape))
    return input


@offered("fill_", function=False)
def fill_(input: Tensor, value: Any) -> Tensor:
    """Overwrite every number with this one."""
    indexing.put(input, ..., value)
    return input


@offered("zero_", function=False)
def zero_(input: Tensor) -> Tensor:
    """Overwrite every number with 0."""
    return fill_(input, 0)


@offered("fill_diagonal_", function=False)
def fill_diagonal_(input: Tensor, fill_value: Any) -> Tensor:
    """Overwrite the numbers of the diagonal with this one."""
    indexing.put(input.diagonal(), ..., fill_value)
    return input


# --- Kinds of numbers --------------------------------------------------------------


def _as_kind(kind: dtype) -> Callable:
    def converted(input: Tensor) -> Tensor:
        return rearranging.to(input, kind)

    return converted


_CONVERSIONS = {"float": float32, "double": float64, "long": int64, "int": int32, "bool": bool_}
# By the names that `torch.NAME` has.
KINDS = {**_CONVERSIONS, **{kind.name: kind for kind in _CONVERSIONS.values()}}


def _invert(self: Tensor) -> Tensor:
    if self.dtype.is_floating_point:
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    return elementwise.bitwise_not(self)


def _contains(self: Tensor, number: Any) -> bool:
    return bool(elementwise.eq(self, number).any())


def install() -> None:
    """Give the class Tensor its operators and methods."""
    for name, kind in _CONVERSIONS.items():
        setattr(Tensor, name, _as_kind(kind))
    for name in IN_PLACE:
        setattr(Tensor, f"{name}_", _in_place(METHODS[name]))
    for name, method in METHODS.items():
        setattr(Tensor, name, method)
    for name, function in ARITHMETIC.items():
        setattr(Tensor, f"__{name}__", _operator(function))
        setattr(Tensor, f"__r{name}__", _operator(function, reflected=True))
        setattr(Tensor, f"__i{name}__", _in_place_operator(function))
    for name, function in COMPARISONS.items():
        setattr(Tensor, f"__{name}__", _operator(function))
    operators: dict[str, Any] = {
        "__matmul__": _matmul,
        "__neg__": elementwise.neg,
        "__pos__": lambda self: self,
        "__abs__": elementwise.abs,
        "__invert__": _invert,
        "__getitem__": indexing.get,
        "__setitem__": indexing.put,
        "__contains__": _contains,
        "T": property(rearranging.all_reversed),
        "mT": property(rearranging.last_two_exchanged),
    }
    for name, what in operators.items():
        setattr(Tensor, name, what)


install()
