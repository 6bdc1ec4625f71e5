"""What Python asks of a tensor, and torch's answers."""

import copy

import pytest

from tests.page_torch.against import assert_same

CALLS = [
    lambda t: len(t.ones(3, 2)),
    lambda t: len(t.tensor(1)),
    lambda t: list(t.arange(3)),
    lambda t: [row.tolist() for row in t.eye(2)],
    lambda t: iter(t.tensor(1)),
    lambda t: bool(t.tensor([0.5])),
    lambda t: bool(t.ones(2)),
    lambda t: bool(t.ones(0)),
    lambda t: float(t.tensor([[2]])),
    lambda t: int(t.tensor(2.9)),
    lambda t: float(t.ones(2)),
    lambda t: t.ones(2).item(),
    lambda t: t.ones(0).item(),
    lambda t: (t.tensor(True).item(), t.tensor(3).item(), t.tensor(0.1).item()),
    lambda t: [10, 20, 30][t.tensor(1)],
    lambda t: [10, 20, 30][t.tensor(1.0)],
    lambda t: list(range(t.tensor(3))),
    lambda t: (2 in t.arange(3), 5 in t.arange(3)),
    lambda t: t.zeros(2, 0).tolist(),
    lambda t: t.zeros(0, 2).tolist(),
    lambda t: (t.ones(2, 3).tolist(), t.eye(2, dtype=t.bool).tolist()),
    lambda t: sum(t.arange(4)),
    lambda t: max(t.arange(4)),
    lambda t: sorted(t.tensor([3, 1, 2])),
    lambda t: (abs(t.tensor(-1)), -t.ones(2), +t.ones(2), ~t.tensor([True])),
    lambda t: t.ones(2, 3).shape[:1],
    lambda t: t.ones(2, 3).shape.numel(),
    lambda t: t.ones(2, 3).shape == (2, 3),
    lambda t: round(t.tensor(2.567).item(), 2),
    lambda t: copy.deepcopy([t.arange(3)]),
    lambda t: len({t.tensor(1), t.tensor(1)}),
    lambda t: isinstance(t.ones(1), t.Tensor) and t.is_tensor(t.ones(1)),
    lambda t: (t.finfo(t.float32).min, t.finfo(t.float32).eps, t.finfo(t.float64).max),
    lambda t: t.finfo(t.int64),
    lambda t: (t.float32.is_floating_point, t.int64.is_floating_point, t.float is t.float32),
]


@pytest.mark.parametrize("call", CALLS)
def test_what_python_asks(call):
    assert_same(call)


def test_a_copy_has_numbers_of_its_own():
    def copied(t):
        x = t.arange(3)
        other = copy.deepcopy(x)
        other[0] = 9
        return x, other

    assert_same(copied)


def test_a_part_without_gradients_is_just_run():
    def doubled(t):
        with t.no_grad():
            return t.ones(2) * 2

    assert_same(doubled)
