"""Translation: a small English, and its Hindi, which is known for each sentence.

Hindi is put together differently, and that is why it is here:

- the verb comes last, and what English says with a preposition stands behind its
  noun: "on the table" is "table on", मेज़ पर;
- verbs and adjectives agree in gender and number, so that the same English word
  has several forms: "tall" is लंबा, लंबी or लंबे;
- respect counts as plural: of one grandmother, Hindi says "are reading";
- in the past, the verb agrees with what was eaten, not with who ate it;
- "yesterday" and "tomorrow" are one word, कल. The verb tells which.

English says less than Hindi must: with "I", "we", "you" and "they" no gender is
heard. Then the masculine form is taken, as Hindi does for mixed groups; a woman
would say it differently. "You" is always the polite आप.

Holds the words, and the sentences with their translations. How Hindi words
change their form stands in `hindi`. Taught in chapter 13.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product

from transformer_lab.languages.hindi import (
    Noun,
    Verb,
    agree,
    ending,
    future,
    is_,
    past,
    romanise,
)

__all__ = ["Pair", "held_out", "pairs", "romanise", "spell", "split", "vocabulary"]


@dataclass(frozen=True)
class Pair:
    """One sentence in both languages.

    `alignment[i]` holds the places of the English words that say what the Hindi
    word number i says; it is empty for what only Hindi says, such as ने.
    """

    english: tuple[str, ...]
    hindi: tuple[str, ...]
    alignment: tuple[tuple[int, ...], ...]
    kind: str = ""  # a name from `KINDS`

    def __str__(self) -> str:
        return f"{spell(self.english)} → {spell(self.hindi)}"


# --- The words -----------------------------------------------------------------------


def _noun(english: str, hindi: str, gender: str, *, plural: str = "", plurals: str = "") -> list:
    """A thing that can be counted, and several of it. `hindi` is "direct/oblique"."""
    direct, _, oblique = hindi.partition("/")
    many, _, many_oblique = plural.partition("/")
    one = Noun(english, direct, oblique or direct, gender)
    return [one, Noun(plurals or english + "s", many, many_oblique or many, gender, "pl", "are")]


I = Noun("i", "मैं", "मुझ", "m", "sg", "am", "मुझे", "मैंने", "मेरा")  # noqa: E741
WE = Noun("we", "हम", "हम", "m", "pl", "are", "हमें", "हमने", "हमारा")
YOU = Noun("you", "आप", "आप", "m", "pl", "are", "आपको", "आपने", "आपका")
HE = Noun("he", "वह", "उस", "m", "sg", "is", "उसे", "उसने", "उसका")
SHE = Noun("she", "वह", "उस", "f", "sg", "is", "उसे", "उसने", "उसका")
THEY = Noun("they", "वे", "उन", "m", "pl", "are", "उन्हें", "उन्होंने", "उनका")
RAM, RAVI, MOHAN = (
    Noun(english, hindi, hindi, "m")
    for english, hindi in [("ram", "राम"), ("ravi", "रवि"), ("mohan", "मोहन")]
)
SITA, PRIYA, MEERA = (
    Noun(english, hindi, hindi, "f")
    for english, hindi in [("sita", "सीता"), ("priya", "प्रिया"), ("meera", "मीरा")]
)
# One person each, but respected: Hindi speaks of them in the plural.
FATHER = Noun("father", "पिताजी", "पिताजी", "m", "pl")
GRANDFATHER = Noun("grandfather", "दादाजी", "दादाजी", "m", "pl")
MOTHER = Noun("mother", "माँ", "माँ", "f", "pl")
GRANDMOTHER = Noun("grandmother", "दादीजी", "दादीजी", "f", "pl")
BOY, BOYS = _noun("the boy", "लड़का/लड़के", "m", plural="लड़के/लड़कों")
GIRL, GIRLS = _noun("the girl", "लड़की", "f", plural="लड़कियाँ/लड़कियों")
CHILD, CHILDREN = _noun("the child", "बच्चा/बच्चे", "m", plural="बच्चे/बच्चों", plurals="the children")
MAN, MEN = _noun("the man", "आदमी", "m", plural="आदमी/आदमियों", plurals="the men")
WOMAN, WOMEN = _noun("the woman", "औरत", "f", plural="औरतें/औरतों", plurals="the women")

PRONOUNS = [I, WE, YOU, HE, SHE, THEY]
NAMES = [RAM, RAVI, MOHAN, SITA, PRIYA, MEERA]
FAMILY = [FATHER, GRANDFATHER, MOTHER, GRANDMOTHER]
PEOPLE = [BOY, BOYS, GIRL, GIRLS, CHILD, CHILDREN, MAN, MEN, WOMAN, WOMEN]
ANYBODY = [*PRONOUNS, *NAMES, *FAMILY, *PEOPLE]

OWNERS = {"my": I, "our": WE, "your": YOU, "his": HE, "her": SHE, "their": THEY} | {
    f"{noun.english}'s": noun for noun in [*NAMES, *FAMILY]
}

FOOD = [
    *_noun("apple", "सेब", "m", plural="सेब"),
    *_noun("mango", "आम", "m", plural="आम", plurals="mangoes"),
    *_noun("banana", "केला/केले", "m", plural="केले"),
    *_noun("orange", "संतरा/संतरे", "m", plural="संतरे"),
    *(SWEETS := _noun("sweet", "मिठाई", "f", plural="मिठाइयाँ")),
]
DISHES = [Noun("bread", "रोटी", "रोटी", "f"), Noun("rice", "चावल", "चावल", "m")]
DRINKS = [
    Noun("water", "पानी", "पानी", "m"),
    Noun("milk", "दूध", "दूध", "m"),
    Noun("tea", "चाय", "चाय", "f"),
    Noun("coffee", "कॉफ़ी", "कॉफ़ी", "f"),
]
LETTERS = [
    *_noun("book", "किताब", "f", plural="किताबें"),
    *_noun("letter", "चिट्ठी", "f", plural="चिट्ठियाँ"),
    *(
        STORIES := [
            *_noun("story", "कहानी", "f", plural="कहानियाँ", plurals="stories"),
            *_noun("poem", "कविता", "f", plural="कविताएँ"),
        ]
    ),
]
THINGS = [
    *_noun("ball", "गेंद", "f", plural="गेंदें"),
    *_noun("phone", "फ़ोन", "m", plural="फ़ोन"),
    *_noun("key", "चाबी", "f", plural="चाबियाँ"),
    *_noun("cup", "प्याला/प्याले", "m", plural="प्याले"),
    *_noun("bag", "थैला/थैले", "m", plural="थैले"),
    *_noun("flower", "फूल", "m", plural="फूल"),
    *_noun("cap", "टोपी", "f", plural="टोपियाँ"),
    *_noun("picture", "तस्वीर", "f", plural="तस्वीरें"),
    *LETTERS[:4],
]
FURNITURE = [
    Noun("table", "मेज़", "मेज़", "f"),
    Noun("chair", "कुर्सी", "कुर्सी", "f"),
    Noun("box", "डिब्बा", "डिब्बे", "m"),
    Noun("bed", "पलंग", "पलंग", "m"),
]
PLACES = [
    Noun("garden", "बग़ीचा", "बग़ीचे", "m"),
    Noun("school", "स्कूल", "स्कूल", "m"),
    Noun("market", "बाज़ार", "बाज़ार", "m"),
    Noun("house", "घर", "घर", "m"),
    Noun("shop", "दुकान", "दुकान", "f"),
    Noun("village", "गाँव", "गाँव", "m"),
    Noun("city", "शहर", "शहर", "m"),
    Noun("room", "कमरा", "कमरे", "m"),
]

EAT = Verb("eat", "eats", "eating", "ate", "खा", "खाया")
DRINK = Verb("drink", "drinks", "drinking", "drank", "पी", "पिया")
READ = Verb("read", "reads", "reading", "read", "पढ़", "पढ़ा")
WRITE = Verb("write", "writes", "writing", "wrote", "लिख", "लिखा")
BUY = Verb("buy", "buys", "buying", "bought", "ख़रीद", "ख़रीदा")
SEE = Verb("see", "sees", "seeing", "saw", "देख", "देखा")
GO = Verb("go", "goes", "going", "went", "जा", "गया")
COME = Verb("come", "comes", "coming", "came", "आ", "आया")
PLAY = Verb("play", "plays", "playing", "played", "खेल", "खेला")
SLEEP = Verb("sleep", "sleeps", "sleeping", "slept", "सो", "सोया")
WORK = Verb("work", "works", "working", "worked", "काम कर", "काम किया")
SING = Verb("sing", "sings", "singing", "sang", "गा", "गाया")

# What is done to what. Seeing is not "being seen to": it has no progressive here.
DEEDS = [
    (EAT, [*FOOD, *DISHES]),
    (DRINK, DRINKS),
    (READ, LETTERS),
    (WRITE, LETTERS),
    (BUY, [*FOOD, *DISHES, *DRINKS, *THINGS]),
]
DOINGS = [PLAY, SLEEP, WORK, SING]

QUALITIES = {  # of people
    "happy": "ख़ुश",
    "sad": "उदास",
    "sick": "बीमार",
    "angry": "नाराज़",
    "ready": "तैयार",
    "hungry": "भूखा",
    "thirsty": "प्यासा",
    "tall": "लंबा",
    "good": "अच्छा",
    "tired": "थका हुआ",
}
LOOKS = {  # of things that can be touched
    "new": "नया",
    "old": "पुराना",
    "big": "बड़ा",
    "small": "छोटा",
    "good": "अच्छा",
    "red": "लाल",
    "blue": "नीला",
    "black": "काला",
    "white": "सफ़ेद",
    "beautiful": "सुंदर",
}
STYLES = {"new": "नया", "old": "पुराना", "good": "अच्छा", "beautiful": "सुंदर"}  # of stories
TASTES = {"big": "बड़ा", "small": "छोटा", "sweet": "मीठा", "good": "अच्छा"}  # of fruit

# (one man, one woman, several men, several women)
TRADES = {
    "student": ("छात्र", "छात्रा", "छात्र", "छात्राएँ"),
    "teacher": ("शिक्षक", "शिक्षिका", "शिक्षक", "शिक्षिकाएँ"),
    "writer": ("लेखक", "लेखिका", "लेखक", "लेखिकाएँ"),
    "singer": ("गायक", "गायिका", "गायक", "गायिकाएँ"),
    "doctor": ("डॉक्टर",) * 4,
    "farmer": ("किसान",) * 4,
    "friend": ("दोस्त",) * 4,
}

# --- Sentences -----------------------------------------------------------------------


def a(noun: Noun) -> Noun:
    """The noun with "a" and एक; several things have neither.

    >>> a(FOOD[0]).english, a(FOOD[1]).english
    ('an apple', 'apples')
    """
    if noun.be == "are" or noun in DISHES or noun in DRINKS:
        return noun
    article = "an" if noun.english[0] in "aeiou" else "a"
    return noun._replace(
        english=f"{article} {noun.english}",
        hindi=f"एक {noun.hindi}",
        oblique=f"एक {noun.oblique}",
    )


def the(noun: Noun) -> Noun:
    """The noun with "the", for which Hindi has no word."""
    return noun._replace(english=f"the {noun.english}")


def described(noun: Noun, english: str, hindi: str) -> Noun:
    """The noun with an adjective."""
    return noun._replace(
        english=f"{english} {noun.english}", hindi=f"{agree(hindi, noun)} {noun.hindi}"
    )


def objects(nouns: Sequence[Noun]) -> list[Noun]:
    """What can be eaten, read or bought: a mango, mangoes, a sweet mango."""
    plain = [a(noun) for noun in nouns]
    with_adjective = [
        a(described(noun, english, hindi))
        for noun in nouns
        for english, hindi in _adjectives(noun).items()
    ]
    return plain + with_adjective


def _adjectives(noun: Noun) -> dict[str, str]:
    """What can be said of a thing: "a red poem" would be grammar and no sense."""
    if noun in DISHES or noun in DRINKS or noun in SWEETS:
        return {}
    return TASTES if noun in FOOD else STYLES if noun in STORIES else LOOKS


@cache
def pairs() -> tuple[Pair, ...]:
    """Every sentence of the language, each once, always in the same order."""
    return tuple(
        replace(pair, kind=kind)
        for kind, sentences in KINDS.items()
        for pair in dict.fromkeys(sentences())
    )


def _what_somebody_is() -> Iterator[Pair]:
    for who, (english, forms) in product(ANYBODY, TRADES.items()):
        form = forms[2 * (who.be != "am" and who.number == "pl") + (who.gender == "f")]
        several = who in (WE, THEY) or (who in PEOPLE and who.be == "are")
        trade = f"{english}s" if several else f"a {english}"
        if not several and who.number == "pl":
            form = forms[who.gender == "f"]  # one who is respected is still one
        slots = {"who": (who.english, who.hindi), "be": (who.be, is_(who)), "trade": (trade, form)}
        yield _pair("{who} {be} {trade}", "{who} {trade} {be}", **slots)
        yield _pair("{who} {be} {not} {trade}", "{who} {trade} {not} {be}", **slots, **_NOT)
        yield _pair("{be} {who} {trade} ?", "{क्या} {who} {trade} {be} ?", **slots)


def _how_somebody_is() -> Iterator[Pair]:
    for who, (english, hindi) in product(ANYBODY, QUALITIES.items()):
        slots = {
            "who": (who.english, who.hindi),
            "be": (who.be, is_(who)),
            "how": (english, agree(hindi, who)),
        }
        yield _pair("{who} {be} {how}", "{who} {how} {be}", **slots)
        yield _pair("{who} {be} {very} {how}", "{who} {very} {how} {be}", **slots, **_VERY)
        yield _pair("{who} {be} {not} {how}", "{who} {how} {not} {be}", **slots, **_NOT)
        yield _pair("{be} {who} {how} ?", "{क्या} {who} {how} {be} ?", **slots)


def _somebodys_things() -> Iterator[Pair]:
    for (whose, owner), thing in product(OWNERS.items(), THINGS):
        slots = {
            "whose": (whose, owner.whose(thing)),
            "thing": (thing.english, thing.hindi),
            "be": (thing.be, is_(thing)),
        }
        this = ("this", "यह") if thing.number == "sg" else ("these", "ये")
        yield _pair(
            "{this} {be} {whose} {thing}", "{this} {whose} {thing} {be}", this=this, **slots
        )
        yield _pair(
            "{where} {be} {whose} {thing} ?",
            "{whose} {thing} {where} {be} ?",
            where=("where", "कहाँ"),
            **slots,
        )
        for english, hindi in LOOKS.items():
            look = (english, agree(hindi, thing))
            yield _pair(
                "{whose} {thing} {be} {look}", "{whose} {thing} {look} {be}", look=look, **slots
            )


def _where_things_are() -> Iterator[Pair]:
    places = [
        ("on", "पर", FURNITURE[:2]),
        ("under", "के नीचे", [FURNITURE[0], FURNITURE[3]]),
        ("in", "में", [FURNITURE[2], *PLACES[3:4], *PLACES[7:]]),
        ("near", "के पास", [*FURNITURE, *PLACES[:5]]),
        ("behind", "के पीछे", [*FURNITURE, *PLACES[1:5]]),
    ]
    for thing, (english, hindi, spots) in product(THINGS, places):
        for spot in spots:
            slots = {
                "thing": (the(thing).english, thing.hindi),
                "be": (thing.be, is_(thing)),
                "place": (english, hindi),
                "spot": (the(spot).english, spot.oblique),
            }
            yield _pair("{thing} {be} {place} {spot}", "{thing} {spot} {place} {be}", **slots)
            yield _pair(
                "{be} {thing} {place} {spot} ?", "{क्या} {thing} {spot} {place} {be} ?", **slots
            )
            for whose, owner in OWNERS.items():
                slots["thing"] = (f"{whose} {thing.english}", f"{owner.whose(thing)} {thing.hindi}")
                yield _pair("{thing} {be} {place} {spot}", "{thing} {spot} {place} {be}", **slots)
                yield _pair(
                    "{be} {thing} {place} {spot} ?", "{क्या} {thing} {spot} {place} {be} ?", **slots
                )


def _what_somebody_does(verb: Verb, nouns: Sequence[Noun]) -> Iterator[Pair]:
    for who in ANYBODY:
        whom = (who.english, who.hindi)
        for what in objects(nouns):
            thing = (what.english, what.hindi)
            yield _progressive(who, verb, what=thing)
            if what.number == "sg" and what not in DISHES + DRINKS and verb is not BUY:
                continue
            yield _habit(who, verb, what=thing, when=("every day", "रोज़"))
            does = ("do not" if who.be != "is" else "does not", "नहीं")
            yield _pair(
                "{who} {not} {do} {what}",
                "{who} {what} {not} {do}",
                who=whom,
                what=thing,
                do=(verb.english, ending(verb.stem + "ता", who)),
                **{"not": does},
            )
        yield _pair(
            "{what} {be} {who} {do} ?",
            "{who} {what} {do} {be} ?",
            who=whom,
            what=("what", "क्या"),
            **_doing(who, verb),
        )


def _what_somebody_did_or_will_do(verb: Verb, nouns: Sequence[Noun]) -> Iterator[Pair]:
    for who in ANYBODY:
        *_, particle = who.by_whom.split(" ")
        agent = who.by_whom.removesuffix(" ने")
        for what in objects(nouns):
            slots = {"what": (what.english, what.hindi), "what_then": ("yesterday", "कल")}
            done = (verb.past, past(verb, what))
            if particle == "ने":
                hindi, did = "{who} {ने} {what_then} {what} {do}", agent
            else:
                hindi, did = "{who} {what_then} {what} {do}", who.by_whom
            yield _pair(
                "{who} {do} {what} {what_then}", hindi, who=(who.english, did), do=done, **slots
            )
            slots["what_then"] = ("tomorrow", "कल")
            yield _pair(
                "{who} {will} {do} {what} {what_then}",
                "{who} {what_then} {what} {do}",
                who=(who.english, who.hindi),
                do=(verb.english, future(verb, who)),
                will=("will", ""),
                **slots,
            )


def _where_somebody_goes() -> Iterator[Pair]:
    for who, place in product(ANYBODY, PLACES[1:7]):
        slots = {"who": (who.english, who.hindi)}
        where = (the(place).english, place.oblique)
        yield _pair(
            "{who} {be} {do} {to} {where}",
            "{who} {where} {do} {be}",
            to=("to", ""),
            where=where,
            **slots,
            **_doing(who, GO),
        )
        yield _pair(
            "{who} {be} {do} {from} {where}",
            "{who} {where} {from} {do} {be}",
            where=where,
            **slots,
            **_doing(who, COME),
            **{"from": ("from", "से")},
        )
        yield _pair(
            "{be} {who} {do} {to} {where} ?",
            "{क्या} {who} {where} {do} {be} ?",
            to=("to", ""),
            where=where,
            **slots,
            **_doing(who, GO),
        )
        for verb, preposition, postposition in [(GO, "to", ""), (COME, "from", "से")]:
            then = {"where": where, "to": (preposition, postposition)}
            yield _pair(
                "{who} {do} {to} {where} {then}",
                "{who} {then} {where} {to} {do}",
                do=(verb.past, past(verb, who)),
                then=("yesterday", "कल"),
                **then,
                **slots,
            )
            yield _pair(
                "{who} {will} {do} {to} {where} {then}",
                "{who} {then} {where} {to} {do}",
                do=(verb.english, future(verb, who)),
                will=("will", ""),
                then=("tomorrow", "कल"),
                **then,
                **slots,
            )
            yield _pair(
                "{who} {do} {to} {where} {then}",
                "{who} {then} {where} {to} {do} {है}",
                do=(verb.s if who.be == "is" else verb.english, agree(verb.stem + "ता", who)),
                then=("every day", "रोज़"),
                है=("", is_(who)),
                **then,
                **slots,
            )
    for who in ANYBODY:
        yield _pair(
            "{where} {be} {who} {do} ?",
            "{who} {where} {do} {be} ?",
            who=(who.english, who.hindi),
            where=("where", "कहाँ"),
            **_doing(who, GO),
        )


def _what_somebody_is_busy_with() -> Iterator[Pair]:
    for who, verb in product(ANYBODY, DOINGS):
        yield _progressive(who, verb)
        for place in [*PLACES[:5], PLACES[7]]:
            yield _progressive(
                who, verb, place=("in", "में"), where=(the(place).english, place.oblique)
            )
        for other in [*NAMES, *FAMILY, *PEOPLE]:
            if other is not who and verb is not SLEEP:
                yield _progressive(
                    who, verb, place=("with", "के साथ"), where=(other.english, other.oblique)
                )


def _what_somebody_has_wants_and_likes() -> Iterator[Pair]:
    for who in ANYBODY:
        s = "s" if who.be == "is" else ""
        to_whom = (who.english, who.to_whom)
        for what in objects([*FOOD, *DISHES, *DRINKS, *THINGS]):
            thing = (what.english, what.hindi)
            yield _pair(
                "{who} {do} {what}",
                "{who} {what} {do}",
                who=to_whom,
                what=thing,
                do=(f"want{s}", "चाहिए"),
            )
            has = ("has" if s else "have", "के पास")
            near = who.before("के पास").removesuffix(" पास")
            yield _pair(
                "{who} {do} {what}",
                "{who} {do} {what} {है}",
                who=(who.english, near),
                what=thing,
                do=(has[0], "पास"),
                है=("", is_(what)),
            )
        for what in [*FOOD[1::2], *DISHES, *DRINKS, *THINGS[1::2]]:
            slots = {"who": to_whom, "what": (what.english, what.hindi), "है": ("", is_(what))}
            yield _pair(
                "{who} {do} {what}", "{who} {what} {do} {है}", do=(f"like{s}", "पसंद"), **slots
            )
            yield _pair(
                "{who} {not} {do} {what}",
                "{who} {what} {do} {not} {है}",
                do=("like", "पसंद"),
                **{"not": (f"do{'es' if s else ''} not", "नहीं")},
                **slots,
            )


KINDS = {
    "what somebody is": _what_somebody_is,
    "how somebody is": _how_somebody_is,
    "whose things": _somebodys_things,
    "where things are": _where_things_are,
    "going somewhere": _where_somebody_goes,
    "busy": _what_somebody_is_busy_with,
    "having, wanting, liking": _what_somebody_has_wants_and_likes,
    **{f"{verb.english} now": partial(_what_somebody_does, verb, nouns) for verb, nouns in DEEDS},
    **{
        f"{verb.english} then": partial(_what_somebody_did_or_will_do, verb, nouns)
        for verb, nouns in [*DEEDS, (SEE, THINGS)]
    },
}

_NOT = {"not": ("not", "नहीं")}
_VERY = {"very": ("very", "बहुत")}


def _doing(who: Noun, verb: Verb) -> dict[str, tuple[str, str]]:
    """The slots of "is eating": खा रहा है."""
    return {"be": (who.be, f"{agree('रहा', who)} {is_(who)}"), "do": (verb.ing, verb.stem)}


def _progressive(who: Noun, verb: Verb, **rest: tuple[str, str]) -> Pair:
    """Somebody is doing something; `rest` goes behind the verb, in Hindi before it."""
    english = " ".join(f"{{{slot}}}" for slot in rest)
    hindi = " ".join(f"{{{slot}}}" for slot in (reversed(rest) if "place" in rest else rest))
    return _pair(
        f"{{who}} {{be}} {{do}} {english}",
        f"{{who}} {hindi} {{do}} {{be}}",
        who=(who.english, who.hindi),
        **_doing(who, verb),
        **rest,
    )


def _habit(who: Noun, verb: Verb, **slots: tuple[str, str]) -> Pair:
    return _pair(
        "{who} {do} {what} {when}",
        "{who} {when} {what} {do} {है}",
        who=(who.english, who.hindi),
        do=(verb.s if who.be == "is" else verb.english, agree(verb.stem + "ता", who)),
        है=("", is_(who)),
        **slots,
    )


def _pair(english: str, hindi: str, **slots: tuple[str, str]) -> Pair:
    """Fill the slots of two templates. Words of one slot say the same thing."""
    places: dict[str, list[int]] = {}
    said: list[str] = []
    for slot, word in _fill(english, {name: both[0] for name, both in slots.items()}):
        places.setdefault(slot, []).append(len(said))
        said.append(word)
    translated = list(_fill(hindi, {name: both[1] for name, both in slots.items()}))
    return Pair(
        tuple(said),
        tuple(word for _, word in translated),
        tuple(tuple(places.get(slot, ())) for slot, _ in translated),
    )


def _fill(template: str, words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each word with the slot that it comes from; a slot without a word says its name."""
    for part in template.split():
        slot = part.strip("{}")
        for word in words.get(slot, slot).split():
            yield slot, word


