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


GIRLS = [
    _person(name, "she", "her", "her")
    for name in "Anna Mia Lily Sara Emma Nina Rosa Lucy Zoe Priya".split()
]
BOYS = [
    _person(name, "he", "him", "his")
    for name in "Tom Ben Max Sam Leo Jack Finn Noah Omar Ravi".split()
]

WORDS: dict[str, list[Lexeme]] = {
    "toy": _nouns("ball kite drum boat robot train puppet whistle balloon doll"),
    "look": _nouns("red blue green yellow old new big little shiny wooden"),
    "animal": _nouns("dog cat rabbit duck pony parrot frog turtle lamb mouse"),
    "coat": _nouns("white brown black grey spotted small young gentle clever funny"),
    "pet": [{"": name} for name in "Coco Rex Bella Pip Luna Biscuit".split()],
    "place": _nouns("park market beach farm lake zoo library station fair museum"),
    "spot": _nouns("bed table chair tree bench bridge sofa bush"),
    "day": [{"": f"{day}day"} for day in "Mon Tues Wednes Thurs Fri Satur Sun".split()],
    "glad": _nouns("happy proud glad cheerful excited"),
    "sad": _nouns("sad upset worried unhappy"),
    "need": [
        {"": "hungry", "help": "gave it some bread"},
        {"": "thirsty", "help": "gave it some water"},
        {"": "cold", "help": "put a blanket on it"},
        {"": "tired", "help": "made a bed for it"},
        {"": "lonely", "help": "stayed with it"},
        {"": "scared", "help": "sang a song to it"},
    ],
    "food": [
        {"": food, "some": some}
        for food, some in [
            ("cake", "a cake"),
            ("pie", "a pie"),
            ("soup", "some soup"),
            ("bread", "some bread"),
            ("salad", "a salad"),
            ("pizza", "a pizza"),
            ("pudding", "a pudding"),
            ("jam", "some jam"),
        ]
    ],
    "item": _nouns("apples eggs milk honey nuts carrots berries butter cheese lemons"),
    "taste": _nouns("sweet warm fresh tasty delicious perfect"),
    "coins": _nouns("two three four five six seven eight nine ten twenty"),
    "bank": [{"river": "bank", "money": "bank"}],
}

