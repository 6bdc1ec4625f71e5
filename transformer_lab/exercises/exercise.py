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
    """What is asked, inputs to try, the right answer, and the known mistakes.

    The inputs must tell right from wrong: sizes that all differ, so that no other size will
    do by chance, and answers that do not tie. Where the task leaves a choice open (how to
    round), the other choices are `also_right`.
    """

    task: str
    inputs: Sequence[tuple]
    solution: Function
    mistakes: Sequence[Mistake]
    also_right: Sequence[Function] = ()
