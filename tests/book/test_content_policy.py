"""The Content-Security-Policy: on every page, and it refuses what it should."""

from __future__ import annotations

import re

import pytest

from tests.book.conftest import soup_of, toc_pages

PAGES = [*toc_pages(), "search", "genindex"]  # index.html only leads to the first


def policy_of(book, name: str) -> dict[str, list[str]]:
    soup = soup_of(book / f"{name}.html")
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
                                "'wasm-unsafe-eval'", "blob:", "data:"}  # fmt: skip
    # WebAssembly may be compiled, but no text be evaluated.
    assert "'unsafe-eval'" not in sources
    assert policy["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in policy["script-src"]


# From a script of the page: what a test evaluates by itself is not held by the policy.
TRY = """attempt => new Promise(done => {
  globalThis.outcome = done;
  const script = `Promise.resolve().then(() => ${attempt})
    .then(() => outcome("ran"), () => outcome("refused"))`;
  import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
})"""
ELEMENT = """new Promise((done, refused) => {{
  Object.assign(globalThis, {{ done, refused }});
  const e = document.createElement("{0}");
  Object.assign(e, {{ onload: done, onerror: refused }}, {1});
  document.head.append(e);
  setTimeout(refused, 300);
}})"""
ATTEMPTS = [
    "eval('1')",
    "new Function('return 1')()",
    "fetch('https://example.org/')",
    ELEMENT.format("script", "{ src: 'https://example.org/x.js' }"),
    ELEMENT.format("script", "{ textContent: 'done()' }"),
    ELEMENT.format("img", "{ src: 'https://example.org/x.png' }"),
    ELEMENT.format("p", "{ innerHTML: '<img src=x: onerror=done()>' }"),
]


@pytest.mark.parametrize("way", ["http", "file"])
def test_a_page_refuses_foreign_scripts_and_evaluation(visit, addresses, way):
    page = visit(f"{addresses[way]}/book/glossary.html").page
    page.evaluate(
        "addEventListener('securitypolicyviolation', e => (globalThis.violations ??= []).push(e))"
    )
    for number, attempt in enumerate(ATTEMPTS, start=1):
        assert page.evaluate(TRY, attempt) == "refused", attempt
        page.wait_for_function("n => globalThis.violations?.length >= n", arg=number)
    assert page.evaluate(TRY, "1") == "ran"
