"""Products of vectors and matrices, and what is made of them.

A product of two matrices is a table of dot products: of each row of the first with each column
of the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul as times
from typing import Any

from .dtypes import dtype
from .elementwise import clamp, div, mul, sub
from .offered import offered
from .rearranging import expanded, permute, reshape, squeeze, unsqueeze
from .reductions import length, reduced, rows_along
from .reductions import sum as sum_
from .shapes import broadcast, count, dimension
from .tensors import Tensor, fresh

DIGITS = "0123456789"


def _dot(a: Sequence, b: Sequence) -> Any:
    return sum(map(times, a, b))


def _no_bool(kind: dtype, name: str) -> None:
    if kind.name == "bool":
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")


@offered()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """(D) · (D) → one number."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            "dot : expected both vectors to have same dtype, but found "
            f"{input.dtype.title} and {tensor.dtype.title}"
        )
    if input.shape != tensor.shape:
        n, m = len(input), len(tensor)
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same "
            f"number of elements, but got {n} and {m} elements respectively"
        )
    _no_bool(input.dtype, "dot")
    return fresh([_dot(input.numbers(), tensor.numbers())], (), input.dtype)


@offered()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """(N, K) @ (K, M) → (N, M)."""
    for name, each in (("self", input), ("mat2", mat2)):
        if each.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    return matmul(input, mat2)


@offered()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """(N, K) @ (K) → (N)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    return matmul(input, vec)


@offered()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """(B, N, K) @ (B, K, M) → (B, N, M)."""
    for name, each in (("batch1", input), ("batch2", mat2)):
        if each.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise _batches_differ(input, mat2)
    return matmul(input, mat2)


@offered()
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """What `@` does: the last two dimensions are matrices, those before are broadcast.

    A tensor of one dimension is a row on the left and a column on the right.

    Raises:
        RuntimeError: if the columns of the first are not as many as the rows of the second, or
            one holds whole numbers and the other does not.
    """
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            "both arguments to matmul need to be at least 1D, but they are "
            f"{input.ndim}D and {other.ndim}D"
        )
    if input.ndim == other.ndim == 1:
        return dot(input, other)
    left = unsqueeze(input, 0) if input.ndim == 1 else input
    right = unsqueeze(other, 1) if other.ndim == 1 else other
    batches = broadcast(left.shape[:-2], right.shape[:-2])
    (n, k), m = left.shape[-2:], right.shape[-1]
    _check_product(input, other, left, right, batches)
    left = expanded(left, (*batches, n, k))
    right = expanded(right, (*batches, right.shape[-2], m))
    count((*batches, n, m))
    rows = rows_along(left, [left.ndim - 1], left.dtype)
    columns = rows_along(right, [right.ndim - 2], right.dtype)
    numbers = [
        _dot(row, column)
        for batch in range(math.prod(batches))
        for row in rows[batch * n : (batch + 1) * n]
        for column in columns[batch * m : (batch + 1) * m]
    ]
    product = fresh(numbers, (*batches, n, m), left.dtype)
    if input.ndim == 1:
        return squeeze(product, -2)
    return squeeze(product, -1) if other.ndim == 1 else product


def _check_product(
    input: Tensor, other: Tensor, left: Tensor, right: Tensor, batches: Sequence[int]
) -> None:
    if left.shape[-1] != right.shape[-2]:
        if other.ndim == 1 and input.ndim == 2:
            n, k = input.shape
            raise RuntimeError(
                f"size mismatch, got input ({n}), mat ({n}x{k}), vec ({other.shape[0]})"
            )
        if batches and right.ndim > 2:
            raise _batches_differ(
                expanded(left, (*batches, *left.shape[-2:])),
                expanded(right, (*batches, *right.shape[-2:])),
            )
        rows = math.prod(left.shape[:-1])
        a, b = f"{rows}x{left.shape[-1]}", f"{right.shape[-2]}x{right.shape[-1]}"
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a} and {b})")
    if input.dtype is not other.dtype:
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got: "
            f"{input.dtype.in_c} != {other.dtype.in_c}"
        )
    _no_bool(input.dtype, "addmm_impl_cpu_")


def _batches_differ(left: Tensor, right: Tensor) -> RuntimeError:
    batch, k = math.prod(left.shape[:-2]), left.shape[-1]
    found = [math.prod(right.shape[:-2]), right.shape[-2]]
    return RuntimeError(
        "Expected size for first two dimensions of batch2 tensor to be: "
        f"[{batch}, {k}] but got: {found}."
    )


@offered("outer", "ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """(N), (M) → (N, M): each number of the one times each of the other."""
    for name, each in (("self", input), ("vec2", vec2)):
        if each.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {each.ndim}-D")
    return mul(unsqueeze(input, 1), vec2)


@offered()
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta × input + alpha × mat1 @ mat2."""
    return beta * input + alpha * mm(mat1, mat2)


