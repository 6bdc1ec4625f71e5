"""The real models in the pages of the built book: loaded whole, used, held to Python's, unloaded.

What a figure does with any such model is tested beside the figures, on small ones.
"""

from __future__ import annotations

import os
import re
import shutil

import pytest
import torch
from torch.nn.functional import cosine_similarity

from tests.widgets.test_number_explorer import number, rows, value
from tests.widgets.test_word_in_context import words_in
from transformer_lab import pretrained, trace
from transformer_lab.conversation.messages import Message
from transformer_lab.conversation.template import SMOLLM2 as TEMPLATE
from transformer_lab.widgets.real_model import MINILM, SMOLLM2

CHAT = "notebooks/14_chat"
INSIDE = "notebooks/16_inside"
NUMBERS = "notebooks/02_the_map"
VOCABULARIES = "notebooks/03_tokenization"
WORDS = "notebooks/11_contextual_embeddings"


def figure_of(page, name: str):
    """The page's first figure of this kind, once it is there."""
    page.locator(f"[data-live-figure={name}]").first.scroll_into_view_if_needed()
    figure = page.locator(f".tl-figure[data-live-figure={name}]").first
    figure.locator("xpath=self::*[@data-ready='true']").wait_for()
    return figure


def wait_for_state(figure, state: str) -> None:
    figure.locator(f"xpath=self::*[@data-real-model='{state}']").wait_for()


def load(figure, model) -> None:
    figure.get_by_role("button", name=f"Load {model.name}").click()
    wait_for_state(figure, "ready")


def is_small_again(figure, model) -> bool:
    figure.get_by_role("button", name=f"Unload {model.name}").click()
    wait_for_state(figure, "absent")
    return figure.get_by_role("button", name=f"Load {model.name}").is_visible()


# --- SmolLM2, from disk --------------------------------------------------------------------

# A headless browser hides no page. In a hidden one no frame comes, and a timer at most once a
# second: `show()` gives the page both back.
HIDDEN = """() => {
  const { requestAnimationFrame, setTimeout } = globalThis;
  const waiting = [];
  const say = state => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  globalThis.requestAnimationFrame = callback => waiting.push(callback);
  globalThis.setTimeout = (action, delay, ...rest) =>
    setTimeout(action, Math.max(1000, delay ?? 0), ...rest);
  say("hidden");
  globalThis.show = () => {
    Object.assign(globalThis, { requestAnimationFrame, setTimeout });
    say("visible");
    waiting.forEach(requestAnimationFrame);
  };
}"""


def written(figure) -> list[int]:
    """The tokens of the answer, as the page shows them."""
    titles = figure.locator(".tl-chat-sequence > li").last.locator(".tl-fresh")
    return [int(title.split()[-1]) for title in titles.evaluate_all("all => all.map(e => e.title)")]


def write_some(figure, n: int) -> None:
    figure.locator(f".tl-fresh >> nth={n}").wait_for()


def sequence(figure) -> list[int]:
    tokens = figure.locator(".tl-chat-token")
    return [int(title.split()[-1]) for title in tokens.evaluate_all("all => all.map(e => e.title)")]


def test_smollm2_chats_as_in_python_even_out_of_sight_stops_and_gives_way(visit, addresses):
    opened = visit(f"{addresses['file']}/{CHAT}.html")
    page, figure = opened.page, figure_of(opened.page, "ChatWindow")
    page.evaluate(HIDDEN)
    load(figure, SMOLLM2)
    assert "of at most 1024 tokens" in figure.inner_text()
    figure.get_by_label("Your message").fill("🪁" * 400)  # each is several tokens
    page.keyboard.press("Enter")
    figure.get_by_text("This message is too long: the model sees 1024 tokens at once").wait_for()
    question = "Tell me a long story about a kite."
    figure.get_by_label("Your message").fill(question)
    page.keyboard.press("Enter")
    write_some(figure, 5)
    assert float(figure.get_attribute("data-tokens-per-second")) > 0
    write_some(figure, len(written(figure)) + 5)
    page.evaluate("show()")
    figure.get_by_role("button", name="Stop").press("Enter")
    figure.get_by_text("There it was stopped.").wait_for()
    assert figure.get_by_label("Your message").evaluate("e => e === document.activeElement")
    ids = sequence(figure)
    page.wait_for_timeout(300)
    assert sequence(figure) == ids
    assert_is_pythons_choice(ids, question)
    assert is_small_again(figure, SMOLLM2)
    assert "of at most 1024 tokens" not in figure.inner_text()
    assert opened.errors == opened.requests_elsewhere == []


