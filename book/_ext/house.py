"""Sphinx extension: the house rules of the book that its settings alone cannot say.

The pages serve themselves: thebe, which Jupyter Book would always load from another
host, is left out. Buttons that need the repository's address are there only when there
is one. A notebook's link to its page is left out of that page, and its frames become
files of their own.
"""

from __future__ import annotations

import html
import json
import re
from itertools import count
from pathlib import Path

from sphinx.application import Sphinx

FRAME = re.compile(r'(?<=<iframe )(?P<before>[^>]*?)srcdoc="(?P<document>[^"]*)"')


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", set_theme)
    app.connect("config-inited", leave_out_thebe)
    app.connect("source-read", leave_out_link_to_itself)
    app.connect("html-page-context", launch_only_notebooks, priority=100)
    app.connect("html-page-context", make_files_of_frames)
    app.connect("build-finished", leave_out_drawn_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


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


def leave_out_thebe(app: Sphinx, config) -> None:
    """Leave out thebe, which Jupyter Book always loads: it would fetch a kernel's page code
    from another host, and our figures need no kernel."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    app.registry.css_files[:] = [
        (name, options) for name, options in app.registry.css_files if name != "sphinx-thebe.css"
    ]


def leave_out_link_to_itself(app: Sphinx, docname: str, source: list[str]) -> None:
    """A notebook's link to its page (tools/repository.py) is for readers elsewhere."""
    if '"id": "built-page"' in source[0]:
        notebook = json.loads(source[0])
        notebook["cells"] = [c for c in notebook["cells"] if c.get("id") != "built-page"]
        source[0] = json.dumps(notebook)


def launch_only_notebooks(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """No launch buttons on a page that Colab cannot open: one written as Markdown."""
    if pagename in app.env.found_docs and app.env.doc2path(pagename).endswith(".md"):
        app.env.metadata[pagename].pop("kernelspec", None)


def make_files_of_frames(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """A notebook's frame carries its document inside. In the book it is a file, half a
    megabyte with its libraries, which a browser loads when the frame comes near."""
    folder = Path(app.outdir, "_static/frames")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = count(1)

    def as_file(frame: re.Match) -> str:
        name = f"{Path(pagename).name}-{next(numbers)}.html"
        (folder / name).write_text(html.unescape(frame["document"]), encoding="utf-8")
        address = context["pathto"](f"_static/frames/{name}", 1)
        return f'{frame["before"]}src="{address}" loading="lazy"'

    context["body"] = FRAME.sub(as_file, context.get("body", ""))


def leave_out_drawn_icons(app: Sphinx, exception) -> None:
    """Empty the script, 1.5 megabytes, that draws anew each icon that the icon font shows."""
    script = Path(app.outdir, "_static/scripts/fontawesome.js")
    if not exception and script.exists():
        script.write_text("// Left empty: the icon font shows the icons.\n", encoding="utf-8")
