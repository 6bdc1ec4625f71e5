"""Sphinx extension: formulas as MathML, made when the book is built.

Browsers lay MathML out themselves, screen readers read it, and no script runs.
math-core turns TeX into MathML and knows every command that it takes: a formula that
it cannot read stops the build. The letters are those of STIX Two Math, which comes in
the package ziamath, cut down to the characters that the pages use.

Leaves out numbered equations.
"""

from __future__ import annotations

import html
import re
import unicodedata
from importlib.resources import files
from pathlib import Path

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.nodes import get_node_source

CONVERTER = LatexToMathML(fancy_error=False)
FONT = "fonts/STIXTwoMath-Regular.ttf"
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
# A variable of one letter is drawn in italics: browsers take these characters for it.
ITALICS = {
    unicodedata.normalize("NFKC", italic): italic
    for italic in map(chr, [0x210E, *range(0x1D434, 0x1D468), *range(0x1D6A4, 0x1D71C)])
}


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("build-finished", publish_font)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# --- Formulas -------------------------------------------------------------------------


def visit_inline(translator, node: nodes.math) -> None:
    translator.body.append(mathml(node, displaystyle=False))
    raise nodes.SkipNode


def visit_display(translator, node: nodes.math_block) -> None:
    """A formula of its own, which scrolls by itself where it is wider than the page."""
    formula = mathml(node, displaystyle=True)
    translator.body.append(
        f'<div class="tl-formula" role="group" aria-label="Formula" tabindex="0">{formula}</div>\n'
    )
    raise nodes.SkipNode


def mathml(node: nodes.Element, *, displaystyle: bool) -> str:
    tex = node.astext().strip()
    try:
        return CONVERTER.convert_with_local_state(tex, displaystyle=displaystyle)
    except LatexError as error:
        source = get_node_source(node)
        raise ExtensionError(f"{source}: the formula {tex!r} cannot be drawn: {error}") from error


# --- Their font -----------------------------------------------------------------------


def publish_font(app: Sphinx, exception) -> None:
    if exception or app.builder.format != "html":
        return
    # All its names stay: its authors and its licence are among them.
    options = subset.Options(flavor="woff", hinting=False, name_IDs=["*"])
    font = subset.load_font(str(files("ziamath") / FONT), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters(Path(app.outdir)))
    subsetter.subset(font)
    narrow_roots(font)
    subset.save_font(font, Path(app.outdir, "_static/mathematics.woff"), options)


def characters(folder: Path) -> str:
    """Every character of every formula of the pages, upright and in italics."""
    used = {"√"}
    for page in folder.rglob("*.html"):
        for formula in FORMULA.findall(page.read_text(encoding="utf-8")):
            used.update(html.unescape(TAG.sub("", formula)))
    return "".join(used | {ITALICS[letter] for letter in used & ITALICS.keys()})


def narrow_roots(font: TTFont) -> None:
    """Make the taller forms of the root sign as wide as the first. Chromium gives each root
    the room of the widest form, which would leave a gap after it."""
    width = font["hmtx"]["uni221A"][0]
    for name in font.getGlyphOrder():
        if name.startswith("uni221A"):
            glyph = font["glyf"][name]
            glyph.coordinates.scale((width / font["hmtx"][name][0], 1))
            glyph.recalcBounds(font["glyf"])
            font["hmtx"][name] = (width, glyph.xMin)
