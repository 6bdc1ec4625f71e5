"""Exercises of chapter 17: beyond text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from transformer_lab.exercises.exercise import Exercise, Function, Mistake


def _cut(image: Tensor, side: int) -> Tensor:
    height, width = image.shape
    rows = image.reshape(height // side, side, width // side, side)
    return rows.transpose(1, 2).reshape(-1, side * side)


def _reshaped(image: Tensor, side: int) -> Tensor:
    return image.reshape(-1, side * side)


def _column_by_column(image: Tensor, side: int) -> Tensor:
    return _each_turned(image.T, side)


def _each_turned(image: Tensor, side: int) -> Tensor:
    return _cut(image, side).reshape(-1, side, side).transpose(1, 2).reshape(-1, side * side)


def _overlapping(image: Tensor, side: int) -> Tensor:
    height, width = image.shape
    corners = [(r, c) for r in range(height - side + 1) for c in range(width - side + 1)]
    return torch.stack([image[r : r + side, c : c + side].reshape(-1) for r, c in corners])


def _averaged(image: Tensor, side: int) -> Tensor:
    return _cut(image, side).mean(dim=1, keepdim=True)


def edits(written: str, truth: str) -> int:
    """The fewest letters to insert, delete or replace that make `written` right.

    As `recipes.morse_listener.edits`, which is not there in the page's Python; a test holds
    the two together.
    """
    row = list(range(len(truth) + 1))
    for i, letter in enumerate(written, start=1):
        new = [i]
        for j, right in enumerate(truth, start=1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (letter != right)))
        row = new
    return row[-1]


def _error_rate(written: list[str], truths: list[str]) -> float:
    return sum(map(edits, written, truths)) / sum(map(len, truths))


def _place_by_place(written: list[str], truths: list[str]) -> float:
    pairs = list(zip(written, truths, strict=True))
    wrong = sum(sum(a != b for a, b in zip(w, t)) + abs(len(w) - len(t)) for w, t in pairs)  # noqa: B905
    return wrong / sum(map(len, truths))


def _share_of_wrong_texts(written: list[str], truths: list[str]) -> float:
    return sum(w != t for w, t in zip(written, truths, strict=True)) / len(truths)


def _mean_of_rates(written: list[str], truths: list[str]) -> float:
    rates = [edits(w, t) / len(t) for w, t in zip(written, truths, strict=True)]
    return sum(rates) / len(rates)


def _over_what_was_written(written: list[str], truths: list[str]) -> float:
    return sum(map(edits, written, truths)) / sum(map(len, written))


def _never_above_one(written: list[str], truths: list[str]) -> float:
    return min(1.0, _error_rate(written, truths))


def _own(n_numbers: int, d_model: int, n_patches: int) -> int:
    return n_numbers * d_model + d_model + n_patches * d_model + d_model


def _without_one_vector(n_numbers: int, d_model: int, n_patches: int) -> int:
    return _own(n_numbers, d_model, n_patches) - d_model


def _without_both_vectors(n_numbers: int, d_model: int, n_patches: int) -> int:
    return _own(n_numbers, d_model, n_patches) - 2 * d_model


def _layer_for_each_patch(n_numbers: int, d_model: int, n_patches: int) -> int:
    return n_patches * (n_numbers * d_model + d_model) + n_patches * d_model + d_model


def _without_positions(n_numbers: int, d_model: int, n_patches: int) -> int:
    return n_numbers * d_model + 2 * d_model


def _position_is_a_number(n_numbers: int, d_model: int, n_patches: int) -> int:
    return n_numbers * d_model + 2 * d_model + n_patches


Layer = Callable[[Tensor], Tensor]


def _vectors(day: Tensor, mean: Tensor, std: Tensor, layer: Layer, positions: Tensor) -> Tensor:
    return layer((day.T - mean) / std) + positions


def _reshaped_at_last(day, mean, std, layer, positions):
    common = (day - mean[:, None]) / std[:, None]
    return layer(common.reshape(day.T.shape)) + positions


def _reshaped_at_first(day, mean, std, layer, positions):
    return layer((day.reshape(day.T.shape) - mean) / std) + positions


def _by_the_day_itself(day, mean, std, layer, positions):
    return _vectors(day, day.mean(1), day.std(1), layer, positions)


def _one_scale_for_all(day, mean, std, layer, positions):
    return _vectors(day, day.mean(), day.std(), layer, positions)


def _every_hour_alike(day, mean, std, layer, positions):
    return layer(((day.T - mean) / std).mean(0)) + positions


_CHANGES = {
    ("english", "report"): "new",
    ("encoder", "report"): "keep",
    ("decoder", "report"): "keep",
    ("hindi", "report"): "keep",
    ("english", "classes"): "new",
    ("encoder", "classes"): "keep",
    ("decoder", "classes"): "drop",
    ("hindi", "classes"): "new",
}


def _changes(**others: str) -> Function:
    """The right changes, but for some: `hindi_report="new"`."""
    wrong = {tuple(name.split("_")): change for name, change in others.items()}
    changes: Mapping[tuple[str, ...], str] = {**_CHANGES, **wrong}
    return lambda part, says: changes[part, says]


def _linear(weight: Tensor, bias: Tensor) -> Layer:
    def layer(x: Tensor) -> Tensor:
        if x.shape[-1] != len(weight):
            raise ValueError(
                f"the layer reads {len(weight)} numbers at a time and was given rows of "
                f"{x.shape[-1]}; which readings make a piece?"
            )
        return x @ weight + bias

    return layer


_random = torch.Generator().manual_seed(0)
_written = ["so", "paris", "eeee", "hallo", "tt", "code"]
_truths = ["sos", "aris", "e", "hello", "mm", "code"]
# Pressure in hPa, temperature in °C, humidity and clouds as shares, wind in m/s, sun in W/m².
_mean = torch.tensor([1013, 12, 0.5, 0.5, 4, 128])
_std = torch.tensor([8, 8, 0.25, 0.25, 2, 64])


def _normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=_random)


def _a_day(d_model: int) -> tuple[Tensor, Tensor, Tensor, Layer, Tensor]:
    """A day, the means, the standard deviations, a layer, and positions."""
    # In eighths of the standard deviations, so that no way of writing it rounds differently.
    eighths = (8 * _normal(6, 24)).round().clamp(-16, 16)
    day = _mean[:, None] + _std[:, None] * eighths / 8
    layer = _linear(_normal(6, d_model), _normal(d_model))
    return day, _mean, _std, layer, _normal(24, d_model)


EXERCISES = {
    "cut_into_patches": Exercise(
        task="image (H, W), side → (T, side * side): its squares, row by row from the upper left, "
        "the pixels of each in the same order.",
        inputs=[
            (torch.rand(4, 6, generator=_random), 2),
            (torch.rand(6, 9, generator=_random), 3),
        ],
        solution=_cut,
        mistakes=[
            Mistake(
                _reshaped,
                "A reshape alone cuts strips out of single rows. Two pixels, one above the other, "
                "should land in the same patch.",
            ),
            Mistake(_column_by_column, "Which patch comes second: the one to the right, or below?"),
            Mistake(_each_turned, "Inside each patch rows and columns are exchanged."),
            Mistake(_overlapping, "Each pixel belongs to one patch: how far is it to the next?"),
            Mistake(_averaged, "The layer behind needs all pixels of a patch, not their mean."),
        ],
    ),
    "character_error_rate": Exercise(
        task="texts written and the true ones → edits (the fewest letters to insert, delete or "
        "replace) of all texts, over all letters of the true ones.",
        inputs=[(_written, _truths), (["eeee"], ["e"]), (["ab", "c"], ["ab", "cd"])],
        solution=_error_rate,
        mistakes=[
            Mistake(
                _place_by_place,
                "One letter left out moves all that follow to another place. How many edits does "
                "it really take?",
            ),
            Mistake(_share_of_wrong_texts, "That counts texts. How many of the letters are wrong?"),
            Mistake(
                _mean_of_rates,
                "A short text counts as much as a long one here. Add up first, then divide.",
            ),
            Mistake(
                _over_what_was_written,
                "Whoever writes more would get away with more. Divide by what was sent.",
            ),
            Mistake(_never_above_one, "Who writes far too much can make more than 100 % mistakes."),
        ],
    ),
    "own_parameters": Exercise(
        task="n_numbers of a patch, d_model, n_patches → how many parameters a Vision Transformer "
        "has before its first block: a linear layer, learned positions, the class token.",
        inputs=[(4, 32, 16), (768, 512, 196), (3, 5, 7)],
        solution=_own,
        mistakes=[
            Mistake(
                _without_one_vector,
                "One vector of d_model numbers is missing: the layer's bias, or the class token.",
            ),
            Mistake(
                _without_both_vectors,
                "Two vectors of d_model numbers are missing: a linear layer also adds a constant "
                "to each number, and one vector belongs to no patch.",
            ),
            Mistake(
                _layer_for_each_patch,
                "The same layer reads every patch, as one table serves a word wherever it stands.",
            ),
            Mistake(_without_positions, "How would the model know where a patch belongs?"),
            Mistake(
                _position_is_a_number,
                "A position is a vector that is added to the patch's, so it has the same size.",
            ),
        ],
    ),
    "day_vectors": Exercise(
        task="day (6, 24), mean and std (6), layer, positions (24, D) → the rows (24, D) that go "
        "into the first block.",
        inputs=[_a_day(8), _a_day(5)],
        solution=_vectors,
        mistakes=[
            Mistake(
                lambda day, mean, std, layer, positions: layer(day.T) + positions,
                "Beside 1013 hectopascals the layer would hardly notice a share. Bring the "
                "sensors to a common scale first.",
            ),
            Mistake(
                _by_the_day_itself,
                "By its own mean every day is an average day: whether it is a cold one is lost. "
                "The training days say what is usual.",
            ),
            Mistake(
                _one_scale_for_all,
                "This is one mean for all six sensors. Each has its own unit, so each needs a "
                "mean and a standard deviation of its own.",
            ),
            Mistake(
                lambda day, mean, std, layer, positions: layer(day.T - mean) + positions,
                "The pressure still differs by several units, a share by a fraction of one. How "
                "far do a sensor's readings usually lie from its mean?",
            ),
            Mistake(
                lambda day, mean, std, layer, positions: layer(day.T / std) + positions,
                "The scale is right, but the pressure is still a large number at every hour. Take "
                "the mean away before you divide.",
            ),
            Mistake(
                lambda day, mean, std, layer, positions: layer((day.T - mean) / std),
                "Without positions the blocks see a set of hours: in which order they came is "
                "lost.",
            ),
            Mistake(
                lambda day, mean, std, layer, positions: layer((day.T - mean) / std) * positions,
                "A position is added, as a word's is.",
            ),
            Mistake(
                _reshaped_at_last,
                "A reshape alone fills each row with six hours of one sensor. The six readings of "
                "one hour stand in a column.",
            ),
            Mistake(
                _reshaped_at_first,
                "A reshape alone fills each row with six hours of one sensor, and these are then "
                "measured by the means of six. Where do the readings of one hour stand?",
            ),
            Mistake(
                _every_hour_alike,
                "That is the mean of the whole day, at all 24 places. Each hour has readings of "
                "its own.",
            ),
        ],
    ),
    "what_to_change": Exercise(
        task='a part of the translator, and what it is turned into, a "report" or "classes" → '
        '"keep", "new" or "drop".',
        inputs=list(_CHANGES),
        solution=_changes(),
        mistakes=[
            Mistake(
                _changes(english_report="keep", english_classes="keep"),
                "A table has no row for 21 and a half degrees. What makes a vector of a reading?",
            ),
            Mistake(
                _changes(english_report="drop", english_classes="drop"),
                "Then no reading would reach the blocks. Something has to make vectors of them.",
            ),
            Mistake(
                _changes(encoder_report="new", encoder_classes="new"),
                "A block gets vectors of size d_model, and gives such vectors. Does it see what "
                "they were made of?",
            ),
            Mistake(
                _changes(encoder_report="drop", encoder_classes="drop"),
                "Then each vector holds one hour and nothing of the others. What relates them?",
            ),
            Mistake(
                lambda part, says: "new",
                "That is another model altogether. Which parts ever see the data themselves?",
            ),
            Mistake(
                lambda part, says: _CHANGES[part, "report"],
                "So both models write. What is there to write when the answer is one of three "
                "classes, and what scores these?",
            ),
            Mistake(
                lambda part, says: _CHANGES[part, "classes"],
                "So neither model writes. Which parts of the translator write a text, word after "
                "word?",
            ),
            Mistake(
                _changes(decoder_report="new"),
                "The decoder writes Hindi, as it did, and looks across at vectors of size d_model. "
                "Must it know what they were made of?",
            ),
            Mistake(
                _changes(decoder_report="drop"),
                "Then nothing writes the report.",
            ),
            Mistake(
                _changes(hindi_report="new"),
                "The report is written in words that the model has already.",
            ),
            Mistake(
                _changes(hindi_classes="keep"),
                "These vectors score Hindi words. What scores the three classes?",
            ),
            Mistake(
                _changes(hindi_report="drop"),
                "Then nothing scores the next word of the report, and the decoder cannot read "
                "what it has written.",
            ),
            Mistake(
                _changes(hindi_classes="drop"),
                "Then nothing scores the three classes. What must stand in its place?",
            ),
            Mistake(
                _changes(decoder_classes="new"),
                "What would a new decoder do? The answer is one of three classes, not a text.",
            ),
            Mistake(
                _changes(decoder_classes="keep"),
                "The decoder writes, word after word. To name one of three classes, nothing is "
                "written.",
            ),
        ],
    ),
}
