"""The command line: what it prints, what it refuses, and that nothing is lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from safetensors.torch import load
from typer.testing import CliRunner

from transformer_lab import recipes
from transformer_lab.__main__ import app
from transformer_lab.files import cache_folder, locked, read_sealed

pytestmark = pytest.mark.usefixtures("cache")

TEXT = "".join(
    f"On day {n} the {a} cat saw {n % 7} birds.\nThe birds saw the {b} cat, and flew away.\n"
    for n in range(30)
    for a, b in [("red", "old"), ("old", "big")]
)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "My Cat.txt"
    path.write_text(TEXT)
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def start(*arguments, cache, **options):
    command = [sys.executable, "-m", "transformer_lab", *map(str, arguments)]
    environment = os.environ | {"TRANSFORMER_LAB_CACHE": str(cache)}
    return subprocess.Popen(command, env=environment, text=True, **options)


def folders(cache):
    return [path for path in cache.glob("*/*") if path.is_dir()]


def test_a_readers_text_becomes_a_named_model_that_continues_it(text):
    trained = run("train", "--text", text, "--steps", 120)
    assert trained.exit_code == 0, trained.output
    assert "my-cat:" in trained.stdout
    assert "training my-cat" in trained.stderr
    assert "it/s" not in trained.stdout, "progress belongs to standard error"
    assert "my-cat: My Cat.txt" in run("list").stdout
    told = run("generate", "my-cat", "--prompt", "On day 3 the", "--temperature", "0.5")
    assert told.stdout.startswith("On day 3 the")
    assert "training" not in told.stderr
    assert len(told.stdout) > recipes.find("my-cat").max_len * 2, "beyond what it sees at once"
    told, known = (re.findall(r"[a-z]+", text.lower()) for text in (told.stdout, TEXT))
    n_known = sum(word in set(known) for word in told)
    assert n_known > len(told) / 2, "it writes in the words of the text"


@pytest.mark.parametrize("tokenizer", ["characters", "bpe"])
def test_every_command_has_lines_for_a_machine(text, tokenizer):
    arguments = ["--text", text, "--name", "cat", "--tokenizer", tokenizer, "--steps", 30]
    report = json.loads(run("train", *arguments, "--json").stdout)
    assert report["name"] == "cat"
    assert report["steps"] == 30
    assert 0 < report["held_out_loss"] < report["baseline"]
    listed = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert {"name", "description", "trained"} == set(listed[0])
    assert [model["name"] for model in listed if model["trained"]] == ["cat"]
    settings = ["--prompt", "The cat", "--seed", 1, "--max-new-tokens", 5, "--json"]
    told = json.loads(run("generate", "cat", *settings).stdout)
    assert told["text"].startswith("The cat")
    assert told["prompt"] == "The cat"
    assert json.loads(run("clean", "--json").stdout) == {"removed": []}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"A short text.", "is too short: it has 13 characters; at least 500"),
        (b"\x7fELF\0\0\1" * 200, "is no text but a binary file"),
        ("Grüße ".encode("latin-1") * 200, "is not in UTF-8 (byte 2 does not fit)"),
        (TEXT.encode("utf-16"), "binary file"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_refused_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "file.txt"
    if content is not None:
        path.write_bytes(content)
    refused = run("train", "--text", path)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert says in refused.stderr
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1
    assert "file" not in run("list").stdout


def test_a_folder_is_no_text(tmp_path):
    refused = run("train", "--text", tmp_path)
    assert (refused.exit_code, "is a folder" in refused.stderr) == (1, True)


def test_what_might_never_end_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # without a writer, opening it would wait for ever
    for path in (tmp_path / "pipe", "/dev/zero"):
        refused = run("train", "--text", path)
        assert (refused.exit_code, "is no regular file" in refused.stderr) == (1, True)


def test_a_huge_file_is_refused_by_its_size_before_it_is_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(12_000_000_000)  # no such space is taken: the file has a hole
    refused = run("train", "--text", path)
    assert refused.exit_code == 1
    assert "has 12,000,000,000 bytes; at most 80,000,000 can be read" in refused.stderr


@pytest.mark.parametrize("setting", ["--temperature", "--top-p"])
def test_what_is_not_a_number_is_refused(text, setting):
    run("train", "--text", text, "--steps", 2)
    refused = run("generate", "my-cat", setting, "nan")
    assert refused.exit_code in (1, 2)
    assert re.search(setting[2:].replace("-", "[-_]"), refused.stderr)
    assert "Traceback" not in refused.stderr


# Three commands, in one process: to start another takes longer than they do.
COMMANDS = """
import sys
from transformer_lab.__main__ import app
training = ["train", "--text", sys.argv[1], "--name", "ours", "--steps", "2"]
for arguments in (training, ["list"], ["list", "--json"]):
    app(arguments, standalone_mode=False)
    print("END")
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_terminal_that_knows_few_letters_gets_the_numbers_of_the_others(tmp_path, encoding):
    path = tmp_path / "हम \x1b[31m.txt"
    path.write_text(TEXT)
    command = [sys.executable, "-c", COMMANDS, str(path)]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    ran = subprocess.run(command, env=environment, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert b"\x1b" not in ran.stdout
    _, plain, as_json, _ = ran.stdout.decode(encoding).split("END")
    assert ("हम" if encoding == "utf-8" else "\\u0939\\u092e") in plain.splitlines()[-1]
    assert json.loads(as_json.splitlines()[-1])["description"].startswith("हम \x1b[31m.txt")


def test_the_cache_folder_may_be_named_from_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("TRANSFORMER_LAB_CACHE", "~/models")
    assert cache_folder() == tmp_path / "models"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "story-gtp"], "no recipe 'story-gtp'; did you mean 'story-gpt'?"),
        (["generate", "zzz"], "no recipe 'zzz'; there are: story-gpt"),
        (["generate", "translator"], "translator continues no texts"),
        (["train", "--text", "TEXT", "--name", "../up"], "'../up' is no name for a model"),
        (["train", "--text", "TEXT", "--name", "story-gpt"], "is a model of the book"),
        (["clean", "nobody"], "no recipe 'nobody'"),
    ],
)
def test_a_wrong_name_is_one_sentence(text, arguments, says):
    refused = run(*[text if argument == "TEXT" else argument for argument in arguments])
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "story-gpt", "--text", "TEXT"],
        ["train", "story-gpt", "--steps", "9"],
        ["train", "--text", "TEXT", "--steps", "0"],
        ["train", "--text", "TEXT", "--steps", "many"],
        ["train", "--text", "TEXT", "--tokenizer", "runes"],
        ["generate", "story-gpt", "--temperature", "-1"],
        ["generate", "story-gpt", "--top-p", "2"],
        ["generate", "story-gpt", "--max-new-tokens", "0"],
        ["no-such-command"],
    ],
)
def test_a_wrong_use_is_exit_code_2(text, arguments):
    refused = run(*[text if argument == "TEXT" else argument for argument in arguments])
    assert refused.exit_code == 2
    assert "Error: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_character_that_the_text_does_not_have_is_named(text):
    run("train", "--text", text, "--steps", 2)
    refused = run("generate", "my-cat", "--prompt", "The 🐈")
    assert refused.exit_code == 1
    assert refused.stderr == "error: the text that my-cat learned from has no '🐈'\n"