def assert_is_pythons_choice(ids: list[int], question: str) -> None:
    """What is sent is what Python sends, and its first ten new tokens are Python's choices."""
    messages = [
        Message("system", "you are a math teacher"),
        Message("user", "my name is Anna"),
        Message("assistant", "nice to meet you, Anna"),
        Message("user", question),
    ]
    prompt = TEMPLATE.render(pretrained.smollm2_tokenizer(), messages)
    assert ids[: len(prompt)] == prompt
    answer = ids[len(prompt) :][:10]
    with torch.no_grad():
        logits = pretrained.smollm2()(torch.tensor([prompt + answer]))[0]
    assert logits[len(prompt) - 1 : -1].argmax(-1).tolist() == answer


def test_smollm2s_numbers_add_up_on_a_way_down(visit, addresses):
    opened = visit(f"{addresses['file']}/{NUMBERS}.html")
    figure = figure_of(opened.page, "NumberExplorer")
    figure.get_by_label("Text for the model").fill("The capital of France is")
    load(figure, SMOLLM2)
    figure.get_by_text("·Paris").first.wait_for()
    for step in range(8):
        opens = figure.locator(".tl-nx-open")
        before = number(opens.first.text_content())
        opens.first.click()
        figure.locator(f".tl-nx-crumb >> nth={step + 1}").wait_for()
        assert value(figure) == pytest.approx(before, rel=0.01, abs=0.006)
        total = number(figure.locator(".tl-nx-total .tl-nx-value").first.text_content())
        assert sum(rows(figure)) == pytest.approx(total, rel=0.001, abs=0.02)
    figure.get_by_label("Text for the model").fill("The capital of France is " * 20)
    figure.get_by_text("Numbers are shown of 64 tokens; the last").wait_for()
    assert is_small_again(figure, SMOLLM2)
    assert opened.errors == opened.requests_elsewhere == []


def test_smollm2_gives_the_other_name_where_it_does_in_python(visit, addresses):
    opened = visit(f"{addresses['file']}/{INSIDE}.html")
    figure = figure_of(opened.page, "LensAndPatch")
    load(figure, SMOLLM2)
    figure.locator("[aria-busy]").wait_for(state="detached")
    texts = [box.input_value() for box in figure.get_by_role("textbox").all()]
    assert figure.locator("tbody tr").last.get_by_label("block 29 at").text_content() == "·Mary"
    places = figure.locator("tbody").get_by_label("embeddings at")
    assert places.all_text_contents() == said_at_the_embeddings(texts[0])
    for (layer, token), share in brought_in_python(*texts).items():
        place = figure.locator("tbody tr").nth(token).get_by_label(f"block {layer} at")
        place.click()
        figure.get_by_text("With 1 cell carried over").wait_for()
        [said] = re.findall(r"(-?\d+)% of the way", figure.inner_text())
        assert float(said) / 100 == pytest.approx(share, abs=0.15)
        figure.get_by_role("button", name="Carry nothing over").click()
        figure.get_by_text("Press a cell").wait_for()
    assert is_small_again(figure, SMOLLM2)
    assert opened.errors == opened.requests_elsewhere == []


def said_at_the_embeddings(text: str) -> list[str]:
    """What the lens says there in Python. A longer row wins wherever it is another token's."""
    model, tokenizer = pretrained.smollm2(), pretrained.smollm2_tokenizer()
    ids, table = torch.tensor(tokenizer.encode(text)), model.embeddings.token.weight.detach()
    said = (model.final_norm(table[ids]) @ table.T).argmax(-1)
    others = said != ids
    assert others.any()
    assert (table[said].norm(dim=1) > table[ids].norm(dim=1))[others].all()
    return [tokenizer.piece(id).replace(" ", "·") for id in said.tolist()]


def brought_in_python(text: str, other_text: str) -> dict[tuple[int, int], float]:
    """How much of the other answer some blocks carry at the token that differs and at the last."""
    model, tokenizer = pretrained.smollm2(), pretrained.smollm2_tokenizer()
    here, there = (torch.tensor([tokenizer.encode(each)]) for each in (text, other_text))
    mary, john = tokenizer.encode(" Mary") + tokenizer.encode(" John")
    lead = lambda logits: float(logits[0, -1, john] - logits[0, -1, mary])  # noqa: E731
    tokens = [int((here != there).nonzero()[0, 1]), here.shape[1] - 1]
    brought = {}
    with torch.no_grad():
        least = lead(model(here))
        with trace.capture(model, ["blocks.8", "blocks.26"]) as seen:
            way = lead(model(there)) - least
        for layer in (8, 26):
            part = {f"blocks.{layer}": seen[f"blocks.{layer}"]}
            for token in tokens:
                with trace.patch(model, part, positions=[token]):
                    brought[layer, token] = (lead(model(here)) - least) / way
    return brought


# --- MiniLM, from disk with a part that is not whole, and over http ----------------------------


@pytest.fixture
def copy(book, tmp_path):
    """The built book, of which a test may change any file."""
    return shutil.copytree(book, tmp_path / "html", copy_function=os.symlink)


