"""Morse code, keyed by an uneven hand, heard through fading and noise; the truth is known.

A letter is a row of short and long tones (marks). All lengths are told in one unit: a short
mark has one, a long one three; one unit of silence lies between marks and three between
letters. Nobody's hand keeps to that: here each length is off by some per cent. The tone has
a pitch of its own, fades slowly in and out, and stands in white noise.

Holds the code, the key, the sound and its spectrogram. It leaves out figures, spaces between
words, and the clicks of real keys. What reads it without learning is in `morse_table.py`.

Shapes: `S` slices, `N` = `SLICE_SIZE` numbers in each.

Sources: ITU-R M.1677-1 (2009), the code and its lengths. Taught in chapter 17.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

CODE = {
    "a": ".-", "b": "-...", "c": "-.-.", "d": "-..", "e": ".", "f": "..-.", "g": "--.",
    "h": "....", "i": "..", "j": ".---", "k": "-.-", "l": ".-..", "m": "--", "n": "-.",
    "o": "---", "p": ".--.", "q": "--.-", "r": ".-.", "s": "...", "t": "-", "u": "..-",
    "v": "...-", "w": ".--", "x": "-..-", "y": "-.--", "z": "--..",
}  # fmt: skip

RATE = 2000  # samples a second
WINDOW, HOP = 64, 32  # samples of a spectrum, and from one to the next: 32 and 16 ms
HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
BANDS = range(10, 26)  # the frequencies that are kept: 312 to 781 Hz, 31 Hz apart
SPECTRA = 6  # in a slice, which so lasts 96 ms
SLICE_SIZE = SPECTRA * len(BANDS)
# Behind each sound, so that a model can know its end.
SILENT_SLICES = 5
# What a letter takes at least. The shortest, an e and the gap behind it, lasts about 0.2 seconds.
SLICES_A_LETTER = 2
TONE = 12.0  # what a tone of amplitude 1 gives in its band
EDGE = 0.005  # seconds in which a tone comes and goes, so that it does not click


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How a text is sent, and what happens to it on the way."""

    words_per_minute: float = 24.0  # a unit lasts 1.2 seconds over this
    unevenness: float = 0.1  # standard deviation of a length's logarithm
    noise: float = 0.5  # standard deviation; the tone's amplitude is 1
    fading: float = 0.3  # the share of the tone that is lost at the worst moment
    pitch: float = 550.0  # Hz


def sample_text(rng: random.Random, *, longest: int = 5) -> str:
    """A group of random letters, as operators practise with: no word that could be guessed."""
    return "".join(rng.choices(sorted(CODE), k=rng.randint(1, longest)))


def sample_conditions(rng: random.Random) -> Conditions:
    """Some hand, some pitch, some weather."""
    return Conditions(
        words_per_minute=rng.uniform(22, 26),
        unevenness=rng.uniform(0.0, 0.1),
        noise=rng.uniform(0.0, 0.5),
        fading=rng.uniform(0.0, 0.5),
        pitch=rng.uniform(450, 650),
    )


def sample(rng: random.Random, *, longest: int = 5) -> tuple[np.ndarray, str]:
    """A sound, and the text that was sent.

    Args:
        rng: of the draws.
        longest: the most letters that the text may have.
    """
    text, conditions = sample_text(rng, longest=longest), sample_conditions(rng)
    return sound(key(text, rng, conditions), rng, conditions), text


def key(text: str, rng: random.Random, conditions: Conditions) -> list[tuple[bool, float]]:
    """The hand on the key: (is the key down?, seconds), one after the other.

    Raises:
        ValueError: if the text holds anything but the letters from a to z.

    >>> even = Conditions(words_per_minute=12, unevenness=0)
    >>> key("et", random.Random(0), even)  # short, a letter's gap, long
    [(True, 0.1), (False, 0.3), (True, 0.3)]
    """
    if unknown := [letter for letter in text if letter not in CODE]:
        raise ValueError(f"{unknown[0]!r} is not in this code: it has the letters from a to z")
    units: list[tuple[bool, int]] = []
    for letter in text:
        for mark in CODE[letter]:
            units += [(True, 1 if mark == "." else 3), (False, 1)]
        units[-1] = (False, 3)
    unit = 1.2 / conditions.words_per_minute
    return [
        (is_down, round(length * unit * rng.lognormvariate(0, conditions.unevenness), 6))
        for is_down, length in units[:-1]
    ]


def sound(
    strokes: Sequence[tuple[bool, float]], rng: random.Random, conditions: Conditions
) -> np.ndarray:
    """What is heard: `RATE` samples a second, with some silence before and after.

    Args:
        strokes: from `key`.
        rng: of the silence, the fading and the noise.
        conditions: of the way.
    """
    before, after = rng.uniform(0.05, 0.3), rng.uniform(0.3, 0.5)
    ends = np.cumsum([before, *(seconds for _, seconds in strokes)])
    # Single precision from here on takes half as long, and a training makes 72,000 sounds.
    time = np.arange(int((ends[-1] + after) * RATE), dtype=np.float32) / RATE
    # The edge of a mark lies where it has come to half of its level.
    corners = np.repeat(ends, 2) + np.tile([-EDGE / 2, EDGE / 2], len(ends))
    is_down = [False, *(is_down for is_down, _ in strokes), False]  # before, between and after
    level = np.interp(time, corners, np.repeat(is_down, 2)[1:-1]).astype(np.float32)
    slow = np.sin(2 * np.pi * (rng.uniform(0.1, 0.5) * time + rng.random()))
    faded = 1 - conditions.fading * (1 + slow) / 2
    tone = np.sin(2 * np.pi * (conditions.pitch * time + rng.random()))
    white = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(time), dtype=np.float32)
    return level * faded * tone + conditions.noise * white


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """The power of each of the kept frequencies, every 16 ms: (spectra, bands).

    A tone of amplitude 1 gives `TONE` in its band, and something in those beside it. Power, not its
    logarithm as Whisper's: the tone stands out from the noise more.
    """
    rest = -len(samples) % (HOP * SPECTRA)  # fill up the last slice
    samples = np.pad(samples, (WINDOW // 2, WINDOW // 2 + rest))
    pieces = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[:-1:HOP]
    waves = np.fft.rfft(pieces * HANN)[:, BANDS.start : BANDS.stop]
    return TONE * (2 * np.abs(waves) / HANN.sum()) ** 2


def slices(samples: np.ndarray) -> Float[Tensor, "S N"]:
    """The spectrogram in slices of six spectra, one row of numbers for each; then silence."""
    heard = torch.from_numpy(spectrogram(samples)).float().view(-1, SLICE_SIZE)
    return torch.cat([heard, torch.zeros(SILENT_SLICES, SLICE_SIZE)])
