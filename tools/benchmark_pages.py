"""How soon a built page is there on a slow line, and how soon it answers.

    .venv/bin/python tools/benchmark_pages.py --before OLD/_build/html --after _build/html
    .venv/bin/python tools/benchmark_pages.py --after _build/html --tasks notebooks/05_attention
    .venv/bin/python tools/benchmark_pages.py --after _build/html --interaction

Chromium is slowed down as by a poor connection (1.6 Mbit/s, 150 ms) and an old
telephone (a quarter of this processor); nothing is cached. The server is its own, on
loopback, and sends text compressed, as hosts of static pages do. With two books each
page is opened from both in turn, so that what else the machine does slows both.

Printed are medians: the first paint of text; the first figure that is drawn; the total
blocking time (what each task of the page's thread takes beyond 50 ms, from the start until
five quiet seconds after that figure) by the clock, and by the processor, which does not
count what other programs of this machine take; the bytes that came by then, compressed and
raw. `--tasks` prints what those tasks did, as Chromium traces it. With `--interaction`, for
each kind of control in each figure, the time from a key to the next painted frame
(Event Timing, in steps of 8 ms; what takes less than 16 is not told apart).
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import browser as browsers
from playwright.sync_api import CDPSession, Page, sync_playwright

LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
SLOWDOWN = 4
QUIET_SECONDS = 5
TASKS = {"RunTask", "ThreadControllerImpl::RunTask"}  # the same, traced at two depths
CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]
COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt"}

# Notes what happens in the page, from its first moment on.
WATCH = """
window.seen = { firstFigure: null, last: 0, events: [] };
new MutationObserver(([{ target }], observer) => {
  if (target.dataset.ready !== "true") return;
  seen.firstFigure = performance.now();
  observer.disconnect();
}).observe(document, { subtree: true, attributeFilter: ["data-ready"] });
new PerformanceObserver((list) => list.getEntries().forEach(({ startTime, duration }) => {
  seen.last = startTime + duration;
})).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach(({ startTime, duration }) =>
  seen.events.push([startTime, duration])))
  .observe({ type: "event", durationThreshold: 16 });
"""

# One control of each kind and name in each figure, and the key that works it.
CONTROLS = """() => {
  const kinds = [
    ["input[type=range]", "ArrowRight"], ["textarea, input[type=text]", "a"],
    ["input[type=number]", "ArrowUp"], ["input[type=checkbox]", " "], ["select", "ArrowDown"],
    ["[role=group] button[tabindex='0'], [role=grid] [tabindex='0']", "ArrowRight"],
    ["button:not([tabindex])", "Enter"],
  ];
  const found = [];
  for (const figure of document.querySelectorAll("[data-live-figure]"))
    for (const [selector, key] of kinds)
      for (const node of figure.querySelectorAll(selector)) {
        if (node.disabled || !node.checkVisibility()) continue;
        const name = (node.labels?.[0]?.textContent || node.getAttribute("aria-label")
          || node.textContent).trim().slice(0, 30);
        node.dataset.measured = found.length;
        found.push({ figure: figure.dataset.liveFigure, name, key });
      }
  return found;
}"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files, text among them compressed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content, encoding = path.read_bytes(), None
        if path.suffix in COMPRESSED:
            content, encoding = _compressed(path), "gzip"
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args) -> None:
        pass


@functools.cache
def _compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def slow_page(chromium, *, line: bool) -> Iterator[tuple[Page, CDPSession]]:
    """A new page at a quarter of the speed and, with `line`, on a slow connection."""
    # The pages evaluate no text as a program; Playwright's waiting does.
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(WATCH)
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if line:
        protocol.send("Network.emulateNetworkConditions", LINE)
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    yield page, protocol
    context.close()


@dataclass
class Load:
    """One opening of one page: its times and sizes, and what Chromium traced meanwhile."""

    values: dict[str, float]
    events: list[dict]


