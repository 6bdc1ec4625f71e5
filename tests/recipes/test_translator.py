"""The translator: as good as the book says, on sentences it never saw."""

import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import translation
from transformer_lab.recipes import translator as translator_recipe
from transformer_lab.training import IGNORED


@pytest.fixture(scope="module")
def translator():
    return recipes.load("translator", progress=False)


def test_nearly_every_held_out_sentence_is_right_to_the_last_word(translator):
    """Measured anew, by free running, on every third one."""
    _, held_out = translation.held_out(translator.recipe.n_held_out, seed=translator.recipe.seed)
    sample = held_out[::3]
    right = [
        translator.translate(translation.spell(pair.english)) == translation.spell(pair.hindi)
        for pair in sample
    ]
    assert sum(right) / len(right) >= 0.99
    with_teacher = translator_recipe.exact_matches(translator.model, translator.tokenizer, sample)
    assert right == with_teacher
    assert translator.report.exact_match >= 0.99
    assert translator.report.parameters <= 500_000


def test_we_are_friends(translator):
    assert translator.translate("We are friends.") == "हम दोस्त हैं"
    assert translator.translate("we are friends", n_beams=4) == "हम दोस्त हैं"


def test_held_out_sentences_are_never_trained_on(translator):
    recipe, tokenizer = translator.recipe, translator.tokenizer
    _, held_out = translation.held_out(recipe.n_held_out, seed=recipe.seed)
    english, hindi = {pair.english for pair in held_out}, {pair.hindi for pair in held_out}
    batch_at = recipe.batches(tokenizer)
    for step in range(0, recipe.steps, 50):
        batch = batch_at(step)
        for source, targets in zip(batch.source.tolist(), batch.targets.tolist(), strict=True):
            words = [tokenizer.piece(id) for id in source if id > 3]
            assert tuple(words) not in english
            written = [tokenizer.piece(id) for id in targets if id not in (IGNORED, 3)]
            assert tuple(written) not in hindi


def test_the_decoder_is_given_the_translation_shifted_right(translator):
    pair = translation.pairs()[0]
    batch = translator_recipe.translation_batch(translator.tokenizer, [pair])
    ids = [translator.tokenizer.vocab[word] for word in pair.hindi]
    assert batch.inputs.tolist() == [[2, *ids]]
    assert batch.targets.tolist() == [[*ids, 3]]
    assert batch.source.tolist()[0][-1] == 3


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("the cat drinks milk", "does not know 'cat'"),
        ("", "nothing to translate"),
        ("the red " * 20, "at most 15"),
    ],
)
def test_what_it_cannot_read_is_one_clear_sentence(translator, sentence, message):
    with pytest.raises(ValueError, match=message):
        translator.translate(sentence)


def test_a_snapshot_is_a_model_too(translator):
    young, tokenizer = recipes.read_model(translator.snapshots[150])
    assert tokenizer.vocab == translator.tokenizer.vocab
    source = translator.ids("we are friends")
    assert not torch.equal(young.encode(source), translator.model.encode(source))
