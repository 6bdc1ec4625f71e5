"""Morse code: the lengths of the standard, the hand, the sound and its spectrogram."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import signal

from transformer_lab.languages import morse

EVEN = morse.Conditions(words_per_minute=20, unevenness=0, noise=0, fading=0)


def test_each_letter_has_a_code_of_its_own():
    assert len(morse.CODE) == len(set(morse.CODE.values())) == 26
    assert all(set(code) <= {".", "-"} and 1 <= len(code) <= 4 for code in morse.CODE.values())


def test_paris_has_the_length_that_defines_a_word_a_minute():
    """50 units, of which seven are the space before the next word."""
    strokes = morse.key("paris", random.Random(0), EVEN)
    assert sum(seconds for _, seconds in strokes) == pytest.approx(43 * 0.06)
    assert [is_down for is_down, _ in strokes] == [i % 2 == 0 for i in range(len(strokes))]


def test_an_uneven_hand_keeps_the_lengths_only_on_the_whole():
    uneven = morse.Conditions(words_per_minute=20, unevenness=0.1)
    lengths = [
        seconds / 0.06
        for seed in range(200)
        for _, seconds in morse.key("t", random.Random(seed), uneven)
    ]
    assert np.mean(lengths) == pytest.approx(3, rel=0.02)
    assert np.std(np.log(lengths)) == pytest.approx(0.1, rel=0.2)


def test_what_is_no_letter_is_refused():
    with pytest.raises(ValueError, match="'ä' is not in this code"):
        morse.key("ä", random.Random(0), EVEN)


def test_the_spectrogram_is_that_of_scipy():
    samples = np.random.default_rng(0).standard_normal(morse.HOP * morse.SPECTRA * 7)
    *_, waves = signal.stft(
        np.pad(samples, morse.WINDOW // 2), nperseg=64, noverlap=32, boundary=None, padded=False
    )
    expected = morse.TONE * 4 * np.abs(waves[10:26, :-1]).T ** 2
    assert np.allclose(morse.spectrogram(samples), expected)


def test_a_tone_of_amplitude_one_gives_what_is_said_in_its_band():
    time = np.arange(4000) / morse.RATE
    middle = morse.spectrogram(np.sin(2 * np.pi * 562.5 * time))[60]
    assert middle.max() == pytest.approx(morse.TONE, rel=0.01)
    assert morse.BANDS[middle.argmax()] * morse.RATE / morse.WINDOW == 562.5


def test_slices_hold_the_spectrogram_cover_the_sound_and_end_in_silence():
    for n_samples in (1, 192, 193, 1000):
        samples = np.ones(n_samples)
        heard, silence = morse.slices(samples).tensor_split([-morse.SILENT_SLICES])
        assert heard.shape == (-(-n_samples // 192), morse.SLICE_SIZE)
        assert np.allclose(heard.flatten(), morse.spectrogram(samples).flatten(), rtol=1e-5)
        assert not silence.any()


def test_the_same_seed_makes_the_same_sound():
    one, other = (morse.sample(random.Random(7)) for _ in range(2))
    assert one[1] == other[1]
    assert np.array_equal(one[0], other[0])
