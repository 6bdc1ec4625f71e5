"""Exercises: the reader writes a small function, and is told whether it is right.

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
from importlib import import_module
from pkgutil import iter_modules

from transformer_lab.exercises.answers import difference, same
from transformer_lab.exercises.exercise import Exercise, Function

CHAPTERS = [
    import_module(f"{__name__}.{module.name}")
    for module in iter_modules(__path__)
    if module.name.startswith("chapter_")
]
EXERCISES: dict[str, Exercise] = {
    name: exercise for chapter in CHAPTERS for name, exercise in chapter.EXERCISES.items()
}


@dataclass(frozen=True)
class Verdict:
    """Whether the reader's function is right, and what to tell the reader.

    `name` is the exercise's. `error` is what the function stopped with, if it did: its
    traceback has the line.
    """

    name: str
    right: bool
    message: str
    error: Exception | None = None

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
        return Verdict(name, False, _error_sentence(error), error)
    if all(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(name, False, "The function returns nothing yet. Does it end with `return`?")
    for right in (exercise.solution, *exercise.also_right):
        if _agree(exercise, answers, right):
            return Verdict(name, True, "Right.")
    for mistake in exercise.mistakes:
        if _agree(exercise, answers, mistake.behaves_like):
            return Verdict(name, False, mistake.hint)
    return Verdict(name, False, _first_difference(exercise, answers))


def _error_sentence(error: Exception) -> str:
    """The error in one sentence: its type, and the first line of its message."""
    first_line = (str(error).strip().splitlines() or ["it gives no reason"])[0]
    return f"The function stopped with {type(error).__name__}: {first_line}"


def _agree(exercise: Exercise, answers: list, reference: Function) -> bool:
    expected = [reference(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    return all(map(same, answers, expected))


def _first_difference(exercise: Exercise, answers: list) -> str:
    asked = exercise.task.partition("→")[2].strip(" .")
    for inputs, answer in zip(exercise.inputs, answers, strict=True):
        expected = exercise.solution(*copy.deepcopy(inputs))
        if not same(answer, expected):
            return difference(inputs, answer, expected, asked)
    raise AssertionError("called only when some answer differs")
