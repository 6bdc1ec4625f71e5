"""Arithmetic, functions of each number, comparing and choosing, as torch does them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import FLOATING, KINDS, assert_same, briefly, pairs, tensors

FUNCTIONS = """abs exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos
atan sinh cosh tanh erf sigmoid relu square neg floor ceil trunc round sign isnan isinf isfinite
logical_not bitwise_not""".split()
BINARY = """add sub mul div floor_divide remainder pow eq ne lt le gt ge logical_and logical_or
logical_xor bitwise_and bitwise_or bitwise_xor maximum minimum""".split()
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
SPECIAL = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 3.0, 100.0, math.inf, -math.inf, math.nan]
)


@pytest.mark.parametrize("name", FUNCTIONS)
@briefly
@given(tensors() | tensors(kinds=FLOATING, numbers=SPECIAL))
def test_functions_of_one_number(name, x):
    assert_same(lambda t, x: getattr(t, name)(x), x)
    assert_same(lambda t, x: getattr(x, name)(), x)


@pytest.mark.parametrize("name", BINARY)
@briefly
@given(pairs() | pairs(kinds=FLOATING, numbers=SPECIAL))
def test_functions_of_two_tensors(name, both):
    assert_same(lambda t, a, b: getattr(t, name)(a, b), *both)


@pytest.mark.parametrize("name", OPERATORS)
@briefly
@given(tensors(), st.one_of(st.integers(-3, 3), st.floats(-3, 3, width=16), st.booleans()))
def test_operators_with_a_number_on_either_side(name, x, number):
    if name == "**" and x.kind == "bool" and isinstance(number, bool):
        return  # torch has this for 0 and 1 only
    assert_same(lambda t, x: OPERATORS[name](x, number), x)
    assert_same(lambda t, x: OPERATORS[name](number, x), x)


@pytest.mark.parametrize("name", OPERATORS)
@briefly
@given(tensors(), st.one_of(st.integers(1, 3), st.floats(1, 3, width=16)))
def test_operators_in_place(name, x, number):
    def in_place(t, x):
        scope = {"x": x, "number": number}
        exec(f"x {name}= number", scope)
        return scope["x"] is x, x

    number = int(number) if name in "&|^" else number
    if name not in ("==", "<", ">=") and x.kind != "bool":
        assert_same(in_place, x)


def test_what_cannot_be_done_in_place():
    def added(t, a, b):
        a += b
        return a

    assert_same(lambda t: added(t, t.arange(3), 1.5))
    assert_same(lambda t: added(t, t.ones(3) > 0, 1))
    assert_same(lambda t: added(t, t.ones(3), t.ones(2, 3)))
    assert_same(lambda t: added(t, t.ones(3), "a"))
    assert_same(lambda t: t.arange(3).div_(2))


def test_the_sign_and_the_bits_of_what_has_none():
    for call in (lambda t: ~t.ones(2), lambda t: -(t.ones(2) > 0), lambda t: (t.ones(2) > 0) - 1):
        assert_same(call)


@pytest.mark.parametrize("other", ["a", [1], None, (1, 2)])
def test_what_is_no_number_is_refused_as_in_torch(other):
    for name in ("+", "*", "-", "<"):
        assert_same(lambda t, n=name: OPERATORS[n](t.ones(2), other))
    for name in ("add", "mul", "maximum", "eq"):
        assert_same(lambda t, n=name: getattr(t, n)(t.ones(2), other))
    assert_same(lambda t: t.ones(2) == other)
    assert_same(lambda t: t.exp(other))


@briefly
@given(pairs(), st.sampled_from([0, 1, -2.5]), st.sampled_from(["floor", "trunc", None, "up"]))
def test_words_that_change_the_result(both, number, rounding):
    assert_same(lambda t, a, b: t.add(a, b, alpha=2), *both)
    assert_same(lambda t, a, b: t.div(a, b, rounding_mode=rounding), *both)
    assert_same(lambda t, a, b: a.clamp(min=number), *both)
    assert_same(lambda t, a, b: a.clamp(number, 2), *both)
    assert_same(lambda t, a, b: a.clip(max=b), *both)
    assert_same(lambda t, a, b: a.clamp(), *both)
    assert_same(lambda t, a, b: t.where(a > 0, a, b), *both)
    assert_same(lambda t, a, b: t.where(a > 0, a, number), *both)
    assert_same(lambda t, a, b: t.where(a > 0, -1, number), *both)
    assert_same(lambda t, a, b: a.where(b > 0, 1), *both)
    assert_same(lambda t, a, b: t.where(a, a, b), *both)
    assert_same(lambda t, a, b: a.masked_fill(b > 0, number), *both)
    assert_same(lambda t, a, b: a.masked_fill(b, number), *both)


@briefly
@given(pairs(kinds=FLOATING) | pairs(kinds=["float32"], numbers=SPECIAL))
def test_of_floating_numbers(both):
    assert_same(lambda t, a, b: t.atan2(a, b), *both)
    if not any(isinstance(n, float) and n != n for n in (*both[0].numbers, *both[1].numbers)):
        assert_same(lambda t, a, b: t.hypot(a, b), *both)
    assert_same(lambda t, a, b: t.logaddexp(a, b), *both)
    assert_same(lambda t, a, b: t.addcmul(a, a, b, value=2), *both)
    assert_same(lambda t, a, b: t.lerp(a, b.to(a.dtype), 0.25), *both)
    assert_same(lambda t, a, b: a.nan_to_num(), *both)
    assert_same(lambda t, a, b: a.nan_to_num(1.0, posinf=2.0, neginf=3.0), *both)
    assert_same(lambda t, a, b: a.round(decimals=1), *both)


@briefly
@given(pairs() | pairs(kinds=["float32"], numbers=SPECIAL))
def test_closeness(both):
    assert_same(lambda t, a, b: t.isclose(a, b), *both)
    assert_same(lambda t, a, b: t.isclose(a, b, rtol=0, atol=0.5, equal_nan=True), *both)
    assert_same(lambda t, a, b: t.allclose(a, b, atol=1), *both)
    assert_same(lambda t, a, b: t.equal(a, b), *both)


def test_numbers_are_rounded_to_their_kind():
    assert_same(lambda t: t.tensor([0.1]) == 0.1)
    assert_same(lambda t: t.tensor([0.1]).item())
    assert_same(lambda t: (t.tensor(1e30) * 1e30, t.tensor([1e-30]) * 1e-30))
    assert_same(lambda t: t.tensor([16777216.0]) + 1)
    assert_same(lambda t: t.tensor([2**62]) * 4 + 3)
    assert_same(lambda t: t.tensor([1e20, math.nan, -2.7]).long())
    assert_same(lambda t: t.exp(t.tensor(150.0)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_kinds_that_meet(kind, other):
    def meet(t, a_shape, b_shape):
        a = t.ones(a_shape, dtype=getattr(t, kind))
        b = t.ones(b_shape, dtype=getattr(t, other))
        return a * b, a * 2, a * 2.5, a * True, 2 / b

    for shapes in (((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())):
        assert_same(meet, *shapes)
