"""Every kind of damage that a file, or a folder, can come to."""

import os
import shutil


def change(path, at):
    content = bytearray(path.read_bytes())
    if content:  # a lock is empty
        content[at] ^= 1
    path.write_bytes(content)


def replaced(by):
    """Damage that puts something else in a path's place."""

    def damage(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        by(path)

    return damage


def full_folder(path):
    path.mkdir()
    (path / "notes.txt").write_text("somebody's")


DAMAGE = {
    "first bit": lambda path: change(path, 0),
    "a bit of the content": lambda path: change(path, path.stat().st_size // 2),
    "last bit": lambda path: change(path, -1),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "empty": lambda path: os.truncate(path, 0),
    "unreadable": lambda path: path.chmod(0),
    "a folder": replaced(lambda path: path.mkdir()),
    "a full folder": replaced(full_folder),
    "a file": replaced(lambda path: path.write_bytes(b"somebody's")),
    "a dangling link": replaced(lambda path: path.symlink_to("nowhere")),
    "a link to itself": replaced(lambda path: path.symlink_to(path.name)),
    "deleted": replaced(lambda path: None),
}
# These can befall a folder too.
OF_FOLDERS = ["a file", "a dangling link", "a link to itself", "deleted"]
