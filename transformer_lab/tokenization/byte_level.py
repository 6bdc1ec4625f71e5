"""Bytes as letters, and text cut into words: what happens before the merges.

A byte-level tokenizer starts from the 256 bytes of UTF-8, so that no text is
ever unknown. Two conventions of GPT-2 live here: the printable letter that
stands for each byte in vocabulary files (a space is written `Ġ`), and the
pattern that cuts text into words, within which merges stay.

Source: Radford et al. 2019 (GPT-2), section 2.2. Taught in chapter 3.
"""

from __future__ import annotations

from functools import cache

import regex

# A word takes the space before it along. White_Space is spelt out because
# engines disagree on what `\s` means for a few rare characters.
WORD_PATTERN = regex.compile(
    r"""'s|'t|'re|'ve|'m|'ll|'d"""
    r"""| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+"""
    r"""|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"""
)

DIGIT_PATTERN = regex.compile(r"(\p{N})")


@cache
def letter_of_byte() -> dict[int, str]:
    """The printable letter that stands for each of the 256 bytes.

    Bytes that print keep their own letter; the others (space, control
    characters, ...) take the letters from U+0100 on, in order.

    >>> letter_of_byte()[ord("a")], letter_of_byte()[ord(" ")]
    ('a', 'Ġ')
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    letters.update({byte: chr(256 + n) for n, byte in enumerate(others)})
    return letters


@cache
def byte_of_letter() -> dict[str, int]:
    """The inverse of `letter_of_byte`."""
    return {letter: byte for byte, letter in letter_of_byte().items()}


def to_letters(text: str) -> str:
    """Write the UTF-8 bytes of `text` in byte letters.

    A lone surrogate (half of a UTF-16 pair, which no UTF-8 can hold) becomes
    the replacement character U+FFFD.

    >>> to_letters(" é")
    'ĠÃ©'
    """
    letters = letter_of_byte()
    return "".join(letters[byte] for byte in _utf8(text))


def from_letters(letters: str) -> str:
    """Read byte letters back as text; bytes that are no UTF-8 become U+FFFD.

    >>> from_letters("ĠÃ©")
    ' é'
    """
    return letters_to_bytes(letters).decode("utf-8", errors="replace")


def letters_to_bytes(letters: str) -> bytes:
    """The bytes that byte letters stand for.

    >>> letters_to_bytes("Ã©")
    b'\\xc3\\xa9'
    """
    bytes_of = byte_of_letter()
    return bytes(bytes_of[letter] for letter in letters)


def split_words(text: str, *, split_digits: bool = False) -> list[str]:
    """Cut `text` into the words within which merges stay; nothing is lost.

    Args:
        text: any text.
        split_digits: whether each digit is a word of its own.

    >>> split_words("Anna's red ball, again")
    ['Anna', "'s", ' red', ' ball', ',', ' again']
    >>> split_words("in 2017", split_digits=True)
    ['in', ' ', '2', '0', '1', '7']
    """
    if not split_digits:
        return WORD_PATTERN.findall(text)
    parts = DIGIT_PATTERN.split(text)
    return [word for part in parts for word in WORD_PATTERN.findall(part)]


def _utf8(text: str) -> bytes:
    return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace").encode()
