"""A token for each character: the simplest tokenizer that gives every text back.

The vocabulary is the list of characters that were seen; a character that was not
is unknown. It needs no training and suits a short text, from which no merges can
be learned. Sequences are long: about as many tokens as characters.

A character is a Unicode code point here, so that an accent or a vowel sign that
is written apart is a token of its own. Taught in chapter 3 (why not stop here?)
and chapter 12 (your own text).
"""

from __future__ import annotations

from collections.abc import Iterable

from transformer_lab.tokenization import hugging_face
from transformer_lab.tokenization.hugging_face import ANY, AddedToken, account_for
from transformer_lab.tokenization.vocabulary import Vocabulary

UNKNOWN = "[UNK]"
# Hugging Face's library says it like this: cut at every character, look each up.
_EVERY_CHARACTER = {
    "type": "Split",
    "pattern": {"Regex": r"[\s\S]"},
    "behavior": "Isolated",
    "invert": False,
}
_MODEL = {"type": ("WordLevel",), "vocab": ANY, "unk_token": (UNKNOWN,)}


class CharacterTokenizer(Vocabulary):
    """Text to token IDs, character by character.

    Args:
        vocab: each character and its ID; `[UNK]` stands for those not in it.

    Raises:
        ValueError: if `[UNK]` is missing, or an entry is not one character.

    >>> tokenizer = CharacterTokenizer.of_text("banana")
    >>> tokenizer.encode("nab"), tokenizer.decode(tokenizer.encode("nab"))
    ([3, 1, 2], 'nab')
    """

    def __init__(self, vocab: dict[str, int]) -> None:
        if UNKNOWN not in vocab:
            raise ValueError(f"the vocabulary has no entry for {UNKNOWN!r}")
        if wrong := [entry for entry in vocab if len(entry) != 1 and entry != UNKNOWN]:
            raise ValueError(f"the vocabulary's entry {wrong[0]!r} is not one character")
        super().__init__(vocab)
        self.special_tokens = (UNKNOWN,)
        self.unknown_id = vocab[UNKNOWN]

    @classmethod
    def of_text(cls, text: str) -> CharacterTokenizer:
        """A vocabulary of all characters of a text, in Unicode's order."""
        return cls({piece: id for id, piece in enumerate([UNKNOWN, *sorted(set(text))])})

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text`, one for each character."""
        return [self.vocab.get(character, self.unknown_id) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these IDs; an unknown character shows as `[UNK]`.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        return "".join(self.piece(id) for id in ids)

    def to_json(self) -> str:
        """This tokenizer as a Hugging Face `tokenizer.json`."""
        return hugging_face.write(
            [AddedToken(UNKNOWN, self.unknown_id)],
            pre_tokenizer=_EVERY_CHARACTER,
            decoder={"type": "Fuse"},
            model={"type": "WordLevel", "vocab": self.vocab, "unk_token": UNKNOWN},
        )

    @classmethod
    def from_json(cls, text: str) -> CharacterTokenizer:
        """Read what `to_json` wrote.

        Raises:
            ValueError: if it is no `tokenizer.json`, or cuts text in another way.
        """
        parts, added = hugging_face.read(text)
        model = parts["model"]
        known = (
            model["type"] == "WordLevel"
            and parts.get("pre_tokenizer") == _EVERY_CHARACTER
            and not parts.get("normalizer")
            and all(token.content == UNKNOWN for token in added)
        )
        if not known:
            raise ValueError("this tokenizer.json does not cut text into characters")
        account_for(model, _MODEL, "the model of this tokenizer.json")
        try:
            return cls(model["vocab"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not a tokenizer.json: {error!r}") from error
