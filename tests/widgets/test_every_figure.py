"""What holds for every figure: its name, its keys, its state, and where it is drawn.

Each figure stands here with a small state, and with another value for each of its traits.
"""

from __future__ import annotations

import base64
import json
import re

import numpy
import pytest
import traitlets
from safetensors.numpy import load, save

from tests.widgets import test_chat_window as chat_window
from tests.widgets import test_distance_explorer as distance_explorer
from tests.widgets import test_embedding_map as embedding_map
from tests.widgets import test_position_waves as position_waves
from tests.widgets import test_training_replay as training_replay
from tests.widgets import test_word_in_context as word_in_context
from tests.widgets.test_attention_steps import random_state
from tests.widgets.test_family_diagram import ROWS
from transformer_lab import recipes, widgets
from transformer_lab.languages import recall, translation
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.widgets.live_figure import link, stylesheet

NAMES = [
    name
    for name in sorted(set(widgets.__all__) - {"LiveFigure"})
    if isinstance(getattr(widgets, name), type)
]

# What a page gets of a real model that nobody has loaded yet.
REAL_MODEL = {"name": "Small", "size": 9, "parts": [{"$asset": "part", "size": 9}], "worker": {}}

# A page that shows figures as a notebook does: a model whose traits somebody else can set.
HOST = """text => {
  const bytesIn = value => value?.$bytes !== undefined
    ? new DataView(Uint8Array.from(atob(value.$bytes), c => c.charCodeAt(0)).buffer)
    : Array.isArray(value) ? value.map(bytesIn) : value;
  const makeModel = state => {
    const values = Object.fromEntries(Object.entries(state).map(([k, v]) => [k, bytesIn(v)]));
    const listeners = [];
    return {
      get: name => values[name],
      set(name, value) {
        if (JSON.stringify(values[name]) === JSON.stringify(value)) return;
        values[name] = bytesIn(value);
        for (const [event, listener] of [...listeners]) if (event === `change:${name}`) listener();
      },
      save_changes() {},
      on(events, listener) {
        for (const event of events.split(" ")) listeners.push([event, listener]);
      },
      off: (events, listener) => events.split(" ").forEach(event => {
        const at = listeners.findIndex(([e, l]) => e === event && l === listener);
        if (at >= 0) listeners.splice(at, 1);
      }),
    };
  };
  const ends = [];
  globalThis.show = (state, { attached = true } = {}) => {
    const el = document.createElement("div");
    if (attached) document.querySelector("main").append(el);
    const model = makeModel(state);
    ends.push(figure.render({ model, el }));
    return { model, el };
  };
  globalThis.clear = () => {
    for (const end of ends.splice(0)) end();
    document.querySelector("main").replaceChildren();
  };
  const RANDOM = ["id", "for", "list", "name", "aria-labelledby", "tabindex"];
  // All that a figure shows: not the random names of its parts, nor where the Tab key stops.
  globalThis.content = (el, except = null) => {
    const live = [...el.querySelectorAll("*")];
    const copy = el.cloneNode(true);
    [...copy.querySelectorAll("*")].forEach((node, at) => {
      for (const name of RANDOM) node.removeAttribute(name);
      if (node.getAttribute("class") === "") node.removeAttribute("class");
      if (node.getAttribute("visibility") === "hidden") node.replaceWith();
      if (node.getAttribute("display") === "none") node.replaceWith();
      const { value, checked, disabled, max, scrollTop } = live[at];
      if (live[at].matches("input, select, textarea, button")) {
        node.dataset.state = [value, checked, disabled, max].join();
      }
      if (scrollTop) node.dataset.scrollTop = scrollTop;
      if (live[at].matches("canvas")) node.dataset.drawn = live[at].toDataURL();
      const attributes = [...node.attributes].map(({ name, value }) => [name,
        name === "style" ? value.split(/; ?/).sort().join("; ") : value]).sort();
      for (const [name] of attributes) node.removeAttribute(name);
      for (const [name, value] of attributes) node.setAttribute(name, value);
    });
    copy.querySelectorAll(except).forEach(node => node.remove());
    return copy.innerHTML;
  };
  const blob = new Blob([text], { type: "text/javascript" });
  return import(URL.createObjectURL(blob)).then(module => { globalThis.figure = module.default; });
}"""


