"""Exercises and short cells that readers change: what their notebooks say runs in the page."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import sys
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests import page_python
from tests.book.test_exercise_cells import cell_of, run, write
from tests.conftest import ROOT
from tests.exercises.every_verdict import every_verdict
from tests.test_page_files import ANSWERS
from transformer_lab.exercises import EXERCISES

sys.path.insert(0, str(ROOT / "book/_ext"))
from live_exercises import imports_in

CELL = ROOT / "book/_exercises/cell.py"
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
# Where the page's torch is enough, and a change teaches something.
LIVE_CHAPTERS = {"02", "03", "05", "06", "08", "09", "13"}
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path: Path) -> list[tuple[str, set[str]]]:
    """The source and the tags of each cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [("".join(cell["source"]), set(cell["metadata"].get("tags", []))) for cell in cells]


def jobs_of(path: Path) -> list[dict]:
    """What is to run: each live cell, each exercise as it stands, and its solution."""
    jobs, before = [], imports_in(path)
    cells = cells_of(path)
    for (source, tags), (below, _) in zip(cells, [*cells[1:], ("", set())], strict=True):
        if "live-cell" in tags:
            jobs.append({"kind": "live", "before": [*before], "source": source})
            before.append(source)
        if "exercise" in tags:
            jobs.append({"kind": "exercise", "before": [*before], "source": source})
            jobs.append({"kind": "solution", "before": [*before], "source": below})
    return jobs


RUN = """
from cell import run

def result(job):
    output = []
    return {**json.loads(run(job["before"], job["source"], output.append)), "output": output}

print(json.dumps([result(job) for job in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> list[tuple[dict, dict]]:
    """Each job, and what came of it."""
    folder = tmp_path_factory.mktemp("page")
    page_python.make_folder(folder, {"cell.py": CELL})
    jobs = [job for path in NOTEBOOKS for job in jobs_of(path)]
    return list(zip(jobs, page_python.run(folder, RUN, jobs), strict=True))


def test_every_exercise_has_one_cell_with_its_solution_folded_below():
    asked = Counter()
    for path in NOTEBOOKS:
        cells = cells_of(path)
        for (source, tags), (below, tags_below) in pairwise(cells):
            if "exercise" not in tags:
                assert "check(" not in source or "hide-cell" in tags
                continue
            [(call, name, function)] = re.findall(
                r'^\S*(check\("(\w+)", (\w+)\))$', source, re.MULTILINE
            )
            assert f"def {function}(" in source
            assert "..." in source
            assert "hide-cell" in tags_below
            assert call in below
            asked[name] += 1
    assert asked == dict.fromkeys(EXERCISES, 1)


def test_the_notebooks_solutions_are_right_in_the_page_and_untouched_cells_empty(results):
    said = {"exercise": Counter(), "solution": Counter()}
    for job, result in results:
        if job["kind"] != "live":
            assert result["error"] is None, (job["source"], result)
            said[job["kind"]][result["verdict"]["message"]] += 1
    assert said["solution"] == {"Right.": len(EXERCISES)}
    empty = "The function returns nothing yet. Does it end with `return`?"
    assert said["exercise"] == {empty: len(EXERCISES)}


def without_rounding(text: str) -> str:
    """Printed differences such as 3e-08 are rounding, which no two machines share."""
    return re.sub(r"\d(\.\d+)?e-\d\d", "next to nothing", text)


def test_live_cells_print_in_the_page_what_they_print_in_the_book(results):
    live = [(job, result) for job, result in results if job["kind"] == "live"]
    spec = importlib.util.spec_from_file_location("cell", CELL)
    cell = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cell)
    for job, result in live:
        printed = []
        cell.run(job["before"], job["source"], printed.append)
        assert result["error"] is None, (job["source"], result)
        assert without_rounding("".join(result["output"])) == without_rounding("".join(printed))


def test_live_cells_stand_where_the_pages_torch_is_enough():
    live = {p.stem[:2] for p in NOTEBOOKS for _, tags in cells_of(p) if "live-cell" in tags}
    assert live == LIVE_CHAPTERS


# A reader's cell that tries every answer that we know, and prints where its verdict is another
# than with torch, and how many it has compared.
EVERY_VERDICT = """
import base64, io, json, sys, zipfile

archive = zipfile.ZipFile(io.BytesIO(base64.b64decode("{}")))
archive.extractall("/tmp/answers")
sys.path.insert(0, "/tmp/answers")
from tests.exercises.every_verdict import every_verdict, runs_elsewhere

expected = json.loads(archive.read("verdicts.json"))
here = {{name: said for name, said in every_verdict().items() if not runs_elsewhere(said)}}
print(json.dumps({{name: said for name, said in here.items() if said != expected[name]}}))
print(len(here), len(expected))
"""


def test_every_verdict_in_chromium_is_that_with_torch_word_for_word(visit, addresses):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in ANSWERS:
            archive.write(path, path.relative_to(ROOT))
        archive.writestr("verdicts.json", json.dumps(every_verdict()))
    opened = visit(f"{addresses['file']}/notebooks/07_multi_head.html")
    cell = cell_of(opened.page)
    write(cell, EVERY_VERDICT.format(base64.b64encode(packed.getvalue()).decode()))
    run(cell)
    differences, counts = cell.locator(".tl-output").inner_text().splitlines()
    assert json.loads(differences) == {}
    compared, all_of_them = map(int, counts.split())
    assert compared > 0.95 * all_of_them
    assert opened.errors == opened.requests_elsewhere == []
