"""Exercises: right answers pass, wrong ones do not, each known mistake gets its own hint.

`tests/exercises/` holds, chapter by chapter, what readers may write.
"""

import copy
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.exercises.every_verdict import RIGHT, WRONG
from transformer_lab.embeddings import sinusoidal_positions
from transformer_lab.exercises import EXERCISES, check
from transformer_lab.exercises.answers import numbers_in
from transformer_lab.exercises.exercise import Exercise

MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, mistake in enumerate(exercise.mistakes)
]


def each(answers):
    """One test for each answer, named by its exercise."""
    return [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, several in answers.items()
        for number, answer in enumerate(several)
    ]


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
def test_every_exercise_knows_at_least_four_mistakes(name):
    hints = [mistake.hint for mistake in EXERCISES[name].mistakes]
    assert len(set(hints)) == len(hints) >= 4
    assert EXERCISES[name].task.count("→") == 1  # what follows it is what is asked for


def test_an_untouched_exercise_a_crash_and_a_wrong_type_are_one_sentence():
    assert "returns nothing yet" in check("top_p", lambda *_: ...).message
    assert "returns nothing yet" in check("top_p", lambda *_: None).message
    assert "stopped with ZeroDivisionError" in check("top_p", lambda *_: 1 / 0).message
    assert "returns a value of type str" in check("top_p", lambda *_: "five").message


@pytest.mark.parametrize("error", [RuntimeError("no:\nline 2"), ValueError(""), KeyError("x")])
def test_a_crash_is_one_line_that_names_the_error(error):
    def crash(*_):
        raise error

    verdict = check("split_heads", crash)
    message = verdict.message
    assert verdict.error is error
    assert message.startswith(f"The function stopped with {type(error).__name__}: ")
    assert "\n" not in message
    assert not message.rstrip().endswith((": ", ":\n", f"{type(error).__name__}:"))


