"""Layers: a function together with the numbers that it has learned. Nothing trains here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..creation import ones, zeros
from ..random import rand, randn
from ..rearranging import write
from ..refusals import missing
from ..tensors import Tensor
from . import functional


class Parameter(Tensor):
    """A tensor that belongs to a layer."""

    def __new__(cls, data: Tensor) -> Parameter:
        return data.as_subclass(cls)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    @property
    def data(self) -> Tensor:
        return super().data

    @data.setter
    def data(self, new: Tensor) -> None:
        self.__dict__.update(new.as_subclass(Parameter).__dict__)


class Module:
    """A layer, or layers in a layer: parameters and modules are found by their names."""

    training = True

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        return self.forward(*inputs, **keywords)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def children(self) -> Iterator[Module]:
        return (child for _, child in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, child in self.named_children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def state_dict(self) -> dict[str, Tensor]:
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> None:
        """Copy these numbers into the parameters of the same names."""
        own = dict(self.named_parameters())
        lacking = [name for name in own if name not in state_dict]
        unknown = [name for name in state_dict if name not in own]
        wrong = [n for n in own if n in state_dict and state_dict[n].shape != own[n].shape]
        if lacking or unknown or wrong:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}: missing {lacking}, "
                f"unexpected {unknown}, of another shape {wrong}"
            )
        for name, parameter in own.items():
            write(parameter.places(), parameter, state_dict[name].numbers())

    def eval(self) -> Module:
        return self.train(False)

    def train(self, mode: bool = True) -> Module:
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(missing(f"{type(self).__name__}.{name}"))


def _uniform(*shape: int, bound: float) -> Parameter:
    return Parameter((2 * rand(*shape) - 1) * bound)


class Linear(Module):
    """(…, I) → (…, O): a product with a learned matrix, plus a learned vector."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        bound = 1 / math.sqrt(in_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = _uniform(out_features, in_features, bound=bound)
        self.bias = _uniform(out_features, bound=bound) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight, self.bias)


class Embedding(Module):
    """IDs (…) → (…, D): a row of a learned table for each ID."""

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        self.weight = Parameter(randn(num_embeddings, embedding_dim))

    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(input, self.weight)


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last dimensions, then a learned scale and shift."""

    def __init__(self, normalized_shape: Any, eps: float = 1e-5) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape, self.eps = tuple(shape), eps
        self.weight, self.bias = Parameter(ones(*shape)), Parameter(zeros(*shape))

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RNNCell(Module):
    """x (…, I), h (…, H) → h (…, H): tanh(W x + b + U h + c)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        bound = 1 / math.sqrt(hidden_size)
        self.weight_ih = _uniform(hidden_size, input_size, bound=bound)
        self.weight_hh = _uniform(hidden_size, hidden_size, bound=bound)
        self.bias_ih = _uniform(hidden_size, bound=bound)
        self.bias_hh = _uniform(hidden_size, bound=bound)

    def forward(self, input: Tensor, hx: Tensor) -> Tensor:
        of_input = functional.linear(input, self.weight_ih, self.bias_ih)
        return (of_input + functional.linear(hx, self.weight_hh, self.bias_hh)).tanh()


class Sequential(Module):
    """One layer after the other."""

    def __init__(self, *layers: Module) -> None:
        vars(self).update({str(i): layer for i, layer in enumerate(layers)})

    def forward(self, input: Any) -> Any:
        for layer in self.children():
            input = layer(input)
        return input

    def __len__(self) -> int:
        return len(list(self.children()))

    def __getitem__(self, index: int) -> Module:
        return list(self.children())[index]


def _activation(name: str, function: Callable) -> type[Module]:
    def forward(self: Module, input: Tensor) -> Tensor:
        return function(input)

    return type(name, (Module,), {"forward": forward})


ReLU = _activation("ReLU", functional.relu)
GELU = _activation("GELU", functional.gelu)
SiLU = _activation("SiLU", functional.silu)
Tanh = _activation("Tanh", functional.tanh)
Sigmoid = _activation("Sigmoid", functional.sigmoid)
Identity = _activation("Identity", lambda input: input)


class Softmax(Module):
    """Shares that add up to 1 along `dim`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmax(input, self.dim)
