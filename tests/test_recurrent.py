"""Recurrent networks: as torch's own, step by step."""

import pytest
import torch
from torch import nn

from transformer_lab.recurrent import CELLS, Recurrent

THEIRS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("kind", CELLS)
def test_each_kind_gives_the_states_of_torchs_own(kind):
    torch.manual_seed(0)
    ours = Recurrent(kind, vocab_size=20, d_model=6)
    theirs = THEIRS[kind](6, 6, batch_first=True)
    state = {
        "weight_ih_l0": ours.cell.input.weight,
        "bias_ih_l0": ours.cell.input.bias,
        "weight_hh_l0": ours.cell.state.weight,
        "bias_hh_l0": torch.zeros_like(ours.cell.input.bias),
    }
    if ours.cell.state.bias is not None:
        state["bias_hh_l0"] = ours.cell.state.bias
    theirs.load_state_dict(state)
    ids = torch.randint(0, 20, (3, 9))
    expected = ours.head(theirs(ours.token(ids))[0])
    torch.testing.assert_close(ours(ids), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_the_state_after_a_text_is_all_that_goes_on(kind):
    torch.manual_seed(0)
    model = Recurrent(kind, vocab_size=20, d_model=6)
    ids = torch.randint(0, 20, (1, 8))
    states = model.first_states(1)
    for t in range(8):
        states = model.cell(model.token(ids[:, t]), states)
    torch.testing.assert_close(model.head(states[0]), model(ids)[:, -1])


def test_an_lstm_starts_by_keeping():
    cell = CELLS["lstm"](4)
    nn.init.zeros_(cell.input.weight)
    nn.init.zeros_(cell.state.weight)
    cell.input.bias.data[:4] = cell.input.bias.data[8:] = -100.0  # writes and shows nothing
    _, c = cell(torch.zeros(1, 4), (torch.zeros(1, 4), torch.ones(1, 4)))
    torch.testing.assert_close(c, torch.full((1, 4), torch.tensor(1.0).sigmoid().item()))


def test_an_unknown_kind_says_which_there_are():
    with pytest.raises(ValueError, match="kind='elman' is not one of rnn, lstm, gru"):
        Recurrent("elman", vocab_size=5, d_model=4)
