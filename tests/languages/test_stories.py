"""The story language: its probabilities are exact, and its truth is true."""

import math
import random
from collections import Counter

import pytest

from transformer_lab.languages import stories
from transformer_lab.languages.grammar import END, Grammar, slots_by_form, spell, split

GRAMMAR = stories.GRAMMAR
SAMPLE = list(stories.sample_many(400, seed=11))


def words(story):
    return [word.text for word in story.words]


def test_the_probabilities_of_what_can_come_next_add_up_to_one():
    for story in SAMPLE[:20]:
        for length in range(0, len(story.words), 5):
            after = GRAMMAR.next_word(words(story)[:length])
            assert sum(after.values()) == pytest.approx(1.0)


def test_a_storys_probability_is_the_product_of_its_words_probabilities():
    for story in SAMPLE[:10]:
        spelt = [*words(story), END]
        product = sum(math.log(GRAMMAR.next_word(spelt[:i])[spelt[i]]) for i in range(len(spelt)))
        assert GRAMMAR.log_probability(words(story)) == pytest.approx(product)


def test_what_is_drawn_follows_the_exact_distribution():
    """Opening words: expected and drawn counts differ by no more than chance."""
    expected = GRAMMAR.next_word([])
    drawn = Counter(story.words[0].text for story in stories.sample_many(6000, seed=3))
    assert set(drawn) <= set(expected)
    for word, probability in expected.items():
        sigma = math.sqrt(6000 * probability * (1 - probability))
        assert abs(drawn[word] - 6000 * probability) < 5 * sigma


def test_every_possible_text_of_a_small_grammar_is_accounted_for():
    """Enumerate it by hand: the probabilities of all texts add up to 1."""
    lexemes = {"toy": [{"": "ball"}, {"": "kite"}], "look": [{"": "red"}, {"": "red hot"}]}
    grammar = Grammar(
        {"one": [["the {toy}.", "the {look} {toy}."], ["the {toy}."]], "two": [["the ball."]]},
        lambda slot, bound: lexemes[slot],
    )
    texts = {str(grammar.sample(random.Random(seed))) for seed in range(300)}
    total = sum(math.exp(grammar.log_probability(split(text))) for text in texts)
    assert len(texts) == 7
    assert total == pytest.approx(1.0)
    by_hand = -sum(
        p * math.log(p) for p in (math.exp(grammar.log_probability(split(text))) for text in texts)
    )
    assert grammar.entropy() == pytest.approx(by_hand)


def test_the_entropy_in_closed_form_is_the_mean_of_what_is_drawn():
    surprises = [-GRAMMAR.log_probability(words(story)) for story in SAMPLE]
    mean = sum(surprises) / len(surprises)
    spread = math.sqrt(sum((s - mean) ** 2 for s in surprises) / len(surprises))
    assert abs(mean - GRAMMAR.entropy()) < 4 * spread / math.sqrt(len(surprises))


def test_text_and_words_are_the_same_thing():
    for story in SAMPLE[:50]:
        assert split(str(story)) == words(story)
        assert spell(words(story)) == str(story)


def test_every_slot_has_all_the_forms_that_the_plots_use():
    for slot, forms in slots_by_form(GRAMMAR).items():
        for lexeme in GRAMMAR.choices(slot, {}):
            assert forms <= set(lexeme), (slot, lexeme)


def test_a_pronoun_has_one_possible_antecedent():
    """In every story the two people differ in gender, and pronouns agree."""
    girls = {lexeme[""] for lexeme in stories.GIRLS}
    for story in SAMPLE:
        named = {w.slot: w.text for w in story.words if w.slot in ("hero", "friend") and not w.form}
        assert len({name in girls for name in named.values()}) == len(named)
        for position, word in enumerate(story.words):
            if word.form in ("he", "He", "him", "his"):
                name = story.words[story.antecedent(position)].text
                assert (word.text.lower() in ("she", "her")) == (name in girls)


def test_bank_is_known_to_be_a_riverbank_or_a_money_bank_and_first_can_be_either():
    senses = {word.form for story in SAMPLE for word in story.words if word.text == "bank"}
    assert senses == {"river", "money"}
    opening = split("One day Anna walked to the bank.")
    after = GRAMMAR.next_word(opening)
    assert {"The", "She"} <= set(after)
    assert GRAMMAR.next_word([*opening, "The"]) == {
        "water": pytest.approx(0.5),
        "office": pytest.approx(0.5),
    }


def test_a_or_an_agrees_with_the_word_that_follows():
    for story in SAMPLE:
        for article, noun in zip(words(story), words(story)[1:], strict=False):
            if article in ("a", "an"):
                vowel_sound = noun[0] in "aeiou" or noun == "hour"
                assert (article == "an") == vowel_sound


def test_the_same_seed_gives_the_same_stories():
    assert list(map(str, stories.sample_many(5, seed=8))) == list(
        map(str, stories.sample_many(5, seed=8))
    )
    assert str(stories.sample(1)) != str(stories.sample(2))


def test_a_few_hundred_words_make_all_the_stories():
    assert 200 <= len(GRAMMAR.vocabulary()) <= 400
    assert {word.text for story in SAMPLE for word in story.words} <= set(GRAMMAR.vocabulary())


def test_a_start_that_no_story_has_is_one_clear_sentence():
    with pytest.raises(ValueError, match="no story of this language goes on with 'flew'"):
        GRAMMAR.next_word(split("One day Anna flew"))
    assert GRAMMAR.log_probability(split("Anna flew.")) == -math.inf


def test_a_hidden_word_has_the_probability_that_bayes_rule_gives():
    """By brute force: put each word there, and compare the stories' probabilities."""
    for story, place in zip(SAMPLE[:6], (0, 3, 7, 11, 16, 20), strict=True):
        spelt = words(story)
        found = GRAMMAR.hidden_word(spelt, place)
        masses = {
            word: math.exp(GRAMMAR.log_probability([*spelt[:place], word, *spelt[place + 1 :]]))
            for word in GRAMMAR.vocabulary()
        }
        total = sum(masses.values())
        expected = {word: mass / total for word, mass in masses.items() if mass}
        assert found == pytest.approx(expected)
        assert spelt[place] in found


def test_both_sides_say_more_about_a_word_than_the_left_side_alone():
    both, left = [], []
    for story in SAMPLE[:150]:
        spelt, place = words(story), len(story.words) // 2
        both.append(math.log(GRAMMAR.hidden_word(spelt, place)[spelt[place]]))
        left.append(math.log(GRAMMAR.next_word(spelt[:place])[spelt[place]]))
    assert sum(both) > sum(left) + 10
