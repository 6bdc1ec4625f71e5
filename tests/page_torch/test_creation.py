"""Tensors of lists, of one number and by a rule, as torch makes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import KINDS, assert_same, briefly, shapes, tensors
from transformer_lab import page_torch

leaves = st.integers(-3, 3) | st.floats(-2, 2, width=16) | st.booleans()
nested = st.recursive(leaves, lambda inside: st.lists(inside, max_size=3), max_leaves=6)


@briefly
@given(nested)
def test_of_lists_in_lists(data):
    if not isinstance(data, list) or data:
        assert_same(lambda t: t.as_tensor(data))
    for kind in KINDS:
        assert_same(lambda t, kind=kind: t.tensor(data, dtype=getattr(t, kind)))


@pytest.mark.parametrize(
    "data",
    [
        *([], [[]], [[1, 2], [3]], [[1], 2], [1, [2]], [1, "a"], "a", None, [None], {}, object()),
        *(2**70, 2**63, -(2**63), 1e300, (1, 2), range(3), [(1, 2), [3, 4]], [True, 2.5]),
    ],
    ids=lambda data: repr(data).partition(" at ")[0],  # without an address
)
def test_what_is_and_what_is_no_number(data):
    assert_same(lambda t: t.tensor(data))


def test_of_tensors_in_lists():
    assert_same(lambda t: t.tensor([t.tensor(1.5), t.tensor(2)]))
    assert_same(lambda t: t.tensor([t.ones(2), t.ones(2)]))
    assert_same(lambda t: t.tensor(list(t.arange(3) * 2)))
    assert_same(lambda t: t.Tensor([1, 2]))


@pytest.mark.parametrize("name", ["zeros", "ones"])
@briefly
@given(shapes, st.sampled_from(KINDS))
def test_of_one_number(name, shape, kind):
    assert_same(lambda t: getattr(t, name)(shape, dtype=getattr(t, kind)))
    assert_same(lambda t: getattr(t, name)(*shape or (1,)))
    assert_same(lambda t: getattr(t, name)(size=shape))
    assert_same(lambda t: t.full(shape, 2.5, dtype=getattr(t, kind)))


@briefly
@given(tensors(), st.sampled_from([1, 2.5, True]))
def test_as_another_tensor(x, number):
    assert_same(lambda t, x: (t.zeros_like(x), t.ones_like(x), t.full_like(x, number)), x)
    assert_same(lambda t, x: (x.new_zeros(2, 3), x.new_ones(2), x.new_full((2,), number)), x)
    assert_same(lambda t, x: t.zeros_like(x, dtype=t.bool), x)
    assert_same(lambda t, x: t.full((2,), number), x)


sides = st.integers(-4, 6) | st.floats(-4, 6, width=16)


@briefly
@given(sides, sides, sides)
def test_ranges(start, end, step):
    assert_same(lambda t: t.arange(start))
    assert_same(lambda t: t.arange(start, end))
    assert_same(lambda t: t.arange(start, end, step))
    assert_same(lambda t: t.linspace(start, end, int(step)))


def test_matrices_and_refusals():
    for call in (
        lambda t: (t.eye(3), t.eye(2, 3), t.eye(0), t.eye(2, dtype=t.bool)),
        lambda t: t.eye(-1),
        lambda t: (t.tril_indices(3, 4), t.triu_indices(3, 3, 1)),
        lambda t: t.zeros(-1),
        lambda t: t.zeros("a"),
        lambda t: t.zeros(2.0),
        lambda t: t.full((2,), "a"),
        lambda t: t.arange("a"),
        lambda t: t.linspace(0, 1, -1),
        lambda t: t.arange(0, 5, dtype=t.float32),
    ):
        assert_same(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.zeros(100_000, 100_000),
        lambda t: t.ones(3000, 3000),
        lambda t: t.arange(10**9),
        lambda t: t.randn(10**9),
        lambda t: t.randperm(10**9),
        lambda t: t.eye(10**6),
        lambda t: t.linspace(0, 1, 10**9),
        lambda t: t.ones(3000)[:, None] + t.ones(3000),
        lambda t: t.ones(3000, 1) @ t.ones(1, 3000),
        lambda t: t.ones(1).repeat(10**8),
        lambda t: t.ones(1).expand(10**8).clone(),
        lambda t: t.ones(1).expand(10**8).sum(),
        lambda t: t.ones(3000)[t.arange(3000)[:, None].expand(3000, 3000)],
        lambda t: t.nn.functional.one_hot(t.tensor([10**8])),
        lambda t: t.cat([t.ones(4 * 10**6)] * 2),
        lambda t: t.nn.functional.pad(t.ones(1), (0, 10**9)),
        lambda t: t.ones(2, 2).diag().diag(10**5),
    ],
)
def test_what_is_too_big_for_a_page_is_refused_before_memory_is_taken(call):
    with pytest.raises(RuntimeError, match="the page's small torch stops at 4,194,304; run"):
        call(page_torch)
