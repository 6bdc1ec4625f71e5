"""Letters for hypothesis's texts, of several scripts."""

from __future__ import annotations

from hypothesis import strategies as st

# Those that every Unicode table since 2015 knows alike, so that each library cuts them alike.
LETTERS = [
    st.characters(max_codepoint=0x24F),
    st.characters(min_codepoint=0x370, max_codepoint=0x3FF, exclude_categories=["Cn"]),
    st.characters(min_codepoint=0x900, max_codepoint=0x97F),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5),
]
