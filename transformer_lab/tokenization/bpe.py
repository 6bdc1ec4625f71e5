"""Byte-pair encoding: start from bytes, and glue the pair seen most often.

Training counts how often each pair of neighbours occurs, glues the most
frequent pair into a new token, and repeats. Encoding replays those merges in
the order in which they were learned. It leaves out other ways to choose pieces
(WordPiece, Unigram) and reads only the byte-level kind of `tokenizer.json`.

Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with
Subword Units"; on bytes: Radford et al. 2019 (GPT-2). Taught in chapter 3.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import regex

from transformer_lab.tokenization.byte_level import (
    from_letters,
    letter_of_byte,
    split_words,
    to_letters,
)

Pair = tuple[int, int]


class BPETokenizer:
    """Text to token IDs and back, by merges that were learned from text.

    Args:
        vocab: each piece, in byte letters (see `byte_level`), and its ID.
        merges: the pairs of pieces to glue, in the order of their learning.
        special_tokens: pieces that stand for themselves and are never cut.

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
    ) -> None:
        pieces = [piece for a, b in merges for piece in (a, b, a + b)]
        missing = [piece for piece in [*pieces, *special_tokens] if piece not in vocab]
        if missing:
            raise ValueError(f"the vocabulary has no entry for {missing[0]!r}")
        self.vocab = dict(vocab)
        self.merges = [tuple(merge) for merge in merges]
        self.special_tokens = tuple(special_tokens)
        self._piece_of_id = {id: piece for piece, id in vocab.items()}
        # For each pair of IDs: its rank (a lower one was learned earlier and is
        # glued first) and the ID of the glued piece.
        self._ranks = {
            (vocab[a], vocab[b]): (rank, vocab[a + b]) for rank, (a, b) in enumerate(self.merges)
        }
        self._special_pattern = _any_of(self.special_tokens)
        self._encode_word = lru_cache(maxsize=65536)(self._merge_word)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (),
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
        word_counts = Counter(word for text in texts for word in split_words(text))
        corpus = _Corpus(
            [[vocab[letter] for letter in to_letters(word)] for word in word_counts],
            list(word_counts.values()),
        )
        merges = []
        while len(pieces) < vocab_size and (pair := corpus.most_frequent_pair()):
            merge = (pieces[pair[0]], pieces[pair[1]])
            glued = merge[0] + merge[1]
            if glued not in vocab:  # two merges can spell the same piece
                vocab[glued] = len(pieces)
                pieces.append(glued)
            corpus.glue(pair, vocab[glued])
            merges.append(merge)
        return cls(vocab, merges, special_tokens)

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text`; a special token in it stands for itself."""
        ids: list[int] = []
        for part in self._special_pattern.split(text):
            if part in self.special_tokens:
                ids.append(self.vocab[part])
            else:
                ids.extend(id for word in split_words(part) for id in self._encode_word(word))
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these IDs, special tokens included.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        text, letters = [], []
        for id in ids:
            piece = self._lookup(id)
            if piece in self.special_tokens:
                text += [from_letters("".join(letters)), piece]
                letters = []
            else:
                letters.append(piece)
        return "".join([*text, from_letters("".join(letters))])

    def piece(self, id: int) -> str:
        """The readable text of one token; part of a character shows as U+FFFD."""
        piece = self._lookup(id)
        return piece if piece in self.special_tokens else from_letters(piece)

    def __len__(self) -> int:
        """The size of the vocabulary."""
        return len(self.vocab)

    def to_json(self) -> str:
        """This tokenizer as a Hugging Face `tokenizer.json`."""
        byte_level = {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        }
        special = {"special": True, "single_word": False, "lstrip": False, "rstrip": False}
        return json.dumps(
            {
                "version": "1.0",
                "truncation": None,
                "padding": None,
                "added_tokens": [
                    {"id": self.vocab[token], "content": token, "normalized": False, **special}
                    for token in self.special_tokens
                ],
                "normalizer": None,
                "pre_tokenizer": byte_level,
                "post_processor": None,
                "decoder": byte_level,
                "model": {"type": "BPE", "vocab": self.vocab, "merges": self.merges},
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> BPETokenizer:
        """Read a byte-level BPE `tokenizer.json`, ours or Hugging Face's.

        Raises:
            ValueError: if it is not JSON, or not a byte-level BPE tokenizer.
        """
        try:
            parts = json.loads(text)
            model, pre_tokenizer = parts["model"], parts["pre_tokenizer"] or {}
            if model["type"] != "BPE" or pre_tokenizer.get("type") != "ByteLevel":
                raise ValueError("this tokenizer.json is not a byte-level BPE tokenizer")
            merges = [
                tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge)
                for merge in model["merges"]
            ]
            special = [token["content"] for token in parts.get("added_tokens") or []]
            return cls(model["vocab"], merges, special)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"this is not a tokenizer.json: {error!r}") from error

    def _lookup(self, id: int) -> str:
        if id not in self._piece_of_id:
            raise ValueError(f"token ID {id} is not in this vocabulary of {len(self)}")
        return self._piece_of_id[id]

    def _merge_word(self, word: str) -> tuple[int, ...]:
        """Glue the pair that was learned first, until no pair is left to glue."""
        ids = [self.vocab[letter] for letter in to_letters(word)]
        while True:
            known = [pair for pair in pairwise(ids) if pair in self._ranks]
            if not known:
                return tuple(ids)
            pair = min(known, key=self._ranks.__getitem__)
            ids = glue(ids, pair, self._ranks[pair][1])


def glue(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    """Replace each occurrence of `pair`, from the left, by `new_id`.

    >>> glue([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    glued, position = [], 0
    while position < len(ids):
        if tuple(ids[position : position + 2]) == pair:
            glued.append(new_id)
            position += 2
        else:
            glued.append(ids[position])
            position += 1
    return glued


class _Corpus:
    """The distinct words of a text as IDs, with the count of every pair.

    A merge changes only the words that contain the pair, so only their counts
    are updated: with a rescan of all words for each merge, training would take
    hundreds of times longer.
    """

    def __init__(self, words: list[list[int]], counts: list[int]) -> None:
        self.words, self.counts = words, counts
        self.pair_counts: Counter[Pair] = Counter()
        self.words_with: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(words)):
            self._count(index, sign=1)
        # A heap gives the largest first. It may hold outdated counts: they are
        # thrown away when they come up.
        self.heap = [(-count, pair) for pair, count in self.pair_counts.items()]
        heapq.heapify(self.heap)

    def most_frequent_pair(self) -> Pair | None:
        """The pair to glue next; None if no pair is left."""
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            if self.pair_counts[pair] == -count > 0:
                return pair
        return None

    def glue(self, pair: Pair, new_id: int) -> None:
        """Glue `pair` in every word that has it, and keep the counts true."""
        changed: set[Pair] = set()
        for index in list(self.words_with[pair]):
            changed.update(self._count(index, sign=-1))
            self.words[index] = glue(self.words[index], pair, new_id)
            changed.update(self._count(index, sign=1))
        for other in changed:
            if self.pair_counts[other] > 0:
                heapq.heappush(self.heap, (-self.pair_counts[other], other))

    def _count(self, index: int, *, sign: int) -> set[Pair]:
        """Add (or take away) the pairs of one word; return which they are."""
        pairs = list(pairwise(self.words[index]))
        for pair in pairs:
            self.pair_counts[pair] += sign * self.counts[index]
        for pair in set(pairs):
            (self.words_with[pair].add if sign > 0 else self.words_with[pair].discard)(index)
        return set(pairs)


def _any_of(tokens: Sequence[str]) -> regex.Pattern:
    """A pattern that captures any of these tokens; it splits text around them."""
    if not tokens:
        return regex.compile(r"(?!)")  # matches nowhere
    longest_first = sorted(tokens, key=len, reverse=True)
    return regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
