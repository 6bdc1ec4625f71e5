"""Sphinx extension: live figures in the built book, and everything served by itself.

Before the build it names the folder where figures leave their bytes and keys the
cache of executed notebooks to the package's Python sources, so that a change in
the package runs the notebooks again. After the build it puts into `_static/live/`
what the pages use: the figures' bytes and their JavaScript, joined into one
module text each. Figures' JavaScript is linked anew at every build, so a change
in it runs no notebook.

It also copies MathJax from the installed package that carries it, and shows the
buttons that need the repository's address only when there is one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from transformer_lab.widgets.live_figure import ASSET_FOLDER_VARIABLE, LinkError, classic_script, link

logger = logging.getLogger(__name__)

PLACE = re.compile(
    r'<div class="tl-live" data-live-figure="(?P<name>[^"]+)">'
    r'<script type="application/json">(?P<json>.*?)</script>',
    re.DOTALL,
)
PACKAGE = Path(find_spec("transformer_lab").origin).parent
HOST = "live_host.js"
STYLE = "live_figure.css"


def setup(app: Sphinx) -> dict:
    app.add_config_value("live_figures_folders", [str(PACKAGE / "widgets")], "html")
    app.connect("config-inited", prepare_execution)
    app.connect("config-inited", set_theme)
    app.connect("config-inited", leave_out_thebe)
    app.connect("html-page-context", add_scripts)
    app.connect("html-page-context", launch_only_notebooks, priority=100)
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


def leave_out_thebe(app: Sphinx, config) -> None:
    """Leave out thebe, which Jupyter Book always loads: it would fetch a kernel's page code
    from another host, and our figures need no kernel."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)


def set_theme(app: Sphinx, config) -> None:
    """The theme's options, with the buttons that lead to the repository once its address
    is known (`make repository`)."""
    config.html_theme_options |= {
        "logo": {"text": config.project},
        "navbar_persistent": [],  # the search field stands in the sidebar
    }
    if not config.html_theme_options.get("repository_url"):
        return
    config.html_theme_options |= {
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
    }


# --- During: scripts for the pages that have a figure ---------------------------


def add_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if 'data-live-figure="' in context.get("body", ""):
        app.add_js_file(HOST, loading_method="defer")
        app.add_css_file(STYLE)


def launch_only_notebooks(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """No launch buttons on a page that Colab cannot open: one written as Markdown."""
    if pagename in app.env.found_docs and app.env.doc2path(pagename).endswith(".md"):
        app.env.metadata[pagename].pop("kernelspec", None)


# --- After: the files that the pages need ---------------------------------------


def publish(app: Sphinx, exception) -> None:
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    publish_mathjax(app, static)
    (static / STYLE).write_text(
        (PACKAGE / "widgets" / STYLE).read_text(encoding="utf-8"), encoding="utf-8"
    )
    modules, assets = what_pages_use(Path(app.outdir))
    live = static / "live"
    live.mkdir(parents=True, exist_ok=True)
    for name in sorted(modules):
        publish_module(app, name, live)
    for name in sorted(assets):
        publish_asset(name, assets[name], live)
    for path in live.glob("*.js"):
        if path.stem not in {Path(name).stem for name in modules} | set(assets):
            path.unlink()


def what_pages_use(folder: Path) -> tuple[set[str], dict[str, str]]:
    """The JavaScript modules of all figures, and each asset with a page that uses it."""
    modules, assets = set(), {}
    for page in sorted(folder.rglob("*.html")):
        for place in PLACE.finditer(page.read_text(encoding="utf-8")):
            figure = json.loads(place["json"])
            modules.add(figure["module"])
            for name in asset_names(figure["state"]):
                assets[name] = page.relative_to(folder).as_posix()
    return modules, assets


def asset_names(value) -> list[str]:
    if isinstance(value, dict):
        if "$asset" in value:
            return [value["$asset"]]
        value = list(value.values())
    if isinstance(value, list):
        return [name for item in value for name in asset_names(item)]
    return []


def publish_module(app: Sphinx, name: str, live: Path) -> None:
    for folder in app.config.live_figures_folders:
        path = Path(app.srcdir, folder, name)
        if not path.exists():
            continue
        try:
            text = link(path)
        except LinkError as error:
            raise ExtensionError(f"live figure {name}: {error}") from error
        (live / path.name).write_text(classic_script(path.stem, text), encoding="utf-8")
        return
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


def publish_mathjax(app: Sphinx, static: Path) -> None:
    target = static / app.config.mathjax_path
    if target.exists():
        return
    spec = find_spec("mathjax")
    source = Path(spec.origin).parent / "static/mathjax/es5" / target.name if spec else None
    if source is None or not source.exists():
        raise ExtensionError("MathJax is missing: run 'pip install django-static-mathjax==3.2.2.1'.")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
