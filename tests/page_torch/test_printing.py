"""A tensor is shown as torch shows it, to the letter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import FLOATING, assert_same, briefly, tensors

sizes = st.lists(st.integers(0, 8), max_size=3).map(tuple)
wide = st.sampled_from([0.0, 1.0, -2.5, 1e-5, 12345.678, 1e9, 0.1, math.inf, -math.inf, math.nan])
even = st.sampled_from([0.25, 1.5, -0.125, 3.0, 10.0])


@briefly
@given(tensors(sizes) | tensors(sizes, FLOATING, wide) | tensors(sizes, FLOATING, even))
def test_any_tensor(x):
    assert_same(lambda t, x: (repr(x), str(x), f"{x}" if x.ndim == 0 else ""), x)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.arange(30),
        lambda t: t.arange(2000),
        lambda t: t.arange(1100.0).reshape(11, 100) / 3,
        lambda t: t.zeros(7, 8, 30),
        lambda t: t.zeros(2, 0),
        lambda t: t.zeros(0, dtype=t.int64),
        lambda t: t.eye(3, dtype=t.float64),
        lambda t: t.ones(40, dtype=t.bool),
        lambda t: t.tensor(3),
        lambda t: t.tensor([1e10, 1.0]),
        lambda t: t.ones(2, 3).shape,
        lambda t: t.float32,
        lambda t: t.arange(3).dtype,
        lambda t: t.arange(4.0).sort(),
        lambda t: t.nn.Parameter(t.ones(2)).data,
    ],
)
def test_what_readers_print(call):
    assert_same(lambda t: repr(call(t)))


def test_a_number_in_a_format():
    assert_same(lambda t: f"{t.tensor(2.0) / 3:.3f} {t.tensor(5):4d}")
    assert_same(lambda t: f"{t.ones(2):.3f}")
