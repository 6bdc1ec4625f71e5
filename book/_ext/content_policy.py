"""Sphinx extension: a Content-Security-Policy in every page.

A browser that opens a page, from a server or from disk, then runs the book's own
scripts only, evaluates no text as a program (WebAssembly, which reaches
nothing but its own memory, may be compiled), and asks no other host for anything.
The scripts that stand in a page itself, and its event handlers, are allowed one by
one, by a hash of their text.

Source: Content Security Policy Level 3, https://www.w3.org/TR/CSP3/.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from sphinx.application import Sphinx

CHARSET = re.compile(r'<meta charset="utf-8" ?/?>')
POLICY = (
    "default-src 'none'; "
    # Live figures are modules made of text in the page (blob:), as a page from disk may
    # not fetch them.
    "script-src 'self' blob: 'wasm-unsafe-eval' 'unsafe-hashes' {hashes}; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "frame-src 'self'; "
    "connect-src 'self'; "  # the search fetches the pages that it has found
    "form-action 'self'; "
    "base-uri 'none'"
)


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", protect_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def protect_pages(app: Sphinx, exception) -> None:
    if exception or app.builder.format != "html":
        return
    pages = {path: path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")}
    scripts = {path: InlineScripts(page) for path, page in pages.items()}
    # The search's page reads parts of all others, with their event handlers.
    handlers = {text for inline in scripts.values() for text in inline.handlers}
    for path, page in pages.items():
        if "http-equiv" not in page:  # else it was written by an earlier build
            meta = policy(handlers | scripts[path].texts)
            path.write_text(CHARSET.sub(rf"\g<0>{meta}", page, count=1), encoding="utf-8")


def policy(allowed: set[str]) -> str:
    hashes = " ".join(sorted(f"'sha256-{sha256(text)}'" for text in allowed))
    return f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(hashes=hashes)}" />'


def sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class InlineScripts(HTMLParser):
    """The texts of the scripts that stand in a page itself, and of its event handlers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.handlers: set[str] = set()
        self.in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.in_script = tag == "script" and "src" not in dict(attrs)
        self.handlers |= {value for name, value in attrs if name.startswith("on")}

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.texts.add(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False
