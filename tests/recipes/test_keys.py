"""A key stands for all that shapes a model, and for nothing else."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import grimp
import pytest

from transformer_lab.recipes import RECIPES, OwnText, key, keys


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("transformer_lab", cache_dir=None)


def module_of(path):
    parts = path.relative_to(keys.PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@pytest.mark.parametrize("kind", [*map(type, RECIPES.values()), OwnText])
def test_a_key_reads_every_module_that_a_recipe_imports(graph, kind):
    read = set(map(module_of, keys.sources(Path(inspect.getfile(kind)))))
    assert read == graph.find_upstream_modules(kind.__module__) | {kind.__module__}
    assert {"transformer_lab.recipes.recipe", "transformer_lab.distributed"} <= read
    assert not {"transformer_lab.recipes.book", "transformer_lab.recipes.store"} & read


CODE = """
def double(x):
    from transformer_lab.models import Decoder
    return 2 * x
"""
SAME = '''"""A module."""

def double(x):
    """Twice as much."""
    # the reason why
    from transformer_lab.models import (
        Decoder,
    )
    return 2*x
'''


def read(folder, name, source):
    path = folder / f"{name}.py"
    path.write_text(source)
    return keys._read(path)


def test_comments_docstrings_and_layout_do_not_count_and_code_does(tmp_path):
    code, _ = read(tmp_path, "code", CODE)
    assert read(tmp_path, "same", SAME)[0] == code
    assert read(tmp_path, "other", CODE.replace("2", "3"))[0] != code


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("from transformer_lab.models import Decoder, Encoder", ["models.py"]),
        ("from transformer_lab import models, trace", ["models.py", "trace.py"]),
        ("from transformer_lab.languages import stories as s", ["languages/stories.py"]),
        ("from transformer_lab.tokenization import BPETokenizer", ["tokenization/__init__.py"]),
        ("import transformer_lab.languages.stories as s", ["languages/stories.py"]),
        ("if True:\n    from transformer_lab import __version__", ["__init__.py"]),
        ("import json, torch.nn\nfrom collections.abc import Callable", []),
    ],
)
def test_every_way_to_import_is_found(tmp_path, line, files):
    assert read(tmp_path, "code", line)[1] == {keys.PACKAGE / file for file in files}


def test_words_about_a_recipe_do_not_shape_its_model():
    recipe = RECIPES["story-gpt"]
    assert key(replace(recipe, description="another one")) == key(recipe)


@pytest.mark.parametrize("change", [{"seed": 1}, {"steps": 7}, {"d_ff": 8}, {"snapshots": (1,)}])
def test_whatever_shapes_the_model_has_its_own_key(change):
    recipe = RECIPES["story-gpt"]
    assert key(replace(recipe, **change)) != key(recipe)
