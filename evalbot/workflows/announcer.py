"""How stories tell people what happened; the Slack door implements it, the command line needs none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evalbot.grading.consensus import Consensus
from evalbot.grading.grades import Grade
from evalbot.grading.reviews import Review, Round
from evalbot.grading.trials import CalibrationReport
from evalbot.people import PersonId
from evalbot.reporting.digests import Digest
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.posts import Picture
from evalbot.runs.outputs import Output
from evalbot.runs.runs import Progress, Run
from evalbot.suites.candidates import Candidate
from evalbot.suites.items import Item
from evalbot.suites.rubrics import Rubric


@dataclass(frozen=True, slots=True)
class ReviewState:
    """A review with all that its card shows; `grades` are the human ones with abstentions, `judge` the judge's grade."""

    review: Review
    round: Round
    run: Run
    item: Item
    output: Output
    rubric: Rubric
    grades: tuple[Grade, ...] = ()
    consensus: Consensus | None = None
    judge: Grade | None = None


@dataclass(frozen=True, slots=True)
class RoundState:
    """A round with how many of its reviews are done and about how many minutes people still need."""

    round: Round
    run: Run
    done: int
    minutes_left: int
    thanks: tuple[PersonId, ...] = ()


class Announcer(Protocol):
    """Declares what people should see; saying the same thing twice shows it once.

    Every method only records what is to be shown and returns; delivery survives outages and restarts.
    """

    async def run_started(self, run: Run, progress: Progress) -> None:
        """Show the run's card."""

    async def run_progressed(self, run: Run, progress: Progress, eta_s: float | None) -> None:
        """Edit the run's card; may be called often."""

    async def run_interrupted(self, run: Run, progress: Progress) -> None:
        """Say that a run lies still while the program is stopped, and goes on by itself at its next start."""

    async def run_went_on(self, run: Run, progress: Progress) -> None:
        """Say that a run goes on, or has ended, after such a stop."""

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Edit the run's card to its verdict."""

    async def round_opened(self, state: RoundState, reviews: Sequence[ReviewState]) -> None:
        """Show the round and its grading cards in the run's thread."""

    async def review_changed(self, state: ReviewState) -> None:
        """Edit a grading card after a grade."""

    async def round_changed(self, state: RoundState) -> None:
        """Edit the round's card after a review was settled or reopened."""

    async def candidate_drafted(self, candidate: Candidate) -> None:
        """Show the candidate to those who decide."""

    async def candidate_changed(self, candidate: Candidate) -> None:
        """Edit the candidate's card after it was edited or decided."""

    async def contributor_thanked(self, candidate: Candidate) -> None:
        """Tell the author privately what became of the proposal."""

    async def digest_ready(self, digest: Digest, picture: Picture | None) -> None:
        """Post the digest."""

    async def judge_calibrated(self, report: CalibrationReport) -> None:
        """Post what the calibration of a judge brought."""


class QuietAnnouncer:
    """Tells nobody: for the command line and for history that is replayed."""

    async def run_started(self, run: Run, progress: Progress) -> None:
        """Say nothing."""

    async def run_progressed(self, run: Run, progress: Progress, eta_s: float | None) -> None:
        """Say nothing."""

    async def run_interrupted(self, run: Run, progress: Progress) -> None:
        """Say nothing."""

    async def run_went_on(self, run: Run, progress: Progress) -> None:
        """Say nothing."""

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Say nothing."""

    async def round_opened(self, state: RoundState, reviews: Sequence[ReviewState]) -> None:
        """Say nothing."""

    async def review_changed(self, state: ReviewState) -> None:
        """Say nothing."""

    async def round_changed(self, state: RoundState) -> None:
        """Say nothing."""

    async def candidate_drafted(self, candidate: Candidate) -> None:
        """Say nothing."""

    async def candidate_changed(self, candidate: Candidate) -> None:
        """Say nothing."""

    async def contributor_thanked(self, candidate: Candidate) -> None:
        """Say nothing."""

    async def digest_ready(self, digest: Digest, picture: Picture | None) -> None:
        """Say nothing."""

    async def judge_calibrated(self, report: CalibrationReport) -> None:
        """Say nothing."""
