"""What is kept comes back whole: every file of the cache, with every kind of damage."""

import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from tests.conftest import ROOT
from tests.damage import DAMAGE as COMMON_DAMAGE
from tests.damage import OF_FOLDERS
from transformer_lab import distributed, recipes
from transformer_lab.__main__ import app
from transformer_lab.files import checksum, locked, write_sealed
from transformer_lab.recipes import keep_text, load, recipe_of_text, store

pytestmark = pytest.mark.usefixtures("cache")

TEXT = "".join(f"On day {n} the cat saw {n % 7} birds.\n" for n in range(40))
SIZES = {"d_model": 8, "n_heads": 2, "n_layers": 1, "d_ff": 8, "max_len": 16, "batch_size": 2}
TINY = replace(recipe_of_text(TEXT, name="tiny", steps=6), snapshots=(0, 3, 6), **SIZES)


def run(*arguments):
    """A command; it ends in success or in one sentence, never in a traceback."""
    ran = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert ran.exit_code in (0, 1), (arguments, ran.exception)
    assert ran.exit_code == 0 or ran.stderr.splitlines()[-1].startswith("error: ")
    return ran


def stop_at(monkeypatch, step):
    """Let Ctrl-C be pressed in this step of each training."""
    batches = recipes.OwnText.batches

    def stopping(recipe, tokenizer):
        batch_at = batches(recipe, tokenizer)

        def batch_or_ctrl_c(at):
            if at == step:
                raise KeyboardInterrupt
            return batch_at(at)

        return batch_or_ctrl_c

    monkeypatch.setattr(recipes.OwnText, "batches", stopping)


@torch.no_grad()
def test_a_model_is_trained_where_gradients_are_off():
    assert load(TINY, progress=False).report.losses[-1] > 0
    assert not torch.is_grad_enabled()


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    """Two caches, of a training that came to its end and of one that was stopped."""
    folder = tmp_path_factory.mktemp("caches")
    for name in ("ended", "stopped"):
        keep_text(TINY, folder / name)
    load(TINY, cache=folder / "ended", progress=False)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            load(TINY, cache=folder / "stopped", progress=False)
    return folder


def paths(cache):
    return sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*"))


def another_checkpoint(path):
    """One that is as it was written, of a model with other shapes."""
    tensors = {"losses": torch.zeros(3), "model.embedding": torch.zeros(2, 2)}
    write_sealed(path, safetensors.torch.save(tensors))


