"""A chat model whose right answer is known for every request: it says what it was told."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import torch

from transformer_lab.chat import PLAIN_TURNS, ChatModel
from transformer_lab.tokenization import BPETokenizer

SPECIAL = [*PLAIN_TURNS.opening.values(), PLAIN_TURNS.closing]
BYTES = BPETokenizer.train([], vocab_size=256 + len(SPECIAL), special_tokens=SPECIAL)
END, ASSISTANT, USER = (BYTES.vocab[f"<|{name}|>"] for name in ("end", "assistant", "user"))


class Echo:
    """Repeats the user's last message; a message that starts with "forever" without end.

    `steps` counts its steps, `threads` names those that ran it, `pause` slows each
    step down. A message "break" is one that it breaks at.
    """

    def __init__(self, max_len: int = 2000, pause: float = 0.0) -> None:
        self.config = SimpleNamespace(max_len=max_len)
        self.pause = pause
        self.steps = 0
        self.threads: set[str] = set()

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        self.steps += 1
        self.threads.add(threading.current_thread().name)
        time.sleep(self.pause)
        ids = ids[0].tolist()
        opened = len(ids) - 1 - ids[::-1].index(ASSISTANT)
        asked = len(ids) - 1 - ids[::-1].index(USER)
        told, said = ids[asked + 1 : opened - 1], len(ids) - opened - 1
        text = BYTES.decode(told)
        if text == "break":
            raise RuntimeError("a secret of the server")
        if text.startswith("forever"):
            told = told * (said // len(told) + 1)
        logits = torch.zeros(1, len(ids), len(BYTES))
        logits[0, -1, told[said] if said < len(told) else END] = 100.0
        return logits


def echo(name: str = "echo", **settings) -> ChatModel:
    return ChatModel(name, Echo(**settings), BYTES, PLAIN_TURNS, frozenset([END]))
