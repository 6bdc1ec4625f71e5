# @title Set-up: run this first
import importlib.util
import os
import subprocess
import sys

REPOSITORY = ""  # @param {type:"string"}
if not all(map(importlib.util.find_spec, ["transformer_lab", "anywidget"])):
    folder = os.path.abspath(os.path.expanduser(os.environ.get("TRANSFORMER_LAB_SOURCE", "..")))
    if os.path.isdir(f"{folder}/transformer_lab"):
        package = ["--editable", f"{folder}[notebooks]"]
        sys.path.append(folder)  # by itself, Python looks there after a restart only
    elif REPOSITORY:
        package = [f"transformer-lab[notebooks] @ git+{REPOSITORY}"]
    else:
        raise ModuleNotFoundError(
            "transformer_lab was not found: in Colab, type the repository's address into the field "
            "REPOSITORY of this cell; elsewhere, set TRANSFORMER_LAB_SOURCE to its folder."
        )
    print(f"Installing {package[-1]}, with all that it needs: this can take minutes ...")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *package], check=True)
    importlib.invalidate_caches()
    print("Installed. If a figure below stays empty, reload the page in the browser.")
import transformer_lab
