"""A small training for `test_distributed.py`, started alone or by torchrun.

    python tests/training_worker.py CHECKPOINT STEPS [--shard] [--die-at STEP]

Prints the losses as a line of JSON (the first worker only). With `--die-at` the last
worker kills itself before that step, once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

import torch

from transformer_lab import distributed
from transformer_lab.config import Config
from transformer_lab.models import Decoder
from transformer_lab.training import Batch, next_token_batch, train


def batch_at(step: int) -> Batch:
    """Seven texts of very different length: no two workers have equally many targets."""
    random = torch.Generator().manual_seed(step)
    lengths = torch.randint(2, 16, (7,), generator=random).tolist()
    texts = [torch.randint(1, 30, (n,), generator=random).tolist() for n in lengths]
    return next_token_batch(texts)


def main() -> None:
    """Train, and say how it went."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("checkpoint", type=Path)
    arguments.add_argument("steps", type=int)
    arguments.add_argument("--shard", action="store_true")
    arguments.add_argument("--die-at", type=int)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    died = given.checkpoint.with_suffix(".died")

    def batch_or_death(step: int) -> Batch:
        is_last = os.environ.get("RANK") == str(distributed.n_workers() - 1)
        if step == given.die_at and is_last and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch_at(step)

    with distributed.workers():
        torch.manual_seed(0)
        config = Config(vocab_size=30, max_len=16, d_model=16, n_heads=2, n_layers=2)
        losses = train(
            Decoder(config),
            batch_or_death,
            steps=given.steps,
            peak_lr=0.01,
            checkpoint=given.checkpoint,
            checkpoint_every=5,
            progress=None,
            shard=given.shard,
        )
        if distributed.is_first():
            print(json.dumps({"workers": distributed.n_workers(), "losses": losses}), flush=True)


if __name__ == "__main__":
    main()
