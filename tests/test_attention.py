"""Attention: held to PyTorch's own, and to what a mask promises."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from transformer_lab.attention import (
    MultiHeadAttention,
    attention_scores,
    attention_weights,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
    soft_cap,
)

sizes = st.integers(1, 7)


@given(batch=sizes, heads=sizes, queries=sizes, keys=sizes, width=sizes, seed=st.integers(0, 99))
def test_attention_equals_pytorchs_own(batch, heads, queries, keys, width, seed):
    torch.manual_seed(seed)
    query = torch.randn(batch, heads, queries, width)
    key, value = torch.randn(2, batch, heads, keys, width)
    mask = torch.rand(batch, 1, queries, keys) < 0.7
    mask[..., 0] = True  # PyTorch leaves a query that sees nothing undefined
    torch.testing.assert_close(
        scaled_dot_product_attention(query, key, value, mask),
        functional.scaled_dot_product_attention(query, key, value, attn_mask=mask),
        atol=1e-5,
        rtol=1e-5,
    )


@given(queries=sizes, seen=st.integers(0, 5))
def test_the_causal_mask_equals_pytorchs_with_earlier_keys_in_front(queries, seen):
    mask = causal_mask(queries, seen + queries)
    for query in range(queries):
        assert mask[query].tolist() == [key <= seen + query for key in range(seen + queries)]


def test_every_row_of_weights_adds_up_to_one():
    weights = attention_weights(torch.randn(3, 4, 5, 5), causal_mask(5))
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 5))


def test_a_hidden_key_gets_exactly_zero():
    weights = attention_weights(torch.randn(6, 6), causal_mask(6))
    assert (weights.triu(diagonal=1) == 0).all()


def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_nan_in_the_gradient():
    scores = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    weights = attention_weights(scores, mask)
    assert weights[1].tolist() == [0.0, 0.0, 0.0]
    (weights**2).sum().backward()
    assert scores.grad.isfinite().all()


def test_padding_is_never_looked_at():
    ids = torch.tensor([[5, 6, 0, 0], [5, 6, 7, 0]])
    weights = attention_weights(torch.randn(2, 3, 4, 4), padding_mask(ids, pad_id=0))
    assert (weights[0, ..., 2:] == 0).all()
    assert (weights[1, ..., 3] == 0).all()


def test_dividing_by_the_root_of_the_width_keeps_the_variance_of_scores_at_one():
    torch.manual_seed(0)
    for width in (4, 64, 1024):
        scores = attention_scores(torch.randn(400, width), torch.randn(400, width))
        assert math.isclose(scores.var().item(), 1.0, rel_tol=0.1)


def test_multi_head_attention_equals_pytorchs_own():
    torch.manual_seed(0)
    ours, theirs = MultiHeadAttention(12, 3), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    parts = [ours.query, ours.key, ours.value]
    theirs.in_proj_weight.data = torch.cat([part.weight.data for part in parts])
    theirs.in_proj_bias.data = torch.cat([part.bias.data for part in parts])
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    x, context = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    expected, _ = theirs(x, x, x, attn_mask=~causal_mask(5))
    torch.testing.assert_close(ours(x, mask=causal_mask(5)), expected)
    expected, _ = theirs(x, context, context)
    torch.testing.assert_close(ours(x, context), expected)


@pytest.mark.skipif(torch.__version__ < "2.5", reason="this torch has no grouped attention")
def test_shared_keys_and_values_equal_pytorchs_grouped_attention():
    torch.manual_seed(0)
    ours = MultiHeadAttention(12, 6, n_kv_heads=2, head_size=4)
    x, mask = torch.randn(2, 5, 12), causal_mask(5)
    query, key, value = (
        layer(x).unflatten(-1, (-1, 4)).transpose(1, 2)
        for layer in (ours.query, ours.key, ours.value)
    )
    theirs = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, enable_gqa=True
    )
    expected = ours.output(theirs.transpose(1, 2).flatten(-2))
    torch.testing.assert_close(ours(x, mask=mask), expected)


@given(queries=sizes, seen=st.integers(0, 5), window=sizes)
def test_a_window_hides_what_is_further_back(queries, seen, window):
    mask = causal_mask(queries, seen + queries, window=window)
    for row in range(queries):
        here = seen + row
        assert mask[row].tolist() == [here - window < key <= here for key in range(seen + queries)]


def test_a_cap_keeps_order_and_sign_and_is_never_crossed():
    x = torch.linspace(-200, 200, 401)
    capped = soft_cap(x, 30.0)
    assert (capped.abs() <= 30).all()
    assert (capped.diff() >= 0).all()
    torch.testing.assert_close(capped[195:206], x[195:206], atol=0.05, rtol=0)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="d_model=10 is not divisible by n_heads=4"):
        MultiHeadAttention(10, 4)
    with pytest.raises(ValueError, match="n_heads=4 is not divisible by n_kv_heads=3"):
        MultiHeadAttention(12, 4, n_kv_heads=3)
