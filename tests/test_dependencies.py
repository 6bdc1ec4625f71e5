"""What the package needs is what it says that it needs."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

tomllib = pytest.importorskip("tomllib")  # Python 3.11 and newer
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]
NAMES = {canonicalize_name(requirement.name) for requirement in DECLARED}
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
PINS = {canonicalize_name(name): version for name, version in PINS.items()}
# Comes with transformers; a name on the Hub is fetched with it where it is there.
NOT_NEEDED = {"huggingface-hub"}
NO_PACKAGES = {"transformer_lab", "_typeshed"}  # the latter is there for type checkers only


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_each_bound_lets_the_pinned_version_in(requirement):
    name = canonicalize_name(requirement.name)
    assert name == "transformer-lab" or requirement.specifier.contains(PINS[name])


def imported() -> set[str]:
    """The packages that some file of ours imports, at its top or later."""
    found = set()
    for path in (ROOT / "transformer_lab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - NO_PACKAGES


def test_each_import_of_the_package_is_declared():
    distributions = packages_distributions()
    for module in imported():
        owners = {canonicalize_name(owner) for owner in distributions[module]}
        assert owners & (NAMES | NOT_NEEDED), f"{module} is in none of {owners}"
