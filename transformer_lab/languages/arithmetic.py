"""The arithmetic language: conversations with a teacher who does sums and little else.

A conversation is a list of messages, and its truth is known: what the answer to
each question is, given all that was said before it.

    user       my name is Anna
    assistant  nice to meet you, Anna
    user       what is 2+1?
    assistant  2+1=3
    user       and 47 more?
    assistant  3+47: 3+7=10, 0+4+1=5, 50
    user       who wrote this song
    assistant  I only do sums and differences

A sum of larger numbers is answered with its working, as at school: the problem once
more in one form, however it was asked; the ones; the tens with the carry; and last
the result. That is how it becomes learnable in seconds. A decoder does the same
amount of work for each token, and the highest digit, which is written first, would
need all of the sum at once. Written from the lowest digit up, each step is a fact
from the table of single digits, and what has been written can be looked at.

Numbers go from 0 to 99, and results may be larger, or below zero. It leaves out
everything else: times and divided by, larger numbers and all other questions are
declined.

Source: writing the working down: Nye et al. 2021, "Show Your Work"; the order of the
digits: Lee et al. 2024, "Teaching Arithmetic to Small Transformers".
Taught in chapter 14.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

LARGEST = 99
DECLINED = "I only do sums and differences"
TOO_LARGE = f"I only know numbers from 0 to {LARGEST}"
NO_RESULT = "there is no result yet, ask me a sum first"
NO_NAME = "you have not told me your name"

Problem = tuple[str, int, int]  # "+" or "-", and the two numbers

# --- Ways to say it -----------------------------------------------------------------

ASKED = {
    "+": [
        "what is {a}+{b}", "what's {a} plus {b}", "{a}+{b}=", "{a} + {b}", "what is {a} + {b}",
        "how much is {a} plus {b}", "add {a} and {b}", "{a} and {b} together", "{a}+{b}",
        "can you add {a} and {b}", "what do {a} and {b} make", "what is the sum of {a} and {b}",
        "please compute {a} + {b}", "I have {a} apples and get {b} more, how many are there",
    ],
    "-": [
        "what is {a}-{b}", "what's {a} minus {b}", "{a}-{b}=", "{a} - {b}", "what is {a} - {b}",
        "how much is {a} minus {b}", "subtract {b} from {a}", "take {b} away from {a}", "{a}-{b}",
        "can you take {b} from {a}", "what is the difference of {a} and {b}",
        "please compute {a} - {b}", "I have {a} apples and give {b} away, how many are left",
    ],
}  # fmt: skip
ASKED_FURTHER = {
    "+": [
        "and {b} more", "add {b} to that", "plus {b}", "now add {b}", "and plus {b}", "{b} more",
        "what if I add {b}", "+{b}", "and with {b} more",
    ],
    "-": [
        "and {b} less", "subtract {b} from that", "minus {b}", "now take {b} away",
        "and minus {b}", "{b} less", "what if I take {b} away", "-{b}", "now subtract {b}",
    ],
}  # fmt: skip
ASKED_AGAIN = ["what was the answer", "what was that", "say that again", "what is the result",
               "what was the result", "repeat the answer"]  # fmt: skip
NAMED = ["my name is {name}", "I am {name}", "call me {name}", "hello, I am {name}",
         "hi, my name is {name}", "I'm {name}"]  # fmt: skip
ASKED_NAME = ["what is my name", "who am I", "do you know my name", "what's my name",
              "do you remember my name", "tell me my name"]  # fmt: skip
ASKED_WHO = ["who are you", "what are you", "tell me who you are", "and who are you"]
SMALL_TALK = {
    "hello": (["hello", "hi", "good morning", "hey", "good day", "hello there"],
              "hello, ask me a sum"),
    "thanks": (["thanks", "thank you", "thank you very much", "great, thanks", "well done"],
               "you are welcome"),
    "how": (["how are you", "how do you do", "are you well"], "I am well, ask me a sum"),
    "bye": (["bye", "goodbye", "see you", "that is all", "good night"], "goodbye"),
    "what": (["what can you do", "help", "what do you know", "what can I ask"],
             f"I do sums and differences of numbers from 0 to {LARGEST}"),
}  # fmt: skip
# The teacher's own name for itself is what the system message calls it.
PERSONAS = [
    "a math teacher", "a math teacher", "a math teacher", "a robot", "a helpful assistant",
    "a wizard", "a calculator", "a friendly owl", "a teacher", "a student", "a computer",
    "a wise old tree", "a sailor", "a parrot",
]  # fmt: skip
NO_PERSONA = "a small language model"
NAMES = """Anna Ben Clara David Emma Finn Grace Henry Ida Jack Kate Leo Maria Noah Olga Paul
    Rosa Sam Tara Victor Wendy Zoe Amir Bina Chen Dilip Elif Farid Gita Hana Ivan Jin Kofi
    Lakshmi Mei Nadia Omar Priya Ravi Sita""".split()
HELD_OUT_NAMES = "Alice Bruno Diego Fatima Hugo Laila Marta Oscar Petra Ruben Sonja Yusuf".split()
NUMBER_WORDS = """zero one two three four five six seven eight nine ten eleven twelve""".split()

# --- What is declined ---------------------------------------------------------------

THINGS = """bread|music|snow|tigers|love|rain|horses|football|gold|the moon|chess|a piano|
    the sea|coffee|London|a castle|China|winter|trees|fire|my brother|the king|a violin|
    mountains|soup|the internet|gravity|a bicycle|wolves|history|paper|Rome|butterflies|
    the weather|sugar|Africa|a rocket|cats|milk|a volcano|the brain|shoes|dinosaurs|ice|
    the news|three cats|the second world war|two dogs|one good book|my mother|her uncle|
    the earth|a star|sunday|Germany|Mexico|Einstein|a lion|birds|fish|rice|an apple|the city|
    a doctor|the teacher|a lawyer|photos|the phone|my dog|an elevator|the moonlight|Mozart|
    a sister city|elegance|penguins|wine|bread and butter|a bear|physics|chemistry|spring|
    autumn|an island|the river|a telephone|sunlight|your father|the queen|oranges|potatoes|
    a song|the theatre|a train|a plane|swimming|a hospital|the law|medicine|peace"""
THINGS = THINGS.replace("\n    ", "").split("|")
HELD_OUT_THINGS = [
    "Brazil", "strawberries", "the desert", "a kangaroo", "Picasso", "my cousin", "a trumpet",
    "Norway", "crocodiles", "the mayor", "chocolate", "astronomy", "a lighthouse", "thunder",
    "honey",
]  # fmt: skip
QUESTIONS = [
    "who invented {}", "tell me about {}", "where can I find {}", "what colour is {}",
    "do you like {}", "write a poem about {}", "how do I draw {}", "why is {} so important",
    "what is {}", "is {} good for me", "how old is {}", "when did {} begin", "sing about {}",
    "can you show me {}", "who is the queen of {}", "how far is {}", "I want {}", "what about {}",
    "give me {}", "who wrote about {}", "explain {} to me", "how big is {}", "I like {}",
    "what is the name of {}", "which is better, {} or {}", "is it true that {} is near {}",
    "what does {} mean", "how many people live in {}", "translate {} into Hindi", "{}",
    "where is {} from", "who comes from {}", "how do I come from {} to {}", "take me to {}",
    "who built {}", "where do {} live", "when was {} born", "what happened to {}",
    "how can I learn about {}", "can I eat {}", "could you find {}", "who killed {}",
    "what do you know about {}", "how does {} work", "tell me the story of {}", "are {} happy",
    "write me a letter about {}", "what do {} eat", "do {} sleep", "will {} come back",
    "what is the price of {}", "you are {}", "what is the best {}", "how do you make {}",
]  # fmt: skip
HELD_OUT_QUESTIONS = [
    "what is the population of {}", "who designed {}", "how deep is {}", "recommend me {}",
    "describe {}", "have you ever seen {}", "how much does {} weigh", "should I buy {}",
    "why do people love {}", "summarise {}", "when can I visit {}", "is there life on {}",
]  # fmt: skip
OTHER_SUMS = [
    "what is {a}*{b}", "{a} times {b}", "what is {a} times {b}", "{a}/{b}", "{a} divided by {b}",
    "what is {a} x {b}", "multiply {a} by {b}", "divide {a} by {b}", "what is the root of {a}",
    "{a}*{b}=", "is {a} a prime number", "{a}", "{a}+", "what is {a}", "count to {a}", "{a} {b}",
    "half of {a}", "x+{a}", "what is {w}+{b}", "{a}+{w}", "what is {w} plus {w}", "+", "?",
    "which is larger, {a} or {b}", "what day is it in {a} days",
]  # fmt: skip


@dataclass
class State:
    """What has been said in a conversation, as far as later answers depend on it."""

    persona: str = NO_PERSONA
    name: str | None = None
    result: int | None = None


@dataclass(frozen=True)
class Conversation:
    """Messages, and for each answer its kind."""

    messages: list[dict[str, str]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def solve(problem: Problem) -> str:
    """The teacher's answer to a sum or a difference; the result is its last number.

    >>> solve(("+", 2, 1)), solve(("-", 3, 5))
    ('2+1=3', '3-5=-2')
    >>> solve(("+", 47, 38)), solve(("-", 83, 47))
    ('47+38: 7+8=15, 4+3+1=8, 85', '83-47: 13-7=6, 8-4-1=3, 36')
    >>> solve(("-", 5, 42))
    '5-42: 5-2=3, 0-4=-4, -40+3=-37'
    """
    sign, a, b = problem
    if a < 10 and b < 10:
        return f"{a}{sign}{b}={result(problem)}"
    if sign == "+":
        carry = int(a % 10 + b % 10 > 9)
        top, ones, tens = a % 10, a % 10 + b % 10, a // 10 + b // 10 + carry
    else:  # where the ones do not suffice, ten is borrowed, whatever the tens are
        carry = int(a % 10 < b % 10)
        top = a % 10 + 10 * carry
        ones, tens = top - b % 10, a // 10 - b // 10 - carry
    first = f"{top}{sign}{b % 10}={ones}"
    second = f"{a // 10}{sign}{b // 10}{carry * f'{sign}1'}={tens}"
    last = f"{tens}0+{ones}={result(problem)}" if tens < 0 else str(result(problem))
    return f"{a}{sign}{b}: {first}, {second}, {last}"


def result(problem: Problem) -> int:
    """The number that is asked for."""
    sign, a, b = problem
    return a + b if sign == "+" else a - b


@cache
def held_out(share: float = 0.1, *, seed: int = 0) -> frozenset[Problem]:
    """The problems that training never sees, in whatever words, or as a follow-up.

    A problem is held out in both orders: 20 + 1 would give 1 + 20 away. Single digits are
    never held out: they are the table that the working of all others is made from.

    Args:
        share: of all problems, about.
        seed: of the draw.

    Raises:
        ValueError: if the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:  # NaN is not
        raise ValueError(f"share={share} must be at least 0 and at most 1")
    rng = random.Random(f"held out {seed}")
    chosen: set[Problem] = set()
    for a in range(LARGEST + 1):
        for b in range(max(a, 10), LARGEST + 1):
            for sign in "+-":
                if rng.random() < share:
                    chosen |= {(sign, a, b), (sign, b, a)}
    return frozenset(chosen)


