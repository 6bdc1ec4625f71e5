"""Assemble the figures' WebAssembly kernels: kernels.wat to the bytes in kernels_bytes.js.

The bytes are kept beside their source, so that only who changes it needs an assembler.
Run it after each change:

    .venv/bin/python tools/assemble_kernels.py
"""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path

import wasmtime

ENGINE = Path(__file__).parent.parent / "transformer_lab/widgets/engine"


def assembled() -> str:
    """The text of kernels_bytes.js, made from kernels.wat."""
    program = wasmtime.wat2wasm((ENGINE / "kernels.wat").read_text(encoding="utf-8"))
    lines = "\n".join(textwrap.wrap(base64.b64encode(program).decode("ascii"), 100))
    return (
        "// kernels.wat, assembled by tools/assemble_kernels.py, as base64.\n\n"
        f"export const KERNELS = `\n{lines}\n`;\n"
    )


if __name__ == "__main__":
    (ENGINE / "kernels_bytes.js").write_text(assembled(), encoding="utf-8")
