"""The notebooks as files: they must read well in the book and in Colab."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
repository = load_tool("repository")

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# What only MyST understands: directives, roles, labels, comments.
MYST = re.compile(
    r"^\s*(?:```+|~~~+|:::+)\s*\{|\{[\w:-]+\}`|^\([\w-]+\)=\s*$|^%\s|^\+\+\+", re.MULTILINE
)


def cells(path: Path, kind: str) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_a_notebook_is_stored_without_outputs(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


def test_the_first_cell_is_the_same_in_every_notebook(path):
    cell = cells(path, "code")[0]
    assert source(cell) == repository.first_cell(), "run 'make repository'"
    assert cell["metadata"] == repository.FIRST_CELL_METADATA


def test_text_is_plain_commonmark_with_mathematics(path):
    for cell in cells(path, "markdown"):
        text = re.sub(r"^```.*?^```", "", source(cell), flags=re.MULTILINE | re.DOTALL)
        found = MYST.search(source(cell)) if "```{" in source(cell) else MYST.search(text)
        assert not found, f"only MyST understands {found[0]!r} in: {source(cell)[:200]}"


def test_a_code_cell_has_at_most_twenty_lines(path):
    for cell in cells(path, "code"):
        lines = source(cell).splitlines()
        assert len(lines) <= 20, f"{len(lines)} lines: {lines[0]}"


def test_a_solution_is_folded_in_the_book_and_in_colab(path):
    for cell in cells(path, "code"):
        tags = set(cell["metadata"].get("tags", []))
        titled = re.match(r"#\s?@title\s+Solution", source(cell))
        hidden = bool(tags & {"hide-cell", "hide-input"})
        if titled:
            assert hidden, f"needs the tag 'hide-cell': {source(cell)[:80]}"
            assert cell["metadata"].get("cellView") == "form"
        elif re.search(r"#.*\bsolution\b", source(cell).split("\n", 1)[0], re.IGNORECASE):
            pytest.fail(f"a solution starts with '# @title Solution': {source(cell)[:80]}")


def test_the_page_shows_what_every_cell_printed(book, path):
    # Building the book runs each notebook from top to bottom in a fresh kernel, and an
    # exception fails the build (the `book` fixture); what the cells said is in the page.
    html = (book / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    shown = page.select("div.cell")
    in_page = [c for c in cells(path, "code") if "remove-cell" not in c["metadata"].get("tags", [])]
    assert len(shown) == len(in_page)
    for cell, box in zip(in_page, shown, strict=True):
        if re.search(r"^print\(", source(cell), re.MULTILINE):
            assert box.select_one(".cell_output"), f"nothing printed: {source(cell)[:80]}"
    assert not page.select(".cell_output .traceback")


def test_the_first_cell_says_what_to_set_when_the_package_is_missing(path, tmp_path):
    code = source(cells(path, "code")[0])
    code = re.sub("^REPOSITORY = .*", 'REPOSITORY = ""', code, flags=re.MULTILINE)
    # -I -S: an interpreter without installed packages, as on a fresh machine.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode != 0
    last = ran.stderr.strip().splitlines()[-1]
    assert "TRANSFORMER_LAB_SOURCE" in last
    assert "REPOSITORY" in last


def test_the_first_cell_installs_from_the_address_that_is_set(path, tmp_path):
    code = source(cells(path, "code")[0])
    code = re.sub("^REPOSITORY = .*", 'REPOSITORY = "https://host/o/n"', code, flags=re.MULTILINE)
    code = code.replace("import transformer_lab", "")
    spy = "import subprocess\nsubprocess.run = lambda command, check: print(command[1:], check)\n"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", spy + code],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    command = ast.literal_eval(ran.stdout.strip().removesuffix(" True"))
    assert command[:3] == ["-m", "pip", "install"]
    assert command[-1] == "transformer-lab[notebooks] @ git+https://host/o/n"