def other_weights(content: bytes) -> bytes:
    """The same model file with each tensor's rows moved on by one."""
    tensors = {name: numpy.roll(tensor, 1, axis=0) for name, tensor in load(content).items()}
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    return save(tensors, metadata=json.loads(header)["__metadata__"])


def untrained_file(name: str) -> bytes:
    """The model file of a recipe before its first step."""
    recipe = recipes.RECIPES[name]
    model, tokenizer = recipe.untrained()
    return recipes.model_file(model, tokenizer, **recipe.facts(tokenizer))


@pytest.fixture(scope="session")
def gallery(small_model):
    """For each figure a state, and another value for each trait that can be set alone."""
    small, large = small_model(), small_model(half=True, seed=1)
    translator = recipes.load("translator", progress=False).to_bytes()
    bert = recipes.load("story-bert", progress=False).to_bytes()
    viewer, listener = map(untrained_file, ("digit-reader", "morse-listener"))
    chat = chat_window.file_of(chat_window.small_teacher())
    tokenizers = [
        BPETokenizer.train(["low lower lowest"] * 2, vocab_size=size).to_json().encode()
        for size in (258, 260, 262)
    ]
    runs = [distance_explorer.recurrent("rnn")[1], distance_explorer.transformer()[1]]
    _, hindi = translation.vocabulary()
    latin = {word: translation.romanise(word) for word in hindi}
    snapshots = [small_model(half=True, seed=seed).content for seed in range(4)]
    vectors = embedding_map.tables().numpy()
    kinds = embedding_map.KINDS
    table = position_waves.table().numpy()
    model = {"model_file": small.content, "text": "Anna had a red kite. Tom saw the red"}
    other_model = {"model_file": large.content, "text": "Tom found a ball"}
    talk = [{"role": "user", "content": "what is 2+1"}]
    numbers, others = random_state(0), random_state(1)
    return {
        "AttentionSteps": (
            numbers | {"step": 3},
            {name: others[name] for name in ("x", "wq", "wk", "wv")}
            | {
                "tokens": ["a", "b", "c", "d"],
                "features": ["e", "f", "g", "h"],
                "step": 6,
                "followed": 2,
                "scaled": False,
                "temperature": 2.0,
                "guess": True,
            },
        ),
        "BendSpace": (
            {},
            {
                "data": "spiral",
                "activation": "relu",
                "depth": 3,
                "width": 7,
                "seed": 5,
                "points": [[0.5, 0.5, 1.0]],
            },
        ),
        "ChatWindow": (
            {"model_file": chat, "messages": talk, "examples": ["hello"]},
            {
                "model_file": other_weights(chat),
                "messages": [*talk, {"role": "assistant", "content": "3"}],
                "examples": ["good day"],
                "temperature": 1.5,
                "seed": 9,
                "real_model": REAL_MODEL,
            },
        ),
        "DepthExplorer": (
            {},
            {
                "depth": 12,
                "residual": True,
                "norm": "pre",
                "scale": 1.5,
                "seed": 4,
                "guess": True,
            },
        ),
        "DigitDrawing": (
            {"model_file": viewer, "examples": [{"label": "a 1", "pixels": [0, 16] * 32}]},
            {
                "model_file": other_weights(viewer),
                "examples": [{"label": "a 7", "pixels": [16, 0] * 32}],
                "pixels": [16, 8] * 32,
            },
        ),
        "DistanceExplorer": (
            {
                "names": ["RNN", "Transformer"],
                "model_files": runs,
                "vocabulary": list(recall.VOCABULARY),
                "notes": distance_explorer.NOTES,
                "distance": 2,
                "distances": [1, 4, 8],
                "accuracy": [[0.6, 0.4, 0.3], [1.0, 1.0, 1.0]],
                "spread": [[0.1, 0.1, 0.1], [0.1, 0.0, 0.0]],
                "gradient": [[1.0, 1e-3, 1e-6], [1.0, 1.0, 1.0]],
            },
            {
                "names": ["A", "B"],
                "model_files": [other_weights(file) for file in runs],
                "vocabulary": list(reversed(recall.VOCABULARY)),
                "notes": "a1 b2 c3",
                "distance": 3,
                "distances": [1, 2, 6],
                "accuracy": [[0.5, 0.4, 0.3], [0.9, 0.9, 0.9]],
                "spread": [],
                "gradient": [],
                "chance": 0.5,
            },
        ),
        "EmbeddingMap": (
            {
                "vectors": vectors.tobytes(),
                "steps": embedding_map.STEPS,
                "words": embedding_map.WORDS,
                "kinds": kinds,
                "word": "toy0",
                "selected": 2,
            },
            {
                "vectors": vectors[::-1].tobytes(),
                "steps": [0, 20, 60],
                "words": [f"{word}s" for word in embedding_map.WORDS],
                "kinds": [f"{kind}s" for kind in kinds],
                "selected": 1,
                "word": "pet1",
                "view": 1,
                "directions": numpy.eye(8)[::-1].tolist(),
            },
        ),
        "FamilyDiagram": (
            {"rows": ROWS, "name": "GPT-2"},
            {"rows": ROWS[1:], "name": "LLaMA", "compare": "BERT", "context": 64},
        ),
        "HeadExplorer": (
            model,
            other_model
            | {"layer": 1, "head": 2, "disabled_heads": [[0, 1]], "real_model": REAL_MODEL},
        ),
        "LensAndPatch": (
            model | {"other_text": "Anna had a red drum. Tom saw the red"},
            other_model
            | {
                "other_text": "Tom saw a ball",
                "cells": [[1, 2]],
                "tried": True,
                "real_model": REAL_MODEL,
                "real_text": "Anna had",
                "real_other_text": "Tom had",
            },
        ),
        "MaskPlayground": (
            model,
            other_model
            | {
                "n_padding": 2,
                "padding_in_front": True,
                "mask": [[True] * 8] * 8,
                "row": 1,
                "layers": 2,
                "after_softmax": True,
            },
        ),
        "MaskedWordGuesser": (
            {
                "model_file": bert,
                "decoder_file": small.content,
                "examples": ["Tom had a dog."],
                "text": "Anna found a red ball.",
                "hidden": [4],
            },
            {
                "model_file": other_weights(bert),
                "decoder_file": large.content,
                "examples": ["Mia had a cat."],
                "text": "Tom saw a big dog.",
                "hidden": [1],
                "look": "1 0",
            },
        ),
        "MergeReplay": (
            {"text": "low low lower newest newest", "merges": 1},
            {"text": "she sees the sea", "method": "wordpiece", "merges": 2, "guess": True},
        ),
        "ModelMap": (model, other_model | {"part": "blocks.0.attention", "token": 2}),
        "NeuronExplorer": (model, other_model | {"layer": 1, "neuron": 3}),
        "MorseKey": (
            {"model_file": listener},
            {"model_file": other_weights(listener), "text": "paris", "noise": 0.5, "tape": 2.0},
        ),
        "NextToken": (
            model,
            other_model
            | {"temperature": 0.0, "top_k": 7, "top_p": 0.5, "seed": 3, "compact": True}
            | {"real_model": REAL_MODEL},
        ),
        "NumberExplorer": (
            model | {"path": ["probability/300", "logit/300"]},
            other_model
            | {
                "token": 2,
                "path": ["probability/301", "shares/301", "attention/1/2/5"],
                "real_model": REAL_MODEL,
            },
        ),
        "PositionWaves": (
            {"table": table.tobytes(), "table_size": 12, "way": "learned"},
            {
                "way": "rotary",
                "position": 20,
                "distance": 9,
                "size": 8,
                "base": 100.0,
                "table": table[::-1].tobytes(),
                "table_size": 24,
                "seed": 2,
            },
        ),
        "TokenizerPlayground": (
            {"names": ["A", "B"], "files": tokenizers[:2], "text": "low lower"},
            {"names": ["C", "D"], "files": tokenizers[1:], "text": "lowest", "show_ids": True},
        ),
        "TrainingReplay": (
            {
                "snapshots": snapshots[:3],
                "steps": training_replay.STEPS,
                "losses": training_replay.LOSSES,
                "floor": 0.6,
                "text": "Anna had a red",
            },
            {
                "snapshots": snapshots[1:],
                "steps": [0, 20, 39],
                "losses": [loss / 2 for loss in training_replay.LOSSES],
                "floor": 0.3,
                "text": "Tom found",
                "selected": 1,
                "seed": 3,
            },
        ),
        "TranslatorSteps": (
            {
                "model_file": translator,
                "romanised": latin,
                "examples": ["we are friends"],
                "text": "the girls are reading old books",
            },
            {
                "model_file": other_weights(translator),
                "romanised": {word: text.upper() for word, text in latin.items()},
                "examples": ["she is happy"],
                "text": "we are friends",
                "step": 2,
                "look": "0 1",
            },
        ),
        "WordInContext": (
            {
                "model_file": small.content,
                "word": "bank",
                "text": word_in_context.TEXT,
                "references": word_in_context.REFERENCES,
                "senses": word_in_context.SENSES,
                "layer": 1,
            },
            {
                "model_file": large.content,
                "word": "the",
                "text": "Tom sat on the bank.",
                "references": word_in_context.REFERENCES[::-1],
                "senses": ["money", "money", "river", "river"],
                "layer": 2,
                "real_model": REAL_MODEL,
            },
        ),
    }


