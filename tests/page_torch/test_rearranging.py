"""Shapes, strides, views and copies, as torch has them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import Given, assert_same, briefly, shapes, tensors
from transformer_lab import page_torch

dims = st.integers(-4, 3)
several = st.lists(st.integers(-3, 3), max_size=3).map(tuple)
CALLS = {
    "reshape": (lambda t, x, sizes: (x.reshape(sizes), t.reshape(x, sizes)), [shapes]),
    "reshape and infer": (lambda t, x, sizes: x.reshape(*sizes), [several.filter(bool)]),
    "view": (lambda t, x, sizes: x.view(sizes), [several]),
    "flatten": (lambda t, x, a, b: x.flatten(a, b), [dims, dims]),
    "unflatten": (
        lambda t, x, d, sizes: (x + t.zeros(1)).unflatten(d, sizes),
        [dims, st.sampled_from([(1, -1), (2, 1), (3,), (-1, 2)])],
    ),
    "squeeze": (lambda t, x, d: (x.squeeze(), x.squeeze(d)), [dims]),
    "unsqueeze": (lambda t, x, d: t.unsqueeze(x, d), [dims]),
    "permute": (lambda t, x, order: x.permute(order), [several]),
    "transpose": (lambda t, x, a, b: (x.transpose(a, b), x.swapaxes(a, b)), [dims, dims]),
    "movedim": (lambda t, x, a, b: t.movedim(x, a, b), [dims, dims]),
    "t": (lambda t, x: x.t(), []),
    "mT": (lambda t, x: x.mT, []),
    "T": (lambda t, x: x.T, []),
    "expand": (
        lambda t, x, sizes: (x + t.zeros(1)).expand(sizes),
        [several.filter(lambda sizes: -2 not in sizes and -3 not in sizes)],
    ),
    "repeat": (
        lambda t, x, sizes: x.repeat(sizes),
        [st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple)],
    ),
    "tile": (
        lambda t, x, sizes: t.tile(x, sizes),
        [st.lists(st.integers(0, 2), max_size=3).map(tuple)],
    ),
    "repeat_interleave": (
        lambda t, x, n, d: (x.repeat_interleave(n), (x + t.zeros(1)).repeat_interleave(n, dim=d)),
        [st.integers(0, 2), dims],
    ),
    "unfold": (
        lambda t, x, d, size, step: x.unfold(d, size, step),
        [dims, st.integers(-1, 3), st.integers(0, 3)],
    ),
    "narrow": (
        lambda t, x, d, a, n: x.narrow(d, a, n),
        [dims, st.integers(0, 2), st.integers(0, 3)],
    ),
    "select": (lambda t, x, d, i: t.select(x, d, i), [dims, dims]),
    "unbind": (lambda t, x, d: x.unbind(d), [dims]),
    "split": (lambda t, x, n, d: x.split(n, d), [st.integers(0, 3), dims]),
    "split in sizes": (
        lambda t, x, n, d: t.split(x, list(n), dim=d),
        [st.lists(st.integers(0, 3), max_size=3), dims],
    ),
    "chunk": (lambda t, x, n, d: x.chunk(n, d), [st.integers(0, 4), dims]),
    "diagonal": (lambda t, x, o, a, b: x.diagonal(o, a, b), [dims, dims, dims]),
    "diag": (lambda t, x, o: t.diag(x, o), [st.integers(-2, 2)]),
    "flip": (lambda t, x, d: x.flip(d), [several]),
    "roll": (
        lambda t, x, n, d: (x.roll(n), t.roll(x, shifts=n, dims=d)),
        [st.integers(-4, 4), dims],
    ),
    "tril": (lambda t, x, d: (x.tril(d), x.triu(diagonal=d)), [st.integers(-3, 3)]),
    "nonzero": (lambda t, x: (x.nonzero(), t.nonzero(x), t.argwhere(x)), []),
    "size": (lambda t, x, d: (tuple(x.size()), x.numel(), x.dim(), x.ndim, x.size(d)), [dims]),
    "to": (lambda t, x: (x.float(), x.double(), x.long(), x.int(), x.bool(), x.to(t.float64)), []),
    "contiguous": (
        lambda t, x: (x.contiguous(), x.clone(), x.detach(), x.contiguous().is_contiguous()),
        [],
    ),
    "cat with itself": (lambda t, x, d: t.cat([x, x * 2], d), [dims]),
    "stack with itself": (lambda t, x, d: t.stack((x, x * 2), dim=d), [dims]),
    "vstack and hstack": (lambda t, x: (t.vstack([x, x]), t.hstack([x, x])), []),
}


@pytest.mark.parametrize("name", CALLS)
@briefly
@given(st.data())
def test_other_shapes_of_the_same_numbers(name, data):
    call, arguments = CALLS[name]
    assert_same(call, data.draw(tensors()), *(data.draw(each) for each in arguments))


@briefly
@given(tensors(), tensors(), tensors(), dims)
def test_several_tensors_as_one(a, b, c, dim):
    assert_same(lambda t, *each: t.cat(each, dim), a, b, c)
    assert_same(lambda t, *each: t.stack(each, dim), a, b)


def test_what_cannot_be_put_together():
    for call in (
        lambda t: t.cat([]),
        lambda t: t.cat(t.ones(2)),
        lambda t: t.cat([1.0, 2.0]),
        lambda t: t.cat([t.ones(2), 1]),
        lambda t: t.stack([]),
        lambda t: t.stack([1.0]),
        lambda t: t.cat([t.ones(2), t.ones(0)]),
        lambda t: t.ones(2).reshape("a"),
    ):
        assert_same(call)


# --- Views: who writes through one, writes for all -----------------------------------

VIEWS = {
    "a row": lambda x: x[1],
    "a column": lambda x: x[:, 1],
    "the transpose": lambda x: x.T,
    "every other": lambda x: x[:, ::2],
    "reshaped": lambda x: x.reshape(3, 2),
    "flat": lambda x: x.flatten(),
    "of its transpose, reshaped": lambda x: x.T.reshape(-1),  # a copy
    "diagonal": lambda x: x.diagonal(),
    "with one more dimension": lambda x: x[:, None],
    "a part": lambda x: x.split([1, 2], dim=1)[1],
    "a list of rows": lambda x: x[[0, 1]],  # a copy
    "contiguous": lambda x: x.contiguous(),
    "its clone": lambda x: x.clone(),
    "detached": lambda x: x.detach(),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_written_through_a_view_is_seen_by_all(name):
    def written(t):
        x = t.arange(6).reshape(2, 3)
        part = VIEWS[name](x)
        part += 10
        part.zero_() if part.ndim == 1 else part.fill_(7)
        return x, part, part.stride(), part.storage_offset(), part.is_contiguous()

    assert_same(written)


@briefly
@given(shapes, st.data())
def test_strides_are_those_of_torch(shape, data):
    n = math.prod(shape)
    x = Given(tuple(range(n)), shape, "int64")
    order = data.draw(st.permutations(range(len(shape))))
    new = data.draw(st.sampled_from([shape, (n,), (1, n), (n, 1), shape[::-1]]))
    if n:
        assert_same(lambda t, x: x.permute(order).stride(), x)
        assert_same(lambda t, x: x.permute(order).view(new), x)
        assert_same(lambda t, x: x.permute(order).reshape(new), x)


def test_a_list_can_be_read_in_four_ways():
    x = page_torch.arange(6).reshape(2, 3)
    readings = [x, x.T, x[1], x[1].expand(2, 3)]
    assert [each.stride() for each in readings] == [(3, 1), (1, 3), (1,), (0, 1)]
    assert all(each._storage is x._storage for each in readings)
