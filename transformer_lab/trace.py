"""Look inside a model while it runs, or change what it computes there.

The models return logits and nothing else. An attention weight or the residual
stream is recorded here, by the name of the module that computes it; the model's
code knows nothing about it. It leaves out gradients
and optimisation: this is for looking.

Names are those of `model.named_modules()`, for example
`blocks.0.attention.weights` (B, H, T, S) or `blocks.1` (the residual stream
after the second block, (B, T, D)).

Source: the idea of named hook points, as in TransformerLens.
Taught in chapters 2 (the map), 7 (many heads) and 16 (inside).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
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
def patch(
    model: nn.Module,
    values: Mapping[str, Tensor],
    *,
    positions: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> Iterator[None]:
    """Write values into the passes inside: another run's, a mean, or zeros.

    With another run's values this is *activation patching*: all stays as this text makes it
    but for the places named here, so what changes in the answer came through them.

    Args:
        model: any module.
        values: what each named module puts out instead, in a shape that broadcasts to its
            output: (1, 1, D) is one vector for every token.
        positions: the tokens at which it is written, counted from 0 (default: all).
        heads: the heads in which it is written, for outputs (B, H, T, ...) (default: all).

    Raises:
        KeyError: if the model has no module of that name.
        ValueError: during a pass, if a value does not fit, or there is no such place.

    Source: Vig et al. 2020, "Investigating Gender Bias in Language Models Using Causal
    Mediation Analysis"; Meng et al. 2022, "Locating and Editing Factual Associations in GPT".

    >>> layer = nn.Identity()
    >>> with patch(nn.Sequential(layer), {"0": torch.zeros(1)}, positions=[1]):
    ...     layer(torch.ones(1, 3, 2))[0, :, 0]
    tensor([1., 0., 1.])
    """

    def writer(name: str, value: Tensor) -> Edit:
        def write(output: Tensor) -> Tensor:
            where = torch.ones((), dtype=torch.bool)
            if positions is not None:
                where = where & _places(name, output, "position", positions)
            if heads is not None:
                where = where & _places(name, output, "head", heads)
            try:
                return torch.where(
                    where.to(output.device), value.to(output).expand_as(output), output
                )
            except RuntimeError:
                raise ValueError(
                    f"{name} puts out {tuple(output.shape)}, and {tuple(value.shape)} does not "
                    "fit there; record it on a text of as many tokens"
                ) from None

        return write

    with edit(model, {name: writer(name, value) for name, value in values.items()}):
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
    with ExitStack() as patches:
        for layer, head in heads:
            if not (0 <= layer < n_layers and 0 <= head < n_heads):
                raise ValueError(
                    f"there is no layer {layer}, head {head}: this model has layers "
                    f"0 to {n_layers - 1} and heads 0 to {n_heads - 1}"
                )
            gathered = {f"blocks.{layer}.attention.heads": torch.zeros(())}
            patches.enter_context(patch(model, gathered, heads=[head]))
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


def _places(name: str, output: Tensor, kind: str, places: Sequence[int]) -> Bool[Tensor, "..."]:
    """True at these heads or positions of an output; broadcasts to it."""
    n_behind = {"head": 2, "position": 1}[kind]  # (B, H, T, K) or (B, T, D)
    size = output.shape[-1 - n_behind] if output.ndim > n_behind + 1 else 0
    for place in places:
        if not 0 <= place < size:
            raise ValueError(f"{name} has no {kind} {place}: it has {size}, counted from 0")
    where = torch.zeros(size, dtype=torch.bool)
    where[list(places)] = True
    return where.view(size, *[1] * n_behind)
