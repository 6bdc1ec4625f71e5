# @title Set-up: run this first
import importlib.util
import os
import subprocess
import sys

REPOSITORY = ""
if importlib.util.find_spec("transformer_lab") is None:
    source = os.environ.get("TRANSFORMER_LAB_SOURCE") or (REPOSITORY and f"git+{REPOSITORY}")
    if not source:
        raise ModuleNotFoundError(
            "transformer_lab is not installed. Set TRANSFORMER_LAB_SOURCE to the folder of "
            "the repository, or REPOSITORY in this cell to its address, and run this again."
        )
    local = os.path.isdir(source)
    package = f"{source}[notebooks]" if local else f"transformer-lab[notebooks] @ {source}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)
    importlib.invalidate_caches()
import transformer_lab
