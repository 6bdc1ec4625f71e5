"""Looking inside a model, and switching heads off."""

import pytest
import torch

from transformer_lab.models import Config, Decoder
from transformer_lab.trace import attention_maps, capture, edit, heads_off

IDS = torch.tensor([[1, 2, 3, 4]])


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = Config(vocab_size=9, max_len=8, d_model=12, n_heads=3, n_layers=2)
    return Decoder(config).eval()


def test_looking_changes_nothing_and_leaves_nothing_behind(model):
    expected = model(IDS)
    with capture(model) as seen:
        torch.testing.assert_close(model(IDS), expected, atol=0, rtol=0)
    assert seen["blocks.0.attention.weights"].shape == (1, 3, 4, 4)
    assert seen["blocks.1"].shape == (1, 4, 12)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_weights_seen_are_the_softmax_of_the_scores_seen(model):
    with capture(model) as seen:
        model(IDS)
    scores = seen["blocks.1.attention.scores"][0, 2, 3]
    torch.testing.assert_close(seen["blocks.1.attention.weights"][0, 2, 3], scores.softmax(-1))


def test_the_residual_stream_is_the_sum_of_what_was_written_into_it(model):
    with capture(model) as seen:
        model(IDS)
    written = seen["embeddings"]
    for layer in range(2):
        written = written + seen[f"blocks.{layer}.attention"] + seen[f"blocks.{layer}.feed_forward"]
    torch.testing.assert_close(seen["blocks.1"], written)


def test_a_head_switched_off_adds_nothing(model):
    """The same as zeroing the columns of `output` that read from it."""
    with heads_off(model, [(1, 2)]):
        silenced = model(IDS)
    assert not torch.allclose(silenced, model(IDS))
    model.blocks[1].attention.output.weight.data[:, 8:12] = 0.0
    torch.testing.assert_close(silenced, model(IDS))


def test_hooks_go_even_when_the_pass_fails(model):
    with pytest.raises(ValueError, match="outside"), heads_off(model, [(0, 0)]):
        model(torch.tensor([[99]]))
    assert not any(module._forward_hooks for module in model.modules())


def test_attention_maps_hold_every_head(model):
    maps = attention_maps(model, IDS)
    assert maps.shape == (2, 1, 3, 4, 4)
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 1, 3, 4))


def test_a_part_or_head_that_is_not_there_is_one_clear_sentence(model):
    with pytest.raises(KeyError, match=r"no part called 'blocks\.7'"), capture(model, ["blocks.7"]):
        pass
    with pytest.raises(KeyError, match="no part called"), edit(model, {"nose": lambda x: x}):
        pass
    with (
        pytest.raises(ValueError, match=r"no layer 0, head 3: .* layers 0 to 1 and heads 0 to 2"),
        heads_off(model, [(0, 3)]),
    ):
        pass
