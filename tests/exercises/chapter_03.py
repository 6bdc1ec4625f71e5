"""Right and wrong answers to the exercises of chapter 3, as readers write them."""

from collections import Counter, defaultdict
from itertools import pairwise


def _pair_with_a_dict(words):
    seen = {}
    for word, n in words.items():
        for i in range(len(word) - 1):
            pair = (word[i], word[i + 1])
            seen[pair] = seen.get(pair, 0) + n
    return sorted(seen, key=seen.get)[-1]


def _pair_written_out(words):
    seen = [pair for word, n in words.items() for pair in pairwise(word) for _ in range(n)]
    return max(seen, key=seen.count)


def _pair_with_counter(words):
    counts = Counter()
    for word, n in words.items():
        counts.update({pair: n * list(pairwise(word)).count(pair) for pair in pairwise(word)})
    return list(counts.most_common(1)[0][0])


def _pair_with_its_best(words):
    counts = defaultdict(int)
    for word in words:
        for i in range(1, len(word)):
            counts[word[i - 1], word[i]] += words[word]
    best = None
    for pair in counts:
        if best is None or counts[pair] > counts[best]:
            best = pair
    return best


def _pairs(words, times=lambda n: n, order=tuple, key=None):
    counts = Counter()
    for word, n in words.items():
        for pair in pairwise(word):
            counts[order(pair)] += times(n)
    return max(counts, key=key or counts.get)


def _glued_in_place(pieces, pair):
    pieces, i = list(pieces), 0
    while i < len(pieces) - 1:
        if (pieces[i], pieces[i + 1]) == tuple(pair):
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
        i += 1
    return pieces


def _glued_by_recursion(pieces, pair):
    if len(pieces) < 2:
        return list(pieces)
    if (pieces[0], pieces[1]) == pair:
        return [pieces[0] + pieces[1], *_glued_by_recursion(pieces[2:], pair)]
    return [pieces[0], *_glued_by_recursion(pieces[1:], pair)]


def _glued_with_a_flag(pieces, pair):
    result, skip = [], False
    for i, piece in enumerate(pieces):
        if skip:
            skip = False
        elif i + 1 < len(pieces) and [piece, pieces[i + 1]] == list(pair):
            result.append(piece + pieces[i + 1])
            skip = True
        else:
            result.append(piece)
    return tuple(result)


def _glued_as_marked_text(pieces, pair):
    text = "|" + "||".join(pieces) + "|"
    return text.replace("|{}||{}|".format(*pair), "|{}{}|".format(*pair)).strip("|").split("||")


def _glued_pair_by_pair(pieces, pair):
    """Glues in a row of equal pieces what is glued already."""
    out = []
    for piece in pieces:
        if out and out[-1].endswith(pair[0]) and piece == pair[1]:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _cut_by_recursion(word, vocab, mark=""):
    def cut(rest, mark):
        if not rest:
            return []
        for end in range(len(rest), 0, -1):
            if mark + rest[:end] in vocab:
                after = cut(rest[end:], "##")
                return None if after is None else [mark + rest[:end], *after]
        return None

    pieces = cut(word, mark)
    return ["[UNK]"] if pieces is None else pieces


def _cut_with_two_pointers(word, vocab):
    pieces, start, end = [], 0, len(word)
    while start < len(word):
        if start == end:
            return ["[UNK]"]
        piece = word[start:end] if start == 0 else "##" + word[start:end]
        if piece in vocab:
            pieces.append(piece)
            start, end = end, len(word)
        else:
            end -= 1
    return pieces


def _cut_by_startswith(word, vocab):
    rest, pieces = word, ()
    while rest not in ("", "##"):
        fitting = [piece for piece in vocab if rest.startswith(piece) and piece != "##"]
        if not fitting:
            return ("[UNK]",)
        best = max(fitting, key=len)
        pieces, rest = (*pieces, best), "##" + rest[len(best) :]
    return pieces


def _cut_by_lengths(word, vocab):
    rest, first, pieces = word, True, []
    while rest:
        options = [
            n for n in range(1, len(rest) + 1) if ("" if first else "##") + rest[:n] in vocab
        ]
        if options == []:
            return ["[UNK]"]
        n = options[-1]
        pieces += [("" if first else "##") + rest[:n]]
        rest, first = rest[n:], False
    return pieces


