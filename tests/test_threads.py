"""How torch's threads wait: set before torch is there, and only where the reader has not."""

import json
import os
import subprocess
import sys

import pytest

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
ASK = """
import json, os, sys
import transformer_lab
assert "torch" not in sys.modules
print(json.dumps({name: os.environ.get(name) for name in sys.argv[1:]}))
"""


@pytest.mark.parametrize(
    "chosen", [{}, {"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": ""}]
)
def test_threads_wait_without_spinning_for_long_unless_the_reader_says_how(chosen):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES} | chosen
    ran = subprocess.run(
        [sys.executable, "-c", ASK, *NAMES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = dict.fromkeys(NAMES) | (chosen or {"GOMP_SPINCOUNT": "1000"})
    assert json.loads(ran.stdout) == expected
