"""The package's pages: every public name has its place, and every module its chapter."""

from __future__ import annotations

import ast
import copy
import pickle
import re
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.book.conftest import soup_of, toc_pages
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "book/_ext"))
import api

PAGES = [page for page in toc_pages() if page.startswith("book/api/")]
PACKAGE = ROOT / "transformer_lab"
# torch's own functions, written for the page: its page lists them. Nor has their class Tensor an
# entry: all other pages would link to it where they mean torch's.
AS_IN_TORCH = {
    f"page_torch/{name}.py"
    for name in """creation elementwise indexing methods nn/functional ordering products random
    rearranging reductions tensors""".split()
}
MODULES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    # The face of the whole, and rows of exercises, whose page lists them.
    if path != PACKAGE / "__init__.py"
    and not path.stem.startswith("chapter_")
    and path.relative_to(PACKAGE).as_posix() not in AS_IN_TORCH
]
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
CHAPTER = re.compile(r"\bchapters? \d|\b(every|no) chapter")


@pytest.fixture(scope="module")
def places(book) -> Counter:
    """How often each name has an entry, and each module a section."""
    soups = [soup_of(book / f"{page}.html") for page in PAGES]
    return Counter(
        tag["id"] for soup in soups for tag in soup.select("dt[id], article [id^=module-]")
    )


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def public(path: Path) -> list[ast.stmt]:
    """The functions and classes that a module defines for others."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in nodes if isinstance(node, kinds) and not node.name.startswith("_")]


@each_module
def test_a_module_and_its_public_names_stand_on_exactly_one_page(places, path):
    names = [f"module-{name_of(path)}", *(f"{name_of(path)}.{node.name}" for node in public(path))]
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [f"{name_of(path)}.{each.id}" for each in targets if isinstance(each, ast.Name)]
    public_names = {name for name in names if not re.search(r"\._(?!_main__$)", name)}
    assert {name: places[name] for name in public_names} == dict.fromkeys(public_names, 1)


def test_a_page_is_read_again_when_a_module_comes_and_not_without_a_reason(book):
    read = pickle.loads((book.parent / ".doctrees/environment.pickle").read_bytes())
    files = [ROOT / file for page in PAGES for file in read.dependencies[page]]
    assert all(file.is_file() for file in files)  # of a folder, Sphinx says that it has changed
    places = {name: ROOT / f"{name}.md" for name in PAGES}
    env = SimpleNamespace(found_docs=PAGES, doc2path=places.get, dependencies=read.dependencies)
    assert api.find_outdated(None, env, set(), set(), set()) == []
    env.dependencies[PAGES[0]].remove(str(PACKAGE / "attention.py"))
    assert api.find_outdated(None, env, set(), set(), set()) == [PAGES[0]]


@each_module
def test_a_module_or_its_package_names_the_chapter_that_teaches_it(path):
    texts = [
        ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        for file in {path, path.parent / "__init__.py"} - {PACKAGE / "__init__.py"}
    ]
    assert any(CHAPTER.search(re.sub(r"\s+", " ", text)) for text in texts)


@each_module
def test_what_is_public_says_what_it_is(path):
    assert [node.name for node in public(path) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_package_is_light_and_its_docstrings_have_become_text(book, page):
    file = book / f"{page}.html"
    assert file.stat().st_size < 300_000
    article = copy.copy(soup_of(file).select_one("article"))
    for code in article.select("pre, code, .sig"):
        code.extract()
    assert re.findall(r"``?\w[^`]*`|\bArgs:|:doc:|:class:", article.get_text()) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_chapter_that_is_named_is_a_link(book, page):
    article = soup_of(book / f"{page}.html").select_one("article")
    links = {a["href"].split("/")[-1][:2] for a in article.select("a[href*='/notebooks/']")}
    assert links
    assert all(number.isdigit() for number in links)
