"""Sphinx extension: live figures in the built book.

Before the build it names the folder where figures leave their bytes and keys the
cache of executed notebooks to the package's Python sources, so that a change in
the package runs the notebooks again. After the build it puts into `_static/live/`
what the pages use: the figures' bytes, the parts of real models, and JavaScript, joined
into one text for each module. Figures' JavaScript is linked anew at every build, so a change
in it runs no notebook.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import transformer_lab
from transformer_lab.widgets.live_figure import (
    ASSET_FOLDER_VARIABLE,
    LinkError,
    classic_script,
    link,
    stylesheet,
)
from transformer_lab.widgets.real_model import MINILM, SMOLLM2, RealModel

PLACE = re.compile(
    r'<div class="tl-live" data-live-figure="(?P<name>[^"]+)">'
    r'<script type="application/json">(?P<json>.*?)</script>',
    re.DOTALL,
)
PACKAGE = Path(transformer_lab.__path__[0])
HOST = "live_host.js"
HOST_SOURCE = Path(__file__).with_name(HOST)
STYLE = "live_figure.css"


def setup(app: Sphinx) -> dict:
    app.add_config_value("live_figures_folders", [str(PACKAGE / "widgets")], "html")
    app.add_config_value("live_figures_version", "", "html")
    app.connect("config-inited", prepare_execution)
    app.connect("config-inited", note_version)
    app.connect("builder-inited", publish_shared)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", publish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# --- Before: where notebooks run and leave what they made -----------------------


def package_key() -> str:
    """A name for the package's Python sources as they are now."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def prepare_execution(app: Sphinx, config) -> None:
    key = package_key()
    all_runs = Path(app.outdir).parent / "execution"
    folder = all_runs / key
    folder.mkdir(parents=True, exist_ok=True)
    for old in all_runs.iterdir():
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    # Sphinx reads every page again when this setting changes, and so runs it again.
    config.nb_execution_cache_path = str(folder / "notebooks")
    os.environ[ASSET_FOLDER_VARIABLE] = str(folder / "assets")


def note_version(app: Sphinx, config) -> None:
    """A setting that changes with every style and script: then Sphinx writes all pages anew
    (it does not run them), and no reader's browser keeps a script that has changed."""
    digest = hashlib.sha256()
    for folder in [*config.live_figures_folders, *config.html_static_path]:
        for path in sorted(Path(app.confdir, folder).rglob("*")):
            if path.suffix in {".js", ".css", ".svg"}:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(HOST_SOURCE.read_bytes())
    config.live_figures_version = digest.hexdigest()[:8]


def publish_shared(app: Sphinx) -> None:
    """Write what all figures share: the style and the host."""
    if app.builder.format == "html":
        static = Path(app.outdir, "_static")
        static.mkdir(parents=True, exist_ok=True)
        (static / STYLE).write_text(stylesheet(), encoding="utf-8")
        (static / HOST).write_text(link(HOST_SOURCE), encoding="utf-8")


# --- During: scripts for the pages that have a figure ---------------------------


def add_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """The host, told the version of each module: an address that changes with its content."""
    modules = sorted(what_page_uses(context.get("body", ""))[0])
    if modules:
        versions = {name: hashlib.sha256(module(app, name)).hexdigest()[:8] for name in modules}
        attributes: dict[str, Any] = {"data-versions": json.dumps(versions)}
        app.add_js_file(HOST, loading_method="defer", **attributes)
        app.add_css_file(STYLE)


# --- After: the files that the pages need ---------------------------------------


def publish(app: Sphinx, exception) -> None:
    if exception or app.builder.format != "html":
        return
    modules, assets = what_pages_use(Path(app.outdir))
    live = Path(app.outdir, "_static/live")
    live.mkdir(parents=True, exist_ok=True)
    for name in sorted(modules):
        (live / Path(name).name).write_bytes(module(app, name))
    for model in (MINILM, SMOLLM2):
        if not assets.keys().isdisjoint(model.parts):
            publish_model(model, live)
    for name in sorted(assets):
        publish_asset(name, assets[name], live)
    needed = {f"{Path(name).stem}.js" for name in {*modules, *assets}}
    for path in live.iterdir():
        if path.name not in needed:
            path.unlink()


def what_pages_use(folder: Path) -> tuple[set[str], dict[str, str]]:
    """The JavaScript modules of all figures, and each asset with a page that uses it."""
    all_modules, all_assets = set(), {}
    for page in sorted(folder.rglob("*.html")):
        modules, assets = what_page_uses(page.read_text(encoding="utf-8"))
        all_modules |= modules
        all_assets |= dict.fromkeys(assets, page.relative_to(folder).as_posix())
    return all_modules, all_assets


def what_page_uses(text: str) -> tuple[set[str], set[str]]:
    """The JavaScript modules and the assets of the figures in a page."""
    figures = [json.loads(place["json"]) for place in PLACE.finditer(text)]
    modules = {figure["module"] for figure in figures}
    return modules | named("$module", figures), named("$asset", figures)


def named(kind: str, value) -> set[str]:
    """The names of all files of this kind that a figure's state speaks of."""
    if isinstance(value, dict):
        if kind in value:
            return {value[kind]}
        value = list(value.values())
    if isinstance(value, list):
        return {name for item in value for name in named(kind, item)}
    return set()


def publish_model(model: RealModel, live: Path) -> None:
    try:
        model.write_parts(live)
    except (OSError, ValueError) as error:
        raise ExtensionError(f"live figure: {model.name} cannot be written: {error}") from error


def module(app: Sphinx, name: str) -> bytes:
    """A figure's JavaScript with all that it imports, as a script that a page can load."""
    for folder in app.config.live_figures_folders:
        path = Path(app.srcdir, folder, name)
        if not path.exists():
            continue
        try:
            return classic_script(path.stem, link(path)).encode()
        except LinkError as error:
            raise ExtensionError(f"live figure {name}: {error}") from error
    raise ExtensionError(f"live figure: there is no {name} in {app.config.live_figures_folders}")


def publish_asset(name: str, page: str, live: Path) -> None:
    source = Path(os.environ[ASSET_FOLDER_VARIABLE], f"{name}.js")
    if (live / source.name).exists():
        return
    if not source.exists():
        raise ExtensionError(
            f"live figure in {page}: its data {source} is gone, though the notebook's outputs "
            "are still cached. Run 'make clean', then 'make book'."
        )
    shutil.copyfile(source, live / source.name)
