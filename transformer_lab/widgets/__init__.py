"""The live figures of the book: one Python class and one JavaScript module each.

A figure takes plain arrays, tokens and the bytes of a model file, never a
model object. A class is imported when it is first asked for, because a widget
needs ipywidgets and the rest of the package does not. Used in every chapter.
"""

from __future__ import annotations

import importlib

_WHERE = {
    "BendSpace": "bend_space",
    "ChatWindow": "chat_window",
    "DistanceExplorer": "distance_explorer",
    "EmbeddingMap": "embedding_map",
    "DepthExplorer": "depth_explorer",
    "DigitDrawing": "digit_drawing",
    "AttentionSteps": "attention_steps",
    "FamilyDiagram": "family_diagram",
    "HeadExplorer": "head_explorer",
    "LensAndPatch": "lens_and_patch",
    "LiveFigure": "live_figure",
    "MaskPlayground": "mask_playground",
    "MaskedWordGuesser": "masked_word_guesser",
    "MergeReplay": "merge_replay",
    "ModelMap": "model_map",
    "MorseKey": "morse_key",
    "NeuronExplorer": "neuron_explorer",
    "NextToken": "next_token",
    "NumberExplorer": "number_explorer",
    "TokenizerPlayground": "tokenizer_playground",
    "PositionWaves": "position_waves",
    "TrainingReplay": "training_replay",
    "TranslatorSteps": "translator_steps",
    "WordInContext": "word_in_context",
    "head_view": "bertviz_views",
    "model_view": "bertviz_views",
}

__all__ = list(_WHERE)


def __getattr__(name: str):
    """Import a figure when it is first asked for."""
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
