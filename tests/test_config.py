"""Config: choices that are checked where they are made."""

from typing import get_args

import pytest

from transformer_lab import config
from transformer_lab.blocks import NORMS
from transformer_lab.config import Config
from transformer_lab.feedforward import ACTIVATIONS

SIZES = {"vocab_size": 8, "max_len": 8, "d_model": 6, "n_heads": 2, "n_layers": 1}


def test_every_choice_that_can_be_named_exists():
    assert set(get_args(config.Activation)) == set(ACTIVATIONS)
    assert set(get_args(config.Norm)) == set(NORMS)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"norm": "batch"}, "norm='batch' is not one of layer, rms"),
        ({"norm_order": "both"}, "norm_order='both' is not one of pre, post, sandwich"),
        ({"positions": "relative"}, "positions='relative' is not one of learned"),
        ({"positions": "rotary"}, "a head has 3: d_model / n_heads must be even"),
        ({"n_kv_heads": 4}, "n_kv_heads=4 does not share 2 heads out evenly; these do: 1, 2"),
        ({"n_kv_heads": -1}, "n_kv_heads=-1 must not be negative"),
        ({"global_every": 2}, "global_every=2 says which layers have no window, but there is none"),
    ],
)
def test_a_choice_that_does_not_exist_says_which_do(choice, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**SIZES, **choice)


def test_which_layers_are_local_follows_from_two_numbers():
    def local(**choices):
        config = Config(**(SIZES | {"n_layers": 6} | choices))
        return [config.is_local(layer) for layer in range(6)]

    assert local() == [False] * 6
    assert local(window=4) == [True] * 6
    assert local(window=4, global_every=2) == [True, False] * 3
    assert local(window=4, global_every=6) == [True] * 5 + [False]


def test_a_head_may_have_a_size_of_its_own():
    assert Config(**SIZES).d_head == 3
    assert Config(**(SIZES | {"d_model": 7}), head_size=4).d_head == 4
