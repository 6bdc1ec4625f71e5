"""The character tokenizer: nothing is lost, and Hugging Face reads the same."""

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.tokenization import CharacterTokenizer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(TEXTS)
def test_a_text_comes_back_as_it_was(text):
    tokenizer = CharacterTokenizer.of_text(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text)


@given(TEXTS, TEXTS)
def test_hugging_face_reads_the_file_and_gives_the_same_ids(seen, text):
    ours = CharacterTokenizer.of_text(seen)
    theirs = tokenizers.Tokenizer.from_str(ours.to_json())
    for sample in (seen, text.replace("[UNK]", "")):
        ids = ours.encode(sample)
        assert theirs.encode(sample).ids == ids
        assert theirs.decode(ids, skip_special_tokens=False) == ours.decode(ids)


@given(TEXTS)
def test_its_file_gives_the_same_tokenizer(text):
    tokenizer = CharacterTokenizer.of_text(text)
    assert CharacterTokenizer.from_json(tokenizer.to_json()).vocab == tokenizer.vocab


def test_a_character_that_was_not_seen_is_unknown():
    tokenizer = CharacterTokenizer.of_text("हम दोस्त हैं\r\n")
    assert tokenizer.decode(tokenizer.encode("हम x")) == "हम [UNK]"


@pytest.mark.parametrize(
    ("vocab", "says"),
    [({"a": 0}, r"no entry for '\[UNK\]'"), ({"[UNK]": 0, "ab": 1}, "'ab' is not one character")],
)
def test_a_vocabulary_that_is_none_is_refused(vocab, says):
    with pytest.raises(ValueError, match=says):
        CharacterTokenizer(vocab)


def test_the_file_of_another_tokenizer_is_refused():
    other = tokenizers.Tokenizer(tokenizers.models.BPE())
    with pytest.raises(ValueError, match="does not cut text into characters"):
        CharacterTokenizer.from_json(other.to_str())
    with pytest.raises(ValueError, match=r"not a tokenizer\.json"):
        CharacterTokenizer.from_json("{}")
