"""A story grammar whose probabilities are known exactly.

A story follows a plot: a list of sentences, each chosen from a few templates. A
template holds words and slots; a slot draws its word when it is first needed
and repeats it afterwards. Holds the sampling of such stories and the exact
probability of every next word. It leaves out which words and plots there are:
see `stories`.

The mathematics, on which every "floor" in this book rests. A story w₁…wₙ
(words, full stops, and the end) has

    p(w₁…wₙ) = Σ over derivations d that spell it, of Π p(choices in d),

and a derivation is a walk of this grammar, so the sum is the forward algorithm
of hidden Markov models: keep every walk that has spelt w₁…wᵢ, with its
probability; those that can spell wᵢ₊₁ next go on. With M(i) their total,

    p(wᵢ₊₁ | w₁…wᵢ) = M(i+1) / M(i),          p(w₁…wₙ) = M(n).

No predictor, of any size, can have a lower expected loss on stories from this
grammar than the true distribution, whose loss is the entropy H = E[−log p].
On held-out stories we compare a model with the true distribution *on the same
stories*, so that luck in the draw raises or lowers both alike.

Source: Rabiner 1989, "A Tutorial on Hidden Markov Models", section III;
Shannon 1948 for the entropy as the floor of any code.
Taught in chapter 12 (the floor of the loss).
"""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

END = "<|endoftext|>"  # what follows the last word of a story

Lexeme = Mapping[str, str]  # the forms of one word: {"": "ball", "a": "a ball", ...}
Bindings = tuple[tuple[str, Lexeme], ...]  # what each slot has drawn, in that order
Choices = Callable[[str, dict[str, Lexeme]], Sequence[Lexeme]]


@dataclass(frozen=True)
class Word:
    """One word of a story, and what is known about it.

    `slot` is whom or what it speaks of ("hero", "toy"; None for a plain word)
    and `form` how ("" by name, "he", "his", "a", "river").
    """

    text: str
    slot: str | None = None
    form: str = ""


@dataclass(frozen=True)
class Story:
    """A story as its words; `str(story)` is its text."""

    words: tuple[Word, ...]
    plot: str = ""

    def __str__(self) -> str:
        return spell(word.text for word in self.words)

    def antecedent(self, position: int) -> int | None:
        """Where the name last stood that the word at `position` refers back to.

        Returns:
            The index of the word, or None if nothing earlier names the same
            one (or the word speaks of nobody).
        """
        slot = self.words[position].slot
        if slot is None:
            return None
        named = [i for i in range(position) if self.words[i] == Word(self.words[i].text, slot)]
        return named[-1] if named else None


def spell(words: Iterator[str] | Sequence[str]) -> str:
    """Join words into text; a full stop or comma leans on the word before it.

    >>> spell(["Anna", "ran", ",", "too", "."])
    'Anna ran, too.'
    """
    return re.sub(r" (?=[.,])", "", " ".join(words))


def split(text: str) -> list[str]:
    """The inverse of `spell`.

    >>> split("Anna ran, too.")
    ['Anna', 'ran', ',', 'too', '.']
    """
    return re.findall(r"[.,]|[^\s.,]+", text)


@dataclass(frozen=True)
class _Slot:
    name: str
    form: str


@dataclass(frozen=True)
class _State:
    """How far a walk has come: a place in a sentence of a plot, and what is bound."""

    plot: str
    sentence: int  # the next sentence, once `rest` is used up
    rest: tuple[Word | _Slot, ...]  # what is left of the sentence that was chosen
    bindings: Bindings

    def bound(self) -> dict[str, Lexeme]:
        return dict(self.bindings)


# What can come next: its probability, the words said, and the state after it
# (None once the story has ended).
_Step = tuple[float, tuple[Word, ...], _State | None]


@dataclass
class _Walk:
    """A derivation that has spelt the prefix: its state and probability."""

    probability: float
    state: _State | None  # None once the story has ended
    pending: tuple[Word, ...] = field(default=())  # words of a phrase still to be said


