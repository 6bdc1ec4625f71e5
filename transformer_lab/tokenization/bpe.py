"""Byte-pair encoding: start from bytes, and glue the pair seen most often.

Training counts how often each pair of neighbours occurs, glues the most
frequent pair into a new token, and repeats. Encoding replays those merges in
the order in which they were learned. It leaves out other ways to choose pieces
(WordPiece, Unigram) and reads only the byte-level kind of `tokenizer.json`.

Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with
Subword Units"; on bytes: Radford et al. 2019 (GPT-2). Taught in chapter 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from transformer_lab.tokenization import hugging_face
from transformer_lab.tokenization.byte_level import (
    from_letters,
    letter_of_byte,
    letters_to_bytes,
    split_words,
    to_letters,
)
from transformer_lab.tokenization.hugging_face import ANY, AddedToken, account_for
from transformer_lab.tokenization.merging import Corpus, PairQueue, glue_all
from transformer_lab.tokenization.vocabulary import Vocabulary, remembering

# How Hugging Face's file names the two ways in which we cut text into words.
_BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}
_DECODER = {
    "type": ("ByteLevel",),
    "add_prefix_space": ANY,  # these three say nothing about decoding
    "trim_offsets": ANY,
    "use_regex": ANY,
}
_DIGITS_FIRST = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, _BYTE_LEVEL],
}
_NOTHING = (None, "", False, 0)
# The fields of a model of this kind, and the values that we support. With an entry for each
# byte nothing is unknown, so that what would be done with it does not matter.
_MODEL = {
    "type": ("BPE",),
    "vocab": ANY,
    "merges": ANY,
    "ignore_merges": (None, False, True),
    "dropout": _NOTHING,
    "continuing_subword_prefix": _NOTHING,
    "end_of_word_suffix": _NOTHING,
    "byte_fallback": _NOTHING,
    "unk_token": ANY,
    "fuse_unk": (None, False, True),
}
# Bytes that no UTF-8 text has.
_NEVER = {0xC0, 0xC1, *range(0xF5, 0x100)}


class BPETokenizer(Vocabulary):
    """Text to token IDs and back, by merges that were learned from text.

    Args:
        vocab: each piece, in byte letters (see `byte_level`), and its ID.
        merges: the pairs of pieces to glue, in the order of their learning.
        special_tokens: pieces that stand for themselves and are never cut.
        split_digits: whether each digit is a word of its own, so that no merge
            glues numbers (SmolLM2 and LLaMA do this).
        whole_words_first: whether a word that is an entry of the vocabulary is taken
            whole, even if no merges lead to it (Hugging Face's `ignore_merges`).

    Raises:
        ValueError: if a merge or a special token is not in the vocabulary.

    >>> tokenizer = BPETokenizer.train(["low", "low", "lower", "newer"], vocab_size=259)
    >>> [tokenizer.piece(id) for id in tokenizer.encode("lower")]
    ['low', 'er']
    >>> tokenizer.decode(tokenizer.encode("été 🙂"))
    'été 🙂'
    """

    def __init__(
        self,
        vocab: dict[str, int],
        merges: Sequence[tuple[str, str]],
        special_tokens: Sequence[str] = (),
        *,
        split_digits: bool = False,
        whole_words_first: bool = False,
    ) -> None:
        pieces = [piece for a, b in merges for piece in (a, b, a + b)]
        missing = [piece for piece in [*pieces, *special_tokens] if piece not in vocab]
        if missing:
            raise ValueError(f"the vocabulary has no entry for {missing[0]!r}")
        super().__init__(vocab)
        self.merges = [tuple(merge) for merge in merges]
        self.special_tokens = tuple(special_tokens)
        self.split_digits = split_digits
        self.whole_words_first = whole_words_first
        # For each pair of IDs: its rank (a lower one was learned earlier and is
        # glued first) and the ID of the glued piece.
        self._ranks = {
            (vocab[a], vocab[b]): (rank, vocab[a + b]) for rank, (a, b) in enumerate(self.merges)
        }
        self._special_ids = {token: vocab[token] for token in self.special_tokens}
        self._encode_word = remembering(self._merge_word)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (),
        split_digits: bool = False,
    ) -> BPETokenizer:
        """Learn merges from `texts` until the vocabulary has `vocab_size` entries.

        IDs: the special tokens, then the 256 bytes, then one for each merge.
        A tie goes to the pair with the lower IDs, so that the same texts give
        the same tokenizer. Fewer entries come out if the texts have no pair left.

        Raises:
            ValueError: if `vocab_size` leaves no room for the bytes.
        """
        pieces = [*special_tokens, *sorted(letter_of_byte().values())]
        if vocab_size < len(pieces):
            raise ValueError(
                f"vocab_size={vocab_size} is too small: 256 bytes and "
                f"{len(special_tokens)} special tokens need {len(pieces)}"
            )
        vocab = {piece: id for id, piece in enumerate(pieces)}
        word_counts = Counter(
            word for text in texts for word in split_words(text, split_digits=split_digits)
        )
        corpus = Corpus(
            [[vocab[letter] for letter in to_letters(word)] for word in word_counts],
            list(word_counts.values()),
        )
        queue = PairQueue(corpus.pair_counts.__getitem__)  # the most frequent first
        queue.update(corpus.pair_counts)
        merges = []
        while len(pieces) < vocab_size and (pair := queue.take()):
            merge = (pieces[pair[0]], pieces[pair[1]])
            glued = merge[0] + merge[1]
            if glued not in vocab:  # two merges can spell the same piece
                vocab[glued] = len(pieces)
                pieces.append(glued)
            queue.update(corpus.glue(pair, vocab[glued]))
            merges.append(merge)
        return cls(vocab, merges, special_tokens, split_digits=split_digits)

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text`; a special token in it stands for itself."""
        return hugging_face.encode_around(self._special_ids, text, self.encode_plain)

    def encode_plain(self, text: str) -> list[int]:
        """The token IDs of `text`, in which a special token is text like any other.

        For text that a stranger wrote: nothing in it can become a special token.
        Taught in chapter 14.

        >>> tokenizer = BPETokenizer.train([], vocab_size=257, special_tokens=["<end>"])
        >>> len(tokenizer.encode("<end>")), len(tokenizer.encode_plain("<end>"))
        (1, 5)
        """
        words = split_words(text, split_digits=self.split_digits)
        return [id for word in words for id in self._encode_word(word)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these IDs, special tokens included.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        text, letters = [], []
        for id in ids:
            piece = super().piece(id)
            if piece in self.special_tokens:
                text += [from_letters("".join(letters)), piece]
                letters = []
            else:
                letters.append(piece)
        return "".join([*text, from_letters("".join(letters))])

    def piece(self, id: int) -> str:
        """The readable text of one token; part of a character shows as U+FFFD."""
        piece = super().piece(id)
        return piece if piece in self.special_tokens else from_letters(piece)

    def token_bytes(self, id: int) -> bytes:
        """The UTF-8 bytes of one token, which may hold part of a character.

        A special token is no text: it has none.
        """
        piece = super().piece(id)
        return b"" if piece in self.special_tokens else letters_to_bytes(piece)

    def to_json(self) -> str:
        """This tokenizer as a Hugging Face `tokenizer.json`."""
        return hugging_face.write(
            [AddedToken(token, id) for token, id in self._special_ids.items()],
            pre_tokenizer=_DIGITS_FIRST if self.split_digits else _BYTE_LEVEL,
            decoder=_BYTE_LEVEL,
            model={
                "type": "BPE",
                **({"ignore_merges": True} if self.whole_words_first else {}),
                "vocab": self.vocab,
                "merges": self.merges,
            },
        )

    @classmethod
    def from_json(cls, text: str) -> BPETokenizer:
        """Read a byte-level BPE `tokenizer.json`, ours or Hugging Face's.

        Raises:
            ValueError: if it is no `tokenizer.json`, or has a field that this class
                does not support: it would cut text in another way than the file says.
        """
        parts, added = hugging_face.read(text)
        model, split_digits = parts["model"], _splits_digits(parts.get("pre_tokenizer"))
        if model["type"] != "BPE" or parts.get("normalizer") or split_digits is None:
            raise ValueError("this tokenizer.json is not a byte-level BPE tokenizer like GPT-2's")
        account_for(model, _MODEL, "the model of this tokenizer.json")
        decoder = parts.get("decoder") or {}
        account_for(decoder, _DECODER, "the decoder of this tokenizer.json")
        if "type" not in decoder:
            raise ValueError("the decoder of this tokenizer.json has no type")
        if model.get("unk_token") is not None and _missing_bytes(model["vocab"]):
            raise ValueError(
                "this tokenizer.json has an unknown token, and no entry for every byte: "
                "its text is not read byte by byte"
            )
        try:
            merges: list[Any] = [
                tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge)
                for merge in model["merges"]
            ]
            special = {token.content: token.id for token in added}
            return cls(
                model["vocab"] | special,
                merges,
                [*special],
                split_digits=split_digits,
                whole_words_first=bool(model.get("ignore_merges")),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a tokenizer.json: {error!r}") from error

    def _merge_word(self, word: str) -> tuple[int, ...]:
        """Glue the pair that was learned first, until no pair is left to glue."""
        letters = to_letters(word)
        if self.whole_words_first and letters in self.vocab:
            return (self.vocab[letters],)
        # A vocabulary may leave out bytes that no UTF-8 text has.
        ids = [self.vocab[letter] for letter in letters if letter in self.vocab]
        return tuple(glue_all(ids, self._ranks))


def _missing_bytes(vocab: dict[str, int]) -> bool:
    """Whether a byte that UTF-8 text can have is not in the vocabulary."""
    letters = letter_of_byte()
    return any(letters[byte] not in vocab for byte in set(letters) - _NEVER)


def _splits_digits(pre_tokenizer: dict | None) -> bool | None:
    """Whether this way to cut text into words splits digits; None if we do not know it."""
    match pre_tokenizer:
        case {"type": "Sequence", "pretokenizers": [first, second]}:
            digits_first = first == _DIGITS_FIRST["pretokenizers"][0]
            return True if digits_first and _splits_digits(second) is False else None
        case {"type": "ByteLevel", "add_prefix_space": False}:
            return False if pre_tokenizer.get("use_regex", True) else None
    return None
