"""How much memory a page takes with a real model in it, and what it gives back.

    .venv/bin/python tools/benchmark_memory.py _build/html

Chromium opens chapter 14 over http, a second time over http, and from disk; SmolLM2 is
loaded, writes an answer, and is unloaded. Printed is the private memory of the page's
process in MB, over that of the same page before: as it is, and after a garbage collection.
(Until then a browser keeps what nobody uses any more for as long as it has room.)

Linux only, which tells the memory of a process in /proc. Playwright, which the tests use,
would falsify it: it has the browser keep up to 100 MB of what comes over the network, in the
very process that is measured. So this speaks to the browser by itself, through the DevTools
protocol (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import browser as browsers
import websocket

PAGE = "notebooks/14_chat.html"
FIGURE = "document.querySelector('.tl-figure[data-live-figure=ChatWindow]')"
BUTTON = f"{FIGURE}.querySelector('.tl-real-model button')"
SHOW = """document.querySelectorAll('.tl-live > button')
  .forEach((button) => button.focus({ preventScroll: true }))"""
ASK = f"""{{
  const box = {FIGURE}.querySelector('textarea');
  box.value = 'What is the capital of France?';
  box.dispatchEvent(new Event('input', {{ bubbles: true }}));
  const enter = {{ key: 'Enter', bubbles: true, cancelable: true }};
  box.dispatchEvent(new KeyboardEvent('keydown', enter));
}}"""


class Tab:
    """A page of a browser that was started for it alone."""

    def __init__(self, profile: str) -> None:
        switches = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        self.browser = subprocess.Popen(
            [browsers.find() or "chromium", *switches, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )
        port = Path(profile, "DevToolsActivePort")
        while not port.exists() or len(port.read_text().split()) < 2:
            time.sleep(0.1)
        number, address = port.read_text().split()
        host = f"ws://127.0.0.1:{number}"
        self.whole = websocket.create_connection(host + address, suppress_origin=True)
        target = self.send(self.whole, "Target.createTarget", url="about:blank")["targetId"]
        page = f"{host}/devtools/page/{target}"
        self.page = websocket.create_connection(page, suppress_origin=True)

    def send(self, to: websocket.WebSocket, method: str, **params) -> dict:
        to.send(json.dumps({"id": 1, "method": method, "params": params}))
        while True:
            message = json.loads(to.recv())
            if message.get("id") == 1:
                return message["result"]

    def evaluate(self, javascript: str) -> object:
        found = self.send(
            self.page,
            "Runtime.evaluate",
            expression=javascript,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{javascript}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, javascript: str) -> None:
        while not self.evaluate(javascript):
            time.sleep(0.1)

    def open(self, address: str) -> None:
        self.send(self.page, "Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete' && !!document.querySelector('.tl-live')")
        self.evaluate(SHOW)
        self.wait_for(f"!!{BUTTON}")
        self.evaluate(f"{BUTTON}.scrollIntoView()")
        time.sleep(5)

    def collect_garbage(self) -> None:
        self.send(self.page, "HeapProfiler.collectGarbage")
        time.sleep(1.5)

    def memory(self) -> int:
        """Private MB of the largest process that draws pages: ours."""
        processes = self.send(self.whole, "SystemInfo.getProcessInfo")["processInfo"]
        return max(private(process["id"]) for process in processes if process["type"] == "renderer")

    def close(self) -> None:
        self.send(self.whole, "Browser.close")
        self.browser.wait()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args) -> None:
        pass


def private(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    return (
        sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024 // 10**6
    )


def measure(tab: Tab, address: str) -> str:
    tab.open(address)
    tab.collect_garbage()
    before = tab.memory()
    steps = {}

    def note(name: str) -> None:
        steps[name] = f"{tab.memory() - before}"
        tab.collect_garbage()
        steps[name] += f" ({tab.memory() - before} collected)"

    tab.evaluate(f"{BUTTON}.click()")
    tab.wait_for(f"{FIGURE}.dataset.realModel !== 'loading'")
    note("loaded")
    tab.evaluate(ASK)
    tab.wait_for(f"{FIGURE}.dataset.tokensPerSecond !== undefined")
    time.sleep(5)
    note("has written")
    tab.evaluate(f"{BUTTON}.click()")
    time.sleep(10)
    note("unloaded")
    told = ", ".join(f"{name} {megabytes}" for name, megabytes in steps.items())
    return f"over the page's {before} MB: {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("book", type=Path, help="the folder of a built book")
    book = parser.parse_args().book.resolve()
    handler = functools.partial(Silent, directory=str(book))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    over_http = f"http://127.0.0.1:{server.server_port}/{PAGE}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        visits = [("first visit", over_http, "a"), ("second visit", over_http, "a")]
        for name, address, profile in [*visits, ("from disk", (book / PAGE).as_uri(), "b")]:
            tab = Tab(f"{folder}/{profile}")
            print(f"{name}: {measure(tab, address)}", flush=True)
            tab.close()
            Path(folder, profile, "DevToolsActivePort").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
