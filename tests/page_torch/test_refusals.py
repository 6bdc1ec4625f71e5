"""What the page's small torch lacks it refuses by name, in one sentence."""

import importlib

import pytest

from transformer_lab import page_torch

ELSEWHERE = "; run this notebook in Colab or Jupyter for all of torch"


def sentence_of(call) -> str:
    with pytest.raises((NotImplementedError, AttributeError)) as caught:
        call(page_torch)
    return str(caught.value)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda t: t.fft, "fft"),
        (lambda t: t.optim.Adam, "optim"),
        (lambda t: t.float16, "float16"),
        (lambda t: t.ones(2).numpy(), "Tensor.numpy"),
        (lambda t: t.ones(2).backward(), "Tensor.backward"),
        (lambda t: t.nn.MultiheadAttention(2, 1), "nn.MultiheadAttention"),
        (lambda t: t.nn.functional.conv1d, "nn.functional.conv1d"),
        (lambda t: t.nn.Linear(2, 2).cuda(), "Linear.cuda"),
    ],
)
def test_names(call, name):
    assert sentence_of(call) == f"the page's small torch has no `{name}`{ELSEWHERE}"


@pytest.mark.parametrize(
    ("call", "word", "function"),
    [
        (lambda t: t.ones(2, device="cpu"), "device", "ones"),
        (lambda t: t.tensor([1.0], requires_grad=True), "requires_grad", "tensor"),
        (lambda t: t.ones(2).softmax(dim=0, foo=1), "foo", "softmax"),
        (lambda t: t.nn.functional.relu(t.ones(2), inplace=True), "inplace", "relu"),
    ],
)
def test_keywords(call, word, function):
    wanted = f"the page's small torch has no keyword `{word}` in `{function}`{ELSEWHERE}"
    assert sentence_of(call) == wanted


def test_the_sentence_survives_an_import():
    with pytest.raises(ImportError, match="the page's small torch has no `fft`; run"):
        exec("from transformer_lab.page_torch import fft")
    with pytest.raises(ImportError, match="conv1d`; run"):
        exec("from transformer_lab.page_torch.nn.functional import relu, conv1d")


def test_python_can_still_ask_what_is_there():
    assert not hasattr(page_torch.ones(1), "numpy")
    assert not hasattr(page_torch, "compile")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("transformer_lab.page_torch.fft")
