"""Real models for figures: known by name and size, and loaded only when a reader asks.

Holds `RealModel`, the file of such a model (`pretrained.page_file`) cut into parts, and
`RealModelFigure`, the base class of figures that can run one beside their own small model.
A page gets names and sizes, and loads the parts one by one: in the built book each is a
script (`book/_ext/live_figures.py` has them written), in a notebook the kernel sends it.
The model then works in a worker, whose text comes in the same way.

Sources: custom messages, https://ipywidgets.readthedocs.io/en/stable/ (low-level widget).
Taught in chapters 7, 11, 12, 14 and 16.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import traitlets

from transformer_lab.pretrained import page_file
from transformer_lab.widgets.live_figure import LiveFigure, bytes_script, link, write_whole

# Bytes of a part: few enough that the page's own thread, which reads its script, has time for
# the reader between two of them.
PART = 3 << 19
# The module in which a real model works.
WORKER = "engine/worker.js"


class RealModel:
    """A real model that a page can load.

    Args:
        name: what readers call it.
        make: gives the bytes of its file (see `page_file`).
        size: how many these are.
        sha256: their checksum. With it a page can name the parts before they are made, and
            nobody gets other bytes under these names.
    """

    def __init__(self, name: str, make: Callable[[], bytes], *, size: int, sha256: str) -> None:
        self.name, self.size, self.sha256 = name, size, sha256
        self._make = make
        self._content = b""
        ends = [(start, min(start + PART, size)) for start in range(0, size, PART)]
        self._places = {f"piece-{sha256[:20]}-{start}-{end}": (start, end) for start, end in ends}
        self.parts = list(self._places)

    def content(self) -> bytes:
        """The whole file. The first call makes it: some seconds, and perhaps a download.

        Raises:
            ConnectionError, OSError: as for `pretrained.package_file`.
            ValueError: if the file is not the one that is expected.
        """
        if not self._content:
            content = self._make()
            found = len(content), hashlib.sha256(content).hexdigest()
            if found != (self.size, self.sha256):
                raise ValueError(
                    f"the file of {self.name} has the size {found[0]} and the checksum {found[1]}: "
                    "if this is as it should be, change both where this RealModel is made"
                )
            self._content = content
        return self._content

    def part(self, name: str) -> bytes:
        """The bytes of the part of this name."""
        start, end = self._places[name]
        return self.content()[start:end]

    def write_parts(self, folder: Path) -> None:
        """Write each part as a script for a page, unless they are there."""
        for name in self.parts:
            path = folder / f"{name}.js"
            if not path.exists():
                write_whole(path, bytes_script(name, gzip.compress(self.part(name), 6, mtime=0)))

    def to_json(self) -> dict:
        """What a page gets of it: `book/_ext/live_host.js` and `parts/later.js` read it."""
        parts = [
            {"$asset": name, "size": end - start} for name, (start, end) in self._places.items()
        ]
        return {"name": self.name, "size": self.size, "parts": parts, "worker": {"$module": WORKER}}


# A decoder that chats: 135 million weights of 4 bits.
SMOLLM2 = RealModel(
    "SmolLM2-135M-Instruct",
    page_file.smollm2_file,
    size=98_678_496,
    sha256="f63535e90cb71cfbe9c9e4130c2988a296b372e8aa117f74cd51f65aee263a41",
)
# An encoder that compares sentences: 23 million weights of 8 bits.
MINILM = RealModel(
    "all-MiniLM-L6-v2",
    page_file.minilm_file,
    size=24_667_696,
    sha256="b7e4d37f0e17a7ffa58228364f47830eec8a67e6b1a278dee7173f618ae38bc1",
)


class RealModelFigure(LiveFigure):
    """Base class of the figures that a reader can give a real model.

    Keyword Args:
        real_model: `SMOLLM2` or `MINILM`, or None.
    """

    real_model = traitlets.Instance(RealModel, allow_none=True).tag(
        sync=True, to_json=lambda model, _: model and model.to_json()
    )
    _later = ("real_model",)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        self.on_msg(self._answer)

    def _answer(self, _, message: dict, buffers: list) -> None:
        """Send the file that the page asks for, or a sentence that says why it cannot come."""
        name = message.get("file")
        try:
            content = self._file(name)
        except (ImportError, OSError, ValueError) as error:
            self.send({"file": name, "error": str(error)})
        else:
            self.send({"file": name}, [content])

    def _file(self, name: object) -> bytes:
        if name == WORKER:
            return worker_text().encode()
        model = cast("RealModel | None", self.real_model)
        if model is None or name not in model.parts:
            raise ValueError("this figure has no such file")
        return model.part(cast(str, name))


@cache
def worker_text() -> str:
    """The JavaScript of the worker, with all that it imports."""
    return link(Path(__file__).with_name("engine") / "worker.js")
