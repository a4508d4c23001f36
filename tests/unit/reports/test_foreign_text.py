"""Foreign text made visible."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.reports.foreign_text import line, shown, visible

TRICKY = st.text("\x00\x1b\r\n\t\u200b\u200c\u200d\u202e\u2067\ufe0f\ufeff\ud83d\U000e0041\u0301👩🚀ا क", max_size=30)


@given(st.text(st.characters(), max_size=60) | TRICKY)
def test_nothing_invisible_comes_out(text: str) -> None:
    """No control, no steering, no half pair and no character that XML forbids; joiners only between what they join."""
    out = visible(text)
    out.encode("utf-8")
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Co", "Zl", "Zp") for one in out if one != "\n")
    assert {one for one in out if unicodedata.category(one) == "Cf"} <= {"\u200c", "\u200d"}
    assert re.search("[\ufffe\uffff\ufdd0]", out) is None


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", "naïve “quotes” – 中文", "👩‍🚀 ❤️ 👍🏽", "می‌خواهم", "ñ", "e\u0301"]
)
def test_proper_text_stays(text: str) -> None:
    """Scripts, emoji and their joiners are left alone."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\r\nc", "a    b\nc"),
        ("nul \x00 esc \x1b[1m", "nul ␀ esc ␛[1m"),
        ("lone\rreturn", "lone␍return"),
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("\u200b" * 40, "[U+200B ×40]"),
        ("\x07" * 9, "[␇ ×9]"),
        ("half \ud83d pair", "half [U+D83D] pair"),
        ("i" + "\u0307" * 10, "i\u0307\u0307\u0307[+7 marks]"),
    ],
)
def test_marks_say_what_was_there(text: str, expected: str) -> None:
    """What cannot be seen becomes a mark that names it; long runs are counted."""
    assert visible(text) == expected


def test_cuts_and_empty_texts_are_stated() -> None:
    """A cut says the full length, an empty answer says that it is empty."""
    assert shown("", "answer", 100) == "(empty answer)"
    assert shown(" \n ", "answer", 100) == "(blank answer, 3 long)"
    assert shown("L" * 3001, "answer", 1000).endswith("L … [cut at 940 of 3,001 characters]")
    assert line("a\n b\tc") == "a b c"
    assert line("x" * 500, 20) == "x" * 19 + "…"
