"""`x[...]`, read and written, and the functions that pick, as torch has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import Given, assert_same, briefly, tensors

X = Given(tuple(range(24)), (2, 3, 4), "float32")
numbers = st.integers(-4, 4)
slices = st.builds(slice, st.none() | numbers, st.none() | numbers, st.none() | st.integers(1, 3))
lists = st.lists(st.integers(-2, 2), min_size=1, max_size=3)
masks = tensors(st.sampled_from([(2,), (3,), (4,), (2, 3), (3, 4), ()]), kinds=["bool"])
whole = tensors(
    st.sampled_from([(), (1,), (2,), (2, 2), (3, 1)]), kinds=["int64"], numbers=st.integers(-2, 2)
)
parts = st.one_of(numbers, slices, st.just(None), st.just(...), lists, masks, whole)
VIEWS = {"rows": lambda x: x, "transposed": lambda x: x.mT, "every other": lambda x: x[..., ::2]}


def made(t, index):
    """The index with its tensors."""
    return tuple(each.of(t) if isinstance(each, Given) else each for each in index)


@pytest.mark.parametrize("view", VIEWS)
@briefly
@given(st.lists(parts, max_size=4))
def test_parts_of_a_tensor(view, index):
    if sum(each is ... for each in index) <= 1:
        assert_same(lambda t, x: VIEWS[view](x)[made(t, index)], X)


@pytest.mark.parametrize("view", VIEWS)
@briefly
@given(
    st.lists(parts, max_size=4), st.sampled_from([(), (1,), (4,), (3, 1), (2, 3, 4), (1, 1, 1, 4)])
)
def test_parts_overwritten(view, index, shape):
    def written(t, x):
        part = VIEWS[view](x)
        part[made(t, index)] = -t.arange(100.0)[: t.ones(shape).numel()].reshape(shape)
        part[made(t, index)] += 0.5
        return x

    places = [
        tuple(each.numbers)
        if isinstance(each, Given)
        else tuple(each)
        if isinstance(each, list)
        else ()
        for each in index
    ]
    twice = any(len({n % 2 for n in p}) < len(p) for p in places)  # who writes last is left open
    if sum(each is ... for each in index) <= 1 and not twice:
        assert_same(written, X)


def test_what_is_no_index():
    for call in (
        lambda t, x: x[1.5],
        lambda t, x: x["a"],
        lambda t, x: x[::-1],
        lambda t, x: x[t.tensor([0.0])],
        lambda t, x: x[0, 0, 0, 0],
        lambda t, x: x[0, 0, 0][0],
        lambda t, x: x[0, 5],
        lambda t, x: x[:, 3, t.tensor([7])],
        lambda t, x: x[[0, 1], [0, 1, 2]],
        lambda t, x: x.__setitem__(0, "a"),
        lambda t, x: x.__setitem__(0, [1.0]),
        lambda t, x: x.__setitem__((0, 0, 0), t.ones(2)),
        lambda t, x: x[range(2)],
        lambda t, x: x[t.tensor(1)],
        lambda t, x: x[()],
        lambda t, x: x[[]],
        lambda t, x: x[True],
        lambda t, x: x[x > 3],
    ):
        assert_same(call, X)


index_and_dim = (
    tensors(st.sampled_from([(1, 1), (2, 2), (2, 3), (1, 4), (2,)]), ["int64"], st.integers(0, 3)),
    st.integers(-3, 2),
)
MATRIX = Given(tuple(range(6)), (2, 3), "float32")


@briefly
@given(*index_and_dim)
def test_functions_that_pick_along_a_dimension(index, dim):
    assert_same(lambda t, x, i: x.gather(dim, i), MATRIX, index)
    assert_same(lambda t, x, i: t.take(x, i), MATRIX, index)
    assert_same(lambda t, x, i: x.index_select(dim, i.flatten() % 2), MATRIX, index)
    assert_same(lambda t, x, i: x.scatter(dim, i, 9.0), MATRIX, index)
    if index.shape[-1] < 4:
        assert_same(lambda t, x, i: x.scatter_add(dim, i, t.ones(2, 3)), MATRIX, index)
    assert_same(lambda t, x, i: x.index_fill(dim, i.flatten() % 2, 9), MATRIX, index)


@briefly
@given(tensors((2, 3)), tensors((2, 3), ["bool"]))
def test_what_a_mask_picks(x, mask):
    assert_same(lambda t, x, m: (x.masked_select(m), x[m], t.where(m)), x, mask)
    assert_same(lambda t, x, m: x.masked_select(m.long()), x, mask)
    assert_same(lambda t, x, m: t.take_along_dim(x, x.float().argsort(1), 1), x, mask)
    assert_same(
        lambda t, x, m: t.take_along_dim(x, x.float().argmax(0, keepdim=True), dim=0), x, mask
    )


def test_in_place():
    for call in (
        lambda t, x: x.scatter_(1, t.tensor([[1], [2]]), 5.0),
        lambda t, x: x.fill_diagonal_(3),
        lambda t, x: x.masked_fill_(x > 2, -1),
        lambda t, x: x.index_fill_(0, t.tensor([1]), 2),
        lambda t, x: x.copy_(t.arange(3)),
        lambda t, x: x.zero_(),
        lambda t, x: x.T.fill_(2),
    ):
        assert_same(lambda t, x, call=call: (call(t, x), x), MATRIX)


def test_rows_of_picked_numbers():
    assert_same(lambda t, x: x[range(2), t.tensor([2, 0])], MATRIX)
    assert_same(lambda t, x: x[t.arange(2), :, [0, 1]], X)  # a slice between: in front
    assert_same(lambda t, x: x[:, t.arange(2), [0, 1]], X)
    assert_same(lambda t, x: t.unravel_index(t.tensor([5, 3]), (2, 3)), X)
    assert_same(lambda t, x: x.index_add(0, t.tensor([0, 0]), t.ones(2, 3)), MATRIX)
