"""The page's Python without a browser: a Python with its standard library and our files only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from transformer_lab.page_files import page_files


def make_folder(folder: Path, more: Mapping[str, Path]) -> None:
    """Fill a folder with what the page's Python can import, and with `more`."""
    for place, file in {**page_files(), **more}.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / place)


def run(folder: Path, code: str, given: object = None):
    """What `code` prints as JSON; it reads `given` from its standard input."""
    start = f"import json, sys; sys.path.insert(0, {str(folder)!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + code],
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
