"""Files that are whole or not there: atomic writes, checksums, the cache folder.

A program can be stopped at any moment, and two can run at once. What this
module writes appears under its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where trained models are kept: the user's cache folder for this package.

    The environment variable `TRANSFORMER_LAB_CACHE` names another one; `~` in it is the
    user's own folder.
    """
    chosen = os.environ.get("TRANSFORMER_LAB_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("transformer-lab")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never half.

    The new content goes to a file beside it, which then takes its name: on one
    file system that is a single step.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def checksum(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal.

    >>> checksum(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()
