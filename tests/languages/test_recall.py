"""The recall language: questions with one right answer."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from transformer_lab.languages import recall


@given(notes=st.integers(1, recall.MAX_NOTES), data=st.data())
def test_the_answer_is_the_value_in_the_note_at_the_distance(notes, data):
    distance = data.draw(st.integers(1, notes))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    texts, answers = recall.sample(3, notes=notes, distance=distance, generator=generator)
    for ids, answer in zip(texts.tolist(), answers.tolist(), strict=True):
        *said, question = recall.decode(ids).split()
        matching = [note for note in said if note[0] == question[0]]
        assert len(matching) == 1  # no thing is noted twice
        assert said.index(matching[0]) == notes - distance
        assert matching[0][1] == recall.VALUES[answer]
        assert recall.encode(recall.decode(ids)) == ids


def test_the_same_seed_gives_the_same_texts():
    draw = lambda seed: recall.sample(  # noqa: E731
        5, notes=9, distance=4, generator=torch.Generator().manual_seed(seed)
    )[0]
    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


@pytest.mark.parametrize(("notes", "distance"), [(3, 4), (3, 0), (25, 1)])
def test_what_does_not_fit_is_one_clear_sentence(notes, distance):
    with pytest.raises(ValueError, match=f"distance={distance} and notes={notes} do not fit"):
        recall.sample(1, notes=notes, distance=distance, generator=torch.Generator())


def test_an_unknown_token_is_named():
    with pytest.raises(ValueError, match="'z9' is no token"):
        recall.encode("a1 z9")