def sample(
    rng: random.Random, *, without: Collection[Problem] = (), most: int = 10
) -> Conversation:
    """One conversation, drawn at random.

    Args:
        rng: the source of chance.
        without: problems that do not occur in it.
        most: exchanges, at most.
    """
    state, conversation = State(), Conversation()
    if rng.random() < 0.7:
        state.persona = rng.choice(PERSONAS)
        system = {"role": "system", "content": f"you are {state.persona}"}
        conversation.messages.append(system)
    for _ in range(rng.randint(1, most) if rng.random() < 0.3 else most):
        kind = rng.choices(list(_KINDS), [share for share, _ in _KINDS.values()])[0]
        if kind == "tell name" and state.name:  # nobody says it twice
            kind = "ask name"
        question, answer = _KINDS[kind][1](rng, state, without)
        conversation.messages.append({"role": "user", "content": _typed(rng, question)})
        conversation.messages.append({"role": "assistant", "content": answer})
        conversation.kinds.append(kind)
    return conversation


def ask(rng: random.Random, problem: Problem) -> str:
    """A question for this problem, in one of many ways to ask."""
    sign, a, b = problem
    return rng.choice(ASKED[sign]).format(a=_number(rng, a), b=_number(rng, b))


def _number(rng: random.Random, number: int) -> str:
    """In digits, or now and then in words."""
    if number < len(NUMBER_WORDS) and rng.random() < 0.12:
        return NUMBER_WORDS[number]
    return str(number)


