"""The written digits: what is held out, and how they are shuffled."""

import torch

from transformer_lab.languages import digits


def test_no_held_out_picture_is_learned_from_and_none_is_lost():
    parts = digits.split(seed=3)
    assert [len(part) for part in parts] == [1197, 240, 360]
    rows = [tuple(image) for part in parts for image in part.images.flatten(1).tolist()]
    assert len(set(rows)) == 1797  # no picture comes twice, so none is in two parts
    assert min(map(min, rows)) == 0
    assert max(map(max, rows)) == 1


def test_whatever_the_seed_the_same_pictures_are_held_out():
    one, other = digits.split(seed=0), digits.split(seed=1)
    assert torch.equal(one[2].images, other[2].images)
    assert not torch.equal(one[1].images, other[1].images)


def test_a_shuffle_moves_whole_patches_and_loses_nothing():
    images = torch.rand(2, 8, 8)
    for side in (1, 2, 4):
        moved = digits.shuffled(images, side=side, seed=1)
        before, after = (
            x.unfold(1, side, side).unfold(2, side, side).flatten(3).flatten(1, 2)
            for x in (images, moved)
        )  # (2, patches, numbers)
        assert not torch.equal(before, after)
        for one, other in zip(before, after, strict=True):
            assert sorted(one.tolist()) == sorted(other.tolist())
    assert torch.equal(
        digits.shuffled(images, side=2, seed=1), digits.shuffled(images, side=2, seed=1)
    )
