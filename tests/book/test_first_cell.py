"""The notebooks' first cell: it finds the package, or says what to do (book/first_cell.py)."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import ROOT, load_tool

repository = load_tool("repository")
CELL = repository.first_cell()
SPY = "import subprocess\nsubprocess.run = lambda command, check: print(command[1:])\n"


def cell(address: str) -> str:
    return repository.CELL_LINE.sub(f'REPOSITORY = "{address}"', CELL)


def run(code: str, folder: Path, **variables) -> subprocess.CompletedProcess:
    """Run it in a bare interpreter (-I -S: without installed packages), as on a new machine."""
    variables = {key: str(value) for key, value in variables.items()}
    environment = {k: v for k, v in os.environ.items() if k != "TRANSFORMER_LAB_SOURCE"}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=folder, env=environment | variables, capture_output=True, text=True,
    )  # fmt: skip


def what_pip_gets(folder: Path, address: str = "", **variables) -> list[str]:
    code = cell(address).removesuffix("import transformer_lab")
    ran = run(SPY + code, folder, **variables)
    assert ran.returncode == 0, ran.stderr
    [command] = [line for line in ran.stdout.splitlines() if line.startswith("[")]
    assert command.startswith("['-m', 'pip', 'install'"), command
    return ast.literal_eval(command)[4:]


@pytest.fixture
def clone(tmp_path) -> Path:
    """The folders of the repository, and nothing in them."""
    for name in ("notebooks", "transformer_lab", "elsewhere"):
        (tmp_path / "my clone" / name).mkdir(parents=True)
    return tmp_path / "my clone"


def test_without_package_and_address_it_says_what_to_do_here_and_in_colab(tmp_path):
    ran = run(cell(""), tmp_path)
    assert ran.returncode != 0
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ")
    for word in ("Colab", "REPOSITORY", "TRANSFORMER_LAB_SOURCE"):
        assert word in last


def test_it_installs_the_clone_that_the_notebook_lies_in(clone):
    assert what_pip_gets(clone / "notebooks") == ["--editable", f"{clone}[notebooks]"]


def test_the_clone_comes_before_the_address(clone):
    got = what_pip_gets(clone / "notebooks", "https://host/o/n")
    assert got == ["--editable", f"{clone}[notebooks]"]


def test_it_installs_from_the_address_that_is_set(tmp_path):
    got = what_pip_gets(tmp_path, "https://host/o/n")
    assert got == ["transformer-lab[notebooks] @ git+https://host/o/n"]


@pytest.mark.parametrize("written", ["{clone}", "~/my clone", "../../my clone"])
def test_a_folder_may_be_named_however_a_shell_would_name_it(clone, written):
    variables = {"TRANSFORMER_LAB_SOURCE": written.format(clone=clone), "HOME": clone.parent}
    got = what_pip_gets(clone / "elsewhere", **variables)
    assert got == ["--editable", f"{clone}[notebooks]"]


def test_run_in_a_clone_it_installs_and_imports_and_so_does_a_later_process(tmp_path):
    """A real environment with all that the package needs, and without the package."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "transformer_lab", clone / "transformer_lab")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    (clone / "notebooks").mkdir()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    # Python 3.11's environments bring a setuptools that is too old.
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "-y", "setuptools"], check=True)
    own = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    # Packages of this environment, by a path file; path files in there do not count.
    Path(own.strip(), "needed.pth").write_text(sysconfig.get_path("purelib"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # 0: isolation is off
    check = "\nassert 'torch' not in sys.modules\nprint(transformer_lab.__file__)"
    first, second = (
        subprocess.run(
            [python, "-c", code], cwd=folder, env=environment | offline, check=True,
            stdout=subprocess.PIPE, text=True,
        ).stdout.splitlines()
        for code, folder in (
            (CELL + check, clone / "notebooks"),
            ("import transformer_lab; print(transformer_lab.__file__)", tmp_path),
        )
    )  # fmt: skip
    there = str(clone / "transformer_lab/__init__.py")
    assert "reload" in first[-2]
    assert first[-1] == second[-1] == there
