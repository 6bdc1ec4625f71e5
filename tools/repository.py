"""Set the public addresses of the repository and of the built book wherever they are needed.

`make repository URL=https://github.com/OWNER/NAME` writes it into `_config.yml`,
where it stands for the whole book, and from there into what must carry it by
itself: the notebooks' first cell (`book/first_cell.py`) and the badges in
README.md. `BOOK=https://...`, the folder of the published pages, goes there too, and
then each notebook begins with a link to its page: GitHub and nbviewer show a notebook
without outputs. Without an address it brings notebooks and README back in step with
`_config.yml`. It can be run again, also with other addresses.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

ROOT = Path(__file__).resolve().parents[1]
GITHUB = re.compile(r"https://[\w.-]+(?::\d+)?/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)", re.ASCII)
FOLDER = re.compile(r"https://[\w.-]+(?::\d+)?(?:/[\w.~-]+)*", re.ASCII)
CELL_LINE = re.compile(r'^REPOSITORY = ".*?"', re.MULTILINE)
BADGES = re.compile(r"(<!-- badges: .*? -->\n).*?(<!-- end of badges -->)", re.DOTALL)

# Book: left out (its page shows the result of set-up, not the set-up). Colab: a form.
FIRST_CELL_METADATA = {"cellView": "form", "tags": ["remove-cell"]}
LINK_ID = "built-page"  # the cell that the book itself leaves out (book/_ext/house.py)

# As `_config.yml` is written: comments, quotes and long lines stay as they are.
YAML_FILE = YAML()
YAML_FILE.preserve_quotes = True
YAML_FILE.width = 4096
YAML_FILE.indent(mapping=2, sequence=4, offset=2)


class Address(NamedTuple):
    """A public address: its form, the command that sets it, its place in `_config.yml`."""

    form: re.Pattern
    command: str
    section: str
    key: str

    def checked(self, url: str) -> str:
        """The address in its plain form; `ValueError` with a sentence if it is none."""
        plain = url.strip().rstrip("/").removesuffix(".git")
        if not self.form.fullmatch(plain):
            raise ValueError(f"{url!r} is no such address. Give one such as: {self.command}")
        return plain

    def current(self, root: Path = ROOT) -> str:
        """The address that `_config.yml` holds; empty while it is not set."""
        settings = YAML_FILE.load(root / "_config.yml")
        if self.key not in (settings.get(self.section) or {}):
            raise ValueError(f"_config.yml has no line '{self.key}:' below '{self.section}:'.")
        return (settings[self.section][self.key] or "").strip()

    def chosen(self, given: str) -> str:
        """What is given, else what `_config.yml` holds, in its plain form; empty if neither."""
        url = given or self.current()
        return self.checked(url) if url else ""


REPOSITORY = Address(
    GITHUB, "make repository URL=https://github.com/OWNER/NAME", "repository", "url"
)
BOOK = Address(FOLDER, "make repository BOOK=https://OWNER.github.io/NAME", "html", "baseurl")


def first_cell(root: Path = ROOT) -> str:
    """The source of the first code cell, the same in all notebooks."""
    return (root / "book/first_cell.py").read_text(encoding="utf-8").rstrip("\n")


def badges(url: str) -> str:
    """README's badges, or a sentence while there is no address."""
    match = GITHUB.fullmatch(url)
    if not match:
        return f"The public address is not set yet: `{REPOSITORY.command}` sets it.\n"
    if not url.startswith("https://github.com/"):
        return f"[Repository]({url})\n"
    place = f"{match['owner']}/{match['name']}"
    colab = "https://colab.research.google.com"
    notebook = f"{colab}/github/{place}/blob/main/notebooks/07_multi_head.ipynb"
    binder = "https://mybinder.org"
    folder = f"{binder}/v2/gh/{place}/main?labpath=notebooks"
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({notebook})\n"
        f"[![Open in Binder]({binder}/badge_logo.svg)]({folder})\n"
    )


def write_if_changed(path: Path, text: str) -> bool:
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def set_first_cell(notebook: NotebookNode, source: str) -> None:
    """Make `source` the notebook's first code cell; put one in if there is none."""
    cell = next((c for c in notebook.cells if c.cell_type == "code"), None)
    if cell is None or not cell.source.startswith("# @title Set-up"):
        cell = nbformat.v4.new_code_cell(id="set-up")
        notebook.cells.insert(1, cell)  # after the title
    cell.metadata = FIRST_CELL_METADATA
    cell.source = source


def set_link(notebook: NotebookNode, book: str, name: str) -> None:
    """Put a link to the notebook's built page under its title, if there is an address."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != LINK_ID]
    if book:
        page = f"[the page of this chapter]({book}/notebooks/{name}.html)"
        text = f"*No figures here? They are alive on {page}, and wherever you run this notebook.*"
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(text, id=LINK_ID))


def set_everywhere(url: str, book: str = "", root: Path = ROOT) -> list[str]:
    """Write the addresses where they are needed; return the files that changed."""
    changed = []

    def write(path: Path, text: str) -> None:
        if write_if_changed(path, text):
            changed.append(path.relative_to(root).as_posix())

    config = root / "_config.yml"
    settings = YAML_FILE.load(config)
    for address, value in ((REPOSITORY, url), (BOOK, book)):
        settings[address.section][address.key] = DoubleQuotedScalarString(value)
    YAML_FILE.dump(settings, text := io.StringIO())
    write(config, text.getvalue())
    cell = root / "book/first_cell.py"
    write(cell, CELL_LINE.sub(f'REPOSITORY = "{url}"', cell.read_text(encoding="utf-8")))
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        set_first_cell(notebook, first_cell(root))
        set_link(notebook, book, path.stem)
        write(path, nbformat.writes(notebook) + "\n")
    readme = root / "README.md"
    write(readme, BADGES.sub(rf"\g<1>{badges(url)}\g<2>", readme.read_text(encoding="utf-8")))
    return changed


def main(arguments: list[str]) -> int:
    url, book, *_ = *arguments, "", ""
    try:
        url, book = REPOSITORY.chosen(url), BOOK.chosen(book)
        changed = set_everywhere(url, book)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for what, address, value in (("repository", REPOSITORY, url), ("book", BOOK, book)):
        print(f"The {what}'s address: {value or f'none is set. Give one: {address.command}'}")
    print("Changed: " + (", ".join(changed) or "nothing, all was in step"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
