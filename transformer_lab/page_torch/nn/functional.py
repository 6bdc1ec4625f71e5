"""`torch.nn.functional`: the steps of a network as functions, without anything learned inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..creation import filled, ones
from ..dtypes import bool_, int64
from ..elementwise import elementwise, logistic, relu, where
from ..indexing import put
from ..offered import FUNCTIONS, with_checks
from ..products import cosine_similarity, matmul
from ..rearranging import chunk, rows_at
from ..reductions import log_softmax, mean, norm, softmax
from ..reductions import sum as sum_
from ..refusals import refuse_attribute
from ..shapes import count, dimension, sizes
from ..tensors import Tensor, fresh

OFFERED: dict[str, Callable] = {
    "cosine_similarity": cosine_similarity,
    "log_softmax": log_softmax,
    "relu": relu,
    "sigmoid": FUNCTIONS["sigmoid"],
    "tanh": FUNCTIONS["tanh"],
    "softmax": softmax,
}


def _offered(function: Callable) -> Callable:
    OFFERED[function.__name__] = with_checks(function, function.__name__)
    return OFFERED[function.__name__]


def _floating_only(input: Tensor, name: str) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.title}'")


# --- Activations -------------------------------------------------------------------


@_offered
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x × the share of normal numbers below x (Hendrycks & Gimpel 2016)."""
    _floating_only(input, "GeluKernelImpl")
    if approximate == "tanh":
        factor = math.sqrt(2 / math.pi)
        return elementwise(lambda x: x / 2 * (1 + math.tanh(factor * (x + 0.044715 * x**3))), input)
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return elementwise(lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))), input)


@_offered
def silu(input: Tensor) -> Tensor:
    """x × sigmoid(x)."""
    _floating_only(input, "silu_cpu")
    return elementwise(lambda x: x * logistic(x), input)


@_offered
def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + e^(beta × x)) / beta; x itself where that no longer differs."""
    _floating_only(input, "softplus_cpu")

    def of_number(x: float) -> float:
        return x if x * beta > threshold else math.log1p(math.exp(x * beta)) / beta

    return elementwise(of_number, input)


@_offered
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of the sigmoid."""
    _floating_only(input, "log_sigmoid_cpu")
    return elementwise(lambda x: min(x, 0.0) - math.log1p(math.exp(-abs(x))), input)


@_offered
def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x, or a small part of it where it is below 0."""
    _floating_only(input, "leaky_relu_cpu")
    return elementwise(lambda x: x if x > 0 else negative_slope * x, input)


@_offered
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of `dim` × the sigmoid of the second (Dauphin et al. 2017)."""
    size = input.shape[dimension(dim, input.ndim)]
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dimension(dim, input.ndim)} is size "
            f"{size}"
        )
    a, b = chunk(input, 2, dim)
    return a * b.sigmoid()


@_offered
def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """With `training=False`, the input; with it, refused: the page's torch does not train."""
    if training and p:
        raise NotImplementedError("the page's small torch does not train: use `training=False`")
    return input


# --- Layers ------------------------------------------------------------------------


@_offered
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(…, I), weight (O, I), bias (O) → (…, O)."""
    product = matmul(input, weight.t())
    return product if bias is None else product + bias


@_offered
def embedding(input: Tensor, weight: Tensor) -> Tensor:
    """IDs (…), table (V, D) → (…, D): a row of the table for each ID."""
    if input.dtype.is_floating_point or input.dtype is bool_:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{input.dtype.title}Tensor instead (while checking arguments "
            "for embedding)"
        )
    ids = input.numbers()
    if any(not 0 <= id < weight.shape[0] for id in ids):
        raise IndexError("index out of range in self")
    return rows_at(weight, 0, ids).reshape(*input.shape, *weight.shape[1:])


@_offered
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over the last dimensions, then scaled and shifted (Ba et al. 2016)."""
    last = _last_dimensions(input, normalized_shape)

    def of_rows(rows: Tensor) -> Tensor:
        centred = rows - mean(rows, last, keepdim=True)
        return centred * (mean(centred * centred, last, keepdim=True) + eps).rsqrt()

    normed = of_rows(input.double()).to(input.dtype)  # rounded once, at the end
    normed = normed if weight is None else normed * weight
    return normed if bias is None else normed + bias


