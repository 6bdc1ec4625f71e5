"""Sphinx extension: the house rules of the book that its settings alone cannot say.

The pages serve themselves: MathJax is copied from the installed package that
carries it, and thebe, which Jupyter Book would always load, is left out. Buttons
that need the repository's address are there only when there is one. A notebook's link
to its page is left out of that page.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", set_theme)
    app.connect("config-inited", leave_out_thebe)
    app.connect("source-read", leave_out_link_to_itself)
    app.connect("html-page-context", load_mathjax_where_needed, priority=900)
    app.connect("html-page-context", launch_only_notebooks, priority=100)
    app.connect("build-finished", publish_mathjax)
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


def load_mathjax_where_needed(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """MathJax, two megabytes, only where a page has mathematics of its own. Sphinx would load
    it also on a page that only lists such pages, as the landing page does."""
    if not app.env.get_domain("math").data["has_equations"].get(pagename):
        context["script_files"] = [
            script
            for script in context["script_files"]
            if "mathjax" not in str(script.filename).lower()
            and "window.MathJax" not in script.attributes.get("body", "")
        ]


def launch_only_notebooks(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """No launch buttons on a page that Colab cannot open: one written as Markdown."""
    if pagename in app.env.found_docs and app.env.doc2path(pagename).endswith(".md"):
        app.env.metadata[pagename].pop("kernelspec", None)


def publish_mathjax(app: Sphinx, exception) -> None:
    """Copy MathJax, one file, from the installed package that carries it."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir, "_static", app.config.mathjax_path)
    if target.exists():
        return
    spec = find_spec("mathjax")
    source = Path(spec.origin).parent / "static/mathjax/es5" / target.name if spec else None
    if source is None or not source.exists():
        raise ExtensionError("MathJax is missing: run 'pip install django-static-mathjax'.")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def leave_out_drawn_icons(app: Sphinx, exception) -> None:
    """Empty the script, 1.5 megabytes, that draws anew each icon that the icon font shows."""
    script = Path(app.outdir, "_static/scripts/fontawesome.js")
    if not exception and script.exists():
        script.write_text("// Left empty: the icon font shows the icons.\n", encoding="utf-8")