def load_page(chromium, address: str) -> Load:
    """Open a page, and wait until nothing has happened in it for some seconds."""
    received = {"compressed": 0, "raw": 0, "last": time.monotonic()}

    def count(name: str, size: float) -> None:
        received[name] += size
        received["last"] = time.monotonic()

    with slow_page(chromium, line=True) as (page, protocol):
        protocol.on("Network.dataReceived", lambda event: count("raw", event["dataLength"]))
        protocol.on(
            "Network.loadingFinished", lambda event: count("compressed", event["encodedDataLength"])
        )

        # Playwright's own waiting would run scripts of its own in the page's thread.
        def ask(expression: str):
            answer = protocol.send(
                "Runtime.evaluate", {"expression": expression, "returnByValue": True}
            )
            return answer["result"].get("value")

        with traced(page, protocol) as events:
            protocol.send("Page.navigate", {"url": address})
            figure = "(seen.firstFigure ?? !document.querySelector('[data-live-figure]'))"
            quiet = f"performance.now() - seen.last > {1000 * QUIET_SECONDS}"
            while time.monotonic() - received["last"] < QUIET_SECONDS or not ask(
                f"document.readyState === 'complete' && {figure} && {quiet}"
            ):
                page.wait_for_timeout(500)
        first = ask("seen.firstFigure")
        text = ask("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    tasks = long_tasks(events)
    values = {
        "text, s": text / 1000,
        "figure, s": (first or float("nan")) / 1000,
        "blocked, ms": sum(max(0, task["dur"] / 1000 - 50) for task in tasks),
        "by processor, ms": sum(max(0, task["tdur"] / 1000 - 50) for task in tasks),
        "compressed, MB": received["compressed"] / 1e6,
        "raw, MB": received["raw"] / 1e6,
    }
    return Load(values, events)


@contextmanager
def traced(page: Page, protocol: CDPSession) -> Iterator[list[dict]]:
    """The events of Chromium's timeline, which are there after the block."""
    events, complete = [], []
    protocol.on("Tracing.dataCollected", lambda found: events.extend(found["value"]))
    protocol.on("Tracing.tracingComplete", lambda found: complete.append(found))
    categories = {"includedCategories": CATEGORIES, "excludedCategories": ["*"]}
    protocol.send("Tracing.start", {"traceConfig": categories})
    yield events
    protocol.send("Tracing.end")
    while not complete:
        page.wait_for_timeout(100)


def long_tasks(events: list[dict]) -> list[dict]:
    """The tasks of more than 50 ms of the page's own thread, the one that lays out most."""
    layouts = Counter(
        (event["pid"], event["tid"]) for event in events if event["name"] == "UpdateLayoutTree"
    )
    [(thread, _)] = layouts.most_common(1)
    return [
        event
        for event in events
        if (event["pid"], event["tid"]) == thread
        and event["name"] == "RunTask"
        and event.get("dur", 0) > 50_000
    ]


def print_tasks(events: list[dict]) -> None:
    """Each long task of a load, and in it what took more than 8 ms, by its depth."""
    for task in sorted(long_tasks(events), key=lambda task: task["ts"]):
        print(f"  {task['dur'] / 1000:5.0f} ms, by processor {task['tdur'] / 1000:5.0f}")
        end, around = task["ts"] + task["dur"], []
        inside = [
            event
            for event in events
            if event["tid"] == task["tid"] and event.get("dur", 0) > 8_000
            and task["ts"] <= event["ts"] < end and event["name"] not in TASKS
        ]  # fmt: skip
        for event in sorted(inside, key=lambda event: (event["ts"], -event["dur"])):
            around = [outer for outer in around if outer["ts"] + outer["dur"] > event["ts"]]
            print(f"      {'  ' * len(around)}{event['dur'] / 1000:5.0f} {cause(event)}")
            around.append(event)


def cause(event: dict) -> str:
    """What an event of the timeline did: its name, and the script or the size that it names."""
    given = event.get("args", {})
    about = given.get("data") or given.get("beginData") or {}
    script = str(about.get("url", "")).rsplit("/", 1)[-1].split("?")[0]
    named = [about.get("functionName"), script, about.get("type"), given.get("elementCount")]
    return " ".join(
        str(part) for part in [event["name"], *named, about.get("dirtyObjects")] if part
    )


def answer_times(chromium, address: str, presses: int) -> dict[tuple[str, str], list[float]]:
    """For each control of a page: milliseconds from each key to the next frame."""
    times = {}
    with slow_page(chromium, line=False) as (page, _):
        page.goto(address)
        for place in page.locator(".tl-live").all():
            place.scroll_into_view_if_needed()
            page.wait_for_function(
                "place => place.querySelector('[data-ready]')", arg=place.element_handle()
            )
        for number, control in enumerate(page.evaluate(CONTROLS)):
            node = page.locator(f"[data-measured='{number}']")
            if not node.is_visible() or not node.is_enabled():
                continue
            node.scroll_into_view_if_needed()
            node.focus()
            page.wait_for_timeout(400)
            taken = []
            for press in range(presses):
                back = control["key"] == "ArrowRight" and press >= presses // 2
                began = page.evaluate("performance.now()")
                page.keyboard.press("ArrowLeft" if back else control["key"])
                page.wait_for_timeout(150)
                events = page.evaluate(f"seen.events.filter(([start]) => start >= {began})")
                taken.append(max((duration for _, duration in events), default=0))
            key = control["key"].strip() or "Space"
            times[control["figure"], f"{control['name']} ({key})"] = taken
    return times


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="How soon a built page is there.")
    parser.add_argument("--before", type=Path, help="a built book (the folder html)")
    parser.add_argument("--after", type=Path, required=True, help="another one, or the only one")
    parser.add_argument("--rounds", type=int, default=3, help="how often each page is opened")
    parser.add_argument("--tasks", action="store_true", help="print what the long tasks did")
    parser.add_argument("--interaction", action="store_true", help="measure keys, not loading")
    parser.add_argument("--presses", type=int, default=20, help="how often each key is pressed")
    parser.add_argument("pages", nargs="*", help="such as book/index; without any, all of them")
    options = parser.parse_args()

    books = {"before": options.before, "after": options.after}
    books = {name: folder.resolve() for name, folder in books.items() if folder}
    pages = options.pages or [
        path.relative_to(options.after.resolve()).with_suffix("").as_posix()
        for part in ("book/index.html", "notebooks/*.html")
        for path in sorted(options.after.resolve().glob(part))
    ]
    path = browsers.find()
    if not path:
        raise SystemExit(browsers.NO_BROWSER)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for page in pages:
            rows = {name: [] for name in books}
            for _ in range(1 if options.interaction else options.rounds):
                for name, folder in books.items():
                    with served(folder) as address:
                        url = f"{address}/{page}.html"
                        if options.interaction:
                            rows[name].append(answer_times(chromium, url, options.presses))
                            continue
                        load = load_page(chromium, url)
                        rows[name].append(load.values)
                        if options.tasks:
                            print_tasks(load.events)
            for name, found in rows.items():
                print_row(page, name, found, interaction=options.interaction)
        chromium.close()


def print_row(page: str, name: str, found: list[dict], *, interaction: bool) -> None:
    """One line for a page, or one for each of its controls."""
    if interaction:
        for (figure, control), times in found[0].items():
            print(
                f"{page:36} {name:7} {figure:20} {control:44} p95 {p95(times):5.0f} ms", flush=True
            )
        return
    values = {kind: statistics.median(row[kind] for row in found) for kind in found[0]}
    line = "  ".join(f"{kind} {value:6.2f}" for kind, value in values.items())
    print(f"{page:36} {name:7} {line}", flush=True)


if __name__ == "__main__":
    main()
