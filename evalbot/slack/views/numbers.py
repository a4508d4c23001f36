"""Numbers on cards: the words that all doors share, and those of a chat alone: a bar, what is left, a reader's own time."""

from __future__ import annotations

from datetime import UTC, datetime

from evalbot.reporting import number_words
from evalbot.reporting.estimates import Change
from evalbot.reporting.number_words import change_words as change_words
from evalbot.reporting.number_words import counted as counted
from evalbot.reporting.number_words import duration_words as duration_words
from evalbot.reporting.number_words import interval_words as interval_words
from evalbot.reporting.number_words import money_words as money_words
from evalbot.reporting.number_words import percent as percent
from evalbot.reporting.number_words import score_alone as score_alone
from evalbot.reporting.number_words import score_words as score_words
from evalbot.reporting.number_words import signed_points as signed_points
from evalbot.reporting.number_words import spent_words as spent_words


def change_alone(change: Change | None) -> str:
    """Word the difference of a change for a table: "−16", a dash where nothing was compared."""
    return number_words.change_alone(change) if change else "–"


def verdict_words(change: Change | None) -> str:
    """Word a verdict for a table: an arrow never stands alone."""
    return number_words.short_verdict(change) if change else "not compared"


def left_words(eta_s: float | None) -> str:
    """Word the time that is left, roughly, as it is a guess."""
    if eta_s is None:
        return "time left not known yet"
    if eta_s < 10:
        return "a few seconds left"
    if eta_s < 90:
        return f"about {round(eta_s / 10) * 10} s left"
    return f"about {round(eta_s / 60):,} min left"


def progress_bar(done: int, size: int, cells: int = 20) -> str:
    """Give a bar of text; it is full only when everything is done."""
    filled = cells if done >= size else min(done * cells // max(size, 1), cells - 1)
    return "█" * filled + "░" * (cells - filled)


def moment(at: datetime) -> str:
    """Give a moment that each reader sees in their own time zone, with UTC where that does not work."""
    utc = at.astimezone(UTC)
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{utc.day} {utc:%b %Y %H:%M} UTC>"
