"""Layers, as torch has them: the same numbers from the same parameters."""

import pytest

from tests.page_torch.against import assert_same

LAYERS = {
    "Linear": (lambda nn: nn.Linear(3, 2), (4, 3)),
    "LayerNorm": (lambda nn: nn.LayerNorm(3), (4, 3)),
    "ReLU": (lambda nn: nn.ReLU(), (4, 3)),
    "GELU": (lambda nn: nn.GELU(), (4, 3)),
    "SiLU": (lambda nn: nn.SiLU(), (4, 3)),
    "Tanh": (lambda nn: nn.Tanh(), (4, 3)),
    "Softmax": (lambda nn: nn.Softmax(dim=-1), (4, 3)),
    "Identity": (lambda nn: nn.Identity(), (4, 3)),
    "Sequential": (lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), (4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_with_given_parameters(name):
    make, shape = LAYERS[name]

    def outputs(t):
        layer = make(t.nn).eval()
        for place, parameter in enumerate(layer.parameters()):
            numbers = (t.arange(parameter.numel()) - 2.0) / (place + 3)
            parameter.data = numbers.reshape(parameter.shape)
        with t.no_grad():
            return layer((t.arange(12.0) / 5).reshape(shape)), list(layer.state_dict())

    assert_same(outputs)


def test_a_cell_and_a_table():
    def outputs(t):
        cell = t.nn.RNNCell(2, 3)
        names = {name: t.ones(p.shape) / 4 for name, p in cell.state_dict().items()}
        cell.load_state_dict(names)
        table = t.nn.Embedding(4, 2)
        table.weight.data = t.arange(8.0).reshape(4, 2)
        with t.no_grad():
            return cell(t.ones(2), t.arange(3.0)).detach(), table(t.tensor([3, 0])).detach()

    assert_same(outputs)


def test_new_parameters_are_those_of_torchs_seed():
    def made(t):
        t.manual_seed(1)
        return t.nn.Linear(3, 2).state_dict().items()

    assert_same(lambda t: [value for _, value in made(t)])
    assert_same(lambda t: tuple(t.nn.Linear(3, 2, bias=False).weight.shape))
