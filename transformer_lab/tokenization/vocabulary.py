"""What all tokenizers have: pieces of text, and a number for each."""

from __future__ import annotations

from collections.abc import Mapping


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
