"""WordPiece: the tokenizer of BERT. The longest piece that fits, from the left.

A word is cut into the longest piece of the vocabulary that it starts with, then
the longest that the rest starts with, and so on. Pieces inside a word are marked
with `##`. A word that cannot be cut is unknown as a whole.

Training glues, like byte-pair encoding, two neighbours at a time, but not the
most frequent ones: those that belong together, seen together more often than
their parts' own frequency explains. Google never published its trainer; this takes
the score that is usually given for it, which is not the likelihood of the text that
the paper speaks of (chapter 3 measures both). (The trainer of Hugging Face's library
counts pairs, as BPE does, and only the encoding is WordPiece.) It leaves out BERT's
cased variant of the normaliser, but not the one that keeps accents: to Unicode, the
vowel signs of Hindi are such. It follows today's Unicode; Hugging Face's library keeps
older tables, so that some hundred characters of rare scripts differ.

Source: Schuster and Nakajima 2012, "Japanese and Korean Voice Search" (the
idea); Wu et al. 2016 and Devlin et al. 2019 (the pieces and the
encoding). Taught in chapter 3.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

import regex

from transformer_lab.tokenization import hugging_face
from transformer_lab.tokenization.hugging_face import ANY, AddedToken, account_for
from transformer_lab.tokenization.merging import Corpus, Pair, PairQueue
from transformer_lab.tokenization.vocabulary import Vocabulary, remembering

PAD, UNKNOWN, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PAD, UNKNOWN, CLS, SEP, MASK)
INSIDE = "##"  # marks a piece that does not begin a word
MAX_WORD = 100  # a longer word is unknown: it is hardly a word

_NORMALISER = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
_DECODER = {"type": "WordPiece", "prefix": INSIDE, "cleanup": True}
_MODEL = {
    "type": ("WordPiece",),
    "vocab": ANY,
    "unk_token": (UNKNOWN,),
    "continuing_subword_prefix": (INSIDE,),
    "max_input_chars_per_word": (MAX_WORD,),
}

_WHITE_SPACE = regex.compile(r"\p{White_Space}")
_REMOVED = regex.compile(r"\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]")
# Chinese characters are written without spaces, so each is a word. (BERT's own
# list starts the sixth block at 2B820; this is the list that models are used with.)
_CHINESE = regex.compile(
    r"[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF"
    r"\U00020000-\U0002A6DF\U0002A700-\U0002B73F\U0002B740-\U0002B81F"
    r"\U0002B920-\U0002CEAF\U0002F800-\U0002FA1F]"
)
# Every ASCII sign counts, also those that Unicode calls symbols, such as $ and +.
_WORD = regex.compile(r"[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+")


def normalise(text: str, *, strip_accents: bool = True) -> str:
    """BERT's reading of a text: lower case, no accents, no control characters.

    To Unicode, the vowel signs of Hindi are accents too: a tokenizer for it must
    not strip them.

    What is gone here is gone for good: WordPiece as in BERT cannot give the text
    back as it was.

    >>> normalise("Été\\u200b 東京")
    'ete  東  京 '
    """
    text = _WHITE_SPACE.sub(" ", _REMOVED.sub("", text))
    text = _CHINESE.sub(lambda match: f" {match[0]} ", text)
    if strip_accents:
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    # Letter by letter: Python would write a Greek sigma differently at a word's end.
    return "".join(char.lower() for char in text)


def split_words(text: str) -> list[str]:
    """Cut normalised text at white space, and around each punctuation mark.

    >>> split_words("it's 3.5 kg!")
    ['it', "'", 's', '3', '.', '5', 'kg', '!']
    """
    return _WORD.findall(text)


class WordPieceTokenizer(Vocabulary):
    """Text to token IDs by greedy longest match.

    Args:
        vocab: each piece and its ID; pieces inside a word start with `##`.
        strip_accents: see `normalise`.
        added: tokens that are found before the text is cut, beside BERT's five.

    Raises:
        ValueError: if one of BERT's five special tokens is missing.

    >>> pieces = [*SPECIAL_TOKENS, "play", "##ing", "##ed"]
    >>> tokenizer = WordPieceTokenizer({piece: id for id, piece in enumerate(pieces)})
    >>> [tokenizer.piece(id) for id in tokenizer.encode("Playing played plow")]
    ['play', '##ing', 'play', '##ed', '[UNK]']
    """

    def __init__(
        self,
        vocab: dict[str, int],
        *,
        strip_accents: bool = True,
        added: Iterable[AddedToken] = (),
    ) -> None:
        missing = [token for token in SPECIAL_TOKENS if token not in vocab]
        if missing:
            raise ValueError(f"the vocabulary has no entry for {missing[0]!r}")
        berts = {token: AddedToken(token, vocab[token]) for token in SPECIAL_TOKENS}
        self.added = tuple({**berts, **{token.content: token for token in added}}.values())
        super().__init__(vocab | {token.content: token.id for token in self.added})
        self._entries = dict(vocab)  # what a word may be cut into: no added token
        self.strip_accents = strip_accents
        self.special_tokens = tuple(token.content for token in self.added if token.special)
        # What is looked for in the text as it is, and what in the normalised text.
        self._as_it_is = {token.content: token.id for token in self.added if not token.normalized}
        self._normalised = {
            normalise(token.content, strip_accents=strip_accents): token.id
            for token in self.added
            if token.normalized
        }
        self._encode_word = remembering(self._longest_matches)

    @classmethod
    def of_words(cls, words: Iterable[str], *, strip_accents: bool = True) -> WordPieceTokenizer:
        """A vocabulary of whole words: what is not in it is unknown."""
        pieces = dict.fromkeys(normalise(word, strip_accents=strip_accents) for word in words)
        vocab = {piece: id for id, piece in enumerate([*SPECIAL_TOKENS, *pieces])}
        return cls(vocab, strip_accents=strip_accents)

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int, min_count: int = 2
    ) -> WordPieceTokenizer:
        """Learn pieces from `texts` until the vocabulary has `vocab_size` entries.

        The pair to glue next is the one with the highest score: the
        count of the pair over the product of the counts of its parts. A tie goes
        to the lower IDs.

        Args:
            texts: what to learn from.
            vocab_size: the size to stop at. Every letter that occurs has an
                entry, so there may be more; there may be fewer if no pair is left.
            min_count: how often a pair must be seen. Without a limit the score
                prefers pairs of letters that occur only once, with each other.
        """
        word_counts = Counter(word for text in texts for word in split_words(normalise(text)))
        words = [[word[0], *(INSIDE + letter for letter in word[1:])] for word in word_counts]
        pieces = [*SPECIAL_TOKENS, *sorted({piece for word in words for piece in word})]
        vocab = {piece: id for id, piece in enumerate(pieces)}
        corpus = Corpus(
            [[vocab[piece] for piece in word] for word in words], list(word_counts.values())
        )

        def score(pair: Pair) -> float:
            count = corpus.pair_counts[pair]
            if count < min_count:
                return 0.0
            return count / (corpus.piece_counts[pair[0]] * corpus.piece_counts[pair[1]])

        queue = PairQueue(score)
        queue.update(corpus.pair_counts)
        neighbours = _Neighbours(corpus.pair_counts)
        while len(pieces) < vocab_size and (pair := queue.take()):
            glued = pieces[pair[0]] + pieces[pair[1]].removeprefix(INSIDE)
            if glued not in vocab:  # two merges can spell the same piece
                vocab[glued] = len(pieces)
                pieces.append(glued)
            neighbours.add(corpus.glue(pair, vocab[glued]))
            # The parts are rarer now, so every pair with one of them scores anew.
            queue.update(neighbours.of(*pair, vocab[glued]))
        return cls(vocab)

    def encode(self, text: str) -> list[int]:
        """The token IDs of `text` alone; an added token in it stands for itself."""
        return hugging_face.encode_around(self._as_it_is, text, self._encode_part)

    def _encode_part(self, text: str) -> list[int]:
        """The same, once those tokens are found that are looked for in the text as it is."""
        text = normalise(text, strip_accents=self.strip_accents)
        return hugging_face.encode_around(self._normalised, text, self._encode_words)

    def _encode_words(self, text: str) -> list[int]:
        return [id for word in split_words(text) for id in self._encode_word(word)]

    def encode_for_bert(self, first: str, second: str | None = None) -> tuple[list, list]:
        """`[CLS] first [SEP]`, or `[CLS] first [SEP] second [SEP]`, as BERT reads it.

        Returns:
            The token IDs, and for each token its type: 0 in the first part, 1 in
            the second.
        """
        ids = [self.vocab[CLS], *self.encode(first), self.vocab[SEP]]
        types = [0] * len(ids)
        if second is not None:
            more = [*self.encode(second), self.vocab[SEP]]
            ids, types = ids + more, types + [1] * len(more)
        return ids, types

    def decode(self, ids: Iterable[int]) -> str:
        """A text with these tokens: the words are right, the spaces are guessed.

        Special tokens are left out, as Hugging Face's library does.

        Raises:
            ValueError: if an ID is not in the vocabulary.
        """
        text = ""
        for piece in map(self.piece, ids):
            if piece in self.special_tokens:
                continue
            if text and piece.startswith(INSIDE):
                text += piece.removeprefix(INSIDE)
            else:
                text += piece if not text or piece in ".,!?" else f" {piece}"
        return text

    def to_json(self) -> str:
        """This tokenizer as a Hugging Face `tokenizer.json`."""
        cls, sep = self.vocab[CLS], self.vocab[SEP]
        return hugging_face.write(
            self.added,
            normalizer=_NORMALISER | ({} if self.strip_accents else {"strip_accents": False}),
            pre_tokenizer={"type": "BertPreTokenizer"},
            post_processor={"type": "BertProcessing", "sep": [SEP, sep], "cls": [CLS, cls]},
            decoder=_DECODER,
            model={
                "type": "WordPiece",
                "unk_token": UNKNOWN,
                "continuing_subword_prefix": INSIDE,
                "max_input_chars_per_word": MAX_WORD,
                "vocab": self._entries,
            },
        )

    @classmethod
    def from_json(cls, text: str) -> WordPieceTokenizer:
        """Read a `tokenizer.json` of the uncased BERT kind, ours or Hugging Face's.

        Raises:
            ValueError: if it is no `tokenizer.json`, or cuts text in a way that
                this class does not know.
        """
        parts, added = hugging_face.read(text)
        model, normaliser = parts["model"], parts.get("normalizer") or {}
        known = (
            model["type"] == "WordPiece"
            and isinstance(normaliser, dict)
            and normaliser | {"strip_accents": None} == _NORMALISER
            and parts.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
            and model.keys() >= _MODEL.keys()
        )
        if not known:
            raise ValueError("this tokenizer.json is not a WordPiece tokenizer like uncased BERT's")
        account_for(model, _MODEL, "the model of this tokenizer.json")
        decoder = {name: (value,) for name, value in _DECODER.items()}
        if parts.get("decoder") is not None:
            account_for(parts["decoder"], decoder, "the decoder of this tokenizer.json")
        return cls(
            model["vocab"],
            strip_accents=normaliser.get("strip_accents") is not False,
            added=added,
        )

    def _longest_matches(self, word: str) -> tuple[int, ...]:
        """Cut one word from the left; all of it is unknown if any part of it is."""
        if len(word) > MAX_WORD:
            return (self.vocab[UNKNOWN],)
        ids, start = [], 0
        while start < len(word):
            prefix = INSIDE if start else ""
            for end in range(len(word), start, -1):
                if (id := self._entries.get(prefix + word[start:end])) is not None:
                    break
            else:
                return (self.vocab[UNKNOWN],)
            ids.append(id)
            start = end
        return tuple(ids)


class _Neighbours:
    """For each piece, the pairs that it was ever part of."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._pairs: dict[int, set[Pair]] = {}
        self.add(pairs)

    def add(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            for piece in pair:
                self._pairs.setdefault(piece, set()).add(pair)

    def of(self, *pieces: int) -> set[Pair]:
        """All pairs with one of these pieces."""
        return set().union(*(self._pairs.get(piece, ()) for piece in pieces))
