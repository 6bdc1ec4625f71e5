"""Sphinx extension: no script stands between a reader and the text.

The theme's and its helpers' scripts load while the page is read, and run in their order
when it is there. A Content-Security-Policy in a page keeps a browser from looking ahead
for them, so that each would cost a slow line a journey of its own.
"""

from __future__ import annotations

from sphinx.application import Sphinx

# The one that a script in the page itself needs at once.
NEEDED_AT_ONCE = "documentation_options.js"


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", defer_scripts, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def defer_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if pagename != "search":  # its own scripts call the others at once
        context["script_files"] = [deferred(script) for script in context["script_files"]]


def deferred(script):
    """The same script, to be run when the page is read. All pages share the one given."""
    if not script.filename or str(script.filename).endswith(NEEDED_AT_ONCE):
        return script
    attributes = script.attributes | {"defer": "defer"}
    return type(script)(script.filename, priority=script.priority, **attributes)
