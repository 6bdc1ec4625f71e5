"""DepthExplorer: gradients as torch finds them; knobs, predictions, words."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch
from torch.nn import functional

from transformer_lab.widgets.depth_explorer import DepthExplorer

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """([options, settings]) => {
  const stack = deep_stack.makeStack(options);
  const plain = { input: [...stack.input], direction: [...stack.direction],
    layers: stack.layers.map(({ expand, contract }) => [[...expand], [...contract]]) };
  return { ...plain, ...deep_stack.runStack(stack, settings) };
}"""


def run_in_torch(found, *, residual, norm, size=32):
    x = torch.tensor(found["input"], dtype=torch.double).view(-1, size)
    direction = torch.tensor(found["direction"], dtype=torch.double).view(-1, size)
    layers = [
        (
            torch.tensor(expand, dtype=torch.double).view(-1, size),
            torch.tensor(contract, dtype=torch.double).view(size, -1),
        )
        for expand, contract in found["layers"]
    ]
    signal, inputs = [x.square().mean().sqrt().item()], []
    for expand, contract in layers:
        x = x.detach() if not inputs else x
        x.requires_grad_()
        x.retain_grad()
        inputs.append(x)
        before = functional.layer_norm(x, [size]) if norm == "pre" else x
        thought = functional.relu(before @ expand.T) @ contract.T
        x = x + thought if residual else thought
        x = functional.layer_norm(x, [size]) if norm == "post" else x
        signal.append(x.square().mean().sqrt().item())
    (x * direction).sum().backward()
    return signal, [x.grad.norm().item() for x in inputs]


@pytest.mark.parametrize("scale", [0.8, 1.5])
@pytest.mark.parametrize("norm", ["none", "pre", "post"])
@pytest.mark.parametrize("residual", [False, True])
def test_signal_and_gradient_are_those_of_autograd(engine, residual, norm, scale):
    settings = {"residual": residual, "norm": norm}
    found = engine(RUN, [{"depth": 12, "scale": scale, "seed": 3}, settings])
    signal, gradients = run_in_torch(found, **settings)
    assert found["signal"] == pytest.approx(signal, rel=1e-9)
    assert found["gradients"] == pytest.approx(gradients, rel=1e-9)


@pytest.fixture
def explorer(open_figure):
    def make(*, browser_options=None, **state):
        return open_figure(lambda: DepthExplorer(**state), **(browser_options or {})).page

    return make


def words(page) -> str:
    return page.locator("[role=status]").text_content()


@pytest.mark.parametrize(
    ("state", "fate"),
    [
        ({}, "vanishes"),
        ({"scale": 2.0}, "explodes"),
        # What chapter 9 says of the edge, and of each device alone.
        ({"scale": 1.2}, "stays about the same"),
        ({"scale": 1.5}, "explodes"),
        ({"residual": True}, "explodes"),
        ({"norm": "pre", "scale": 0.5}, "stays about the same"),
        ({"norm": "post", "scale": 2.0}, "stays about the same"),
        ({"residual": True, "norm": "post"}, "stays about the same"),
        ({"residual": True, "norm": "pre"}, "stays about the same"),
    ],
)
def test_the_sentence_says_what_became_of_the_gradient(explorer, state, fate):
    assert f"The gradient {fate}" in words(explorer(**state))


def test_the_knobs_work_from_the_keyboard(explorer):
    page = explorer(depth=64)
    page.get_by_label("Residual").focus()
    page.keyboard.press("Space")
    page.get_by_label("Norm").select_option("pre")
    assert "stays about the same" in words(page)
    page.get_by_label("Layers").focus()
    page.keyboard.press("Home")
    assert "One layer" in words(page)


def test_a_prediction_comes_before_the_curves(explorer):
    page = explorer(guess=True)
    charts, curves = page.locator(".tl-log-chart"), page.locator(".tl-log-line")
    assert curves.count() == 0
    assert charts.first.locator("text", has_text="?").all_text_contents() == [
        "explodes?", "stays?", "vanishes?",
    ]  # fmt: skip
    assert "after your prediction" in charts.last.get_attribute("aria-label")
    page.get_by_role("button", name="explodes").click()
    assert curves.count() == 2
    assert words(page).startswith("You predicted that it explodes. The gradient vanishes")
    page.get_by_label("Layers").fill("2")
    assert curves.count() == 0
    page.get_by_role("button", name="stays").click()
    assert words(page).startswith("As you predicted.")


def test_other_weights_give_other_numbers_and_the_same_seed_the_same(explorer):
    page = explorer(seed=5)
    first = words(page)
    assert words(explorer(seed=5)) == first
    page.get_by_role("button", name="Other random weights").click()
    assert words(page) != first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(explorer, scheme):
    page = explorer(
        browser_options={"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
