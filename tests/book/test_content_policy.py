"""The Content-Security-Policy: on every page, and it refuses what it should."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from tests.book.conftest import toc_pages

PAGES = [*toc_pages(), "search", "genindex"]  # index.html only leads to the first


def policy_of(book, name: str) -> dict[str, list[str]]:
    soup = BeautifulSoup((book / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    [meta] = soup.select('meta[http-equiv="Content-Security-Policy"]')
    # What stands before it is not held by it.
    assert meta.find_all_previous(["script", "link", "style"]) == []
    rules = [rule.split() for rule in meta["content"].split(";")]
    return {name: sources for name, *sources in rules}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_allows_its_own_scripts_and_no_other_host(book, name):
    policy = policy_of(book, name)
    sources = {source for rule in policy.values() for source in rule}
    hashes = {source for source in sources if re.fullmatch(r"'sha256-[\w+/]{43}='", source)}
    assert sources - hashes == {"'self'", "'none'", "'unsafe-inline'", "'unsafe-hashes'",
                                "blob:", "data:"}  # fmt: skip
    assert policy["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in policy["script-src"]


@pytest.mark.parametrize("way", ["http", "file"])
@pytest.mark.parametrize(
    "attempt",
    [
        "eval('1')",
        "new Function('return 1')()",
        "new Promise((done, refused) => { const s = document.createElement('script'); "
        "s.src = 'https://example.org/x.js'; s.onload = done; s.onerror = refused; "
        "document.head.append(s) })",
        "new Promise((done, refused) => { globalThis.ran = done; setTimeout(refused, 300); "
        "const s = document.createElement('script'); s.textContent = 'ran()'; "
        "document.head.append(s) })",
        "new Promise((done, refused) => { globalThis.ran = done; setTimeout(refused, 300); "
        "document.body.insertAdjacentHTML('beforeend', '<img src=x: onerror=ran()>') })",
        "new Promise((done, refused) => { const i = new Image(); "
        "i.src = 'https://example.org/x.png'; i.onload = done; i.onerror = refused })",
        "fetch('https://example.org/')",
    ],
)
def test_a_page_refuses_foreign_scripts_and_evaluation(visit, addresses, way, attempt):
    page = visit(f"{addresses[way]}/book/glossary.html").page
    page.evaluate(
        "addEventListener('securitypolicyviolation', e => (globalThis.refused ??= []).push(e))"
    )
    # From a script of the page: what a test evaluates by itself is not held by the policy.
    outcome = page.evaluate(
        """attempt => new Promise(done => {
             const script = `Promise.resolve().then(() => ${attempt})
               .then(() => outcome("ran"), () => outcome("refused"))`;
             globalThis.outcome = done;
             import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
           })""",
        attempt,
    )
    assert outcome == "refused"
    page.wait_for_function("() => globalThis.refused?.length > 0")