def test_minilm_says_which_part_is_not_whole_goes_on_and_reads_as_in_python(visit, copy):
    page = visit((copy / f"{WORDS}.html").as_uri()).page
    figure = figure_of(page, "WordInContext")
    part = copy / f"_static/live/{MINILM.parts[3]}.js"
    whole = part.resolve()
    part.unlink()
    button = figure.get_by_role("button", name=re.compile("Load|Go on loading"))
    for said in ("missing", "damaged"):
        button.click()
        figure.get_by_text(
            re.compile(rf"{MINILM.name} could not be loaded because the file \S+ is {said}\. Until")
        ).wait_for()
        assert figure.get_attribute("data-real-model") == "failed"
        figure.get_by_label("Layer").fill("0")
        assert "the meanings cannot be told apart" in figure.inner_text()
        part.write_bytes(whole.read_bytes()[:1001])
    shutil.copyfile(whole, part)
    button.click()
    wait_for_state(figure, "ready")
    figure.get_by_text("sentences of known meaning lie nearer").wait_for()
    assert_cosine_is_pythons(figure)
    assert is_small_again(figure, MINILM)


def assert_cosine_is_pythons(figure) -> None:
    [first, second, *_] = figure.get_by_label("Sentences with").input_value().split("\n")
    tokenizer, model = pretrained.bert_tokenizer(), pretrained.minilm()
    [a, b] = [
        next(row for word, row in words_in(model, tokenizer, line, 6) if word == "bank")
        for line in (first, second)
    ]
    shown = float(figure.locator(".tl-context-cosines tbody td").nth(1).text_content())
    assert shown == pytest.approx(float(cosine_similarity(a, b, dim=0)), abs=0.01)


FORBIDDEN = """
  const WithText = Blob;
  globalThis.Blob = class extends WithText {
    constructor(parts, options) {
      const forbid = `Object.defineProperty(globalThis, "caches",
        { get() { throw new DOMException("not here", "SecurityError"); } });`;
      super(options?.type === "text/javascript" ? [forbid, ...parts] : parts, options);
    }
  };"""
KEEPS_NOTHING = "The browser keeps nothing of it, so the next visit loads it again."


def fill_storage(page) -> None:
    page.context.new_cdp_session(page).send(
        "Storage.overrideQuotaForOrigin",
        {"origin": page.evaluate("origin"), "quotaSize": 100_000},
    )


def test_a_second_visit_loads_nothing_and_a_full_storage_is_said(visit, addresses):
    page = visit(f"{addresses['http']}/{WORDS}.html").page
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    for fill, n_parts, said in [
        (False, len(MINILM.parts), "is loaded."),
        (False, 0, "is loaded."),
        (True, len(MINILM.parts), KEEPS_NOTHING),
    ]:
        if fill:
            page.evaluate(
                "caches.keys().then(names => Promise.all(names.map(n => caches.delete(n))))"
            )
            fill_storage(page)
        asked.clear()
        figure = figure_of(page, "WordInContext")
        load(figure, MINILM)
        assert figure.get_by_role("status").last.text_content().endswith(said)
        assert len([url for url in asked if "/piece-" in url]) == n_parts
        page.reload()


def test_a_forbidden_storage_is_said(visit, addresses):
    page = visit("about:blank").page
    page.add_init_script(FORBIDDEN)
    page.goto(f"{addresses['http']}/{WORDS}.html")
    figure = figure_of(page, "WordInContext")
    load(figure, MINILM)
    assert figure.get_by_role("status").last.text_content().endswith(KEEPS_NOTHING)


@pytest.mark.parametrize("name", ["WebAssembly", "Worker"])
def test_without_what_it_needs_it_says_so_and_the_small_model_works(visit, addresses, name):
    page = visit("about:blank").page
    page.add_init_script(f"delete globalThis.{name}")
    page.goto(f"{addresses['file']}/{WORDS}.html")
    figure = figure_of(page, "WordInContext")
    figure.get_by_role("button", name=f"Load {MINILM.name}").click()
    figure.get_by_text(f"could not be loaded because this browser has no {name}").wait_for()
    figure.get_by_label("Layer").fill("1")
    assert "After block 0" in figure.inner_text()


# --- A real vocabulary, which is loaded in the same way ---------------------------------------


def test_a_vocabulary_that_is_missing_is_said_and_can_be_tried_again(visit, copy):
    address = copy / f"{VOCABULARIES}.html"
    names = set(re.findall(r"bytes-[0-9a-f]{20}", address.read_text("utf-8")))
    large = max(
        (copy / f"_static/live/{name}.js" for name in names), key=lambda f: f.stat().st_size
    )
    whole = large.resolve()
    large.unlink()
    page = visit(address.as_uri()).page
    button = figure_of(page, "TokenizerPlayground").get_by_role("button", name="Load it").last
    button.press("Enter")
    page.get_by_text(f"It cannot be shown because the file {large.as_uri()} is missing.").wait_for()
    shutil.copyfile(whole, large)
    button.press("Enter")
    page.locator(".tl-chip:focus").wait_for()  # who presses a key is led to what has come
