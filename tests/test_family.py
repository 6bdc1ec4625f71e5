"""The family's rows: counted by formula, by building, and as published."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.config import OPTIONAL, Config
from transformer_lab.family import (
    FAMILY,
    MODELS,
    cache_bytes,
    cache_size,
    flops_per_token,
    parameters,
)
from transformer_lab.models import TRANSFORMER_2017, Decoder, count_parameters


def built(kind, config):
    with torch.device("meta"):  # no memory for the numbers
        return MODELS[kind](config)


@pytest.mark.parametrize("name", FAMILY)
def test_the_formula_counts_what_the_model_has(name):
    kind, config = FAMILY[name]
    assert sum(parameters(kind, config).values()) == count_parameters(built(kind, config))


choices = st.fixed_dictionaries(
    {
        "n_kv_heads": st.sampled_from([None, 1, 2]),
        "head_size": st.sampled_from([None, 6]),
        "positions": st.sampled_from(["learned", "sinusoidal", "rotary", "none"]),
        "n_token_types": st.sampled_from([None, 2]),
        "embedding_norm": st.booleans(),
        "activation": st.sampled_from(["relu", "silu", "swiglu"]),
        "bias": st.booleans(),
        "norm": st.sampled_from(["layer", "rms"]),
        "norm_order": st.sampled_from(["pre", "post", "sandwich"]),
        "tie_head": st.booleans(),
        "logit_bias": st.booleans(),
        "head_norm": st.booleans(),
    }
)


@given(kind=st.sampled_from(list(MODELS)), choices=choices)
def test_every_choice_is_counted_part_by_part(kind, choices):
    others = OPTIONAL - MODELS[kind].supports
    choices = {name: choice for name, choice in choices.items() if name not in others}
    config = Config(vocab_size=11, max_len=9, d_model=8, n_heads=2, n_layers=3, **choices)
    model = built(kind, config)
    counts = parameters(kind, config)
    found = dict.fromkeys(counts, 0)
    for name, parameter in model.named_parameters():
        for part in ("head", "logit_bias", "embeddings", "feed_forward.", "attention."):
            if name.startswith(part) or f".{part}" in name or f".cross_{part}" in name:
                part = "head" if part == "logit_bias" else part.strip(".").replace("_", "-")
                found[part] += parameter.numel()
                break
        else:
            found["norms"] += parameter.numel()
    assert found == counts


def test_a_choice_that_a_model_refuses_is_not_counted():
    config = Config(vocab_size=11, max_len=9, d_model=8, n_heads=2, n_layers=3, embedding_norm=True)
    with pytest.raises(ValueError, match="Decoder does not support embedding_norm=True"):
        parameters("decoder", config)


@pytest.mark.parametrize(
    ("name", "embeddings", "others", "half"),
    [
        ("Gemma 2B", 524_550_144, 1_981_884_416, 0),  # Gemma report, table 2
        ("Gemma 2 2B", 590_118_912, 2_024_517_888, 0),  # Gemma 2 report, table 2
        ("Gemma 2 9B", 917_962_752, 8_324_201_984, 0),
        ("Gemma 3 1B", 302e6, 698e6, 0.5e6),  # Gemma 3 report, table 1: millions
    ],
)
def test_the_counts_of_gemma_are_those_that_were_published(name, embeddings, others, half):
    counts = parameters(*FAMILY[name])
    assert abs(counts["embeddings"] - embeddings) <= half
    assert abs(sum(counts.values()) - counts["embeddings"] - others) <= half


def test_gemma_3_is_read_as_its_row_says():
    transformers = pytest.importorskip("transformers")
    _, row = FAMILY["Gemma 3 1B"]
    theirs = transformers.Gemma3TextConfig(  # as in the config.json of google/gemma-3-1b-pt
        vocab_size=262_144, hidden_size=1152, intermediate_size=6912, num_hidden_layers=26,
        num_attention_heads=4, num_key_value_heads=1, head_dim=256, sliding_window=512,
        max_position_embeddings=32_768, query_pre_attn_scalar=256,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.Gemma3ForCausalLM(theirs)
    assert count_parameters(model) == sum(parameters("decoder", row).values())
    windows = [512 if kind == "sliding_attention" else None for kind in theirs.layer_types]
    assert windows == list(row.windows)


def test_the_model_of_2017_is_the_one_of_chapter_13():
    assert FAMILY["Transformer 2017, base"] == ("encoder-decoder", TRANSFORMER_2017)


def test_the_cache_has_the_bytes_that_are_counted():
    config = Config(
        vocab_size=11, max_len=40, d_model=8, n_heads=4, n_kv_heads=2, head_size=6, n_layers=3,
        positions="rotary",
    )  # fmt: skip
    model, cache = Decoder(config), None
    cache = model.new_cache()
    with torch.no_grad():
        model(torch.zeros(1, 13).long(), cache=cache)
    found = sum(layer.key.nbytes + layer.value.nbytes for layer in cache)
    assert found == 13 * cache_bytes(config, bytes_per_number=4)
    assert found == cache_size(config, 13, bytes_per_number=4)


def test_a_window_stops_the_growth_of_its_layers():
    _, config = FAMILY["Gemma 2 2B"]
    assert cache_size(config, 4096) == 4096 * cache_bytes(config)
    growth = cache_size(config, 8001) - cache_size(config, 8000)
    assert growth == cache_bytes(config) // 2


def test_the_arithmetic_is_what_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    config = Config(
        vocab_size=11, max_len=40, d_model=8, n_heads=4, n_kv_heads=2, head_size=6, n_layers=3,
        positions="rotary", activation="swiglu",
    )  # fmt: skip
    model = Decoder(config)
    cache = model.new_cache()
    with torch.no_grad():
        model(torch.zeros(1, 12).long(), cache=cache)
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 1).long(), cache=cache)
    assert counter.get_total_flops() == flops_per_token(config, 13)