def test_a_word_too_long_for_byte_pair_encoding_is_refused(tmp_path):
    path = tmp_path / "dna.txt"
    path.write_text("ACGT" * 5000)
    refused = run("train", "--text", path, "--tokenizer", "bpe")
    assert refused.exit_code == 1
    assert "a word of 20,000 letters" in refused.stderr


def test_a_real_ctrl_c_saves_and_the_same_command_goes_on_to_the_same_model(tmp_path, text):
    arguments = ["train", "--text", text, "--steps", 100, "--json"]
    cut, whole, log = tmp_path / "cut", tmp_path / "whole", tmp_path / "log"
    with log.open("w") as stderr:
        process = start(*arguments, cache=cut, stderr=stderr)
        while "loss=" not in log.read_text():  # it has taken some steps
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
    assert log.read_text().endswith("run the same command again to go on from here\n")
    assert "Traceback" not in log.read_text()
    [checkpoint] = cut.glob("*/*/checkpoint.sealed")
    assert 0 < len(load(read_sealed(checkpoint))["losses"]) < 100
    resumed = start(*arguments, cache=cut, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    never_cut = start(*arguments, cache=whole, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    reports = [json.loads(process.communicate(timeout=300)[0]) for process in (resumed, never_cut)]
    assert reports[0]["held_out_loss"] == reports[1]["held_out_loss"]
    [a, b] = [next(place.glob("*/*/model.sealed")).read_bytes() for place in (cut, whole)]
    assert a == b


def test_two_processes_on_one_name_train_once(text, cache):
    arguments = ["train", "--text", text, "--steps", 20, "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [start(*arguments, cache=cache, **pipes) for _ in range(2)]
    with ThreadPoolExecutor() as pool:  # read both at once, so that neither waits for us
        outputs = list(pool.map(lambda process: process.communicate(timeout=300), both))
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0], "the same run: even its seconds are the same"
    assert len(folders(cache)) == 1


def test_cleaning_removes_what_is_outdated_and_nothing_else(text, cache):
    run("train", "--text", text, "--steps", 2)
    [current] = folders(cache)
    old, damaged = cache / "my-cat/0123456789ab", cache / "my-cat/abcdef012345.damaged"
    others = [cache / "my-cat/food", cache / "my-cat-x/0123456789ab", cache / "elsewhere/x"]
    in_use = cache / "translator/0123456789ab"
    for folder in [old, damaged, *others, in_use]:
        folder.mkdir(parents=True)
    with locked(cache / "translator.lock"):
        cleaned = run("clean")
    assert cleaned.stdout.split()[1::2] == [f"my-cat/{path.name}" for path in (old, damaged)]
    assert set(folders(cache)) == {current, in_use, *others}
    assert run("clean").stdout == "removed translator/0123456789ab\n"
    run("clean", "my-cat")
    assert not current.exists()
    assert "my-cat" not in run("list").stdout
    assert all(folder.exists() for folder in others)


def test_a_changed_text_under_the_same_name_is_another_model(text):
    first = json.loads(run("train", "--text", text, "--steps", 2, "--json").stdout)
    text.write_text(TEXT.replace("cat", "dog"))
    second = json.loads(run("train", "--text", text, "--steps", 2, "--json").stdout)
    assert first["held_out_loss"] != second["held_out_loss"]
    assert "saw" in recipes.find("my-cat").text
    assert "cat" not in recipes.find("my-cat").text
