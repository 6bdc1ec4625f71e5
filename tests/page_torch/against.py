"""The same calls, made of torch and of the page's small torch: they must end the same way."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transformer_lab import page_torch

KINDS = ["float32", "float64", "int64", "int32", "bool"]
FLOATING = ["float32", "float64"]
briefly = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@dataclass(frozen=True)
class Given:
    """A tensor to be made in both: numbers, shape, kind, and perhaps a view of it."""

    numbers: tuple
    shape: tuple[int, ...]
    kind: str
    view: str = ""

    def of(self, module: Any) -> Any:
        flat = module.tensor(list(self.numbers), dtype=getattr(module, self.kind))
        tensor = flat.reshape(self.shape)
        if self.view == "transposed" and tensor.ndim > 1:
            return tensor.transpose(-1, -2).clone().transpose(-1, -2)
        if self.view == "every other" and tensor.ndim:
            return module.stack([tensor, tensor], dim=1).flatten(0, 1)[::2]
        return tensor


NUMBERS = {
    "float32": st.floats(-8, 8, width=16),
    "float64": st.floats(-8, 8, width=32),
    "int64": st.integers(-5, 5),
    "int32": st.integers(-5, 5),
    "bool": st.booleans(),
}
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
matrices = st.lists(st.integers(1, 3), min_size=2, max_size=3).map(tuple)
views = st.sampled_from(["", "", "transposed", "every other"])


@st.composite
def tensors(draw, shape=shapes, kinds=KINDS, numbers=None, views=views):
    """A tensor of some shape (a strategy, or a tuple) and kind."""
    sizes = shape if isinstance(shape, tuple) else draw(shape)
    kind = draw(st.sampled_from(kinds))
    n = math.prod(sizes)
    values = draw(st.lists(NUMBERS[kind] if numbers is None else numbers, min_size=n, max_size=n))
    return Given(tuple(values), sizes, kind, draw(views))


@st.composite
def pairs(draw, kinds=KINDS, numbers=None):
    """Two tensors that can be broadcast, or nearly always: some sizes have become 1."""
    shape = draw(shapes)
    other = tuple(draw(st.sampled_from([n, n, n, 1, 2])) for n in shape[draw(st.integers(0, 3)) :])
    return draw(tensors(shape, kinds, numbers)), draw(tensors(other, kinds, numbers))


# --- Comparing ----------------------------------------------------------------------


def described(result: Any) -> Any:
    """What a call gave, without the module that it came from."""
    if isinstance(result, (torch.Tensor, page_torch.Tensor)):
        return (str(result.dtype), tuple(result.shape), result.reshape(-1).tolist())
    if isinstance(result, (tuple, list)):
        return [described(each) for each in result]
    return str(result) if "dtype" in type(result).__name__ else result


def outcome(call: Callable, module: Any, inputs: tuple) -> Any:
    """What the call gives, or its error: type, and the first line of what it says."""
    made = [each.of(module) if isinstance(each, Given) else each for each in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return described(call(module, *made))
        except Exception as error:
            return (type(error).__name__, str(error).split("\n")[0])


def alike(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(alike(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b or (a != a and b != b) or math.isclose(
            a, b, rel_tol=tolerance, abs_tol=tolerance
        )  # fmt: skip
    return a == b


def assert_same(call: Callable, *inputs: Any, tolerance: float = 2e-6) -> None:
    """Both torches end the same way: kind, shape, numbers, or the error and its sentence."""
    wanted, found = outcome(call, torch, inputs), outcome(call, page_torch, inputs)
    if "invalid combination" in str(wanted):  # torch then lists all that it knows
        assert found[0] == wanted[0], found
        return
    assert alike(wanted, found, tolerance), f"torch: {wanted}\npage:  {found}\n{inputs}"


def parametrized(calls: dict[str, Callable] | list[str]) -> Any:
    """A test for each call, by its name."""
    return pytest.mark.parametrize("name", list(calls))


__all__ = ["FLOATING", "KINDS", "Given", "assert_same", "briefly", "given", "matrices", "pairs",
           "parametrized", "shapes", "st", "tensors"]  # fmt: skip