JSON = {
    "null": b"null",
    "a list": b"[]",
    "a number": b"3",
    "wrong types": json.dumps({"path": 3, "recipe": asdict(TINY) | {"steps": "6"}}).encode(),
    "a report without losses": json.dumps({"losses": 3, "held_out_loss": None}).encode(),
    "deep nesting": b"[" * 100_000,
}
DAMAGE = {
    **COMMON_DAMAGE,
    "another checkpoint": another_checkpoint,
    "deep nesting, plain": lambda path: path.write_bytes(JSON["deep nesting"]),
    **{f"{name}, sealed": lambda path, it=it: write_sealed(path, it) for name, it in JSON.items()},
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("state", ["ended", "stopped"])
def test_any_damage_to_any_file_is_said_put_aside_and_made_good(
    caches, cache, capsys, state, damage
):
    expected = load(TINY, cache=caches / "ended")
    for path in paths(caches / state):
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(caches / state, cache)
        if (cache / path).is_dir() and damage not in OF_FOLDERS:
            continue
        DAMAGE[damage](cache / path)
        if damage == "unreadable" and os.access(cache / path, os.R_OK):
            pytest.skip("the superuser can read everything")
        said = []

        def ran(*arguments, said=said):
            ran = run(*arguments)
            sentences = [line for line in ran.output.splitlines() if says_damage(line)]
            assert len(sentences) <= 1, sentences
            said.extend(sentences)
            return ran

        ran("list")
        ran("clean")
        if ran("train", "tiny").exit_code == 1:  # the text is lost: then it is given again
            keep_text(TINY, cache)
            said += [line for line in capsys.readouterr().err.splitlines() if says_damage(line)]
        assert ran("train", "tiny").exit_code == 0, path
        assert damage == "deleted" or path.endswith(".lock") or said, path
        again = load(TINY, cache=cache)
        assert again.to_bytes() == expected.to_bytes(), path
        assert again.snapshots == expected.snapshots, path
        assert again.report.losses == expected.report.losses, path
        assert run("train", "tiny").stderr == "", "whole again, and silent"
        run("clean")
        left = [path for path in paths(cache) if not path.startswith("tiny.lock")]
        assert {"tiny.lock", *left} == set(paths(caches / "ended")), path


def says_damage(line):
    return "not whole" in line or "no recipe" in line


@pytest.mark.parametrize("damage", OF_FOLDERS)
def test_a_model_of_the_book_needs_no_text_to_come_back(caches, cache, damage):
    shutil.copytree(caches / "ended", cache)
    DAMAGE[damage](cache / "tiny")
    assert load(TINY, progress=False).to_bytes() == load(TINY, cache=caches / "ended").to_bytes()


def test_what_has_no_whole_state_behind_it_is_not_gone_on_from(caches, cache, capsys):
    """A snapshot of a stopped training is missing: then its checkpoint is of no use."""
    shutil.copytree(caches / "stopped", cache)
    [snapshot] = cache.glob("tiny/*/snapshot-00003.sealed")
    snapshot.unlink()
    load(TINY, progress=False)
    assert "the training of tiny begins again" in capsys.readouterr().err


def test_what_is_lost_during_the_training_is_written_again(cache, monkeypatch):
    evaluate = recipes.OwnText.measure

    def lose_all_and_measure(*arguments):
        shutil.rmtree(cache / "tiny")
        return evaluate(*arguments)

    monkeypatch.setattr(recipes.OwnText, "measure", lose_all_and_measure)
    assert set(load(TINY, progress=False).snapshots) == {0, 3, 6}


def test_what_a_killed_process_leaves_does_not_stay(caches, cache):
    shutil.copytree(caches / "stopped", cache)
    folder = next(cache.glob("tiny/*/"))
    for left in (folder / ".checkpoint.sealed.part", cache / "tiny/.text.sealed.part"):
        left.write_bytes(b"half")
    load(TINY, progress=False)
    run("clean")
    assert paths(cache) == paths(caches / "ended")


def test_no_two_texts_have_one_name(tmp_path):
    names = ["my book.txt", "My_Book.txt", "हिन्दी.txt", "中文.txt", "elsewhere/my book.txt"]
    files = [tmp_path / name for name in names]
    for number, file in enumerate(files):
        file.parent.mkdir(exist_ok=True)
        file.write_text(TEXT.replace("cat", f"cat {number}"))
    took = {file.name: run("train", "--text", file, "--steps", 1).exit_code for file in files[:4]}
    assert list(took.values()) == [0, 1, 0, 1]
    for second, first in [(1, 0), (3, 2), (4, 0)]:
        refused = run("train", "--text", files[second], "--steps", 1)
        assert refused.exit_code == 1
        assert f"the model of another text already, {files[first]}" in refused.stderr
        assert "cat 0" in recipes.find("my-book").text
        name = f"number-{second}"
        assert run("train", "--text", files[second], "--name", name, "--steps", 1).exit_code == 0
    moved = files[0].rename(tmp_path / "MY BOOK.TXT")
    assert run("train", "--text", moved, "--steps", 1).exit_code == 0, "the same text, elsewhere"
    moved.write_text(TEXT)
    assert run("train", "--text", moved, "--steps", 1).exit_code == 0, "the same file, changed"
    assert recipes.find("my-book").text == TEXT


def test_a_file_may_have_a_name_that_is_no_text(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe book.txt")
    try:
        with open(path, "w") as file:
            file.write(TEXT)
    except OSError:
        pytest.skip("this system has no such names")
    assert run("train", "--text", path, "--steps", 1).exit_code == 0
    for json_or_not in ([], ["--json"]):
        assert "book.txt" in run("list", *json_or_not).stdout
    assert run("train", "book").exit_code == 0
    assert run("clean", "book").stdout


def test_cleaning_leaves_what_is_being_trained(cache):
    keep_text(TINY, cache)
    with locked(cache / "tiny.lock"):
        refused = run("clean", "tiny")
        assert refused.stderr == "error: another process is training tiny; stop it first\n"
        assert run("clean").stdout == "there is nothing to remove\n"
    assert recipes.find("tiny") == TINY
    assert "removed tiny/text.sealed" in run("clean", "tiny").stdout
    assert paths(cache) == ["tiny.lock"]


def all_at_once(cache, seed, start, results):
    """Train, clean, list and keep in any order; only sentences may come of it."""
    choice = random.Random(seed)
    start.wait()
    seen, problems = set(), []
    for _ in range(30):
        try:
            match choice.randrange(4):
                case 0:
                    seen.add(checksum(load(TINY, cache=cache, progress=False).to_bytes()))
                case 1:
                    recipes.clean("tiny", cache=cache)
                case 2:
                    recipes.find("tiny", cache=cache)
                case 3:
                    keep_text(TINY, cache)
        except ValueError as error:
            if not re.search("no recipe 'tiny'|is training tiny|not whole", str(error)):
                problems.append(repr(error))
        except Exception as error:
            problems.append(repr(error))
    results.put((seen, problems))


def test_no_process_pulls_the_floor_from_under_another(cache):
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(3), spawn.Queue()
    workers = [
        spawn.Process(target=all_at_once, args=(cache, seed, start, results)) for seed in range(3)
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert [problems for _, problems in found] == [[], [], []]
    assert len(set.union(*(seen for seen, _ in found))) == 1


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    text = tmp_path / "cat.txt"
    text.write_text(TEXT)
    monkeypatch.setenv("TRANSFORMER_LAB_CACHE", str(tmp_path / "file" / "cache"))
    refused = run("train", "--text", text)
    assert "cache cannot be written (Not a directory): make room there, or choose" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert run("list").exit_code == 0
    assert run("clean").exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for a file's size")
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(caches, cache):
    """A process may be forbidden to write long files: to it, every disk is nearly full."""
    import resource

    shutil.copytree(caches / "stopped", cache)
    before = {path: (cache / path).read_bytes() for path in paths(cache) if "sealed" in path}
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, most))
    try:
        refused = run("train", "tiny")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert refused.exit_code == 1
    assert "cannot be written (File too large): make room there" in refused.stderr
    assert {path: (cache / path).read_bytes() for path in before} == before
    assert paths(cache) == paths(caches / "stopped")
    assert load(TINY, progress=False).to_bytes() == load(TINY, cache=caches / "ended").to_bytes()


def test_the_other_workers_train_along_as_often_as_the_first_one_trains(tmp_path, monkeypatch):
    messages, trained = iter([True, True, False]), []
    monkeypatch.setattr(distributed, "is_first", lambda: False)
    monkeypatch.setattr(distributed, "broadcast", lambda _: next(messages))
    monkeypatch.setattr(store, "train_along", lambda *arguments: trained.append(arguments))
    assert recipes.load_with_workers(TINY, cache=tmp_path) is None
    assert trained == [(TINY, store.model_folder(TINY, tmp_path))] * 2
    assert not list(tmp_path.iterdir()), "they write nothing"
    with pytest.raises(RuntimeError, match="only the first loads; call load_with_workers"):
        recipes.load(TINY, cache=tmp_path)


def tiny_ones():
    """A small recipe of each kind."""
    sizes = {"d_model": 24, "n_layers": 1, "d_ff": 8, "batch_size": 2, "n_held_out": 2}
    samples = {
        "story-gpt": {"n_tokenizer_stories": 30},
        "math-teacher": {"n_tokenizer_conversations": 30},
    }
    for name, recipe in recipes.RECIPES.items():
        yield replace(recipe, steps=2, snapshots=(0, 2), **sizes, **samples.get(name, {}))
    yield TINY


def checksums(cache):
    """Of the model file and the snapshots of a small model of each kind."""
    for recipe in tiny_ones():
        trained = load(recipe, cache=cache, progress=False)
        for content in (trained.to_bytes(), *trained.snapshots.values()):
            yield checksum(content)


CHECKSUMS = """
import pathlib, sys
from tests.recipes.test_store import checksums
print(*checksums(pathlib.Path(sys.argv[1])))
"""


def test_two_trainings_are_equal_to_the_last_byte(tmp_path):
    """In two processes, in which sets, and dictionaries of Rust, have another order."""
    command = [sys.executable, "-c", CHECKSUMS, str(tmp_path / "other")]
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    here = list(checksums(tmp_path / "here"))
    assert ran.stdout.split() == here, ran.stderr
    assert len(here) == 22
