"""Two real vocabularies give the IDs that their own libraries give."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.texts import LETTERS
from transformer_lab import pretrained
from transformer_lab.pretrained.vocabularies import (
    TEKKEN_PATTERN,
    read_sentencepiece,
    read_tekken,
)

# Many of its characters are close to each other.
any_text = st.text(
    st.one_of(*LETTERS, st.sampled_from("aAeEthing  \n\r\t'/1.2▁🙂👩\u200d\u0301")), max_size=60
)


@pytest.fixture(scope="module")
def sentencepiece_file() -> bytes:
    return pretrained.package_file(pretrained.MISTRAL, "tokenizer.model.v1").read_bytes()


@pytest.fixture(scope="module")
def sentencepiece(sentencepiece_file):
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_proto=sentencepiece_file)


@pytest.fixture(scope="module")
def tiktoken():
    from tiktoken import Encoding

    path = pretrained.package_file(pretrained.MISTRAL, "tekken_240718.json")
    file = json.loads(path.read_text("utf-8"))
    size = file["config"]["default_vocab_size"] - file["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in file["vocab"]}
    ranks = {piece: rank for piece, rank in ranks.items() if rank < size}
    pattern = file["config"]["pattern"]
    return Encoding("tekken", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def test_both_are_whole():
    assert len(pretrained.mistral_tokenizer()) == 32_000
    tekken = pretrained.tekken_tokenizer()
    assert tekken.first_id + len(tekken) == 131_072


@given(text=any_text)
def test_mistrals_ids_are_those_of_sentencepiece(sentencepiece, text):
    ours = pretrained.mistral_tokenizer()
    assert ours.encode(text) == sentencepiece.encode(text)
    assert ours.decode(ours.encode(text)) == sentencepiece.decode(ours.encode(text))


@given(text=any_text)
def test_tekkens_ids_are_those_of_tiktoken_after_the_special_ones(tiktoken, text):
    ours = pretrained.tekken_tokenizer()
    expected = [ours.first_id + rank for rank in tiktoken.encode_ordinary(text)]
    assert ours.encode(text) == expected
    assert ours.decode(expected) == text


BYTES = [
    {"rank": byte, "token_bytes": base64.b64encode(bytes([byte])).decode(), "token_str": None}
    for byte in range(256)
]
CONFIG = {
    "pattern": TEKKEN_PATTERN,
    "num_vocab_tokens": 256,
    "default_vocab_size": 260,
    "default_num_special_tokens": 4,
    "version": "v3",
}


def test_a_small_tekken_file_is_read():
    tokenizer = read_tekken(json.dumps({"config": CONFIG, "vocab": BYTES}))
    assert tokenizer.encode("a") == [4 + ord("a")]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ([], "holds no names and values"),
        ({"config": CONFIG, "vocab": BYTES, "more": 1}, "has a field 'more', which cannot be read"),
        ({"config": CONFIG | {"pattern": "."}, "vocab": BYTES}, r"has pattern='\.'"),
        ({"config": CONFIG | {"more": 1}, "vocab": BYTES}, "has a field 'more'"),
        ({"config": CONFIG, "vocab": BYTES[::-1]}, "in the order of rank"),
        ({"config": CONFIG, "vocab": BYTES[:9]}, "an entry for each byte"),
        ({"config": CONFIG, "vocab": [{"rank": 0}]}, "not a Tekken file"),
        ({"config": {}, "vocab": BYTES}, "not a Tekken file"),
    ],
)
def test_another_tekken_file_is_refused_in_one_sentence(file, says):
    with pytest.raises(ValueError, match=says) as error:
        read_tekken(json.dumps(file))
    assert "\n" not in str(error.value)


# In the file's bytes: the kind of the model, then the size of its vocabulary.
BPE, UNIGRAM = b"\x18\x02\x20\x80\xfa\x01", b"\x18\x01\x20\x80\xfa\x01"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file[: len(file) // 2], "cut off|not a SentencePiece file"),
        (lambda file: b"\xff" * 20, "more than 64 bits"),
        (lambda file: b"", "each byte"),
        (lambda file: file + b"\x22\x00", "has a part 4"),
        (lambda file: file.replace(b"identity", b"nmt_nfkc"), "field 3.1 .* is b'nmt_nfkc'"),
        (lambda file: file.replace(BPE, UNIGRAM), "field 2.3 .* is 1"),
    ],
    ids=["half", "noise", "empty", "a new part", "another normaliser", "Unigram"],
)
def test_another_sentencepiece_file_is_refused_in_one_sentence(sentencepiece_file, change, says):
    changed = change(sentencepiece_file)
    assert changed != sentencepiece_file
    with pytest.raises(ValueError, match=says) as error:
        read_sentencepiece(changed)
    assert "\n" not in str(error.value)
