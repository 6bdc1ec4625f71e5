"""The decoder: what it may see, what its cache must not change, what it is made of."""

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.attention import padding_mask
from transformer_lab.config import OPTIONAL, Config
from transformer_lab.models import (
    TRANSFORMER_2017,
    Decoder,
    Encoder,
    EncoderDecoder,
    MaskedWords,
    count_parameters,
)

CONFIG = Config(vocab_size=30, max_len=12, d_model=16, n_heads=4, n_layers=3)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Decoder(CONFIG).eval()


texts = st.lists(st.integers(0, 29), min_size=2, max_size=12)


@given(ids=texts, data=st.data())
def test_changing_a_future_token_never_moves_an_earlier_output(model, ids, data):
    changed_at = data.draw(st.integers(1, len(ids) - 1))
    changed = ids.copy()
    changed[changed_at] = data.draw(st.integers(0, 29))
    with torch.no_grad():
        before, after = model(torch.tensor([ids, changed]))
    torch.testing.assert_close(before[:changed_at], after[:changed_at], atol=1e-6, rtol=0)


@given(ids=texts, data=st.data())
def test_with_a_cache_the_logits_are_those_of_the_full_forward_pass(model, ids, data):
    first = data.draw(st.integers(1, len(ids) - 1))
    whole = torch.tensor([ids])
    with torch.no_grad():
        expected = model(whole)
        cache = model.new_cache()
        parts = [model(whole[:, :first], cache=cache)]
        parts += [model(whole[:, i : i + 1], cache=cache) for i in range(first, len(ids))]
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=1e-5, rtol=1e-5)


