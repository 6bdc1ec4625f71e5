"""The chapter's own check of each family: it agrees, and it can fail."""

import pytest

from transformer_lab.pretrained import FAMILIES, parity


def test_every_family_is_checked():
    assert set(parity.CHECKED) == set(FAMILIES)


@pytest.mark.parametrize("family", parity.CHECKED)
def test_the_largest_difference_is_rounding(family):
    assert max(parity.largest_difference(family, seed=seed) for seed in range(3)) < 1e-4


@pytest.mark.parametrize("family", parity.CHECKED)
def test_a_wrong_weight_is_noticed(family, monkeypatch):
    def read(folder):
        model = parity_read(folder)
        parameters = dict(model.named_parameters())
        name = next(name for name in parameters if name.endswith("attention.value.weight"))
        parameters[name].data[0] += 0.3
        return model

    parity_read = parity.from_pretrained
    monkeypatch.setattr(parity, "from_pretrained", read)
    assert parity.largest_difference(family) > 1e-3


def test_an_unknown_family_is_one_clear_sentence():
    with pytest.raises(ValueError, match="there is no family 'gemini'; there are: bert, gpt2"):
        parity.largest_difference("gemini")
