"""Morse code read by rule: every letter, silence, and what noise does."""

import random

import numpy as np

from transformer_lab.languages import morse, morse_table

EVEN = morse.Conditions(words_per_minute=20, unevenness=0, noise=0, fading=0)


def heard(text, rng, conditions):
    return morse_table.listen(morse.sound(morse.key(text, rng, conditions), rng, conditions))


def test_every_letter_is_known_by_its_code():
    rng = random.Random(1)
    for letter in morse.CODE:  # "r" before it shows what is short and what is long
        assert heard(f"r{letter}", rng, EVEN) == f"r{letter}"


def test_silence_is_no_letter():
    assert morse_table.listen(np.zeros(3000)) == ""


def test_little_noise_does_no_harm_and_much_does():
    rng = random.Random(2)
    right = {}
    for noise in (0.3, 3.0):
        texts = [morse.sample_text(rng) for _ in range(20)]
        conditions = morse.Conditions(noise=noise)
        right[noise] = sum(heard(text, rng, conditions) == text for text in texts)
    assert right[0.3] >= 19
    assert right[3.0] <= 5
