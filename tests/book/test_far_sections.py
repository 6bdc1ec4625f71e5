"""Sections far from the window are laid out late (custom.css): nothing else may show it."""

from __future__ import annotations

import pytest

CHAPTER = "notebooks/12_training_and_inference"  # the longest one
SECTIONS = "article > section > section"
FAR = f"{SECTIONS}:last-of-type"
# Whether all is laid out that stands in a paragraph or a cell of this section, but what an
# exercise has on a screen alone.
LAID_OUT = """e => [...e.querySelectorAll(":scope > :not(h2, .tl-summary) > :not(.tl-exercise)")]
  .every(part => part.checkVisibility({ contentVisibilityAuto: true }))"""
WINDOW = {"width": 1280, "height": 800}
CURRENT = "document.querySelector('#pst-page-toc-nav a.active')?.hash.slice(1)"
TOP = "e => e.querySelector('h2, h3').getBoundingClientRect().top"


@pytest.fixture
def chapter(visit, addresses):
    """`chapter("#name")` opens the chapter there; what a reader does glides no longer."""

    def open_chapter(after: str = ""):
        address = f"{addresses['http']}/{CHAPTER}.html{after}"
        page = visit(address, viewport=WINDOW, reduced_motion="reduce").page
        page.wait_for_selector("[data-ready=true]")
        return page

    return open_chapter


def names(page) -> list[str]:
    return page.eval_on_selector_all(SECTIONS, "all => all.map(e => e.id)")


def assert_at_top(page, name: str) -> None:
    """The heading stands below the bar at the top of the window, and stays there."""
    page.wait_for_timeout(500)
    below_the_bar = page.evaluate("document.querySelector('.bd-header-article').clientHeight")
    assert below_the_bar <= page.locator(f"[id='{name}']").evaluate(TOP) < below_the_bar + 40
    assert page.evaluate(CURRENT) == name


def test_a_section_far_below_is_laid_out_in_an_idle_moment(chapter):
    page = chapter()
    page.locator(f"{SECTIONS} > :not(.laid-out)").last.wait_for(state="detached")
    assert page.locator(FAR).evaluate(LAID_OUT)
    page.add_init_script("window.requestIdleCallback = () => 0")  # the page is never idle
    page.reload()
    page.wait_for_selector("[data-ready=true]")
    assert not page.locator(FAR).evaluate(LAID_OUT)


def test_an_address_leads_to_its_section(chapter):
    for name in names(chapter())[3:-1:8]:
        assert_at_top(chapter(f"#{name}"), name)


def test_the_contents_at_the_side_lead_to_each_section_and_back(chapter):
    page = chapter()
    some = names(page)[:-2:5]
    for name in [*reversed(some), *some]:
        page.locator(f"#pst-page-toc-nav a[href='#{name}']").click()
        assert_at_top(page, name)


def test_the_contents_at_the_side_follow_the_reader(chapter):
    page = chapter()
    page.mouse.move(640, 400)
    followed = []
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 1"):
        page.mouse.wheel(0, 150)  # less than the part of the window that the contents look at
        page.wait_for_timeout(30)
        followed += {page.evaluate(CURRENT)} - {*followed, None}
    every = names(page)
    assert followed == every[: len(followed)]
    assert len(followed) >= len(every) - 1  # the last one is too short to reach the top


def test_the_text_stays_where_it_is_while_sections_above_it_take_their_height(chapter):
    page = chapter(f"#{names(chapter())[-2]}")
    page.mouse.move(640, 400)
    while page.evaluate("scrollY") > 1000:
        line, before = page.evaluate_handle(
            "document.elementFromPoint(640, 500).closest('article *')"
        ), page.evaluate("scrollY")  # fmt: skip
        top = "e => e.getBoundingClientRect().top"
        was = line.evaluate(top)
        page.mouse.wheel(0, -300)
        page.wait_for_function(f"([e, was]) => Math.abs(({top})(e) - was) > 1", arg=[line, was])
        page.wait_for_timeout(80)
        assert line.evaluate(top) - was == pytest.approx(300, abs=3), f"at {before}"


def test_what_a_browser_finds_in_a_far_section_is_shown(chapter):
    page = chapter()
    words = page.locator(f"{FAR} p").first.text_content()[:40]
    assert page.evaluate("words => find(words)", words)
    page.wait_for_timeout(200)
    top, height = page.evaluate(
        "(({ top, height }) => [top, height])(getSelection().getRangeAt(0).getBoundingClientRect())"
    )
    assert 0 < top < WINDOW["height"]
    assert height > 0  # what is not laid out has none


def test_what_the_search_marks_is_marked_everywhere(chapter):
    page = chapter("?highlight=loss")
    marked = page.locator(SECTIONS).evaluate_all(
        """all => all.map(e => [...e.querySelectorAll(":scope > p")])
          .filter(all => all.some(p => /loss/i.test(p.textContent)))
          .map(all => all.some(p => p.querySelector(".highlighted")))"""
    )
    assert len(marked) > 5
    assert all(marked)


def test_paper_shows_every_section(chapter):
    page = chapter()
    page.emulate_media(media="print")
    assert all(section.evaluate(LAID_OUT) for section in page.locator(SECTIONS).all())


def test_the_tab_key_reaches_what_is_far(chapter):
    page = chapter()
    page.locator(f"{FAR} a.reference").first.evaluate("e => e.focus()")
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.checkVisibility({ contentVisibilityAuto: true })")
    assert 0 < page.evaluate("document.activeElement.getBoundingClientRect().top") < 800


def test_an_address_leads_to_a_word_of_the_glossary(visit, addresses):
    page = visit(f"{addresses['http']}/book/glossary.html", viewport=WINDOW).page
    name = page.locator("dt[id]").last.get_attribute("id")
    page.goto(f"{addresses['http']}/book/glossary.html#{name}")
    page.wait_for_timeout(500)
    assert 0 < page.locator(f"[id='{name}']").bounding_box()["y"] < WINDOW["height"]


def test_a_figure_in_a_far_section_comes_when_the_reader_does(visit, addresses):
    page = visit(f"{addresses['http']}/notebooks/08_feed_forward.html", viewport=WINDOW).page
    figures = page.locator("[data-live-figure]")
    figures.first.and_(page.locator("[data-ready=true]")).wait_for()
    assert page.locator("[data-ready=true]").count() == 1
    page.mouse.move(640, 400)
    while not page.locator("[data-ready=true]").count() > 1:
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(100)
        assert page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 1")
