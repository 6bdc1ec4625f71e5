"""story-bert: as good as the book says, measured against the best that there is."""

import json

import pytest
import torch
from typer.testing import CliRunner

from transformer_lab import recipes
from transformer_lab.__main__ import app
from transformer_lab.languages import stories
from transformer_lab.recipes import RECIPES
from transformer_lab.recipes import story_bert as story_bert_recipe
from transformer_lab.training import IGNORED


@pytest.fixture(scope="module")
def story_bert():
    return recipes.load("story-bert", progress=False)


def test_it_is_within_three_points_of_the_best_possible_with_a_quarter_million_parameters(
    story_bert,
):
    """Measured anew, on the held-out stories."""
    questions = story_bert.questions
    right = story_bert_recipe.guessed_right(story_bert.model, story_bert.tokenizer, questions)
    best = [story_bert_recipe.chance(q.possible, q.hidden) for q in questions]
    accuracy, best_accuracy = sum(right) / len(right), sum(best) / len(best)
    assert accuracy == pytest.approx(story_bert.report.accuracy, abs=0.002)
    assert best_accuracy == pytest.approx(story_bert.report.best_accuracy)
    assert accuracy >= best_accuracy - 0.03
    assert story_bert.report.parameters <= 250_000


def test_both_sides_beat_the_best_that_the_left_side_allows(story_bert):
    report = story_bert.report
    assert report.frequent_accuracy < report.left_accuracy < report.accuracy


def test_the_best_guess_is_better_than_any_other_on_average():
    """Over all stories no guesser beats the likeliest word; here: the one from the left."""
    questions = story_bert_recipe.held_out_questions(RECIPES["story-bert"])
    chance = story_bert_recipe.chance
    best = sum(chance(q.possible, q.hidden) for q in questions)
    left = sum(chance(q.possible_from_left, q.hidden) for q in questions)
    expected = sum(max(q.possible.values()) for q in questions)
    assert left < best
    assert abs(best - expected) < 5 * (0.25 * len(questions)) ** 0.5


def test_a_question_hides_one_word_and_its_answer_is_possible():
    for question in story_bert_recipe.held_out_questions(RECIPES["story-bert"])[:200]:
        assert question.text.count("[MASK]") == 1
        assert question.possible[question.hidden] > 0
        assert sum(question.possible.values()) == pytest.approx(1)


def test_held_out_stories_are_never_trained_on(story_bert):
    recipe, tokenizer = story_bert.recipe, story_bert.tokenizer
    held_out = {
        tuple(story_bert_recipe.story_ids(tokenizer, story))
        for story in story_bert_recipe.held_out_stories(recipe)
    }
    batch_at = recipe.batches(tokenizer)
    for step in range(0, recipe.steps, 50):
        batch = batch_at(step)
        truth = batch.inputs.where(batch.targets == IGNORED, batch.targets)
        for row in truth.tolist():
            assert tuple(id for id in row if id) not in held_out


def test_every_story_stands_between_cls_and_sep_and_has_no_unknown_word(story_bert):
    tokenizer = story_bert.tokenizer
    for story in stories.sample_many(50, seed=9):
        ids = story_bert_recipe.story_ids(tokenizer, story)
        assert [ids[0], ids[-1]] == [tokenizer.vocab["[CLS]"], tokenizer.vocab["[SEP]"]]
        assert len(ids) == len(story.words) + 2
        assert tokenizer.vocab["[UNK]"] not in ids


def test_padding_does_not_change_a_guess(story_bert):
    questions = sorted(story_bert.questions[:40], key=lambda q: len(q.story.words))
    short = questions[:1]
    logits = story_bert_recipe.hidden_word_logits
    alone = logits(story_bert.model, story_bert.tokenizer, short)
    among = logits(story_bert.model, story_bert.tokenizer, questions)[:1]
    torch.testing.assert_close(alone, among, atol=1e-4, rtol=1e-4)


def test_a_reader_gets_guesses_best_first_or_one_clear_sentence(story_bert):
    [first, second] = story_bert.guess("Anna had a [MASK] ball. [MASK] was very happy.")
    assert list(first.values()) == sorted(first.values(), reverse=True)
    assert sum(first.values()) == pytest.approx(1, abs=1e-4)
    assert next(iter(second)) == "she"
    with pytest.raises(ValueError, match=r"nothing to guess: write \[MASK\]"):
        story_bert.guess("Anna had a red ball.")
    with pytest.raises(ValueError, match="sees at most 96"):
        story_bert.guess("Anna [MASK] " * 60)
    assert story_bert.unknown_words("Alice [MASK] a red ball.") == ["Alice"]


def test_equally_good_guesses_share_the_chance_to_be_right():
    chance = story_bert_recipe.chance
    assert chance({"a": 0.5, "b": 0.3, "c": 0.2}, "a") == 1
    assert chance({"a": 0.5, "b": 0.3, "c": 0.2}, "b") == 0
    assert chance({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, "c") == pytest.approx(1 / 3)


def test_the_command_line_guesses_each_hidden_word(story_bert):
    text = "Anna found a [MASK] ball. [MASK] played with the red ball all day."
    told = CliRunner().invoke(app, ["guess", text, "--best", "2"])
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["red", "she"]
    as_json = json.loads(CliRunner().invoke(app, ["guess", text, "--json"]).stdout)
    assert as_json["text"] == text
    assert [len(guesses) for guesses in as_json["guesses"]] == [5, 5]
    unknown = CliRunner().invoke(app, ["guess", "Alice found a [MASK] ball."])
    assert (unknown.exit_code, "Alice" in unknown.stderr) == (0, True)
    refused = CliRunner().invoke(app, ["guess", "Anna found a ball."])
    assert refused.exit_code == 1
    assert refused.stderr == (
        "error: there is nothing to guess: write [MASK] where a word is hidden\n"
    )
