"""The search of the built book: any word gets an answer, and its index only comes when asked."""

from __future__ import annotations

import pytest

from tests.book.conftest import soup_of, toc_pages

# The words that every object answers to, and what a reader might type around them.
INHERITED = "() => Object.getOwnPropertyNames(Object.prototype)"
ALSO = ["attention", "softmax constructor", "-constructor heads", "no-such-word", "<b>&\"'", "$"]
FINISHED = (
    "() => /Search finished|did not match/.test(document.querySelector('#search-results')"
    "?.innerText)"
)


@pytest.mark.parametrize("way", ["http", "file"])
def test_every_word_gets_an_answer(visit, addresses, way):
    opened = visit(f"{addresses[way]}/search.html")
    for word in [*opened.page.evaluate(INHERITED), *ALSO]:
        field = opened.page.locator("article form.bd-search input, main form.bd-search input").first
        field.fill(word)
        field.press("Enter")
        opened.page.wait_for_url("**/search.html?q=*")
        opened.page.wait_for_function(FINISHED, timeout=5000)
    # A summary that was on its way when the next search began is no error.
    assert [e for e in opened.errors if not e.startswith("no answer from")] == []
    assert opened.requests_elsewhere == []


def test_a_word_of_the_book_is_found(visit, addresses):
    page = visit(f"{addresses['file']}/search.html?q=softmax").page
    page.wait_for_function(FINISHED)
    assert page.locator("#search-results li a", has_text="Attention").count() >= 1


def test_a_name_of_the_package_is_found_by_its_last_part_only(visit, addresses):
    page = visit(f"{addresses['file']}/search.html?q=RMSNorm").page
    page.wait_for_function(FINISHED)
    assert page.locator("#search-results li", has_text="Python class").count() == 1
    page.goto(f"{addresses['file']}/search.html?q=transformer")  # what all of them begin with
    page.wait_for_function(FINISHED)
    assert page.locator("#search-results li", has_text="Python ").count() < 10


@pytest.mark.parametrize("name", [*toc_pages(), "search"])
def test_only_the_search_loads_the_index(book, name):
    soup = soup_of(book / f"{name}.html")
    loaded = [s["src"] for s in soup.select("script[src]") if "searchindex" in s["src"]]
    assert len(loaded) == (name == "search")