def for_the_page(value):
    """A trait's value as the front end gets it, as JSON that `HOST` reads."""
    if isinstance(value, (bytes, memoryview)):
        return {"$bytes": base64.b64encode(value).decode()}
    return [for_the_page(item) for item in value] if isinstance(value, (list, tuple)) else value


class Opened:
    """One figure and a page of its own, in which `show(state)` and `clear()` are functions.

    Time passes in that page only when `settle` lets it.
    """

    def __init__(self, browser, name, state, others):
        self.name, self.kind = name, getattr(widgets, name)
        self.others = {trait: for_the_page(value) for trait, value in others.items()}
        self.given = state
        figure = self.kind(**state)
        self.traits = figure._public_state()
        self.state = {trait: for_the_page(value) for trait, value in self.traits.items()}
        self.errors = []
        self.context = browser.new_context(
            viewport={"width": 360, "height": 740}, reduced_motion="reduce", color_scheme="light"
        )
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.clock.install()
        self.page.set_content(
            f"<!doctype html><title>{name}</title><style>{stylesheet()}</style><main></main>"
        )
        self.page.evaluate(HOST, link(self.kind._module_folder / self.kind._module))

    def run(self, script, *arguments):
        return self.page.evaluate(script, list(arguments))

    def settle(self):
        """Let what is debounced or said later happen now."""
        self.page.clock.run_for(2000)


