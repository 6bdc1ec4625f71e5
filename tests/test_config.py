"""Config: choices that are checked where they are made."""

import math
from dataclasses import replace
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
        ({"n_kv_heads": -1}, "n_kv_heads=-1 is too small: it must be above 0"),
        ({"head_size": 0}, "head_size=0 is too small: it must be above 0"),
        ({"score_cap": math.nan}, "score_cap=nan is too small: it must be above 0"),
        ({"windows": (2, 2)}, r"windows=\(2, 2\) must have one value for each of 1 layers"),
        ({"windows": (0,)}, r"windows=\(0,\) is too small: it must be above 0"),
        ({"windows": (None,)}, r"windows=\(None,\) hides nothing: leave it out"),
        ({"rope_base": 5.0}, "rope_base=5.0 is for rotary positions only"),
        ({"local_rope_base": 5.0}, "local_rope_base=5.0 is for rotary positions with windows only"),
    ],
)
def test_a_choice_that_does_not_exist_says_which_do(choice, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**SIZES, **choice)


def test_each_layer_has_a_window_of_its_own_or_none():
    assert Config(**SIZES).layer_windows == (None,)
    config = Config(**(SIZES | {"n_layers": 3}), windows=[4, None, 2])
    assert config.layer_windows == config.windows == (4, None, 2)
    assert hash(config) == hash(replace(config, windows=(4, None, 2)))


def test_a_head_may_have_a_size_of_its_own():
    assert Config(**SIZES).d_head == 3
    assert Config(**(SIZES | {"d_model": 7}), head_size=4).d_head == 4


def test_the_config_of_an_old_file_is_refused_and_not_misread():
    with pytest.raises(ValueError, match="n_token_types=0 is too small"):
        Config(**SIZES, n_token_types=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'global_every'"):
        Config(**SIZES, global_every=0)
