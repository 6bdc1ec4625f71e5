"""Whether two answers are the same, and what a wrong one is told.

In the built page `torch` is `transformer_lab.page_torch`, and there is no numpy. An answer is
therefore read as Python's own numbers, without either, so that both worlds say the same.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, SupportsFloat

N_SHOWN = 300  # letters of an answer


@dataclass(frozen=True)
class Numbers:
    """The numbers of an answer, whatever held them, row after row."""

    shape: tuple[int, ...]
    flat: list[float]


def numbers_in(value: object) -> Numbers | None:
    """The numbers in a tensor, an array, a number, or lists and tuples of these.

    None for anything else, and for lists whose parts differ in shape.

    >>> numbers_in([(1, 2.5), (True, 0)])
    Numbers(shape=(2, 2), flat=[1.0, 2.5, 1.0, 0.0])
    """
    plain = _plain(value)
    if plain is not value:
        numbers = numbers_in(plain)
        shape = getattr(value, "shape", ())  # the lists of (0, 3) do not tell the 3
        return numbers and Numbers(tuple(shape), numbers.flat)
    if isinstance(value, (list, tuple)):
        return _joined([numbers_in(item) for item in value])
    return _single(value) if isinstance(value, SupportsFloat) else None


def _joined(parts: list[Numbers | None]) -> Numbers | None:
    known = [part for part in parts if part]
    if len(known) < len(parts) or len({part.shape for part in known}) > 1:
        return None
    shape = known[0].shape if known else ()
    return Numbers((len(known), *shape), [number for part in known for number in part.flat])


def _single(value: SupportsFloat) -> Numbers | None:
    try:
        return Numbers((), [float(value)])
    except OverflowError:  # a whole number beyond all floats
        return Numbers((), [math.inf])
    except (TypeError, ValueError, RuntimeError):  # `float` itself has all that a number has
        return None


def as_lists(value: object) -> object:
    """Lists for tuples, tensors and arrays alike, so that `==` gives one answer."""
    value = _plain(value)
    return [as_lists(item) for item in value] if isinstance(value, (tuple, list)) else value


def _plain(value: Any) -> object:
    """A tensor or an array as lists, or as a number; anything else as it is."""
    try:
        return value.tolist()
    except (AttributeError, TypeError, RuntimeError):  # the class itself, a tensor without data
        return value


def same(answer: object, expected: object) -> bool:
    """Whether two answers are the same: numbers up to rounding, words to the letter."""
    numbers, wanted = numbers_in(answer), numbers_in(expected)
    if wanted is None:
        return as_lists(answer) == as_lists(expected)
    if numbers is None or numbers.shape != wanted.shape:
        return False
    return all(map(_close, numbers.flat, wanted.flat))


def _close(number: float, wanted: float) -> bool:
    """As `torch.allclose` has it, with NaN equal to NaN."""
    if math.isnan(number) or math.isnan(wanted):
        return math.isnan(number) and math.isnan(wanted)
    return number == wanted or abs(number - wanted) <= 1e-5 + 1e-5 * abs(wanted) < math.inf


def difference(inputs: tuple, answer: object, expected: object, asked: str) -> str:
    """One sentence on an answer that is not the same as the expected one.

    It shows what was given, never what was wanted: to work that out is the exercise.

    Args:
        inputs: what the function was given.
        asked: what is asked for, in the words of the task.
    """
    numbers, wanted = numbers_in(answer), numbers_in(expected)
    given, task = _shown_inputs(inputs), f"the task asks for {asked}."
    if wanted is None:
        return f"For {given} it returns {_shown(answer)}, which is not right: {task}"
    if numbers is None:
        return f"For {given} it returns {_kind(answer)}: {task}"
    if any(math.isnan(n) for n in numbers.flat) and not any(math.isnan(n) for n in wanted.flat):
        return (
            f"For {given} the answer holds NaN, which is no number: it comes from 0 / 0, "
            "from infinity minus infinity, or from a root or logarithm of what is negative."
        )
    if numbers.shape != wanted.shape:
        found, sought = _shape_in_words(numbers.shape), _shape_in_words(wanted.shape)
        return f"For {given} it returns {found} instead of {sought}: {task}"
    if not wanted.shape:
        return f"For {given} it returns {_shown(answer)}, which is not right: {task}"
    return (
        f"For {given} the shape is right, but the numbers are not: the biggest difference is at "
        f"index {_farthest(numbers, wanted)}, and {task}"
    )


def _farthest(numbers: Numbers, wanted: Numbers) -> list[int]:
    """Where the biggest difference is; of those equal up to rounding, the first."""
    sizes = [
        0.0 if _close(n, w) else math.inf if math.isnan(n - w) else abs(n - w)
        for n, w in zip(numbers.flat, wanted.flat, strict=True)
    ]
    enough = 0.999 * max(sizes)
    off = next(at for at, size in enumerate(sizes) if size >= enough)
    index = []
    for size in reversed(wanted.shape):
        off, place = divmod(off, size)
        index.insert(0, place)
    return index


def _shape_in_words(shape: tuple[int, ...]) -> str:
    return f"numbers of shape {shape}" if shape else "a single number"


def _kind(value: object) -> str:
    if value is None or value is Ellipsis:
        return "nothing"
    name = type(value).__name__
    if isinstance(value, (list, tuple)):
        return f"a {name} whose parts are not numbers of one shape"
    return f"a value of type {name}"


def _shown_inputs(inputs: tuple) -> str:
    """The inputs as a reader can recognise them: a tensor by its shape, the rest as it is."""
    shown = [
        f"a tensor of shape {tuple(shape)}"
        if (shape := getattr(value, "shape", None))
        else _shown(value)
        for value in inputs
        if not any(map(callable, value if isinstance(value, (list, tuple)) else [value]))
    ]
    return ", ".join(shown) or "its input"


def _shown(value: object) -> str:
    """A value as Python writes it, but the same in every run and with every torch."""
    value = as_lists(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (set, frozenset)):  # in no order that lasts
        return f"{{{', '.join(sorted(map(repr, value)))}}}"
    text = " ".join(line.strip() for line in repr(value).splitlines())
    text = re.sub(" at 0x[0-9a-f]+", "", text)
    return text if len(text) <= N_SHOWN else f"{text[:N_SHOWN]}…"
