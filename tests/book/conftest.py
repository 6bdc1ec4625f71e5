"""The built book, and a server for it on this machine."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def toc_pages() -> list[str]:
    """The names of all pages of the book, without suffix, in reading order."""
    toc = YAML(typ="safe").load(ROOT / "_toc.yml")
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *chapters]


@pytest.fixture(scope="session")
def book(tmp_path_factory) -> Path:
    """The folder of the built pages. Building is quick when nothing has changed."""
    program = Path(sys.executable).with_name("jupyter-book")
    # Tests may run in several processes, of which one builds at a time.
    with FileLock(tmp_path_factory.getbasetemp().parent / "book.lock"):
        built = subprocess.run(
            [program, "build", ROOT, "-W", "-n", "--keep-going"],
            cwd=ROOT,
            env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
    assert built.returncode == 0, f"the book does not build:\n{built.stdout[-6000:]}"
    return ROOT / "_build/html"


@functools.cache
def soup_of(page: Path) -> BeautifulSoup:
    """A built page, for all tests that read it: none of them may change it."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture(scope="session")
def serve():
    """`serve(folder)` serves a folder on loopback and returns its address."""
    servers = []

    def start(folder: Path) -> str:
        handler = functools.partial(QuietHandler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture(scope="session")
def addresses(book, serve) -> dict[str, str]:
    """The two ways to open the book: from a server, and straight from disk."""
    return {"http": serve(book), "file": book.as_uri()}