@pytest.fixture(scope="module", params=NAMES)
def one(request, browser, gallery):
    opened = Opened(browser, request.param, *gallery[request.param])
    yield opened
    opened.context.close()


@pytest.fixture
def opened(one):
    one.errors.clear()
    yield one
    one.run("() => clear()")


def test_every_trait_of_every_figure_stands_here_with_two_values(opened):
    assert set(opened.others) == set(opened.state)
    for trait, value in opened.others.items():
        assert value != opened.state[trait], trait


def test_a_trait_that_python_sets_is_drawn_as_if_it_had_been_there_from_the_start(opened):
    opened.run(
        """([state, others]) => {
             globalThis.pairs = Object.entries(others).map(([trait, value]) => [
               trait, show(state), show({ ...state, [trait]: value })]);
           }""",
        opened.state,
        opened.others,
    )
    opened.settle()
    opened.run(
        "([others]) => pairs.forEach(([trait, { model }]) => model.set(trait, others[trait]))",
        opened.others,
    )
    opened.settle()
    found = opened.run(
        """([except]) => pairs.map(([trait, set, start]) => [
             trait, content(set.el, except), content(start.el, except)])""",
        MEASURED if opened.name == "PositionWaves" else "no-such-thing",
    )
    assert {trait: difference(set_, start) for trait, set_, start in found if set_ != start} == {}
    assert opened.errors == []