class Grammar:
    """Plots, made of sentences, made of templates with slots.

    Args:
        plots: for each plot, its sentences; for each sentence, the templates
            it is chosen from, all equally likely. In a template `{toy}` is the
            word of the slot "toy" and `{hero.he}` the form "he" of "hero".
        choices: the lexemes that a slot may draw from, given what is bound.

    All plots are equally likely, and so are all choices of a slot.
    """

    def __init__(self, plots: Mapping[str, Sequence[Sequence[str]]], choices: Choices) -> None:
        self.plots = {
            name: [[_parse(template) for template in sentence] for sentence in sentences]
            for name, sentences in plots.items()
        }
        self.choices = choices

    def sample(self, rng: random.Random) -> Story:
        """Draw one story."""
        plot = rng.choice(list(self.plots))
        bound: dict[str, Lexeme] = {}
        words: list[Word] = []
        for templates in self.plots[plot]:
            for unit in rng.choice(templates):
                if isinstance(unit, Word):
                    words.append(unit)
                    continue
                if unit.name not in bound:
                    bound[unit.name] = rng.choice(self.choices(unit.name, bound))
                words.extend(_say(bound[unit.name], unit))
        return Story(tuple(words), plot)

    def next_word(self, prefix: Sequence[str]) -> dict[str, float]:
        """The exact probability of each word (or END) after `prefix`.

        Raises:
            ValueError: if no story of this language starts like that.

        >>> from transformer_lab.languages import stories
        >>> after = stories.GRAMMAR.next_word(stories.split("One day Anna walked to the"))
        >>> round(after["bank"], 2), round(after["park"], 2)
        (0.6, 0.04)
        """
        walks = self._start()
        for position, word in enumerate(prefix):
            walks = self._advance(walks, word)
            if not walks:
                raise ValueError(
                    f"no story of this language goes on with {word!r} "
                    f"after {spell(prefix[:position])!r}"
                )
        masses: defaultdict[str, float] = defaultdict(float)
        for walk in self._ready(walks):
            masses[walk.pending[0].text] += walk.probability
        return _shares(masses)

    def hidden_word(self, words: Sequence[str], place: int) -> dict[str, float]:
        """The exact probability of each word at `place` of a whole story, given all others.

        By the same forward algorithm: at `place` every walk may say its own word;
        each word's share is what its walks still weigh at the end of the story.

        Raises:
            ValueError: if no story has these other words.

        >>> from transformer_lab.languages import stories
        >>> words = stories.split("Anna had a red ball. She played with the red ball all day.")
        >>> stories.GRAMMAR.hidden_word(words, 4)
        Traceback (most recent call last):
        ...
        ValueError: no story of this language has these other words
        """
        walks = self._start()
        for word in words[:place]:
            walks = self._advance(walks, word)
        said: defaultdict[str, list[_Walk]] = defaultdict(list)
        for walk in self._ready(walks):
            after = _Walk(walk.probability, walk.state, walk.pending[1:])
            said[walk.pending[0].text].append(after)
        masses: dict[str, float] = {}
        for word, its_walks in said.items():
            for later in [*words[place + 1 :], END]:
                its_walks = self._advance(its_walks, later)
            masses[word] = sum(walk.probability for walk in its_walks)
        if not any(masses.values()):
            raise ValueError("no story of this language has these other words")
        return _shares(masses)

    def log_probabilities(self, words: Sequence[str]) -> list[float]:
        """log p of each word given all before it, and last that of the END (nats).

        A word that cannot come there has minus infinity, and so have all after it.
        """
        walks, mass, logs = self._start(), 1.0, []
        for word in [*words, END]:
            walks = self._advance(walks, word)
            new_mass = sum(walk.probability for walk in walks)
            logs.append(math.log(new_mass / mass) if new_mass else -math.inf)
            mass = new_mass or mass
        return logs

    def log_probability(self, words: Sequence[str]) -> float:
        """log p of the whole story, its end included (nats)."""
        return sum(self.log_probabilities(words))

    def entropy(self) -> float:
        """The entropy of the *derivation* of a story (nats), in closed form.

        By the chain rule it is the sum of the entropies of the choices: log of
        the number of plots, then of the templates of each sentence, then of the
        words that each slot can draw, averaged over the templates. It is the
        entropy of the text itself where each text has just one derivation, and
        above it otherwise (a function of d has no more entropy than d).
        """
        per_plot = [self._entropy_from(_State(name, 0, (), ()), {}) for name in self.plots]
        return math.log(len(self.plots)) + sum(per_plot) / len(per_plot)

    def vocabulary(self) -> list[str]:
        """Every word that a story can hold, sorted."""
        words: set[str] = set()
        for sentences in self.plots.values():
            for unit in (unit for sentence in sentences for t in sentence for unit in t):
                if isinstance(unit, Word):
                    words.add(unit.text)
                else:
                    for lexeme in self.choices(unit.name, {}):
                        words.update(split(lexeme[unit.form]))
        return sorted(words)

    # One step of a walk: what can be said next, each with its probability.

    def _step(self, state: _State) -> list[_Step]:
        if not state.rest:
            return self._choose_template(state)
        unit, rest = state.rest[0], state.rest[1:]
        if isinstance(unit, Word):
            return [(1.0, (unit,), _State(state.plot, state.sentence, rest, state.bindings))]
        bound = state.bound()
        if unit.name in bound:
            options, known = [bound[unit.name]], True
        else:
            options, known = self.choices(unit.name, bound), False
        steps = []
        for lexeme in options:
            bindings = state.bindings if known else (*state.bindings, (unit.name, lexeme))
            said = _say(lexeme, unit)
            steps.append(
                (1 / len(options), said, _State(state.plot, state.sentence, rest, bindings))
            )
        return steps

    def _choose_template(self, state: _State) -> list[_Step]:
        sentences = self.plots[state.plot]
        if state.sentence == len(sentences):
            return [(1.0, (Word(END),), None)]
        templates = sentences[state.sentence]
        return [
            (1 / len(templates), (), _State(state.plot, state.sentence + 1, units, state.bindings))
            for units in templates
        ]

    # The forward algorithm over walks.

    def _start(self) -> list[_Walk]:
        share = 1 / len(self.plots)
        return [_Walk(share, _State(name, 0, (), ())) for name in self.plots]

    def _ready(self, walks: Sequence[_Walk]) -> list[_Walk]:
        """The same walks, taken on until each has a next word to say."""
        ready, open_walks = [], list(walks)
        while open_walks:
            walk = open_walks.pop()
            if walk.pending:
                ready.append(walk)
            elif walk.state is not None:
                open_walks.extend(
                    _Walk(walk.probability * probability, after, said)
                    for probability, said, after in self._step(walk.state)
                )
        return ready

    def _advance(self, walks: Sequence[_Walk], word: str) -> list[_Walk]:
        """The walks that say `word` next."""
        return [
            _Walk(walk.probability, walk.state, walk.pending[1:])
            for walk in self._ready(walks)
            if walk.pending[0].text == word
        ]

    def _entropy_from(self, state: _State, known: dict) -> float:
        """Entropy of what is still to be chosen; depends only on which slots are bound."""
        key = (state.sentence, state.rest, frozenset(state.bound()))
        if key not in known:
            steps = self._step(state)
            # Equal choices differ in the word, never in what can follow: one
            # stands for all, except at the choice of a template.
            followed = steps if not state.rest else steps[:1]
            after = [self._entropy_from(step[2], known) for step in followed if step[2]]
            known[key] = math.log(len(steps)) + (sum(after) / len(after) if after else 0.0)
        return known[key]