@_offered
def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divided by the root of the mean square of the last dimensions (Zhang & Sennrich 2019)."""
    last = _last_dimensions(input, normalized_shape)
    smallest = 2.0**-23 if eps is None else eps
    x = input.double()
    normed = (x * (mean(x * x, last, keepdim=True) + smallest).rsqrt()).to(input.dtype)
    return normed if weight is None else normed * weight


def _last_dimensions(input: Tensor, normalized_shape: Sequence[int]) -> list[int]:
    shape = sizes((normalized_shape,), "layer_norm", "normalized_shape")
    if input.shape[max(0, input.ndim - len(shape)) :] != shape:
        stars = "".join(f", {size}" for size in shape)
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{stars}], but got "
            f"input of size{list(input.shape)}"
        )
    return list(range(input.ndim - len(shape), input.ndim))


@_offered
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(Q Kᵀ / √d) V (Vaswani et al. 2017). In a mask of bools, True means "may look"."""
    dropout(query, dropout_p)
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
        attn_mask = ones(query.shape[-2], key.shape[-2], dtype=bool_).tril()
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor
    if attn_mask is not None:
        masked = attn_mask.dtype is bool_
        scores = where(attn_mask, scores, -math.inf) if masked else scores + attn_mask
    weights = softmax(scores, -1)
    return weights.nan_to_num() @ value if attn_mask is not None else weights @ value


@_offered
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divided by its length along `dim`."""
    return input / norm(input, p, dim, True).clamp(min=eps)


@_offered
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Tensor:
    """More rows at both ends: `(left, right)` for the last dimension, then the one before it, …"""
    if mode != "constant":
        raise NotImplementedError(f"the page's small torch has no mode `{mode}` in `pad`")
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(pad)} and input of dimension {input.ndim}"
        )
    shape, inside = list(input.shape), [slice(None)] * input.ndim
    for at in range(0, len(pad), 2):
        dim, (before, after) = input.ndim - 1 - at // 2, pad[at : at + 2]
        input = input.narrow(dim, max(-before, 0), shape[dim] + min(before, 0) + min(after, 0))
        inside[dim] = slice(max(before, 0), max(before, 0) + input.shape[dim])
        shape[dim] += before + after
    result = filled(shape, 0 if value is None else value, input.dtype)
    put(result, tuple(inside), input)
    return result


@_offered
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """(…) → (…, classes): a 1 in the place of the number, zeros beside it."""
    if tensor.dtype is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    ids = tensor.numbers()
    if any(id < 0 for id in ids):
        raise RuntimeError("Class values must be non-negative.")
    classes = max(ids, default=-1) + 1 if num_classes == -1 else num_classes
    if any(id >= classes for id in ids):
        raise RuntimeError("Class values must be smaller than num_classes.")
    count((*tensor.shape, classes))
    return fresh([c == id for id in ids for c in range(classes)], (*tensor.shape, classes), int64)


# --- Losses ------------------------------------------------------------------------


@_offered
def nll_loss(
    input: Tensor, target: Tensor, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """(N, C) logarithms of probabilities, (N) right answers → minus those of the answers."""
    if input.ndim not in (1, 2):
        raise NotImplementedError(
            "the page's small torch has losses of (N, C) and (C) only: flatten the positions first"
        )
    if target.dtype is not int64:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {target.dtype.title}"
        )
    n = input.shape[0] if input.ndim == 2 else 1
    if input.ndim == 2 and (target.ndim != 1 or target.shape[0] != n):
        raise ValueError(
            f"Expected input batch_size ({n}) to match target batch_size "
            f"({target.shape[0] if target.ndim else 1})."
        )
    classes, numbers = input.shape[-1], input.numbers()
    losses, answers = [], target.numbers()
    for row, answer in enumerate(answers):
        if answer != ignore_index and not 0 <= answer < classes:
            raise IndexError(f"Target {answer} is out of bounds.")
        losses.append(0.0 if answer == ignore_index else -numbers[row * classes + answer])
    each = fresh(losses, target.shape, input.dtype)
    if reduction == "none":
        return each
    counted = sum(answer != ignore_index for answer in answers)
    return _combined(sum_(each), counted, reduction)


def _combined(total: Tensor, counted: int, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return total / counted if reduction == "mean" else total


@_offered
def cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """(N, C) scores, (N) right answers → nats, on average over answers that are not ignored.

    `label_smoothing` is the part of each target that is spread evenly over all answers.
    """
    log_p = log_softmax(input, -1)
    if label_smoothing:
        even = mean(log_p, -1, keepdim=True)
        log_p = (1 - label_smoothing) * log_p + label_smoothing * even
    return nll_loss(log_p, target, ignore_index=ignore_index, reduction=reduction)


def _of_pairs(name: str, about: str, distance: Callable) -> Callable:
    def loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
        each = elementwise(distance, input, target)
        if reduction == "none":
            return each
        return _combined(sum_(each), each.numel(), reduction)

    loss.__doc__ = f"The {about} of each pair, on average."
    OFFERED[name] = with_checks(loss, name)
    return OFFERED[name]


_of_pairs("mse_loss", "square of the difference", lambda a, b: (a - b) ** 2)
_of_pairs("l1_loss", "size of the difference", lambda a, b: abs(a - b))

globals().update(OFFERED)


def __getattr__(name: str) -> Any:
    raise refuse_attribute("torch.nn.functional", name)


__all__ = ["OFFERED", *OFFERED]
