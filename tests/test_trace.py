"""Looking inside a model, and switching heads off."""

import pytest
import torch

from transformer_lab.models import Config, Decoder
from transformer_lab.trace import attention_maps, capture, edit, heads_off, patch

IDS = torch.tensor([[1, 2, 3, 4]])
OTHER_IDS = torch.tensor([[1, 7, 3, 4]])  # differ at position 1


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


def recorded(model, ids):
    with capture(model) as seen:
        model(ids)
    return seen


def test_the_whole_stream_of_another_text_brings_that_texts_answer(model):
    seen = recorded(model, OTHER_IDS)
    for name in ("embeddings", "blocks.0", "blocks.1"):
        with patch(model, {name: seen[name]}):
            torch.testing.assert_close(model(IDS), model(OTHER_IDS))


def test_a_patched_position_is_felt_from_there_on_and_not_before(model):
    seen = recorded(model, OTHER_IDS)
    with patch(model, {"embeddings": seen["embeddings"]}, positions=[1]):
        torch.testing.assert_close(model(IDS), model(OTHER_IDS))
    value = {"blocks.0": torch.zeros(1, 1, 12)}
    with patch(model, value, positions=[2]):
        patched = model(IDS)
    torch.testing.assert_close(patched[:, :2], model(IDS)[:, :2])
    assert not torch.isclose(patched[:, 2:], model(IDS)[:, 2:]).all(-1).any()


def test_a_patched_head_leaves_the_others_as_they_are(model):
    name = "blocks.1.attention.heads"
    theirs, ours = recorded(model, OTHER_IDS)[name], recorded(model, IDS)[name]
    with patch(model, {name: theirs}, heads=[2], positions=[1, 3]), capture(model, [name]) as seen:
        model(IDS)
    # `capture` came later, so it sees what was written.
    torch.testing.assert_close(seen[name][:, 2, [1, 3]], theirs[:, 2, [1, 3]])
    torch.testing.assert_close(seen[name][:, :2], ours[:, :2])
    torch.testing.assert_close(seen[name][:, 2, [0, 2]], ours[:, 2, [0, 2]])


def test_patching_a_text_with_its_own_values_changes_nothing(model):
    expected, seen = model(IDS), recorded(model, IDS)
    with patch(model, {name: seen[name] for name in ("embeddings", "blocks.0.attention")}):
        torch.testing.assert_close(model(IDS), expected)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_patch_that_does_not_fit_is_one_clear_sentence(model):
    longer = recorded(model, torch.tensor([[1, 2, 3, 4, 5]]))
    with (
        pytest.raises(ValueError, match=r"blocks.0 puts out \(1, 4, 12\), and \(1, 5, 12\)"),
        patch(model, {"blocks.0": longer["blocks.0"]}),
    ):
        model(IDS)
    zero = torch.zeros(())
    for places, message in [
        ({"positions": [4]}, "blocks.0 has no position 4: it has 4"),
        ({"positions": [-1]}, "no position -1"),
        ({"heads": [0]}, "blocks.0 has no head 0: it has 0"),
    ]:
        with pytest.raises(ValueError, match=message), patch(model, {"blocks.0": zero}, **places):
            model(IDS)
    with pytest.raises(KeyError, match="no part called"), patch(model, {"nose": zero}):
        pass


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
