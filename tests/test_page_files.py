"""The page's files alone run every exercise, and say of each answer what they say with torch."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests import page_python
from tests.conftest import ROOT
from tests.exercises.every_verdict import every_verdict, runs_elsewhere
from transformer_lab.exercises import EXERCISES

ANSWERS = [*ROOT.glob("tests/exercises/chapter_*.py"), ROOT / "tests/exercises/every_verdict.py"]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    page_python.make_folder(folder, {path.relative_to(ROOT).as_posix(): path for path in ANSWERS})
    return folder


@pytest.fixture(scope="module")
def verdicts(page) -> dict[str, str]:
    code = "from tests.exercises.every_verdict import every_verdict\n"
    return page_python.run(page, code + "print(json.dumps(every_verdict()))")


def test_the_pages_torch_is_our_own_and_nothing_else_is_there(page):
    code = "import torch, transformer_lab.exercises\n"
    code += "print(json.dumps({name.split('.')[0] for name in sys.modules}, default=sorted))"
    loaded = page_python.run(page, code)
    assert "torch" in loaded
    assert not {"numpy", "jaxtyping", "site"} & {*loaded}


def test_every_verdict_is_the_same_word_for_word(verdicts):
    with_torch = every_verdict()
    here = {name: verdict for name, verdict in verdicts.items() if not runs_elsewhere(verdict)}
    assert here == {name: with_torch[name] for name in here}
    assert verdicts.keys() == with_torch.keys()


def test_every_exercise_runs_in_the_page_with_two_more_right_answers(verdicts):
    runs = Counter(
        name.rpartition(", ")[0] for name, said in verdicts.items() if not runs_elsewhere(said)
    )
    for name, exercise in EXERCISES.items():
        assert runs[f"{name}, solution"] == 1 + len(exercise.also_right)
        assert runs[f"{name}, right"] >= 2, name
        assert runs[f"{name}, mistake"] == len(exercise.mistakes), name


def test_what_does_not_run_in_the_page_is_refused_by_name(verdicts):
    refused = [verdict for verdict in verdicts.values() if runs_elsewhere(verdict)]
    names = Counter(re.findall(r"(?:has no|named) [`']?([\w.]+)", "\n".join(refused)))
    assert names.keys() == {"numpy", "Tensor.numpy", "device", "transformer_lab.blocks"}
    assert len(refused) == names.total() < 0.05 * len(verdicts)
