"""morse-listener: as good as the book says, on sounds that it never heard."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from transformer_lab import recipes
from transformer_lab.exercises import chapter_17
from transformer_lab.languages import morse
from transformer_lab.recipes import morse_listener as morse_listener_recipe
from transformer_lab.training import IGNORED

edits, error_rate = morse_listener_recipe.edits, morse_listener_recipe.error_rate


@pytest.fixture(scope="module")
def morse_listener():
    return recipes.load("morse-listener", progress=False)


def test_nearly_every_letter_of_new_sounds_is_heard(morse_listener):
    """Measured anew, on sounds of another seed."""
    rng = random.Random("a test's own")
    drawn = [morse.sample(rng) for _ in range(60)]
    heard = [morse_listener.listen(samples) for samples, _ in drawn]
    assert error_rate(heard, [text for _, text in drawn]) <= 0.04
    assert morse_listener.report.error_rate < 0.03  # about 0.01; no two machines learn the same
    assert morse_listener.report.parameters <= 200_000
    assert "mistakes in 100 letters of 500 held-out sounds" in morse_listener.report.summary()


def test_it_begins_with_one_letter_and_texts_grow_longer(morse_listener):
    recipe = morse_listener.recipe
    batch_at = recipe.batches(morse_listener.tokenizer)
    for step, longest in [(0, 1), (recipe.longer_every, 2), (recipe.steps - 1, recipe.longest)]:
        assert batch_at(step).inputs.shape == (recipe.batch_size, 1 + longest)


def test_the_decoder_is_given_the_text_shifted_right_and_what_fills_up_a_sound_is_hidden(
    morse_listener,
):
    tokenizer = morse_listener.tokenizer
    drawn = [(np.ones(2000), "so"), (np.ones(4000), "e")]
    batch = morse_listener_recipe.sound_batch(tokenizer, drawn)
    s, o, e = (tokenizer.vocab[letter] for letter in "soe")
    assert batch.inputs.tolist() == [[2, s, o], [2, e, 0]]
    assert batch.targets.tolist() == [[s, o, 3], [e, 3, IGNORED]]
    short, long = (morse.slices(samples) for samples, _ in drawn)
    assert torch.equal(batch.source[0, : len(short)], short)
    assert torch.equal(batch.source[1], long)
    assert batch.source_mask.squeeze().sum(dim=1).tolist() == [len(short), len(long)]


@torch.no_grad()
def test_a_short_sound_is_heard_in_a_batch_as_it_is_alone(morse_listener):
    drawn = [(np.ones(2000), "so"), (np.ones(4000), "us")]
    batches = (drawn, drawn[:1])
    together, alone = (
        morse_listener_recipe.sound_batch(morse_listener.tokenizer, part).logits(
            morse_listener.model
        )[0]
        for part in batches
    )
    assert torch.allclose(together, alone, atol=1e-4)


def test_it_writes_no_more_than_a_hand_could_have_sent(morse_listener):
    tokenizer = morse_listener.tokenizer
    stuck = morse_listener.recipe.make_model(len(tokenizer)).eval()
    e = stuck.embeddings.token.weight[tokenizer.vocab["e"]].detach()
    stuck.decoder_norm.load_state_dict({"weight": torch.zeros_like(e), "bias": e})
    samples = np.ones(2000)
    n_most = len(morse.slices(samples)) // 2
    assert morse_listener_recipe.hear(stuck, tokenizer, samples) == n_most * "e"


def test_a_batch_is_the_same_whenever_asked(morse_listener):
    first, again = (morse_listener.recipe.batches(morse_listener.tokenizer)(250) for _ in range(2))
    assert torch.equal(first.source, again.source)


def test_what_it_cannot_hear_is_one_clear_sentence(morse_listener):
    with pytest.raises(ValueError, match=r"slices, but this model sees at most 96"):
        morse_listener.listen(np.zeros(20_000))
    with pytest.raises(ValueError, match="morse-listener reads sounds, not text"):
        morse_listener.ids("sos")


@pytest.mark.parametrize(
    ("written", "truth", "n"),
    [("sos", "sos", 0), ("", "sos", 3), ("sos", "", 3), ("sso", "sos", 2), ("oso", "sos", 2)],
)
def test_edits_are_the_fewest(written, truth, n):
    assert edits(written, truth) == edits(truth, written) == n


def test_the_exercise_counts_edits_as_the_recipe_does():
    rng = random.Random(0)
    for _ in range(200):
        written, truth = ("".join(rng.choices("abc", k=rng.randint(0, 6))) for _ in range(2))
        assert edits(written, truth) == chapter_17.edits(written, truth)


def test_an_error_rate_is_over_all_letters_that_were_sent():
    assert error_rate(["a", "xxxx"], ["abc", "x"]) == 5 / 4