PLOTS: dict[str, list[list[str]]] = {
    "gift": [
        [
            "One day {hero} found {look.a} {toy} at the {place}.",
            "On {day} {hero} made {look.a} {toy}.",
            "{hero} had {look.a} {toy}.",
            "One morning {hero} bought {look.a} {toy} at the {place}.",
        ],
        [
            "{hero.He} played with the {toy} all day.",
            "{hero.He} took the {toy} to the {place2}.",
            "{hero.He} was very {glad}.",
        ],
        [
            "{friend} saw the {look} {toy} and smiled.",
            "{friend} wanted to play with the {toy} too.",
            "Then {friend} came to play with {hero.him}.",
        ],
        [
            "{hero} gave the {toy} to {friend.him}.",
            "{hero} let {friend.him} hold the {look} {toy}.",
            "{friend.He} asked {hero.him} for the {toy}.",
        ],
        [
            "{friend.He} thanked {hero} and ran home with the {toy}.",
            "{friend.He} said that it was the best {toy} in the world.",
            "{friend.He} was {glad2} and thanked {hero.him}.",
        ],
        [
            "From that day {hero} and {friend} were friends.",
            "Then {hero} and {friend} played until the evening.",
            "In the evening {hero} and {friend} walked home together.",
        ],
    ],
    "lost": [
        [
            "One day {hero} lost {hero.his} {look} {toy} at the {place}.",
            "{hero} went to the {place} and lost {hero.his} {look} {toy}.",
            "On {day} {hero} could not find {hero.his} {look} {toy}.",
        ],
        [
            "{hero.He} was very {sad}.",
            "{hero.He} looked under the {spot} and in the garden.",
            "{hero.He} was {sad} and called {friend}.",
        ],
        [
            "{friend} came to help {hero.him}.",
            "Then {hero} asked {friend} to look for the {toy}.",
            "{friend} wanted to find the {toy} for {hero.him}.",
        ],
        [
            "{friend.He} looked under the {spot2}, but the {toy} was not there.",
            "{friend.He} ran to the {place2} and asked a man about the {toy}.",
        ],
        [
            "At last {friend} found the {look} {toy} under the {spot3}.",
            "Then {friend.he} saw the {toy} under the {spot3}.",
        ],
        [
            "{hero} thanked {friend.him} and hugged the {toy}.",
            "{hero} was {glad} and gave {friend.him} a big hug.",
            "{friend} gave the {toy} to {hero}, and {hero.he} was {glad}.",
        ],
    ],
    "pet": [
        [
            "One day {hero} met {coat.a} {animal} at the {place}.",
            "On {day} {hero} found {coat.a} {animal} under the {spot}.",
            "{hero} had {coat.a} {animal}.",
        ],
        [
            "The {animal} was {need}.",
            "{hero.He} saw that the {animal} was {need}.",
        ],
        [
            "So {hero.he} {need.help}.",
            "{hero} wanted to help the {animal}, so {hero.he} {need.help}.",
        ],
        [
            "{hero.He} called the {animal} {pet}.",
            "The {animal} got a name, and the name was {pet}.",
        ],
        [
            "{friend} came to see the {coat} {animal}.",
            "Then {friend} met {hero} and the {animal} at the {place2}.",
        ],
        [
            "{friend.He} laughed and played with {pet}.",
            "{pet} ran to {friend.him} and licked {friend.his} hand.",
            "{friend.He} told {hero.him} that {pet} was a good {animal}.",
        ],
        [
            "In the evening {pet} slept next to {hero}.",
            "Then {hero} and {friend} took {pet} home.",
        ],
    ],
    "meal": [
        [
            "{hero} wanted to make {food.some}.",
            "On {day} {hero} made {food.some} for {friend}.",
            "One morning {hero} helped {friend} to make {food.some}.",
        ],
        [
            "{hero.He} went to the market and bought some {item}.",
            "{hero.He} took some {item} and some {item2}.",
            "{hero.He} needed some {item}, so {friend} went to the shop.",
        ],
        [
            "{friend} washed the {item} and sat down at the table.",
            "{friend} came with some {item3} and helped {hero.him}.",
            "Then {friend} put the {item} in a bowl.",
        ],
        [
            "The {food} was very {taste}.",
            "Soon the {food} was {taste} and ready.",
        ],
        [
            "{hero.He} ate the {food} with {friend.him}.",
            "{friend.He} told {hero} that the {food} was {taste2}.",
            "{friend.He} liked the {food} and asked {hero.him} for more.",
        ],
        [
            "{hero} was {glad} and hugged {friend}.",
            "Then {hero} and {friend} washed the bowls.",
            "{hero} gave the rest of the {food} to {friend}.",
        ],
    ],
    "riverbank": [
        [
            "One day {hero} walked to the {bank.river}.",
            "On {day} {hero} met {friend} at the {bank.river}.",
            "{hero} wanted to catch a fish, so {hero.he} went to the {bank.river}.",
            "{hero} took {look.a} {toy} to the river and sat down on the {bank.river}.",
        ],
        [
            "The water was deep and cold.",
            "{hero.He} looked at the water and saw {coat.a} {animal}.",
            "{hero.He} saw a boat on the river.",
        ],
        [
            "{friend} swam to the {bank.river} and waved to {hero.him}.",
            "{friend} sat on the {bank.river} and caught a fish.",
            "Then {friend} came along the {bank.river} with {coat2.a} dog.",
        ],
        [
            "{hero} took off {hero.his} shoes and jumped into the water.",
            "{hero} threw a stone into the river and {friend} laughed.",
            "{friend.He} gave {hero.him} a fish from the river.",
        ],
        [
            "In the evening the grass on the {bank.river} was wet, so {hero} went home.",
            "Then {hero} and {friend} slept in the sun on the {bank.river}.",
            "{hero} told {friend} that {hero.he} was {glad}.",
        ],
    ],
    "moneybank": [
        [
            "One day {hero} walked to the {bank.money}.",
            "On {day} {hero} met {friend} at the {bank.money}.",
            "{hero} wanted to buy {look.a} {toy}, so {hero.he} went to the {bank.money}.",
            "{hero} had {coins} coins, so {hero.he} took the money to the {bank.money}.",
        ],
        [
            "The line was long and slow.",
            "{hero.He} opened the door and waited in the line.",
            "{hero.He} asked for some money.",
        ],
        [
            "{friend} worked at the {bank.money} and gave {hero.him} {coins2} coins.",
            "{friend} came to the {bank.money} with {coins2} coins for {hero.him}.",
            "Then {friend} opened the {bank.money} and gave {hero.him} the money.",
        ],
        [
            "{hero} put the money in {hero.his} bag and thanked {friend}.",
            "{hero} counted the coins and gave one to {friend.him}.",
            "{friend.He} told {hero} that the money was safe.",
        ],
        [
            "In the evening the {bank.money} closed its doors, so {hero} went home.",
            "Then {hero} and {friend} left the {bank.money} with the money.",
            "{hero} told {friend} that {hero.he} was rich.",
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
    kind = slot.rstrip("0123456789")
    taken = [lexeme for name, lexeme in bound.items() if name.rstrip("0123456789") == kind]
    return [lexeme for lexeme in WORDS[kind] if lexeme not in taken]


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
