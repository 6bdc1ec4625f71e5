"""The page's small torch: tensors in plain Python, for the exercises that run in a page.

In a built page, Python runs in the browser, where torch itself cannot be installed. There, this
package is what `import torch` finds. It offers what the exercises of every chapter and their
solutions need, answers as torch does (the tests hold every function to torch itself), and
refuses by name what it lacks. It is slow, it has no gradients, and it stops at a few million
numbers.

It is also something to read, for it shows what a tensor is: a flat list of numbers, a shape,
and strides.

    shapes.py        how a list is read as rows and columns; broadcasting
    dtypes.py        kinds of numbers, and which kind two of them make together
    tensors.py       the tensor itself
    creation.py      tensors of lists, of zeros, of a range
    elementwise.py   arithmetic, functions of each number, comparisons
    rearranging.py   views and copies: reshape, transpose, expand, cat, …
    indexing.py      x[...]: slices, masks, lists of numbers; gather and scatter
    reductions.py    sums, means, softmax, the largest and the smallest
    ordering.py      sort, topk
    products.py      dot products, matrices, einsum
    random.py        the same random numbers as torch, from the same seed
    printing.py      how a tensor is shown
    methods.py       operators and methods, made of the functions above
    nn/              functional.py: steps of a network; modules.py: layers
    offered.py       the table of all that is offered
    refusals.py      what is said about the rest

The public functions have no jaxtyping annotations, unlike those of the rest of the package:
jaxtyping is not in the page. Their docstrings give the shapes.

>>> from transformer_lab import page_torch as torch
>>> x = torch.arange(6).reshape(2, 3)
>>> x.T.stride(), (x.T @ x).tolist()
((1, 3), [[9, 12, 15], [12, 17, 22], [15, 22, 29]])
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

from . import nn
from .dtypes import dtype, finfo
from .methods import KINDS
from .offered import FUNCTIONS, METHODS
from .random import Generator
from .refusals import refuse_attribute
from .shapes import Size
from .tensors import Tensor

inf, nan, pi, e = math.inf, math.nan, math.pi, math.e


class no_grad(contextlib.ContextDecorator):  # noqa: N801 (torch's name)
    """Nothing here keeps gradients, so that this does nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


inference_mode = no_grad


def is_tensor(value: object) -> Any:
    """Whether this is a tensor."""
    return isinstance(value, Tensor)


# All at once, and not by an import: some have the names of Python's own (`float`, `sum`).
globals().update(FUNCTIONS, **KINDS)


def __getattr__(name: str) -> Any:
    raise refuse_attribute("torch", name)


__all__ = [
    "FUNCTIONS",
    "KINDS",
    "METHODS",
    "Generator",
    "Size",
    "Tensor",
    "dtype",
    "e",
    "finfo",
    "inf",
    "inference_mode",
    "is_tensor",
    "nan",
    "nn",
    "no_grad",
    "pi",
    *FUNCTIONS,
    *KINDS,
]
