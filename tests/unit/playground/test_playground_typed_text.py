"""Typed text becomes Slack text."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.drawing import readable
from evalbot.playground.typed_text import escape, name_finder, type_out, unescape

FIND = name_finder(
    {"evalbot": "UBOT", "dana": "UDANA", "dana osei": "UDANA", "lee.chen": "ULEE"},
    {"general": "CGEN", "support-evals": "CEV"},
)
NAMES = {"UBOT": "evalbot", "UDANA": "dana", "ULEE": "lee.chen"}


def shown(blocks: list[dict[str, Any]]) -> str:
    """Return the rich text as one string with ids in it."""
    parts = [
        one.get("text") or one.get("url") or one.get("user_id") or one.get("channel_id") or one.get("range")
        for one in blocks[0]["elements"][0]["elements"]
    ]
    return "|".join(map(str, parts))


def test_mention_of_the_bot_becomes_its_id() -> None:
    """A mention at the start is what an app_mention looks like."""
    text, blocks = type_out("@evalbot run geography", FIND)
    assert text == "<@UBOT> run geography"
    assert shown(blocks) == "UBOT| run geography"


def test_longest_known_name_wins_and_the_rest_stays_text() -> None:
    """Full names are recognised, and words after the name are kept."""
    assert type_out("ask @Dana Osei today", FIND)[0] == "ask <@UDANA> today"
    assert type_out("ask @dana today", FIND)[0] == "ask <@UDANA> today"
    assert type_out("@lee.chen, see #support-evals.", FIND)[0] == "<@ULEE>, see <#CEV|support-evals>."


def test_unknown_names_and_mail_addresses_stay_text() -> None:
    """Only names of people here are mentions."""
    assert type_out("@nobody a@dana.example #9", FIND)[0] == "@nobody a@dana.example #9"


def test_broadcast_words_wake_the_channel() -> None:
    """What a person types is a real broadcast, as in Slack."""
    text, blocks = type_out("@channel look", FIND)
    assert text == "<!channel> look"
    assert blocks[0]["elements"][0]["elements"][0] == {"type": "broadcast", "range": "channel"}


def test_links_are_marked_and_end_before_punctuation() -> None:
    """A full stop after a link is not part of it."""
    assert type_out("see https://example.com/a?b=1&c=2.", FIND)[0] == "see <https://example.com/a?b=1&amp;c=2>."


@given(st.text(max_size=80))
def test_escaping_can_be_undone(text: str) -> None:
    """Escape and unescape are inverse."""
    assert unescape(escape(text)) == text


@given(st.text(alphabet=st.sampled_from("@#dan aeiogrl-evbt<>&/:."), max_size=60))
def test_typing_loses_nothing(text: str) -> None:
    """Read back with names, a typed text without links is what was typed, whatever it holds."""
    sent, _ = type_out(text, FIND)
    if "http" not in text and "dana osei" not in text:
        assert readable(sent, NAMES) == text
