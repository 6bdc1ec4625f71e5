"""A figure as small as can be, in a book as small as can be, in a real browser."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from transformer_lab.widgets.real_model import PART

ROOT = Path(__file__).resolve().parents[2]
TINY = Path(__file__).with_name("tiny")

CONF = """
extensions = ["myst_nb", "live_figures"]
exclude_patterns = ["_build"]
live_figures_folders = [{tiny!r}]
html_static_path = [{static!r}]
html_favicon = {static!r} + "/favicon.svg"
html_context = {{"default_mode": "light"}}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_mime_priority_overrides = [("html", "text/html", 0)]
"""

PAGE = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
---
# {title}

```{{code-cell}} ipython3
from pathlib import Path
import traitlets
from transformer_lab.widgets.live_figure import LiveFigure

class Tiny(LiveFigure):
    _module, _module_folder = "tiny.js", Path({tiny!r})
    text = traitlets.Unicode().tag(sync=True)
    times = traitlets.Int(1).tag(sync=True)
    broken = traitlets.Bool(False).tag(sync=True)
    content = traitlets.Bytes().tag(sync=True)
    more = traitlets.List(traitlets.Bytes()).tag(sync=True)
    _later = ("more",)
```

```{{code-cell}} ipython3
{cell}
```

```{{code-cell}} ipython3
Tiny(text="second", content=bytes(range(100)))
```
"""


# A figure, five screens of nothing, and then the template's second figure.
LONG = """from IPython.display import HTML, display
display(Tiny(text="near", content=b"near", more=[b"much", b"more"]))
display(HTML("<p style='height: 5000px'>a long text</p>"))"""


# A real model of two parts. Its file is small, so the notebook writes them.
REAL = """import hashlib, os
from transformer_lab.widgets.real_model import PART, RealModel, RealModelFigure

class Loader(RealModelFigure):
    _module, _module_folder = "loader.js", Path({tiny!r})

content = bytes(range(256)) * (PART // 256) + bytes([1, 2, 3])
small = RealModel(
    "Small", lambda: content, size=len(content), sha256=hashlib.sha256(content).hexdigest()
)
small.write_parts(Path(os.environ["TRANSFORMER_LAB_ASSETS"]))
Loader(real_model=small)"""


def build(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", folder, folder / "_build/html"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "book/_ext"), "JUPYTER_PREFER_ENV_PATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny book")  # with a space in its path, as folders have
    (folder / "conf.py").write_text(CONF.format(tiny=str(TINY), static=str(ROOT / "book/_static")))
    pages = {
        "index": "Tiny(text='</script><b>own</b> & text', content=bytes(range(100)))",
        "broken": "Tiny(text='x', content=bytes([7]), broken=True)",
        "long": LONG,
        "real": REAL.format(tiny=str(TINY)),
    }
    for name, cell in pages.items():
        page = PAGE.format(title=name, tiny=str(TINY), cell=cell)
        if name == "index":
            page += "\n```{toctree}\nbroken\nlong\nreal\n```\n"
        (folder / f"{name}.md").write_text(page)
    built = build(folder)
    assert built.returncode == 0, built.stdout
    return folder


@pytest.mark.parametrize("way", ["http", "file"])
def test_a_figure_lives_without_a_kernel(visit, serve, project, way):
    html = project / "_build/html"
    opened = visit(f"{serve(html) if way == 'http' else html.as_uri()}/index.html")
    opened.page.wait_for_selector("[data-live-figure=Tiny][data-ready=true] >> nth=1")
    assert opened.page.locator("[data-live-figure]").count() == 2
    figure = opened.page.locator("[data-live-figure]").first
    # What a reader wrote is shown as text, and the page is whole after it.
    assert figure.locator("p").inner_text() == f"</script><b>own</b> & text: {sum(range(100))}"
    figure.locator("input").focus()
    figure.locator("input").press("ArrowRight")
    assert figure.locator("p").inner_text().endswith(f": {2 * sum(range(100))}")
    assert opened.errors == opened.requests_elsewhere == []


READY = "[data-live-figure=Tiny][data-ready=true]"
COMES = {
    "scrolls": lambda page: page.mouse.wheel(0, 4500),
    "jumps": lambda page: page.locator(".tl-live").nth(1).evaluate("e => e.scrollIntoView()"),
    "presses Tab": lambda page: [page.keyboard.press("Tab") for _ in range(2)],
    "prints by the keyboard": lambda page: page.keyboard.press("Control+p"),
    "prints by a button": lambda page: page.evaluate("window.print()"),
    "prints by the menu": lambda page: page.evaluate("dispatchEvent(new Event('beforeprint'))"),
}


@pytest.mark.parametrize("way", COMES)
def test_a_figure_far_below_comes_when_the_reader_does(visit, project, way):
    page = visit((project / "_build/html/long.html").as_uri()).page
    page.wait_for_selector(READY)
    figures = page.locator(".tl-live")
    page.wait_for_timeout(200)
    assert page.locator(READY).count() == 1
    assert "Show this figure" in figures.nth(1).inner_text()
    page.locator(f"{READY} input").focus()
    COMES[way](page)
    page.wait_for_selector(f"{READY} >> nth=1")
    if way == "presses Tab":  # the next press leads into the figure
        page.keyboard.press("Tab")
        assert figures.nth(1).locator("input").evaluate("e => e === document.activeElement")


def test_what_is_named_in_later_comes_when_the_figure_asks(visit, project):
    page = visit((project / "_build/html/long.html").as_uri()).page
    page.wait_for_selector(READY)
    assert page.locator("script[src*=bytes-]").count() == 1
    page.get_by_role("button", name="More").click()
    sizes = [len(gzip.compress(content)) for content in (b"much", b"more")]
    shown = f"{sizes[0]}: {sum(b'much')},{sizes[1]}: {sum(b'more')}"
    page.get_by_role("button", name=shown).wait_for()


@pytest.mark.parametrize("way", ["http", "file"])
def test_a_real_model_comes_part_by_part_and_only_when_asked_for(visit, serve, project, way):
    html = project / "_build/html"
    opened = visit(f"{serve(html) if way == 'http' else html.as_uri()}/real.html")
    figure = opened.page.locator("[data-live-figure=Loader][data-ready=true]")
    figure.wait_for()
    assert opened.page.locator("script[src*=piece-], script[src*=worker]").count() == 0
    figure.get_by_role("button").click()
    total = sum(range(256)) * (PART // 256) + 6
    told = f"Small has {PART + 3} bytes, as told: true, sum {total}, true"
    figure.get_by_role("button", name=told).wait_for()
    assert (
        opened.page.evaluate("Object.keys(transformerLabParts).filter(n => /^piece/.test(n))") == []
    )
    assert opened.errors == opened.requests_elsewhere == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1001])


