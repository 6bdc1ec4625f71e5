"""What keeps the pages light changes nothing that a reader sees."""

from __future__ import annotations

import sys

from bs4 import BeautifulSoup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Text

from tests.book.conftest import ROOT

sys.path.insert(0, str(ROOT / "book/_ext"))
import light

CODE = '''
@lru_cache(maxsize=None)
def scores(model: Model, text: str = "a <b>") -> list[float]:
    """Probabilities."""  # of what follows
    return [p for p in model(f"{text!r} and {len(text):>3}") if p is not None and p >= 0.5]
'''


def letters(formatter: HtmlFormatter, style: str) -> list[tuple]:
    """Each character of the code that is no space, with the look that the style gives it."""
    kinds = {name: kind for kind, name in STANDARD_TYPES.items()}
    soup = BeautifulSoup(highlight(CODE, PythonLexer(), formatter), "html.parser")
    found = []
    for text in soup.select("pre")[0].find_all(string=True):
        [span] = text.find_parents(["span", "pre"], limit=1)
        name = " ".join(span.get("class") or [])
        kind = kinds[name] if name else Text.Whitespace
        look = tuple(get_style_by_name(style).style_for_token(kind).items())
        found += [(letter, look) for letter in text if not letter.isspace()]
    return found


def test_code_in_fewer_elements_looks_the_same():
    for style in light.STYLES.values():
        assert letters(light.FewElements(), style) == letters(HtmlFormatter(), style)
    formatters = (light.FewElements(), HtmlFormatter())
    few, many = (highlight(CODE, PythonLexer(), each).count("<span") for each in formatters)
    assert few < many / 2


def test_output_in_colours_of_the_terminal_keeps_them():
    from myst_nb.core.lexers import AnsiColorLexer

    for formatter in (HtmlFormatter(), light.FewElements()):
        shown = highlight("\x1b[31mred\x1b[0m", AnsiColorLexer(), formatter)
        assert '-Color-Red">red</span>' in shown


def test_a_page_is_dark_where_the_system_is_before_the_themes_script_runs(browser, addresses):
    context = browser.new_context(color_scheme="dark")
    context.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{addresses['http']}/book/glossary.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    context.close()


def test_only_what_scrolls_or_is_not_laid_out_yet_is_a_stop_of_the_tab_key(visit, addresses):
    page = visit(f"{addresses['http']}/notebooks/05_attention.html").page
    page.wait_for_timeout(500)
    page.wait_for_function(  # a section that is laid out meanwhile is looked at in the next frame
        """() => [...document.querySelectorAll("article :is(pre, .output)[tabindex='0']")].every(
          e => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight
            || !e.checkVisibility({ contentVisibilityAuto: true }))"""
    )
    assert page.locator("article :is(pre, .output)[tabindex='-1']").count() == 0
