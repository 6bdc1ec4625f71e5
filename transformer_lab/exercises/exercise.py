"""What an exercise is: a task, inputs to try, the right answer, known mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Function = Callable[..., object]


@dataclass(frozen=True)
class Mistake:
    """A way to get it wrong, and what to think about then."""

    behaves_like: Function
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What is asked, inputs to try, the right answer, and the known mistakes."""

    task: str
    inputs: Sequence[tuple]
    solution: Function
    mistakes: Sequence[Mistake]