def _cut_anywhere_first(word, vocab):
    """The longest piece anywhere in the word, then what is left of it and right of it."""
    if not word:
        return []
    for size in range(len(word), 0, -1):
        for start in range(len(word) - size + 1):
            piece = ("##" if start else "") + word[start : start + size]
            if piece in vocab:
                left = _cut_anywhere_first(word[:start], vocab)
                right = ["##" + p.removeprefix("##") for p in _right(word[start + size :], vocab)]
                return [*left, piece, *right]
    return ["[UNK]"]


def _right(word, vocab):
    return _cut_anywhere_first(word, {p.removeprefix("##") for p in vocab if p.startswith("##")})


RIGHT = {
    "most_frequent_pair": [
        _pair_with_a_dict,
        _pair_written_out,
        _pair_with_counter,
        _pair_with_its_best,
    ],
    "merge_pair": [
        _glued_in_place,
        _glued_by_recursion,
        _glued_with_a_flag,
        _glued_as_marked_text,
    ],
    "wordpiece_encode": [
        _cut_by_recursion,
        _cut_with_two_pointers,
        _cut_by_startswith,
        _cut_by_lengths,
    ],
}

WRONG = {
    "most_frequent_pair": [
        lambda words: _pairs(words, times=lambda n: 1),  # each word once
        lambda words: _pairs(words, order=lambda pair: tuple(sorted(pair))),
        lambda words: _pairs(words, order="".join),
        lambda words: _pairs(words, order=lambda pair: pair[::-1]),
        lambda words: _pairs({tuple("".join(word)): n for word, n in words.items()}),
        lambda words: max(
            {pair: n for word, n in words.items() for pair in pairwise(word)}.items(),
            key=lambda item: item[1],
        )[0],  # the last word's count only
        lambda words: max(words, key=words.get)[:2],  # of the most frequent word
        lambda words: _pairs({word: n * len(word) for word, n in words.items()}),
        lambda words: Counter(
            pair for word, n in words.items() for pair in set(pairwise(word)) for _ in range(n)
        ).most_common(1)[0][0],
        lambda words: Counter(
            piece for word, n in words.items() for piece in word for _ in range(n)
        ).most_common(1)[0][0],
        lambda words: _pair_with_its_best({sum(words, ()): 1}),  # all words in one row
    ],
    "merge_pair": [
        lambda pieces, pair: " ".join(pieces).replace(" ".join(pair), "".join(pair)).split(),
        lambda pieces, pair: [
            *"".join(pieces).replace("".join(pair), f" {''.join(pair)} ").split()
        ],
        _glued_pair_by_pair,
        lambda pieces, pair: ["".join(pieces)],
        lambda pieces, pair: pieces,
        lambda pieces, pair: [
            a + b if (a, b) == pair else a for a, b in zip(pieces, [*pieces[1:], ""], strict=True)
        ],  # the second piece comes once more
        lambda pieces, pair: [p for p in pieces if p not in pair],
        lambda pieces, pair: [
            p
            for i, p in enumerate(_glued_in_place(pieces, pair))
            if p != "".join(pair) or i == list(_glued_in_place(pieces, pair)).index(p)
        ],
        lambda pieces, pair: [
            p[::-1]
            for p in _glued_in_place([p[::-1] for p in pieces[::-1]], tuple(pair[::-1]))[::-1]
        ],  # from the right, if the pieces are single letters
    ],
    "wordpiece_encode": [
        lambda word, vocab: _cut_by_recursion(word, vocab | {p.strip("#") for p in vocab}),
        lambda word, vocab: [p.removeprefix("##") for p in _cut_by_recursion(word, vocab)],
        lambda word, vocab: _cut_by_recursion(word, vocab, mark="##"),
        lambda word, vocab: "[UNK]" if "x" in word else _cut_by_recursion(word, vocab),
        lambda word, vocab: [word] if word in vocab else ["[UNK]"],
        lambda word, vocab: [p if p in vocab else "[UNK]" for p in [word[0], *word[1:]]],
        lambda word, vocab: " ".join(_cut_by_recursion(word, vocab)),
        lambda word, vocab: [i for i in sorted(vocab) if i.strip("#") in word],
        _cut_anywhere_first,
        lambda word, vocab: [p for p in _cut_by_recursion(word, vocab) if p != "[UNK]"],
    ],
}
