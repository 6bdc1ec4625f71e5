"""The page's small torch: tensors in plain Python, for the exercises that run in a page.

In a built page, Python runs in the browser, where torch itself cannot be installed. There, this
package is what `import torch` finds. It offers what this book's exercises and their solutions
need, answers as torch does (the tests hold every function to torch itself), and refuses by name
what it lacks. It is slow, it has no gradients, and it stops at a few million numbers.

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

from . import methods, nn
from .dtypes import bool_ as bool
from .dtypes import dtype, finfo, float32, float64, int32, int64
from .offered import FUNCTIONS, METHODS
from .random import Generator
from .refusals import refuse_attribute
from .shapes import Size
from .tensors import Tensor

float, double, int, long = float32, float64, int32, int64
inf, nan, pi, e = math.inf, math.nan, math.pi, math.e


class no_grad(contextlib.ContextDecorator):  # noqa: N801 (torch's name)
    """Nothing here keeps gradients, so that this does nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


inference_mode = no_grad


def is_tensor(value: object) -> Any:
    return isinstance(value, Tensor)


globals().update(FUNCTIONS)


def __getattr__(name: str) -> Any:
    raise refuse_attribute("torch", name)


__all__ = [
    "FUNCTIONS",
    "METHODS",
    "Generator",
    "Size",
    "Tensor",
    "bool",
    "double",
    "dtype",
    "e",
    "finfo",
    "float",
    "float32",
    "float64",
    "inf",
    "inference_mode",
    "int",
    "int32",
    "int64",
    "is_tensor",
    "long",
    "methods",
    "nan",
    "nn",
    "no_grad",
    "pi",
    *FUNCTIONS,
]
