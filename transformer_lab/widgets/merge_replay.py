"""MergeReplay: the training of a tokenizer, merge by merge, on the reader's text.

Holds only the figure's state: drawing and computing are in `merge_replay.js`.
Taught in chapter 3.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class MergeReplay(LiveFigure):
    """A live figure of one training run of a tokenizer.

    Keyword Args:
        text: what the tokenizer learns from; a few sentences.
        method: "bpe" (the most frequent pair) or "wordpiece" (the highest score).
        merges: how many merges have been made at first.
        guess: whether the counts are hidden, so that the reader guesses first.
    """

    _module = "merge_replay.js"

    text = traitlets.Unicode().tag(sync=True)
    method = traitlets.Enum(["bpe", "wordpiece"], "bpe").tag(sync=True)
    merges = traitlets.Int(0, min=0).tag(sync=True)
    guess = traitlets.Bool(False).tag(sync=True)
