"""Exercises: right answers pass, wrong ones do not, each known mistake gets its own hint.

`tests/exercises/` holds, chapter by chapter, what readers may write.
"""

import importlib
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from transformer_lab.exercises import EXERCISES, check

MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, mistake in enumerate(exercise.mistakes)
]

CHAPTERS = [
    importlib.import_module(f"tests.exercises.{path.stem}")
    for path in sorted(Path(__file__).with_name("exercises").glob("chapter_*.py"))
]
RIGHT = {name: answers for chapter in CHAPTERS for name, answers in chapter.RIGHT.items()}
WRONG = {name: answers for chapter in CHAPTERS for name, answers in chapter.WRONG.items()}


def each(answers):
    """One test for each answer, named by its exercise."""
    return [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, several in answers.items()
        for number, answer in enumerate(several)
    ]


# Written as a reader would, not as the package does.
READERS = {
    "hide_words": lambda ids, chosen, fate, others: [
        id if not c or f >= 0.9 else (4 if f < 0.8 else other)
        for id, c, f, other in zip(
            ids.tolist(), chosen.tolist(), fate.tolist(), others.tolist(), strict=True
        )
    ],
    "masked_loss": lambda logits, truth, chosen: (
        -(logits.log_softmax(-1)[torch.arange(len(truth)), truth] * chosen).sum() / chosen.sum()
    ),
    "token_types": lambda ids: [int(3 in ids.tolist()[:t]) for t in range(len(ids))],
    "one_sequence": lambda messages: (
        " ".join(f"<|{m['role']}|> {m['content']} <|end|>" for m in messages) + " <|assistant|>"
    ).split(),
    "learned_targets": lambda turns: [
        target
        for role, (opening, *words) in turns
        for target in [-100, *(words if role == "assistant" else len(words) * [-100])]
    ],
    "fit_window": lambda messages, room: _readers_window(messages, room),
    "kv_cache_bytes": lambda n_layers, n_kv_heads, d_head, n_tokens: sum(
        2 * 2 * n_kv_heads * d_head for _ in range(n_layers * n_tokens)
    ),
    "shared_head": lambda head, n_heads, n_kv_heads: int(head / (n_heads / n_kv_heads)),
    "gated_width": lambda d_ff: (2 * d_ff + 1) // 3,
    "shift_right": lambda ids: torch.stack(
        [
            torch.nn.functional.pad(ids, (1, 0), value=2),
            torch.nn.functional.pad(ids, (0, 1), value=3),
        ]
    ),
    "cross_attention": lambda x, memory: torch.nn.functional.scaled_dot_product_attention(
        x[None], memory[None], memory[None]
    )[0],
    "exact_match": lambda written, truth: (
        len([1 for i in range(len(truth)) if " ".join(written[i]) == " ".join(truth[i])])
        / len(truth)
    ),
    "block_parameters": lambda d, f: 4 * d * (d + 1) + f * (d + 1) + d * (f + 1) + 4 * d,
    "run_stream": lambda start, parts: _readers_stream(start, parts),
    "n_others_moved": lambda before, after, at: sum(
        (new - old).abs().max() > 0.001
        for i, (old, new) in enumerate(zip(before, after, strict=True))
        if i != at
    ),
    "most_frequent_pair": lambda words: _readers_pair(words),
    "merge_pair": lambda pieces, pair: (
        " ".join(pieces).replace(" ".join(pair), "".join(pair)).split()
    ),
    "wordpiece_encode": lambda word, vocab: _readers_pieces(word, vocab) or ["[UNK]"],
    "layer_norm": lambda x, weight, bias: torch.nn.functional.layer_norm(x, [4], weight, bias),
    "rms_norm": lambda x, weight: weight * x * ((x * x).mean(-1)[..., None] + 1e-5) ** -0.5,
    "pre_norm_block": lambda x, look, think, first, second: (
        x + look(first(x)) + think(second(x + look(first(x))))
    ),
    "feed_forward": lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1).clamp(min=0) @ w_2 + b_2,
    "collapse": lambda w_1, b_1, w_2, b_2: (
        torch.cat([w_1, b_1[None]]) @ w_2 + torch.cat([torch.zeros(len(w_1), len(b_2)), b_2[None]])
    ),
    "swiglu": lambda x, gate, up, down: ((x @ gate) / (1 + (-(x @ gate)).exp()) * (x @ up)) @ down,
    "cosine": lambda a, b: torch.cosine_similarity(a, b, dim=0),
    "separation": lambda vectors, labels: _readers_separation(vectors, labels.tolist()),
    "nearer_to_true": lambda vectors, labels, x: (
        torch.dist(x, vectors[labels].mean(0)) < torch.dist(x, vectors[~labels].mean(0))
    ),
    "rnn_step": lambda x, h, W, U, b: (
        (torch.cat([W, U], dim=1) * torch.cat([x, h])).sum(1) + b
    ).tanh(),
    "lstm_state": lambda c, keep, write, new: (
        c / (1 + (-keep).exp()) + new.tanh() / (1 + (-write).exp())
    ),
    "numbers_kept": lambda t, layers, heads, size: sum(
        2 * size for _ in range(t) for _ in range(layers) for _ in range(heads)
    ),
    "make_causal_mask": lambda n: [[column <= row for column in range(n)] for row in range(n)],
    "masked_weights": lambda scores, mask: (
        (scores.exp() * mask) / (scores.exp() * mask).sum(-1, keepdim=True)
    ),
    "causal_and_padding": lambda ids, pad: [
        [[s <= t and row[s] != pad for s in range(len(row))] for t in range(len(row))]
        for row in ids.tolist()
    ],
    "lookup_by_one_hot": lambda ids, table: [table[i].tolist() for i in ids],
    "sinusoidal_row": lambda position, d_model: [
        (math.cos if k % 2 else math.sin)(position / 10_000 ** (k // 2 * 2 / d_model))
        for k in range(d_model)
    ],
    "add_positions": lambda x, table: torch.stack(
        [x[:, t] + table[t] for t in range(x.shape[1])], dim=1
    ),
    "cosine_neighbours": lambda vectors, index, n: sorted(
        (i for i in range(len(vectors)) if i != index),
        key=lambda i: -torch.cosine_similarity(vectors[i], vectors[index], dim=0),
    )[:n],
    "scaled_scores": lambda q, k: torch.einsum("tk,sk->ts", q, k) / math.sqrt(q.shape[1]),
    "softmax_rows": lambda scores: scores.exp() / scores.exp().sum(dim=1, keepdim=True),
    "attend": lambda x, w_q, w_k, w_v: torch.nn.functional.scaled_dot_product_attention(
        (x @ w_q)[None], (x @ w_k)[None], (x @ w_v)[None]
    )[0],
    "split_heads": lambda x, n: x.view(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 1, 3),
    "previous_token_score": lambda w: sum(w[i, i - 1] for i in range(1, len(w))) / (len(w) - 1),
    "next_tokens": lambda ids: [[*row[1:], -100] for row in ids.tolist()],
    "cross_entropy": torch.nn.functional.cross_entropy,
    "with_temperature": lambda logits, t: (logits / t).exp() / (logits / t).exp().sum(),
    "top_p": lambda shares, p: _readers_top_p(shares.tolist(), p),
}


def _readers_pair(words):
    seen = [pair for word, n in words.items() for pair in pairwise(word) for _ in range(n)]
    return max(seen, key=seen.count)


def _readers_pieces(word, vocab, mark=""):
    """The pieces, or None if the word cannot be cut by the longest match."""
    if not word:
        return []
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocab:
            rest = _readers_pieces(word[end:], vocab, "##")
            return None if rest is None else [mark + word[:end], *rest]
    return None


def _readers_separation(vectors, labels):
    pairs = {True: [], False: []}
    for i in range(len(labels)):
        for j in range(i):
            pairs[labels[i] == labels[j]].append(float(vectors[i] @ vectors[j]))
    return sum(pairs[True]) / len(pairs[True]) - sum(pairs[False]) / len(pairs[False])


def _readers_window(messages, room):
    starts = [i for i, (role, _) in enumerate(messages) if role == "user"]
    for start in starts:
        kept = messages[:1] + messages[start:]
        if sum(n for _, n in kept) <= room:
            return kept
    return None


def _readers_stream(start, parts):
    return _readers_stream(start + parts[0](start), parts[1:]) if parts else start


def _readers_top_p(shares, p):
    kept, total = [0.0] * len(shares), 0.0
    for share, place in sorted(((s, i) for i, s in enumerate(shares)), reverse=True):
        if total < p:
            kept[place], total = share, total + share
    return [share / total for share in kept]


@pytest.mark.parametrize(("name", "answer"), each(RIGHT))
def test_a_readers_right_answer_is_right(name, answer):
    verdict = check(name, answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("name", "answer"), each(WRONG))
def test_a_readers_wrong_answer_is_wrong(name, answer):
    assert not check(name, answer)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_is_tried_with_four_right_and_six_wrong_answers(name):
    assert len(RIGHT.get(name, [])) >= 4
    assert len(WRONG.get(name, [])) >= 6


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_each_known_mistake_gets_its_own_hint(name, mistake):
    verdict = check(name, mistake.behaves_like)
    assert not verdict
    assert verdict.message == mistake.hint


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_knows_at_least_three_mistakes(name):
    hints = [mistake.hint for mistake in EXERCISES[name].mistakes]
    assert len(set(hints)) == len(hints) >= 3


def test_an_untouched_exercise_a_crash_and_a_wrong_type_are_one_sentence():
    assert "returns nothing yet" in check("top_p", lambda *_: ...).message
    assert "returns nothing yet" in check("top_p", lambda *_: None).message
    assert "stopped with ZeroDivisionError" in check("top_p", lambda *_: 1 / 0).message
    assert "returns a str" in check("top_p", lambda *_: "five").message


@pytest.mark.parametrize("error", [RuntimeError("no:\nline 2"), ValueError(""), KeyError("x")])
def test_a_crash_is_one_line_that_names_the_error(error):
    def crash(*_):
        raise error

    message = check("split_heads", crash).message
    assert message.startswith(f"The function stopped with {type(error).__name__}: ")
    assert "\n" not in message
    assert not message.rstrip().endswith((": ", ":\n", f"{type(error).__name__}:"))


CODE = re.compile(r"\w\(|\w\[|\w\.\w|==|lambda|@|\w = ")  # a call, an index, a method, ...


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_hint_is_words_and_never_code_to_copy(name, mistake):
    assert not CODE.search(mistake.hint)
    assert mistake.hint.endswith((".", "?"))


def test_what_counts_as_code_to_copy_finds_it():
    assert CODE.search("write x.softmax(-1)")
    assert CODE.search("take ids[:, 1:]")


@pytest.mark.parametrize(
    "form",
    [
        lambda weights: weights,
        lambda weights: weights.requires_grad_(),
        lambda weights: weights.numpy(),
        lambda weights: weights.tolist(),
        lambda weights: tuple(weights.tolist()),
        lambda weights: list(weights),
        lambda weights: [w.item() for w in weights],
    ],
)
def test_numbers_are_right_in_whatever_holds_them(form):
    assert check("softmax_rows", lambda scores: [form(row) for row in scores.softmax(-1)])


@pytest.mark.parametrize(
    "form", [float, np.float32, np.asarray, torch.as_tensor, lambda score: torch.tensor(score)]
)
def test_a_single_number_is_right_in_whatever_holds_it(form):
    assert check("previous_token_score", lambda w: form(w.diagonal(offset=-1).mean().item()))


@pytest.mark.parametrize("form", [list, tuple, np.array])
def test_words_are_right_in_whatever_holds_them(form):
    def merge(pieces, pair):
        return form(" ".join(pieces).replace(" ".join(pair), "".join(pair)).split())

    assert check("merge_pair", merge)


def test_a_wrong_shape_and_unknown_wrong_numbers_say_where():
    message = check("softmax_rows", lambda scores: scores[:1]).message
    assert "The shape is (1, " in message
    assert "was expected for a tensor of shape (" in message
    assert "the biggest difference is at index [" in (
        check("softmax_rows", lambda scores: scores * 0 + 0.125).message
    )


def test_a_wrong_number_is_shown_and_the_right_one_is_not():
    message = check("kv_cache_bytes", lambda *sizes: 17).message
    assert "it returns 17, which is not the right number" in message
    assert "index" not in message


def test_wrong_words_are_shown_and_the_right_ones_are_not():
    message = check("merge_pair", lambda pieces, pair: ["x"]).message
    assert "it returns ['x']" in message
    solution = EXERCISES["merge_pair"].solution(*EXERCISES["merge_pair"].inputs[0])
    assert str(solution) not in message
    assert not check("merge_pair", lambda pieces, pair: 5)
    assert not check("merge_pair", lambda pieces, pair: np.array(["x"]))
    assert not check("merge_pair", lambda pieces, pair: torch.zeros(3))


def test_a_list_whose_parts_do_not_fit_together_is_one_sentence():
    ragged = check("softmax_rows", lambda scores: [[1.0], [1.0, 2.0]]).message
    assert "a list whose parts are not numbers of one shape" in ragged
    assert not check("softmax_rows", lambda scores: [])
    assert not check("softmax_rows", lambda scores: scores * torch.nan)


def test_the_readers_function_cannot_change_the_inputs():
    def careless(weights):
        weights.zero_()
        return weights.diagonal(offset=-1).mean()

    assert not check("previous_token_score", careless)
    assert check("previous_token_score", READERS["previous_token_score"])


def test_an_unknown_exercise_is_one_clear_sentence():
    with pytest.raises(ValueError, match=r"there is no exercise 'nope'; there are: .*split_heads"):
        check("nope", len)
