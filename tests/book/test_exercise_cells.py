"""An exercise's cell in the page, as a reader uses it: by keyboard, on a telephone, again later."""

from __future__ import annotations

import json
import re

import pytest

from tests.book.test_pages import AXE, BARRIERS, TOO_WIDE, assert_quiet
from tests.conftest import visits

CHAPTER = "notebooks/07_multi_head"
NAME = "split_heads"
RIGHT = """def split_heads(x, n_heads):
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


check("split_heads", split_heads)"""
PYTHON_SECONDS = 240  # on a machine that is slow, and busy


def cell_of(page, name: str = NAME):
    return page.locator(f'[data-live-exercise="{name}"]')


def go_into(cell) -> None:
    """Go into a cell as a reader does; where they have been before, the editor comes by itself."""
    if cell.get_by_role("button", name="Write").count():
        cell.get_by_role("button", name="Write").press("Enter")
    cell.get_by_role("textbox").focus()


def write(cell, text: str) -> None:
    go_into(cell)
    cell.page.keyboard.press("Control+a")
    cell.page.keyboard.insert_text(text)


def leave(page) -> None:
    """Leave the editor: what is left is stored at once."""
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")


def run(cell) -> str:
    """Press Run; gives the verdict."""
    cell.get_by_role("button", name="Run").click()
    cell.and_(cell.page.locator("[data-verdict]")).wait_for(timeout=PYTHON_SECONDS * 1000)
    return cell.get_attribute("data-verdict")


def come_back_to(cell) -> None:
    """Scroll to a cell that was written in, until its editor is there.

    While the page fills, what is above the cell can move it out of sight again.
    """
    for _ in range(60):
        cell.scroll_into_view_if_needed()
        if cell.get_by_role("textbox").count():
            break
        cell.page.wait_for_timeout(500)
    cell.get_by_role("textbox").wait_for()


def text_of(cell) -> str:
    return "\n".join(cell.locator(".cm-line").all_text_contents())


@pytest.fixture(scope="module")
def opened(browser, addresses):
    """One visit, from disk, for the tests that need Python."""
    with visits(browser) as visit:
        yield visit(f"{addresses['file']}/{CHAPTER}.html")


@pytest.fixture
def cell(opened):
    return cell_of(opened.page)


def test_before_a_reader_goes_in_a_page_weighs_at_most_ten_kilobytes_more(book, visit, addresses):
    opened = visit(f"{addresses['http']}/{CHAPTER}.html")
    loaded = opened.page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    ours = {
        address.rsplit("/", 1)[1].split("?")[0] for address in loaded if "/exercises/" in address
    }
    assert ours == {"start.js", "exercises.css"}
    files = sum((book / "_static/exercises" / name).stat().st_size for name in ours)
    for page in (book / "notebooks").glob("*.html"):
        tags = re.findall("<script[^>]*exercises.*?</script>", page.read_text(encoding="utf-8"))
        assert len(tags) == 2
        assert files + sum(map(len, tags)) <= 10_000


def test_by_keyboard_a_reader_goes_in_writes_runs_and_comes_out(opened, cell):
    page = opened.page
    go_into(cell)
    editor = page.get_by_role("textbox", name=f"Python editor, exercise {NAME}", exact=True)
    assert "Escape" in page.locator(f"#{editor.get_attribute('aria-describedby')}").inner_text()
    write(cell, "def f():")
    for key in ("Enter", "Tab"):  # the line after the colon is indented, then once more
        page.keyboard.press(key)
    assert text_of(cell) == "def f():\n        "
    leave(page)
    assert page.evaluate("document.activeElement.textContent") == "Run"
    write(cell, RIGHT)
    page.keyboard.press("Control+Enter")
    page.locator('[data-verdict="right"]').wait_for(timeout=PYTHON_SECONDS * 1000)
    assert "✓ Right." in cell.inner_text()
    assert_quiet(opened)


def test_reset_gives_the_books_text_and_undo_the_readers(opened, cell):
    write(cell, RIGHT)
    cell.get_by_role("button", name="Reset").click()
    assert text_of(cell) == cell.locator(".cell_input pre").text_content().strip()
    opened.page.keyboard.press("Control+z")
    assert text_of(cell) == RIGHT


def test_a_wrong_answer_is_told_why_and_an_error_marks_the_readers_line(cell):
    write(cell, RIGHT.replace(".transpose(1, 2)", ""))
    assert run(cell) == "wrong"
    assert "✗ " in cell.locator(".tl-outcome[aria-live=polite]").inner_text()
    write(cell, 'x = "<b>bold</b>"\nprint(x)\nundefined\n')
    assert run(cell) == "error"
    said = cell.locator(".tl-outcome[aria-live=polite]")
    assert "<b>bold</b>" in said.inner_text()
    assert "Line 3: NameError" in said.inner_text()
    assert cell.locator(".tl-failed-line").inner_text() == "undefined"


