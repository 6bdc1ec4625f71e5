"""Notebooks run side by side before the pages are read, and only those that must run."""

from __future__ import annotations

import asyncio
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from sphinx.errors import ExtensionError

from tests.conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def runs(monkeypatch):
    """The extension, with no model to train."""
    path = ROOT / "book/_ext/parallel_runs.py"
    spec = importlib.util.spec_from_file_location("parallel_runs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RECIPES", {})
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return module


def write(path: Path, code: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, path)
    return path


def build(runs, folder: Path, *, timeout: int = 60) -> None:
    """What Sphinx does before it reads the pages of a book in this folder."""
    config = SimpleNamespace(
        nb_execution_cache_path=str(folder / "cache"), nb_execution_timeout=timeout
    )
    env = SimpleNamespace(doc2path=lambda name: str(folder / name))
    names = [path.name for path in sorted(folder.glob("*.*"))]
    runs.run_notebooks(SimpleNamespace(config=config), env, names)


def printed(folder: Path, path: Path) -> str:
    _, notebook = get_cache(folder / "cache").merge_match_into_notebook(nbformat.read(path, 4))
    return notebook.cells[0].outputs[0].text


def test_notebooks_run_once_beside_each_other_and_go_into_the_cache(runs, tmp_path):
    # Each waits for the other: one after the other they would never end.
    meet = (
        "import pathlib, time\n"
        "pathlib.Path('{me}.here').touch()\n"
        "while not pathlib.Path('{other}.here').exists():\n"
        "    time.sleep(0.01)\n"
        "print('{me} met {other}')"
    )
    if runs.AT_ONCE < 2:
        meet = "print('{me} met {other}')"
    first = write(tmp_path / "a.ipynb", meet.format(me="a", other="b"))
    second = write(tmp_path / "b.ipynb", meet.format(me="b", other="a"))
    (tmp_path / "page.md").write_text("# No notebook")
    build(runs, tmp_path)
    assert printed(tmp_path, first) == "a met b\n"
    assert printed(tmp_path, second) == "b met a\n"

    for path in tmp_path.glob("*.here"):
        path.unlink()
    build(runs, tmp_path)
    assert not list(tmp_path.glob("*.here")), "what is in the cache does not run again"


def test_a_notebook_that_fails_stops_the_build_and_is_named(runs, tmp_path):
    write(tmp_path / "wrong.ipynb", "assert 1 == 2, 'the sentence is false'")
    with pytest.raises(ExtensionError, match=r"(?s)wrong\.ipynb failed.*the sentence is false"):
        build(runs, tmp_path)


def test_a_kernel_that_stops_answering_is_tried_once_more(runs, tmp_path):
    code = (
        "import pathlib, time\n"
        "if not pathlib.Path('tried').exists():\n"
        "    pathlib.Path('tried').touch()\n"
        "    time.sleep(60)\n"
        "print('answered')"
    )
    notebook = write(tmp_path / "a.ipynb", code)
    build(runs, tmp_path, timeout=3)
    assert printed(tmp_path, notebook) == "answered\n"


def test_a_reply_is_seen_even_if_its_only_sign_was_lost(runs, monkeypatch):
    looks = []

    async def get_msg(self, timeout):
        looks.append(timeout)
        if len(looks) < 2:
            raise Empty
        return {"a": "reply"}

    monkeypatch.setattr(runs.AsyncZMQSocketChannel, "get_msg", get_msg)
    channel = runs.Channel.__new__(runs.Channel)
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may be running in this thread
        assert pool.submit(asyncio.run, channel.get_msg(600)).result() == {"a": "reply"}
        assert max(looks) <= 1
        looks.clear()
        with pytest.raises(Empty):
            pool.submit(asyncio.run, channel.get_msg(0)).result()


SLIDER = "from ipywidgets import interact\ninteract(lambda x: {what}, x=(0, 9));"


def test_a_slider_gives_way_to_what_its_function_gave_at_first(runs, tmp_path):
    path = write(tmp_path / "slider.ipynb", SLIDER.format(what="f'ten times {x} is {10 * x}'"))
    build(runs, tmp_path)
    _, notebook = get_cache(tmp_path / "cache").merge_match_into_notebook(nbformat.read(path, 4))
    [output] = notebook.cells[0].outputs
    assert output.data == {"text/plain": "'ten times 4 is 40'"}
    assert "widgets" not in notebook.metadata


def test_a_function_that_fails_behind_a_slider_stops_the_build(runs, tmp_path):
    write(tmp_path / "slider.ipynb", SLIDER.format(what="1 / (x - 4)"))
    with pytest.raises(ExtensionError, match="division by zero"):
        build(runs, tmp_path)


def test_what_another_rounding_breaks_is_told(tmp_path):
    tool = load_tool("other_roundings")
    text = "import os\nassert os.environ['ATEN_CPU_CAPABILITY'] == 'avx2', 'another rounding'"
    path = write(tmp_path / "a.ipynb", text)
    assert tool.failures(path, tool.ROUNDINGS["AVX2"]) == []
    [failure] = tool.failures(path, tool.ROUNDINGS["no vectors"])
    assert failure.startswith("cell 0: AssertionError another rounding\n")
    assert "assert os.environ" in failure
