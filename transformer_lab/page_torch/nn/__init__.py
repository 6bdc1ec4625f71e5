"""`torch.nn`: functions and layers of networks, as far as chapters 4 to 13 use them."""

from __future__ import annotations

from typing import Any

from ..refusals import refuse_attribute
from . import functional, modules
from .modules import (
    GELU,
    Embedding,
    Identity,
    LayerNorm,
    Linear,
    Module,
    Parameter,
    ReLU,
    RNNCell,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)

__all__ = [
    "GELU",
    "Embedding",
    "Identity",
    "LayerNorm",
    "Linear",
    "Module",
    "Parameter",
    "RNNCell",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "modules",
]


def __getattr__(name: str) -> Any:
    raise refuse_attribute("torch.nn", name)
