"""Exercises of chapter 3: tokenization."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from transformer_lab.exercises.exercise import Exercise, Mistake

Word = tuple[str, ...]


def _pair_counts(words: Iterable[tuple[Word, int]]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for pieces, count in words:
        for pair in pairwise(pieces):
            counts[pair] += count
    return counts


def _most_frequent_pair(words: dict[Word, int]) -> tuple[str, str]:
    return _pair_counts(words.items()).most_common(1)[0][0]


def _merge_pair(pieces: list[str], pair: tuple[str, str], *, step: int = 2) -> list[str]:
    """Glue from the left; after a match go on `step` pieces further."""
    merged, at = [], 0
    while at < len(pieces):
        found = tuple(pieces[at : at + 2]) == pair
        merged.append("".join(pair) if found else pieces[at])
        at += step if found else 1
    return merged


def _from_the_right(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    mirrored = _merge_pair([piece[::-1] for piece in pieces[::-1]], (pair[1][::-1], pair[0][::-1]))
    return [piece[::-1] for piece in mirrored[::-1]]


def _only_the_first(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    for at, found in enumerate(pairwise(pieces)):
        if found == pair:
            return [*pieces[:at], "".join(pair), *pieces[at + 2 :]]
    return pieces


def _in_the_text(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    """As text with spaces: then the end of one piece can pass for a piece."""
    return " ".join(pieces).replace(" ".join(pair), "".join(pair)).split()


def _longest_first(
    word: str,
    vocab: set[str],
    *,
    mark: str = "##",
    shortest: bool = False,
    whole_word_unknown: bool = True,
) -> list[str]:
    pieces, start = [], 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        prefix = mark if start else ""
        fitting = [end for end in ends if prefix + word[start:end] in vocab]
        if not fitting and whole_word_unknown:
            return ["[UNK]"]
        if not fitting:
            return [*pieces, "[UNK]"]
        end = min(fitting) if shortest else max(fitting)
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def _cut_from_the_end(word: str, vocab: set[str]) -> list[str]:
    """The longest piece that the word ends with; then the longest before it."""
    pieces: list[str] = []
    while word:
        for start in range(len(word)):
            piece = ("##" if start else "") + word[start:]
            if piece in vocab:
                break
        else:
            return ["[UNK]"]
        pieces, word = [piece, *pieces], word[:start]
    return pieces


def _all_cuts(word: str, vocab: set[str], mark: str = "") -> list[list[str]]:
    """Every way to cut a word, the one with the longest first piece first."""
    if not word:
        return [[]]
    return [
        [mark + word[:end], *rest]
        for end in range(len(word), 0, -1)
        if mark + word[:end] in vocab
        for rest in _all_cuts(word[end:], vocab, "##")
    ]


# In each, one pair leads alone. What else could be counted leads elsewhere in one
# of them: words once, pairs of letters, a pair once a word, pairs in any order.
_letters = {tuple("lower"): 2, tuple("wider"): 4, tuple("new"): 5, tuple("newer"): 1}
_twice = {tuple("antan"): 3, tuple("bat"): 5, tuple("tab"): 1}
_pieces = {("lo", "w"): 6, ("lo", "w", "er"): 3, ("n", "ew", "er"): 5, ("w", "id", "er"): 2}
_orders = {tuple("xy"): 9, tuple("abc"): 2, tuple("abd"): 3, tuple("ba"): 6}
_lengths = {tuple("quite"): 3, tuple("go"): 4}
_vocab = {"play", "##ing", "##in", "##g", "##ed", "p", "##l", "##a", "##y", "un", "##play", "in"}
_vocab |= {"##i", "##n", "ing"}
_greedy = {"un", "unh", "##happy", "##app", "##y", "a", "ab", "##bc", "##x", "##xy"}
_greedy |= {"vwx", "##yz", "##xyz", "v", "##w"}

EXERCISES = {
    "most_frequent_pair": Exercise(
        task="words: {(piece, …): count} → the pair of neighbours that is seen most often.",
        inputs=[(_letters,), (_twice,), (_pieces,), (_orders,), (_lengths,)],
        solution=_most_frequent_pair,
        mistakes=[
            Mistake(
                lambda words: _most_frequent_pair(dict.fromkeys(words, 1)),
                "Every word counts once here. A pair in a word that occurs six times was seen "
                "six times.",
            ),
            Mistake(
                lambda words: Counter(
                    {pair: n for word, n in words.items() for pair in pairwise(word)}
                ).most_common(1)[0][0],
                "A pair that occurs in several words keeps only the count of the last one. The "
                "counts must be added up.",
            ),
            Mistake(
                lambda words: min(
                    counts := _pair_counts(words.items()), key=lambda pair: counts[pair]
                ),
                "This is the rarest pair.",
            ),
            Mistake(
                lambda words: Counter(
                    pair
                    for word, n in words.items()
                    for pair in set(pairwise(word))
                    for _ in range(n)
                ).most_common(1)[0][0],
                "Within a word a pair counts only once here. A pair that stands twice in a word "
                "was seen twice there.",
            ),
            Mistake(
                lambda words: _most_frequent_pair(
                    {tuple("".join(word)): n for word, n in words.items()}
                ),
                "These are two letters. The neighbours that count are pieces, and a piece can be "
                "longer than a letter.",
            ),
            Mistake(
                lambda words: "".join(_most_frequent_pair(words)),
                "The pair is the right one, but it is glued already. The two pieces are wanted, "
                "one beside the other.",
            ),
            Mistake(
                lambda words: _pair_counts(words.items()).most_common(1)[0][1],
                "This is how often it was seen. The question asks for the pair itself.",
            ),
        ],
    ),
    "merge_pair": Exercise(
        task="pieces [str] and a pair → the pieces, with each occurrence of the pair glued.",
        inputs=[
            (list("banana"), ("a", "n")),
            (list("aaab"), ("a", "a")),
            (["low", "e", "r"], ("e", "s")),
            (["ba", "n", "a", "n", "an", "t"], ("a", "n")),
        ],
        solution=_merge_pair,
        mistakes=[
            Mistake(
                lambda pieces, pair: _merge_pair(pieces, pair, step=1),
                "After a match the second piece comes once more: it is inside the glued one "
                "already, so go on behind it.",
            ),
            Mistake(
                _from_the_right,
                "Nearly: in a run of equal pieces it matters where one begins. Glue from the left.",
            ),
            Mistake(
                _only_the_first,
                "Only the first occurrence is glued. A merge holds for the whole word.",
            ),
            Mistake(
                _in_the_text,
                "Nearly: here the end of a longer piece passes for a piece. In ba n there is no "
                "piece a.",
            ),
            Mistake(
                lambda pieces, pair: [
                    p for p in _merge_pair(pieces, pair) if p != "".join(pair) or p in pieces
                ],
                "The pair has gone, but the glued piece is missing in its place.",
            ),
        ],
    ),
    "wordpiece_encode": Exercise(
        task="word and vocab {str} → the pieces: the longest that fits, from the left.",
        inputs=[
            ("playing", _vocab),
            ("played", _vocab),
            ("unplaying", _vocab),
            ("playx", _vocab),
            ("unhappy", _greedy),
            ("abc", _greedy),
            ("axy", _greedy),
            ("vwxyz", _greedy),
            ("gin", _vocab),
        ],
        solution=_longest_first,
        mistakes=[
            Mistake(
                lambda word, vocab: [
                    piece.removeprefix("##") for piece in _longest_first(word, vocab)
                ],
                "The cuts are right, but the marks are gone: a piece that does not begin the "
                "word starts with ##.",
            ),
            Mistake(
                lambda word, vocab: _longest_first(word, vocab, mark=""),
                "Inside a word only pieces that start with ## may be used. Without the mark "
                "they are other entries of the vocabulary.",
            ),
            Mistake(
                lambda word, vocab: _longest_first(
                    word, vocab | {piece.removeprefix("##") for piece in vocab}
                ),
                "At the beginning of a word only pieces without ## may be used.",
            ),
            Mistake(
                lambda word, vocab: _longest_first(word, vocab, shortest=True),
                "Each time the shortest piece that fits is taken. It should be the longest.",
            ),
            Mistake(
                lambda word, vocab: _longest_first(word, vocab, whole_word_unknown=False),
                "Nearly: if any part of a word cannot be cut, the whole word is one [UNK].",
            ),
            Mistake(
                _cut_from_the_end,
                "This takes the longest piece at the end of the word first. Begin at the left.",
            ),
            Mistake(
                lambda word, vocab: next(iter(_all_cuts(word, vocab)), ["[UNK]"]),
                "Nearly: where the longest piece leads into a dead end, this goes back and tries "
                "a shorter one. WordPiece never goes back: then the word is unknown.",
            ),
            Mistake(
                lambda word, vocab: min(_all_cuts(word, vocab), key=len, default=["[UNK]"]),
                "This finds the cut with the fewest pieces. WordPiece does not plan ahead: each "
                "time it takes the longest piece that fits.",
            ),
        ],
    ),
}