def test_an_endless_loop_can_be_stopped_and_the_next_run_starts_anew(opened, cell):
    write(cell, "while True:\n    pass")
    cell.get_by_role("button", name="Run").click()
    assert cell.get_attribute("data-verdict") is None
    other = cell_of(opened.page, "previous_token_score")
    other.get_by_role("button", name="Run").click()
    other.get_by_text(f"Python is busy with exercise {NAME}").wait_for()
    cell.get_by_role("button", name="Stop").click()
    cell.get_by_text("Stopped after").wait_for()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("button", name="Cancel").click()
    cell.get_by_text("Not loaded.").wait_for()
    other.get_by_text("Python is busy").wait_for(state="detached")
    assert opened.page.evaluate("document.activeElement.textContent") == "Run"
    write(cell, RIGHT)
    assert run(cell) == "right"


def test_what_is_solved_and_written_stays_is_counted_and_can_be_forgotten(opened, cell, addresses):
    page = opened.page
    write(cell, RIGHT)
    assert run(cell) == "right"
    write(cell, "# mine")
    page.reload()
    come_back_to(cell)
    assert text_of(cell) == "# mine"
    assert cell.get_by_text("solved ✓").is_visible()
    assert page.get_by_text("1 of 2 solved.").is_visible()
    page.goto(f"{addresses['file']}/notebooks/06_masking.html")
    chapters = page.locator(".bd-docs-nav")
    assert (
        "1 of 2 exercises solved" in chapters.get_by_role("link", name="Many heads").text_content()
    )
    page.go_back()

    with page.expect_download() as download:
        page.get_by_role("button", name="Save to a file").click()
    saved = download.value.path()
    exercises = json.loads(saved.read_text(encoding="utf-8"))["exercises"]
    assert exercises == {NAME: {"text": "# mine", "solved": True}}

    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Cancel").click()
    assert page.get_by_text("1 of 2 solved.").is_visible()
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Forget the whole book’s").click()
    page.get_by_text("0 of 2 solved.").wait_for()

    for path, answer in ((AXE, "cannot be read: it is not JSON"), (saved, "Read from the file: 1")):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Read a file").click()
        chooser.value.set_files(path)
        page.get_by_text(answer).wait_for()
    assert page.get_by_text("1 of 2 solved.").is_visible()


def test_another_page_of_the_book_shows_what_is_written_here(visit, addresses):
    first = visit(f"{addresses['http']}/{CHAPTER}.html").page
    write(cell_of(first), "# first")
    leave(first)
    second = first.context.new_page()
    second.goto(first.url)
    cell_of(second).scroll_into_view_if_needed()
    cell_of(second).get_by_role("textbox").wait_for()
    write(cell_of(second), "# second")
    leave(second)
    cell_of(first).locator(".cm-line", has_text="# second").wait_for()


def test_a_text_too_long_to_be_stored_stays_in_the_editor(visit, addresses):
    page = visit(f"{addresses['http']}/{CHAPTER}.html").page
    long = "#" * 20_001
    write(cell_of(page), long)
    said = cell_of(page).get_by_text("is lost when you leave the page")
    said.wait_for()
    # Under Run, which so does not move while a reader presses it.
    run_button = cell_of(page).get_by_role("button", name="Run").bounding_box()
    assert said.bounding_box()["y"] > run_button["y"] + run_button["height"] / 2
    with page.expect_download():
        page.get_by_role("button", name="Save to a file").click()
    page.get_by_text(f"but not the long text of {NAME}").wait_for()
    assert text_of(cell_of(page)).startswith("#" * 100)


FORBIDDEN = """Object.defineProperty(Storage.prototype, "setItem", {
  value() { throw new DOMException("no room", "QuotaExceededError"); },
})"""


def test_where_nothing_can_be_stored_the_reader_is_told(visit, addresses):
    page = visit(f"{addresses['http']}/{CHAPTER}.html").page
    page.evaluate(FORBIDDEN)
    write(cell_of(page), "# mine")
    page.get_by_text("This browser's storage is full").wait_for()
    assert text_of(cell_of(page)) == "# mine"


def test_an_open_cell_has_no_barrier_and_fits(opened, cell):
    page = opened.page
    page.emulate_media(reduced_motion="reduce")  # nothing is looked at while it fades
    write(cell, f"# a comment\nx = 1 + {'1' * 90}\nprint('text', x)\nundefined")
    assert run(cell) == "error"
    cell.get_by_role("button", name="Show a solution").click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width, theme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        assert page.evaluate(TOO_WIDE) == []
        assert page.evaluate(BARRIERS.replace('"article"', '"#exercises"')) == []


def test_on_paper_a_cell_is_as_the_book_has_it(visit, addresses):
    page = visit(f"{addresses['http']}/{CHAPTER}.html").page
    write(cell_of(page), "# mine")
    page.emulate_media(media="print")
    shown = cell_of(page).inner_text()
    assert f"def {NAME}" in shown
    assert not re.search(r"# mine|Run|Reset", shown)
    assert page.locator(".tl-summary").is_hidden()
