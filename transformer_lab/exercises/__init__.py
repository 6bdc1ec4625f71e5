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

import numpy as np
import torch
from torch import Tensor

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
        return Verdict(False, _error_sentence(error))
    if all(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "The function returns nothing yet. Does it end with `return`?")
    for right in (exercise.solution, *exercise.also_right):
        if _agree(exercise, answers, right):
            return Verdict(True, "Right.")
    for mistake in exercise.mistakes:
        if _agree(exercise, answers, mistake.behaves_like):
            return Verdict(False, mistake.hint)
    return Verdict(False, _first_difference(exercise, answers))


def _error_sentence(error: Exception) -> str:
    """The error in one sentence: its type, and the first line of its message."""
    first_line = (str(error).strip().splitlines() or ["it gives no reason"])[0]
    return f"The function stopped with {type(error).__name__}: {first_line}"


# --- Whether two answers are the same ----------------------------------------------


def _agree(exercise: Exercise, answers: list, reference: Function) -> bool:
    expected = [reference(*copy.deepcopy(inputs)) for inputs in exercise.inputs]
    return all(_same(answer, value) for answer, value in zip(answers, expected, strict=True))


def _same(answer: object, expected: object) -> bool:
    numbers, wanted = _as_tensor(answer), _as_tensor(expected)
    if wanted is None:  # words, or lists of words
        return _as_lists(answer) == _as_lists(expected)
    if numbers is None or numbers.shape != wanted.shape:
        return False
    return torch.allclose(numbers, wanted, atol=1e-5, equal_nan=True)


def _as_tensor(value: object) -> Tensor | None:
    """Numbers in whatever holds them: a tensor, an array, a number, or lists and tuples of
    these. None for anything else, and for lists whose parts differ in shape."""
    if isinstance(value, (list, tuple)) and value:
        parts = [part for item in value if (part := _as_tensor(item)) is not None]
        if len(parts) < len(value) or len({part.shape for part in parts}) > 1:
            return None
        return torch.stack(parts)
    try:
        return torch.as_tensor(value).detach().double()
    except (TypeError, ValueError, RuntimeError):
        return None


def _as_lists(value: object) -> object:
    """Lists for tuples, tensors and arrays alike, so that `==` gives one answer."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        value = value.tolist()
    return [_as_lists(item) for item in value] if isinstance(value, (tuple, list)) else value


# --- What to say about a wrong answer ----------------------------------------------


def _first_difference(exercise: Exercise, answers: list) -> str:
    for inputs, answer in zip(exercise.inputs, answers, strict=True):
        wanted = exercise.solution(*copy.deepcopy(inputs))
        if not _same(answer, wanted):
            return _difference(inputs, answer, wanted)
    raise AssertionError("called only when some answer differs")


def _difference(inputs: tuple, answer: object, wanted: object) -> str:
    """One sentence on the first answer that differs. It shows what was given, never what was
    wanted: to work that out is the exercise."""
    numbers, expected = _as_tensor(answer), _as_tensor(wanted)
    if expected is None:
        return (
            f"For {_shown(inputs)} it returns {answer!r}. Work this one out by hand: what differs?"
        )
    if numbers is None:
        kind = "a number" if expected.ndim == 0 else "a tensor"
        return f"The function returns {_type_in_words(answer)}; {kind} was expected."
    if numbers.shape != expected.shape:
        return (
            f"The shape is {tuple(numbers.shape)}, but {tuple(expected.shape)} was expected "
            f"for {_shown(inputs)}."
        )
    if numbers.isnan().any():
        return (
            f"For {_shown(inputs)} the answer holds NaN, which is no number: it comes from 0 / 0, "
            "from infinity minus infinity, or from a root or logarithm of what is negative."
        )
    if expected.ndim == 0:
        return f"For {_shown(inputs)} it returns {answer!r}, which is not the right number."
    off = int((numbers - expected).abs().argmax())
    where = [int(i) for i in torch.unravel_index(torch.tensor(off), expected.shape)]
    return (
        "The shape is right, but the numbers are not: the biggest difference is "
        f"at index {where}. Try the function on an input small enough to do by hand."
    )


def _type_in_words(value: object) -> str:
    if isinstance(value, (list, tuple)) and _as_lists(value):
        return f"a {type(value).__name__} whose parts are not numbers of one shape"
    return f"a {type(value).__name__}"


def _shown(inputs: tuple) -> str:
    """The inputs as a reader can recognise them: a tensor by its shape, the rest as it is."""
    shown = [
        f"a tensor of shape {tuple(value.shape)}"
        if isinstance(value, Tensor) and value.ndim
        else repr(value.item() if isinstance(value, Tensor) else value)
        for value in inputs
        if not any(map(callable, value if isinstance(value, (list, tuple)) else [value]))
    ]
    return ", ".join(shown) or "its input"
