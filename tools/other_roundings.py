"""Does what the chapters say hold for the models that another processor would train?

    .venv/bin/python tools/other_roundings.py            # all notebooks, an hour or more
    .venv/bin/python tools/other_roundings.py 07 16      # some
    .venv/bin/python tools/other_roundings.py 16 --rounding "two threads"

A sum of floating-point numbers depends on the order in which they are added, and processors,
libraries and threads differ in that. After a thousand steps of training the last digits have
become another model, as good as the first one, in which some heads do another head's work.
Here this processor is told to add as others would. Each way has its own cache of models;
notebooks run to their ends, and each cell that fails is told. Run it after a change to a
recipe, or to what a chapter asserts about a trained model.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))
# With it no notebook waits for ever.
from parallel_runs import Manager  # noqa: E402 # pyright: ignore[reportMissingImports]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CACHES = ROOT / "_build" / "other_roundings"
ROUNDINGS = {
    "as it is": {},
    "two threads": {"OMP_NUM_THREADS": "2"},
    # What these stand for: an older processor; one whose vectors torch does not know.
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "no vectors": {"ATEN_CPU_CAPABILITY": "default"},
    # Matrix products as any x86 processor can do them.
    "compatible products": {"MKL_CBWR": "COMPATIBLE"},
}


def failures(path: Path, changed: dict[str, str]) -> list[str]:
    """Run a notebook to its end; of each cell that fails, its number and what it said.

    Args:
        path: the notebook; it is left as it is.
        changed: variables of the kernel's environment.
    """
    notebook = nbformat.read(path, 4)
    folder = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=None, allow_errors=True, resources=folder, kernel_manager_class=Manager
    )
    client.execute(env=os.environ | {"OMP_NUM_THREADS": "1"} | changed)
    return [
        f"cell {number}: {output.ename} {output.evalue}\n{place_of(output)}"
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]


def place_of(error: nbformat.NotebookNode) -> str:
    """The first line of the traceback that points at code: that of the cell itself."""
    lines = COLOURS.sub("", "\n".join(error.traceback)).splitlines()
    return next((line for line in lines if "->" in line), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="how their names begin (default: all)")
    parser.add_argument("--rounding", choices=ROUNDINGS, action="append", help="default: all")
    asked = parser.parse_args()
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, as in the Makefile
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    paths = [path for path in paths if path.name.startswith(tuple(asked.notebooks or [""]))]
    n_failed = 0
    for name in asked.rounding or ROUNDINGS:
        cache = {"TRANSFORMER_LAB_CACHE": str(CACHES / name.replace(" ", "_"))}
        for path in paths:
            found = failures(path, ROUNDINGS[name] | cache)
            n_failed += len(found)
            print(f"{name}: {path.name}: {len(found)} cells fail", *found, sep="\n", flush=True)
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
