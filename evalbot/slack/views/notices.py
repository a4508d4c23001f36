"""Short private answers."""

from __future__ import annotations

from evalbot.slack.blocks import Payload, message, section
from evalbot.slack.text import mrkdwn

MOST = 1_000


def notice_message(text: str) -> Payload:
    """Give a private answer of one or two sentences; names in it are foreign and stay literal."""
    shown = mrkdwn(text, MOST)
    return message(shown, [section(shown)])


def linked_notice(text: str) -> Payload:
    """Give a private answer of our own words that holds mentions of channels."""
    return message(text, [section(text)])
