"""The page runs every family, and every choice of `Config`, and gives torch's numbers."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, fields

import pytest
import torch

from tests.pretrained import test_families as hugging_face
from transformer_lab.config import OPTIONAL, Config
from transformer_lab.model_file import weights_file
from transformer_lab.models import Decoder, Encoder, EncoderDecoder, MaskedWords
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.trace import capture

KINDS = {
    Decoder: "decoder", Encoder: "encoder",
    MaskedWords: "masked-words", EncoderDecoder: "encoder-decoder",
}  # fmt: skip
SOURCE, IDS = [7, 3, 22, 9, 9], [5, 9, 30, 7, 21, 9, 2, 17, 8, 11]

# What a model gives for some tokens at once, and where each looks; and what it gives for one
# after the other.
RUN = """([content, ids, source]) => {
  const { decoder, encoder, guesser, translator, config } = model_file.loadModel(bytes(content));
  const memory = translator?.encode(source).memory;
  const run = (some, cache) => decoder?.forward(some, { cache }) ?? guesser?.forward(some)
    ?? encoder?.forward(some) ?? translator.decode(some, memory, { cache });
  const { logits, vectors, attention, crossAttention = [] } = run(ids);
  const cache = (decoder ?? translator)?.newCache();
  const stepped = cache ? ids.flatMap(id => run([id], cache).logits) : [];
  const plain = x => (Array.isArray(x) ? x.map(plain) : [...x]);
  const rows = logits ?? tensor.rowsOf(vectors, config.d_model);
  return [rows, stepped, attention, crossAttention].map(plain);
}"""


def content_of(model, **config) -> str:
    """A model of any kind as a model file, in base64; `config` replaces what it says."""
    words = (f"word{number}" for number in range(model.config.vocab_size - 5))
    content = weights_file(
        model,
        architecture=KINDS[type(model)],
        config=json.dumps(asdict(model.config) | config),
        tokenizer=WordPieceTokenizer.of_words(words).to_json(),
    )
    return base64.b64encode(content).decode()


@torch.no_grad()
def largest_difference(engine, model) -> float:
    """Between torch's numbers and the page's: logits or vectors, and attention weights."""
    found = engine(RUN, [content_of(model), IDS, SOURCE])
    texts = [SOURCE, IDS] if isinstance(model, EncoderDecoder) else [IDS]
    with capture(model) as seen:
        expected = model(*(torch.tensor([text]) for text in texts))[0]
    assert expected.std() > 0.1  # numbers so small that all are equal would prove nothing
    own, across = r"(?<!encoder_)blocks\.\d+\.attention\.weights$", r"cross_attention\.weights$"
    weights = [
        [value[0] for name, value in seen.items() if re.search(pattern, name)]
        for pattern in (own, across)
    ]
    return max(
        float((torch.tensor(ours) - torch.stack([*theirs])).abs().max())
        for ours, theirs in zip(found, [expected, expected, *weights], strict=True)
        if ours  # an encoder takes no token by itself, and only a translator looks across
    )


@pytest.mark.parametrize("family", [*hugging_face.DECODERS, hugging_face.bert, hugging_face.marian])
def test_each_family_gives_torchs_numbers(engine, family, tmp_path):
    _, model = hugging_face.written(family, hugging_face.SHAPES[0], tmp_path)
    assert largest_difference(engine, model) < 1e-4
    if family is hugging_face.bert:  # what MiniLM is: the same without the last layer
        assert largest_difference(engine, model.encoder) < 1e-4


def made(kind, **choices):
    """A model with random weights, norms and constants too."""
    torch.manual_seed(4)
    sizes = {"vocab_size": 53, "max_len": 16, "d_model": 24, "n_heads": 4, "n_layers": 2}
    model = kind(Config(**(sizes | choices))).eval()
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if "norm.weight" in name else 0.0, std=0.3)
    return model


ROTARY = {"positions": "rotary"}
CHOICES = [
    {"vocab_size": 61, "max_len": 10, "d_model": 20, "n_heads": 2, "n_layers": 1, "d_ff": 7},
    {"positions": "sinusoidal", "embedding_scale": 5.5},
    {"positions": "none"},
    {"activation": "relu", "bias": False},
    {"activation": "gelu", "norm_order": "post"},
    {"activation": "silu", "norm_order": "sandwich"},
    {"activation": "swiglu", "norm": "rms", "norm_eps": 0.1, "bias": False},
    {"activation": "geglu", "norm_eps": 0.1, "norm_order": "sandwich"},
    {"n_kv_heads": 2, "head_size": 5, "head_norm": True, "score_scale": 0.7, "score_cap": 0.5},
    {"n_kv_heads": 1, "head_norm": True, "norm": "rms", **ROTARY, "rope_base": 50.0},
]
OWN_CHOICES = {
    Decoder: [
        {"tie_head": False, "logit_cap": 0.8},
        {"windows": (3, None), **ROTARY, "local_rope_base": 20.0},
        {"windows": (None, 1), **ROTARY, "rope_base": 90.0},
    ],
    Encoder: [{"n_token_types": 3, "embedding_norm": True}],
    MaskedWords: [{"n_token_types": 2, "embedding_norm": True}],
    EncoderDecoder: [{"logit_bias": True}],
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_choice_gives_torchs_numbers(engine, kind):
    for choices in CHOICES + OWN_CHOICES[kind]:
        assert largest_difference(engine, made(kind, **choices)) < 1e-4, choices


def test_no_choice_is_left_out_above():
    tried = {name for row in sum(OWN_CHOICES.values(), CHOICES) for name in row}
    assert tried == {field.name for field in fields(Config)}


REFUSAL = """content => {
  try { model_file.loadModel(bytes(content)); } catch (error) { return error.message; }
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_choice_that_python_refuses_is_refused_in_the_page(engine, kind):
    others = {
        "n_token_types": 2, "embedding_norm": True, "tie_head": False, "logit_cap": 3.0,
        "logit_bias": True, "windows": [2, None], "local_rope_base": 5.0,
    }  # fmt: skip
    assert set(others) == OPTIONAL
    model = made(kind, **ROTARY)
    for name in OPTIONAL - kind.supports:
        message = engine(REFUSAL, content_of(model, **{name: others[name]}))
        assert f'"{KINDS[kind]}" does not support {name}=' in message


@pytest.mark.parametrize(
    "misfit",
    [
        {"n_heads": 5}, {"n_kv_heads": 3}, {"positions": "rotary", "head_size": 3},
        {"windows": [2]}, {"windows": [None, None]}, {"rope_base": 50.0}, {"local_rope_base": 9.0},
        {"positions": "sinusoidal", "d_model": 25, "head_size": 6},
    ],
)  # fmt: skip
def test_choices_that_exclude_each_other_are_refused(engine, misfit):
    model = made(Decoder)
    with pytest.raises(ValueError, match=r"must|not|only|odd"):
        Decoder(Config(**(asdict(model.config) | misfit)))
    message = engine(REFUSAL, content_of(model, **misfit))
    assert "do not fit each other" in message
    assert any(name in message for name in misfit)


TYPES = """([content, ids, types]) => {
  const { encoder } = model_file.loadModel(bytes(content));
  try { return [...encoder.forward(ids, { tokenTypes: types }).vectors]; }
  catch (error) { return error.message; }
}"""


@torch.no_grad()
def test_two_segments_are_told_apart_as_in_torch(engine):
    model = made(Encoder, n_token_types=2)
    types = [0] * 4 + [1] * 6
    vectors = engine(TYPES, [content_of(model), IDS, types])
    expected = model(torch.tensor([IDS]), torch.tensor([types]))[0]
    assert (torch.tensor(vectors) - expected.flatten()).abs().max() < 1e-4
    for wrong in (types[1:], [*types[1:], 2]):
        message = engine(TYPES, [content_of(model), IDS, wrong])
        assert message == "each of the 10 tokens must have a type from 0 to 1"
    message = engine(TYPES, [content_of(made(Encoder)), IDS, types])
    assert message == "token types were given, but this model has none"


def test_attention_that_is_not_kept_changes_nothing_else(engine):
    run = """([content, ids]) => {
      const { decoder } = model_file.loadModel(bytes(content));
      const { logits, attention } = decoder.forward(ids, { keepAttention: false });
      const plain = rows => rows.map(row => [...row]);
      return [plain(logits), attention, plain(decoder.forward(ids).logits)];
    }"""
    logits, attention, expected = engine(run, [content_of(made(Decoder)), IDS])
    assert logits == expected
    assert attention == [None, None]
