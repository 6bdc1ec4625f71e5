"""Training: predict, measure the error, follow the gradient, repeat.

Holds the loss, the batches of the two kinds of questions (what comes next? what
is hidden?), the learning-rate schedule, the loop with its checkpoint, and
evaluation. It knows nothing about text: a batch is two tensors of token IDs,
and the data is a function from the step number to the batch of that step. That
makes resuming exact: step 500 sees the same batch in any process. It makes
sharing easy too: several processes can train one model (see `distributed.py`); for
one alone, what is said about them changes nothing.

Source: Radford et al. 2018 (next-token loss); Devlin et al. 2019 (masked words);
Loshchilov and Hutter 2019 (AdamW). Taught in chapters 10 and 12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from transformer_lab import distributed
from transformer_lab.files import read_sealed, write_sealed
from transformer_lab.interrupts import DelayedInterrupt

IGNORED = -100  # a target that is not to be predicted (padding)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """What the model sees, and what should come next at each position."""

    inputs: Int[Tensor, "B T"]
    targets: Int[Tensor, "B T"]  # IGNORED where there is nothing to predict

    def logits(self, model: nn.Module) -> Float[Tensor, "B T V"]:
        """The model's scores; batches of other kinds call their models differently."""
        return model(self.inputs)

    @property
    def n_targets(self) -> int:
        """How many tokens are to be predicted."""
        return int((self.targets != IGNORED).sum())


def batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in groups of this size; the last group may be smaller.

    >>> list(batched([1, 2, 3, 4, 5], 2))
    [[1, 2], [3, 4], [5]]
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def padded(rows: Iterable[Sequence[int]], value: int) -> Int[Tensor, "B T"]:
    """The rows as one tensor, the shorter ones filled up on the right.

    >>> padded([[5, 6, 7], [8]], value=0).tolist()
    [[5, 6, 7], [8, 0, 0]]
    """
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    return pad_sequence(tensors, batch_first=True, padding_value=value)


def next_token_batch(sequences: Sequence[Sequence[int]], *, pad_id: int = 0) -> Batch:
    """Shift by one: at each position, the target is the token that follows.

    Shorter sequences are padded on the right. With a causal mask no real token
    can see the padding, and the padding's own targets are ignored.

    >>> batch = next_token_batch([[5, 6, 7], [8, 9]])
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[5, 6], [8, 0]], [[6, 7], [9, -100]])
    """
    inputs = padded((sequence[:-1] for sequence in sequences), pad_id)
    targets = padded((sequence[1:] for sequence in sequences), IGNORED)
    return Batch(inputs, targets)


def masked_batch(
    sequences: Sequence[Sequence[int]],
    *,
    words: Sequence[int],
    mask_id: int,
    pad_id: int = 0,
    share: float = 0.15,
    share_masked: float = 0.8,
    share_random: float = 0.1,
    generator: torch.Generator | None = None,
) -> Batch:
    """BERT's rule: choose some of the words; hide most of these, change a few, keep the rest.

    The target is the true word wherever one was chosen, and nothing elsewhere. Of
    the chosen words 80 % become `[MASK]`, 10 % another word drawn at random, and
    10 % stay. So a word that the model sees can be the wrong one, and it has to
    have an opinion about that place all the same.

    Args:
        sequences: token IDs; special tokens among them are never chosen.
        words: the IDs of all tokens that are not special.
        mask_id: the ID of `[MASK]`.
        pad_id: fills up the shorter sequences; not one of `words`.
        share: how many of the words are chosen, each by itself.
        share_masked, share_random: of the chosen ones.
        generator: of the draws.

    Source: Devlin et al. 2019, section 3.1, task 1. Taught in chapter 10.

    >>> batch = masked_batch([[2, 7, 8, 3]], words=range(5, 10), mask_id=4, share=1, share_masked=1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[2, 4, 4, 3]], [[-100, 7, 8, -100]])
    """
    truth = padded(sequences, pad_id)  # (B, T)
    choices = torch.tensor(words)
    lottery, fate = torch.rand(2, *truth.shape, generator=generator)
    chosen = torch.isin(truth, choices) & (lottery < share)
    masked = chosen & (fate < share_masked)
    changed = chosen & ~masked & (fate < share_masked + share_random)
    others = choices[torch.randint(len(choices), truth.shape, generator=generator)]
    inputs = truth.where(~masked, mask_id).where(~changed, others)
    return Batch(inputs, truth.where(chosen, IGNORED))


def next_token_loss(
    logits: Float[Tensor, "B T V"], targets: Int[Tensor, "B T"], *, reduction: str = "mean"
) -> Float[Tensor, ""]:
    """Cross-entropy: minus the log probability of what really came (nats).

    >>> uniform = torch.zeros(1, 1, 8)
    >>> round(next_token_loss(uniform, torch.tensor([[3]])).exp().item(), 4)
    8.0
    """
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction
    )


def learning_rate(
    step: int, *, peak: float, steps: int, warmup: int = 40, decay: float = 0.75
) -> float:
    """The step size: rise from 0, hold, then fall in a straight line to 0.

    Args:
        step: counted from 0.
        peak: the highest rate.
        steps: the length of the run.
        warmup: steps until the peak. Adam's first estimates come from few
            gradients; small steps keep them from doing harm.
        decay: the part of the run that is spent coming down. Large steps find
            the valley, small ones its floor.

    >>> [learning_rate(step, peak=1.0, steps=100, warmup=2, decay=0.5) for step in (0, 1, 75)]
    [0.5, 1.0, 0.5]
    """
    return peak * min(1.0, (step + 1) / warmup, (steps - step) / (decay * steps))


