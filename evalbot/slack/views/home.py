"""The Home tab: what waits for me, what can be run, what runs, what came of my proposals, and when digests come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from evalbot.reporting.schedules import Schedule
from evalbot.slack.blocks import View, button, channel_link, context, divider, header, home, section
from evalbot.slack.ids import link_action
from evalbot.slack.text import Block, mrkdwn
from evalbot.slack.views.help import suite_block
from evalbot.slack.views.numbers import counted, moment
from evalbot.slack.views.runs import RunState, run_status_lines
from evalbot.suites.candidates import Candidate, CandidateStatus

if TYPE_CHECKING:
    from evalbot.workflows.browsing import SuiteLine

MOST_SUITES = 10
MOST_RUNS = 5
MOST_CONTRIBUTIONS = 5
MOST_SCHEDULES = 10
_NAME = 60


@dataclass(frozen=True, slots=True)
class HomeState:
    """What one person's Home tab shows at a moment; `queue_address` is a link to the oldest card that waits, or empty."""

    now: datetime
    waiting: int = 0
    minutes: int = 0
    queue_address: str = ""
    suites: tuple[SuiteLine, ...] = ()
    runs: tuple[RunState, ...] = ()
    contributions: tuple[Candidate, ...] = ()
    schedules: tuple[Schedule, ...] = ()


def home_view(state: HomeState) -> View:
    """Give a person's Home tab."""
    return home(
        [
            *_queue(state),
            divider(),
            header("Suites"),
            *_suites(state.suites),
            divider(),
            header("Newest runs"),
            _lines(run_status_lines(state.runs[:MOST_RUNS]), "Nothing has been run yet."),
            divider(),
            header("What you proposed"),
            _lines([_contribution(one) for one in state.contributions[:MOST_CONTRIBUTIONS]], _PROPOSE),
            divider(),
            header("Digests"),
            _lines([_schedule(one, state.now) for one in state.schedules[:MOST_SCHEDULES]], _SCHEDULE),
            context(
                f"As of {moment(state.now)} · every number has n and an interval, or says that there is too little"
            ),
        ]
    )


_PROPOSE = "Nothing yet. Press “Better answer…” under an answer: a second person approves it and it becomes an item."
_SCHEDULE = "None yet. Type `digest on mon 09:00` in the channel that should get one."


def _queue(state: HomeState) -> list[Block]:
    """Say how much waits for the person, with a way to get there."""
    if not state.waiting:
        return [header("Your queue is empty"), section("Nothing waits for your grade. Thank you!")]
    title = f"Your queue: {counted(state.waiting, 'answer')}, about {counted(max(state.minutes, 1), 'minute')}"
    start = None
    if state.queue_address.startswith("https://") or state.queue_address.startswith("http://"):
        start = button(
            "Start", link_action(0), style="primary", url=state.queue_address, spoken="Open the oldest answer"
        )
    return [header(title), section("One button under each answer is a stored grade.", start)]


def _suites(suites: Sequence[SuiteLine]) -> list[Block]:
    """Give the suites with a button each."""
    if not suites:
        return [section("There is no suite yet. Put a suite file into the project folder and start evalbot again.")]
    blocks = [suite_block(suite) for suite in suites[:MOST_SUITES]]
    more = len(suites) - MOST_SUITES
    return [*blocks, context(f"and {counted(more, 'more suite')}: type `suites`")] if more > 0 else blocks


def _lines(lines: Sequence[str], none: str) -> Block:
    """Give lines as one section, or what to do when there are none."""
    return section("\n".join(lines) or none)


def _contribution(candidate: Candidate) -> str:
    """Say what became of one proposal."""
    became = {
        CandidateStatus.DRAFT: "waits for a second person",
        CandidateStatus.APPROVED: f"in version {candidate.released_version}"
        if candidate.released_version
        else "approved",
        CandidateStatus.REJECTED: "not added",
    }[candidate.status]
    return f"• {mrkdwn(candidate.item.question, 100, 'question')} · {mrkdwn(candidate.suite, _NAME)} · *{became}*"


def _schedule(schedule: Schedule, now: datetime) -> str:
    """Say where and when a digest comes."""
    where = channel_link(schedule.channel)
    when = f"{schedule.day} {schedule.at:%H:%M} {mrkdwn(schedule.tz, _NAME)}"
    return f"• {where}: {when}, next {moment(schedule.next_due(now))}" if schedule.enabled else f"• {where}: off"
