"""Every built page in a real browser, with every other host out of reach."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import axe_playwright_python
import pytest

from tests.book.conftest import soup_of, toc_pages
from tests.conftest import visits

PAGES = toc_pages()
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
FIGURE_SECONDS = 60

# What a figure shows: its text, its drawings and its bars, but not the controls,
# whose own number always changes when they are moved.
SHOWN = """root => {
  const copy = root.cloneNode(true);
  copy.querySelectorAll("input, output, select, textarea, label").forEach(e => e.remove());
  const canvases = [...root.querySelectorAll("canvas")].map(c => c.toDataURL());
  return copy.innerHTML + canvases.join();
}"""


def wait_for_figures(page) -> int:
    """Wait until all of a page is laid out and every live figure drawn; return their number."""
    # Figures come when the reader does: the Tab key brings them all, without scrolling.
    page.wait_for_function(
        """() => {
             for (const button of document.querySelectorAll(".tl-live > button")) {
               button.focus({ preventScroll: true });
               button.blur();
             }
             return !document.querySelector("article > section > section > :not(.laid-out)")
               && [...document.querySelectorAll("[data-live-figure]")]
                 .every(figure => figure.dataset.ready === "true");
           }""",
        timeout=FIGURE_SECONDS * 1000,
    )
    return page.locator("[data-live-figure]").count()


def assert_quiet(opened) -> None:
    """No error on a page until now, and nothing asked of another host."""
    opened.page.wait_for_load_state("networkidle")
    assert opened.requests_elsewhere == []
    assert opened.errors == []


# The pages of the book are opened and used below, from disk and from a server.
@pytest.mark.parametrize("way", ["http", "file"])
@pytest.mark.parametrize("name", ["index", "search", "genindex"])
def test_a_page_opens_without_error_and_asks_no_other_host(visit, addresses, name, way):
    opened = visit(f"{addresses[way]}/{name}.html")
    wait_for_figures(opened.page)
    assert_quiet(opened)


@pytest.mark.parametrize("way", ["http", "file"])
def test_the_landing_page_has_a_live_figure_above_the_fold(visit, addresses, way):
    for width, height in ((1280, 800), (360, 740)):
        opened = visit(
            f"{addresses[way]}/{PAGES[0]}.html", viewport={"width": width, "height": height}
        )
        assert wait_for_figures(opened.page) >= 1
        top = opened.page.locator("[data-live-figure]").first.bounding_box()["y"]
        assert top < height - 100, f"at {width} x {height} the figure begins at {top:.0f} pixels"


@pytest.fixture(scope="module", params=PAGES)
def from_disk(request, browser, addresses):
    """Each page of the book in turn, opened from disk: the two tests below share the visit."""
    with visits(browser) as visit:
        opened = visit(f"{addresses['file']}/{request.param}.html")
        wait_for_figures(opened.page)
        yield opened


def test_a_page_keeps_about_the_room_that_its_first_figure_needs(from_disk):
    page = from_disk.page
    if not page.locator("[data-live-figure]").count():
        return
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)
        needed, kept = page.evaluate(
            """() => {
                 const place = document.querySelector(".tl-live");
                 const { height } = place.getBoundingClientRect();
                 const { liveFigure } = place.querySelector("[data-live-figure]").dataset;
                 place.dataset.liveFigure = liveFigure; // as before it was drawn
                 const kept = parseFloat(getComputedStyle(place).minHeight);
                 delete place.dataset.liveFigure;
                 return [height, kept];
               }"""
        )
        assert kept == pytest.approx(needed, rel=0.25), f"at {width} pixels"


def test_every_slider_moved_by_keyboard_changes_what_its_figure_shows(from_disk):
    page = from_disk.page
    for number in range(page.locator("[data-live-figure]").count()):
        figure = page.locator("[data-live-figure]").nth(number)
        for slider in figure.locator("input[type=range]:enabled:visible").all():
            before = figure.evaluate(SHOWN)
            at_end = slider.evaluate("s => Number(s.value) >= Number(s.max)")
            slider.focus()
            for _ in range(4):
                slider.press("ArrowLeft" if at_end else "ArrowRight")
                page.wait_for_timeout(100)
            page.wait_for_function(
                f"([root, before]) => ({SHOWN})(root) !== before",
                arg=[figure.element_handle(), before],
                timeout=10_000,
            )
    assert_quiet(from_disk)


# Moves every slider, ticks every box, types into every field, presses every button, and
# opens what is folded away.
OPERATE = """async () => {
  for (const folded of document.querySelectorAll("article details")) folded.open = true;
  const rest = () => new Promise(resolve => setTimeout(resolve, 400)); // what is typed is debounced
  const all = selector => [...document.querySelectorAll(`[data-live-figure] :is(${selector})`)];
  const change = (controls, type, how) => controls.forEach(control => {
    how(control);
    control.dispatchEvent(new Event(type, { bubbles: true }));
  });
  const boxes = all("textarea, input[type=text]");
  const typed = new Map(boxes.map(box => [box, box.value]));
  change(boxes, "input", box => { box.value += " and"; });
  await rest();
  change(boxes, "input", box => { box.value = typed.get(box); });
  change(all("input[type=range]"), "input", slider => { slider.value = slider.max; });
  change(all("select"), "change", choice => { choice.selectedIndex = choice.options.length - 1; });
  await rest();
  const buttons = ".tl-button:not(.tl-real-model *)"; // those load a hundred megabytes
  all(`input[type=checkbox], ${buttons}`).forEach(control => control.click());
  await rest();
}"""


# What a page is wider than its window by.
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120)).slice(0, 5).concat("too wide")"""

