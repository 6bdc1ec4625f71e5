"""The feed-forward layer: as in other libraries, and each token by itself."""

import pytest
import torch
from torch.nn import functional
from transformers import GemmaConfig, LlamaConfig
from transformers.models.gemma.modeling_gemma import GemmaMLP
from transformers.models.llama.modeling_llama import LlamaMLP

from transformer_lab.feedforward import ACTIVATIONS, FeedForward

SIZES = {"hidden_size": 8, "intermediate_size": 20, "num_attention_heads": 2}
PLAIN = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
}


@pytest.mark.parametrize("activation", PLAIN)
def test_it_expands_bends_and_contracts(activation):
    torch.manual_seed(0)
    layer = FeedForward(6, 24, activation=activation)
    x = torch.randn(2, 3, 6)
    widened = functional.linear(x, layer.expand.weight, layer.expand.bias)
    expected = functional.linear(
        PLAIN[activation](widened), layer.contract.weight, layer.contract.bias
    )
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(
    ("activation", "theirs"),
    [
        ("swiglu", LlamaMLP(LlamaConfig(**SIZES))),
        ("geglu", GemmaMLP(GemmaConfig(**SIZES))),
    ],
)
def test_the_gated_layers_are_those_of_llama_and_gemma(activation, theirs):
    ours = FeedForward(8, 20, activation=activation, bias=False)
    pairs = {"gate": "gate_proj", "expand": "up_proj", "contract": "down_proj"}
    for mine, other in pairs.items():
        getattr(ours, mine).load_state_dict(getattr(theirs, other).state_dict())
    x = torch.randn(2, 3, 8)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_token_sees_another(activation):
    layer = FeedForward(6, 24, activation=activation)
    x, other = torch.randn(2, 4, 6), torch.randn(2, 4, 6)
    other[1, 2] = x[1, 2]
    torch.testing.assert_close(layer(other)[1, 2], layer(x)[1, 2])


def test_without_bias_zero_stays_zero():
    layer = FeedForward(6, 24, activation="swiglu", bias=False)
    assert torch.equal(layer(torch.zeros(1, 2, 6)), torch.zeros(1, 2, 6))
    assert all("bias" not in name for name, _ in layer.named_parameters())


def test_an_unknown_activation_says_which_there_are():
    with pytest.raises(ValueError, match="activation='swish' is not one of relu, gelu"):
        FeedForward(6, 24, activation="swish")