def _typed(rng: random.Random, text: str) -> str:
    """As people type: with a capital letter or without, with a mark at the end or without."""
    if rng.random() < 0.3:
        text = text[:1].upper() + text[1:]
    return text + rng.choices(["", "?", ".", "!", " ?"], [60, 30, 5, 3, 2])[0]


def _operand(rng: random.Random) -> int:
    return rng.randint(0, LARGEST) if rng.random() < 0.8 else rng.randint(0, 12)


def _problem(rng: random.Random, without: Collection[Problem], first: int | None = None) -> Problem:
    while True:
        a = _operand(rng) if first is None else first
        problem = (rng.choice("+-"), a, _operand(rng))
        if problem not in without:
            return problem


def _sum(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    problem = _problem(rng, without)
    state.result = result(problem)
    return ask(rng, problem), solve(problem)


def _further(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    known = state.result is not None and 0 <= state.result <= LARGEST
    problem = _problem(rng, without, state.result if known else 0)
    sign, _, b = problem
    question = rng.choice(ASKED_FURTHER[sign]).format(b=_number(rng, b))
    if state.result is None:
        return question, NO_RESULT
    if not known:
        return question, TOO_LARGE
    state.result = result(problem)
    return question, solve(problem)


def _again(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    answer = NO_RESULT if state.result is None else f"the result was {state.result}"
    return rng.choice(ASKED_AGAIN), answer


def _tell_name(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    state.name = rng.choice(NAMES) if rng.random() < 0.65 else _made_up_name(rng)
    return rng.choice(NAMED).format(name=state.name), f"nice to meet you, {state.name}"


def _ask_name(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    answer = NO_NAME if state.name is None else f"your name is {state.name}"
    return rng.choice(ASKED_NAME), answer


def _who(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    return rng.choice(ASKED_WHO), f"I am {state.persona} and I do sums"


def _small_talk(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    questions, answer = rng.choice(list(SMALL_TALK.values()))
    return rng.choice(questions), answer


def _decline(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    def thing() -> str:
        words = [rng.choice(THINGS) if rng.random() < 0.5 else _made_up(rng)]
        return " ".join(words if rng.random() < 0.8 else [*words, _made_up(rng)])

    kind = rng.random()
    if kind < 0.55:
        question = rng.choice(QUESTIONS).format(thing(), thing())
    elif kind < 0.75:
        word = rng.choice([_real, _made_up, _foreign])
        question = " ".join(word(rng) for _ in range(rng.randint(1, 6)))
    else:
        numbers = {"a": _operand(rng), "b": _operand(rng)}
        question = rng.choice(OTHER_SUMS).format(**numbers, w=thing())
    return question, DECLINED


def _too_large(rng: random.Random, state: State, without: Collection[Problem]) -> tuple[str, str]:
    numbers = [_operand(rng), rng.randint(LARGEST + 1, 10 ** rng.randint(3, 6))]
    if rng.random() < 0.3:
        numbers[0] = rng.randint(LARGEST + 1, 10**4)
    rng.shuffle(numbers)
    sign = rng.choice("+-")
    return rng.choice(ASKED[sign]).format(a=numbers[0], b=numbers[1]), TOO_LARGE


def _made_up(rng: random.Random) -> str:
    """A word that does not exist, so that words never seen are nothing new."""
    return "".join(
        rng.choice(_BEGINNINGS) + rng.choice(_MIDDLES) + rng.choice(_ENDINGS)
        for _ in range(rng.choice((1, 2, 2, 3)))
    )


def _real(rng: random.Random) -> str:
    """A word of the questions: in a row, they make no question."""
    return rng.choice(_WORDS)


def _made_up_name(rng: random.Random) -> str:
    """A name that is easy to say."""
    syllables = (
        rng.choice("bcdfghjklmnprstvwyz") + rng.choice("aeiou") + rng.choice(["", "", *"nrslm"])
        for _ in range(rng.choice((1, 2, 2)))
    )
    return "".join(syllables).capitalize()


def _foreign(rng: random.Random) -> str:
    """Letters or signs that the teacher cannot read: it is to say so, whatever they mean."""
    first, last = rng.choice(_SCRIPTS)
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 5)))


# Accented letters, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Kana, Chinese, emoji, signs.
_SCRIPTS = [(0xC0, 0xFF), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A),
            (0x905, 0x94D), (0x3041, 0x30FA), (0x4E00, 0x9FA0), (0x1F600, 0x1F64F),
            (0x21, 0x2A)]  # fmt: skip
_WORDS = " ".join((*THINGS, *QUESTIONS)).replace("{}", "").split()
_BEGINNINGS = [*"bcdfghjklmnpqrstvwxyz", *"bcdfghklmnprstw", "", "", "th", "sh", "ch", "ph", "br",
               "st", "tr", "pl", "qu", "gl", "kn"]  # fmt: skip
_MIDDLES = [*"aeiou", *"aeiou", "y", "ea", "oo", "ai", "ou", "ie", "ue"]
_ENDINGS = ["", "", "", *"nrslmtdkgpx", "nt", "st", "ck", "ng", "rd", "gh", "ts"]

# How often each kind of exchange is drawn, and how.
_KINDS = {
    "sum": (38, _sum),
    "follow-up": (16, _further),
    "repeat": (4, _again),
    "tell name": (12, _tell_name),
    "ask name": (8, _ask_name),
    "who": (3, _who),
    "small talk": (5, _small_talk),
    "decline": (17, _decline),
    "too large": (5, _too_large),
}
