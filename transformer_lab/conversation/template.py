"""The chat template: a list of messages becomes one sequence of tokens.

A model has one input, a row of token IDs. Special tokens mark in it where a turn
begins, who speaks, and where it ends. After the last message comes the opening of
the assistant's turn: the model goes on from there.

Special tokens are put in as IDs, and what people write is always encoded as plain
text. So a user who types `<|im_end|>` has typed ten letters and signs, and cannot
end the turn. Rendering everything to one string first and encoding that, as
`apply_chat_template` does, gives the same IDs for ordinary text, but cannot tell
a typed special token from a real one.

Source: ChatML, https://github.com/openai/openai-python/blob/v0.28.1/chatml.md.
Taught in chapter 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformer_lab.conversation.messages import Message
from transformer_lab.tokenization import BPETokenizer


@dataclass(frozen=True, kw_only=True)
class ChatTemplate:
    """How one model family writes a conversation.

    One turn is written: the special token `opening[role]`, the plain text
    `header.format(role=role)`, the content, the special token `closing`, the plain
    text `after`.
    """

    opening: dict[str, str]  # for each role, the special token that opens its turn
    closing: str  # the special token that ends a turn
    header: str = ""  # plain text between the opening and the content
    after: str = ""  # plain text after the closing
    default_system: str | None = None  # the system message of a list that has none

    def turn(self, tokenizer: BPETokenizer, message: Message) -> list[int]:
        """The token IDs of one message."""
        written = self.header.format(role=message.role) + message.content
        return [
            tokenizer.vocab[self.opening[message.role]],
            *tokenizer.encode_plain(written),
            tokenizer.vocab[self.closing],
            *tokenizer.encode_plain(self.after),
        ]

    def opened(self, tokenizer: BPETokenizer) -> list[int]:
        """The opening of the assistant's turn, which the model goes on from."""
        header = tokenizer.encode_plain(self.header.format(role="assistant"))
        return [tokenizer.vocab[self.opening["assistant"]], *header]

    def with_system(self, messages: Sequence[Message]) -> list[Message]:
        """The messages, with the default system message if they have none."""
        if self.default_system is None or (messages and messages[0].role == "system"):
            return list(messages)
        return [Message("system", self.default_system), *messages]

    def turns(self, tokenizer: BPETokenizer, messages: Sequence[Message]) -> list[list[int]]:
        """The token IDs of each message, and last those of the assistant's opening."""
        written = [self.turn(tokenizer, message) for message in self.with_system(messages)]
        return [*written, self.opened(tokenizer)]

    def render(self, tokenizer: BPETokenizer, messages: Sequence[Message]) -> list[int]:
        """The one token sequence that the model sees."""
        return [id for turn in self.turns(tokenizer, messages) for id in turn]


# This book's own format: one special token for each role, and nothing else.
#     <|user|>what is 2+1<|end|><|assistant|>
PLAIN_TURNS = ChatTemplate(
    opening={"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"},
    closing="<|end|>",
)

# ChatML, in which the role is a word of plain text after one special token:
#     <|im_start|>user\nwhat is 2+1<|im_end|>\n<|im_start|>assistant\n
CHATML = ChatTemplate(
    opening=dict.fromkeys(("system", "user", "assistant"), "<|im_start|>"),
    header="{role}\n",
    closing="<|im_end|>",
    after="\n",
)

# What SmolLM2's own template puts first when no system message is given.
SMOLLM2 = ChatTemplate(
    opening=CHATML.opening,
    header=CHATML.header,
    closing=CHATML.closing,
    after=CHATML.after,
    default_system="You are a helpful AI assistant named SmolLM, trained by Hugging Face",
)
