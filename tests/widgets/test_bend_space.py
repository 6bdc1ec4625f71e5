"""BendSpace and NeuronExplorer: gradients as torch finds them, and used by a reader."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
import torch
from torch.nn import functional

from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import capture
from transformer_lab.widgets.bend_space import BendSpace
from transformer_lab.widgets.neuron_explorer import NeuronExplorer

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
POINTS = [[0.3, -0.2, 0], [-0.7, 0.9, 1], [0.1, 0.8, 1], [-0.4, -0.5, 0], [0.9, 0.2, 1]]
GRADIENTS = """([options, points]) => {
  const network = mlp.makeNetwork(options);
  const { loss, right, gradients } = mlp.lossAndGradients(network, points);
  return { loss, right, gradients: gradients.map(g => [...g]),
           parameters: mlp.parameters(network).map(p => [...p]) };
}"""
BENDS = {
    "none": lambda z: z,
    "relu": functional.relu,
    "gelu": lambda z: functional.gelu(z, approximate="tanh"),
}


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("activation", ["none", "relu", "gelu", "swiglu"])
def test_loss_and_gradients_are_those_of_autograd(engine, activation, depth):
    width = 3
    options = {"depth": depth, "width": width, "activation": activation, "seed": 4}
    found = engine(GRADIENTS, [options, POINTS])
    tensors = [torch.tensor(p, dtype=torch.double, requires_grad=True) for p in found["parameters"]]
    rest = iter(tensors)
    x = torch.tensor(POINTS, dtype=torch.double)[:, :2]
    for _ in range(depth):
        z = x @ next(rest).view(width, -1).T + next(rest)
        if activation == "swiglu":
            x = functional.silu(x @ next(rest).view(width, -1).T + next(rest)) * z
        else:
            x = BENDS[activation](z)
    scores = x @ next(rest) + next(rest)
    target = torch.tensor([point[2] for point in POINTS], dtype=torch.double)
    loss = functional.binary_cross_entropy_with_logits(scores, target)
    loss.backward()
    assert found["loss"] == pytest.approx(loss.item())
    assert found["right"] == int(((scores > 0) == (target > 0)).sum())
    for gradient, tensor in zip(found["gradients"], tensors, strict=True):
        assert gradient == pytest.approx(tensor.grad.flatten().tolist(), abs=1e-9)


@pytest.fixture
def playground(open_figure):
    def make(*, browser_options=None, **state):
        return open_figure(lambda: BendSpace(**state), **(browser_options or {})).page

    return make


def words(page) -> str:
    return page.locator("[role=status]").text_content()


def right(page) -> float:
    return float(words(page).split(": ")[1].split("%")[0])


def train(page, hundreds):
    for _ in range(hundreds):
        page.get_by_role("button", name="100 steps").click()


@pytest.mark.parametrize("data", ["circles", "xor"])
def test_without_a_bend_a_line_is_all_there_is_and_with_one_it_is_solved(playground, data):
    page = playground(data=data, activation="none", depth=4, width=8)
    train(page, 5)
    assert right(page) < 80
    page.get_by_label("Activation function").select_option("gelu")
    assert "After 0 steps" in words(page)
    train(page, 5)
    assert right(page) > 95


def test_the_spirals_take_two_layers_of_eight(playground):
    # Chapter 8 says so: with ReLU, one layer of four neurons is too few.
    few = playground(data="spiral", activation="relu", depth=1, width=4)
    train(few, 30)
    assert right(few) < 95
    enough = playground(data="spiral", activation="relu", depth=2, width=8)
    train(enough, 30)
    assert right(enough) == 100


def test_the_same_seed_learns_the_same(playground):
    first = playground(activation="relu", seed=3)
    train(first, 2)
    second = playground(activation="relu", seed=3)
    train(second, 2)
    assert words(first) == words(second)
    second.get_by_role("button", name="Other first weights").click()
    train(second, 2)
    assert words(first) != words(second)


def test_it_trains_by_itself_until_it_is_paused(playground):
    page = playground(activation="relu")
    page.get_by_role("button", name="Train").click()
    page.wait_for_function(
        "!document.querySelector('[role=status]').textContent.startsWith('After 0')"
    )
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(500)
    stopped = words(page)
    page.wait_for_timeout(300)
    assert words(page) == stopped


def test_own_points_come_from_the_keyboard_and_from_the_mouse(playground):
    page = playground(data="own")
    assert "no points yet" in words(page)
    page.get_by_label("across").fill("50")
    page.get_by_role("button", name="Add").press("Enter")
    assert "of 1 points" in words(page)
    page.get_by_label("Next point is").select_option("1")
    page.locator(".tl-plane").first.click(position={"x": 20, "y": 20})
    assert "of 2 points" in words(page)
    train(page, 3)
    assert right(page) == 100
    page.get_by_role("button", name="Remove all").click()
    assert "no points yet" in words(page)


@pytest.fixture
def neurons(open_figure, small_model):
    small = small_model()

    def make(*, browser_options=None, **state):
        figure = lambda: NeuronExplorer(  # noqa: E731
            model_file=small.content, **({"text": "Anna had a red kite"} | state)
        )
        return open_figure(figure, **(browser_options or {})).page, small

    return make


def test_the_strongest_neuron_of_a_token_is_the_one_that_torch_finds(neurons):
    page, small = neurons(layer=1)
    ids = torch.tensor([prompt_ids(small.tokenizer, "Anna had a red kite")])
    with torch.no_grad(), capture(small.model) as seen:
        small.model(ids)
    active = seen["blocks.1.feed_forward.activation"][0]
    page.locator(".tl-chip").nth(2).click()
    best = active[2].max(-1)
    button = page.locator(".tl-buttons button").first
    assert button.text_content() == f"{int(best.indices)} ({float(best.values):.1f})"
    button.press("Enter")
    page.wait_for_timeout(250)
    top = int(active[:, int(best.indices)].argmax())
    piece = small.tokenizer.piece(int(ids[0, top])).replace(" ", "·") if top else "⟨start⟩"
    said = page.locator("[role=status]").text_content()
    assert said.startswith(f"Neuron {int(best.indices)} of block 1 is most active at {piece} (")


def test_a_long_text_is_cut_and_said(neurons):
    page, _ = neurons(text="Anna had a kite. " * 60)
    assert "are left out" in page.locator(".tl-quiet").first.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["playground", "neurons"])
def test_it_fits_a_narrow_screen_and_axe_finds_nothing_serious(request, which, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    made = request.getfixturevalue(which)(browser_options=options)
    page = made[0] if which == "neurons" else made
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.tl-figure').then(result => result.violations)")
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
