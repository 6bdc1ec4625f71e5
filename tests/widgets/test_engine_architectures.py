"""The engine runs encoders and encoder-decoders too, and gives torch's numbers."""

from __future__ import annotations

import base64

import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import translation
from transformer_lab.models import Config, EncoderDecoder, MaskedWords
from transformer_lab.recipes import model_file
from transformer_lab.recipes.translator import source_ids, target_ids
from transformer_lab.tokenization import WordPieceTokenizer
from transformer_lab.trace import capture

SIZES = {"max_len": 24, "d_model": 32, "n_heads": 4, "n_layers": 2}


@pytest.fixture(scope="module")
def words() -> WordPieceTokenizer:
    english, hindi = translation.vocabulary()
    return WordPieceTokenizer.of_words([*english, *hindi], strip_accents=False)


def make(kind, tokenizer, **choices):
    """A model with random weights, and it as a model file."""
    torch.manual_seed(3)
    model = kind(Config(vocab_size=len(tokenizer), **(SIZES | choices))).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name or "position" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    content = model_file(model, tokenizer, start="[CLS]", stop="[SEP]", mask="[MASK]")
    return model, base64.b64encode(content).decode()


VARIANTS = [
    {},
    {"positions": "sinusoidal", "activation": "relu"},
    {"positions": "sinusoidal", "activation": "relu", "norm_order": "post"},
]


@torch.no_grad()
@pytest.mark.parametrize("choices", VARIANTS)
def test_an_encoder_guesses_what_torch_guesses(engine, words, choices):
    model, content = make(MaskedWords, words, **choices)
    ids = [2, 20, 4, 31, 90, 3]
    result = engine(
        """([content, ids]) => {
             const { logits, attention } = load(content).guesser.forward(ids);
             const plain = rows => rows.map(row => [...row]);
             return { logits: plain(logits), attention: attention.map(heads => heads.map(plain)) };
           }""",
        [content, ids],
    )
    with capture(model) as seen:
        expected = model(torch.tensor([ids]))[0]
    assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-4
    weights = torch.stack([seen[f"encoder.blocks.{i}.attention.weights"][0] for i in range(2)])
    assert (torch.tensor(result["attention"]) - weights).abs().max() < 1e-5


def test_the_trained_story_bert_gives_torchs_logits_in_the_page(engine):
    trained = recipes.load("story-bert", progress=False)
    content = base64.b64encode(trained.content).decode()
    for question in trained.questions[:8]:
        result = engine(
            """([content, text]) => {
                 const { guesser, tokenizer, metadata } = load(content);
                 const ids = tokenizer.encode(`${metadata.start}${text}${metadata.stop}`);
                 const { logits } = guesser.forward(ids);
                 return { ids, logits: logits.map(row => [...row]) };
               }""",
            [content, question.text],
        )
        ids, _ = trained.tokenizer.encode_for_bert(question.text)
        assert result["ids"] == ids
        with torch.no_grad():  # not around `load`, which may train
            expected = trained.model(torch.tensor([ids]))[0]
        assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-4


TRANSLATE = """([content, source, target, steps]) => {
  const { translator } = load(content);
  const { memory } = translator.encode(source);
  const cache = steps ? translator.newCache() : null;
  const parts = steps ? target.map(id => [id]) : [target];
  const results = parts.map(ids => translator.decode(ids, memory, { cache }));
  const plain = rows => rows.map(row => [...row]);
  return {
    logits: results.flatMap(r => plain(r.logits)),
    cross: [0, 1].map(layer => [0, 1, 2, 3].map(head =>
      results.flatMap(r => plain(r.crossAttention[layer][head])))),
  };
}"""


@torch.no_grad()
@pytest.mark.parametrize("steps", [False, True], ids=["at once", "with a cache"])
@pytest.mark.parametrize("choices", VARIANTS)
def test_an_encoder_decoder_gives_torchs_logits_and_cross_attention(engine, words, choices, steps):
    model, content = make(EncoderDecoder, words, **choices)
    pair = translation.pairs()[1234]
    source, target = source_ids(words, pair.english), target_ids(words, pair.hindi)
    result = engine(TRANSLATE, [content, source, target, steps])
    with capture(model) as seen:
        expected = model(torch.tensor([source]), torch.tensor([target]))[0]
    assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-4
    cross = torch.stack([seen[f"decoder_blocks.{i}.cross_attention.weights"][0] for i in range(2)])
    assert (torch.tensor(result["cross"]) - cross).abs().max() < 1e-5


def test_hindi_is_cut_as_in_python(engine, words):
    _, content = make(MaskedWords, words)
    texts = [" ".join(pair.hindi) for pair in translation.pairs()[::3001]] + [
        "We ARE friends",
        "xyz",
    ]
    ids = engine(
        "([content, texts]) => texts.map(t => load(content).tokenizer.encode(t))", [content, texts]
    )
    assert ids == [words.encode(text) for text in texts]
