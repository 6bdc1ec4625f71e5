"""Formulas: every one of the sources is drawn by the browser itself, also without scripts."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tests.book.conftest import ROOT, soup_of, toc_pages

sys.path.insert(0, str(ROOT / "book/_ext"))
import mathematics

PAGES = toc_pages()
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).use(dollarmath_plugin)

CONF = """
extensions = ["myst_parser", "mathematics"]
myst_enable_extensions = ["dollarmath"]
"""
CONSTRUCTS = r"""# A heading with $\sqrt{d_k}$

- in a list: $\begin{cases} 0 & x < 0 \\ x & \text{otherwise} \end{cases}$

| in a table |
| --- |
| $\operatorname{softmax}(z)_i \in \mathbb{R}^n$ |

$$
\begin{aligned}
\lVert x \rVert &= \underbrace{a + b}_{\text{two}} \\
\hat y &= \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \cdot \sum_{i=1}^n \mathcal{L}_i
\end{aligned}
$$
"""


def formulas_of_the_source(name: str) -> list[tuple[bool, str]]:
    """Each formula of a page's source: whether it stands by itself, and its TeX."""
    notebook = ROOT / f"{name}.ipynb"
    if notebook.exists():
        cells = nbformat.read(notebook, 4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    else:
        texts = [(ROOT / f"{name}.md").read_text(encoding="utf-8")]
    return [formula for text in texts for formula in formulas_of(text)]


def formulas_of(text: str) -> list[tuple[bool, str]]:
    found = []
    for block in MARKDOWN.parse(text):
        if block.type == "fence" and block.info.startswith("{"):  # a directive, as the glossary
            found += formulas_of(block.content)
        found += [
            (token.type.startswith("math_block"), token.content)
            for token in [block, *(block.children or [])]
            if token.type.startswith("math_")
        ]
    return found


def build(folder: Path, page: str) -> subprocess.CompletedProcess:
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(page)
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", folder, folder / "_build/html"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "book/_ext")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_formula_of_a_source_is_in_its_page(book, name):
    sources = formulas_of_the_source(name)
    drawn = soup_of(book / f"{name}.html").select("article math")
    assert [math.get("display") == "block" for math in drawn] == [alone for alone, _ in sources]
    assert all(math.get_text().strip() for math in drawn)


def test_the_book_has_formulas():
    assert sum(len(formulas_of_the_source(name)) for name in PAGES) > 150


@pytest.mark.parametrize("name", PAGES)
def test_no_page_loads_a_script_for_formulas(book, name):
    scripts = soup_of(book / f"{name}.html").select("script")
    assert not [script for script in scripts if "mathjax" in str(script).lower()[:2000]]


def test_the_font_has_every_letter_of_every_formula(book):
    letters = TTFont(io.BytesIO((book / "_static/mathematics.woff").read_bytes())).getBestCmap()
    for name in PAGES:
        for math in soup_of(book / f"{name}.html").select("math"):
            assert {c for c in math.get_text() if ord(c) not in letters} == set(), math
            for variable in math.select("mi"):
                italic = mathematics.ITALICS.get(variable.get_text(), "√")
                assert ord(italic) in letters


def test_formulas_are_drawn_in_headings_tables_and_lists(tmp_path):
    built = build(tmp_path, CONSTRUCTS)
    assert built.returncode == 0, built.stdout
    page = soup_of(tmp_path / "_build/html/index.html")
    for place in ("h1 math msqrt", "li math mtable", "td math", "div.tl-formula > math munder"):
        assert page.select(place), f"nothing at {place}"
    assert "\\" not in page.select_one("h1").get_text()


@pytest.mark.parametrize("tex", [r"\nosuchcommand x", r"\frac{1", "x_", "a & b"])
def test_a_formula_that_cannot_be_drawn_stops_the_build_in_one_sentence(tmp_path, tex):
    built = build(tmp_path, f"# A page\n\n${tex}$\n")
    assert built.returncode != 0
    [sentence] = [line for line in built.stdout.splitlines() if "cannot be drawn" in line]
    assert "index.md" in sentence
    assert repr(tex) in sentence


@given(st.text(max_size=30) | st.text("<>&\"'/\\{}^_ab", max_size=30))
def test_what_an_author_types_never_becomes_html(text):
    try:
        formula = mathematics.CONVERTER.convert_with_local_state(text, displaystyle=False)
    except mathematics.LatexError:
        return
    names = {tag.name for tag in BeautifulSoup(formula, "html.parser").find_all()}
    assert all(name == "math" or name.startswith("m") for name in names), formula


@pytest.mark.parametrize("name", ["notebooks/07_multi_head", "notebooks/08_feed_forward"])
def test_a_wide_formula_scrolls_by_itself_and_can_be_reached(visit, addresses, name):
    page = visit(f"{addresses['file']}/{name}.html", viewport={"width": 360, "height": 740}).page
    assert page.evaluate("document.fonts.load('16px Book Mathematics').then(f => f.length)") == 1
    boxes = page.locator(".tl-formula")
    assert boxes.count() >= 1
    for box in boxes.all():
        box.focus()
        assert box.evaluate("e => e === document.activeElement")
        assert box.bounding_box()["width"] <= 360
        if box.evaluate("e => e.scrollWidth > e.clientWidth"):
            box.press("ArrowRight")
            page.wait_for_function("e => e.scrollLeft > 0", arg=box.element_handle())


def test_a_screen_reader_gets_the_formulas_structure(visit, addresses):
    page = visit(f"{addresses['file']}/notebooks/05_attention.html").page
    page.locator("article > section > section > :not(.laid-out)").last.wait_for(state="detached")
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if "role" in node]
    drawn = page.locator("article math").count()
    assert roles.count("MathMLMath") >= drawn
    assert {"MathMLFraction", "MathMLSquareRoot", "MathMLSub"} <= set(roles)
