"""Products of vectors and matrices, as torch has them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import FLOATING, assert_same, briefly, matrices, shapes, tensors

KINDS = ["float32", "int64"]


@st.composite
def factors(draw):
    """Two tensors whose product there is, or nearly always."""
    left = draw(matrices | shapes)
    k = left[-1] if left else 1
    batch = draw(st.sampled_from([(), left[:-2], (1,)]))
    right = draw(st.sampled_from([(k,), (*batch, k, 2), (*batch, 2, k), (k, 0)]))
    kinds = draw(st.sampled_from([["float32"], ["float32"], ["int64"], KINDS]))
    return draw(tensors(left, kinds)), draw(tensors(right, kinds))


@briefly
@given(factors())
def test_products(both):
    if len({each.kind for each in both}) > 1 and len(both[1].shape) == 1:
        return  # torch's sentence names a function inside
    assert_same(lambda t, a, b: a @ b, *both, tolerance=1e-5)
    assert_same(lambda t, a, b: t.matmul(a, b), *both, tolerance=1e-5)


@pytest.mark.parametrize("name", ["mm", "mv", "dot", "bmm", "outer"])
@briefly
@given(factors())
def test_products_of_few_dimensions(name, both):
    if name == "mv" and not both[0].shape:
        return  # torch's sentence is about its C code
    assert_same(lambda t, a, b: getattr(t, name)(a, b), *both, tolerance=1e-5)


EQUATIONS = ["td,sd->ts", "ij->ji", "ij,jk", "i,j->ij", "bij,bjk->bik", "ii->i", "ii", "ij->",
             "ij,ij->i", "a b, b c -> a c", "tf,td,df,fe->te", "ij,jk->ik", "i,i"]  # fmt: skip


@pytest.mark.parametrize("equation", EQUATIONS)
@briefly
@given(st.data())
def test_sums_named_by_letters(equation, data):
    size = data.draw(st.fixed_dictionaries({c: st.integers(1, 3) for c in "abcdefijkst"}))
    terms = equation.replace(" ", "").split("->")[0].split(",")
    given_shapes = [tuple(size[c] for c in term) for term in terms]
    inputs = [data.draw(tensors(shape, ["float32"])) for shape in given_shapes]
    assert_same(lambda t, *each: t.einsum(equation, *each), *inputs, tolerance=1e-4)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...id,...jd->...ij", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("...id,...jd->...ij", [(4, 5), (2, 3, 6, 5)]),
        ("...ij->...ji", [(2, 3)]),
        ("b...,b", [(2, 3, 1), (2,)]),
        ("...,...->...", [(2, 1, 3), (4, 3)]),
        ("i...->...", [(2, 3)]),
    ],
)
def test_dots_stand_for_the_dimensions_without_a_letter(equation, shapes):
    def call(t):
        made = [t.arange(float(math.prod(shape))).reshape(shape) for shape in shapes]
        return t.einsum(equation, *made)

    assert_same(call, tolerance=1e-4)


def test_letters_that_do_not_fit():
    for equation in ("ij,jk->ik", "ijk,jk->ik", "ij->i"):
        assert_same(lambda t, e=equation: t.einsum(e, t.ones(2, 3), t.ones(2, 3)))


@briefly
@given(st.data(), st.integers(-3, 2))
def test_likeness_and_distance(data, dim):
    shape = data.draw(matrices)
    a, b = data.draw(tensors(shape, ["float32"])), data.draw(tensors(shape, ["float32"]))
    assert_same(lambda t, a, b: t.cosine_similarity(a, b, dim=dim), a, b, tolerance=1e-5)
    assert_same(lambda t, a, b: t.cosine_similarity(a, b[:1]), a, b, tolerance=1e-5)
    assert_same(lambda t, a, b: t.cdist(a, b), a, b, tolerance=1e-3)  # torch takes a short cut


def test_other_products():
    assert_same(lambda t: t.cdist(t.ones(2), t.ones(2, 3)))
    assert_same(lambda t: t.cdist(t.ones(1, 2), t.ones(2, 3)))
    assert_same(lambda t: t.cartesian_prod(t.arange(2), t.arange(3)))
    assert_same(lambda t: t.addmm(t.ones(2), t.ones(2, 3), t.ones(3, 2), beta=2.0))
    assert_same(lambda t: t.matmul(t.ones(2), 2.0))
    assert_same(lambda t: t.ones(2) @ 2.0)
    assert_same(lambda t: t.ones(2) @ (t.ones(2) > 0))


@briefly
@given(tensors(st.just((2, 2)), FLOATING), st.integers(0, 3))
def test_a_power_of_products(x, n):
    assert_same(lambda t, x: x @ x.T @ x.mT, x, tolerance=1e-4)
