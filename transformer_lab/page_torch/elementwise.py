"""Functions that treat every number by itself, and operators between two tensors.

Two tensors of different shapes are first *broadcast*: each is read as if it had the larger
shape, with a stride of 0 where it has only one row to show. Floating-point numbers never raise
an error here: e to the power of 1000 is infinity, 0 / 0 is NaN.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Container
from math import copysign, inf, isfinite, isinf, isnan, nan
from typing import Any

from .dtypes import bool_, dtype, dtype_of, finfo, float32, float64, promoted, stored
from .offered import Operand, offered
from .rearranging import expanded, nonzero
from .shapes import broadcast, count
from .tensors import Tensor, fresh, numbers_as

# --- How it is done ----------------------------------------------------------------


def result_type(*operands: Operand) -> dtype:
    """The kind of number in which these operands meet; Python's numbers may be among them."""
    tensors = [value for value in operands if isinstance(value, Tensor)]
    return promoted(
        [t.dtype for t in tensors if t.ndim],
        [t.dtype for t in tensors if not t.ndim],
        [dtype_of(value) for value in operands if not isinstance(value, Tensor)],
    )


def elementwise(
    function: Callable,
    *operands: Operand,
    kind: dtype | None = None,
    gives: dtype | None = None,
    lacks: tuple[str, Container[dtype]] = ("", ()),
) -> Tensor:
    """The function applied to the numbers that stand in the same place.

    Args:
        function: of as many numbers as there are operands.
        operands: tensors whose shapes can be broadcast, or numbers of Python.
        kind: what the operands are converted to first; where they meet, if not given.
        gives: the kind of the result, if it is another.
        lacks: torch's own name of the function, and kinds that it is not written for.
    """
    kind = kind or result_type(*operands)
    shape = broadcast(*(t.shape for t in operands if isinstance(t, Tensor)))
    if kind in lacks[1]:
        raise NotImplementedError(f"\"{lacks[0]}\" not implemented for '{kind.title}'")
    columns = [_numbers(value, shape, kind) for value in operands]
    return fresh(map(function, *columns), shape, gives or kind)


def _numbers(operand: Operand, shape: tuple[int, ...], kind: dtype) -> list:
    if isinstance(operand, Tensor):
        return numbers_as(expanded(operand, shape), kind)
    return stored([operand], kind).tolist() * count(shape)


def floating(kind: dtype) -> dtype:
    """This kind if it is floating; whole numbers become float32."""
    return kind if kind.is_floating_point else float32


# --- Arithmetic --------------------------------------------------------------------


