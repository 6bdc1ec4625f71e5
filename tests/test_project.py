"""What the repository says about itself is so: its version, its workflows, its types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import transformer_lab
from tests.conftest import ROOT

FORMS = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
# What a workflow may name: a file or folder of the repository.
OURS = re.compile(r"(?<![\w/.-])(?:\.ci|tests|tools|book|transformer_lab)/[\w./-]+")


def read(path: Path):
    yaml = pytest.importorskip("ruamel.yaml")
    return yaml.YAML(typ="safe").load(path)


def test_one_version_stands_everywhere():
    [newest, *_] = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == transformer_lab.__version__
    citation = read(ROOT / "CITATION.cff")
    assert citation["version"] == transformer_lab.__version__
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_workflow_is_yaml_and_names_only_what_is_there(path):
    assert read(path)
    text = path.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([\w-]+)", text)) <= targets
    assert all((ROOT / named).exists() for named in OURS.findall(text))
    assert all(re.search(r"@v\d+$", action) for action in re.findall(r"uses: (\S+)", text))


def test_the_oldest_python_of_the_workflows_is_the_promised_one():
    [promised] = re.findall(
        r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text()
    )
    [oldest, *_] = re.findall(
        r'python: "([\d.]+)"', (ROOT / ".github/workflows/versions.yml").read_text()
    )
    assert oldest == promised


def test_types_styles_and_scripts_come_with_an_installation(monkeypatch):
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.chdir(ROOT)
    project = setuptools.Distribution()
    project.parse_config_files()
    project.include_package_data = False  # else it writes beside the package what git knows of it
    build = project.get_command_obj("build_py")
    build.ensure_finalized()
    shipped = {Path(folder, name) for _, folder, _, names in build.data_files for name in names}
    shipped = {path.relative_to(ROOT) if path.is_absolute() else path for path in shipped}
    package = Path("transformer_lab")
    there = {
        p.relative_to(ROOT) for p in (ROOT / package).rglob("*") if p.suffix in {".js", ".css"}
    }
    assert {package / "py.typed"} | there <= shipped
