"""Still figures: one style, and one function for each kind of picture.

Functions take plain arrays and tokens, never a model, and return a matplotlib
`Figure`. Colours are those that people of all kinds of colour vision can tell
apart (Okabe and Ito 2008); backgrounds are clear, so that a figure sits on a
light page and on a dark one. What a reader can play with is in `widgets`.
Used in every chapter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from statistics import mean, stdev

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy import stats

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK = "#010203"  # stands for the colour of the page's text
_CYCLE = (BLUE, ORANGE, GREEN, PINK)
_LINES = "stroke-linejoin: round; stroke-linecap: butt"
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)


class Picture(Figure):
    """A figure that shows itself as a drawing in the page: sharp at any size.

    Its words are text of the page, in the page's colour, and its title is the
    text alternative for screen readers.
    """

    def _repr_html_(self) -> str:
        file = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "transformer-lab"}):
            self.savefig(file, format="svg", metadata={"Date": None})
        drawing = file.getvalue()
        drawing = drawing[drawing.index("<svg") :].replace(INK, "currentColor")
        # Matplotlib's rule for "*" would reach every line of the page: here it stays inside.
        drawing = _STYLE.sub("", drawing).replace("<svg ", f'<svg style="{_LINES}" ', 1)
        words = escape(self.axes[0].get_title(loc="left"), quote=True)
        style = "max-width: 100%; overflow-x: auto"
        return f'<div role="img" aria-label="{words}" style="{style}">{drawing}</div>'


def _new(title: str, *, width: float = 7.0, height: float = 3.6):
    """A figure with one axes in the style of the book; `title` states the finding."""
    figure = Picture(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    axes = _plain(figure.add_subplot())
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    return figure, axes


def _plain(axes: Axes) -> Axes:
    """Axes in the colours of the page, with a line on the left and below."""
    axes.patch.set_alpha(0.0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return axes


def bars(
    values: Mapping[str, float], *, title: str, unit: str, highlight: Sequence[str] = ()
) -> Figure:
    """Horizontal bars, one for each name, longest first as given.

    Args:
        values: a number for each name.
        title: the finding, as a sentence.
        unit: what the numbers count.
        highlight: the names to point out.
    """
    figure, axes = _new(title, height=0.8 + 0.28 * len(values))
    names = list(values)[::-1]
    colours = [ORANGE if name in highlight else BLUE for name in names]
    drawn = axes.barh(names, [values[name] for name in names], color=colours)
    axes.bar_label(drawn, fmt="%.2f", padding=4, color=INK)
    axes.margins(x=0.12)
    axes.set_xlabel(unit)
    return figure


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str,
    x: str,
    y: str,
    half_widths: Mapping[str, Sequence[float]] | None = None,
    span: tuple[str, float, float] | None = None,
    floor: float | None = None,
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """One line for each name, labelled where it ends.

    Args:
        series: for each name, the x values and the y values.
        title: the finding, as a sentence.
        x, y: what the axes show, with units.
        half_widths: for each name, half of each y value's interval; drawn as a band.
        span: a name and a range of x values, which is shaded.
        floor: a value that nothing can be below; drawn as a dashed line.
        log_x, log_y: whether each step along the axis is a multiplication.
    """
    figure, axes = _new(title)
    for (name, (xs, ys)), colour in zip(series.items(), cycle(_CYCLE)):
        axes.plot(xs, ys, color=colour, linewidth=1.8, label=name)
        if half_widths:
            halves = half_widths[name]
            low, high = np.subtract(ys, halves), np.add(ys, halves)
            axes.fill_between(xs, low, high, color=colour, alpha=0.2, linewidth=0)
    if span is not None:
        name, start, end = span
        axes.axvspan(start, end, color=INK, alpha=0.1, linewidth=0, label=name)
    if floor is not None:
        axes.axhline(floor, color=INK, linestyle="--", linewidth=1.2, label="the floor")
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if len(series) > 1 or span is not None or floor is not None:
        axes.legend(frameon=False, labelcolor=INK)
    return figure


def effects(
    samples: Mapping[str, Sequence[float]], *, title: str, unit: str, low: str, high: str
) -> Figure:
    """What each change did: a dot for each seed, and a bar that holds the true mean.

    The bar is the 95 % confidence interval of the mean (Student's t). One that
    crosses 0 says that these runs do not show a difference.

    Args:
        samples: for each name, the difference in each run (at least two).
        title: the finding, as a sentence.
        unit: what the numbers are.
        low, high: what a number below 0, or above, means.
    """
    figure, axes = _new(title, height=1.2 + 0.36 * len(samples))
    names = list(samples)[::-1]
    for row, name in enumerate(names):
        centre, half = mean_and_interval(samples[name])
        colour = INK if abs(centre) <= half else (BLUE if centre < 0 else ORANGE)
        axes.plot([centre - half, centre + half], [row, row], color=colour, linewidth=2)
        axes.plot(samples[name], [row] * len(samples[name]), "o", color=colour, markersize=4)
    axes.axvline(0, color=INK, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"{unit}   (left: {low}; right: {high})")
    return figure


def spreads(
    samples: Mapping[str, Sequence[float]], *, title: str, unit: str, first: str, others: str
) -> Figure:
    """What each of several runs found: a dot for each, and a line from the least to the most.

    Args:
        samples: for each finding, its number in each run, always in the same order.
        title: what the dots show, as a sentence.
        unit: what the numbers are.
        first, others: what the first run is called, which stands out, and the rest.
    """
    figure, axes = _new(title, height=1.2 + 0.36 * len(samples))
    names = list(samples)[::-1]
    for row, name in enumerate(names):
        one, *rest = samples[name]
        axes.plot([min(one, *rest), max(one, *rest)], [row, row], color=INK, linewidth=1)
        axes.plot(rest, [row] * len(rest), "o", color=BLUE, alpha=0.7)
        axes.plot(one, row, "D", color=ORANGE)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(unit)
    marks = axes.lines[-1], axes.lines[-2]
    place = {"loc": "outside lower right", "ncols": 2}
    figure.legend(marks, (first, others), frameon=False, labelcolor=INK, **place)
    return figure


def mean_and_interval(sample: Sequence[float]) -> tuple[float, float]:
    """The mean, and how far its 95 % confidence interval reaches to each side (Student's t).

    Raises:
        ValueError: for fewer than two numbers, which have no interval.

    >>> mean_and_interval([1.0, 2.0, 3.0])[0]
    2.0
    """
    if len(sample) < 2:
        raise ValueError(f"an interval needs at least 2 numbers, not {len(sample)}")
    reach = stats.t.ppf(0.975, df=len(sample) - 1) * stdev(sample) / len(sample) ** 0.5
    return mean(sample), float(reach)


def share_and_interval(right: int, of: int) -> tuple[float, float, float]:
    """A share, and the ends of its 95 % confidence interval (Wilson 1927).

    Raises:
        ValueError: if there are more right ones than there are at all.

    >>> [round(end, 2) for end in share_and_interval(39, 40)]
    [0.97, 0.87, 1.0]
    """
    found = stats.binomtest(int(right), int(of))
    low, high = found.proportion_ci(method="wilson")
    return float(found.statistic), float(low), float(high)


def trade_off(
    points: Mapping[str, tuple[float, float]],
    *,
    title: str,
    x: str,
    y: str,
    apart: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Named points joined in their order: what is won against what is lost.

    Args:
        points: for each name, its x and its y.
        title: the finding, as a sentence.
        x, y: what the axes show, with units.
        apart: points to compare with, drawn as diamonds and not joined.
    """
    figure, axes = _new(title)
    axes.plot(*zip(*points.values(), strict=True), color=BLUE, marker="o", linewidth=1.5)
    apart = apart or {}
    for place in apart.values():
        axes.plot(*place, color=ORANGE, marker="D", linestyle="none")
    for name, place in {**points, **apart}.items():
        axes.annotate(
            name, place, xytext=(6, -12), textcoords="offset points", color=INK, fontsize=9
        )
    axes.margins(0.12)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure


def table_of_heads(
    scores: Sequence[Sequence[float]], *, title: str, unit: str, percent: bool = True
) -> Figure:
    """A number for each head, as a grid: layers down, heads across.

    Args:
        scores: one row for each layer, one number for each head.
        title: the finding, as a sentence.
        unit: what the numbers are.
        percent: whether they are shares, to be shown as percentages.
    """
    figure, axes = _new(title, width=1.6 + 1.1 * len(scores[0]), height=1.3 + 0.6 * len(scores))
    top = max(max(row) for row in scores)
    axes.pcolormesh(scores, cmap="Blues", vmin=0, vmax=top or 1)
    axes.invert_yaxis()
    for layer, row in enumerate(scores):
        for head, value in enumerate(row):
            text = f"{100 * value:.0f} %" if percent else f"{value:.2f}"
            colour = "white" if value > 0.55 * top else "#222222"
            axes.text(head + 0.5, layer + 0.5, text, ha="center", va="center", color=colour)
    n_heads, n_layers = len(scores[0]), len(scores)
    axes.set_xticks([i + 0.5 for i in range(n_heads)], [f"head {i}" for i in range(n_heads)])
    axes.set_yticks([i + 0.5 for i in range(n_layers)], [f"layer {i}" for i in range(n_layers)])
    axes.set_xlabel(unit)
    return figure


def heads_by_layer(
    scores: Mapping[str, Sequence[Sequence[float]]], *, title: str, unit: str
) -> Figure:
    """A shade for each head of a large model, in a grid for each question: layers across.

    Args:
        scores: for each question, one row for each head of a layer, one number for each layer;
            shares, from 0 to 1.
        title: the finding, as a sentence.
        unit: what the numbers are.
    """
    figure = Picture(figsize=(7.0, 0.8 + 1.5 * len(scores)), layout="constrained")
    figure.patch.set_alpha(0.0)
    panels = figure.subplots(len(scores), squeeze=False)[:, 0]
    shares = Normalize(0, 1)
    for axes, (question, grid) in zip(panels, scores.items(), strict=True):
        _plain(axes).pcolormesh(grid, cmap="Blues", norm=shares, rasterized=True)
        axes.invert_yaxis()
        axes.set_title(question, loc="right", color=INK, fontsize=10)
        axes.set_yticks([0.5, len(grid) - 0.5], ["head 0", f"head {len(grid) - 1}"])
        every_fifth = range(0, len(grid[0]), 5)
        axes.set_xticks([layer + 0.5 for layer in every_fifth], map(str, every_fifth))
    panels[0].set_title(title, loc="left", color=INK, fontsize=11)
    panels[-1].set_xlabel("layer")
    shades = ScalarMappable(shares, cmap="Blues")
    scale = figure.colorbar(shades, ax=panels, aspect=40, format=PercentFormatter(1))
    scale.set_label(unit, color=INK)
    scale.outline.set_edgecolor(INK)
    scale.ax.tick_params(colors=INK)
    return figure