# The colours of code and of signatures are the same on all pages: to look at each word of them
# again takes minutes. Three pages keep them, which have words of every kind between them.
PLAIN_CODE = """() => {
  document.querySelectorAll(".highlight pre, dt.sig").forEach(e => {
    e.textContent = e.textContent;
  });
}"""
WITH_COLOURS = {"notebooks/03_tokenization", "notebooks/14_chat", "book/api/chat"}

# What keeps some readers from using it.
BARRIERS = """async () => {
  const { violations } = await axe.run("article", { preload: false, resultTypes: ["violations"] });
  const describe = (v, n) => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`;
  return violations.filter(v => ["serious", "critical"].includes(v.impact))
    .flatMap(v => v.nodes.map(n => describe(v, n)));
}"""


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_use_has_no_error_no_barrier_and_fits(visit, addresses, name, width, theme):
    opened = visit(
        f"{addresses['http']}/{name}.html",
        viewport={"width": width, "height": 740}, color_scheme=theme, reduced_motion="reduce",
    )  # fmt: skip
    page = opened.page
    wait_for_figures(page)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate(TOO_WIDE) == []
    page.evaluate(OPERATE)
    assert page.evaluate(TOO_WIDE) == []
    page.evaluate(AXE.read_text(encoding="utf-8"))  # not a script element: the page refuses those
    if name not in WITH_COLOURS:
        page.evaluate(PLAIN_CODE)
    assert page.evaluate(BARRIERS) == []
    assert_quiet(opened)


@cache
def names_in(page: Path) -> set[str]:
    """What an address can name in a page."""
    soup = soup_of(page)
    return {tag["id"] for tag in soup.select("[id]")}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_inside_the_book_leads_somewhere(book, name):
    here = book / f"{name}.html"
    soup = soup_of(here)
    for link in soup.select("a[href]"):
        target = urlsplit(link["href"])
        if target.scheme or target.netloc or link["href"] == "#":
            continue
        path = (here.parent / unquote(target.path)).resolve() if target.path else here
        assert path.exists(), f"{name} links to {link['href']}"
        if target.fragment and path.suffix == ".html":
            assert unquote(target.fragment) in names_in(path), f"{name} links to {link['href']}"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_no_other_host_for_scripts_styles_or_pictures(book, name):
    soup = soup_of(book / f"{name}.html")
    named = [tag.get("src") or tag.get("href") for tag in soup.select("[src], link[href]")]
    assert [address for address in named if urlsplit(address).netloc] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stays_small_because_models_are_files_of_their_own(book, name):
    soup = soup_of(book / f"{name}.html")
    for figure in soup.select("[data-live-figure]"):
        assert len(str(figure)) < 100_000
    assert not soup.select('script[type="application/vnd.jupyter.widget-state+json"]')


@pytest.mark.parametrize("name", PAGES)
def test_what_comes_before_the_reader_asks_is_at_most_1200_kilobytes(book, name):
    page = book / f"{name}.html"
    soup = soup_of(page)
    named = [tag.get("src") or tag.get("href") for tag in soup.select("script[src], link[href]")]
    files = {(page.parent / unquote(urlsplit(address).path)).resolve() for address in named}
    files |= {*book.glob("_static/vendor/fontawesome/webfonts/fa-solid-900.woff2")}
    for place in soup.select(".tl-live > script"):
        figure = json.loads(place.string)
        now = {key: value for key, value in figure["state"].items() if key not in figure["later"]}
        names = re.findall(r'"\$asset": "([^"]+)"', json.dumps(now))
        files |= {book / "_static/live" / figure["module"]}
        files |= {book / "_static/live" / f"{name}.js" for name in names}
    files = {path for path in files if path.suffix != ".html"} | {page}
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 1_200_000


@pytest.mark.parametrize("name", [*PAGES, "genindex"])
def test_no_script_stands_before_the_text(book, name):
    soup = soup_of(book / f"{name}.html")
    blocking = [script["src"] for script in soup.select("head script[src]:not([defer], [async])")]
    assert [PurePosixPath(urlsplit(address).path).name for address in blocking] == [
        "documentation_options.js"
    ]
