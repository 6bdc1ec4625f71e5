"""A live figure: one Python class, one JavaScript module, two homes.

In a notebook with a running kernel a figure is an ordinary widget (anywidget
hosts it). In the built book there is no kernel: a figure leaves behind its name
and its first state, and `book/_ext/live_host.js` runs the same JavaScript
module on them.

Holds `LiveFigure`, the base class of all figures, `Number`, a trait of theirs,
and `link`, which joins a JavaScript module and the modules that it imports into
one text, because both homes take one text: a widget's `_esm`, and a page that
was opened from disk, which may not fetch modules. `link` reads plain, static,
relative imports; it is no general bundler.

Sources: the anywidget front-end module, https://anywidget.dev/en/afm/; Jupyter's
mime bundles, https://jupyter-client.readthedocs.io/en/stable/messaging.html.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import anywidget
import numpy as np
import traitlets

# The folder into which a figure writes its bytes while the book is being built.
ASSET_FOLDER_VARIABLE = "TRANSFORMER_LAB_ASSETS"

_WIDGETS_FOLDER = Path(__file__).parent
_HAND_OVER = "(globalThis.transformerLabParts ??= {})"


def stylesheet() -> str:
    """The style that all figures share, then each figure's own."""
    shared = _WIDGETS_FOLDER / "live_figure.css"
    own = sorted(path for path in _WIDGETS_FOLDER.glob("*.css") if path != shared)
    return "\n".join(
        f"/* --- {path.stem} --- */\n{path.read_text(encoding='utf-8')}" for path in [shared, *own]
    )


class Number(traitlets.Float):
    """A trait for a finite number: NaN would slip through the comparisons with min and max."""

    info_text = "a finite number"

    def validate(self, obj, value):
        number = super().validate(obj, value)
        if not math.isfinite(number):
            self.error(obj, value)
        return number


class LiveFigure(anywidget.AnyWidget):
    """Base class of the figures.

    A subclass names its JavaScript module (a file beside its own Python file)
    and declares its state as traits tagged `sync=True`:

        class NextToken(LiveFigure):
            _module = "next_token.js"
            text = traitlets.Unicode().tag(sync=True)
            model_file = traitlets.Bytes().tag(sync=True)

    `_later` names the traits whose bytes a page fetches only when the figure asks
    for them: there the module gets `{ name, size, load() }` in place of bytes (in a
    running notebook it gets bytes; `bytesOf` in `parts/later.js` takes both).
    """

    _module: str = ""
    _later: tuple[str, ...] = ()
    _module_folder: Path = _WIDGETS_FOLDER
    _css = stylesheet()

    def __init_subclass__(cls, **kwargs) -> None:
        if "_module" in cls.__dict__:  # not in the copies of it that traitlets makes
            cls._esm = link(cls._module_folder / cls._module)
        super().__init_subclass__(**kwargs)

    def open(self) -> None:
        """Connect to the notebook's front end; in a book build there is none."""
        if not _asset_folder():
            super().open()

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        if _asset_folder():
            return {"text/plain": repr(self), "text/html": self.to_html()}, {}
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": self.to_html()}, metadata

    def to_html(self) -> str:
        """The figure's place in a page: its name and its first state.

        Bytes are never written into the page. While the book is being built
        they go to a file of their own, named by their content, so that figures
        and pages share it; in a running kernel they are left out.
        """
        name = html.escape(type(self).__name__)
        state = json.dumps(
            {
                "module": self._module,
                "later": self._later,
                "state": _as_json(self._public_state(), _asset_folder()),
            }
        ).replace("<", "\\u003c")  # so that no text can close the script element
        return (
            f'<div class="tl-live" data-live-figure="{name}">'
            f'<script type="application/json">{state}</script>'
            "<p>This figure is alive in the book and in a running notebook: "
            "it needs JavaScript, and here it has not started.</p></div>"
        )

    def _public_state(self) -> dict:
        """The traits that the figure's own class declares, as the front end gets them."""
        inherited = set(LiveFigure.class_traits(sync=True))
        own = [name for name in self.class_traits(sync=True) if name not in inherited]
        return self.get_state([name for name in own if not name.startswith("_")])


def _asset_folder() -> Path | None:
    folder = os.environ.get(ASSET_FOLDER_VARIABLE)
    return Path(folder) if folder else None


def _as_json(value, folder: Path | None):
    """A copy of `value` that JSON can hold: bytes become a reference to a file."""
    if isinstance(value, dict):
        return {key: _as_json(item, folder) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item, folder) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return store_asset(bytes(value), folder) if folder else None
    return value


