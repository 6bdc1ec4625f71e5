"""Steps of a network, as torch has them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.page_torch.against import Given, assert_same, briefly, matrices, tensors

NUMBERS = st.sampled_from([0.0, 1.0, -1.5, 30.0, -30.0, 200.0, -200.0, math.nan])
ACTIVATIONS = ["relu", "gelu", "silu", "softplus", "logsigmoid", "leaky_relu", "tanh", "sigmoid"]


@pytest.mark.parametrize("name", ACTIVATIONS)
@briefly
@given(tensors(kinds=["float32", "float64"]) | tensors(kinds=["float32"], numbers=NUMBERS))
def test_activations(name, x):
    assert_same(lambda t, x: getattr(t.nn.functional, name)(x), x, tolerance=1e-5)
    assert_same(lambda t, x: t.nn.functional.gelu(x, approximate="tanh"), x, tolerance=1e-5)


@briefly
@given(st.data(), matrices, st.integers(-3, 2))
def test_layers(data, shape, dim):
    x = data.draw(tensors(shape, ["float32"]))
    w = data.draw(tensors((2, shape[-1]), ["float32"]))
    b = data.draw(tensors((2,), ["float32"]))
    F = "functional"
    assert_same(lambda t, x, w, b: getattr(t.nn, F).linear(x, w, b), x, w, b, tolerance=1e-5)
    assert_same(lambda t, x, w, b: getattr(t.nn, F).linear(x, w), x, w, b, tolerance=1e-5)
    assert_same(lambda t, x: t.nn.functional.glu(x, dim), x)
    assert_same(lambda t, x: t.nn.functional.softmax(x, dim), x)
    assert_same(lambda t, x: t.nn.functional.normalize(x, dim=dim), x)
    assert_same(lambda t, x: t.nn.functional.normalize(x, p=1.0, dim=-1), x)
    size = shape[-1]
    for call in (
        lambda t, x: t.nn.functional.layer_norm(x, (size,)),
        lambda t, x: t.nn.functional.layer_norm(
            x, [size], t.arange(float(size)), t.ones(size), 0.1
        ),
        lambda t, x: t.nn.functional.rms_norm(x, (size,), t.arange(float(size)), eps=1e-5),
        lambda t, x: t.nn.functional.layer_norm(x, (size + 1,)),
    ):
        assert_same(call, x, tolerance=1e-4)


ATTENTION = {
    "plain": {},
    "causal": {"is_causal": True},
    "scaled": {"scale": 2.0},
    "masked": {"attn_mask": lambda t, n, m: t.ones(n, m, dtype=t.bool).tril()},
    "a row masked": {"attn_mask": lambda t, n, m: t.ones(n, m, dtype=t.bool).tril(-1)},
    "added": {"attn_mask": lambda t, n, m: t.ones(n, m).tril()},
}


@pytest.mark.parametrize("name", ATTENTION)
@briefly
@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_attention(name, data, n, m):
    shapes = [(2, n, 3), (2, m, 3), (2, m, 2)]
    inputs = [data.draw(tensors(shape, ["float32"])) for shape in shapes]

    def attend(t, q, k, v):
        words = {
            word: value(t, n, m) if callable(value) else value
            for word, value in ATTENTION[name].items()
        }
        return t.nn.functional.scaled_dot_product_attention(q, k, v, **words)

    assert_same(attend, *inputs, tolerance=1e-5)


X = Given((0.5, 1.0, -1.0, 2.0, 0.0, 3.0), (2, 3), "float32")
REFUSED_OR_NOT = [
    lambda t, F, x: F.one_hot(t.tensor([[0, 2], [1, 1]])),
    lambda t, F, x: F.one_hot(t.tensor([0, 2]), num_classes=4),
    lambda t, F, x: F.one_hot(t.tensor([5]), 3),
    lambda t, F, x: F.one_hot(x),
    lambda t, F, x: F.one_hot(t.tensor([-1])),
    lambda t, F, x: F.embedding(t.tensor([[1, 0], [1, 1]]), x),
    lambda t, F, x: F.embedding(t.tensor([5]), x),
    lambda t, F, x: F.embedding(t.tensor([0.0]), x),
    lambda t, F, x: F.linear(x, x.T),
    lambda t, F, x: F.pad(x, (1, 2)),
    lambda t, F, x: F.pad(x, (1, 0, 0, 2), value=7.0),
    lambda t, F, x: F.pad(x, (-1, 1)),
    lambda t, F, x: F.pad(x, (1,)),
    lambda t, F, x: F.pad(x, (1, 1, 1, 1, 1, 1)),
    lambda t, F, x: F.gelu(t.arange(3)),
    lambda t, F, x: F.dropout(x, 0.5, training=False),
    lambda t, F, x: F.cross_entropy(x, t.tensor([0, 5])),
    lambda t, F, x: F.cross_entropy(x, t.tensor([0, 1, 1])),
    lambda t, F, x: F.cross_entropy(x, t.tensor([0, -100])),
    lambda t, F, x: F.cross_entropy(x[0], t.tensor(1)),
    lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), reduction="none"),
    lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), reduction="sum"),
    lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), ignore_index=1),
    lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), label_smoothing=0.1),
    lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), ignore_index=1, label_smoothing=0.3),
    lambda t, F, x: F.nll_loss(x.log_softmax(-1), t.tensor([2, 1])),
    lambda t, F, x: F.mse_loss(x, x * 2),
    lambda t, F, x: F.l1_loss(x, x * 2, reduction="sum"),
    lambda t, F, x: F.cosine_similarity(x[0], x[1], dim=0),
    lambda t, F, x: F.log_softmax(x, dim=0),
]


@pytest.mark.parametrize("call", REFUSED_OR_NOT)
def test_numbers_and_sentences(call):
    assert_same(lambda t, x: call(t, t.nn.functional, x), X)
