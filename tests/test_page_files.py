"""The page's files alone run every exercise, and say of each answer what they say with torch."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.exercises.every_verdict import ELSEWHERE, every_verdict
from transformer_lab.exercises import EXERCISES
from transformer_lab.page_files import page_files

ANSWERS = [*ROOT.glob("tests/exercises/chapter_*.py"), ROOT / "tests/exercises/every_verdict.py"]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A folder with what the page's Python can import, and the answers."""
    folder = tmp_path_factory.mktemp("page")
    files = page_files() | {path.relative_to(ROOT).as_posix(): path for path in ANSWERS}
    for place, file in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / place)
    return folder


def in_the_page(page: Path, code: str) -> str:
    """What `code` prints in a Python that has its standard library and the page's files only."""
    start = f"import sys; sys.path.insert(0, {str(page)!r})\n"
    command = [sys.executable, "-I", "-S", "-c", start + code]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def verdicts(page) -> dict[str, str]:
    code = "import json; from tests.exercises.every_verdict import every_verdict\n"
    return json.loads(in_the_page(page, code + "print(json.dumps(every_verdict()))"))


def test_the_pages_torch_is_our_own(page):
    where = in_the_page(page, "import torch; print(torch.__file__)").strip()
    assert Path(where).is_relative_to(page)


def test_every_verdict_is_the_same_word_for_word(verdicts):
    here = {name: verdict for name, verdict in verdicts.items() if ELSEWHERE not in verdict}
    assert here == {name: verdict for name, verdict in every_verdict().items() if name in here}
    assert len(here) > 0.8 * len(verdicts)


def test_every_exercise_runs_in_the_page_with_two_more_right_answers(verdicts):
    runs = Counter(
        name.rpartition(", ")[0] for name, verdict in verdicts.items() if ELSEWHERE not in verdict
    )
    for name, exercise in EXERCISES.items():
        assert runs[f"{name}, solution"] == 1 + len(exercise.also_right)
        assert runs[f"{name}, right"] >= 2, name
        assert runs[f"{name}, mistake"] == len(exercise.mistakes), name


def test_what_does_not_run_in_the_page_is_refused_by_name(verdicts):
    refused = [verdict for verdict in verdicts.values() if ELSEWHERE in verdict]
    assert Counter(re.search(r"has no (`?\w+`?)", verdict).group(1) for verdict in refused) == {}
