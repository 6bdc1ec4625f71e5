"""Vectors where words stood: what is cut, what is computed, and what order does to it."""

from __future__ import annotations

import pytest
import torch

from transformer_lab.beyond_text import (
    Listener,
    PatchEmbeddings,
    VisionTransformer,
    cut_into_patches,
)
from transformer_lab.config import Config
from transformer_lab.models import Encoder, EncoderDecoder, count_parameters

SIZES = {"d_model": 16, "n_heads": 2, "n_layers": 2}


def vision(**choices):
    torch.manual_seed(0)
    return VisionTransformer(Config(vocab_size=10, max_len=16, **SIZES, **choices)).eval()


def test_patches_are_the_squares_of_the_image_row_by_row():
    image = torch.arange(24.0).view(1, 4, 6)
    patches = cut_into_patches(image, side=2)
    assert patches.shape == (1, 6, 4)
    for number in range(6):
        top, left = 2 * (number // 3), 2 * (number % 3)
        assert torch.equal(patches[0, number], image[0, top : top + 2, left : left + 2].flatten())


def test_patches_that_do_not_fill_the_image_are_refused():
    with pytest.raises(ValueError, match="patches of 3 by 3 do not fill an image of 8 by 8"):
        cut_into_patches(torch.zeros(1, 8, 8), side=3)


def test_more_patches_than_the_model_sees_are_refused():
    with pytest.raises(ValueError, match=r"there are 25 patches or slices, but .* at most 16"):
        vision()(torch.zeros(1, 10, 10))


@torch.no_grad()
def test_without_positions_the_order_of_patches_is_nothing_to_it_and_with_them_it_is():
    images = torch.rand(3, 8, 8)
    patches = cut_into_patches(images, 2)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    squares = patches[:, order].view(3, 4, 4, 2, 2).transpose(2, 3).reshape(3, 8, 8)
    for positions, same in (("none", True), ("learned", False), ("rotary", False)):
        model = vision(positions=positions)
        assert torch.allclose(model(images), model(squares), atol=1e-5) == same


@torch.no_grad()
def test_one_linear_layer_on_one_hot_patches_is_a_table_of_words():
    config = Config(vocab_size=7, max_len=9, **SIZES)
    torch.manual_seed(0)
    of_words, of_patches = Encoder(config).embeddings, PatchEmbeddings(7, config)
    of_patches.patch.weight.copy_(of_words.token.weight.T)
    of_patches.patch.bias.zero_()
    of_patches.position.load_state_dict(of_words.position.state_dict())
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    one_hot = torch.nn.functional.one_hot(ids, 7).float()
    assert torch.allclose(of_patches(one_hot), of_words(ids), atol=1e-6)


def test_only_the_embedding_of_slices_is_new_in_a_listener():
    config = Config(vocab_size=30, max_len=20, **SIZES)
    own = dict(Listener(config).named_parameters()).keys()
    assert own - dict(EncoderDecoder(config).named_parameters()).keys() == {
        "slices.patch.weight",
        "slices.patch.bias",
    }
    more = count_parameters(Listener(config)) - count_parameters(EncoderDecoder(config))
    assert more == 16 * (96 + 1)


@torch.no_grad()
def test_a_listener_that_has_heard_once_writes_as_one_that_hears_anew():
    torch.manual_seed(0)
    model = Listener(Config(vocab_size=30, max_len=20, positions="rotary", **SIZES)).eval()
    sound, letters = torch.rand(1, 12, 96), torch.tensor([[2, 7, 9]])
    reader = model.after_reading(sound)
    assert torch.allclose(reader(letters), model(sound, letters), atol=1e-5)
    cache = reader.new_cache()
    steps = [reader(letters[:, [step]], cache=cache) for step in range(3)]
    assert torch.allclose(torch.cat(steps, dim=1), model(sound, letters), atol=1e-5)
    assert not torch.allclose(model(sound.flip(1), letters), model(sound, letters), atol=1e-3)
