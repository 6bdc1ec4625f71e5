"""The tokenizers of the page: the same IDs and the same merges as in Python."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.texts import LETTERS
from transformer_lab import pretrained
from transformer_lab.languages import stories
from transformer_lab.tokenization import BPETokenizer, WordPieceTokenizer
from transformer_lab.tokenization.hugging_face import AddedToken

CORPUS = [str(story) for story in stories.sample_many(200, seed=5)]
STRINGS = [
    "",
    "low lower lowest; unbeleivable playing",
    "हम दोस्त हैं।",
    "👩‍🚀 🙂 🇮🇳",
    "In 2017: 3.14159, ½ and ४२",
    "[CLS] a [MASK] b [SEP]<|endoftext|>x<|im_end|>",
    "ΣΊΣΥΦΟΣ İstanbul ß naïve café",
    "東京で猫を見た",
    "tab\tnew\nline\r\nno\u00a0break\u200b\ufffd",
    "1,000.5$ + x^2 = ~|y| 'it's",
    "a" * 99 + " " + "b" * 101,
]
common_text = st.text(st.one_of(*LETTERS, st.sampled_from("🙂🚀👩‍🇮🇳\u200d\u0301")), max_size=50)

KINDS = ["story BPE", "story WordPiece", "BERT", "SmolLM2"]
ENCODE = """([name, file, texts]) => {
  globalThis.tokenizers ??= {};
  const json = () => JSON.parse(new TextDecoder().decode(bytes(file)));
  tokenizers[name] ??= name.includes("BPE") || name === "SmolLM2"
    ? new tokenizer.BPETokenizer(json()) : new wordpiece.WordPieceTokenizer(json());
  return texts.map(text => { const ids = tokenizers[name].encode(text);
    return [ids, tokenizers[name].decode(ids)]; });
}"""


@pytest.fixture(scope="module")
def all_tokenizers():
    return {
        "story BPE": BPETokenizer.train(CORPUS, vocab_size=500, special_tokens=["<|endoftext|>"]),
        "story WordPiece": WordPieceTokenizer.train(CORPUS, vocab_size=400),
        "BERT": pretrained.bert_tokenizer(),
        "SmolLM2": pretrained.smollm2_tokenizer(),
    }


def in_page(engine, name, tokenizer, texts):
    file = base64.b64encode(tokenizer.to_json().encode()).decode()
    return engine(ENCODE, [name, file, list(texts)])


@pytest.mark.parametrize("name", KINDS)
def test_ids_and_the_way_back_are_those_of_python(engine, all_tokenizers, name):
    ours = all_tokenizers[name]
    theirs = Tokenizer.from_str(ours.to_json())
    for text, (ids, back) in zip(STRINGS, in_page(engine, name, ours, STRINGS), strict=True):
        assert ids == ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids, text
        assert back == ours.decode(ids)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(common_text, min_size=10, max_size=10))
def test_ids_are_those_of_python_on_any_common_text(engine, all_tokenizers, name, texts):
    ours = all_tokenizers[name]
    found = in_page(engine, name, ours, texts)
    assert [ids for ids, _ in found] == [ours.encode(text) for text in texts]


RANKED = """([kind, file, texts]) => {
  const made = new ranked[kind](JSON.parse(new TextDecoder().decode(bytes(file))));
  return texts.map(text => { const ids = made.encode(text);
    return [ids, made.decode(ids), ids.map(id => made.bytes(id))]; });
}"""


@pytest.mark.parametrize("tokenizer", [pretrained.mistral_tokenizer, pretrained.tekken_tokenizer])
def test_tokenizers_without_merges_give_the_ids_and_bytes_of_python(engine, tokenizer):
    ours, draw = tokenizer(), random.Random(0).choices
    letters = [*map(chr, range(0x20, 0x24F)), *map(chr, range(0x900, 0x97F)), *"東京▁🙂👩\u200d\n "]
    texts = [*STRINGS, *("".join(draw(letters, k=40)) for _ in range(200))]
    file = base64.b64encode(ours.to_json().encode()).decode()
    found = engine(RANKED, [type(ours).__name__, file, texts])
    for text, (ids, back, in_bytes) in zip(texts, found, strict=True):
        assert ids == ours.encode(text), text
        assert back == ours.decode(ids)
        assert in_bytes == [list(ours.token_bytes(id)) for id in ids]


def refusal(engine, file: str) -> str:
    """What the page says when it is to read this file."""
    return engine(
        """text => {
          try {
            const wordPiece = JSON.parse(text).model.type === "WordPiece";
            new (wordPiece ? wordpiece.WordPieceTokenizer : tokenizer.BPETokenizer)(text);
          } catch (error) { return error.message; }
          return "";
        }""",
        file,
    )


@pytest.mark.parametrize("name", ["story BPE", "story WordPiece"])
@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.1},
        {"continuing_subword_prefix": "@@"},
        {"unk_token": "x"},
        {"unheard_of": 1},
        {"added": {"lstrip": True}},
        {"added": {"rstrip": True}},
        {"added": {"single_word": True}},
        {"added": {"unheard_of": 1}},
    ],
    ids=str,
)
def test_a_field_that_is_not_heeded_is_refused_in_the_page_too(
    engine, all_tokenizers, name, change
):
    parts = json.loads(all_tokenizers[name].to_json())
    assert refusal(engine, json.dumps(parts)) == ""
    for token in parts["added_tokens"]:
        token |= change.get("added", {})
    parts["model"] |= {} if "added" in change else change
    assert "cannot be read" in refusal(engine, json.dumps(parts))


def test_whole_words_and_added_tokens_are_found_as_in_python(engine):
    ours = BPETokenizer.train(CORPUS, vocab_size=300)
    whole = BPETokenizer(ours.vocab | {"zip": 300}, ours.merges, whole_words_first=True)
    words = WordPieceTokenizer.train(CORPUS, vocab_size=200)
    tokens = [AddedToken("qwx", len(words)), AddedToken("QwX!", len(words) + 1, normalized=True)]
    added = WordPieceTokenizer(words.vocab, added=tokens)
    texts = ["zip zipper", "a qwx b", "A QWX! b qwx!", "", "[MASK]qwx"]
    for name, tokenizer in (("whole BPE", whole), ("added", added)):
        found = in_page(engine, name, tokenizer, texts)
        assert [ids for ids, _ in found] == [tokenizer.encode(text) for text in texts]
    assert whole.encode("zip") == [300]


def test_a_long_word_is_cut_in_the_page_as_in_python(engine, all_tokenizers):
    text = "".join(random.Random(0).choices("the", k=20_000))
    ours = all_tokenizers["story BPE"]
    [(ids, _)] = in_page(engine, "story BPE", ours, [text])
    assert ids == ours.encode(text)


TRAIN = """([text, method]) => {
  const { steps, states } = merging.train(text, method, 40);
  return steps.slice(0, states.length - 1).map(pairs => pairs[0].pair);
}"""
TEXTS = [
    "low low lower lowest newer wider wider",
    " ".join(CORPUS[:6]),
    "हम दोस्त हैं हम 🙂🙂🙂 aé aé",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_page_learns_the_merges_that_python_learns(engine, text):
    merges = engine(TRAIN, [text, "bpe"])
    python = BPETokenizer.train([text], vocab_size=256 + 500).merges
    assert len(merges) >= 4
    assert merges == [list(merge) for merge in python[: len(merges)]]


@pytest.mark.parametrize("text", TEXTS)
def test_the_page_learns_the_word_pieces_that_python_learns(engine, text):
    merges = engine(TRAIN, [text, "wordpiece"])
    learned = [left + right.removeprefix("##") for left, right in merges]
    python = list(WordPieceTokenizer.train([text], vocab_size=1000).vocab)
    new = [piece for piece in python if len(piece.removeprefix("##")) > 1]
    new = [piece for piece in new if not piece.startswith("[")]
    assert len(merges) >= 2
    assert list(dict.fromkeys(learned)) == new[: len(set(learned))]