def test_texts_in_a_batch_do_not_touch_each_other(model):
    ids = torch.randint(0, 30, (3, 7), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(model(ids)[1:2], model(ids[1:2]), atol=1e-6, rtol=1e-5)


def test_the_decoder_equals_hugging_faces_gpt2_with_the_same_weights(model):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=30, n_positions=12, n_embd=16, n_head=4, n_layer=3, n_inner=64
        )
    ).eval()
    weights = {
        "wte.weight": model.embeddings.token.weight,
        "wpe.weight": model.embeddings.position.weight,
        "ln_f.weight": model.final_norm.weight,
        "ln_f.bias": model.final_norm.bias,
    }
    for layer, block in enumerate(model.blocks):
        attention, feed_forward = block.attention, block.feed_forward
        joined = [attention.query, attention.key, attention.value]
        weights |= {
            f"h.{layer}.ln_1.weight": block.attention_norm.weight,
            f"h.{layer}.ln_1.bias": block.attention_norm.bias,
            # Hugging Face's GPT-2 stores its linear layers the other way round.
            f"h.{layer}.attn.c_attn.weight": torch.cat([part.weight for part in joined]).T,
            f"h.{layer}.attn.c_attn.bias": torch.cat([part.bias for part in joined]),
            f"h.{layer}.attn.c_proj.weight": attention.output.weight.T,
            f"h.{layer}.attn.c_proj.bias": attention.output.bias,
            f"h.{layer}.ln_2.weight": block.feed_forward_norm.weight,
            f"h.{layer}.ln_2.bias": block.feed_forward_norm.bias,
            f"h.{layer}.mlp.c_fc.weight": feed_forward.expand.weight.T,
            f"h.{layer}.mlp.c_fc.bias": feed_forward.expand.bias,
            f"h.{layer}.mlp.c_proj.weight": feed_forward.contract.weight.T,
            f"h.{layer}.mlp.c_proj.bias": feed_forward.contract.bias,
        }
    theirs.transformer.load_state_dict(weights)
    ids = torch.randint(0, 30, (2, 12), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(model(ids), theirs(ids).logits, atol=1e-5, rtol=1e-5)


def test_a_tied_head_has_no_weights_of_its_own():
    untied = Decoder(Config(**{**vars(CONFIG), "tie_head": False}))
    assert count_parameters(untied) - count_parameters(Decoder(CONFIG)) == 30 * 16
    assert untied(torch.tensor([[1, 2]])).shape == (1, 2, 30)


def test_parameters_add_up_part_by_part(model):
    d, f, v, t = 16, 64, 30, 12
    attention = 4 * (d * d + d)
    feed_forward = (d * f + f) + (f * d + d)
    norms = 2 * 2 * d
    assert count_parameters(model) == (v + t) * d + 3 * (attention + feed_forward + norms) + 2 * d


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"d_model": 10}, "d_model=10 is not divisible by n_heads=4; the nearest .* 8 and 12"),
        ({"n_heads": 40}, "the nearest sizes that are: 40"),
        ({"n_layers": 0}, "n_layers=0 is too small"),
        ({"activation": "swish"}, "activation='swish' is not one of relu"),
    ],
)
def test_a_config_that_does_not_fit_says_what_would(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config(**{**vars(CONFIG), **change})


def test_too_long_a_text_and_an_unknown_id_are_one_clear_sentence(model):
    with pytest.raises(ValueError, match="the text has 13 tokens, but this model sees at most 12"):
        model(torch.zeros(1, 13, dtype=torch.long))
    with pytest.raises(ValueError, match="token ID 30 is outside of this model's vocabulary"):
        model(torch.tensor([[30]]))


# --- Encoder and decoder together (chapter 13) -----------------------------------------


def small_translator(**choices):
    sizes = {"vocab_size": 40, "max_len": 16, "d_model": 16, "n_heads": 4, "n_layers": 2}
    torch.manual_seed(0)
    return EncoderDecoder(Config(**(sizes | choices))).eval()


def test_the_paper_s_sizes_give_pytorchs_parameter_count():
    stacks = torch.nn.Transformer(d_model=512, nhead=8, dim_feedforward=2048)
    last_norms = 2 * 2 * 512  # PyTorch normalises once more after each stack
    expected = count_parameters(stacks) - last_norms + 37_000 * 512
    assert count_parameters(EncoderDecoder(TRANSFORMER_2017)) == expected


def copied(linear):
    return linear.weight.detach(), linear.bias.detach()


def copy_attention(theirs, ours):
    parts = [copied(getattr(ours, name)) for name in ("query", "key", "value")]
    theirs.in_proj_weight.data = torch.cat([weight for weight, _ in parts])
    theirs.in_proj_bias.data = torch.cat([bias for _, bias in parts])
    theirs.out_proj.load_state_dict(ours.output.state_dict())


@torch.no_grad()
def test_encoder_and_decoder_compute_what_pytorchs_transformer_computes():
    """With the same weights, in the paper's order of norms."""
    ours = small_translator(norm_order="post", positions="sinusoidal", activation="relu")
    theirs = torch.nn.Transformer(
        16, 4, 2, 2, dim_feedforward=64, dropout=0.0, batch_first=True, activation="relu"
    ).eval()
    theirs.encoder.norm = theirs.decoder.norm = None
    for stack, blocks in (
        (theirs.encoder, ours.encoder_blocks),
        (theirs.decoder, ours.decoder_blocks),
    ):
        for layer, block in zip(stack.layers, blocks, strict=True):
            copy_attention(layer.self_attn, block.attention)
            norms = [block.attention_norm, block.feed_forward_norm]
            if stack is theirs.decoder:
                copy_attention(layer.multihead_attn, block.cross_attention)
                norms.insert(1, block.cross_attention_norm)
            for number, norm in enumerate(norms, start=1):
                getattr(layer, f"norm{number}").load_state_dict(norm.state_dict())
            layer.linear1.load_state_dict(block.feed_forward.expand.state_dict())
            layer.linear2.load_state_dict(block.feed_forward.contract.state_dict())
    source, target = torch.randint(40, (3, 7)), torch.randint(40, (3, 5))
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    x = theirs(ours.embeddings(source), ours.embeddings(target), tgt_mask=later)
    expected = x @ ours.embeddings.token.weight.T
    torch.testing.assert_close(ours(source, target), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("order", ["pre", "post", "sandwich"])
def test_with_a_cache_a_translation_is_the_same(order):
    model = small_translator(norm_order=order)
    source, target = torch.randint(40, (1, 7)), torch.randint(40, (1, 6))
    reader = model.after_reading(source)
    cache = reader.new_cache()
    steps = [reader(target[:, t : t + 1], cache=cache) for t in range(6)]
    torch.testing.assert_close(torch.cat(steps, dim=1), model(source, target))


@torch.no_grad()
def test_padding_of_the_source_changes_nothing():
    model = small_translator()
    source, target = torch.randint(1, 40, (1, 7)), torch.randint(40, (1, 6))
    padded = torch.cat([source, torch.zeros(1, 3, dtype=torch.long)], dim=1)
    masked = model(padded, target, source_mask=padding_mask(padded, 0))
    torch.testing.assert_close(masked, model(source, target))
    assert not torch.allclose(model(padded, target), masked, atol=1e-3)


@torch.no_grad()
def test_the_decoder_sees_the_whole_source_and_nothing_of_its_own_future():
    model = small_translator()
    source, target = torch.randint(40, (1, 7)), torch.randint(40, (1, 6))
    logits = model(source, target)
    later = target.clone()
    later[0, 4] = (later[0, 4] + 1) % 40
    assert torch.equal(model(source, later)[0, :4], logits[0, :4])
    other = source.clone()
    other[0, 6] = (other[0, 6] + 1) % 40  # even the first word depends on the last of the source
    assert not torch.allclose(model(other, target)[0, 0], logits[0, 0], atol=1e-4)


def test_a_bert_looks_both_ways_and_scores_every_token():
    model = MaskedWords(Config(vocab_size=40, max_len=16, d_model=16, n_heads=4, n_layers=2)).eval()
    ids = torch.randint(40, (1, 6))
    with torch.no_grad():
        logits = model(ids)
        other = ids.clone()
        other[0, 5] = (other[0, 5] + 1) % 40
        assert logits.shape == (1, 6, 40)
        assert not torch.allclose(model(other)[0, 0], logits[0, 0], atol=1e-4)


# --- The choices of later families (chapter 15) -------------------------------------------

LATER = {
    "grouped queries": {"n_kv_heads": 2},
    "one head of keys": {"n_kv_heads": 1, "head_size": 6},
    "sandwich": {"norm_order": "sandwich", "norm": "rms"},
    "caps": {"score_cap": 2.0, "logit_cap": 1.0, "score_scale": 0.3},
    "windows": {"windows": (3, None, 2), "positions": "rotary", "local_rope_base": 100.0},
    "head norms": {"head_norm": True, "positions": "rotary"},
    "silu": {"activation": "silu"},
}


@torch.no_grad()
@pytest.mark.parametrize("name", LATER)
def test_every_choice_keeps_the_future_hidden_and_the_cache_exact(name):
    torch.manual_seed(0)
    model = Decoder(Config(**{**vars(CONFIG), **LATER[name]})).eval()
    ids = torch.randint(0, 30, (1, 10))
    expected = model(ids)
    changed = ids.clone()
    changed[0, 7] = (changed[0, 7] + 1) % 30
    torch.testing.assert_close(model(changed)[:, :7], expected[:, :7])
    cache = model.new_cache()
    parts = [model(ids[:, i : i + 1], cache=cache) for i in range(10)]
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=1e-5, rtol=1e-5)
    plain = Decoder(CONFIG).eval()
    assert plain(ids).shape == expected.shape
    same = {k: v for k, v in model.state_dict().items() if k in plain.state_dict()}
    if all(v.shape == plain.state_dict()[k].shape for k, v in same.items()):
        plain.load_state_dict(same, strict=False)
        assert not torch.allclose(plain(ids), expected, atol=1e-3)  # the choice does something


@pytest.mark.parametrize(
    ("kind", "choices", "sentence"),
    [
        (Decoder, {"logit_bias": True}, "Decoder does not support logit_bias=True: leave it out"),
        (MaskedWords, {"windows": (3, 3, 3)}, r"MaskedWords does not support windows=\(3, 3, 3\)"),
        (EncoderDecoder, {"logit_cap": 3.0}, "EncoderDecoder does not support logit_cap=3.0"),
    ],
)
def test_a_choice_that_a_model_does_not_support_is_refused(kind, choices, sentence):
    with pytest.raises(ValueError, match=sentence):
        kind(Config(**{**vars(CONFIG), **choices}))


# --- Every choice of every model ----------------------------------------------------------

# For each choice another value than the usual one, and what it goes with.
OTHER = {
    "vocab_size": (31, {}),
    "max_len": (13, {}),
    "d_model": (20, {}),
    "n_heads": (2, {}),
    "n_layers": (2, {}),
    "d_ff": (40, {}),
    "positions": ("rotary", {}),
    "n_token_types": (2, {}),
    "embedding_scale": (2.0, {}),
    "embedding_norm": (True, {}),
    "activation": ("silu", {}),
    "bias": (False, {}),
    "norm": ("rms", {}),
    "norm_order": ("post", {}),
    "norm_eps": (0.1, {}),
    "tie_head": (False, {}),
    "head_size": (6, {}),
    "n_kv_heads": (2, {}),
    "rope_base": (100.0, {"positions": "rotary"}),
    "local_rope_base": (100.0, {"positions": "rotary", "windows": (3, None, 3)}),
    "score_scale": (1.0, {}),
    "score_cap": (1.0, {}),
    "logit_cap": (1.0, {}),
    "logit_bias": (True, {}),
    "head_norm": (True, {}),
    "windows": ((3, None, 3), {}),
}


def with_random_weights(kind, config):
    torch.manual_seed(0)
    model = kind(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def shapes(model):
    return {name: weight.shape for name, weight in model.state_dict().items()}


def test_no_choice_is_forgotten():
    assert OTHER.keys() == {field.name for field in fields(Config)}


@torch.no_grad()
@pytest.mark.parametrize("kind", [Decoder, Encoder, MaskedWords, EncoderDecoder])
@pytest.mark.parametrize("name", OTHER)
def test_a_choice_changes_the_model_or_is_refused(kind, name):
    value, goes_with = OTHER[name]
    usual = Config(**{**vars(CONFIG), **goes_with})
    other = replace(usual, **{name: value})
    if name in OPTIONAL - kind.supports:
        with pytest.raises(ValueError, match=f"{kind.__name__} does not support {name}="):
            kind(other)
        return
    model, changed = with_random_weights(kind, usual), with_random_weights(kind, other)
    if shapes(model) != shapes(changed):
        return
    ids = torch.randint(30, (2 if kind is EncoderDecoder else 1, 1, 9))
    assert not torch.allclose(model(*ids), changed(*ids), atol=1e-3)
