"""Stories: a small English whose truth is known.

Short stories about two people, a thing, and a place. What makes them worth
learning from:

- a *pronoun* has one possible antecedent: the two people of a story are a girl
  and a boy, so "she" and "he" always find their name;
- *names and things come back*, so that a model gains by looking them up;
- what an animal needs is answered sentences later ("thirsty" … "water");
- *bank* is a riverbank or a money bank. Sometimes the words before tell which,
  sometimes only the words after.

Holds the words, the plots and the grammar made of them. How probabilities
follow from it, and why they give a floor for any model's loss, is derived in
`grammar`.

Taught in chapters 7 (many heads), 11 (bank) and 12 (training).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from transformer_lab.languages.grammar import Grammar, Lexeme, Story, Word, spell, split

__all__ = ["GRAMMAR", "Story", "Word", "sample", "sample_many", "spell", "split"]


def _person(name: str, he: str, him: str, his: str) -> Lexeme:
    return {"": name, "he": he, "He": he.capitalize(), "him": him, "his": his}


def _noun(word: str) -> Lexeme:
    """A noun or adjective, with the article that goes before it."""
    article = "an" if word[0] in "aeiou" else "a"
    return {"": word, "a": f"{article} {word}"}


def _nouns(words: str) -> list[Lexeme]:
    return [_noun(word) for word in words.split()]


def _phrases(phrases: str) -> list[Lexeme]:
    return [{"": phrase} for phrase in phrases.split(", ")]


GIRLS = [_person(name, "she", "her", "her") for name in "Anna Mia Lily Sara Zoe Priya".split()]
BOYS = [_person(name, "he", "him", "his") for name in "Tom Ben Max Leo Omar Ravi".split()]

WORDS: dict[str, list[Lexeme]] = {
    "toy": _nouns("ball kite drum boat robot train puppet whistle balloon doll"),
    "look": _nouns("red blue green yellow old new big little shiny wooden"),
    "got": _nouns("found bought made got won painted borrowed carried"),
    "animal": _nouns("dog cat rabbit duck pony parrot frog turtle lamb mouse"),
    "coat": _nouns("white brown black grey spotted small young gentle clever funny"),
    "pet": _nouns("Coco Rex Bella Pip Luna Daisy Toby"),
    "place": _nouns("park market beach farm lake zoo library station fair museum"),
    "field": _nouns("garden forest field yard barn village street meadow"),
    "spot": _nouns("bed table chair tree bench bridge sofa bush"),
    "when": _phrases("One day, Last week, Last summer, Last winter, Yesterday")
    + [
        {"": f"On {day}day {part}"}
        for day in "Mon Tues Wednes Thurs Fri Satur Sun".split()
        for part in ("morning", "afternoon", "evening")
    ],
    "then": _phrases(
        "Then, Soon, Later, Afterwards, After that, At last, A little later, A moment later"
    ),
    "went": _nouns("went walked ran hurried rushed cycled skipped raced"),
    "very": _nouns("very really quite rather truly"),
    "laughed": _nouns("laughed smiled cheered clapped waved giggled danced nodded"),
    "long": _phrases(
        "all day, all morning, all evening, for an hour, for a while, for a long time, until dark"
    ),
    "late": _phrases(
        "In the evening, At night, After lunch, After dinner, In the end, Before bed, "
        "The next day, A week later"
    ),
    "glad": _nouns("happy glad cheerful excited proud grateful pleased thrilled"),
    "sad": _nouns("sad upset worried unhappy"),
    "need": [
        {"": "hungry", "help": "gave it some bread"},
        {"": "thirsty", "help": "gave it some water"},
        {"": "cold", "help": "put a blanket on it"},
        {"": "tired", "help": "made a bed for it"},
        {"": "lonely", "help": "stayed with it"},
        {"": "scared", "help": "sang a song to it"},
    ],
    "number": _nouns("two three four five six seven eight nine"),
    "swim": _nouns("swam paddled fished rested"),
    "deep": _nouns("deep cold clear calm"),
    "busy": _nouns("busy full quiet noisy"),
    "bank": [{"river": "bank", "money": "bank"}],
}

PLOTS: dict[str, list[list[str]]] = {
    "gift": [
        [
            "{when} {hero} {got} {look.a} {toy}.",
            "{when} {hero} saw {look.a} {toy} at the {place} and bought it.",
            "{hero} had {look.a} {toy}.",
        ],
        [
            "{hero.He} played with the {look} {toy} {long}.",
            "{hero.He} took the {toy} to the {place2}.",
            "{hero.He} was {very} {glad}.",
        ],
        [
            "{then} {friend} saw the {look} {toy} and {laughed}.",
            "{friend} wanted the {toy} too.",
            "{then} {friend} {went} to the {field} to play with {hero.him}.",
        ],
        [
            "{hero} gave the {toy} to {friend.him} and {laughed2}.",
            "{hero} let {friend.him} hold the {look} {toy} {long2}.",
            "{then3} {friend.he} asked {hero.him} for the {toy}.",
        ],
        [
            "{late} {hero} and {friend} were {glad3}.",
            "{then2} {hero} and {friend} played in the {field2}.",
            "{late} {hero} and {friend} {went3} home together.",
        ],
    ],
    "lost": [
        [
            "{when} {hero} lost {hero.his} {look} {toy} at the {place}.",
            "{when} {hero} {went} to the {place} and lost {hero.his} {look} {toy}.",
            "{when} {hero} could not find {hero.his} {look} {toy}.",
        ],
        [
            "{hero.He} was {very} {sad}.",
            "{hero.He} looked under the {spot} and in the {field}.",
            "{hero.He} was {very} {sad} and called {friend}.",
        ],
        [
            "{then} {friend} {went2} to the {place2} to help {hero.him}.",
            "{then} {hero} asked {friend} to look for the {look} {toy}.",
            "{friend} wanted to find the {toy} for {hero.him}.",
        ],
        [
            "{then2} {friend} found the {look} {toy} under the {spot3}.",
            "{late} {friend.he} saw the {toy} under the {spot3}.",
        ],
        [
            "{hero} thanked {friend.him} and {laughed}.",
            "{hero} was {very2} {glad} and gave {friend.him} a hug.",
            "{friend} gave the {toy} to {hero}, and {hero.he} was {very2} {glad}.",
        ],
    ],
    "pet": [
        [
            "{when} {hero} met {coat.a} {animal} at the {place}.",
            "{when} {hero} saw {coat.a} {animal} in the {field}.",
            "{hero} had {coat.a} {animal}.",
        ],
        [
            "The {animal} was {very} {need}.",
            "{hero.He} saw that the {animal} was {very} {need}.",
        ],
        [
            "{then4} {hero.he} {need.help}.",
            "{hero} wanted to help the {coat} {animal}, so {hero.he} {need.help}.",
        ],
        [
            "{hero.He} called the {coat} {animal} {pet}.",
            "{then} the {animal} got the name {pet}.",
        ],
        [
            "{then2} {friend} saw the {coat} {animal} and {laughed}.",
            "{late} {friend} met {hero} and {pet} at the {place2}.",
        ],
        [
            "{friend.He} played with {pet} {long}.",
            "{pet} ran to {friend.him} and licked {friend.his} hand.",
            "{friend.He} told {hero.him} that {pet} was {very2} {coat2}.",
        ],
    ],
    "riverbank": [
        [
            "{when} {hero} {went} to the {bank.river}.",
            "{when} {hero} met {friend} at the {bank.river}.",
            "{when} {hero} wanted to catch a fish, so {hero.he} {went} to the {bank.river}.",
            "{when} {hero} took {look.a} {toy} to the river and sat down on the {bank.river}.",
        ],
        [
            "The water was {very} {deep}.",
            "{hero.He} looked at the water and saw {coat.a} {animal}.",
            "{hero.He} saw {number} boats on the river.",
        ],
        [
            "{friend} {swim} near the {bank.river} and {laughed}.",
            "{friend} sat on the {bank.river} {long} and caught {number2} fish.",
            "{then} {friend} came along the {bank.river} with {coat2.a} {animal2}.",
        ],
        [
            "{hero} jumped into the {deep2} water and {laughed2}.",
            "{hero} threw a stone into the river and {friend} {laughed2}.",
            "{friend.He} gave {hero.him} {number3} fish from the river.",
        ],
        [
            "{late} the {bank.river} was wet, so {hero} {went2} home.",
            "{then2} {hero} and {friend} slept on the {bank.river} {long3}.",
            "{hero} told {friend} that {hero.he} was {very2} {glad}.",
        ],
    ],
    "moneybank": [
        [
            "{when} {hero} {went} to the {bank.money}.",
            "{when} {hero} met {friend} at the {bank.money}.",
            "{when} {hero} wanted to buy {look.a} {toy}, so {hero.he} {went} to the {bank.money}.",
            "{when} {hero} had {number} coins, so {hero.he} took the money to the {bank.money}.",
        ],
        [
            "The office was {very} {busy}.",
            "{hero.He} opened the door and waited {long}.",
            "{hero.He} waited {long} and asked for {number2} coins.",
        ],
        [
            "{friend} worked at the {bank.money} and gave {hero.him} {number3} coins.",
            "{friend} came to the {bank.money} with {number3} coins for {hero.him}.",
            "{then} {friend} opened the {bank.money} and {laughed}.",
        ],
        [
            "{hero} put the money in {hero.his} bag and thanked {friend}.",
            "{then2} {hero} counted the coins and gave {number4} to {friend.him}.",
            "{friend.He} told {hero} that the money was safe.",
        ],
        [
            "{late} the {bank.money} closed its doors, so {hero} {went2} home.",
            "{then3} {hero} and {friend} left the {bank.money} with the money.",
            "{hero} told {friend} that {hero.he} was {very2} rich.",
        ],
    ],
}


def _choices(slot: str, bound: dict[str, Lexeme]) -> list[Lexeme]:
    """What a slot may draw: never what a slot of its kind has drawn already.

    "toy2" is of the kind "toy". The friend is a boy if the hero is a girl, and
    the other way round, so that every pronoun has one possible antecedent.
    """
    if slot == "hero":
        return [*GIRLS, *BOYS]
    if slot == "friend":
        if "hero" not in bound:
            return [*GIRLS, *BOYS]
        return BOYS if bound["hero"] in GIRLS else GIRLS
    kind = _kind(slot)
    taken = [lexeme for name, lexeme in bound.items() if _kind(name) == kind]
    if not taken:
        return WORDS[kind]
    return [lexeme for lexeme in WORDS[kind] if lexeme not in taken]


@cache
def _kind(slot: str) -> str:
    return slot.rstrip("0123456789")


GRAMMAR = Grammar(PLOTS, _choices)


def sample(seed: int) -> Story:
    """The story with this seed; the same seed gives the same story.

    >>> str(sample(3)) == str(sample(3)) != str(sample(4))
    True
    """
    return GRAMMAR.sample(random.Random(seed))


def sample_many(n: int, *, seed: int) -> Iterator[Story]:
    """`n` stories, drawn one after the other from one seed."""
    rng = random.Random(seed)
    return (GRAMMAR.sample(rng) for _ in range(n))
