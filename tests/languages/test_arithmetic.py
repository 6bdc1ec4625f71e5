"""The arithmetic language: its answers are true, and what is held out stays out."""

import random
import re

import pytest

from transformer_lab.languages import arithmetic

SIGNS = "+-"
NUMBERS = range(arithmetic.LARGEST + 1)


def conversations(n, **settings):
    return [arithmetic.sample(random.Random(seed), **settings) for seed in range(n)]


def answers(talk):
    return [m["content"] for m in talk.messages if m["role"] == "assistant"]


def value(expression):
    """What a row of additions and subtractions comes to: 8-4-1 is 3."""
    return sum(int(number) for number in re.findall(r"[+-]?\d+", expression))


def test_every_step_of_every_working_is_true_and_the_result_is_the_last_number():
    for sign in SIGNS:
        for a in NUMBERS:
            for b in NUMBERS:
                answer = arithmetic.solve((sign, a, b))
                steps = re.findall(r"([\d+-]+)=(-?\d+)", answer)
                assert steps
                assert all(value(left) == int(right) for left, right in steps), answer
                last = re.split(r"[ =]", answer)[-1]
                assert int(last) == (a + b if sign == "+" else a - b)


def test_the_working_is_made_of_single_digits():
    """At most a carry more: the table of single digits is all that there is to know."""
    for talk in conversations(200):
        for answer in answers(talk):
            for left, _ in re.findall(r"([\d+-]+)=(-?\d+)", answer):
                if left.startswith("-"):  # tens below zero, and the ones
                    assert re.fullmatch(r"-\d+0\+\d", left)
                    continue
                first, *others = re.findall(r"\d+", left)
                assert int(first) < 20
                assert all(int(number) < 10 for number in others)


def test_what_is_held_out_is_held_out_in_both_orders_and_never_a_single_digit():
    held_out = arithmetic.held_out()
    assert 0.08 < len(held_out) / (2 * len(NUMBERS) ** 2) < 0.12
    for sign, a, b in held_out:
        assert (sign, b, a) in held_out
        assert max(a, b) >= 10
    assert arithmetic.held_out(seed=1) != held_out


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="must be at least 0 and at most 1"):
        arithmetic.held_out(share)


def test_no_conversation_without_the_held_out_problems_has_one_of_them():
    held_out = arithmetic.held_out()
    asked = set()
    for talk in conversations(2000, without=held_out):
        for message in talk.messages:
            for a, sign, b in re.findall(r"\b(\d+) ?([+-]) ?(\d+)(?=[:,])", message["content"]):
                asked.add((sign, int(a), int(b)))
    assert len(asked) > 3000
    assert not asked & held_out
    everything = {
        (sign, int(a), int(b))
        for talk in conversations(300)
        for answer in answers(talk)
        for a, sign, b in re.findall(r"^(\d+)([+-])(\d+):", answer)
    }
    assert everything & held_out  # the search finds them where they are


def test_names_and_results_are_remembered_as_the_conversation_has_them():
    for talk in conversations(1000):
        name = last = None
        for answer in answers(talk):
            if told := re.fullmatch(r"nice to meet you, (\w+)", answer):
                name = told[1]
            if asked := re.fullmatch(r"your name is (\w+)", answer):
                assert asked[1] == name
            if answer == arithmetic.NO_NAME:
                assert name is None
            if repeated := re.fullmatch(r"the result was (-?\d+)", answer):
                assert int(repeated[1]) == last
            if answer == arithmetic.NO_RESULT:
                assert last is None
            if re.search(r"\d[=:]", answer):
                last = int(re.split(r"[ =]", answer)[-1])


def test_a_follow_up_goes_on_from_the_last_result():
    checked = 0
    for talk in conversations(1000):
        last = None
        for kind, answer in zip(talk.kinds, answers(talk), strict=True):
            is_sum = re.match(r"(\d+)[+-]\d+[=:]", answer)
            if kind == "follow-up" and is_sum:
                assert int(is_sum[1]) == last
                checked += 1
            if is_sum:
                last = int(re.split(r"[ =]", answer)[-1])
    assert checked > 200


def test_who_the_assistant_is_comes_from_the_system_message_alone():
    for talk in conversations(500):
        first = talk.messages[0]
        expected = arithmetic.NO_PERSONA
        if first["role"] == "system":
            expected = first["content"].removeprefix("you are ")
        for kind, answer in zip(talk.kinds, answers(talk), strict=True):
            if kind == "who":
                assert answer == f"I am {expected} and I do sums"


def test_every_kind_of_exchange_occurs():
    kinds = {kind for talk in conversations(200) for kind in talk.kinds}
    assert kinds == {
        "sum", "follow-up", "repeat", "tell name", "ask name", "who", "small talk", "decline",
        "too large",
    }  # fmt: skip


def test_the_questions_that_are_held_out_to_be_declined_never_occur():
    openings = [question.split("{}")[0].strip() for question in arithmetic.HELD_OUT_QUESTIONS]
    # A made-up word may happen to be a short real one.
    things = [thing for thing in arithmetic.HELD_OUT_THINGS if len(thing) > 5]
    said = [
        message["content"].lower()
        for talk in conversations(2000)
        for message in talk.messages
        if message["role"] == "user"
    ]
    for opening in openings:
        if len(opening.split()) > 2:
            assert not any(text.startswith(opening.lower()) for text in said), opening
    for thing in things:
        assert not any(re.search(rf"\b{thing.lower()}\b", text) for text in said), thing


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_conversation(seed):
    first, second = (arithmetic.sample(random.Random(seed)) for _ in range(2))
    assert first == second
