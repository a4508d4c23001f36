"""How fast evalbot speaks in Slack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The shortest pauses in seconds: what Slack takes and what people can read.

    `post_s`: between new messages of one channel, of which Slack takes about one per second; `edit_s` and `run_edit_s`: between
    edits of one message, of a run's card the latter; `progress_s`: between two notes of a run's progress; `card_s`: between
    the news of two grading cards while a crowd grades, as Slack takes about 50 edits a minute; `confirm_s`: between two private
    confirmations to one person, who then reads of several grades at once.
    """

    post_s: float = 1.05
    edit_s: float = 0.3
    run_edit_s: float = 3.0
    progress_s: float = 1.5
    card_s: float = 1.5
    confirm_s: float = 5.0


USUAL = Pace()
