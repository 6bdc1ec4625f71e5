"""Random numbers: the same ones that torch draws from the same seed.

torch's generator is the Mersenne Twister, which Python has too. Only the way from a seed to its
624 numbers of state differs: torch follows Matsumoto and Nishimura (1998), Python a later paper.
So we fill the state ourselves and let Python's generator go on from there. How torch makes
floats of the twister's 32-bit numbers, and normal numbers of floats, is held to torch itself in
the tests.
"""

from __future__ import annotations

import math
import random as python_random
from collections.abc import Callable, Iterable
from typing import Any

from .creation import new_shape
from .dtypes import dtype, float32, float64, int64, stored
from .offered import offered
from .shapes import count
from .tensors import Tensor, fresh

FIRST_SEED = 67280421310721  # of a generator that was given none


class Generator:
    """Draws random numbers; the same ones after the same `manual_seed`."""

    def __init__(self) -> None:
        self._twister = python_random.Random()
        self.manual_seed(FIRST_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from this seed; returns the generator."""
        state = [seed & 0xFFFFFFFF]
        for n in range(1, 624):
            before = state[-1] ^ (state[-1] >> 30)
            state.append((1812433253 * before + n) & 0xFFFFFFFF)
        self._twister.setstate((3, (*state, 624), None))
        self._second: float | None = None
        self._seed = seed
        return self

    def initial_seed(self) -> int:
        return self._seed

    def bits(self, n: int = 32) -> int:
        """A whole number of 32 or 64 random bits."""
        high = self._twister.getrandbits(32)
        return high if n == 32 else high << 32 | self._twister.getrandbits(32)

    def uniform(self, kind: dtype) -> float:
        """From 0 up to, but without, 1: as many bits as the kind of number can hold."""
        if kind is float32:
            return (self.bits() & (2**24 - 1)) / 2**24
        return (self.bits(64) & (2**53 - 1)) / 2**53

    def normal(self) -> float:
        """A normal number; they come in pairs, the second of which waits for the next call."""
        if self._second is not None:
            number, self._second = self._second, None
            return number
        angle = 2 * math.pi * self.uniform(float64)
        radius = math.sqrt(-2 * math.log1p(-self.uniform(float64)))
        self._second = radius * math.sin(angle)
        return radius * math.cos(angle)


_everybodys = Generator()
_everybodys.manual_seed(python_random.SystemRandom().getrandbits(32))


def _chosen(generator: Generator | None) -> Generator:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(
            f"the argument 'generator' must be a torch.Generator, not {type(generator).__name__}"
        )
    return generator or _everybodys


def _drawn(kind: dtype, shape: tuple[int, ...], draw: Callable[[], float]) -> Tensor:
    return fresh([draw() for _ in range(count(shape))], shape, kind)


@offered(method=False)
def manual_seed(seed: int) -> Generator:
    """The seed of the generator that is used where none is given."""
    return _everybodys.manual_seed(seed)


@offered(method=False)
def rand(*size: Any, generator: Generator | None = None, dtype: dtype | None = None) -> Tensor:
    """Numbers from 0 up to, but without, 1."""
    source, kind = _chosen(generator), dtype or float32
    return _drawn(kind, new_shape(size, "rand"), lambda: source.uniform(kind))


@offered(method=False)
def randn(*size: Any, generator: Generator | None = None, dtype: dtype | None = None) -> Tensor:
    """Normal numbers: mean 0, variance 1."""
    source, kind, shape = _chosen(generator), dtype or float32, new_shape(size, "randn")
    n = count(shape)
    if n < 16:
        return _drawn(kind, shape, source.normal)
    numbers = stored([source.uniform(kind) for _ in range(n)], kind).tolist()
    for start in range(0, n - 15, 16):
        numbers[start : start + 16] = _sixteen_normal(numbers[start : start + 16], kind)
    if n % 16:  # the last sixteen are drawn once more
        numbers[n - 16 :] = _sixteen_normal([source.uniform(kind) for _ in range(16)], kind)
    return fresh(numbers, shape, kind)


def _sixteen_normal(uniform: list[float], kind: dtype) -> list[float]:
    """Normal numbers of uniform ones, by Box and Muller (1958): eight pairs.

    Every step is rounded, as torch's own are: they are seen in the last digits.
    """

    def rounded(numbers: Iterable[float]) -> list[float]:
        return stored(numbers, kind).tolist()

    [full_turn] = rounded([2 * math.pi])
    logarithms = rounded(math.log(1 - number) for number in uniform[:8])
    radii = rounded(math.sqrt(-2 * logarithm) for logarithm in logarithms)
    angles = rounded(full_turn * number for number in uniform[8:])
    cosines, sines = rounded(map(math.cos, angles)), rounded(map(math.sin, angles))
    return [r * part for parts in (cosines, sines) for r, part in zip(radii, parts, strict=True)]


@offered(method=False)
def rand_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    """As `rand`, in the shape and kind of another tensor."""
    return rand(input.shape, dtype=dtype or input.dtype)


@offered(method=False)
def randn_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    """As `randn`, in the shape and kind of another tensor."""
    return randn(input.shape, dtype=dtype or input.dtype)


@offered(method=False)
def randint(
    low: int,
    high: Any,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: dtype | None = None,
) -> Tensor:
    """Whole numbers from `low` (0, where one bound is given) up to, but without, `high`."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    source, width = _chosen(generator), high - low
    bits = 64 if width >= 2**28 else 32
    return _drawn(
        dtype or int64, new_shape((size,), "randint"), lambda: low + source.bits(bits) % width
    )


@offered(method=False)
def randperm(n: int, *, generator: Generator | None = None, dtype: dtype | None = None) -> Tensor:
    """The numbers from 0 to n - 1 in a random order."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    source, order = _chosen(generator), list(range(count((n,))))
    for i in range(n - 1):
        other = i + source.bits() % (n - i)
        order[i], order[other] = order[other], order[i]
    return fresh(order, (n,), dtype or int64)
