"""Small Block Kit words and the limits they keep."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.slack.blocks import (
    MOST_CHARACTERS,
    PICTURE,
    actions,
    bold_cell,
    button,
    code,
    confirm,
    context,
    fields,
    fit_mrkdwn,
    header,
    home,
    image_file,
    link,
    message,
    modal,
    overflow,
    section,
    table,
    text_input,
    with_picture,
)
from evalbot.slack.text import preformatted, size
from tests.unit.slack.slack_rules import problems_with


def test_keys_without_a_value_are_left_out() -> None:
    """Slack refuses null, so a button without a style has no style."""
    assert button("Go", "go") == {
        "type": "button",
        "text": {"type": "plain_text", "text": "Go", "emoji": False},
        "action_id": "go",
    }
    assert "accessory" not in section("x")


@pytest.mark.parametrize("length", [1, 76, 151, 3_001, 60_000])
def test_long_texts_are_shortened_to_what_slack_takes(length: int) -> None:
    """Headers, labels, sections, options and questions of any length are valid."""
    text = "x" * length
    ask = confirm(text, text, text, text)
    blocks = [
        header(text),
        section(text, button(text, "a", "v", confirm=ask, spoken=text)),
        fields([text]),
        context(text),
        actions(button(text, "a"), overflow("m", [(text, "v")])),
        image_file("F1", text),
        table([["a"], [text], [bold_cell(text)]], ["left"]),
    ]
    for block in blocks:
        assert problems_with(message(text, [block])) == []
    assert problems_with(modal(text, "c", [text_input(text, "b", "f", placeholder=text, hint=text)], submit=text)) == []


def test_what_cannot_be_sent_is_a_bug_of_the_caller() -> None:
    """No elements, too many, a value that is too long, two ids alike and two primaries raise ValueError."""
    wrong: list[Callable[[], object]] = [
        lambda: actions(),
        lambda: actions(*(button("x", f"a{n}") for n in range(26))),
        lambda: actions(button("x", "a"), button("y", "a")),
        lambda: actions(button("x", "a", style="primary"), button("y", "b", style="primary")),
        lambda: button("x", "a", "v" * 2_001),
        lambda: button("x", "a" * 256),
        lambda: overflow("a", [("x", "v" * 151)]),
        lambda: fields([]),
        lambda: context(""),
        lambda: table([["a", "b"], ["c"]], ["left", "left"]),
        lambda: table([["x"]] * 101, ["left"]),
        lambda: table([["x" * 70] * 20] * 12, ["left"] * 20),
        lambda: modal("t", "c", [section("x")], metadata="m" * 3_001),
    ]
    for make in wrong:
        with pytest.raises(ValueError, match=r"."):
            make()


def test_a_message_that_is_too_large_says_what_it_leaves_out() -> None:
    """The largest block gives way to a line that says so; the others and the buttons stay."""
    blocks = [header("Title"), preformatted("y" * 9_000, 9_000), section("z" * 2_900), actions(button("Go", "go"))]
    shown = message("text", blocks)["blocks"]
    assert len(json.dumps(shown)) <= MOST_CHARACTERS
    assert "left out" in shown[1]["elements"][0]["text"]
    assert [shown[0], shown[2], shown[3]] == [blocks[0], blocks[2], blocks[3]]


def test_too_many_blocks_are_counted() -> None:
    """The last block of a message or view says how many more there were."""
    sent = message("text", [section("x")] * 60)
    assert len(sent["blocks"]) == 50
    assert "11 more parts" in sent["blocks"][-1]["elements"][0]["text"]
    assert "21 more parts" in home([section("x")] * 120)["blocks"][-1]["elements"][0]["text"]


def test_links_are_made_of_proper_addresses_only() -> None:
    """A label cannot end the link and a doubtful address gives no link."""
    assert link("https://a.slack.com/p1", "see | this") == "<https://a.slack.com/p1|see ∣ this>"
    assert link("https://a.b/x>|<!here", "see") == "see"
    assert link("javascript:alert(1)", "see") == "see"


def test_code_cannot_be_left() -> None:
    """A backtick or bracket in a word shown in fixed width stays inside."""
    assert code("a`b <!here>") == "`aˋb &lt;!here&gt;`"


@given(
    st.lists(st.sampled_from(["*a*", "&amp;", "<https://x.y|z>", "word ", "\n", "🧪", "x" * 50]), max_size=120).map(
        "".join
    )
)
def test_our_own_mrkdwn_is_cut_between_words(text: str) -> None:
    """What is kept fits and splits neither an escape nor a link."""
    shown = fit_mrkdwn(text, 200)
    assert size(shown) <= 200
    assert shown.count("<") == shown.count(">")
    assert shown.count("&") == shown.count("&amp;")


def test_a_picture_is_put_where_there_is_room_for_it() -> None:
    """The outbox fills the place in, or takes it away when there is no file."""
    sent = message("text", [section("x"), image_file(PICTURE, "what it shows")])
    assert with_picture(sent, "F7")["blocks"][1] == image_file("F7", "what it shows")
    assert with_picture(sent, "F7", "the numbers")["blocks"][1]["alt_text"] == "the numbers"
    assert with_picture(sent, None)["blocks"] == [section("x")]
    assert sent["blocks"][1]["slack_file"] == {"id": PICTURE}
