"""TokenizerPlayground: the reader's text, cut by several tokenizers side by side.

Holds only the figure's state: drawing and computing are in
`tokenizer_playground.js`. Taught in chapter 3.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class TokenizerPlayground(LiveFigure):
    """A live figure of several tokenizers on one text.

    Keyword Args:
        names: what each tokenizer is called.
        files: what it is made of as bytes, `tokenizer.to_json().encode()`.
        text: what stands in the text box at first.
        show_ids: whether the IDs are shown in place of the pieces.

    Raises:
        ValueError: if names and files are not equally many.
    """

    _module = "tokenizer_playground.js"
    _later = ("files",)

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    files = traitlets.List(traitlets.Bytes()).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    show_ids = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **state) -> None:
        super().__init__(**state)
        if not self.names or len(self.names) != len(self.files):
            raise ValueError(
                "TokenizerPlayground needs one file for each name, and at least one; it was given "
                f"{len(self.names)} names and {len(self.files)} files"
            )
