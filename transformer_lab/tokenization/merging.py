"""Gluing pairs: in a word that is cut, and in all words of a text that is learned from.

In training, a merge changes only the words that contain the pair, so only their counts are
updated: with a rescan of all words for each merge, training would take several
times as long (chapter 3). Which pair is merged next is the trainers' own business.

Taught in chapter 3.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

Pair = tuple[int, int]
_SWALLOWED = -1  # no ID: this piece is part of the one before now


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


def glue_all(ids: Sequence[int], ranks: Mapping[Pair, tuple[int, int]]) -> list[int]:
    """Glue pairs until none is left that can be glued: the lowest rank first, from the left.

    Pairs wait in a heap, and each piece knows its neighbours, so that a long word costs
    hardly more for each of its letters than a short one: n letters take about n log n.

    Args:
        ids: the pieces of a word.
        ranks: for each pair that can be glued, its rank and the ID of the glued piece.

    >>> glue_all([1, 1, 1, 2], {(1, 1): (1, 9), (9, 1): (2, 8), (1, 2): (0, 7)})
    [9, 7]
    """
    pieces = list(ids)
    after = [*range(1, len(pieces)), None]
    before = [None, *range(len(pieces) - 1)]
    heap: list[tuple[int, int, Pair]] = []

    def wait(left: int | None, right: int | None) -> None:
        if left is not None and right is not None:
            pair = (pieces[left], pieces[right])
            if pair in ranks:
                heapq.heappush(heap, (ranks[pair][0], left, pair))

    for left in range(len(pieces) - 1):
        wait(left, left + 1)
    while heap:
        _, left, pair = heapq.heappop(heap)
        right = after[left]
        if right is None or (pieces[left], pieces[right]) != pair:
            continue  # one of the two has been glued to something else meanwhile
        pieces[left], pieces[right] = ranks[pair][1], _SWALLOWED
        after[left] = after[right]
        if after[right] is not None:
            before[after[right]] = left
        wait(before[left], left)
        wait(left, after[left])
    return [piece for piece in pieces if piece != _SWALLOWED]


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
