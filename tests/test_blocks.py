"""Blocks: norms as in other libraries, residuals in both orders."""

import pytest
import torch
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from transformer_lab.blocks import NORMS, Block, RMSNorm
from transformer_lab.config import Config

SIZES = {"vocab_size": 8, "max_len": 8, "d_model": 16, "n_heads": 4, "n_layers": 1}


def test_rms_norm_equals_llamas():
    torch.manual_seed(0)
    ours, theirs = RMSNorm(16, eps=1e-6), LlamaRMSNorm(16, eps=1e-6)
    ours.weight.data = theirs.weight.data = torch.randn(16)
    x = 5 * torch.randn(2, 3, 16)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_block_equals_pytorchs_own_in_both_orders(order, activation):
    torch.manual_seed(0)
    config = Config(**SIZES, norm_order=order, activation=activation, norm_eps=1e-6)
    ours = Block(config)
    theirs = nn.TransformerEncoderLayer(
        16, 4, 64, dropout=0.0, activation=activation, layer_norm_eps=1e-6,
        batch_first=True, norm_first=order == "pre",
    )  # fmt: skip
    parts = [ours.attention.query, ours.attention.key, ours.attention.value]
    theirs.self_attn.in_proj_weight.data = torch.cat([part.weight.data for part in parts])
    theirs.self_attn.in_proj_bias.data = torch.cat([part.bias.data for part in parts])
    for mine, other in (
        (ours.attention.output, theirs.self_attn.out_proj),
        (ours.feed_forward.expand, theirs.linear1),
        (ours.feed_forward.contract, theirs.linear2),
        (ours.attention_norm, theirs.norm1),
        (ours.feed_forward_norm, theirs.norm2),
    ):
        other.load_state_dict(mine.state_dict())
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)


def test_pre_norm_leaves_the_stream_as_it_is_when_a_block_has_nothing_to_say():
    block = Block(Config(**SIZES))
    for layer in (block.attention.output, block.feed_forward.contract):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = 100 * torch.randn(1, 4, 16)
    assert torch.equal(block(x), x)


def test_post_norm_puts_out_vectors_of_one_size():
    block = Block(Config(**SIZES, norm_order="post", norm="rms"))
    out = block(100 * torch.randn(2, 4, 16))
    torch.testing.assert_close(out.square().mean(-1), torch.ones(2, 4), atol=1e-3, rtol=0)


@pytest.mark.parametrize("norm", NORMS)
def test_each_token_is_normalised_by_itself(norm):
    layer = NORMS[norm](8)
    x, other = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    other[0, 2] = x[0, 2]
    torch.testing.assert_close(layer(other)[0, 2], layer(x)[0, 2])


@pytest.mark.parametrize("norm", NORMS)
def test_a_vector_of_zeros_is_no_error(norm):
    assert torch.equal(NORMS[norm](8)(torch.zeros(8)), torch.zeros(8))
