"""What both trainers share: words cut into pieces, and the count of every pair.

A merge changes only the words that contain the pair, so only their counts are
updated: with a rescan of all words for each merge, training would take hundreds
of times longer. Which pair is merged next is the trainers' own business.

Taught in chapter 3.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

Pair = tuple[int, int]


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


class Corpus:
    """The distinct words of a text as piece IDs, with counts that stay true.

    `pair_counts` says how often two pieces are neighbours, `piece_counts` how
    often a piece occurs.
    """

    def __init__(self, words: list[list[int]], counts: list[int]) -> None:
        self.words, self.counts = words, counts
        self.pair_counts: Counter[Pair] = Counter()
        self.piece_counts: Counter[int] = Counter()
        self._words_with: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(words)):
            self._count(index, sign=1)

    def glue(self, pair: Pair, new_id: int) -> set[Pair]:
        """Glue `pair` in every word that has it; return the pairs whose counts changed."""
        changed: set[Pair] = set()
        for index in list(self._words_with[pair]):
            changed |= self._count(index, sign=-1)
            self.words[index] = glue(self.words[index], pair, new_id)
            changed |= self._count(index, sign=1)
        return changed

    def _count(self, index: int, *, sign: int) -> set[Pair]:
        """Add (or take away) the pairs of one word; return which they are."""
        count = sign * self.counts[index]
        for piece in self.words[index]:
            self.piece_counts[piece] += count
        pairs = list(pairwise(self.words[index]))
        for pair in pairs:
            self.pair_counts[pair] += count
        for pair in set(pairs):
            (self._words_with[pair].add if sign > 0 else self._words_with[pair].discard)(index)
        return set(pairs)


class PairQueue:
    """Pairs by their score, the highest first; a tie goes to the lower IDs.

    Scores change while pairs wait. Each change puts the pair in once more, and
    what is outdated is thrown away when it comes up.
    """

    def __init__(self, score: Callable[[Pair], float]) -> None:
        self._score = score
        self._heap: list[tuple[float, Pair]] = []

    def update(self, pairs: Iterable[Pair]) -> None:
        """Note that the scores of these pairs may have changed."""
        for pair in pairs:
            if (score := self._score(pair)) > 0:
                heapq.heappush(self._heap, (-score, pair))

    def take(self) -> Pair | None:
        """The pair with the highest score; None if none has a score above 0."""
        while self._heap:
            score, pair = heapq.heappop(self._heap)
            if self._score(pair) == -score:
                return pair
        return None
