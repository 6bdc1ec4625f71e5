"""What `check` says to every answer that we know: here with torch, elsewhere as in the page.

Run by tests/test_page_files.py in a Python that has nothing but the page's files, and by
tests/book/test_python_in_the_page.py in Chromium; so it needs neither pytest nor numpy.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
from pathlib import Path

from transformer_lab.exercises import EXERCISES, check


class _NoNumpy(types.ModuleType):
    """Lets the files of answers be imported where numpy is missing, and refuses its use."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise ModuleNotFoundError("No module named 'numpy'")


try:
    importlib.import_module("numpy")
except ModuleNotFoundError:
    sys.modules["numpy"] = _NoNumpy("numpy")


def runs_elsewhere(verdict: str) -> bool:
    """Whether an answer was stopped by what the page's Python lacks."""
    return bool(re.search("No module named|in Colab or Jupyter", verdict))


CHAPTERS = [
    importlib.import_module(f"tests.exercises.{path.stem}")
    for path in sorted(Path(__file__).parent.glob("chapter_*.py"))
]
RIGHT = {name: answers for chapter in CHAPTERS for name, answers in chapter.RIGHT.items()}
WRONG = {name: answers for chapter in CHAPTERS for name, answers in chapter.WRONG.items()}


def _crash(*inputs):
    raise ValueError("no\nsecond line")


def _answers(name: str) -> dict[str, list]:
    exercise = EXERCISES[name]
    return {
        "solution": [exercise.solution, *exercise.also_right],
        "right": RIGHT[name],
        "wrong": WRONG[name],
        "mistake": [mistake.behaves_like for mistake in exercise.mistakes],
        "empty": [lambda *inputs: ..., lambda *inputs: None],
        "crash": [_crash, lambda: 0],
    }


def every_verdict() -> dict[str, str]:
    """The verdict in words, by "exercise, kind of answer, number"."""
    return {
        f"{name}, {kind}, {number}": repr(check(name, answer))
        for name in EXERCISES
        for kind, several in _answers(name).items()
        for number, answer in enumerate(several)
    }
