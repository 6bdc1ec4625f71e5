"""Sphinx extension: the notebooks that must run are run side by side.

MyST-NB runs them one after another, each with all processor cores. Models as small
as ours gain less from a second core than two notebooks at once do. So before the pages
are read, the notebooks that are not in the cache run in a few processes, which share
the cores, and go into the cache, where MyST-NB finds them. The named models come first:
chapters that share one would otherwise wait for each other.

A slider that calls Python is dead in a page. In its place the cache gets what the
function gave at first, and none of the widgets' state.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.client import KernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from traitlets import Type

from transformer_lab.recipes import RECIPES, Recipe, is_trained

logger = logging.getLogger(__name__)
CORES = os.cpu_count() or 1
AT_ONCE = min(4, CORES)  # a chapter with a real model takes 2 GiB
LOOK_AGAIN = 1.0  # seconds
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGETS_STATE = "application/vnd.jupyter.widget-state+json"


class Channel(AsyncZMQSocketChannel):
    """Where a kernel's replies are waited for, with a second look every second.

    nbclient sends on the channel, too, when a slider shows something. That can swallow the
    socket's only sign that the reply is there, and then one would wait until the cell's time
    is over (nbclient, issue 312).
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message; `Empty` if none comes in this many seconds."""
        end = float("inf") if timeout is None else monotonic() + timeout
        while True:
            try:
                return await super().get_msg(max(0.0, min(LOOK_AGAIN, end - monotonic())))
            except Empty:
                if monotonic() >= end:
                    raise


class Client(AsyncKernelClient):
    """A client that looks a second time."""

    shell_channel_class = Type(Channel)


class Manager(AsyncKernelManager):
    """A manager with such clients."""

    client_factory = Type(Client, klass=KernelClient)


def setup(app: Sphinx) -> dict:
    app.connect("env-before-read-docs", run_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def run_notebooks(app: Sphinx, env, docnames: list[str]) -> None:
    """Run what the cache does not hold; stop the build at a notebook that fails."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, CORES // AT_ONCE)))
    paths = [Path(env.doc2path(name)) for name in docnames]
    cache = get_cache(app.config.nb_execution_cache_path)
    waiting = [path for path in paths if path.suffix == ".ipynb" and not is_cached(cache, path)]
    if not waiting:
        return
    # The longest first, so that the others fit beside it: trainings by their steps,
    # notebooks by their size, which is a guess.
    models = sorted(RECIPES.values(), key=lambda recipe: -recipe.steps)
    waiting.sort(key=lambda path: -path.stat().st_size)
    timeout = app.config.nb_execution_timeout
    with ThreadPoolExecutor(AT_ONCE) as pool:
        trainings = [pool.submit(train, recipe) for recipe in models if not is_trained(recipe)]
        runs = [pool.submit(run, path, timeout) for path in waiting]
        try:
            for training in trainings:
                training.result()
            for job in as_completed(runs):  # what has run stays, if a later one fails
                keep(cache, *job.result())
        except ExtensionError:
            pool.shutdown(cancel_futures=True)
            raise


def is_cached(cache, path: Path) -> bool:
    try:
        cache.match_cache_notebook(nbformat.read(path, 4))
    except KeyError:
        return False
    return True


def train(recipe: Recipe) -> None:
    logger.info("training %s", recipe.name)
    command = [sys.executable, "-m", "transformer_lab", "train", recipe.name]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise ExtensionError(f"training {recipe.name} failed:\n{ran.stderr}")


def run(path: Path, timeout: int, *, again: bool = True) -> tuple:
    """Run a notebook: once more if its kernel stops answering, as happens now and then."""
    logger.info("running %s", path.name)
    notebook = nbformat.read(path, 4)
    result = single_nb_execution(
        notebook,
        cwd=str(path.parent),
        timeout=timeout,
        allow_errors=False,
        kernel_manager_class=Manager,
    )
    if again and isinstance(result.err, CellTimeoutError):
        return run(path, timeout, again=False)
    if result.err is not None:
        raise ExtensionError(f"{path.name} failed:\n{result.exc_string}")
    show_what_sliders_called(path, notebook)
    logger.info("ran %s in %.0f s", path.name, result.time)
    return path, notebook, result.time


def show_what_sliders_called(path: Path, notebook) -> None:
    """Put what the function behind a slider first gave in the place of the slider."""
    state = notebook.metadata.pop("widgets", {}).get(WIDGETS_STATE, {}).get("state", {})

    def outputs_in(model_id: str) -> list:
        widget = state[model_id]["state"]
        children = [child.removeprefix("IPY_MODEL_") for child in widget.get("children", [])]
        return [*widget.get("outputs", []), *(out for c in children for out in outputs_in(c))]

    for cell in notebook.cells:
        shown = []
        for output in cell.get("outputs", []):
            is_slider = WIDGET in output.get("data", {})
            found = outputs_in(output["data"][WIDGET]["model_id"]) if is_slider else [output]
            shown += map(nbformat.from_dict, found)
        if errors := [output for output in shown if output["output_type"] == "error"]:
            raise ExtensionError(f"{path.name} failed behind a slider: {errors[0]['evalue']}")
        if cell.cell_type == "code":
            cell.outputs = shown


def keep(cache, path: Path, notebook, seconds: float) -> None:
    """Into the cache. One thread does this for all: the cache's database is one file."""
    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds}),
        check_validity=False,
        overwrite=True,
    )