@torch.no_grad()
def evaluate(model: nn.Module, batches: Iterable[Batch]) -> float:
    """The loss on all targets of these batches (nats per token)."""
    total, n_targets = 0.0, 0
    for batch in batches:
        total += next_token_loss(batch.logits(model), batch.targets, reduction="sum").item()
        n_targets += batch.n_targets
    return total / n_targets


def train(
    model: nn.Module,
    batch_at: Callable[[int], Batch],
    *,
    steps: int,
    peak_lr: float,
    weight_decay: float = 0.01,
    checkpoint: Path | None = None,
    checkpoint_every: int = 200,
    on_step: Callable[[int, nn.Module], None] | None = None,
    progress: str | None = "training",
    shard: bool = False,
) -> list[float]:
    """Train `model` in place; return the loss of each step (nats per token).

    Args:
        model: one that the batches know how to ask (see `Batch.logits`).
        batch_at: the batch of a step, counted from 0; the same whenever asked.
        steps: how many to take.
        peak_lr: see `learning_rate`.
        weight_decay: of AdamW.
        checkpoint: a file to save to, every `checkpoint_every` steps and when
            the run is interrupted (Ctrl-C). If it is there at the start, the
            run goes on from it, to the same result as if never interrupted.
        on_step: called before each step, and after the last one, with the
            number of steps taken, by the first worker. It must change nothing.
        progress: the label of the progress bar; None for no bar.
        shard: with several workers, each keeps only its share of the model (FSDP,
            see `distributed.join`); then `on_step` sees shares too.

    Raises:
        ValueError: if the checkpoint belongs to another model or cannot be read.
    """
    joined = distributed.join(model, shard=shard)
    if not distributed.is_first():
        on_step = progress = None
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=peak_lr,
        betas=(0.9, 0.98),
        weight_decay=weight_decay,
        foreach=True,  # one call for all tensors: the same numbers, in less time
    )
    losses: list[float] = []
    if checkpoint is not None and checkpoint.exists():
        losses = load_checkpoint(checkpoint, model, optimiser)
    bar = tqdm(
        total=steps,
        initial=len(losses),
        desc=progress,
        disable=progress is None,
        mininterval=0.5,
    )
    # Workers get one Ctrl-C twice: from the terminal, and from torchrun.
    with bar, DelayedInterrupt(second_interrupts=distributed.n_workers() == 1) as interrupt:
        try:
            for step in range(len(losses), steps):
                if on_step:
                    on_step(step, model)
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(step, peak=peak_lr, steps=steps)
                losses.append(_step(joined, optimiser, batch_at(step)))
                bar.update()
                bar.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
                if checkpoint is not None and (step + 1) % checkpoint_every == 0:
                    save_checkpoint(checkpoint, model, optimiser, losses)
                if distributed.any_worker(interrupt.requested):
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if checkpoint is not None and not interrupt.forced:
                save_checkpoint(checkpoint, model, optimiser, losses)
            raise
    if on_step:
        on_step(steps, model)
    return losses


def _step(model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch) -> float:
    """Predict, measure, go back through the model, move every weight a little."""
    share = distributed.share(batch)
    # The mean over all targets of the batch. Texts differ in length, so the mean of the
    # workers' own means would be another number.
    loss = next_token_loss(share.logits(model), share.targets, reduction="sum") / batch.n_targets
    optimiser.zero_grad()
    # The workers' gradients are averaged, and they should be added up.
    (distributed.n_workers() * loss).backward()
    # One unusual batch must not throw the model far away.
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimiser.step()
    return distributed.sum_over_workers(loss.detach())


def save_checkpoint(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, losses: Sequence[float]
) -> None:
    """Write all that the next step depends on: weights, Adam's averages, losses.

    The file is the same whether one process wrote it or many; only the first writes.
    """
    weights, averages = distributed.whole_state(model, optimiser)
    if not distributed.is_first():
        return
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    for name, state in averages.items():
        tensors.update({f"optimiser.{key}.{name}": value for key, value in state.items()})
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    # In double precision, which is what Python's numbers have.
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
    write_sealed(path, save(tensors))


def load_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> list[float]:
    """Read a checkpoint into `model` and `optimiser`; return the losses so far.

    Raises:
        ValueError: if it cannot be read, is not as it was written, or belongs to another model.
    """
    try:
        tensors = load(read_sealed(path))
        losses = [float(loss) for loss in tensors.pop("losses")]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"the checkpoint {path} cannot be read; delete it to start again"
        ) from error
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != _shapes_in_checkpoint(model, has_stepped=len(losses) > 0):
        raise ValueError(
            f"the checkpoint {path} belongs to another model; delete it to start again"
        )
    weights, averages = {}, {}
    # The library gives them in any order; workers that share them out need the same one.
    for name, tensor in sorted(tensors.items()):
        kind, _, rest = name.partition(".")
        if kind == "model":
            weights[rest] = tensor
        else:
            key, _, parameter = rest.partition(".")
            averages.setdefault(parameter, {})[key] = tensor
    distributed.set_whole_state(model, optimiser, weights, averages)
    return losses


def _shapes_in_checkpoint(model: nn.Module, *, has_stepped: bool) -> dict[str, torch.Size]:
    """The tensors of a checkpoint of this model; Adam's averages begin with the first step."""
    shapes = {f"model.{name}": tensor.shape for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters() if has_stepped else ():
        shapes[f"optimiser.step.{name}"] = torch.Size()
        shapes[f"optimiser.exp_avg.{name}"] = parameter.shape
        shapes[f"optimiser.exp_avg_sq.{name}"] = parameter.shape
    return shapes
