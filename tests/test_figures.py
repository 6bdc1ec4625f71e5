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
    with pytest.raises(ValueError, match="at least 2 numbers, not 1"):
        figures.mean_and_interval([1.0])


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_the_interval_of_a_share_holds_the_true_one_about_95_times_in_100(share):
    rng = random.Random(7)
    held = 0
    for _ in range(1000):
        right = sum(rng.random() < share for _ in range(60))
        _, low, high = figures.share_and_interval(right, 60)
        held += low <= share <= high
    assert 0.92 < held / 1000 < 0.98


def test_the_interval_of_a_share_stays_between_0_and_1():
    assert figures.share_and_interval(40, 40)[1:] == pytest.approx((0.912, 1.0), abs=0.001)
    assert figures.share_and_interval(0, 40)[1] == 0


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


def test_each_run_has_its_dot_and_the_first_stands_out():
    drawn = figures.spreads(
        {"alike": [0.5, 0.5, 0.6], "apart": [0.1, 0.9, 0.4]},
        title="t", unit="u", first="one", others="rest",
    )  # fmt: skip
    found = {(line.get_marker(), line.get_ydata()[0]): line for line in drawn.axes[0].lines}
    assert [*found["None", 0].get_xdata()] == [0.1, 0.9]
    assert [*found["o", 0].get_xdata()] == [0.9, 0.4]
    assert [*found["D", 0].get_xdata()] == [0.1]
    assert [*found["o", 1].get_xdata()] == [0.5, 0.6]
    texts = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert texts == ["one", "rest"]


def test_a_picture_brings_no_style_that_reaches_the_page_around_it():
    drawing = figures.bars({"a": 1.0, "b": 2.0}, title="t", unit="u")._repr_html_()
    assert "<style" not in drawing
    assert "stroke-linecap: butt" in drawing[: drawing.index(">", drawing.index("<svg"))]


def test_a_grid_of_heads_shows_each_one_at_its_layer():
    grid = [[0.1, 0.2, 0.9], [0.3, 0.4, 0.5]]  # two heads, three layers
    drawn = figures.heads_by_layer({"a": grid, "b": grid}, title="t", unit="u")
    first, second, _scale = drawn.axes
    assert [axes.get_title(loc="right") for axes in (first, second)] == ["a", "b"]
    assert first.get_title(loc="left") == "t"
    shades = first.collections[0]
    assert shades.get_array().tolist() == grid
    assert shades.get_clim() == (0, 1)


def test_lines_show_their_intervals_and_the_range_that_is_shaded():
    figure = figures.lines(
        {"model": ([1, 2], [3, 5])},
        half_widths={"model": [1, 2]},
        span=("in training", 1, 1.5),
        title="a line",
        x="x",
        y="y",
    )
    [axes] = figure.axes
    [band] = axes.collections
    assert band.get_datalim(axes.transData).get_points().tolist() == [[1, 2], [2, 7]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["model", "in training"]