# --- Text ----------------------------------------------------------------------------


def split(text: str) -> list[str]:
    """The words of an English sentence as this language writes them: small letters, no full stop.

    >>> split("Is Sita's book on the table? ")
    ['is', "sita's", 'book', 'on', 'the', 'table', '?']
    """
    return re.findall(r"[^\s.,!?।]+|\?", text.lower().replace("’", "'"))


def spell(words: Sequence[str]) -> str:
    """Words as a text; the question mark leans on the word before it."""
    return " ".join(words).replace(" ?", "?")


def vocabulary() -> tuple[list[str], list[str]]:
    """The words of English, and those of Hindi, each sorted."""
    english = {word for pair in pairs() for word in pair.english}
    hindi = {word for pair in pairs() for word in pair.hindi}
    return sorted(english), sorted(hindi)


def held_out(n: int, *, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Cut the language in two: what may be trained on, and what may not.

    No sentence of the second part stands in the first, in either language: where
    two English sentences have one Hindi, such as "he ate rice" and "she ate rice",
    both go to the same side.

    Args:
        n: Hindi sentences of each kind to hold out.
        seed: of the draw.
    """
    rng = random.Random(f"translation {seed}")
    kept_back: set[tuple[str, ...]] = set()
    for kind in KINDS:
        of_this_kind = sorted({pair.hindi for pair in pairs() if pair.kind == kind})
        kept_back.update(rng.sample(of_this_kind, n))
    training = [pair for pair in pairs() if pair.hindi not in kept_back]
    return training, [pair for pair in pairs() if pair.hindi in kept_back]
