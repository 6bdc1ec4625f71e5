"""Morse code read by rule: envelope, threshold, table. Nothing here is learned.

What stands beside the model of chapter 17: a decoder of the classical kind, which is told
the code, the lengths and the band. Its two settings are those with the fewest mistakes
on sounds of another seed. It leaves out all that better ones do against noise.

Taught in chapter 17.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from transformer_lab.languages import morse

LETTERS = {code: letter for letter, code in morse.CODE.items()}


def listen(samples: np.ndarray, *, smoothing: float = 0.045, threshold: float = 0.38) -> str:
    """What a decoder of the classical kind hears: envelope, threshold, table.

    It finds the pitch, and how loud that is at each moment; what lies above a threshold is a
    mark. Then it looks for the unit of time that fits all lengths best. A row of marks
    that is no letter becomes "?".

    Args:
        samples: from `morse.sound`.
        smoothing: seconds over which loudness is averaged; what is much shorter is no mark.
        threshold: as a share of the loudest.
    """
    loudness = _envelope(samples, smoothing)
    is_on = loudness > threshold * np.quantile(loudness, 0.95)
    edges = np.flatnonzero(np.diff(is_on, prepend=False, append=False))
    edges = _without_short_runs(edges / morse.RATE, smoothing)
    lengths = np.diff(edges)  # mark, gap, mark, …
    unit = _best_unit(lengths)
    letters = [""]
    for place, length in enumerate(lengths):
        is_long = length > np.sqrt(3) * unit  # half way between one unit and three, as a ratio
        if place % 2 == 0:
            letters[-1] += "-" if is_long else "."
        elif is_long:
            letters.append("")
    return "".join(LETTERS.get(code, "?") for code in letters if code)


def _envelope(samples: np.ndarray, seconds: float) -> np.ndarray:
    """How loud the strongest of the kept frequencies is at each moment."""
    frequencies, powers = signal.periodogram(samples, morse.RATE)
    width = morse.RATE / morse.WINDOW
    kept = (frequencies >= morse.BANDS.start * width) & (frequencies <= morse.BANDS.stop * width)
    pitch = frequencies[kept][powers[kept].argmax()]
    time = np.arange(len(samples)) / morse.RATE
    window = np.hanning(int(seconds * morse.RATE))
    turned = samples * np.exp(-2j * np.pi * pitch * time)  # the pitch becomes frequency 0
    return 2 * np.abs(np.convolve(turned, window / window.sum(), mode="same"))


def _without_short_runs(edges: np.ndarray, shortest: float) -> np.ndarray:
    """The times at which marks begin and end, without marks and gaps that are too short."""
    kept: list[float] = []
    for edge in edges:
        if kept and edge - kept[-1] < shortest / 2:
            kept.pop()
        else:
            kept.append(edge)
    return np.array(kept)


def _best_unit(lengths: np.ndarray) -> float:
    """The unit, between 10 and 40 words a minute, of which all lengths are nearly one or three."""
    units = 1.2 / np.geomspace(10, 40, 60)
    off = np.log(np.maximum(lengths, 1e-3)[None] / units[:, None])  # (units, lengths)
    cost = np.minimum(off**2, (off - np.log(3)) ** 2).sum(axis=1)
    return float(units[cost.argmin()])
