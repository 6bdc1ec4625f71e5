"""Two real vocabularies of other families, read from the files of their own libraries.

Both come from Mistral's package `mistral-common` (Apache-2.0): the first tokenizer of the
Mistral models, of LLaMA's kind, as a SentencePiece file; and Tekken, of GPT-4's kind, made
for many languages, as a file of tiktoken's ranks. It leaves out their special tokens and
chat formats: here they only cut text. A file that says something else is refused.

Source: the layout of a SentencePiece file is `sentencepiece_model.proto` in its library, and
Protocol Buffers' encoding, https://protobuf.dev/programming-guides/encoding.
Taught in chapter 3.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

from transformer_lab.tokenization.byte_level import letter_of_byte
from transformer_lab.tokenization.hugging_face import ANY, account_for
from transformer_lab.tokenization.ranked import SentencePieceTokenizer, TiktokenTokenizer

# Tekken's pattern as its file has it; `ranked.WORD_PATTERN` is this one.
TEKKEN_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TEKKEN = {"config": ANY, "vocab": ANY}
_TEKKEN_CONFIG = {
    "pattern": (TEKKEN_PATTERN,),
    "num_vocab_tokens": ANY,
    "default_vocab_size": ANY,
    "default_num_special_tokens": ANY,
    "version": ("v3",),
}


def read_tekken(text: str) -> TiktokenTokenizer:
    """Read a Tekken file: pieces by rank, after the special tokens of the model.

    Raises:
        ValueError: if it is no such file, or says something that is not supported here.
    """
    try:
        parts = json.loads(text)
        account_for(parts, _TEKKEN, "the Tekken file")
        config, entries = parts["config"], parts["vocab"]
        account_for(config, _TEKKEN_CONFIG, "the Tekken file")
        n_special = config["default_num_special_tokens"]
        # The file has more than the models use: the last ones are left out, as its library does.
        entries = entries[: config["default_vocab_size"] - n_special]
        if [entry["rank"] for entry in entries] != [*range(len(entries))]:
            raise ValueError("the entries of the Tekken file do not stand in the order of rank")
        letters = letter_of_byte()
        pieces = [
            "".join(letters[byte] for byte in base64.b64decode(entry["token_bytes"]))
            for entry in entries
        ]
    except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"this is not a Tekken file: {error!r}") from error
    return TiktokenTokenizer(pieces, first_id=n_special)


# The numbers of the fields in a SentencePiece file: of the whole, and of a piece.
_PIECE, _TRAINER, _NORMALISER = 1, 2, 3
_TEXT, _SCORE, _KIND = 1, 2, 3
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6  # kinds of pieces
# Of what the trainer and the normaliser say, this decides how a text is cut: the model is
# BPE (2), a space stands before a word (24), what is unknown becomes bytes (35); the text
# is not changed (1, 2, 6), but a space is put before it (3), none is removed (4), and each
# is written as a sign (5). `_MISSING` is what it means if such a field is not there.
_DECIDES = {
    _TRAINER: {3: 2, 24: 0, 35: 1},
    _NORMALISER: {1: b"identity", 2: b"", 3: 1, 4: 0, 5: 1, 6: b""},
}
_MISSING = {_TRAINER: {3: 1, 24: 0, 35: 0}, _NORMALISER: {2: b"", 3: 1, 4: 1, 5: 1, 6: b""}}


def read_sentencepiece(content: bytes) -> SentencePieceTokenizer:
    """Read a SentencePiece file whose model is BPE with a fallback to bytes.

    Raises:
        ValueError: if it is no such file, or says something that is not supported here.
    """
    pieces, ranks = [], {}
    try:
        for number, value in _fields(content):
            fields = dict(_fields(value))
            if number != _PIECE:
                _check(number, fields)
                continue
            kind = fields.get(_KIND, _NORMAL)
            if kind not in (_NORMAL, _UNKNOWN, _CONTROL, _BYTE):
                raise ValueError(f"the SentencePiece file has a piece of kind {kind}")
            if kind == _NORMAL:
                ranks[len(pieces)] = -fields[_SCORE]  # the highest score is glued first
            pieces.append(fields[_TEXT].decode("utf-8"))
    except (IndexError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ValueError(f"this is not a SentencePiece file: {error!r}") from error
    return SentencePieceTokenizer(pieces, ranks)


def _check(number: int, fields: dict[int, Any]) -> None:
    """Refuse a trainer or normaliser that says something else than what is supported."""
    if number not in _DECIDES:
        raise ValueError(f"the SentencePiece file has a part {number}, which cannot be read")
    for field, supported in _DECIDES[number].items():
        says = fields.get(field, _MISSING[number].get(field))
        if says != supported:
            raise ValueError(
                f"field {number}.{field} of the SentencePiece file is {says!r}, and only "
                f"{supported!r} can be read"
            )


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message of Protocol Buffers: their numbers and values."""
    at = 0

    def whole_number() -> int:
        nonlocal at
        number = 0
        for shift in range(0, 70, 7):  # seven bits a byte, the lowest first
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # the eighth bit says that more follow
                return number
        raise ValueError("the SentencePiece file has a number of more than 64 bits")

    while at < len(message):
        field, kind = divmod(whole_number(), 8)
        if kind == 0:
            yield field, whole_number()
        elif kind == 2:  # bytes: text, or a message inside
            size = whole_number()
            if size > len(message) - at:
                raise ValueError("the SentencePiece file is cut off")
            at += size
            yield field, message[at - size : at]
        elif kind == 5:
            at += 4
            yield field, struct.unpack("<f", message[at - 4 : at])[0]
        else:
            raise ValueError(f"the SentencePiece file has a value of kind {kind}")
