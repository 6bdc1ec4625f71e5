"""Exercises: the reader writes a small function, and hears how it went.

`check("split_heads", my_function)` runs the function on a few inputs. If it is
wrong, it is compared with the mistakes that are known for this exercise, each
of them written down as a function too, and the reader gets the hint for the one
it behaves like. The solution itself is never printed.

An exercise is a row of its chapter's `EXERCISES`: inputs, the right function,
known mistakes. The rows of chapter 7 stand in `chapter_07.py`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from transformer_lab.exercises import (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
    chapter_15,
)
from transformer_lab.exercises.exercise import Exercise, Function

_CHAPTERS = (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
    chapter_15,
)
EXERCISES: dict[str, Exercise] = {
    name: exercise for chapter in _CHAPTERS for name, exercise in chapter.EXERCISES.items()
}


@dataclass(frozen=True)
class Verdict:
    """Whether the reader's function is right, and what to tell the reader."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return ("✓ " if self.right else "✗ ") + self.message


def check(name: str, function: Function) -> Verdict:
    """Try the reader's function; say that it is right, or give a hint.

    Args:
        name: of the exercise, as the notebook gives it.
        function: the reader's solution.

    Raises:
        ValueError: if there is no exercise of that name.

    >>> check("previous_token_score", lambda weights: weights.diagonal().mean())
    ✗ This looks at the main diagonal: each token's weight on itself. The token before is one column to the left.
    """  # noqa: E501
    if name not in EXERCISES:
        raise ValueError(f"there is no exercise {name!r}; there are: {', '.join(EXERCISES)}")
    exercise = EXERCISES[name]
    try:
        answers = [function(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    except Exception as error:
        return Verdict(False, _what_stopped(error))
    if all(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "The function returns nothing yet. Does it end with `return`?")
    if _agree(exercise, answers, exercise.solution):
        return Verdict(True, "Right.")
    for mistake in exercise.mistakes:
        if _agree(exercise, answers, mistake.behaves_like):
            return Verdict(False, mistake.hint)
    return Verdict(False, _first_difference(exercise, answers))


def _what_stopped(error: Exception) -> str:
    """The error in one sentence: its kind, and the first line of what it says."""
    first_line = (str(error).strip().splitlines() or ["it says no more than that"])[0]
    return f"The function stopped with {type(error).__name__}: {first_line}"


def _agree(exercise: Exercise, answers: list, reference: Function) -> bool:
    expected = [reference(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    return all(_same(answer, value) for answer, value in zip(answers, expected, strict=True))


def _same(answer: object, expected: object) -> bool:
    if _tensor(expected) is None:  # words, or lists of words
        return _as_list(answer) == _as_list(expected)
    answer, expected = _tensor(answer), _tensor(expected)
    if answer is None or expected is None or answer.shape != expected.shape:
        return False
    return torch.allclose(answer, expected, atol=1e-5, equal_nan=True)


def _tensor(value: object) -> Tensor | None:
    """Tensors, numbers and lists of numbers alike; None for anything else."""
    try:
        return torch.as_tensor(value).double()
    except (TypeError, ValueError, RuntimeError):
        return None


def _as_list(value: object) -> object:
    """Tuples and lists alike."""
    return [_as_list(item) for item in value] if isinstance(value, (tuple, list)) else value


def _first_difference(exercise: Exercise, answers: list) -> str:
    for inputs, answer in zip(exercise.inputs, answers, strict=True):
        wanted = exercise.solution(*copy.deepcopy(inputs))
        expected, given = _tensor(wanted), _tensor(answer)
        if expected is None:
            if _same(answer, wanted):
                continue
            return f"For {inputs[0]!r} it returns {answer!r}; {wanted!r} was expected."
        if given is None:
            return f"The function returns a {type(answer).__name__}; a tensor was expected."
        if given.shape != expected.shape:
            return (
                f"The shape is {tuple(given.shape)}, but {tuple(expected.shape)} was expected "
                f"for an input of shape {tuple(_tensor(inputs[0]).shape)}."
            )
        if not _same(given, expected):
            off = int((given - expected).abs().argmax())
            where = [int(i) for i in torch.unravel_index(torch.tensor(off), expected.shape)]
            return (
                "The shape is right, but the numbers are not: the first big difference is "
                f"at index {where}. Try the function on an input small enough to do by hand."
            )
    raise AssertionError("called only when some answer differs")
