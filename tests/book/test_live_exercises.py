"""Python in a page: what runs a reader's cell, what the book publishes for it, and bad input."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys

import pytest

from tests.conftest import ROOT, visits

sys.path.insert(0, str(ROOT / "book/_ext"))

import content_policy
import live_exercises


def load_cell():
    spec = importlib.util.spec_from_file_location("cell", ROOT / "book/_exercises/cell.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cell = load_cell()
CHECK = "from transformer_lab.exercises import check\n"
RIGHT = {"name": "previous_token_score", "right": True, "message": "Right.", "line": None}


def run(source: str, before=()) -> dict:
    """What a cell comes to, in the Python of this test."""
    told: list[str] = []
    return {**json.loads(cell.run(list(before), source, told.append)), "output": "".join(told)}


# --- A reader's cell, in any Python --------------------------------------------------


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("x = 3\nx + 1", "4\n"),
        ("print('a')\nNone", "a\n"),
        ("import sys\nsys.stderr.write('b')\nx = 1", "b"),
        ("y + 1", "3\n"),
        ("", ""),
        ("# nothing", ""),
        ("f'{__name__}'", "'__main__'\n"),
        ("import warnings\nwarnings.warn('careful')", "Line 2: UserWarning: careful\n"),
    ],
)
def test_it_prints_what_a_notebook_would_show(source, output):
    before = ["y = 1\nprint('not this')", "1 / 0", "y += 1"]
    assert run(source, before) == {"error": None, "verdict": None, "output": output}


@pytest.mark.parametrize(
    ("source", "line", "sentence"),
    [
        ("a = 1\n\nb = a + c", 3, "NameError: name 'c' is not defined"),
        ("def f():\n    return [][0]\n\nf()", 2, "IndexError: list index out of range"),
        (
            "import json\n\njson.loads('')",
            3,
            "json.decoder.JSONDecodeError: Expecting value: line 1",
        ),
        ("import sys\nsys.stdin.readline()", 2, "EOFError: nobody can answer input() in a page;"),
        ("x = (1,\n", 1, "SyntaxError: '(' was never closed"),
        ("!pip install x", 1, "SyntaxError: invalid syntax; lines that begin with % or ! are for"),
        ("if 1:\n\tx = 1\n        y = 2", 3, "TabError: inconsistent use of tabs and spaces in"),
        ("  x = 1", 1, "IndentationError: unexpected indent"),
        ("1\nexit()", 2, "SystemExit: None; a cell ends by itself, without exit()"),
        (
            "n = int(input('n?'))",
            1,
            "EOFError: nobody can answer input() in a page; write the value",
        ),
        ("import nowhere", 1, "ModuleNotFoundError: the page's Python has no nowhere; run this"),
        ("def f(): f()\nf()", 1, "RecursionError: maximum recursion depth exceeded"),
        ("[0] * 10**12", 1, "MemoryError; your code asks for more memory than the page's Python"),
        ("check = print\ncheck('split_heads', 1)", None, "Your code gives the name check to"),
        ("class A:\n    def __repr__(self):\n        return 1 / 0\n\nA()", 3, "ZeroDivisionError:"),
    ],
)
def test_an_error_is_one_sentence_and_the_readers_line(source, line, sentence):
    error = run(source)["error"]
    assert error["line"] == line
    assert error["sentence"].startswith(sentence)
    assert "\n" not in error["sentence"]


def test_a_verdict_comes_apart_from_what_is_printed():
    right = f"{CHECK}print(1)\ncheck('previous_token_score', lambda w: w.diagonal(-1).mean())"
    assert run(right) == {"error": None, "verdict": RIGHT, "output": "1\n"}
    wrong = f"{CHECK}def f(w):\n    return w.nothing\n\ncheck('previous_token_score', f)"
    verdict = run(wrong)["verdict"]
    assert (verdict["right"], verdict["line"]) == (False, 3)


def test_a_name_that_is_missing_may_be_missing_because_of_a_cell_above():
    said = run("y = x + 1", ["x = 1 / 0"])["error"]["sentence"]
    assert said == (
        "NameError: name 'x' is not defined; "
        "a cell above stopped with ZeroDivisionError: division by zero"
    )


def test_no_run_sees_what_another_has_defined_or_overwritten():
    run("x = 1\nfrom transformer_lab import exercises\nexercises.check = print")
    assert "NameError" in run("x")["error"]["sentence"]
    assert run(f"{CHECK}check('split_heads', None)")["verdict"]["right"] is False


def test_much_output_is_cut_and_the_cell_runs_on():
    result = run("for i in range(100_000):\n    print(i)\n1 / 0")
    assert result["output"].endswith(cell.CUT)
    assert len(result["output"]) == cell.MOST_OUTPUT + len(cell.CUT)
    assert result["error"]["line"] == 3
    assert run(f"print('x' * {cell.MOST_OUTPUT - 1})")["output"] == "x" * 19_999 + "\n"


# --- What the book publishes ---------------------------------------------------------


def test_a_page_is_told_its_exercises_and_the_imports_that_it_can_do(tmp_path):
    cells = [
        ("import math, numpy as np\nimport torch.nn.functional as F", []),
        ("%matplotlib inline", []),
        ("import os", ["remove-cell"]),
        ("from torch.utils.data import DataLoader", []),
        ("from torch import Tensor, nn\nfrom transformer_lab import exercises, figures", []),
        ("from __future__ import annotations\nfrom collections import Counter as C", []),
        ("def f(x): ...\n\n\nexercises.check('first', f)", ["exercise"]),
        ("import random\nexercises.check('first', max)", ["hide-cell"]),
        ("def g(x): ...\n\n\ncheck('second', g)", ["exercise"]),
    ]
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(
        json.dumps(
            {
                "cells": [
                    {"cell_type": "code", "source": [text], "metadata": {"tags": tags}}
                    for text, tags in cells
                ]
            }
        )
    )
    assert live_exercises.names_in(notebook) == ["first", "second"]
    assert live_exercises.imports_in(notebook) == [
        "import math",
        "import torch.nn.functional as F",
        "from torch import Tensor",
        "from torch import nn",
        "from transformer_lab import exercises",
        "from collections import Counter as C",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A small site, with the policy of the book's pages, and the files of the exercises."""
    folder = tmp_path_factory.mktemp("site")
    files = folder / "exercises"
    files.mkdir()
    published = live_exercises.publish_python(files)
    live_exercises.publish_scripts(files, published, {})
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{content_policy.policy(set())}'
        '<link rel="icon" href="exercises/none.svg"><title>Python</title></head>'
        '<body><script src="exercises/workbench.js"></script></body></html>'
    )
    (files / "none.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    return folder


def test_what_is_published_of_others_stands_with_its_licence(site):
    text = (site / "exercises/LICENCES.txt").read_text()
    for name in ("Mozilla Public License", "@codemirror/view", "@lezer/common", "crelt"):
        assert name in text


def test_publishing_again_writes_no_part_and_leaves_none_behind(site):
    files = site / "exercises"
    (files / "piece-old-0-1.js").touch()
    before = {path.name: path.stat().st_mtime_ns for path in files.glob("piece-*")}
    live_exercises.publish_python(files)
    after = {path.name: path.stat().st_mtime_ns for path in files.glob("piece-*")}
    assert before.pop("piece-old-0-1.js")
    assert before == after


# --- In a page -----------------------------------------------------------------------

PYTHON = "globalThis.transformerLabWorkbench.python"


def run_in(page, source: str, before=()) -> dict:
    cell = {"source": source, "before": list(before)}
    return page.evaluate(f"cell => {PYTHON}.run(cell)", cell)


@pytest.fixture(scope="module")
def opened(browser, site):
    """The page from disk, for tests that leave its Python as they found it, or say so."""
    with visits(browser) as visit:
        yield visit((site / "index.html").as_uri())


def test_python_is_loaded_at_the_first_run_and_says_how_much(opened):
    page = opened.page
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    told = page.evaluate(f"""async () => {{
      const told = [];
      await {PYTHON}.start({{ onProgress: (progress) => told.push(progress) }});
      return told;
    }}""")
    size = page.evaluate(f"{PYTHON}.size")
    assert [one["loaded"] for one in told] == sorted(one["loaded"] for one in told)
    assert told[-1] == {"loaded": size, "size": size}
    assert run_in(page, "import sys\nsys.platform")["output"] == "'emscripten'\n"
    assert opened.requests_elsewhere == []


def test_a_page_says_of_bad_input_what_any_python_says(opened):
    page = opened.page
    assert run_in(page, "for i in range(10**6): print(i)")["output"].endswith(cell.CUT)
    for source, line, sentence in [
        ("x = []\nwhile True:\n    x.append(bytes(10**7))", 3, "MemoryError;"),
        ("import numpy", 1, "ModuleNotFoundError: the page's Python has no numpy;"),
        ("import requests", 1, "ModuleNotFoundError: the page's Python has no requests;"),
        ("import transformer_lab.models", 1, "ModuleNotFoundError: the page's Python has no"),
        ("from transformer_lab import recipes", 1, "ModuleNotFoundError: the page's Python has no"),
        ("input()", 1, "EOFError: nobody can answer input() in a page;"),
        ("if 1:\n\tx = 1\n        y = 2", 3, "TabError: inconsistent use of tabs and spaces"),
        ("def f(): f()\nf()", 1, "RecursionError: maximum recursion depth exceeded"),
        ("x = 1 +", 1, "SyntaxError: invalid syntax"),
    ]:
        result = run_in(page, source)
        assert result["error"]["line"] == line, source
        assert result["error"]["sentence"].startswith(sentence), source
    solution = f"{CHECK}check('previous_token_score', lambda w: w.diagonal(offset=-1).mean())"
    assert run_in(page, solution)["verdict"] == RIGHT
    assert run_in(page, "'\\d'")["output"].count("SyntaxWarning") == 1
    assert opened.errors == []


def test_a_loop_without_end_is_stopped_and_keeps_its_output(opened):
    stopped = opened.page.evaluate(f"""() => new Promise((resolve) => {{
      const source = "print('here')\\nwhile True: pass";
      const result = {PYTHON}.run({{ source, onOutput: () => {PYTHON}.stop() }});
      result.then(resolve);
    }})""")
    assert stopped == {"output": "here", "stopped": True, "error": None, "verdict": None}


def test_python_that_breaks_down_starts_anew(opened):
    page = opened.page
    broken = run_in(page, "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()")
    assert broken["error"]["sentence"].startswith("Python broke down: perhaps it had too little")
    assert run_in(page, "1 + 1")["output"] == "2\n"


def test_over_http_a_second_visit_finds_the_parts_in_the_browsers_storage(visit, serve, site):
    opened = visit(f"{serve(site)}/index.html")
    page = opened.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for expected in (True, False):
        asked.clear()
        assert run_in(page, "2 + 2")["output"] == "4\n"
        assert any("piece-" in address for address in asked) is expected
        page.reload()
    assert opened.errors == opened.requests_elsewhere == []


def test_what_cannot_start_is_one_sentence_and_the_next_run_tries_again(visit, site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    worker = copy / "exercises/python_worker.js"
    text = worker.read_text()
    refusing = "WebAssembly.instantiateStreaming = async () => { throw new Error('too old'); };"
    worker.write_text(text.replace('= "', f'= "{refusing}', 1))
    page = visit((copy / "index.html").as_uri()).page
    assert run_in(page, "1")["error"]["sentence"] == (
        "Python could not start: this browser cannot run it (too old); the next Run tries again."
    )
    worker.unlink()
    sentence = run_in(page, "1")["error"]["sentence"]
    assert sentence.startswith(f"Python could not start: the file {copy.as_uri()}")
    assert sentence.endswith(" is missing; the next Run tries again.")
    worker.write_text(text)
    assert run_in(page, "1 + 1")["output"] == "2\n"