def store_asset(content: bytes, folder: Path) -> dict:
    """Write bytes as a script that a page can load, even from disk.

    Returns `$asset`, the name, made from what is written, so that equal bytes are one
    file and a cache never holds another one; and `size`, how many bytes come over the line.
    """
    packed = gzip.compress(content, mtime=0)
    name = f"bytes-{hashlib.sha256(packed).hexdigest()[:20]}"
    path = folder / f"{name}.js"
    if not path.exists():
        write_whole(path, bytes_script(name, packed))
    return {"$asset": name, "size": len(packed)}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that other processes may write at the same time, or look for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def bytes_script(name: str, packed: bytes) -> bytes:
    """A script without imports that hands bytes, compressed by gzip, to the book's host.

    It holds how many bytes there are, and then 15 bits of them in each letter from U+4E00
    on, in UTF-16: 16 bits for 15. (Base64 takes 16 for 12.) They are a comment in a function,
    whose text can be asked for: a browser would copy a string. No such letter needs an
    escape, and the mark at the beginning says how the script is to be read, whatever a
    server says. The checksum that gzip has in it tells whether all is there.
    """
    whole = np.frombuffer(packed + bytes(-len(packed) % 15), np.uint8)
    bits = np.unpackbits(whole, bitorder="little").reshape(-1, 15)
    numbers = np.packbits(bits, axis=1, bitorder="little").view("<u2")  # the 16th bit is 0
    letters = (numbers + np.uint16(0x4E00)).tobytes()
    before, after = f"{_HAND_OVER}[{json.dumps(name)}] = () => {{/*{len(packed)} ", "*/};\n"
    return b"\xff\xfe" + before.encode("utf-16-le") + letters + after.encode("utf-16-le")


def classic_script(name: str, text: str) -> str:
    """A script without imports that hands `text` to the book's host under `name`."""
    return f"{_HAND_OVER}[{json.dumps(name)}] = {json.dumps(text)};\n"


# --- Linking JavaScript modules -------------------------------------------------

_IMPORT = re.compile(
    r"""^import\s+(?:\{(?P<names>[^}]*)\}|\*\s+as\s+(?P<whole>[\w$]+))\s+from\s+"""
    r"""(?P<quote>["'])(?P<path>[^"'\n]+)(?P=quote)[ \t]*;?[ \t]*$""",
    re.MULTILINE,
)
_EXPORT = re.compile(
    r"^export\s+(?P<declaration>(?:async\s+)?function\b\s*\*?|const|class)\s*(?P<name>[\w$]+)",
    re.MULTILINE,
)
_ANY_IMPORT = re.compile(r"^import\b.*", re.MULTILINE)
_ANY_EXPORT = re.compile(r"^export\b.*", re.MULTILINE)


class LinkError(ValueError):
    """A JavaScript module that `link` cannot join; the message names file and line."""


def link(entry: Path | str) -> str:
    """Join a JavaScript module and what it imports into one module text.

    Each imported file becomes a function that runs once and returns what the
    file exports, so that names private to a file stay private. An imported file
    comes before the files that import it.

    Raises `LinkError` for what this small linker does not read: packages,
    dynamic or circular imports, `export default` below the entry module, and
    `export` of anything but a function, a const or a class.
    """
    entry = Path(entry).resolve()
    parts, numbers = [], {}
    for path in _in_import_order(entry, ()):
        if path in numbers:
            continue
        numbers[path] = len(numbers)
        source = _replace_imports(path, numbers)
        parts.append(source if path == entry else _wrapped(path, source, numbers[path]))
    return "\n".join(parts)


def _in_import_order(path: Path, importers: tuple[Path, ...]) -> Iterator[Path]:
    if path in importers:
        circle = " → ".join(step.name for step in (*importers[importers.index(path) :], path))
        raise LinkError(f"modules import each other in a circle: {circle}")
    for match in _IMPORT.finditer(_read(path, importers)):
        yield from _in_import_order(_imported(path, match), (*importers, path))
    yield path


def _read(path: Path, importers: tuple[Path, ...] = ()) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        needed_by = f", which {importers[-1].name} imports" if importers else ""
        raise LinkError(f"there is no module {path}{needed_by}") from None


def _imported(importer: Path, match: re.Match) -> Path:
    if not match["path"].startswith("."):
        raise LinkError(
            f"{importer.name}: {match[0].strip()!r} imports a package; "
            "a figure imports only files beside it, such as './decoder.js'"
        )
    return (importer.parent / match["path"]).resolve()


def _replace_imports(path: Path, numbers: dict[Path, int]) -> str:
    def constant(match: re.Match) -> str:
        module = f"__module_{numbers[_imported(path, match)]}"
        if match["whole"]:
            return f"const {match['whole']} = {module};"
        names = [name.strip() for name in match["names"].split(",") if name.strip()]
        renamed = [re.sub(r"\s+as\s+", ": ", name) for name in names]
        return f"const {{ {', '.join(renamed)} }} = {module};"

    source = _IMPORT.sub(constant, _read(path))
    if rest := _ANY_IMPORT.search(source):
        raise LinkError(f"{path.name}: cannot read the import {rest[0]!r}")
    return source


def _wrapped(path: Path, source: str, number: int) -> str:
    names = [match["name"] for match in _EXPORT.finditer(source)]
    body = _EXPORT.sub(lambda match: match[0].removeprefix("export").lstrip(), source)
    if rest := _ANY_EXPORT.search(body):
        raise LinkError(
            f"{path.name}: cannot read {rest[0]!r}; write 'export' before a function, "
            "a const or a class"
        )
    return (
        f"// {path.name}\nconst __module_{number} = (() => {{\n{body}\n"
        f"return {{ {', '.join(names)} }};\n}})();\n"
    )
