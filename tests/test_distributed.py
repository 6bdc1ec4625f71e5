"""Many processes train one model, to the same losses as one alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load

from tests.conftest import ROOT
from transformer_lab import distributed
from transformer_lab.files import read_sealed
from transformer_lab.training import next_token_batch

WORKER = str(ROOT / "tests/training_worker.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
STEPS = 12


def run(checkpoint, *options, command=(sys.executable,)):
    """The result of a training; `command` starts it."""
    done = subprocess.run(
        [*command, WORKER, str(checkpoint), str(STEPS), *options],
        env=os.environ | {"OMP_NUM_THREADS": "1", **distributed.FRESH_STORE},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def same(losses, expected):
    return losses == pytest.approx(expected, abs=2e-4)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process: its losses, and its checkpoint after ten steps."""
    folder = tmp_path_factory.mktemp("alone")
    result = run(folder / "checkpoint")
    assert result["workers"] == 1
    assert len(result["losses"]) == STEPS
    return result["losses"], folder / "checkpoint"


@pytest.fixture(scope="module", params=[[], ["--shard"]], ids=["DDP", "FSDP"])
def together(request, tmp_path_factory):
    """Two processes: how they share, their losses, and their checkpoint after ten steps."""
    folder = tmp_path_factory.mktemp("together")
    result = run(folder / "checkpoint", *request.param, command=TORCHRUN)
    assert result["workers"] == 2
    return request.param, result["losses"], folder / "checkpoint"


def test_two_workers_come_to_the_losses_of_one(alone, together):
    (losses, file_of_one), (_, losses_of_two, file_of_two) = alone, together
    assert same(losses_of_two, losses)
    # The same file, whoever wrote it.
    one, many = (load(read_sealed(path)) for path in (file_of_one, file_of_two))
    assert one.keys() == many.keys()
    for name, tensor in one.items():
        assert torch.allclose(many[name], tensor, atol=1e-3), name


def test_a_run_goes_on_with_another_number_of_workers(alone, together, tmp_path):
    (losses, file_of_one), (way, _, file_of_two) = alone, together
    for_two = shutil.copy(file_of_one, tmp_path / "for two")
    assert same(run(for_two, *way, command=TORCHRUN)["losses"], losses)
    for_one = shutil.copy(file_of_two, tmp_path / "for one")
    assert same(run(for_one)["losses"], losses)


def test_a_worker_that_dies_costs_no_more_than_the_steps_since_the_checkpoint(alone, tmp_path):
    losses, _ = alone
    checkpoint = tmp_path / "checkpoint"
    result = run(checkpoint, "--die-at", "8", command=[*TORCHRUN, "--max-restarts", "1"])
    assert checkpoint.with_suffix(".died").exists()
    assert result["workers"] == 2
    assert same(result["losses"], losses)


@pytest.fixture
def command(tmp_path):
    """The command line, started by torchrun or alone, on a text; with a cache of its own."""
    text = tmp_path / "cat.txt"
    text.write_text("".join(f"On day {n} the cat saw {n % 7} birds.\n" for n in range(40)))

    def start(runner=(), *, cache="cache", steps, **options):
        arguments = ["-m", "transformer_lab", "train", "--text", str(text), "--json"]
        return subprocess.Popen(
            [*(runner or [sys.executable]), *arguments, "--steps", str(steps)],
            env=os.environ
            | {"OMP_NUM_THREADS": "1", "TRANSFORMER_LAB_CACHE": str(tmp_path / cache)}
            | distributed.FRESH_STORE,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    return start


def test_the_command_line_trains_with_many_processes(command):
    outputs = {}
    for name, runner in {"one": (), "two": TORCHRUN}.items():
        process = command(runner, cache=name, steps=8)
        outputs[name], errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-3000:]
    [one], [two] = (output.splitlines() for output in outputs.values())  # only the first prints
    loss_of_one, loss_of_two = (json.loads(line)["held_out_loss"] for line in (one, two))
    assert loss_of_two == pytest.approx(loss_of_one, abs=1e-3)


def test_ctrl_c_stops_all_workers_at_one_step_and_one_process_can_go_on(command, tmp_path):
    """Ctrl-C in a terminal goes to torchrun and to its workers, and torchrun passes it on."""
    steps = 30
    process = command(TORCHRUN, steps=steps, start_new_session=True)
    heard = ""
    while "loss=" not in heard:  # they have taken some steps
        heard += process.stderr.read(1)
        assert process.poll() is None, heard
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert errors.count("stopped; run the same command again") == 1, errors[-3000:]
    [checkpoint] = tmp_path.glob("cache/*/*/checkpoint.sealed")
    assert 0 < len(load(read_sealed(checkpoint))["losses"]) < steps
    resumed, whole = command(steps=steps), command(cache="other", steps=steps)
    loss, expected = (
        json.loads(process.communicate(timeout=300)[0])["held_out_loss"]
        for process in (resumed, whole)
    )
    assert loss == pytest.approx(expected, abs=1e-2)


def test_alone_the_share_is_the_whole():
    batch = next_token_batch([[1, 2, 3], [4, 5]])
    assert distributed.share(batch) is batch
    assert distributed.n_workers() == 1
    assert distributed.is_first()
    assert distributed.broadcast("yes") == "yes"
    assert distributed.sum_over_workers(torch.tensor(2.5)) == 2.5
    assert distributed.any_worker(True)
    assert not distributed.any_worker(False)
    model = torch.nn.Linear(2, 2)
    assert distributed.join(model) is model


def test_workers_end_together_and_after_an_error_nobody_waits(monkeypatch):
    done = []
    for name in ("init_process_group", "barrier", "destroy_process_group"):
        monkeypatch.setattr(torch.distributed, name, lambda *args, name=name: done.append(name))
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with distributed.workers():
        done.append("training")
    assert done[1:] == ["training", "barrier", "destroy_process_group"]
    with pytest.raises(ZeroDivisionError), distributed.workers():
        done.append(1 / 0)
    assert done[4:] == ["init_process_group"]


def test_a_torch_that_was_not_tried_does_not_shard(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.6.0+cpu"))
    with pytest.raises(
        RuntimeError, match=r"tried with torch 2\.13 and newer, and this is 2\.6\.0"
    ):
        distributed.join(torch.nn.Linear(2, 2), shard=True)


def test_a_batch_that_is_too_small_to_share_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "n_workers", lambda: 3)
    with pytest.raises(ValueError, match="a batch of 2 texts cannot be shared among 3 workers"):
        distributed.share(next_token_batch([[1, 2, 3], [4, 5]]))
