#!/usr/bin/env bash
# Write requirements.txt: the newest versions that suit pyproject.toml, pinned.
# A fresh environment is made for it in _build/pins, and removed.
set -euo pipefail
cd "$(dirname "$0")/.."

base=$(.venv/bin/python -c 'import sys; print(sys._base_executable)' 2>/dev/null || command -v python3)
rm -rf _build/pins
"$base" -m venv _build/pins
_build/pins/bin/python -m pip install --quiet --upgrade pip setuptools
_build/pins/bin/python -m pip install ".[test]"
{
    sed '/^[^#]/,$d' requirements.txt
    # Without the package itself, local builds' marks such as +cpu, and the GPU
    # libraries that torch brings by itself where they are wanted.
    _build/pins/bin/python -m pip freeze --all |
        grep -viE '^(transformer.lab|pip|nvidia-|cuda-|triton)' | sed -E 's/\+[a-z0-9.]+$//'
} > _build/requirements.txt
mv _build/requirements.txt requirements.txt
rm -rf _build/pins
echo "requirements.txt is written: $(grep -c == requirements.txt) packages."
