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
        ({"norm_order": "both"}, "norm_order='both' is not one of pre, post"),
        ({"positions": "relative"}, "positions='relative' is not one of learned"),
        ({"positions": "rotary"}, "a head has 3: d_model / n_heads must be even"),
    ],
)
def test_a_choice_that_does_not_exist_says_which_do(choice, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**SIZES, **choice)
