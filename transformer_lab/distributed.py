"""Many processes, one training: each takes a share of every batch.

`torchrun --nproc-per-node 2 …` starts the same program several times. Inside
`with workers():` the copies know of each other, and `training.train` then trains one
model with all of them. Two ways:

- DDP ("distributed data parallel"): every worker holds the whole model and computes
  the gradient of its share of the batch; the gradients are added up, and all take the
  same step. For models that fit on one device.
- FSDP ("fully sharded data parallel"): every worker also *keeps* only a share of the
  weights, the gradients and Adam's averages, and fetches a block's weights when it
  needs them. For models that do not fit on one device.

A worker may die. `torchrun --max-restarts 3 …` then starts all of them again, and
they go on from the last checkpoint. With the settings of `FRESH_STORE` in the
environment: without them the second start can wait for ever.

A program that runs alone can call everything here: then the share is the whole, the
sum is the number itself, and no one is waited for. It leaves out splitting a single
layer (tensor parallelism) and splitting by depth (pipelines).

Sources: Li et al. 2020, "PyTorch Distributed"; Zhao et al. 2023, "PyTorch FSDP".
Taught in chapter 15.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from transformer_lab.blocks import Block

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Rows = TypeVar("Rows", bound="DataclassInstance")
Value = TypeVar("Value")

# torchrun tells its workers of each other through a store that outlives a restart, and
# in which they then find addresses of the dead (PyTorch issue 135712). This gives each
# start a store of its own.
FRESH_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
# Sharding needs a newer torch than all else here. Before 2.6 it has another name, and for
# some versions after that it added gradients up on processors instead of averaging them
# (PyTorch issue 162338), so that only what was tried is let through.
SHARDS_FROM = "2.13"


@contextmanager
def workers() -> Iterator[None]:
    """Join the other processes that `torchrun` started; alone, do nothing.

    What lies on graphics cards is sent through NCCL, all else through Gloo; the worker
    with the local rank 1 gets the second card of its machine.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    on_cards = torch.cuda.is_available()
    if on_cards:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_cards else "gloo")
    yield
    # All at once: whoever goes first takes along what the others still talk to. After an
    # error nobody waits, neither here nor in tidying up: torchrun ends the others.
    distributed.barrier()
    distributed.destroy_process_group()


def n_workers() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the one worker that writes files and shows progress."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def join(model: nn.Module, *, shard: bool = False) -> nn.Module:
    """The model as one that all workers train together; call that one in training.

    Args:
        model: the same on all workers; the first one's weights count.
        shard: FSDP instead of DDP. The model then keeps only this worker's share, block
            by block, in place.

    Raises:
        RuntimeError: if this torch is older than those with which sharding was tried.
    """
    if not distributed.is_initialized():
        return model
    if not shard:
        return DistributedDataParallel(model)
    if torch.__version__ < SHARDS_FROM:
        raise RuntimeError(
            f"sharding a model is tried with torch {SHARDS_FROM} and newer, and this is "
            f"{torch.__version__}: update torch, or train with shard=False"
        )
    from torch.distributed.fsdp import fully_shard

    for module in model.modules():
        if isinstance(module, Block):
            fully_shard(module)
    fully_shard(model)
    return model


def share(batch: Rows) -> Rows:
    """This worker's rows of a batch: with two workers, every second one.

    Args:
        batch: a dataclass of tensors whose first dimension counts the texts.

    Raises:
        ValueError: if there are fewer rows than workers.
    """
    n = n_workers()
    if n == 1:
        return batch
    tensors = {field.name: getattr(batch, field.name) for field in fields(batch)}
    n_rows = min(len(tensor) for tensor in tensors.values())
    if n_rows < n:
        raise ValueError(f"a batch of {n_rows} texts cannot be shared among {n} workers")
    rank = distributed.get_rank()
    return replace(batch, **{name: tensor[rank::n] for name, tensor in tensors.items()})


def sum_over_workers(number: Tensor) -> float:
    """The sum of a number over all workers."""
    if distributed.is_initialized():
        number = number.clone()
        distributed.all_reduce(number)
    return number.item()


def any_worker(flag: bool) -> bool:
    """Whether the flag is set in any worker: then all know it, at the same step."""
    return sum_over_workers(torch.tensor(float(flag))) > 0


def broadcast(value: Value) -> Value:
    """The first worker's value, for all. They wait for it."""
    if not distributed.is_initialized():
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


def whole_state(model: nn.Module, optimiser: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights and Adam's averages, whole, under the names of the model's parameters.

    With FSDP all workers must call it together, and only the first is given something.

    Returns:
        The weights by name, and for each parameter's name its averages.
    """
    if _is_sharded(model):
        from torch.distributed.checkpoint import state_dict as gathering

        whole = gathering.StateDictOptions(full_state_dict=True, cpu_offload=True)
        weights = gathering.get_model_state_dict(model, options=whole)
        state: dict[str, Any] = gathering.get_optimizer_state_dict(model, optimiser, options=whole)
        return weights, state.get("state", {})
    names = [name for name, _ in model.named_parameters()]
    averages = {names[at]: state for at, state in optimiser.state_dict()["state"].items()}
    return model.state_dict(), averages


def set_whole_state(
    model: nn.Module,
    optimiser: Optimizer,
    weights: dict[str, Any],
    averages: dict[str, Any],
) -> None:
    """The reverse of `whole_state`: every worker brings the whole, and keeps its share.

    Raises:
        RuntimeError, KeyError: if they belong to another model.
    """
    names = [name for name, _ in model.named_parameters()]
    groups = optimiser.state_dict()["param_groups"]
    if _is_sharded(model):
        from torch.distributed.checkpoint import state_dict as gathering

        whole = gathering.StateDictOptions(full_state_dict=True, cpu_offload=True)
        gathering.set_model_state_dict(model, weights, options=whole)
        named = [group | {"params": [names[at] for at in group["params"]]} for group in groups]
        state = {"state": averages, "param_groups": named}
        gathering.set_optimizer_state_dict(model, optimiser, state, options=whole)
        return
    model.load_state_dict(weights)
    numbered = {at: averages[name] for at, name in enumerate(names)} if averages else {}
    optimiser.load_state_dict({"state": numbered, "param_groups": groups})


def _is_sharded(model: nn.Module) -> bool:
    """Whether each worker holds only its part of the tensors ("DTensor")."""
    return any(hasattr(parameter, "full_tensor") for parameter in model.parameters())