# PositionWaves keeps what was measured at the places before, and compares it.
MEASURED = ".tl-pw-readings, .tl-status"


def difference(one: str, other: str) -> str:
    """Where two texts part."""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return f"…{one[max(0, at - 60) : at + 60]}… for …{other[max(0, at - 60) : at + 60]}…"


ODD_NUMBERS = [-1, 1e9, "nan", None]
ODD_TEXTS = ["", " ", "nonsense 🙂 <b>", "9 9"]
ODD = {
    "BendSpace": {"points": [[[7, -7, 1]], [[0, 0, 0.5]]]},
    "ChatWindow": {"messages": [[], [{"role": "user", "content": ""}], [{"role": "assistant"}]]},
    "HeadExplorer": {"disabled_heads": [[[9, 9]], [[0, 0], [0, 0]]]},
    "MaskPlayground": {"mask": [[[True]], [[False] * 3] * 3]},
    "MaskedWordGuesser": {"hidden": [[99], [0, 0]]},
    "NumberExplorer": {"path": [["", "next"], ["weight/9/9/9/9"], ["logit/1", "constructor/1"]]},
    "PositionWaves": {"table_size": []},  # it says how the table is to be read
}


def odd_values(opened) -> list:
    """Pairs of a trait and a value that it should not have, or hardly."""
    kinds = {traitlets.Int: ODD_NUMBERS, traitlets.Float: ODD_NUMBERS, traitlets.Unicode: ODD_TEXTS}
    traits = opened.kind.class_traits()
    values = {
        name: next((odd for kind, odd in kinds.items() if isinstance(traits[name], kind)), [])
        for name in opened.state
    } | ODD.get(opened.name, {})
    return [[trait, value] for trait, all_ in values.items() for value in all_]


def test_no_odd_value_ends_in_an_error_or_is_shown_as_no_number(opened):
    opened.run(
        """([state, odd]) => {
             globalThis.figures = odd.flatMap(([trait, value]) => {
               const set = show(state);
               set.model.set(trait, value);
               return [set, show({ ...state, [trait]: value })];
             });
           }""",
        opened.state,
        odd_values(opened),
    )
    opened.settle()
    shown = opened.run("() => figures.map(({ el }) => content(el))")
    for text in shown:
        assert not re.search(r".{60}\b(NaN|undefined|Infinity|null)\b", text)
        assert "could not be drawn" not in text
    assert opened.errors == []


def test_what_is_typed_into_a_box_for_a_number_ends_as_a_number(opened):
    opened.run("([state]) => { show(state); }", opened.state | {"data": "own", "compact": False})
    for box in opened.page.locator("input[type=number]:visible").all()[:3]:
        for typed in ["1e999", "", "-", "1.55", "-7", "99999999999", "abc", "0x1f", "1e-999"]:
            box.focus()
            box.press("Control+a")
            box.press("Delete")
            box.press_sequentially(typed)
            box.blur()
            assert box.evaluate("box => box.value !== '' && box.validity.valid"), typed
    opened.settle()
    assert not re.search(
        r"\b(NaN|undefined|Infinity)\b", opened.run("() => content(document.body)")
    )
    assert opened.errors == []


