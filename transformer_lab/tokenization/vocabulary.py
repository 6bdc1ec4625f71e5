"""What all tokenizers have: pieces of text, and a number for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

LONGEST_REMEMBERED = 64  # letters


def remembering(encode_word: Callable[[str], tuple[int, ...]]) -> Callable[[str], tuple[int, ...]]:
    """The same function, with a memory for words: a text repeats most of its words.

    Long ones are not kept. They hardly come back, and a stranger could fill the memory
    with them.
    """
    remembered = lru_cache(maxsize=65536)(encode_word)

    def encode(word: str) -> tuple[int, ...]:
        return remembered(word) if len(word) <= LONGEST_REMEMBERED else encode_word(word)

    return encode


class Vocabulary:
    """Pieces and their IDs. How a text is cut into pieces is left to the tokenizers.

    Args:
        vocab: the ID of each piece.

    >>> Vocabulary({"a": 0, "b": 1}).piece(1)
    'b'
    """

    def __init__(self, vocab: Mapping[str, int]) -> None:
        self.vocab = dict(vocab)
        self._piece_of_id = {id: piece for piece, id in vocab.items()}

    def __len__(self) -> int:
        """The size of the vocabulary."""
        return len(self.vocab)

    def piece(self, id: int) -> str:
        """The piece with this ID.

        Raises:
            ValueError: if the ID is not in the vocabulary.
        """
        if id not in self._piece_of_id:
            raise ValueError(f"token ID {id} is not in this vocabulary of {len(self)}")
        return self._piece_of_id[id]
