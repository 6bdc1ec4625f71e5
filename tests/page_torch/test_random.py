"""The same random numbers as torch, from the same seed."""

import pytest
import torch

from tests.page_torch.against import assert_same
from transformer_lab import page_torch


def drawn(module, draw, seed):
    return draw(module, module.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 + 5, -3])
@pytest.mark.parametrize(
    "draw",
    [
        lambda t, g: t.rand(7, generator=g),
        lambda t, g: t.rand(2, 3, dtype=t.float64, generator=g),
        lambda t, g: t.randn(3, generator=g),
        lambda t, g: (t.randn(3, generator=g), t.randn(2, generator=g)),  # the second of a pair
        lambda t, g: t.randn(3, 4, dtype=t.float64, generator=g),
        lambda t, g: t.randn(40, dtype=t.float64, generator=g),
        lambda t, g: t.randint(10, (5,), generator=g),
        lambda t, g: t.randint(-3, 2**29, (4,), generator=g),
        lambda t, g: t.randint(0, 2**40, (4,), generator=g),
        lambda t, g: t.randperm(9, generator=g),
        lambda t, g: (t.rand(1, generator=g), t.randperm(3, generator=g), t.rand(1, generator=g)),
    ],
)
def test_exactly_torchs_numbers(draw, seed):
    assert_same(drawn, draw, seed, tolerance=0)


@pytest.mark.parametrize("n", [16, 17, 31, 100, 1000])
def test_sixteen_and_more_normal_numbers_to_the_last_digits(n):
    """torch draws these with the processor's own short cuts, which differ in the last digits."""
    numbers = page_torch.randn(n, generator=page_torch.Generator().manual_seed(n))
    wanted = torch.randn(n, generator=torch.Generator().manual_seed(n))
    off = (torch.tensor(numbers.tolist()) - wanted).abs()
    assert (off <= 4 * torch.finfo(torch.float32).eps * wanted.abs().clamp(min=2**-10)).all()


def test_the_seed_of_everybodys_generator():
    assert_same(
        lambda t: (t.manual_seed(5) and None, t.rand(2), t.randn(2), t.rand_like(t.ones(3)))
    )
    assert_same(lambda t: (t.Generator().initial_seed(), t.rand(2, generator=t.Generator())))


def test_what_cannot_be_drawn():
    for call in (
        lambda t: t.randint(3, 3, (2,)),
        lambda t: t.randperm(-1),
        lambda t: t.randn(-1),
        lambda t: t.randn(2, generator=3),
        lambda t: t.rand("a"),
    ):
        assert_same(call)
