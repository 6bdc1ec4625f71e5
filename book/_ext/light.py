"""Sphinx extension: light pages, for slow lines and slow machines.

No script stands between a reader and the text: the theme's and its helpers' scripts load
while the page is read, and run in their order when it is there. (A
Content-Security-Policy in a page keeps a browser from looking ahead for them, so that
each would cost a slow line a journey of its own.) Code is in as few elements as its
colours need, for each costs time to lay out. What the theme's script does at the end, and
our scrollers.js does better, is left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from pygments.formatters import HtmlFormatter
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Text, Token
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

# The one that a script in the page itself needs at once.
NEEDED_AT_ONCE = "documentation_options.js"

# The colours of code in a light and in a dark page.
STYLES = {
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# The call that has the theme measure every part of the page, one by one, which it then does
# again after each change that a figure makes.
MEASURING = re.compile(
    r',"complete"===document\.readyState\?(\w)\(\):window\.addEventListener\("load",\1\)'
)


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", set_code)
    app.connect("html-page-context", defer_scripts, priority=950)
    app.connect("build-finished", leave_out_measuring)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# --- Code -----------------------------------------------------------------------------


def set_code(app: Sphinx, config) -> None:
    config.html_theme_options |= STYLES
    PygmentsBridge.html_formatter = FewElements


class FewElements(HtmlFormatter):
    """Neighbours of one colour share an element; what has the colour of all code has none."""

    def format_unencoded(self, tokensource, outfile) -> None:
        alike = ((ALIKE.get(kind, kind), text) for kind, text in tokensource)
        super().format_unencoded(alike, outfile)


def look(kind) -> tuple:
    styles = [get_style_by_name(name) for name in STYLES.values()]
    return tuple(tuple(style.style_for_token(kind).items()) for style in styles)


# Each kind of token, and the one that stands for all kinds that look like it.
PLAIN = {look(kind): Text for kind in (Token, Text.Whitespace)}
REPRESENTATIVE = {look(kind): kind for kind in STANDARD_TYPES} | PLAIN
ALIKE = {kind: REPRESENTATIVE[look(kind)] for kind in STANDARD_TYPES}


# --- Scripts --------------------------------------------------------------------------


def defer_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if pagename != "search":  # its own scripts call the others at once
        context["script_files"] = [deferred(script) for script in context["script_files"]]


def deferred(script):
    """The same script, to be run when the page is read. All pages share the one given."""
    if not script.filename or str(script.filename).endswith(NEEDED_AT_ONCE):
        return script
    attributes = script.attributes | {"defer": "defer"}
    return type(script)(script.filename, priority=script.priority, **attributes)


def leave_out_measuring(app: Sphinx, exception) -> None:
    script = Path(app.outdir, "_static/scripts/pydata-sphinx-theme.js")
    if not exception and script.exists():
        text = script.read_text(encoding="utf-8")
        script.write_text(MEASURING.sub("", text), encoding="utf-8")
