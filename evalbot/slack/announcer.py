"""What happened, declared as posts: which message, in which channel or thread, with which content."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalbot.grading.trials import CalibrationReport
from evalbot.people import TeamId
from evalbot.reporting.digests import Digest
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.posts import Picture, Post
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.slack.pace import USUAL, Pace
from evalbot.slack.views.digests import digest_message
from evalbot.slack.views.feedback import candidate_card, thanks_message
from evalbot.slack.views.judges import calibration_card
from evalbot.slack.views.previews import waiting_card
from evalbot.slack.views.reviews import review_card, round_card
from evalbot.slack.views.runs import interrupted_card, interrupted_line, run_card, run_verdict_card, went_on_line
from evalbot.suites.candidates import Candidate
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.posting import Outbox

REVIEW_N = 10
"""How many more answers the card of a finished run offers for review."""

Permalink = Callable[[str], Awaitable[str | None]]


@dataclass(slots=True)
class SlackAnnouncer:
    """Tells a workspace. `permalink` gives the address of a post by its key, None while it is not visible.

    `stewards` is the channel where candidates go, empty for the channel they came from. `note` names what is simulated.
    """

    outbox: Outbox
    team: TeamId
    permalink: Permalink
    stewards: str = ""
    note: str = ""
    pace: Pace = USUAL
    clock: Callable[[], float] = time.monotonic
    _told_at: dict[RunId, float] = field(default_factory=dict)

    async def run_started(self, run: Run, progress: Progress) -> None:
        """Show the run's card."""
        if run.channel:
            card = waiting_card(run) if run.status is RunStatus.WAITING else run_card(run, progress, None)
            await self._put(f"run:{run.id}", run.channel, card)

    async def run_progressed(self, run: Run, progress: Progress, eta_s: float | None) -> None:
        """Edit the run's card, not too often; one that pauses is told at once."""
        if run.channel and run.status is RunStatus.PAUSED:
            self._told_at.pop(run.id, None)
            await self._put(f"run:{run.id}", run.channel, run_card(run, progress, None))
            return
        now = self.clock()
        pause = self.pace.progress_s
        if not run.channel or now - self._told_at.get(run.id, now - pause) < pause:
            return
        self._told_at[run.id] = now
        await self._put(f"run:{run.id}", run.channel, run_card(run, progress, eta_s))

    async def run_interrupted(self, run: Run, progress: Progress) -> None:
        """Edit the run's card, and say in its thread that nobody has to do anything."""
        self._told_at.pop(run.id, None)
        if run.channel:
            await self._put(f"run:{run.id}", run.channel, interrupted_card(run, progress))
            await self._put(_stop_key(run), run.channel, interrupted_line(run, progress), f"run:{run.id}")

    async def run_went_on(self, run: Run, progress: Progress) -> None:
        """Edit what a run's thread said of the stop, and its card unless it has ended by now."""
        if run.channel and await self.outbox.find(_stop_key(run)):
            if run.going:
                await self._put(f"run:{run.id}", run.channel, run_card(run, progress, None))
            await self._put(_stop_key(run), run.channel, went_on_line(run), f"run:{run.id}")

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Edit the run's card to its verdict."""
        self._told_at.pop(run.id, None)
        if run.channel:
            await self._put(f"run:{run.id}", run.channel, run_verdict_card(run, summary, REVIEW_N, self.note))

    async def round_opened(self, state: RoundState, reviews: Sequence[ReviewState]) -> None:
        """Show the round and its grading cards, in the run's thread where that is in the same channel."""
        if not state.round.channel:
            return
        await self._put(f"round:{state.round.id}", state.round.channel, round_card(state), _round_parent(state))
        await self.outbox.put(*(self._review_post(review) for review in reviews))

    async def review_changed(self, state: ReviewState) -> None:
        """Edit a grading card."""
        if state.round.channel:
            await self.outbox.put(self._review_post(state))

    async def round_changed(self, state: RoundState) -> None:
        """Edit the round's card."""
        if state.round.channel:
            await self._put(f"round:{state.round.id}", state.round.channel, round_card(state), _round_parent(state))

    async def candidate_drafted(self, candidate: Candidate) -> None:
        """Show the candidate to those who decide."""
        channel = self.stewards or candidate.channel
        if channel:
            await self._put(f"candidate:{candidate.id}", channel, candidate_card(candidate))

    async def candidate_changed(self, candidate: Candidate) -> None:
        """Edit the candidate's card."""
        await self.candidate_drafted(candidate)

    async def contributor_thanked(self, candidate: Candidate) -> None:
        """Tell the author in a direct message."""
        await self._put(f"thanks:{candidate.id}", candidate.author, thanks_message(candidate))

    async def digest_ready(self, digest: Digest, picture: Picture | None) -> None:
        """Post the digest with links to its exhibits."""
        links: dict[str, str] = {}
        for exhibit in digest.exhibits:
            key = f"review:{exhibit.review_id}" if exhibit.review_id else f"run:{exhibit.run_id}"
            address = await self.permalink(key)
            if address:
                links[exhibit.output_id] = address
        payload = digest_message(digest, links, has_picture=picture is not None)
        await self._put(f"digest:{digest.id}", digest.channel, payload, picture=picture)

    async def judge_calibrated(self, report: CalibrationReport) -> None:
        """Post what the calibration of a judge brought."""
        done = report.calibration
        if done.channel:
            await self._put(f"calibration:{done.id}", done.channel, calibration_card(report))

    def _review_post(self, state: ReviewState) -> Post:
        """Give the post of a grading card."""
        run, opened = state.run, state.round
        parent = f"run:{run.id}" if opened.channel == run.channel else f"round:{opened.id}"
        payload: dict[str, Any] = {**review_card(state)}
        return Post(f"review:{state.review.id}", self.team, opened.channel, payload, parent)

    async def _put(
        self, key: str, channel: str, payload: Mapping[str, Any], parent: str = "", picture: Picture | None = None
    ) -> None:
        """Declare one post."""
        await self.outbox.put(Post(key, self.team, channel, dict(payload), parent, picture))


def _round_parent(state: RoundState) -> str:
    """Give the key of the post in whose thread a round belongs, empty where it stands alone in another channel."""
    return f"run:{state.run.id}" if state.round.channel == state.run.channel else ""


def _stop_key(run: Run) -> str:
    """Give the key of the line in a run's thread about stops: there is one, however often the program was stopped."""
    return f"stop:{run.id}"