def _quotient(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0 or isnan(a) else copysign(inf, a) * copysign(1, b)


def _quotient_rounded_down(a: float, b: float) -> float:
    return a // b if b else _quotient(a, b)


def _remainder(a: float, b: float) -> float:
    return a % b if b else nan


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -inf if base < 0 and exponent % 2 == 1 else inf
    except ValueError:  # a root of what is negative, or 1 / 0
        if base == 0:
            return copysign(inf, base) if exponent % 2 == 1 else inf
        return nan


@offered()
def add(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """input + alpha × other."""
    return elementwise(lambda a, b: a + alpha * b, input, other)


@offered("sub", "subtract")
def sub(input: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """input - alpha × other."""
    kinds = [v.dtype if isinstance(v, Tensor) else dtype_of(v) for v in (input, other)]
    if kinds == [bool_, bool_]:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` "
            "or `logical_xor()` operator instead."
        )
    if bool_ in kinds:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
            "trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return elementwise(lambda a, b: a - alpha * b, input, other)


@offered("mul", "multiply")
def mul(input: Tensor, other: Operand) -> Tensor:
    """input × other."""
    return elementwise(operator.mul, input, other)


@offered("div", "divide", "true_divide")
def div(input: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """The quotient, always floating; `rounding_mode` "floor" or "trunc" rounds it."""
    if rounding_mode is None:
        kind = floating(result_type(input, other))
        return elementwise(_quotient, input, other, kind=kind)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    if result_type(input, other).is_floating_point:
        return elementwise(lambda a, b: _towards_zero(_quotient(a, b)), input, other)
    cut = _for_whole_numbers(lambda a, b: a // b if (a < 0) == (b < 0) else -(-a // b))
    return elementwise(cut, input, other, lacks=("div_trunc_cpu", (bool_,)))


@offered()
def floor_divide(input: Tensor, other: Operand) -> Tensor:
    """The quotient, rounded down."""
    if result_type(input, other).is_floating_point:
        return elementwise(_quotient_rounded_down, input, other)
    down = _for_whole_numbers(operator.floordiv)
    return elementwise(down, input, other, lacks=("div_floor_cpu", (bool_,)))


@offered()
def remainder(input: Tensor, other: Operand) -> Tensor:
    """What is left of a division that rounds down: it has the sign of the divisor."""
    if result_type(input, other).is_floating_point:
        return elementwise(_remainder, input, other)
    left = _for_whole_numbers(operator.mod)
    return elementwise(left, input, other, lacks=("remainder_cpu", (bool_,)))


def _for_whole_numbers(function: Callable) -> Callable:
    def checked(a: int, b: int) -> int:
        if b == 0:
            raise RuntimeError("ZeroDivisionError")  # torch says no more
        return function(a, b)

    return checked


@offered()
def pow(input: Operand, exponent: Operand) -> Tensor:
    """The input to the power of the exponent."""
    kind = result_type(input, exponent)
    if kind.is_floating_point:
        return elementwise(_power, input, exponent)
    if not isinstance(exponent, Tensor) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return elementwise(_whole_power, input, exponent, lacks=("pow", (bool_,)))


def _whole_power(base: int, exponent: int) -> int:
    if exponent >= 0:
        return builtins.pow(base, exponent, 2**64)  # more bits than these would be lost anyway
    return base ** (exponent % 2) if builtins.abs(base) == 1 else 0


@offered("neg", "negative")
def neg(input: Tensor) -> Tensor:
    """Each number with the other sign."""
    if input.dtype is bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return elementwise(operator.neg, input)


@offered("abs", "absolute")
def abs(input: Tensor) -> Tensor:
    """Each number without its sign."""
    return elementwise(builtins.abs, input, lacks=("abs_cpu", (bool_,)))


@offered()
def square(input: Tensor) -> Tensor:
    """Each number times itself."""
    return pow(input, 2)


@offered()
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value × tensor1 × tensor2."""
    return elementwise(lambda a, b, c: a + value * b * c, input, tensor1, tensor2)


@offered()
def lerp(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """From the input a part (`weight`, 0 to 1) of the way to the end."""
    return elementwise(lambda a, b, w: a + w * (b - a), input, end, weight)


# --- Functions of one number -------------------------------------------------------


def _without_errors(function: Callable, pole: float | None = None) -> Callable:
    """A function of `math` that gives infinity or NaN where that one raises an error.

    At its pole, a logarithm is minus infinity.
    """

    def safe(number: float) -> float:
        try:
            return function(number)
        except OverflowError:
            return inf
        except ValueError:
            return -inf if number == pole else nan

    return safe


def _sinh(number: float) -> float:
    try:
        return math.sinh(number)
    except OverflowError:
        return copysign(inf, number)


def logistic(number: float) -> float:
    """The sigmoid, 1 / (1 + e^-x), without a power that is too large."""
    power = math.exp(-builtins.abs(number))
    return 1 / (1 + power) if number >= 0 else power / (1 + power)


_FLOATING: dict[str, Callable] = {
    "exp": _without_errors(math.exp),
    "exp2": lambda x: _power(2.0, x),
    "expm1": _without_errors(math.expm1),
    "log": _without_errors(math.log, pole=0),
    "log2": _without_errors(math.log2, pole=0),
    "log10": _without_errors(math.log10, pole=0),
    "log1p": _without_errors(math.log1p, pole=-1),
    "sqrt": _without_errors(math.sqrt),
    "rsqrt": lambda x: nan if x < 0 else _quotient(1, math.sqrt(x)),
    "reciprocal": lambda x: _quotient(1, x),
    "sin": _without_errors(math.sin),
    "cos": _without_errors(math.cos),
    "tan": _without_errors(math.tan),
    "asin": _without_errors(math.asin),
    "acos": _without_errors(math.acos),
    "atan": math.atan,
    "sinh": _sinh,
    "cosh": _without_errors(math.cosh),
    "tanh": math.tanh,
    "erf": math.erf,
    "sigmoid": lambda x: nan if isnan(x) else logistic(x),
}
_ALSO = {"asin": ["arcsin"], "acos": ["arccos"], "atan": ["arctan"]}


def _function_of_one_number(name: str, function: Callable) -> Callable:
    def of_tensor(input: Tensor) -> Tensor:
        return elementwise(function, input, kind=floating(input.dtype))

    of_tensor.__name__ = of_tensor.__qualname__ = name
    of_tensor.__doc__ = f"`{name}` of each number, floating: whole numbers become float32."
    return offered(name, *_ALSO.get(name, []))(of_tensor)


for _name, _function in _FLOATING.items():
    _function_of_one_number(_name, _function)


@offered()
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), from -π to π."""
    return elementwise(math.atan2, input, other, kind=floating(result_type(input, other)))


@offered()
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The length of the vector (input, other)."""
    return elementwise(math.hypot, input, other)


@offered()
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """The logarithm of the sum of two powers of e."""

    def of_numbers(a: float, b: float) -> float:
        high = a if a > b else b
        return high if isinf(high) else high + math.log1p(math.exp(-builtins.abs(a - b)))

    return elementwise(of_numbers, input, other)


@offered()
def relu(input: Tensor) -> Tensor:
    """Each number, but 0 instead of what is below it."""
    if input.dtype is bool_:
        raise RuntimeError("Boolean inputs not supported for relu")
    return elementwise(lambda x: 0 if x < 0 else x, input)


# --- Rounding ----------------------------------------------------------------------


def _rounded_by(function: Callable) -> Callable:
    def safe(number: float) -> float:
        return copysign(function(number), number) if isfinite(number) else number

    return safe


_towards_zero = _rounded_by(math.trunc)
_to_the_nearest = _rounded_by(builtins.round)


def _rounding(name: str, function: Callable, input: Tensor) -> Tensor:
    if input.dtype is bool_:
        raise NotImplementedError(f"\"{name}_vml_cpu\" not implemented for 'Bool'")
    return elementwise(function, input) if input.dtype.is_floating_point else input.clone()


@offered()
def floor(input: Tensor) -> Tensor:
    """The next whole number below."""
    return _rounding("floor", _rounded_by(math.floor), input)


@offered()
def ceil(input: Tensor) -> Tensor:
    """The next whole number above."""
    return _rounding("ceil", _rounded_by(math.ceil), input)


@offered("trunc", "fix")
def trunc(input: Tensor) -> Tensor:
    """Each number without its fraction."""
    return _rounding("trunc", _towards_zero, input)


@offered()
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To whole numbers, or to so many decimals; halves go to the even neighbour."""
    if decimals == 0:
        return _rounding("round", _to_the_nearest, input)
    ten = 10.0**decimals
    return div(elementwise(_to_the_nearest, mul(input, ten)), ten)


@offered()
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return elementwise(lambda x: (x > 0) - (x < 0), input)


@offered("clamp", "clip")
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each number, but at least `min` and at most `max`."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    result = input
    if min is not None:
        result = elementwise(_larger, result, min)
    return result if max is None else elementwise(_smaller, result, max)


def _larger(a: float, b: float) -> float:
    return a if a > b or isnan(a) else b


def _smaller(a: float, b: float) -> float:
    return a if a < b or isnan(a) else b


@offered()
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger one of two numbers; NaN if one is."""
    return elementwise(_larger, input, other)


@offered()
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller one of two numbers; NaN if one is."""
    return elementwise(_smaller, input, other)


@offered()
def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN becomes 0, or the number given; infinities the largest numbers that there are."""
    if not input.dtype.is_floating_point:
        return input.clone()
    high = finfo(input.dtype).max if posinf is None else posinf
    low = finfo(input.dtype).min if neginf is None else neginf

    def finite(number: float) -> float:
        if isnan(number):
            return nan
        return number if isfinite(number) else high if number > 0 else low

    return elementwise(finite, input)


# --- Comparing, and what is true ---------------------------------------------------


def _comparison(about: str, function: Callable, *names: str) -> Callable:
    def compared(input: Tensor, other: Operand) -> Tensor:
        return elementwise(function, input, other, gives=bool_)

    compared.__name__ = compared.__qualname__ = names[0]
    compared.__doc__ = f"Whether {about}."
    return offered(*names)(compared)


eq = _comparison("both are the same", operator.eq, "eq")
ne = _comparison("the two differ", operator.ne, "ne", "not_equal")
lt = _comparison("the input is smaller", operator.lt, "lt", "less")
le = _comparison("the input is smaller or the same", operator.le, "le", "less_equal")
gt = _comparison("the input is larger", operator.gt, "gt", "greater")
ge = _comparison("the input is larger or the same", operator.ge, "ge", "greater_equal")
_comparison("neither is 0", lambda a, b: a != 0 and b != 0, "logical_and")
_comparison("one is not 0, or both are not", lambda a, b: a != 0 or b != 0, "logical_or")
_comparison(
    "one of the two is 0, and the other is not", lambda a, b: (a != 0) != (b != 0), "logical_xor"
)


@offered()
def logical_not(input: Tensor) -> Tensor:
    """Whether a number is 0."""
    return elementwise(operator.not_, input, gives=bool_)


def _bits(function: Callable, name: str) -> Callable:
    def of_bits(input: Tensor, other: Operand) -> Tensor:
        return elementwise(function, input, other, lacks=(f"{name}_cpu", (float32, float64)))

    of_bits.__name__ = of_bits.__qualname__ = name
    of_bits.__doc__ = (
        f"`{name.removeprefix('bitwise_')}` of each pair of bits; of bools, of truths."
    )
    return offered(name)(of_bits)


bitwise_and = _bits(operator.and_, "bitwise_and")
bitwise_or = _bits(operator.or_, "bitwise_or")
bitwise_xor = _bits(operator.xor, "bitwise_xor")


@offered()
def bitwise_not(input: Tensor) -> Tensor:
    """Each bit turned over; of a bool, the opposite."""
    if input.dtype is bool_:
        return logical_not(input)
    return elementwise(operator.inv, input, lacks=("bitwise_not_cpu", (float32, float64)))


@offered("isnan")
def is_nan(input: Tensor) -> Tensor:
    """Whether a number is NaN: `torch.isnan`."""
    return elementwise(isnan, input, gives=bool_)


@offered("isinf")
def is_inf(input: Tensor) -> Tensor:
    """Whether a number is infinite: `torch.isinf`."""
    return elementwise(isinf, input, gives=bool_)


@offered("isfinite")
def is_finite(input: Tensor) -> Tensor:
    """Whether a number is neither infinite nor NaN: `torch.isfinite`."""
    return elementwise(isfinite, input, gives=bool_)


@offered()
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether two numbers differ by at most atol + rtol × the size of the other."""
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.title} did not match {other.dtype.title}")

    def close(a: float, b: float) -> bool:
        if a == b or (equal_nan and isnan(a) and isnan(b)):
            return True
        return isfinite(a) and isfinite(b) and builtins.abs(a - b) <= atol + rtol * builtins.abs(b)

    return elementwise(close, input, other, gives=bool_)


@offered()
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all numbers are close: see `isclose`."""
    return all(isclose(input, other, rtol, atol, equal_nan).numbers())


@offered()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and numbers are the same."""
    return input.shape == other.shape and input.numbers() == other.numbers()


# --- Choosing ----------------------------------------------------------------------


@offered(method=False)
def where(condition: Tensor, input: Operand | None = None, other: Operand | None = None) -> Any:
    """The input's number where the condition is true, the other's where it is not."""
    if input is None or other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype is not bool_:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype.title}"
        )
    kind = result_type(input, other)
    shape = broadcast(*(t.shape for t in (condition, input, other) if isinstance(t, Tensor)))
    columns = [
        _numbers(condition, shape, bool_),
        *(_numbers(v, shape, kind) for v in (input, other)),
    ]
    return fresh([a if yes else b for yes, a, b in zip(*columns, strict=True)], shape, kind)


@offered("where", function=False)
def where_method(input: Tensor, condition: Tensor, other: Operand) -> Tensor:
    """`x.where(condition, other)`: x where the condition is true."""
    return where(condition, input, other)


@offered()
def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """The number `value` where the mask is true; a shape that the mask must fit."""
    if mask.dtype is not bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.in_c}"
        )
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    shape = broadcast(input.shape, mask.shape)
    number = value.item() if isinstance(value, Tensor) else value
    columns = zip(_numbers(mask, shape, bool_), _numbers(input, shape, input.dtype), strict=True)
    return fresh([number if yes else a for yes, a in columns], shape, input.dtype)
