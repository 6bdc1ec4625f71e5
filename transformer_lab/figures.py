"""Still figures: one style, and one function for each kind of picture.

Functions take plain arrays and tokens, never a model, and return a matplotlib
`Figure`. Colours are those that people of all kinds of colour vision can tell
apart (Okabe and Ito 2008); backgrounds are clear, so that a figure sits on a
light page and on a dark one. What a reader can play with is in `widgets`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#808080"
_CYCLE = (BLUE, ORANGE, GREEN, PINK)


def _new(title: str, *, width: float = 7.0, height: float = 3.6):
    """A figure with one axes in the style of the book; `title` states the finding."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    figure.patch.set_alpha(0.0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    axes.set_title(title, loc="left", color=GREY, fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=GREY)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    return figure, axes


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
    axes.bar_label(drawn, fmt="%.2f", padding=4, color=GREY)
    axes.margins(x=0.12)
    axes.set_xlabel(unit)
    return figure


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str,
    x: str,
    y: str,
    floor: float | None = None,
    log_x: bool = False,
) -> Figure:
    """One line for each name, labelled where it ends.

    Args:
        series: for each name, the x values and the y values.
        title: the finding, as a sentence.
        x, y: what the axes show, with units.
        floor: a value that nothing can be below; drawn as a dashed line.
        log_x: whether each step to the right is a multiplication.
    """
    figure, axes = _new(title)
    for (name, (xs, ys)), colour in zip(series.items(), cycle(_CYCLE)):
        axes.plot(xs, ys, color=colour, linewidth=1.8, label=name)
    if floor is not None:
        axes.axhline(floor, color=GREY, linestyle="--", linewidth=1.2, label="the floor")
    if log_x:
        axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if len(series) > 1 or floor is not None:
        axes.legend(frameon=False, labelcolor=GREY)
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
    axes.imshow(scores, cmap="Blues", vmin=0, vmax=top or 1, aspect="auto")
    for layer, row in enumerate(scores):
        for head, value in enumerate(row):
            text = f"{100 * value:.0f} %" if percent else f"{value:.2f}"
            colour = "white" if value > 0.55 * top else "#222222"
            axes.text(head, layer, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(scores[0])), [f"head {head}" for head in range(len(scores[0]))])
    axes.set_yticks(range(len(scores)), [f"layer {layer}" for layer in range(len(scores))])
    axes.set_xlabel(unit)
    return figure
