"""What the book says, as far as a test can hold it to that (CONTRIBUTING.md, "A true sentence")."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "book/index.md", ROOT / "book/glossary.md", ROOT / "book/how_measured.md"]
each_chapter = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

CITATION = re.compile(r"\[([^\]]+?),? (\d{4}[a-z]?)\]\(\.{0,2}/?(?:book/)?references(?:\.md)?\)")
ENTRY = re.compile(r"^- \*\*(?P<title>.+?)\.?\*\* (?P<authors>.+?)\. (?P<year>\d{4}[a-z]?)\.", re.M)


class Reference(NamedTuple):
    title: str
    authors: list[str]
    year: str

    def is_cited_as(self, names: str, year: str) -> bool:
        """Whether "Elman", "Press and Wolf" or "Vaswani et al." with this year means it."""
        first, *second = names.removesuffix(" et al.").split(" and ")
        return (
            year == self.year
            and self.authors[0].endswith(first)
            and all(self.authors[1:2] and self.authors[1].endswith(name) for name in second)
        )


def references() -> list[Reference]:
    text = (ROOT / "book/references.md").read_text(encoding="utf-8")
    return [
        Reference(entry["title"], entry["authors"].split(", "), entry["year"])
        for entry in ENTRY.finditer(text)
    ]


def prose(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def citations(path: Path) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in CITATION.finditer(prose(path))]


def test_every_line_of_the_references_is_read():
    text = (ROOT / "book/references.md").read_text(encoding="utf-8")
    assert len(references()) == len(re.findall(r"^- ", text, re.MULTILINE)) > 50


def test_no_paper_is_listed_twice():
    titles = Counter(reference.title.casefold() for reference in references())
    assert [title for title, times in titles.items() if times > 1] == []


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.stem)
def test_what_a_page_cites_is_in_the_references(path):
    for names, year in citations(path):
        found = [r.title for r in references() if r.is_cited_as(names, year)]
        assert found, f"{names} {year} is not in book/references.md"


@each_chapter
def test_a_link_to_the_references_is_a_citation(path):
    links = re.findall(r"\[([^\]]*)\]\([^)]*references\.md[^)]*\)", prose(path))
    assert len(links) == len(citations(path)), links


@each_chapter
def test_a_chapter_cites_what_it_takes(path):
    assert citations(path)


def test_every_paper_of_the_references_is_cited():
    cited = [citation for path in [*NOTEBOOKS, *PAGES] for citation in citations(path)]
    unused = [r.title for r in references() if not any(r.is_cited_as(*c) for c in cited)]
    assert unused == []


@each_chapter
def test_a_title_is_a_name_and_the_question_stands_under_it(path):
    first, *rest = [line for line in prose(path).splitlines() if line.strip()]
    assert first.startswith("# ")
    assert not first.endswith("?")
    assert rest[0].startswith("**The question: ")


@each_chapter
def test_a_chapter_shows_a_live_figure_and_ends_with_exercises_and_a_recap(path):
    headings = re.findall(r"^## (.+)$", prose(path), re.MULTILINE)
    assert headings[-2:] == ["Exercises", "Recap"]
    code = path.read_text(encoding="utf-8")
    assert "from transformer_lab.widgets import" in code


# A share or a decimal fraction in a sentence is nearly always a measurement, and those are
# printed by cells. What a paper chose or what arithmetic gives may stand in a sentence.
NUMBER = re.compile(r"\d+(?:\.\d+)? ?(?:%|per cent|percent)|(?<![\w.])\d+\.\d+(?![\w.])")
ASIDE = re.compile(
    r"\$\$.*?\$\$|\$[^$]+\$|```.*?```|`[^`]+`|\]\([^)]*\)|[Ss]ections? [\d.]+", re.DOTALL
)
INTERVALS = {"95 %"}  # the confidence of an interval
FACTS = {
    "09_residuals_and_norm": {"1.0", "1.2"},  # where to set a slider
    "10_encoder_and_decoder": {"15 %", "80 %", "10 %", "0.8", "0.9"},  # BERT's rule
    "11_contextual_embeddings": {"0.7"},  # in a belief that is quoted
}


@each_chapter
def test_no_measured_number_is_typed_in_a_sentence(path):
    typed = set(NUMBER.findall(ASIDE.sub(" ", prose(path))))
    assert typed <= INTERVALS | FACTS.get(path.stem, set())
