"""The files that Python in a built page is given, so that exercises run there.

Pyodide brings Python and its standard library. On top come this package's face, the
exercises, and `page_torch` under the name `torch`; nothing else is there. In no chapter.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def page_files() -> dict[str, Path]:
    """Where each file lies in the page's Python, as a path to import from, and where here."""
    ours = [_PACKAGE / "__init__.py", *(_PACKAGE / "exercises").glob("*.py")]
    torch = _PACKAGE / "page_torch"
    return {
        **{path.relative_to(_PACKAGE.parent).as_posix(): path for path in sorted(ours)},
        **{
            f"torch/{path.relative_to(torch).as_posix()}": path
            for path in sorted(torch.rglob("*.py"))
        },
    }
