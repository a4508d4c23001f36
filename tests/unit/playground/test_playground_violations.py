"""What counts as a violation although Slack takes it."""

from typing import Any

import pytest

from evalbot.playground.clock import Clock
from evalbot.playground.violations import Violations, inspect_images, inspect_message


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    """Return a section block."""
    return {"type": "section", "text": {"type": kind, "text": text}}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    """Return a rich text block of one line."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def found(message: dict[str, Any], linked_names: bool = False) -> list[str]:
    """Return the kinds of violation of a message."""
    violations = Violations(Clock())
    inspect_message(violations, "chat.postMessage", message, linked_names)
    assert all(one.where == "chat.postMessage" and one.text.endswith(".") for one in violations)
    return [one.kind.value for one in violations]


@pytest.mark.parametrize(
    "message",
    [
        {"text": "<!channel> wake up"},
        {"text": "x <!here|@here>"},
        {"text": "<!everyone>"},
        {"text": "<!subteam^S123|@graders>"},
        {"text": "x", "blocks": [section("a <!channel> b")]},
        {"text": "x", "blocks": [{"type": "markdown", "text": "<!here>"}]},
        {"text": "x", "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "<!here>"}]}]},
        {"text": "x", "blocks": [rich({"type": "broadcast", "range": "channel"})]},
        {"text": "x", "blocks": [rich({"type": "usergroup", "usergroup_id": "S1"})]},
        {"text": "x", "attachments": [{"fallback": "x", "text": "<!channel>"}]},
        {"text": "x", "attachments": [{"fallback": "x", "blocks": [section("<!channel>")]}]},
    ],
)
def test_everything_that_would_ping_a_channel_is_noted_once(message: dict[str, Any]) -> None:
    """Broadcasts and user groups are found wherever Slack would expand them."""
    assert found(message) == ["pings_channel"]


@pytest.mark.parametrize(
    "message",
    [
        {"text": "&lt;!channel&gt; is a word here"},
        {"text": "write to @channel"},
        {"text": "x", "blocks": [section("<!channel>", "plain_text")]},
        {"text": "x", "blocks": [rich({"type": "text", "text": "<!channel>"})]},
        {"text": "<@U1> and <#C1> and <https://a.b|a>"},
    ],
)
def test_text_that_can_not_ping_is_left_alone(message: dict[str, Any]) -> None:
    """Escaped and plain texts, rich text and mentions of one person are no violation."""
    assert found(message) == []


def test_spoken_names_count_when_they_are_linked() -> None:
    """With link_names "@here" pings, an address such as a@here.example does not."""
    assert found({"text": "hey @here"}, linked_names=True) == ["pings_channel"]
    assert found({"text": "mail me@here.example"}, linked_names=True) == []


def test_blocks_need_a_text_beside_them() -> None:
    """Blocks alone, blank texts and attachments without fallback are noted."""
    assert found({"blocks": [section("x")]}) == ["no_fallback_text"]
    assert found({"text": " ", "blocks": [section("x")]}) == ["no_fallback_text"]
    assert found({"text": "", "attachments": [{"text": "x"}]}) == ["no_fallback_text"]
    assert found({"text": "x", "attachments": [{"text": "x"}]}) == []
    assert found({"text": "x", "blocks": [section("x")]}) == []


@pytest.mark.parametrize("alt,kinds", [("", ["no_alt_text"]), (" ", ["no_alt_text"]), ("a rising line", [])])
def test_images_need_alt_text(alt: str, kinds: list[str]) -> None:
    """A picture without words is noted as a block, an accessory and a context element, in messages and in views."""
    image = {"type": "image", "image_url": "http://x/y.png", "alt_text": alt}
    assert found({"text": "x", "blocks": [image]}) == kinds
    assert found({"text": "x", "blocks": [section("x") | {"accessory": image}]}) == kinds
    assert found({"text": "x", "blocks": [{"type": "context", "elements": [image]}]}) == kinds
    violations = Violations(Clock())
    inspect_images(violations, "views.open", [image])
    assert [one.kind.value for one in violations] == kinds