def _shares(masses: Mapping[str, float]) -> dict[str, float]:
    """What each word has of the whole, the largest share first; no word without any."""
    total = sum(masses.values())
    ordered = sorted(masses.items(), key=lambda item: item[1], reverse=True)
    return {word: mass / total for word, mass in ordered if mass}


def _say(lexeme: Lexeme, slot: _Slot) -> tuple[Word, ...]:
    """The words of a form; the last one is the one that speaks of the slot."""
    return _words(lexeme[slot.form], slot)


@cache
def _words(phrase: str, slot: _Slot) -> tuple[Word, ...]:
    *before, last = split(phrase)
    form = "" if slot.form == "a" else slot.form
    return (*(Word(word) for word in before), Word(last, slot.name, form))


def _parse(template: str) -> tuple[Word | _Slot, ...]:
    """Cut a template into plain words and slots."""
    units: list[Word | _Slot] = []
    for word in re.findall(r"\{[^}]*\}|[.,]|[^\s.,{}]+", template):
        if word.startswith("{"):
            name, _, form = word[1:-1].partition(".")
            units.append(_Slot(name, form))
        else:
            units.append(Word(word))
    return tuple(units)


def slots_by_form(grammar: Grammar) -> dict[str, set[str]]:
    """The forms in which each slot is used: to check that every lexeme has them."""
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for sentences in grammar.plots.values():
        for unit in (unit for sentence in sentences for t in sentence for unit in t):
            if isinstance(unit, _Slot):
                forms[unit.name].add(unit.form)
    return dict(forms)
