"""The notebooks as files: they must read well in the book and in Colab."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import soup_of
from tests.conftest import load_tool
from transformer_lab import widgets

ROOT = Path(__file__).resolve().parents[2]
FIGURES = {name for name in widgets.__all__ if name[0].isupper()}  # the others are functions
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
repository = load_tool("repository")

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# What only MyST understands: directives, roles, labels, comments.
MYST = re.compile(
    r"^\s*(?:```+|~~~+|:::+)\s*\{|\{[\w:-]+\}`|^\([\w-]+\)=\s*$|^%\s|^\+\+\+", re.MULTILINE
)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_a_notebook_is_stored_without_outputs(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


def test_the_first_cell_is_the_same_in_every_notebook(path):
    cell = cells(path, "code")[0]
    assert cell.source == repository.first_cell(), "run 'make repository'"
    assert cell["metadata"] == repository.FIRST_CELL_METADATA


def test_text_is_plain_commonmark_with_mathematics(path):
    for cell in cells(path, "markdown"):
        text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
        found = MYST.search(cell.source) if "```{" in cell.source else MYST.search(text)
        assert not found, f"only MyST understands {found[0]!r} in: {cell.source[:200]}"


def test_a_code_cell_has_at_most_twenty_lines(path):
    for cell in cells(path, "code")[1:]:  # the first is folded away, and left out of the book
        lines = cell.source.splitlines()
        assert len(lines) <= 20, f"{len(lines)} lines: {lines[0]}"


def test_a_solution_is_folded_in_the_book_and_in_colab(path):
    for cell in cells(path, "code"):
        tags = set(cell["metadata"].get("tags", []))
        titled = re.match(r"#\s?@title\s+Solution", cell.source)
        hidden = bool(tags & {"hide-cell", "hide-input"})
        if titled:
            assert hidden, f"needs the tag 'hide-cell': {cell.source[:80]}"
            assert cell["metadata"].get("cellView") == "form"
        elif re.search(r"#.*\bsolution\b", cell.source.split("\n", 1)[0], re.IGNORECASE):
            pytest.fail(f"a solution starts with '# @title Solution': {cell.source[:80]}")


def test_the_page_shows_what_every_cell_printed(book, path):
    # Building the book runs each notebook from top to bottom in a fresh kernel, and an
    # exception fails the build (the `book` fixture); what the cells said is in the page.
    page = soup_of(book / "notebooks" / f"{path.stem}.html")
    shown = page.select("div.cell")
    in_page = [c for c in cells(path, "code") if "remove-cell" not in c["metadata"].get("tags", [])]
    assert len(shown) == len(in_page)
    for cell, box in zip(in_page, shown, strict=True):
        if re.search(r"^print\(", cell.source, re.MULTILINE):
            assert box.select_one(".cell_output"), f"nothing printed: {cell.source[:80]}"
    assert not page.select(".cell_output .traceback")


def figures_in(nodes: list[ast.AST]) -> list[ast.Call]:
    """The calls of classes of `transformer_lab.widgets` anywhere in there."""
    calls = [node for top in nodes for node in ast.walk(top) if isinstance(node, ast.Call)]
    return [call for call in calls if getattr(call.func, "id", None) in FIGURES]


def test_a_figure_has_a_name_by_which_a_reader_can_set_it(path):
    n_figures = 0
    for cell in cells(path, "code"):
        body = ast.parse(cell.source).body
        named = [statement for statement in body if isinstance(statement, ast.Assign)]
        assert figures_in(body) == figures_in(named), f"give it a name: {cell.source[:80]}"
        n_figures += len(figures_in(body))
    assert n_figures


def test_a_still_figure_ends_its_cell_or_nobody_sees_it(path):
    for cell in cells(path, "code"):
        for statement in ast.parse(cell.source).body[:-1]:
            lost = ast.unparse(statement)
            assert not lost.startswith("figures."), f"nobody sees it: {lost[:80]}"


def names(nodes: list[ast.AST], context: type) -> set[str]:
    """The names that are read (`ast.Load`) or given a value (`ast.Store`) anywhere in there."""
    found = [node for top in nodes for node in ast.walk(top) if isinstance(node, ast.Name)]
    return {node.id for node in found if isinstance(node.ctx, context)}


def test_a_slider_works_when_the_whole_notebook_has_run(path):
    later = set()  # what the cells below give another value
    for cell in reversed(cells(path, "code")):
        body = ast.parse(cell.source).body
        functions = [statement for statement in body if isinstance(statement, ast.FunctionDef)]
        if "interact(" in cell.source:
            inputs = {node.arg for function in functions for node in ast.walk(function)
                      if isinstance(node, ast.arg)}  # fmt: skip
            used = names(functions, ast.Load) - names(functions, ast.Store) - inputs
            assert used & later == set(), "a cell below gives these another value"
        others = [statement for statement in body if statement not in functions]
        later |= names(others, ast.Store) | {function.name for function in functions}


def test_a_page_shows_no_dead_widget(book, path):
    page = (book / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    for sign in ("application/vnd.jupyter.widget", "interactive(children", "VBox(children"):
        assert sign not in page
