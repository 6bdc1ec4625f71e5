"""The folders are as README.md says: the floors of the package, and tests that mirror it."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

TESTS = ROOT / "tests"
# Tests of more than one module, or of none.
OF_MANY = {
    "test_dependencies", "test_layout", "test_project", "test_threads", "exercises/test_check",
    "pretrained/test_accounting", "pretrained/test_real_weights", "server/test_fields",
    "server/test_server", "tokenization/test_changed_files", "tokenization/test_real_bpe",
    "widgets/test_engine_architectures", "widgets/test_engine_families",
    "widgets/test_engine_files", "widgets/test_every_figure", "widgets/test_kernels",
    "widgets/test_tokenizer_figures", "widgets/test_tokenizers_in_the_page",
}  # fmt: skip


def test_the_readmes_floors_are_those_that_imports_are_held_to():
    tomllib = pytest.importorskip("tomllib")  # Python 3.11 and newer
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = re.findall(r"^\| \d+ \| (.+?) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    told = [set(re.findall(r"`(\w+)(?:\.py|/)`", row)) for row in rows]
    assert told == [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]


def test_each_test_stands_where_its_module_does():
    folders = [path for path in TESTS.rglob("test_*.py") if "book" not in path.parts]
    names = {path.relative_to(TESTS).with_suffix("").as_posix() for path in folders}
    elsewhere = set()
    for name in names:
        module = ROOT / "transformer_lab" / name.replace("test_", "", 1)
        main = module.with_name(f"__{module.name}__.py")
        if not any(path.exists() for path in (module.with_suffix(".py"), module, main)):
            elsewhere.add(name)
    assert elsewhere == OF_MANY