# Three exercises of our own: whatever the chapters ask, `check` treats answers alike.
OURS = {
    "rows": Exercise(
        task="scores (T, S) → weights (T, S)",
        inputs=[(torch.tensor([[0.5, 1.0, 3.0], [2.0, -1.0, 0.0]]),)],
        solution=lambda scores: scores.softmax(-1),
        mistakes=[],
    ),
    "number": Exercise(
        task="two numbers → their mean, rounded down or up",
        inputs=[(2, 5), (4, 9)],
        solution=lambda a, b: (a + b) // 2,
        also_right=[lambda a, b: (a + b + 1) // 2],
        mistakes=[],
    ),
    "words": Exercise(
        task="two words → both, in Unicode's order",
        inputs=[("b", "a"), ("c", "d")],
        solution=lambda one, other: sorted([one, other]),
        mistakes=[],
    ),
}


@pytest.fixture(autouse=True)
def our_exercises(monkeypatch):
    for name, exercise in OURS.items():
        monkeypatch.setitem(EXERCISES, name, exercise)


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
    assert check("rows", lambda scores: [form(row) for row in scores.softmax(-1)])


@pytest.mark.parametrize("form", [float, np.float32, np.asarray, torch.as_tensor, Fraction])
def test_a_single_number_is_right_in_whatever_holds_it(form):
    assert check("number", lambda a, b: form((a + b) // 2))


@pytest.mark.parametrize("form", [list, tuple, np.array])
def test_words_are_right_in_whatever_holds_them(form):
    assert check("words", lambda *words: form(sorted(words)))


def test_where_a_task_leaves_a_choice_each_is_right_and_a_mixture_is_not():
    assert check("number", lambda a, b: (a + b) // 2)
    assert check("number", lambda a, b: (a + b + 1) // 2)
    assert not check("number", lambda a, b: 3 if a == 2 else 7)


def test_a_wrong_shape_and_wrong_numbers_say_where_in_the_words_of_the_task():
    message = check("rows", lambda scores: scores[:1]).message
    assert message == (
        "For a tensor of shape (2, 3) it returns numbers of shape (1, 3) instead of numbers of "
        "shape (2, 3): the task asks for weights (T, S)."
    )
    message = check("rows", lambda scores: scores[:, :0]).message
    assert "it returns numbers of shape (2, 0) instead of" in message
    message = check("rows", lambda scores: scores.softmax(-1) + torch.eye(2, 3)[[1, 0]]).message
    assert message == (
        "For a tensor of shape (2, 3) the shape is right, but the numbers are not: the biggest "
        "difference is at index [0, 1], and the task asks for weights (T, S)."
    )


def test_functions_among_the_inputs_are_not_shown():
    message = check("run_stream", lambda start, parts: start[:1]).message
    assert message.startswith("For a tensor of shape (3, 2) it returns numbers of shape (1, 2) ")
    assert "function" not in message


def test_a_wrong_number_is_shown_and_the_right_one_is_not():
    for wrong in (17, 17.0, torch.tensor(17), np.int8(17), np.float32(17)):
        assert check("number", lambda a, b, wrong=wrong: wrong).message == (
            "For 2, 5 it returns 17, which is not right: the task asks for their mean, rounded "
            "down or up."
        )
    message = check("number", lambda a, b: [3.0]).message
    assert "it returns numbers of shape (1,) instead of a single number: the task asks" in message
    assert "a single number instead of numbers of" in check("rows", lambda scores: 0.5).message
    assert not check("number", lambda a, b: 10**400)


def test_wrong_words_are_shown_and_the_right_ones_are_not():
    message = check("words", lambda one, other: ["x"]).message
    assert message == (
        "For 'b', 'a' it returns ['x'], which is not right: the task asks for both, in "
        "Unicode's order."
    )
    for other in (5, np.array(["x"]), np.array(["a", "x"]), torch.zeros(3), {}, "ab"):
        assert not check("words", lambda *_, other=other: other)


def test_what_does_not_fit_together_is_one_sentence():
    ragged = check("rows", lambda scores: [[1.0], [1.0, 2.0]]).message
    assert "it returns a list whose parts are not numbers of one shape: the task asks" in ragged
    assert not check("rows", lambda scores: [])
    assert not check("rows", lambda scores: scores * torch.nan)
    assert "a value of type str: the task asks" in check("number", lambda a, b: "three").message
    assert (
        "it returns nothing: the task"
        in check("number", lambda a, b: None if a == 2 else 6).message
    )


ODD = ["", {}, {1}, object(), float, 1j, [[]], [1, [2]], -math.inf, 10**400, torch.zeros(0, 3)]
ODD += [torch.Tensor, torch.ones(2, device="meta"), torch.eye(2).to_sparse(), {"a": 1}.values()]
ODD += [np.array(["x"]), torch.ones(2, 3, dtype=torch.complex64), [None], range(3), iter("ab")]


@pytest.mark.parametrize("name", EXERCISES)
def test_whatever_comes_back_gets_one_sentence(name):
    for odd in ODD:
        verdict = check(name, lambda *inputs, odd=odd: odd)
        assert not verdict
        assert "\n" not in verdict.message
        assert "index []" not in verdict.message
        assert verdict.message.endswith((".", "?"))


def test_the_row_of_waves_is_that_of_the_package():
    row = EXERCISES["sinusoidal_row"].solution(3, 8)
    assert torch.equal(row, sinusoidal_positions(4, 8)[3])


def test_the_readers_function_cannot_change_the_inputs():
    def careless(weights):
        weights.zero_()
        return weights.diagonal(offset=-1).mean()

    assert not check("previous_token_score", careless)
    assert check("previous_token_score", lambda weights: weights.diagonal(offset=-1).mean())


def test_an_unknown_exercise_is_one_clear_sentence():
    with pytest.raises(ValueError, match=r"there is no exercise 'nope'; there are: .*split_heads"):
        check("nope", len)


@pytest.mark.parametrize("name", EXERCISES)
def test_nan_is_never_right_and_is_named(name):
    """NaN slips through comparisons, and some known mistakes end in it."""
    exercise = EXERCISES[name]
    wanted = [numbers_in(exercise.solution(*copy.deepcopy(inputs))) for inputs in exercise.inputs]
    assert wanted[0] is None or not any(map(math.isnan, wanted[0].flat))
    answers = iter(
        [math.nan if each is None else torch.full(each.shape, math.nan) for each in wanted]
    )
    verdict = check(name, lambda *inputs: next(answers))
    assert not verdict
    hints = [mistake.hint for mistake in exercise.mistakes]
    assert "nan" in verdict.message.lower() or verdict.message in hints
