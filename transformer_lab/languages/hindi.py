"""Hindi: what a word looks like, beside which other word, and how it sounds.

Holds nouns and verbs with their forms, the rules of agreement between them, and
a romanised spelling. It leaves out which words and sentences there are: see
`translation`. Taught in chapter 13.

Source: McGregor 1995, "Outline of Hindi Grammar", third edition; for the
silent vowel: Ohala 1983, "Aspects of Hindi Phonology", chapter 4.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Noun(NamedTuple):
    """Somebody or something, with all that its sentence must agree with.

    `number` is what Hindi hears: one person who is respected is "pl".
    """

    english: str
    hindi: str
    oblique: str  # the form before a postposition
    gender: str  # "m" or "f"
    number: str = "sg"  # or "pl"
    be: str = "is"  # what English hears: "am", "is" or "are"
    dative: str = ""  # to whom, where it is not the oblique with को
    agent: str = ""  # by whom, where it is not the oblique with ने
    owner: str = ""  # whose, where it is not the oblique with का

    @property
    def to_whom(self) -> str:
        return self.dative or f"{self.oblique} को"

    @property
    def by_whom(self) -> str:
        return self.agent or f"{self.oblique} ने"

    def whose(self, thing: Noun) -> str:
        """Whose the thing is: a word that agrees with the thing like an adjective."""
        if self.owner:
            return agree(self.owner, thing)
        return f"{self.oblique} {agree('का', thing)}"

    def before(self, postposition: str) -> str:
        """This, and a word such as "near" that belongs behind it."""
        if self.owner and postposition.startswith("के "):
            return f"{self.owner[:-1]}े {postposition.removeprefix('के ')}"
        return f"{self.oblique} {postposition}"


class Verb(NamedTuple):
    """A verb: its English forms, its Hindi stem, and its past for one masculine thing."""

    english: str
    s: str
    ing: str
    past: str
    stem: str
    hindi_past: str


def agree(word: str, noun: Noun) -> str:
    """The form of a word on -आ that fits the noun; other words never change.

    >>> from transformer_lab.languages.translation import BOY, BOYS, GIRL
    >>> [agree("लंबा", noun) for noun in (BOY, GIRL, BOYS)]
    ['लंबा', 'लंबी', 'लंबे']
    """
    if " " in word:
        return " ".join(agree(part, noun) for part in word.split(" "))
    column = 1 if noun.gender == "f" else 2 if noun.number == "pl" else 0
    for endings in (("या", "ई", "ए"), ("आ", "ई", "ए"), ("ा", "ी", "े")):
        if word.endswith(endings[0]):
            return word.removesuffix(endings[0]) + endings[column]
    return word


def is_(noun: Noun) -> str:
    """What "is" is after this noun: हूँ, है or हैं."""
    return "हूँ" if noun.be == "am" else "है" if noun.number == "sg" else "हैं"


def ending(word: str, noun: Noun) -> str:
    """A verb that stands without है: here the feminine plural is heard too."""
    form = agree(word, noun)
    return form + "ं" if (noun.gender, noun.number) == ("f", "pl") else form


def past(verb: Verb, noun: Noun) -> str:
    """The past: खाया, खाई, खाए, खाईं."""
    if verb.hindi_past == "पिया" and noun.gender == "f":
        return "पी" if noun.number == "sg" else "पीं"  # not पिई
    return ending(verb.hindi_past, noun)


def future(verb: Verb, noun: Noun) -> str:
    """The future: it agrees in person, number and gender."""
    stem = "पि" if verb.stem == "पी" else verb.stem
    *first, last = stem.split(" ")
    after_vowel = last[-1] in "आािो"
    if noun.be == "am":
        form = last + ("ऊँ" if after_vowel else "ूँ")
    elif noun.number == "sg":
        form = last + ("ए" if after_vowel else "े")
    else:
        form = last + ("एँ" if after_vowel else "ें")
    return " ".join([*first, agree(form + "गा", noun)])


# --- Romanised -----------------------------------------------------------------------

_CONSONANTS: dict[str, str] = dict(
    zip(
        "क ख ग घ च छ ज झ ट ठ ड ढ ण त थ द ध न प फ ब भ म य र ल व श ष स ह".split(),
        "k kh g gh ch chh j jh t th d dh n t th d dh n p ph b bh m y r l v sh sh s h".split(),
        strict=True,
    )
)
_WITH_DOT = {"ड": "r", "ढ": "dh", "ज": "z", "फ": "f"}  # the others sound as without it
_SIGNS = {"ा": "aa", "ि": "i", "ी": "ee", "ु": "u", "ू": "oo", "े": "e", "ै": "ai",
          "ो": "o", "ौ": "au", "ॉ": "o"}  # fmt: skip
_VOWELS = {"अ": "a", "आ": "aa", "इ": "i", "ई": "ee", "उ": "u", "ऊ": "oo", "ए": "e",
           "ऐ": "ai", "ओ": "o", "औ": "au"}  # fmt: skip
_DOT, _JOINS, _NASALS = "़", "्", "ंँ"
_UNSURE = "a?"  # the vowel that is not written, and may not be heard


def romanise(word: str) -> str:
    """A Hindi word in Latin letters, roughly as it sounds.

    A consonant without a sign carries an "a", which is written but silent at the
    end of a word, and where a vowel stands before it and a consonant with a vowel
    behind it (लड़का is larka, not laraka).

    >>> [romanise(word) for word in "हम दोस्त हैं लड़का किताब".split()]
    ['ham', 'dost', 'hain', 'larka', 'kitaab']
    """
    sounds: list[list[str]] = []  # consonant, vowel (_UNSURE where it may be silent)
    for letter in word:
        if letter in _CONSONANTS:
            sounds.append([_CONSONANTS[letter], _UNSURE])
        elif letter == _DOT:
            sounds[-1][0] = next(
                (_WITH_DOT[k] for k in _WITH_DOT if _CONSONANTS[k] == sounds[-1][0]), sounds[-1][0]
            )
        elif letter in _SIGNS:
            sounds[-1][1] = _SIGNS[letter]
        elif letter == _JOINS:
            sounds[-1][1] = ""
        elif letter in _NASALS:
            sounds[-1][1] = sounds[-1][1].removesuffix("?") + "n"
        else:
            sounds.append(["", _VOWELS.get(letter, letter)])
    return _without_silent_vowels(sounds)


def _without_silent_vowels(sounds: list[list[str]]) -> str:
    for i, (consonant, vowel) in enumerate(sounds):
        if vowel != _UNSURE:
            continue
        last = i == len(sounds) - 1
        before = i > 0 and sounds[i - 1][1] not in ("", _UNSURE)
        after = not last and sounds[i + 1][0] and sounds[i + 1][1] not in ("", _UNSURE)
        sounds[i] = [consonant, "" if i > 0 and (last or (before and after)) else "a"]
    text = "".join(consonant + vowel for consonant, vowel in sounds)
    # The habits of those who type Hindi in Latin letters: larka, larki, kitaabein, lamba.
    if len(sounds) > 1:
        text = re.sub("aa$", "a", re.sub("ee$", "i", text))
    return re.sub("n(?=[bp])", "m", re.sub("(?<!e)en$", "ein", text))
