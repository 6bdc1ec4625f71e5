"""All that is offered is there in torch too, in both places, and imports nothing from outside."""

import ast
import inspect
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from transformer_lab import page_torch

FILES = sorted((ROOT / "transformer_lab/page_torch").rglob("*.py"))


def test_what_is_offered_is_torchs():
    assert [name for name in page_torch.FUNCTIONS if not hasattr(torch, name)] == []
    methods = [name for name in vars(page_torch.Tensor) if not name.startswith("_")]
    ours = {"numbers", "places"}
    assert {name for name in methods if not hasattr(torch.Tensor, name)} == ours
    layers = [name for name in page_torch.nn.__all__ if not hasattr(torch.nn, name)]
    assert layers == []
    functional = page_torch.nn.functional.OFFERED
    assert [name for name in functional if not hasattr(torch.nn.functional, name)] == []


def test_the_words_of_arguments_are_torchs():
    """Where torch names its arguments for Python to see."""
    for name, function in page_torch.nn.functional.OFFERED.items():
        try:
            wanted = inspect.signature(getattr(torch.nn.functional, name)).parameters
        except (TypeError, ValueError):  # written in C
            continue
        assert [word for word in inspect.signature(function).parameters if word not in wanted] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_the_standard_library_and_neighbours_are_imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_annotations_stay_text(path: Path):
    """`offered` reads them as text."""
    assert "from __future__ import annotations" in path.read_text("utf-8")