def test_a_number_from_python_is_one(opened):
    figure = opened.kind(**opened.given)
    for name in opened.state:
        value = getattr(figure, name)
        if isinstance(value, float):
            odd = [float("nan"), float("inf")]
        elif isinstance(value, list) and value and isinstance(value[0], float):
            odd = [[float("nan"), *value[1:]]]
        elif (
            isinstance(value, list)
            and value
            and isinstance(value[0], list)
            and isinstance(value[0][0], float)
        ):
            odd = [[[float("nan"), *value[0][1:]], *value[1:]]]
        else:
            odd = []
        for wrong in odd:
            with pytest.raises(traitlets.TraitError):
                setattr(figure, name, wrong)


# --- For everybody ----------------------------------------------------------------------


def test_a_figure_and_all_its_pictures_have_names_or_are_hidden(opened):
    opened.run("([state]) => { show(state); }", opened.state)
    opened.settle()
    root = opened.page.locator("[data-live-figure]")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", opened.name).lower()
    assert root.get_attribute("role") == "group"
    assert root.get_attribute("aria-label") == f"live figure: {words}"
    nameless = root.evaluate(
        """root => [...root.querySelectorAll("canvas, svg, img")]
             .filter(picture => !picture.closest('[aria-hidden="true"]'))
             .filter(picture => !picture.getAttribute("aria-label"))
             .map(picture => picture.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


def test_what_a_screen_reader_gets_has_no_marks_for_white_space(opened):
    opened.run("([state]) => { show(state); }", opened.state)
    opened.settle()
    heard = opened.page.locator("[data-live-figure]").aria_snapshot()
    heard = re.sub(r'((option|img) "[^"]*").*', r"\1", heard)  # their names are heard
    assert len(heard) > 200
    assert [line for line in heard.splitlines() if re.search("[·↵⇥␍]", line)] == []


def test_no_plain_key_leaves_a_figure_and_those_with_ctrl_do(opened):
    heard = opened.run(
        """([state]) => {
             const { el } = show(state);
             const heard = [];
             const listener = event => heard.push(event.key);
             document.addEventListener("keydown", listener);
             const press = (node, key, choices) => node.dispatchEvent(
               new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...choices }));
             const controls = el.querySelectorAll("input, textarea, select, button, [tabindex]");
             for (const node of controls) {
               for (const key of ["a", "x", "ArrowDown", "Enter", "Escape", "Tab", "Delete"]) {
                 press(node, key, {});
                 press(node, key, { shiftKey: true });
               }
             }
             const plain = [...heard];
             const first = el.querySelector("input, textarea, select, button");
             press(first, "s", { ctrlKey: true });
             press(first, "s", { metaKey: true });
             document.removeEventListener("keydown", listener);
             return [plain, heard.length - plain.length];
           }""",
        opened.state,
    )
    assert heard == [[], 2]


def test_a_figure_that_is_attached_later_looks_like_one_that_was_there(opened):
    # One after the other: figures of one page may share what they draw with.
    opened.run("([state]) => { globalThis.late = show(state, { attached: false }); }", opened.state)
    opened.settle()
    opened.run("([state]) => { globalThis.usual = show(state); }", opened.state)
    opened.settle()
    opened.run("() => document.querySelector('main').append(late.el)")
    opened.page.wait_for_timeout(100)  # the browser lays the page out
    opened.settle()
    usual, late = opened.run("() => [content(usual.el), content(late.el)]")
    assert "data-ready" in usual
    assert late == usual, difference(late, usual)


def test_a_figure_whose_theme_changed_while_it_was_away_has_the_colours_of_the_theme(opened):
    opened.run("([state]) => { globalThis.away = show(state); }", opened.state)
    opened.settle()
    opened.run(
        """() => {
             away.el.remove();
             document.documentElement.dataset.theme = "dark";
           }"""
    )
    opened.settle()
    opened.run("([state]) => { globalThis.dark = show(state); }", opened.state)
    opened.settle()
    opened.run("() => { away.el.remove(); document.querySelector('main').append(away.el); }")
    opened.settle()
    drawn = "el => [...el.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())"
    one, other = opened.run(f"() => [away.el, dark.el].map({drawn})")
    opened.run("() => { delete document.documentElement.dataset.theme; }")
    assert one == other
