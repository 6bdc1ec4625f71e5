"""The figures in a real JupyterLab, in a real browser: a reader's keys, colours, and Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
import torch
from jupyter_client import BlockingKernelClient

from transformer_lab.chat import PLAIN_TURNS
from transformer_lab.models import Config, Decoder
from transformer_lab.recipes import model_file
from transformer_lab.tokenization import BPETokenizer

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = [*PLAIN_TURNS.opening.values(), PLAIN_TURNS.closing]
CELLS = [
    "import hashlib\n"
    "from pathlib import Path\n"
    "from transformer_lab.widgets import BendSpace, ChatWindow, HeadExplorer, PositionWaves\n"
    "from transformer_lab.widgets.real_model import RealModel\n"
    "content = Path('model.safetensors').read_bytes()\n"
    "checksum = hashlib.sha256(content).hexdigest()\n"
    "real = RealModel('Small', lambda: content, size=len(content), sha256=checksum)",
    "waves = PositionWaves()\nwaves",
    "bend = BendSpace()\nbend",
    "heads = HeadExplorer(model_file=content, text='what is 2+1', real_model=real)\nheads",
    "chat = ChatWindow(model_file=content)\nchat",
    "from ipywidgets import interact\ninteract(lambda x: 10 * x, x=(0, 9));",
]
N_FIGURES = 4
# What JupyterLab's own shortcuts use while a cell is selected, its text not being edited.
KEYS = ["ArrowDown", "ArrowUp", "j", "k", "a", "b", "x", "c", "v", "m", "y", "z", "Shift+Enter"]


def small_model() -> bytes:
    """A chat model with random weights: what it says is nonsense."""
    tokenizer = BPETokenizer.train(["what is 2+1"] * 3, vocab_size=270, special_tokens=SPECIAL)
    sizes = {"max_len": 64, "d_model": 16, "n_heads": 2, "n_layers": 2}
    torch.manual_seed(3)
    model = Decoder(Config(vocab_size=len(tokenizer), **sizes))
    return model_file(model, tokenizer, template=json.dumps(asdict(PLAIN_TURNS)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("jupyterlab")
    (folder / "model.safetensors").write_bytes(small_model())
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    nbformat.write(notebook, folder / "figures.ipynb")
    return folder


@pytest.fixture(scope="module")
def address(folder) -> str:
    """The notebook's address in a JupyterLab on this machine alone, which asks no other host."""
    places = {"CONFIG", "DATA", "RUNTIME"}
    environment = {
        **os.environ,
        **{f"JUPYTER_{place}_DIR": str(folder / place.lower()) for place in places},
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "LabApp.expose_app_in_browser": "True",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())],
            cwd=folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    deadline = time.monotonic() + 60
    address = re.compile(r"(http://127\.0\.0\.1:\d+/lab)\?(token=\w+)")
    while not (found := address.search((folder / "log").read_text())):
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.1)
    yield f"{found[1]}/tree/figures.ipynb?{found[2]}"
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(scope="module")
def page(address, browser):
    """The notebook, open, run from top to bottom."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    ready = "document.querySelectorAll('.jp-OutputArea [data-live-figure][data-ready=true]').length"
    page.wait_for_function(f"() => {ready} === {N_FIGURES}")
    yield page
    context.close()


@pytest.fixture
def python(folder, page):
    """`python(code)` runs code in the notebook's kernel and returns what it prints."""
    [file] = (folder / "runtime").glob("kernel-*.json")
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=30)

    def run(code: str) -> str:
        printed = []
        client.execute_interactive(
            code, timeout=30,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )  # fmt: skip
        return "".join(printed).strip()

    yield run
    client.stop_channels()


def figure(page, name):
    return page.locator(f".jp-OutputArea [data-live-figure={name}]")


def notebook(page) -> dict:
    """What keys could change: the cells, which of them is selected, and what has run."""
    return page.evaluate(
        """() => {
             const { content } = jupyterapp.shell.currentWidget;
             return {
               active: content.activeCellIndex,
               mode: content.mode,
               cells: content.widgets.map(({ model }) => [model.type, model.sharedModel.source]),
               runs: content.widgets.map(cell => cell.model.executionCount),
             };
           }"""
    )


def test_a_real_model_comes_from_the_kernel_and_works_in_a_worker(page):
    heads = figure(page, "HeadExplorer")
    heads.get_by_role("button", name="Load Small").click()
    page.wait_for_selector(".jp-OutputArea [data-real-model=ready]")
    heads.get_by_role("button", name="Unload Small").click()
    assert heads.get_by_role("button", name="Load Small").is_visible()


@pytest.mark.parametrize("name", ["PositionWaves", "BendSpace", "HeadExplorer", "ChatWindow"])
def test_a_key_in_a_figure_leaves_the_notebook_alone(page, name):
    controls = figure(page, name).locator("input, select, button, textarea, summary, [tabindex]")
    tried = 0
    for control in controls.all():
        if control.is_enabled() and control.is_visible():
            control.focus()
            before = notebook(page)  # the focus may select the figure's own cell
            for key in KEYS:
                page.keyboard.press(key)
            assert notebook(page) == before, control.evaluate("node => node.outerHTML.slice(0, 99)")
            tried += 1
    assert tried > 2


def test_a_conversation_outlives_shift_enter(page):
    chat = figure(page, "ChatWindow")
    chat.get_by_label("Your message").fill("what is 2+1")
    chat.get_by_role("button", name="Send", exact=True).click()
    chat.get_by_text("what is 2+1").first.wait_for()
    page.keyboard.press("Shift+Enter")
    chat.get_by_label("Your message").press("Shift+Enter")
    page.wait_for_timeout(500)  # a cell that ran again would have drawn a new figure by now
    assert chat.get_by_text("what is 2+1").count()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_canvases_are_painted_in_the_colours_of_the_theme(page, theme):
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeName === {theme!r}")
    page.wait_for_timeout(300)
    black = page.locator(".jp-OutputArea canvas").evaluate_all(
        """canvases => canvases.map(canvas => {
             const { width, height } = canvas;
             const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
             const pixels = [...new Uint32Array(data.buffer)].filter(pixel => pixel);
             return pixels.filter(pixel => pixel === 0xff000000).length / pixels.length;
           })"""
    )
    assert len(black) > 2
    assert max(black) < 0.01


def test_what_python_sets_is_drawn_and_what_a_reader_sets_is_known_to_python(page, python):
    distance = figure(page, "PositionWaves").get_by_role("slider", name="Distance")
    python("waves.distance = 17")
    page.wait_for_function("node => node.value === '17'", arg=distance.element_handle())
    distance.focus()
    page.keyboard.press("ArrowRight")
    deadline = time.monotonic() + 10
    while (value := python("print(waves.distance)")) != "18":
        assert time.monotonic() < deadline, value


def test_a_slider_of_ipywidgets_calls_python(page):
    before = notebook(page)
    page.locator(".widget-interact .noUi-handle").press("ArrowRight")
    page.locator(".widget-interact .jp-OutputArea").get_by_text("50", exact=True).wait_for()
    assert notebook(page)["cells"] == before["cells"]


def test_a_kernel_that_has_ended_is_said(page):
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.shutdown()")
    heads = figure(page, "HeadExplorer")
    heads.get_by_role("button", name="Load Small").click()
    heads.get_by_text("could not be loaded because the notebook's kernel has ended").wait_for()
    assert heads.get_attribute("data-real-model") == "failed"
