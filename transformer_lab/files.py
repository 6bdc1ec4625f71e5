"""Files that are whole or not there: atomic writes, checksums, locks, the cache folder.

A program can be stopped at any moment, two can run at once, and a disk forgets. What
this module writes appears under its name only when it is complete, and what it has
sealed is checked when it is read. In no chapter.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
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
    file system that is a single step. A folder that has the name is put aside.

    Raises:
        OSError: if it cannot be written, in one sentence; the old content is still there.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(temporary)  # of a process that was killed
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir():
            put_aside(path)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            remove(temporary)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> OSError:
    """An error in one sentence, for what the system said when `path` was to be written."""
    return OSError(
        f"{path} cannot be written ({error.strerror}): make room there, or choose another place "
        "(for models: TRANSFORMER_LAB_CACHE)"
    )


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file that begins with the checksum of what follows."""
    write_atomically(path, checksum(content).encode() + b"\n" + content)


def read_sealed(path: Path) -> bytes:
    """The content of a file that was written by `write_sealed`.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not as it was written.
    """
    seal, _, content = path.read_bytes().partition(b"\n")
    if seal != checksum(content).encode():
        raise ValueError(f"{path} is not as it was written")
    return content


def make_folder(path: Path) -> None:
    """Make a folder, if it is not there; anything else that has its name is put aside."""
    if os.path.lexists(path) and not path.is_dir():
        put_aside(path)
    path.mkdir(parents=True, exist_ok=True)


def put_aside(path: Path, then: str = "") -> None:
    """Give what is damaged a name that ends in `.damaged`, and say so in one sentence.

    Args:
        path: becomes free.
        then: what happens next, for that sentence.
    """
    aside = path.with_name(f"{path.name}.damaged")
    remove(aside)
    path.rename(aside)
    print(f"{path} is not whole: it is put aside as {aside.name}{then}", file=sys.stderr)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; nothing, if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, waiting: str | None = None, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock that this file stands for.

    Args:
        path: an empty file. It stays: whoever waits for it has it open.
        waiting: what to say if another process has it.
        wait: for that process, rather than give up.

    Raises:
        Timeout: if another process has it and we do not wait.
        OSError: if there can be no such file, in one sentence.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            put_aside(path)
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise
        if waiting:
            print(waiting, file=sys.stderr)
        lock.acquire()
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def checksum(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal.

    >>> checksum(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()
