"""Exercises: the right answer passes, each known mistake gets its own hint."""

import math
import re

import pytest
import torch

from transformer_lab.exercises import EXERCISES, check

MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, mistake in enumerate(exercise.mistakes)
]

# Written as a reader would, not as the package does.
READERS = {
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


def _readers_top_p(shares, p):
    kept, total = [0.0] * len(shares), 0.0
    for share, place in sorted(((s, i) for i, s in enumerate(shares)), reverse=True):
        if total < p:
            kept[place], total = share, total + share
    return [share / total for share in kept]


@pytest.mark.parametrize("name", EXERCISES)
def test_a_readers_right_solution_is_right(name):
    verdict = check(name, READERS[name])
    assert verdict.right, verdict


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


def test_a_wrong_shape_and_unknown_wrong_numbers_say_where():
    assert "shape is (2,), but (5,) was expected" in check("top_p", lambda s, p: s[:2]).message
    assert "numbers are not" in check("top_p", lambda s, p: s * 0 + 0.125).message


def test_the_readers_function_cannot_change_the_inputs():
    def careless(weights):
        weights.zero_()
        return weights.diagonal(offset=-1).mean()

    assert not check("previous_token_score", careless)
    assert check("previous_token_score", READERS["previous_token_score"])


def test_an_unknown_exercise_is_one_clear_sentence():
    with pytest.raises(ValueError, match=r"there is no exercise 'nope'; there are: .*split_heads"):
        check("nope", len)
