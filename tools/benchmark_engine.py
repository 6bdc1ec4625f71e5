"""How fast the page's engine multiplies, with its WebAssembly kernels and without.

    .venv/bin/python tools/benchmark_engine.py

Two pages are open in Chromium, one of them without WebAssembly; each measurement is made
in both in turn, so that what else the machine does slows both, and printed is the median
of three. The forward pass is story-gpt's (trained first, if it never was); the products are
those of a matrix of 16,384 × 576 with one row and with 16; the tokens a second are what
SmolLM2's products alone would allow, one thread, without attention and all the rest.
"""

from __future__ import annotations

import base64
import statistics
from pathlib import Path

import browser as browsers
from playwright.sync_api import Page, sync_playwright

from transformer_lab.recipes import load
from transformer_lab.widgets.live_figure import link

SHAPE = [16_384, 576]
OPEN = """async text => {
  const blob = new Blob([text], { type: "text/javascript" });
  globalThis.measure = (await import(URL.createObjectURL(blob))).default;
}"""
FORWARD = """([content, nTokens]) =>
  measure.forward(Uint8Array.from(atob(content), c => c.charCodeAt(0)), nTokens)"""
PRODUCT = "([format, nRows, shape]) => measure.product(format, nRows, shape)"
SMOLLM2 = "() => measure.smollm2()"


def in_turn(pages: list[Page], javascript: str, argument) -> list[float]:
    """The median milliseconds in each page."""
    rounds = [[page.evaluate(javascript, argument) for page in pages] for _ in range(3)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def report(pages: list[Page]) -> None:
    content = base64.b64encode(load("story-gpt").to_bytes()).decode()
    fast, plain = in_turn(pages, FORWARD, [content, 64])
    print(f"story-gpt, 64 tokens: {fast:.2f} ms, without kernels {plain:.2f} ms")
    for format in (None, "q4_1", "q8_0"):
        for n_rows in (1, 16):
            if not format and n_rows > 1:
                continue  # a matrix of floats of this size is no small model's
            n = n_rows * SHAPE[0] * SHAPE[1] / 1e6
            fast, plain = in_turn(pages, PRODUCT, [format, n_rows, SHAPE])
            name = f"{format or 'float32'} × {n_rows} row{'s' if n_rows > 1 else ''}"
            print(f"{name}: {n / fast:.2f} billion multiply-adds a second, without {n / plain:.2f}")
    fast, plain = (1000 / ms for ms in in_turn(pages, SMOLLM2, None))
    print(f"SmolLM2's products: {fast:.1f} tokens/s, without kernels {plain:.1f}")


def main() -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browsers.find())
        pages = [chromium.new_page() for _ in range(2)]
        pages[1].evaluate("delete globalThis.WebAssembly")
        for page in pages:
            page.evaluate(OPEN, link(Path(__file__).with_suffix(".js")))
        report(pages)
        chromium.close()


if __name__ == "__main__":
    main()
