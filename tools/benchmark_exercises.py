"""How soon after the first Run in a page its verdict is there, and how many bytes came.

    .venv/bin/python tools/benchmark_exercises.py _build/html --tries 5

Opens the page of chapter 7 in Chromium, from disk and over http (a server on loopback), and
presses Run on its first exercise as the book leaves it, empty: `cold` in a new browser profile,
`again` after that in the same page, `visit` after the page was opened once more, where over
http the browser has kept Python's files. Printed are medians, with the least and the most.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from pathlib import Path

import browser as browsers
from benchmark_pages import served
from playwright.sync_api import Page, sync_playwright

PAGE = "notebooks/07_multi_head.html"
NAME = "split_heads"

# From the press to the verdict, in seconds.
RUN = """name => new Promise((resolve) => {
  const cell = document.querySelector(`[data-live-exercise="${name}"]`);
  const button = [...cell.querySelectorAll("button")].find((one) => one.textContent === "Run");
  delete cell.dataset.verdict;
  const start = performance.now();
  new MutationObserver(() => {
    if (cell.dataset.verdict) resolve((performance.now() - start) / 1000);
  }).observe(cell, { attributeFilter: ["data-verdict"] });
  button.click();
})"""


def weigh(page: Page, folder: Path, sizes: list[int]) -> None:
    """Note the size of each file of the exercises that the page asks for."""

    def note(request) -> None:
        _, found, name = request.url.partition("/_static/exercises/")
        if found:
            sizes.append((folder / "_static/exercises" / name.split("?")[0]).stat().st_size)

    page.on("request", note)


def measure(browser, folder: Path, address: str) -> dict[str, float]:
    context = browser.new_context()
    page = context.new_page()
    sizes: list[int] = []
    weigh(page, folder, sizes)
    found: dict[str, float] = {}
    page.goto(address)
    for what in ("cold", "again", "visit"):
        if what == "visit":
            page.reload()
        sizes.clear()
        found[f"{what}, s"] = page.evaluate(RUN, NAME)
        found[f"{what}, MB"] = sum(sizes) / 1e6
    context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds to a verdict in a page.")
    parser.add_argument("book", type=Path, help="the folder of the built pages")
    parser.add_argument("--tries", type=int, default=5)
    options = parser.parse_args()
    folder = options.book.resolve()
    with served(folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browsers.find(), args=["--no-sandbox", "--disable-gpu"]
        )
        for way, root in {"file": folder.as_uri(), "http": server}.items():
            values: dict[str, list[float]] = defaultdict(list)
            for _ in range(options.tries):
                for what, value in measure(browser, folder, f"{root}/{PAGE}").items():
                    values[what].append(value)
            for what, found in values.items():
                least, most = min(found), max(found)
                print(f"{way} {what:9} {statistics.median(found):6.2f} ({least:.2f} to {most:.2f})")
        browser.close()


if __name__ == "__main__":
    main()
