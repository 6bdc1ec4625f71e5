"""Recipes: trained once, kept safely, and as good as the book says."""

import json
import multiprocessing
from dataclasses import replace

import pytest
import torch

from transformer_lab import recipes
from transformer_lab.languages import stories
from transformer_lab.recipes import RECIPES, held_out_loss, held_out_stories, load, story_floor
from transformer_lab.recipes import story_gpt as story_gpt_recipe
from transformer_lab.training import IGNORED

TINY = replace(
    RECIPES["story-gpt"],
    name="tiny",
    d_model=8,
    n_heads=2,
    n_layers=1,
    d_ff=16,
    steps=6,
    batch_size=2,
    n_tokenizer_stories=30,
    n_held_out=5,
    snapshots=(0, 3, 6),
)


@pytest.fixture(scope="module")
def story_gpt():
    return load("story-gpt", progress=False)


def folders(cache):
    return [path for path in (cache / TINY.name).iterdir() if path.is_dir()]


def weights(trained):
    return torch.cat([p.detach().flatten() for p in trained.model.parameters()])


def test_story_gpt_is_within_three_percent_of_the_floor_with_a_quarter_million_parameters(
    story_gpt,
):
    """Measured anew, on the held-out stories."""
    held_out = held_out_stories(story_gpt.recipe)
    loss = held_out_loss(story_gpt.model, story_gpt.tokenizer, held_out)
    floor = story_floor(held_out, story_gpt.tokenizer)
    assert loss == pytest.approx(story_gpt.report.held_out_loss, rel=1e-4)
    assert floor < loss <= 1.03 * floor
    assert story_gpt.report.parameters <= 250_000


def test_story_gpt_tells_stories_of_its_language(story_gpt):
    told = [story_gpt.generate(temperature=0.5, seed=seed) for seed in range(40)]
    possible = [stories.GRAMMAR.log_probability(stories.split(text)) > -1e9 for text in told]
    assert sum(possible) >= 30
    assert len(set(told)) > 30


def test_every_word_of_the_language_is_one_token(story_gpt):
    for word in stories.GRAMMAR.vocabulary():
        if word not in (".", ","):
            assert len(story_gpt.tokenizer.encode(f" {word}")) == 1, word


def test_a_prompt_is_the_same_however_its_spaces_are_typed(story_gpt):
    assert story_gpt.pieces("  Anna\n had ") == ["<|endoftext|>", " Anna", " had"]
    assert story_gpt.pieces("") == ["<|endoftext|>"]


def test_tokens_that_no_story_holds_are_known(story_gpt):
    seen = {
        id for story in stories.sample_many(300, seed=77) for id in story_gpt.ids(str(story))[0]
    }
    unseen = set(story_gpt.unseen_tokens)
    assert not unseen & {int(id) for id in seen}
    assert story_gpt.tokenizer.encode("☃")[0] in unseen


def test_held_out_stories_are_never_trained_on(story_gpt):
    held_out = {str(story) for story in held_out_stories(story_gpt.recipe)}
    batch_at = recipes.story_batches(
        story_gpt.tokenizer, batch_size=32, seed=story_gpt.recipe.seed, without=held_out
    )
    trained_on = {
        story_gpt.tokenizer.decode([id for id in row.tolist() if id]).strip()
        for step in range(0, story_gpt.recipe.steps, 25)
        for row in batch_at(step).inputs
    }
    assert len(trained_on) > 1000
    assert not trained_on & held_out


def test_training_sees_stories_cut_as_the_tokenizer_cuts_their_text(story_gpt):
    batch = recipes.story_batches(story_gpt.tokenizer, batch_size=8, seed=3)(0)
    for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        ids = [inputs[0], *(id for id in targets if id != IGNORED)]
        text = story_gpt.tokenizer.decode(ids[1:-1])
        assert ids == [*story_gpt.ids(text)[0].tolist(), ids[0]]


def test_the_second_load_reads_what_the_first_one_trained(tmp_path, monkeypatch):
    first = load(TINY, cache=tmp_path, progress=False)
    monkeypatch.setattr(recipes.store, "run", lambda *_, **__: pytest.fail("trained again"))
    second = load(TINY, cache=tmp_path, progress=False)
    torch.testing.assert_close(weights(first), weights(second), atol=0, rtol=0)
    assert second.report == first.report
    assert set(second.snapshots) == {0, 3, 6}


def test_the_same_recipe_gives_the_same_bytes(tmp_path):
    one, other = (load(TINY, cache=tmp_path / name, progress=False) for name in ("a", "b"))
    assert one.to_bytes() == other.to_bytes()
    assert one.snapshots == other.snapshots


def test_an_interrupted_training_goes_on_to_the_same_model(tmp_path, monkeypatch):
    expected = weights(load(TINY, cache=tmp_path / "whole", progress=False))
    step = story_gpt_recipe.next_token_batch
    calls = []

    def interrupted(sequences):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return step(sequences)

    monkeypatch.setattr(story_gpt_recipe, "next_token_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(TINY, cache=tmp_path / "cut", progress=False)
    [folder] = folders(tmp_path / "cut")
    assert {path.name for path in folder.iterdir()} == {
        "checkpoint.sealed",
        "snapshot-00000.sealed",
        "snapshot-00003.sealed",
    }
    resumed = load(TINY, cache=tmp_path / "cut", progress=False)
    assert torch.equal(weights(resumed), expected)
    assert set(resumed.snapshots) == {0, 3, 6}
    assert folders(tmp_path / "cut") == [folder]
    assert not (folder / "checkpoint.sealed").exists()


def _load_and_report(cache, start, results):
    start.wait()
    trained = load(TINY, cache=cache, progress=False)
    results.put((trained.report.seconds, float(weights(trained).sum())))


def test_two_processes_that_start_at_once_train_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(2), spawn.Queue()
    workers = [
        spawn.Process(target=_load_and_report, args=(tmp_path, start, results)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    both = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert both[0] == both[1]  # the same run: even its seconds are the same
    assert len(folders(tmp_path)) == 1


def test_a_model_file_says_what_it_is(tmp_path):
    trained = load(TINY, cache=tmp_path, progress=False)
    path = tmp_path / "model.safetensors"
    path.write_bytes(trained.content)
    model, tokenizer = recipes.read_model_file(path)
    ids = trained.ids("Anna had a ball")
    assert torch.equal(model(ids), trained.model(ids))
    assert tokenizer.vocab == trained.tokenizer.vocab
    path.write_text(json.dumps({"not": "a model"}))
    with pytest.raises(ValueError, match="is not a model file of this package"):
        recipes.read_model_file(path)


def test_a_name_that_is_no_recipe_is_one_clear_sentence():
    with pytest.raises(
        ValueError, match="there is no recipe 'nope'; there are: story-gpt, story-bert, translator"
    ):
        load("nope")