@offered(method=False)
def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products, named by letters: "td,sd->ts" is the product with a transpose.

    A letter is a dimension. What has the same letter is multiplied place by place; letters that
    the result lacks are summed over. Without `->` the letters that occur once are kept, in the
    order of the alphabet. `...` stands for the dimensions that have no letter.
    """
    tensors = (
        operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    )
    given, _, result = _without_dots(equation.replace(" ", ""), tensors).partition("->")
    terms = given.split(",")
    if len(terms) != len(tensors):
        more = "fewer" if len(tensors) < len(terms) else "more"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation"
        )
    sizes: dict[str, int] = {}
    for at, (term, each) in enumerate(zip(terms, tensors, strict=True)):
        _letters_fit(term, each, at, sizes)
    order = result + "".join(c for c in sizes if c not in result)
    product: Any = 1
    for term, each in zip(terms, tensors, strict=True):
        product = _by_letters(term, each, order) * product
    gone = list(range(len(result), len(order)))
    return sum_(product, gone) if gone else product


def _without_dots(equation: str, tensors: Sequence[Tensor]) -> str:
    """The equation with digits in the place of `...`: as many as dimensions have no letter.

    They are counted from the last, as sizes are when tensors of different shapes meet.
    """
    given, arrow, result = equation.partition("->")
    terms, counts = given.split(","), []
    for at, (term, each) in enumerate(zip(terms, tensors, strict=False)):
        if "..." in term:
            counts.append(max(each.ndim - len(term) + len("..."), 0))
            terms[at] = term.replace("...", DIGITS[len(DIGITS) - counts[-1] :])
    digits = DIGITS[len(DIGITS) - max(counts, default=0) :]
    if not arrow:
        letters = sorted(c for c in given if c.isalpha() and given.count(c) == 1)
        result = "..." + "".join(letters)
    return f"{','.join(terms)}->{result.replace('...', digits)}"


def _letters_fit(term: str, operand: Tensor, at: int, sizes: dict[str, int]) -> None:
    if len(term) != operand.ndim:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the "
            f"number of dimensions ({operand.ndim}) for operand {at} and no ellipsis was given"
        )
    for letter, size in zip(term, operand.shape, strict=True):
        if sizes.setdefault(letter, size) not in (size, 1) and size != 1:
            raise RuntimeError(
                f"einsum(): subscript {letter} has size {size} for operand {at} which does not "
                f"broadcast with previously seen size {sizes[letter]}"
            )
        sizes[letter] = max(sizes[letter], size)


def _by_letters(term: str, operand: Tensor, order: str) -> Tensor:
    """The operand with its dimensions in this order, of size 1 where it lacks a letter."""
    while len(set(term)) < len(term):  # "ii": the diagonal
        first = next(i for i, c in enumerate(term) if term.count(c) > 1)
        second = term.index(term[first], first + 1)
        operand = operand.diagonal(0, first, second)
        letter = term[first]
        term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    inside = [c for c in order if c in term]
    operand = permute(operand, *(term.index(c) for c in inside))
    for at, letter in enumerate(order):
        if letter not in term:
            operand = unsqueeze(operand, at)
    return operand


# --- How alike, how far ------------------------------------------------------------


@offered(method=False)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The dot product along `dim`, divided by both lengths (none below `eps`)."""
    shape = broadcast(x1.shape, x2.shape)
    a, b = expanded(x1, shape), expanded(x2, shape)
    dim = dimension(dim, len(shape))
    lengths = [clamp(reduced(length, each, dim, True), min=eps) for each in (a, b)]
    return sum_(mul(div(a, lengths[0]), div(b, lengths[1])), dim)


@offered(method=False)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """(N, D), (M, D) → (N, M): the distance of each row of the one from each row of the other."""
    for name, each in (("X1", x1), ("X2", x2)):
        if each.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {each.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    gaps = sub(unsqueeze(x1, -2), unsqueeze(x2, -3))
    return reduced(lambda numbers: length(numbers, p), gaps, -1, False)


@offered(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """(n, number of tensors): every choice of one number from each."""
    shape = tuple(len(each) for each in tensors)
    columns = [
        expanded(reshape(each, [-1 if d == at else 1 for d in range(len(tensors))]), shape)
        for at, each in enumerate(tensors)
    ]
    rows = zip(*(column.numbers() for column in columns), strict=True)
    return fresh(
        [n for row in rows for n in row], (math.prod(shape), len(tensors)), tensors[0].dtype
    )
