"""The one renderer of foreign text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.slack.text import mrkdwn, one_line, plain, preformatted, quote, size, was_cut
from tests.unit.slack.slack_rules import hostile_rows, live_markup, text_problems

NASTY = [
    "<!here>",
    "<@U012ABCDE>",
    "<http://a|b>",
    "\u202e",
    "\u200b",
    "\u0301",
    "\ud83d",
    "\x00",
    "\r",
    "\n",
    "`",
    "*",
    "_",
    "~",
    ">",
    "&lt;",
    "\U0001f9ea",
]
texts = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=()), max_size=20)), max_size=60
)
foreign = texts.map("".join)
limits = st.integers(40, 3_000)


@given(foreign, limits)
def test_every_form_stays_within_its_limit_and_is_never_empty(text: str, limit: int) -> None:
    """Whatever comes in, what goes out fits, says something and hides nothing."""
    for shown in (plain(text, limit), one_line(text, limit), mrkdwn(text, limit)):
        assert 0 < size(shown) <= limit
        assert text_problems(shown) == []
    assert live_markup(mrkdwn(text, limit)) == []


@given(foreign)
def test_mrkdwn_has_no_formatting_of_its_own(text: str) -> None:
    """No character that formats, quotes or names an emoji survives in foreign mrkdwn."""
    shown = mrkdwn(text, 3_000)
    assert not set("*~`\n") & set(shown)
    assert not shown.startswith((">", "&gt;"))
    assert ":tada:" not in mrkdwn(f"{text}:tada:", 3_000)


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="⠀"), min_size=1, max_size=300))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    """Letters, digits, punctuation and symbols pass through unchanged in literal elements."""
    odd = {"\u115f", "\u1160", "\u3164", "\uffa0", "\ufffc"}
    if not text.isspace() and not odd & set(text):
        assert plain(text, 2_000) == text


@pytest.mark.parametrize("text", hostile_rows("outputs.jsonl"))
def test_hostile_outputs_stay_text(text: str) -> None:
    """Every practice text is rendered harmless in each form."""
    for shown in (plain(text, 2_000), one_line(text, 75), mrkdwn(text, 600)):
        assert text_problems(shown) == []
    assert live_markup(mrkdwn(text, 600)) == []


@pytest.mark.parametrize(
    "text, shown",
    [
        ("", "(empty answer)"),
        (" \n", "(blank answer, 2 long)"),
        ("\u00a0", "(blank answer, 1 long)"),
        ("nul \x00 byte", "nul ␀ byte"),
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("\u200b" * 40, "[U+200B ×40]"),
        ("half \ud83d pair", "half [U+D83D] pair"),
        ("tab\tand\rreturn", "tab    and␍return"),
        ("a\r\nb", "a\nb"),
        ("a\n\n\n\n\nb", "a\n[4 empty lines]\nb"),
        ("e" + "\u0301" * 60, "e\u0301\u0301\u0301[+57 marks]"),
        ("👩\u200d👧 ✌\ufe0f 👋🏽", "👩\u200d👧 ✌\ufe0f 👋🏽"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200db", "a[U+200D]b"),
    ],
)
def test_what_cannot_be_seen_becomes_a_mark(text: str, shown: str) -> None:
    """Controls, direction marks, runs of invisible and stacked characters are named; proper joiners stay."""
    assert plain(text, 500, "answer") == shown


def test_a_cut_says_how_much_there_was() -> None:
    """The note names what is shown and the full length, in characters people count."""
    assert plain("L" * 60_000, 2_000).endswith("L … [cut at 1,961 of 60,000 characters]")
    assert plain("🧪" * 9_000, 500).endswith("🧪 … [cut at 231 of 9,000 characters]")
    assert one_line("a very long name of something", 12) == "a very long…"


def test_a_cut_never_splits_an_emoji_or_an_escape() -> None:
    """A family stays whole or goes, and no half entity is left."""
    family = "👩\u200d👩\u200d👧"
    assert plain("x" * 30 + family, 36) == "x" * 30 + "…"
    shown = mrkdwn("<&>" * 2_000, 200)
    assert shown.split(" … ")[0].replace("&lt;", "").replace("&gt;", "").replace("&amp;", "") == ""


def test_mrkdwn_escapes_once_and_only_once() -> None:
    """Text that already looks escaped is shown as it was written."""
    assert mrkdwn("&lt;!here&gt; & <b>", 200) == "&amp;lt;!here&amp;gt; &amp; &lt;b&gt;"
    assert mrkdwn("snake_case _it_ *b* `c` a@b.c https://x.y", 200) == "snake_case ˍitˍ ∗b∗ ˋcˋ a＠b.c https∶//x.y"


def test_blocks_hold_literal_text() -> None:
    """Answers and questions are rich text elements in which nothing is parsed."""
    element = preformatted("<!here> *x*", 100)["elements"][0]
    assert element == {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!here> *x*"}]}
    assert quote("", 100)["elements"][0]["elements"][0]["text"] == "(empty question)"


def test_was_cut_agrees_with_the_renderer() -> None:
    """The button that offers the whole text appears exactly when something is missing."""
    assert not was_cut("x" * 2_000, 2_000)
    assert was_cut("x" * 2_001, 2_000)
    assert was_cut("\x00\u202e" * 400, 2_000)
