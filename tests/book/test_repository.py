"""`make repository URL=...`: one address, everywhere it is needed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]
repository = load_tool("repository")
ADDRESS = "https://github.com/someone/transformer-lab"


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
    repository.set_everywhere(ADDRESS, copy)
    assert repository.current(copy) == ADDRESS
    assert f'REPOSITORY = "{ADDRESS}"' in (copy / "book/first_cell.py").read_text()
    for path in (copy / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        first = next(cell for cell in cells if cell["cell_type"] == "code")
        assert "".join(first["source"]) == repository.first_cell(copy)
    readme = (copy / "README.md").read_text()
    assert "colab.research.google.com/github/someone/transformer-lab" in readme
    assert "address is not set" not in readme


def test_setting_the_same_address_again_changes_nothing(copy):
    repository.set_everywhere(ADDRESS, copy)
    before = everything(copy)
    assert repository.set_everywhere(ADDRESS, copy) == []
    assert everything(copy) == before


def test_another_address_replaces_the_first_everywhere(copy):
    repository.set_everywhere(ADDRESS, copy)
    repository.set_everywhere("https://github.com/else/where", copy)
    assert not [path for path, text in everything(copy).items() if "someone/" in text]


def test_taking_the_address_away_gives_back_the_files_as_they_were(copy):
    repository.set_everywhere("", copy)
    before = everything(copy)
    repository.set_everywhere(ADDRESS, copy)
    repository.set_everywhere("", copy)
    assert everything(copy) == before


def test_an_address_is_written_in_its_plain_form():
    assert repository.checked(f" {ADDRESS}.git") == ADDRESS


@pytest.mark.parametrize(
    "wrong",
    ["transformer-lab", "http://github.com/a/b", "https://github.com/a", "git@github.com:a/b.git",
     "https://github.com/a/b/tree/main", 'https://github.com/a/b"; rm', "https://github.com/a/b c"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_an_example(wrong, capsys):
    assert repository.main([wrong]) == 1
    message = capsys.readouterr().err
    assert "make repository URL=https://github.com/OWNER/NAME" in message


def test_the_stored_files_carry_the_address_of_the_configuration():
    assert f'REPOSITORY = "{repository.current()}"' in repository.first_cell()
