"""Initialisation: what a model does before it has learned anything."""

import pytest
import torch

from transformer_lab.config import Config
from transformer_lab.initialisation import look_at_neighbours
from transformer_lab.models import Decoder, Encoder
from transformer_lab.trace import capture

CONFIG = Config(vocab_size=30, max_len=12, d_model=16, n_heads=4, n_layers=3)


def test_each_attention_layer_starts_as_a_copier():
    """Output undoes value, up to the factor that keeps the stream small."""
    for block in Decoder(CONFIG).blocks:
        both = block.attention.output.weight @ block.attention.value.weight
        torch.testing.assert_close(both, 6**-0.5 * torch.eye(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("heads", "shared"), [(4, 1), (4, 2)])
def test_attention_that_shares_keys_starts_as_a_copier_too(heads, shared):
    model = Decoder(Config(**{**vars(CONFIG), "n_heads": heads, "n_kv_heads": shared}))
    attention = model.blocks[0].attention
    values = attention.value.weight.unflatten(0, (shared, 4))
    all_values = values.repeat_interleave(heads // shared, dim=0).flatten(0, 1)
    both = attention.output.weight @ all_values  # looking at one token with all heads
    expected = 6**-0.5 * attention.value.weight.T @ attention.value.weight
    torch.testing.assert_close(both, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_heads_start_with_a_look_at_their_neighbours_whatever_the_words(seed):
    torch.manual_seed(seed)
    sizes = {"max_len": 24, "d_model": 64, "n_heads": 4, "n_layers": 1}
    model = Encoder(Config(vocab_size=30, positions="rotary", **sizes)).eval()
    attention, offsets = model.blocks[0].attention, (-1, 1, -2, 3)
    look_at_neighbours(attention, offsets)
    with capture(model) as seen, torch.no_grad():
        model(torch.randint(30, (1, 24)))
    weights = seen["blocks.0.attention.weights"][0]  # (H, T, T)
    inside = range(3, 21)
    for head, offset in enumerate(offsets):
        assert all(weights[head, t].argmax() == t + offset for t in inside)
        assert weights[head, inside, [t + offset for t in inside]].mean() > 0.8


@pytest.mark.parametrize(
    ("choices", "offsets", "said"),
    [
        ({"positions": "learned"}, (-1, 1), "made of rotary positions and biases"),
        ({"bias": False}, (-1, 1), "made of rotary positions and biases"),
        ({}, (-1,), "1 offsets for 2 heads"),
        ({"n_kv_heads": 1}, (-1, 1), "keys of its own"),
    ],
)
def test_a_look_at_neighbours_says_what_it_needs(choices, offsets, said):
    sizes = {"vocab_size": 9, "max_len": 8, "d_model": 8, "n_heads": 2, "n_layers": 1}
    model = Decoder(Config(**sizes, **{"positions": "rotary", **choices}))
    with pytest.raises(ValueError, match=said):
        look_at_neighbours(model.blocks[0].attention, offsets)