def _change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100:-98] = "一".encode("utf-16-le")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"), [(Path.unlink, "missing"), (_cut, "damaged"), (_change, "damaged")]
)
def test_a_part_that_is_not_whole_is_one_sentence_and_can_be_tried_again(
    visit, project, tmp_path, damage, said
):
    html = shutil.copytree(project / "_build/html", tmp_path / "html")
    first = min((html / "_static/live").glob("piece-*.js"))
    damage(first)
    figure = visit((html / "real.html").as_uri()).page.locator("[data-live-figure=Loader]")
    button = figure.get_by_role("button")
    button.click()
    sentence = re.compile(rf"^the file \S*{first.name} is {said}$")
    figure.get_by_role("button", name=sentence).wait_for()
    shutil.copy(project / "_build/html/_static/live" / first.name, first)
    button.click()
    figure.get_by_role("button", name="as told: true").wait_for()


def test_an_address_changes_with_the_content_of_its_file_and_with_nothing_else(visit, project):
    page = visit((project / "_build/html/index.html").as_uri()).page
    page.wait_for_selector(READY)
    script = (project / "_build/html/_static/live/tiny.js").read_bytes()
    version = hashlib.sha256(script).hexdigest()[:8]
    names = page.evaluate("[...document.scripts].map(script => script.src)")
    names = {name.rsplit("/", 1)[1] for name in names if "/live/" in name}
    assert {name for name in names if not re.fullmatch(r"bytes-[0-9a-f]{20}\.js", name)} == {
        f"tiny.js?v={version}"
    }


def test_a_figure_that_fails_says_so_and_the_next_one_lives(visit, project):
    opened = visit((project / "_build/html/broken.html").as_uri())
    opened.page.wait_for_selector("[data-ready=true]")
    message = opened.page.get_by_role("alert").inner_text()
    assert message.startswith("The figure Tiny could not start: broken on purpose.")
    assert any("could not start" in error for error in opened.errors)


def test_equal_bytes_are_one_file_for_all_pages(project):
    live = project / "_build/html/_static/live"
    # bytes(range(100)), [7], and what the long page has: "near", "much", "more"
    assert len(list(live.glob("bytes-*.js"))) == 5
    assert (live / "tiny.js").exists()
    assert len((project / "_build/html/index.html").read_text()) < 40_000


def test_lost_data_fails_the_build_and_says_what_to_do(project, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    for path in [*copy.rglob("bytes-*.js")]:
        path.unlink()
    built = build(copy)
    assert built.returncode != 0
    assert "Run 'make clean', then 'make book'" in built.stdout
