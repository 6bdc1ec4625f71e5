#!/usr/bin/env bash
# Make .venv, with everything that requirements.txt pins and this package itself.
# A .venv that is there already is kept and brought up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 python; do
        if suits "$name"; then
            echo "$name"
            return
        fi
    done
    echo "Transformer Lab needs Python 3.11 or newer, and none was found." >&2
    echo "Install it, or name it: make book PYTHON=/path/to/python3.12" >&2
    exit 1
}

if ! suits .venv/bin/python; then
    python=$(find_python)
    echo "Making the environment .venv with $("$python" --version) ..."
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "Python could not make an environment. On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "Installing what requirements.txt pins (minutes at first, seconds later) ..."
set +e
.venv/bin/python -m pip install --disable-pip-version-check --requirement requirements.txt |
    grep --line-buffered -v "^Requirement already satisfied"
installed=${PIPESTATUS[0]}
set -e
if [ "$installed" -ne 0 ]; then
    echo "The packages could not be installed: see pip's message above." >&2
    exit 1
fi
.venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
