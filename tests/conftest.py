"""What tests share: a browser that talks to nobody but the test."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest

import transformer_lab  # noqa: F401  (before any test imports torch: it sets how threads wait)
from tests import shapes

shapes.check()

# A slow machine is not a failure, and the same examples come up in every run.
hypothesis.settings.register_profile("lab", deadline=None, derandomize=True)
hypothesis.settings.load_profile("lab")

ROOT = Path(__file__).resolve().parents[1]

# No first-run pages, no updates, no reports: the browser sends nothing by itself.
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host can be reached
]


def load_tool(name: str):
    """A module from `tools/`, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache folder of the test's own, empty, which the package takes for the user's."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRANSFORMER_LAB_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def browser():
    """A running Chromium. Without one the tests fail: they are never skipped."""
    from playwright.sync_api import sync_playwright

    tool = load_tool("browser")
    path = tool.find()
    assert path, tool.NO_BROWSER
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield running
        running.close()


@dataclass
class Visit:
    """A page that is open, with what went wrong on it."""

    page: object
    errors: list[str] = field(default_factory=list)
    requests_elsewhere: list[str] = field(default_factory=list)


@contextmanager
def visits(browser):
    """`visit(url)` opens a page, for as long as this lasts, and notes what it asks of others."""
    contexts = []

    def visit(url: str, **options) -> Visit:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        result = Visit(page)
        home = url.split("/", 3)[:3]

        def note(request):
            own = request.url.startswith(("data:", "blob:", "about:"))
            if not own and request.url.split("/", 3)[:3] != home:
                result.requests_elsewhere.append(request.url)

        page.on("request", note)
        page.on("pageerror", lambda error: result.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                result.errors.append(f"{message.text} ({message.location.get('url', '')})")
                if message.type == "error"
                else None
            ),
        )
        page.on(
            "requestfailed", lambda request: result.errors.append(f"no answer from {request.url}")
        )
        page.goto(url, wait_until="load")
        return result

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def visit(browser):
    """`visit(url)` opens a page for one test."""
    with visits(browser) as open_page:
        yield open_page
