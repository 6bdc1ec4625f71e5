"""Files of others, with every place of them changed: for tests of who reads them.

Whoever reads such a file must use what it says, or refuse it in one sentence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

GONE = "(taken away)"
STRANGE = [
    GONE, None, True, False, 0, 1, 3, -1, 0.5, 7.5, float("nan"), float("inf"), 10**30, "", "x",
    "gelu", "##", [], {}, ["a"], {"type": "Sequence"},
]  # fmt: skip


def places(tree, path=()) -> Iterator[tuple]:
    """The path to each part of a JSON file; of long lists and tables only to the first."""
    yield path
    if isinstance(tree, dict):
        names = [*tree] if len(tree) < 50 else [*tree][:1]
    else:
        names = range(len(tree[:2])) if isinstance(tree, list) else ()
    for name in names:
        yield from places(tree[name], (*path, name))


def changed(tree) -> Iterator[tuple[str, object]]:
    """What was changed, and the whole changed file, for each place and each change."""
    for path in places(tree):
        for value in STRANGE if path else []:
            new = copy.deepcopy(tree)
            parent = new
            for name in path[:-1]:
                parent = parent[name]
            if value is GONE:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            yield f"{path} = {value!r}", new
        new = copy.deepcopy(tree)
        part = new
        for name in path:
            part = part[name]
        if isinstance(part, dict):
            part["unknown"] = 1
            yield f"{path} has an unknown field", new


def read_or_refused(read):
    """What `read` gives; None if it refuses in one sentence. Anything else fails."""
    try:
        return read()
    except ValueError as refusal:
        if "\n" in str(refusal):
            pytest.fail(f"this is not one sentence: {refusal}")
        return None
    except Exception as error:
        pytest.fail(f"neither read nor refused in one sentence: {error!r}")
