"""`make repository URL=...`: one address, everywhere it is needed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

from tests.conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]
repository = load_tool("repository")
ADDRESS = "https://github.com/someone/transformer-lab"
BOOK = "https://someone.github.io/transformer-lab"


@pytest.fixture
def copy(tmp_path) -> Path:
    """The files that carry the address, in a folder of their own."""
    for name in ("_config.yml", "README.md", "book/first_cell.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return tmp_path


def everything(root: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_an_address_reaches_configuration_notebooks_and_badges(copy):
    repository.set_everywhere(ADDRESS, root=copy)
    assert repository.REPOSITORY.current(copy) == ADDRESS
    assert f'REPOSITORY = "{ADDRESS}"' in (copy / "book/first_cell.py").read_text()
    for path in (copy / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code")
        assert first.source == repository.first_cell(copy)
    readme = (copy / "README.md").read_text()
    assert "colab.research.google.com/github/someone/transformer-lab" in readme
    assert "address is not set" not in readme


def test_setting_the_same_address_again_changes_nothing(copy):
    repository.set_everywhere(ADDRESS, BOOK, copy)
    before = everything(copy)
    assert repository.set_everywhere(ADDRESS, BOOK, copy) == []
    assert everything(copy) == before


def test_each_notebook_begins_with_a_link_to_its_page_once_there_is_one(copy):
    repository.set_everywhere(ADDRESS, BOOK, copy)
    assert repository.BOOK.current(copy) == BOOK
    for path in (copy / "notebooks").glob("*.ipynb"):
        title, link, *_ = nbformat.read(path, as_version=4).cells
        assert title.source.startswith("# ")
        assert f"({BOOK}/notebooks/{path.stem}.html)" in link.source


def test_the_page_itself_is_built_without_that_link(copy):
    spec = importlib.util.spec_from_file_location("house", ROOT / "book/_ext/house.py")
    house = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(house)
    path = copy / "notebooks/01_why_transformers.ipynb"
    before = nbformat.read(path, as_version=4)
    repository.set_everywhere("", BOOK, copy)
    source = [path.read_text()]
    house.leave_out_link_to_itself(None, "notebooks/01_why_transformers", source)
    assert nbformat.reads(source[0], as_version=4) == before


def test_another_address_replaces_the_first_everywhere(copy):
    repository.set_everywhere(ADDRESS, BOOK, copy)
    repository.set_everywhere("https://github.com/else/where", "https://else.where/book", copy)
    assert not [path for path, text in everything(copy).items() if "someone/" in text]


def test_taking_the_address_away_gives_back_the_files_as_they_were(copy):
    repository.set_everywhere("", "", copy)
    before = everything(copy)
    repository.set_everywhere(ADDRESS, BOOK, copy)
    repository.set_everywhere("", "", copy)
    assert everything(copy) == before


def test_an_address_is_written_in_its_plain_form():
    assert repository.REPOSITORY.checked(f" {ADDRESS}.git") == ADDRESS
    assert repository.BOOK.checked(f"{BOOK}/") == BOOK


@pytest.mark.parametrize(
    "wrong",
    ["transformer-lab", "http://github.com/a/b", "https://github.com/a", "git@github.com:a/b.git",
     "https://github.com/a/b/tree/main", 'https://github.com/a/b"; rm', "https://github.com/a/b c"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_an_example(wrong, capsys):
    assert repository.main([wrong]) == 1
    message = capsys.readouterr().err
    assert "make repository URL=https://github.com/OWNER/NAME" in message


@pytest.mark.parametrize("wrong", ["a book", "http://a.b/c", "https://a.b/c d", 'https://a.b/"'])
def test_what_is_no_address_of_a_book_is_refused_with_an_example(wrong, capsys):
    assert repository.main(["", wrong]) == 1
    assert "make repository BOOK=https://OWNER.github.io/NAME" in capsys.readouterr().err


def test_the_stored_files_carry_the_address_of_the_configuration():
    assert f'REPOSITORY = "{repository.REPOSITORY.current()}"' in repository.first_cell()


def test_binder_installs_a_torch_for_processors_before_pip_looks_for_one():
    settings = YAML(typ="safe").load(ROOT / ".binder/environment.yml")
    assert "pytorch-cpu" in settings["dependencies"]
    post_build = ROOT / ".binder/postBuild"
    assert os.access(post_build, os.X_OK)
    assert '".[notebooks]"' in post_build.read_text()
