"""Numbers in order, as torch has them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import FLOATING, Given, assert_same, briefly, tensors

SPECIAL = st.sampled_from([0.0, 1.0, -2.0, 3.5, math.inf, -math.inf, math.nan])


@briefly
@given(tensors() | tensors(kinds=FLOATING, numbers=SPECIAL), st.integers(-3, 2), st.booleans())
def test_sort(x, dim, descending):
    assert_same(lambda t, x: t.sort(x, stable=True, dim=dim, descending=descending), x)
    assert_same(lambda t, x: t.argsort(x, stable=True, dim=dim, descending=descending), x)
    assert_same(lambda t, x: (x.sort().values, t.sort(x, descending=True)[0]), x)


@briefly
@given(st.permutations(range(12)), st.integers(-1, 5), st.integers(-3, 2), st.booleans())
def test_topk(numbers, k, dim, largest):
    x = Given(tuple(numbers), (3, 4), "float32")
    assert_same(lambda t, x: x.topk(k, dim, largest), x)
    assert_same(lambda t, x: t.topk(x, k=k).indices, x)


@briefly
@given(tensors())
def test_each_once(x):
    assert_same(lambda t, x: (t.unique(x), x.unique()), x)
    if x.kind == "int64" and len(x.shape) == 1:
        assert_same(lambda t, x: t.bincount(x.abs(), minlength=3), x)
