"""Find a Chrome or Chromium for the tests; install one if there is none.

`python tools/browser.py` prints the path, or fails. With `--install` it first
tries Playwright's own Chromium, then the system's package. Standard library
only: it must run before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = (
    "chromium-headless-shell",  # no window, and so half the work for each page that is opened
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "~/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
NO_BROWSER = (
    "The tests need a browser: no Chrome or Chromium was found, and none could be installed. "
    "Install one (on Debian: apt-get install chromium), or set CHROME to its path."
)

NO_DRIVER = (
    "Playwright's driver does not run here: 'python -m playwright --version' says why "
    "(on the smallest Debian: apt-get install libatomic1)."
)


def candidates() -> list[str]:
    """Where a browser may be, the reader's own choice first."""
    chosen = os.environ.get("CHROME")
    if chosen:
        return [chosen]
    on_path = [found for name in NAMES if (found := shutil.which(name))]
    return [*on_path, *(str(Path(place).expanduser()) for place in PLACES), *playwrights_own()]


def playwrights_own() -> list[str]:
    """The Chromium that `playwright install chromium` leaves, if that was run."""
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            return [playwright.chromium.executable_path]
    except Exception:  # not installed, or not on this system: then there is none
        return []


def starts(path: str) -> bool:
    """Whether this is a browser that runs (Ubuntu's `chromium` may be an empty shell)."""
    if not Path(path).is_file():
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find() -> str | None:
    """The path of a browser that starts, or None."""
    return next((path for path in candidates() if starts(path)), None)


def administrator() -> list[str]:
    """What goes before a command that only the administrator may give."""
    return [] if getattr(os, "geteuid", lambda: 1)() == 0 else ["sudo", "-n"]


def install() -> str | None:
    """Install a browser by the first way that works; return its path, or None."""
    ways = [[[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]]
    ways += [[[sys.executable, "-m", "playwright", "install", "chromium"]]]
    if shutil.which("apt-get"):
        ways += [
            [
                [*administrator(), "apt-get", "update"],
                [*administrator(), "apt-get", "install", "-y", "chromium"],
            ]
        ]
    for way in ways:
        print("No browser yet; trying:", " ".join(way[-1]), file=sys.stderr)
        try:
            for command in way:
                subprocess.run(command, check=True, timeout=900)
        except (OSError, subprocess.SubprocessError):
            continue
        if found := find():
            return found
    return None


def driver_starts() -> bool:
    """Whether Playwright's driver, which steers the browser, runs here."""
    command = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def install_driver_library() -> bool:
    """Install what the driver needs and the smallest Debian lacks: libatomic."""
    if shutil.which("apt-get"):
        for arguments in (["update"], ["install", "-y", "libatomic1"]):
            subprocess.run([*administrator(), "apt-get", *arguments])
    return driver_starts()


def main() -> int:
    installing = "--install" in sys.argv[1:]
    if installing and not driver_starts() and not install_driver_library():
        print(NO_DRIVER, file=sys.stderr)
        return 1
    found = find()
    if found is None and installing:
        found = install()
    if found is None:
        print(NO_BROWSER, file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
