"""Set the public address of the repository everywhere it is needed.

`make repository URL=https://github.com/OWNER/NAME` writes it into `_config.yml`,
where it stands for the whole book, and from there into what must carry it by
itself: the notebooks' first cell (`book/first_cell.py`) and the badges in
README.md. Without a URL it brings notebooks and README back in step with
`_config.yml`. It can be run again, also with another address.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "make repository URL=https://github.com/OWNER/NAME"
ADDRESS = re.compile(r"https://[\w.-]+(?::\d+)?/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)", re.ASCII)
CONFIG_LINE = re.compile(
    r'^(repository:\n(?:[ ]+.*\n)*?[ ]+url:[ ]*)"?(?P<url>[^"\n]*)"?$', re.MULTILINE
)
CELL_LINE = re.compile(r'^REPOSITORY = ".*"$', re.MULTILINE)
BADGES = re.compile(r"(<!-- badges: .*? -->\n).*?(<!-- end of badges -->)", re.DOTALL)

# Book: left out (its page shows the result of set-up, not the set-up). Colab: a form.
FIRST_CELL_METADATA = {"cellView": "form", "tags": ["remove-cell"]}


def checked(url: str) -> str:
    """The address in its plain form; `ValueError` with a sentence if it is none."""
    plain = url.strip().rstrip("/").removesuffix(".git")
    if not ADDRESS.fullmatch(plain):
        raise ValueError(f"{url!r} is not the address of a repository. Give one such as: {COMMAND}")
    return plain


def current(root: Path = ROOT) -> str:
    """The address that `_config.yml` holds; empty while it is not set."""
    match = CONFIG_LINE.search((root / "_config.yml").read_text(encoding="utf-8"))
    if not match:
        raise ValueError("_config.yml has no line 'url:' below 'repository:'.")
    return match["url"].strip()


def first_cell(root: Path = ROOT) -> str:
    """The source of the first code cell, the same in all notebooks."""
    return (root / "book/first_cell.py").read_text(encoding="utf-8").rstrip("\n")


def badges(url: str) -> str:
    """README's badges, or a sentence while there is no address."""
    match = ADDRESS.fullmatch(url)
    if not match:
        return f"The public address is not set yet: `{COMMAND}` sets it.\n"
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


def with_first_cell(notebook: dict, source: str) -> dict:
    """The notebook with `source` as its first code cell; put in if there is none."""
    cell = next((c for c in notebook["cells"] if c["cell_type"] == "code"), None)
    if cell is None or not "".join(cell["source"]).startswith("# @title Set-up"):
        cell = {"cell_type": "code", "execution_count": None, "id": "set-up", "outputs": []}
        notebook["cells"].insert(1, cell)  # after the title
    cell["metadata"] = FIRST_CELL_METADATA
    cell["source"] = source.splitlines(keepends=True)
    return notebook


def set_everywhere(url: str, root: Path = ROOT) -> list[str]:
    """Write the address where it is needed; return the files that changed."""
    changed = []

    def write(path: Path, text: str) -> None:
        if write_if_changed(path, text):
            changed.append(path.relative_to(root).as_posix())

    config = root / "_config.yml"
    write(config, CONFIG_LINE.sub(rf'\g<1>"{url}"', config.read_text(encoding="utf-8"), count=1))
    cell = root / "book/first_cell.py"
    write(cell, CELL_LINE.sub(f'REPOSITORY = "{url}"', cell.read_text(encoding="utf-8")))
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = with_first_cell(json.loads(path.read_text(encoding="utf-8")), first_cell(root))
        write(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    readme = root / "README.md"
    write(readme, BADGES.sub(rf"\g<1>{badges(url)}\g<2>", readme.read_text(encoding="utf-8")))
    return changed


def main(arguments: list[str]) -> int:
    try:
        given = arguments[0] if arguments and arguments[0] else current()
        url = checked(given) if given else ""
        changed = set_everywhere(url)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if not url:
        print(f"No address is set. Give one: {COMMAND}")
    else:
        print(f"The repository's address is {url}")
    print("Changed: " + (", ".join(changed) or "nothing, all was in step"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
