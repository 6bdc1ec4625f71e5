"""Still figures: what they claim about numbers is right."""

import random

import pytest

from transformer_lab import figures


@pytest.mark.parametrize("n", range(2, 10))
def test_a_95_percent_interval_holds_the_true_mean_95_times_in_100(n):
    rng = random.Random(n)
    held = 0
    for _ in range(8000):
        centre, half = figures.mean_and_interval([rng.gauss(3, 2) for _ in range(n)])
        held += abs(centre - 3) <= half
    assert 0.943 < held / 8000 < 0.957


def test_one_number_has_no_interval():
    with pytest.raises(ValueError, match="for 2 to 9 numbers, not for 1"):
        figures.mean_and_interval([1.0])


def test_only_an_interval_that_leaves_out_zero_is_coloured():
    drawn = figures.effects(
        {"better": [-3.0, -3.1, -2.9], "unclear": [-1.0, 1.0, 0.5], "worse": [2.0, 2.1, 1.9]},
        title="t", unit="u", low="better", high="worse",
    )  # fmt: skip
    colours = {
        line.get_ydata()[0]: line.get_color()
        for line in drawn.axes[0].lines
        if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"
    }
    assert colours == {2: figures.BLUE, 1: figures.INK, 0: figures.ORANGE}
