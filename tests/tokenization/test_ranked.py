"""Tokenizers whose pieces have ranks: what is glued first, and what comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.tokenization.byte_level import letter_of_byte
from transformer_lab.tokenization.ranked import (
    WORD_PATTERN,
    SentencePieceTokenizer,
    TiktokenTokenizer,
)

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TIKTOKEN = TiktokenTokenizer([*letter_of_byte().values(), "ow", "low", "Ġlow"], first_id=7)
PIECES = [*BYTES, "<s>", "▁", "l", "o", "w", "ow", "low", "▁low"]
SENTENCE_PIECE = SentencePieceTokenizer(PIECES, {id: id for id in range(257, len(PIECES))})


@given(text=st.text())
def test_any_text_comes_back_but_for_the_sign_of_a_space(text):
    assert TIKTOKEN.decode(TIKTOKEN.encode(text)) == text
    back = SENTENCE_PIECE.decode(SENTENCE_PIECE.encode(text))
    assert back == text.replace("▁", " ")


@given(text=st.text())
def test_nothing_is_lost_between_words(text):
    assert "".join(WORD_PATTERN.findall(text)) == text


def test_what_a_character_needs_is_its_entry_or_its_bytes():
    ids = SENTENCE_PIECE.encode("low lé")
    assert [SENTENCE_PIECE.token_bytes(id) for id in ids] == [b" low", b" ", b"l", b"\xc3", b"\xa9"]


def test_ids_count_from_the_first_one():
    assert TIKTOKEN.encode("\x00low low") == [*TIKTOKEN.encode("\x00"), 7 + 257, 7 + 258]


def test_half_a_character_is_the_replacement_character():
    for tokenizer in (TIKTOKEN, SENTENCE_PIECE):
        assert tokenizer.decode(tokenizer.encode("a\ud800")) == "a\ufffd"


def test_a_long_word_is_no_problem():
    assert len(SENTENCE_PIECE.encode("low" * 20_000)) == 20_000


@pytest.mark.parametrize("pieces", [["a"], [*letter_of_byte().values(), "a"]])
def test_bytes_without_an_entry_and_entries_that_are_there_twice_are_refused(pieces):
    with pytest.raises(ValueError, match="an entry for each byte, and none twice"):
        TiktokenTokenizer(pieces)


@pytest.mark.parametrize("pieces", [["a"], [*BYTES, "a", "a"], [*BYTES, "a", "ab"]])
def test_characters_without_an_entry_are_refused(pieces):
    with pytest.raises(ValueError, match="each character of its pieces, and none twice"):
        SentencePieceTokenizer(pieces, {id: id for id in range(256, len(pieces))})


def test_an_unknown_id_is_one_clear_sentence():
    for tokenizer in (TIKTOKEN, SENTENCE_PIECE):
        with pytest.raises(ValueError, match="token ID 999 is not in this vocabulary"):
            tokenizer.decode([999])
