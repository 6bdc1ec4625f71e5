"""Sphinx extension: pages of the package, from its docstrings.

A page names modules in a `{modules}` block, `name.*` for those inside a package. Each
becomes a section with its docstring and all its public names. Docstrings are plain text
with single backticks and Google's sections; here they become reStructuredText: code as
literals, chapters as links, an indented block as it stands.
"""

from __future__ import annotations

import ast
import re
from dataclasses import is_dataclass
from inspect import isroutine
from itertools import chain
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer, parser

from transformer_lab import exercises, page_torch

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```\{(modules|exercises|functions)\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# "chapters 2 (the map) and 15 (the family)"; not the chapter of a book that is cited.
NUMBER = r"\d+(?:\s\([^)]*\))?"
MARKUP = re.compile(
    r"(?P<example>^ *>>> .+(?:\n *\S.*)*)"
    r"|(?P<block>(?<=\n\n)(?:    .+\n?)+)"
    r"|`(?P<code>[^`]+)`(?P<ending>\w?)"
    rf'|(?P<chapters>(?<!",\s)\b[Cc]hapters?\s{NUMBER}(?:(?:,|\sand)\s{NUMBER})*)'
    r"|(?P<special>[*|\\]|_\b)",
    re.MULTILINE,
)
# Any: Sphinx hands this class over, but its annotations name another of that name.
NAPOLEON: Any = Config(napoleon_use_ivar=True, napoleon_use_rtype=False)
# A comment beside a name, or above it, documents the name (Sphinx by itself wants "#:").
COMMENT = re.compile(r"^\s*#:? ?(?!fmt:|noqa|type:|pyright:|---)(.*)\r?\n?$")


def setup(app: Sphinx) -> dict:
    app.setup_extension("sphinx.ext.autodoc")
    parser.comment_re = COMMENT
    app.connect("env-get-outdated", find_outdated)
    app.connect("source-read", write_blocks)
    app.connect("autodoc-process-docstring", write_docstring)
    app.connect("autodoc-process-signature", leave_out_signature)
    app.connect("autodoc-skip-member", leave_out_foreign)
    app.connect("missing-reference", find_alias)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def find_outdated(app: Sphinx, env, added: set, changed: set, removed: set) -> list[str]:
    """The pages for which a module has come; one that changed or went, Sphinx sees by itself."""
    texts = {name: Path(env.doc2path(name)).read_text(encoding="utf-8") for name in env.found_docs}
    return [name for name, text in texts.items() if sources(text) - env.dependencies[name]]


def write_blocks(app: Sphinx, docname: str, source: list[str]) -> None:
    write = {"modules": sections, "exercises": list_of_exercises, "functions": list_of_functions}
    app.env.dependencies[docname].update(sources(source[0]))
    source[0] = BLOCK.sub(lambda block: write[block[1]](block[2]), source[0])


def sources(text: str) -> set[str]:
    """The files that the blocks of a page are made from."""
    made_of = {"exercises": "exercises.*", "functions": "page_torch.* page_torch.nn.*"}
    found = BLOCK.findall(text)
    blocks = [it if kind == "modules" else made_of[kind] for kind, it in found]
    return {str(source_of(name)) for each in " ".join(blocks).split() for name in modules(each)}


# --- Sections: a module, and its public names ---------------------------------------


def sections(patterns: str) -> str:
    """A section for each module that is named, in MyST."""
    return "\n".join(section(name) for pattern in patterns.split() for name in modules(pattern))


def modules(pattern: str) -> list[str]:
    """The modules that a pattern names, below `transformer_lab`: "config", "recipes.*"."""
    if not pattern.endswith(".*"):
        return [pattern]
    folder = ROOT / "transformer_lab" / pattern[:-2].replace(".", "/")
    return [f"{pattern[:-1]}{file.stem}" for file in sorted(folder.glob("[!_]*.py"))]


def section(name: str) -> str:
    lines = [f".. automodule:: transformer_lab.{name}", "   :no-members:", ""]
    for public, (directive, *options) in public_names(name).items():
        lines += [f".. {directive}:: transformer_lab.{name}.{public}", *options, ""]
    return "\n".join([f"## `{name}`", "", "```{eval-rst}", *lines, "```", ""])


def public_names(module: str) -> dict[str, tuple[str, ...]]:
    """What a module defines for others, in its order: for each name, autodoc's directive and
    its options."""
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.parse(source_of(module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = ("autofunction",)
        elif isinstance(node, ast.ClassDef):
            is_data = any("dataclass" in ast.unparse(each) for each in node.decorator_list)
            found[node.name] = ("autoclass", *["   :undoc-members:"][:is_data])
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_short = isinstance(node.value, ast.Constant) and len(ast.unparse(node.value)) < 60
            for name in chain.from_iterable(map(ast.walk, targets)):
                if isinstance(name, ast.Name):
                    found[name.id] = ("autodata", *["   :no-value:"][is_short:])
    return {name: how for name, how in found.items() if not name.startswith("_")}


def source_of(module: str) -> Path:
    folder = ROOT / "transformer_lab" / module.replace(".", "/")
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


# --- Docstrings ---------------------------------------------------------------------


def write_docstring(app: Sphinx, what: str, name: str, obj, options, lines: list[str]) -> None:
    if what == "data" and not has_comment(name):
        lines.clear()  # of its type, not of this name
    text = MARKUP.sub(restructured, "\n".join(lines))
    if what not in ("data", "attribute", "property"):  # those have no sections
        text = str(GoogleDocstring(text, NAPOLEON, app, what, name, obj, options))
    lines[:] = text.splitlines()


def has_comment(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return ("", last) in ModuleAnalyzer.for_module(module).find_attr_docs()


def restructured(part: re.Match) -> str:
    if part["code"]:
        return f"``{part['code']}``" + (rf"\ {part['ending']}" if part["ending"] else "")
    if part["chapters"]:  # links in the place of the numbers that stand in no brackets
        return re.sub(r"\([^)]*\)|\d+", lambda number: link(number[0]), part[0])
    if part["block"]:
        return f"::\n\n{part[0]}"
    return part[0] if part["example"] else f"\\{part[0]}"


def link(number: str) -> str:
    return f":doc:`{number} </notebooks/{chapter(int(number))}>`" if number.isdigit() else number


def chapter(number: int) -> str:
    """The name of a chapter's notebook."""
    [notebook] = (ROOT / "notebooks").glob(f"{number:02d}_*.ipynb")
    return notebook.stem


def leave_out_signature(app: Sphinx, what: str, name: str, obj, *_):
    """A class that has its `__init__` from elsewhere, or made from its fields, which follow."""
    if what == "class" and ("__init__" not in vars(obj) or is_dataclass(obj)):
        return "", None
    return None


def leave_out_foreign(app: Sphinx, what: str, name: str, obj, skip: bool, options):
    """What another package's metaclass has written into a class of ours."""
    foreign = not (getattr(obj, "__module__", None) or "").startswith("transformer_lab")
    return True if isroutine(obj) and foreign else None


def find_alias(app: Sphinx, env, node, content):
    """A type that is an alias or a variable: Sphinx looks among the classes only."""
    if node.get("reftype") != "class":
        return None
    find = env.domains["py"].resolve_xref
    return find(env, node["refdoc"], app.builder, "obj", node["reftarget"], node, content)


# --- All exercises ------------------------------------------------------------------


def list_of_exercises(_: str) -> str:
    lines = []
    for module in exercises.CHAPTERS:
        number = int(module.__name__[-2:])
        for name, exercise in module.EXERCISES.items():
            page = f"[{number}](../../notebooks/{chapter(number)}.ipynb)"
            task = re.sub(r"([*|\[])", r"\\\1", exercise.task)
            lines.append(f"- `{name}`, chapter {page}: {task}")
    return "\n".join(lines)


# --- All functions of the page's torch ----------------------------------------------


def list_of_functions(_: str) -> str:
    """Each function by all its names, and the first line about it."""
    places = {
        "torch": page_torch.FUNCTIONS,
        "Tensor": page_torch.METHODS,
        "functional": page_torch.nn.functional.OFFERED,
    }
    names: dict[Any, list[str]] = {}
    for place, table in places.items():
        for name, function in sorted(table.items()):
            names.setdefault(function, []).append(f"`{place}.{name}`")
    lines = []
    for function, own in sorted(names.items(), key=lambda item: item[1]):
        about = (function.__doc__ or "").split("\n")[0]
        lines.append(f"- {', '.join(own)}: " + re.sub(r"([*|\[])", r"\\\1", about))
    return "\n".join(lines)
