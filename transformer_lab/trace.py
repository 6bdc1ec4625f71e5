"""Look inside a model while it runs, or change what it computes there.

The models return logits and nothing else. An attention weight or the residual
stream is recorded here, by the name of the module that computes it; the model's
code knows nothing about it. It leaves out gradients
and optimisation: this is for looking.

Names are those of `model.named_modules()`, for example
`blocks.0.attention.weights` (B, H, T, S) or `blocks.1` (the residual stream
after the second block, (B, T, D)).

Source: the idea of named hook points, as in TransformerLens.
Taught in chapters 2 (the map) and 7 (many heads).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Edit = Callable[[Tensor], Tensor]


@contextmanager
def capture(model: nn.Module, names: Iterable[str] | None = None) -> Iterator[dict[str, Tensor]]:
    """Record what the named modules put out during the forward passes inside.

    Args:
        model: any module.
        names: the modules to record (default: all that put out one tensor).

    Returns:
        A dictionary that fills up as the model runs; a second pass overwrites.

    Raises:
        KeyError: if the model has no module of that name.

    >>> layer = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with capture(layer) as seen:
    ...     _ = layer(torch.ones(1, 2))
    >>> seen["0"].shape, bool((seen["1"] >= 0).all())
    (torch.Size([1, 3]), True)
    """
    seen: dict[str, Tensor] = {}

    def recorder(name: str):
        def record(_module, _inputs, output) -> None:
            if isinstance(output, Tensor):
                seen[name] = output.detach()

        return record

    names = [name for name, _ in model.named_modules() if name] if names is None else list(names)
    with ExitStack() as hooks:
        for name in names:
            handle = _find(model, name).register_forward_hook(recorder(name))
            hooks.callback(handle.remove)
        yield seen


@contextmanager
def edit(model: nn.Module, edits: dict[str, Edit]) -> Iterator[None]:
    """Replace what the named modules put out, during the passes inside.

    Args:
        model: any module.
        edits: for each name, a function from the output to its replacement.

    Raises:
        KeyError: if the model has no module of that name.
    """

    def replacer(change: Edit):
        return lambda _module, _inputs, output: change(output)

    with ExitStack() as hooks:
        for name, change in edits.items():
            handle = _find(model, name).register_forward_hook(replacer(change))
            hooks.callback(handle.remove)
        yield


@contextmanager
def heads_off(model: nn.Module, heads: Iterable[tuple[int, int]]) -> Iterator[None]:
    """Switch attention heads off: what they gather is set to 0.

    Args:
        model: a model with `blocks[layer].attention`.
        heads: pairs (layer, head), counted from 0.

    Raises:
        ValueError: if a pair names a head that the model does not have.
    """
    blocks: Any = model.blocks
    n_layers, n_heads = len(blocks), blocks[0].attention.n_heads
    per_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        if not (0 <= layer < n_layers and 0 <= head < n_heads):
            raise ValueError(
                f"there is no layer {layer}, head {head}: this model has layers "
                f"0 to {n_layers - 1} and heads 0 to {n_heads - 1}"
            )
        per_layer.setdefault(layer, []).append(head)

    def zero_heads(off: list[int]) -> Edit:
        def change(gathered: Float[Tensor, "B H T K"]) -> Float[Tensor, "B H T K"]:
            gathered = gathered.clone()
            gathered[:, off] = 0.0
            return gathered

        return change

    edits = {f"blocks.{layer}.attention.heads": zero_heads(off) for layer, off in per_layer.items()}
    with edit(model, edits):
        yield


@torch.no_grad()
def attention_maps(model: nn.Module, ids: Int[Tensor, "B T"]) -> Float[Tensor, "L B H T S"]:
    """The attention weights of every layer and head, for one batch of text."""
    blocks: Any = model.blocks
    names = [f"blocks.{layer}.attention.weights" for layer in range(len(blocks))]
    with capture(model, names) as seen:
        model(ids)
    return torch.stack([seen[name] for name in names])  # (L, B, H, T, S)


def _find(model: nn.Module, name: str) -> nn.Module:
    modules = dict(model.named_modules())
    if name not in modules:
        raise KeyError(f"the model has no part called {name!r}; see model.named_modules()")
    return modules[name]
