"""AttentionSteps: every number of one attention, editable, one step at a time.

A few tokens, each a short vector, and three small matrices: from them to queries,
keys, values, scores, weights and output. The reader changes a number, the scale or
the temperature and sees what it does to the attention weights of one token.

Holds only the figure's state: drawing and computing are in `attention_steps.js`.
Taught in chapter 5.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure, Number

MAX_TOKENS, MAX_SIZE = 6, 4  # what fits a small screen


class AttentionSteps(LiveFigure):
    """A live figure of scaled dot-product attention, number by number.

    Keyword Args:
        tokens: T words, at most six.
        features: D names, one for each column of the matrices, at most four.
        x: the vectors of the tokens, T rows of D numbers.
        wq, wk, wv: the matrices that make queries, keys and values, D rows of D.
        step: the step that is shown at first, from 0 (the vectors) to 7 (the output).
        followed: the token whose weights are told in words, counted from 0.
        scaled: whether scores are divided by the square root of D.
        temperature: what the scaled scores are divided by, from 0.1 to 4.
        guess: whether the reader predicts each result before it is shown.

    Raises:
        ValueError: if the sizes do not fit each other.
    """

    _module = "attention_steps.js"

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    features = traitlets.List(traitlets.Unicode()).tag(sync=True)
    x = traitlets.List(traitlets.List(Number())).tag(sync=True)
    wq = traitlets.List(traitlets.List(Number())).tag(sync=True)
    wk = traitlets.List(traitlets.List(Number())).tag(sync=True)
    wv = traitlets.List(traitlets.List(Number())).tag(sync=True)
    step = traitlets.Int(0, min=0, max=7).tag(sync=True)
    followed = traitlets.Int(0, min=0).tag(sync=True)
    scaled = traitlets.Bool(True).tag(sync=True)
    temperature = Number(1.0, min=0.1, max=4.0).tag(sync=True)
    guess = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        n_tokens, size = len(self.tokens), len(self.features)
        if not (1 <= n_tokens <= MAX_TOKENS and 1 <= size <= MAX_SIZE):
            raise ValueError(
                f"the figure has room for 1 to {MAX_TOKENS} tokens and 1 to {MAX_SIZE} features, "
                f"not for {n_tokens} and {size}"
            )
        rows_of = {"x": n_tokens, "wq": size, "wk": size, "wv": size}
        for name, n_rows in rows_of.items():
            matrix = getattr(self, name)
            if [len(row) for row in matrix] != [size] * n_rows:
                raise ValueError(f"{name} needs {n_rows} rows of {size} numbers")
