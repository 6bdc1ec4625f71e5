"""Two more families of tokenizers, which keep no list of merges: their pieces have ranks.

Wherever two neighbours together are a piece of the vocabulary they may be glued, the
pair whose piece has the lowest rank first. What they start from differs:

- `TiktokenTokenizer`: bytes, in words that a pattern cuts (GPT-4 and what came after it).
- `SentencePieceTokenizer`: characters, of a text that no pattern has cut (LLaMA). A
  character without an entry is written as its bytes.

Both take any text as text: a special token written in it is none. It leaves out training
(see `bpe`), and SentencePiece's other kind of model, Unigram.

Sources: Kudo and Richardson 2018, "SentencePiece"; the libraries `sentencepiece` and
`tiktoken`, whose IDs these are. Taught in chapter 3.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import regex

from transformer_lab.tokenization.byte_level import (
    letter_of_byte,
    letters_to_bytes,
    to_letters,
)
from transformer_lab.tokenization.merging import Pair, glue_all
from transformer_lab.tokenization.vocabulary import Vocabulary, remembering

# A word takes one sign or space before it along; marks, such as the vowel signs of Hindi,
# belong to it; an upper-case letter after a lower-case one begins a new word; each digit
# stands alone. White_Space is spelt out as in `byte_level`.
WORD_PATTERN = regex.compile(
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"""
    r"""|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"""
    r"""|\p{N}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n/]*|\p{White_Space}*[\r\n]+"""
    r"""|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"""
)
SPACE = "▁"  # how SentencePiece writes a space


class _Gluable(dict[Pair, tuple[int, int]]):
    """For two IDs whose pieces together are a piece: its rank and its ID.

    There are several times as many such pairs as pieces, so one is noted when it is asked for.
    """

    def __init__(self, pieces: Mapping[int, str], ranks: Mapping[int, int]) -> None:
        super().__init__()
        self._pieces = pieces
        self._glued = {pieces[id]: (rank, id) for id, rank in ranks.items()}

    def __contains__(self, pair: object) -> bool:
        if not super().__contains__(pair):
            left, right = cast(Pair, pair)
            glued = self._glued.get(self._pieces[left] + self._pieces[right])
            if glued is None:
                return False
            self[left, right] = glued
        return True


class _Ranked(Vocabulary, ABC):
    """What both kinds share: each token is bytes, and a text is their bytes, put together."""

    @abstractmethod
    def token_bytes(self, id: int) -> bytes:
        """The UTF-8 bytes of one token, which may hold part of a character."""

    def piece(self, id: int) -> str:
        """The readable text of one token; part of a character shows as U+FFFD."""
        return self.token_bytes(id).decode("utf-8", errors="replace")

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these IDs.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")


class TiktokenTokenizer(_Ranked):
    """Byte-level pieces, glued by rank: tiktoken's way.

    Args:
        pieces: the pieces in byte letters (see `byte_level`), by rank; the 256 bytes too.
        first_id: the ID of the first of them. Special tokens of a model stand before it.

    Raises:
        ValueError: if a byte has no entry, or two entries are the same.

    >>> tokenizer = TiktokenTokenizer([*letter_of_byte().values(), "ow", "low"])
    >>> [tokenizer.piece(id) for id in tokenizer.encode("lower")]
    ['low', 'e', 'r']
    """

    def __init__(self, pieces: Sequence[str], *, first_id: int = 0) -> None:
        super().__init__({piece: id for id, piece in enumerate(pieces, first_id)})
        if len(self.vocab) < len(pieces) or not self.vocab.keys() >= {*letter_of_byte().values()}:
            raise ValueError("a vocabulary of this kind has an entry for each byte, and none twice")
        self.first_id = first_id
        ids = self._piece_of_id
        self._gluable = _Gluable(ids, {id: id for id in ids})
        self._encode_word = remembering(self._glue_word)

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text`."""
        return [id for word in WORD_PATTERN.findall(text) for id in self._encode_word(word)]

    def token_bytes(self, id: int) -> bytes:
        """The UTF-8 bytes of one token, which may hold part of a character."""
        return letters_to_bytes(Vocabulary.piece(self, id))

    def to_json(self) -> str:
        """What a figure needs of it: the pieces by rank, and the first ID."""
        parts = {"type": "tiktoken", "first_id": self.first_id, "pieces": [*self.vocab]}
        return json.dumps(parts, ensure_ascii=False)

    def _glue_word(self, word: str) -> tuple[int, ...]:
        letters = to_letters(word)
        if letters in self.vocab:  # a word that is a piece stays whole
            return (self.vocab[letters],)
        return tuple(glue_all([self.vocab[letter] for letter in letters], self._gluable))


class SentencePieceTokenizer(_Ranked):
    """Pieces of characters, glued by rank over the whole text: SentencePiece's way.

    A space is a character like others, written `▁`, and one is put before the text. The
    vocabulary has an entry for each byte, `<0x00>` to `<0xFF>`, for a character that has none.

    Args:
        pieces: all entries, by ID.
        ranks: for the ID of each piece that text can be glued to, its rank.

    Raises:
        ValueError: if a byte has no entry, or a character of a piece has none.

    >>> entries = [*(f"<0x{byte:02X}>" for byte in range(256)), "▁", "l", "o", "w", "ow", "low"]
    >>> tokenizer = SentencePieceTokenizer(entries, {id: id for id in range(256, 262)})
    >>> [tokenizer.piece(id) for id in tokenizer.encode("low")]
    [' ', 'low']
    """

    def __init__(self, pieces: Sequence[str], ranks: Mapping[int, int]) -> None:
        super().__init__({piece: id for id, piece in enumerate(pieces)})
        self.ranks = dict(ranks)
        self._bytes = [self.vocab.get(f"<0x{byte:02X}>", -1) for byte in range(256)]
        self._characters = {pieces[id]: id for id in ranks if len(pieces[id]) == 1}
        missing = {sign for id in ranks for sign in pieces[id]} - self._characters.keys()
        if missing or -1 in self._bytes or len(self.vocab) < len(pieces):
            raise ValueError(
                "a vocabulary of this kind has an entry for each byte and for each character "
                "of its pieces, and none twice"
            )
        self._gluable = _Gluable(self._piece_of_id, self.ranks)

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text`; a `▁` in it is read as a space."""
        ids: list[int] = []
        for character in (" " + text).replace(" ", SPACE) if text else "":
            id = self._characters.get(character)
            ids += self._spelt(character) if id is None else [id]
        return glue_all(ids, self._gluable)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these IDs, without the space that was put before it.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        return super().decode(ids).removeprefix(" ")

    def token_bytes(self, id: int) -> bytes:
        """The UTF-8 bytes of one token; none of a special one, which is no text."""
        piece = Vocabulary.piece(self, id)
        if id in self.ranks:
            return piece.replace(SPACE, " ").encode()
        return bytes([self._bytes.index(id)]) if id in self._bytes else b""

    def to_json(self) -> str:
        """What a figure needs of it: the pieces by ID, and each one's rank (null: no text)."""
        pieces = [*self.vocab]
        ranks = [self.ranks.get(id) for id in range(len(pieces))]
        return json.dumps(
            {"type": "sentencepiece", "pieces": pieces, "ranks": ranks}, ensure_ascii=False
        )

    def _spelt(self, character: str) -> list[int]:
        """A character as its bytes; a lone surrogate, which UTF-8 cannot hold, as U+FFFD."""
        letters = to_letters(character)
        return [self._bytes[byte] for byte in letters_to_bytes(letters)]
