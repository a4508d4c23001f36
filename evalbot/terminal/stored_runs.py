"""Stored runs read for the command line: found by what people type, and loaded with everything their reports hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from evalbot.errors import BadRequest, UnknownName
from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.reviews import ReviewStatus
from evalbot.people import TeamId
from evalbot.reporting.corrections import corrected_rows
from evalbot.reporting.estimates import Estimate
from evalbot.reporting.gates import evaluate_gate, gated_targets
from evalbot.reporting.scores import score_rows
from evalbot.reports.comparing import RunComparison, compare_runs
from evalbot.reports.contents import RunReport, StoredRun, report_run
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.settings import load_settings
from evalbot.store import outputs, reviews, runs, workspaces
from evalbot.store.reading import StoredData
from evalbot.store.transaction import Transaction
from evalbot.suites.gates import Condition, check_names
from evalbot.suites.judges import judge_targets
from evalbot.suites.suites import Suite
from evalbot.workflows.calibrating import find_standing
from evalbot.workflows.looking_up import newest_suite
from evalbot.workflows.scoring import ScoredRun, load_scored_run, summarise_run

NEWEST = ("latest", "last", "newest")
_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list: what is there of it, and the pass rate of each of its targets that has one.

    `unverified` tells that the judge of its suite was measured and found wanting.
    """

    run: Run
    outputs: int
    errors: int
    headlines: dict[str, Estimate]
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """The runs of one workspace, to be read."""

    store: StoredData
    team: TeamId

    async def find(self, name: str) -> Run:
        """Give the run of a number, an id, or `latest`; raises UnknownName."""
        return await self.store.read(lambda tx: _find(tx, self.team, name))

    async def report(
        self, run: Run, *, include_holdout: bool = False, conditions: Sequence[Condition] = ()
    ) -> RunReport:
        """Give the report of a run, with its gate when there are conditions."""

        async def load(tx: Transaction) -> RunReport:
            stored, summary = await _stored(tx, run), await summarise_run(tx, run)
            gate = None
            if conditions:
                labels = [target.label for target in run.targets]
                check_names(conditions, skills_of(stored.suite), labels)
                versus = run.versus or stored.suite.baseline
                gate = evaluate_gate(conditions, summary, gated_targets(labels, versus))
            return report_run(stored, summary, include_holdout=include_holdout, gate=gate)

        return await self.store.read(load)

    async def lines(self, suite: str | None, limit: int) -> list[RunLine]:
        """Give the newest runs, of one suite or of all; raises UnknownName for a suite that there is not."""

        async def load(tx: Transaction) -> list[RunLine]:
            if suite is not None:
                await newest_suite(tx, self.team, suite)
            known: dict[tuple[str, int], bool] = {}
            found = await runs.list_runs(tx, self.team, suite=suite, limit=limit)
            return [await _line(tx, run, known) for run in found]

        return await self.store.read(load)

    async def compare(self, before: str, after: str) -> RunComparison:
        """Compare two runs; raises BadRequest for a run with itself."""

        async def load(tx: Transaction) -> RunComparison:
            old, new = await _find(tx, self.team, before), await _find(tx, self.team, after)
            if old.id == new.id:
                raise BadRequest(f"Run {old.number} cannot be compared with itself.", "Name two runs.")
            return compare_runs(await _stored(tx, old), await _stored(tx, new))

        return await self.store.read(load)


@asynccontextmanager
async def open_archive() -> AsyncIterator[Archive]:
    """Open the database of the settings to read its runs."""
    store = await StoredData.open(load_settings().database_url)
    try:
        yield Archive(store, await store.read(workspaces.home_team))
    finally:
        await store.close()


def skills_of(suite: Suite) -> list[str]:
    """Give the names of a suite's skills, also of those that only items name."""
    return list(dict.fromkeys([*suite.skills, *(item.skill for item in suite.items if item.skill)]))


async def _find(tx: Transaction, team: TeamId, name: str) -> Run:
    """Give the run that somebody named."""
    word = name.strip().lstrip("#").lower()
    if word in NEWEST:
        newest = await runs.list_runs(tx, team, limit=1)
        if not newest:
            raise UnknownName("Nothing has been run yet.", "Start with evalbot run and the name of a suite.")
        return newest[0]
    if word.isascii() and word.isdigit() and len(word) <= _LONGEST_NUMBER:
        found = await runs.find_run(tx, team, int(word))
        if found is not None:
            return found
    elif word.isascii() and word.isalnum():
        found = await runs.get_run(tx, RunId(word))
        if found.team == team:
            return found
    raise UnknownName(f"There is no run {name[:40]!r}.", "See evalbot runs for their numbers.")


async def _stored(tx: Transaction, run: Run) -> StoredRun:
    """Load everything of a run."""
    scored = await load_scored_run(tx, run)
    waiting = await _in_review(tx, run)
    standing = await _standing(tx, scored)
    grades, people = scored.grades, scored.people
    return StoredRun(run, scored.suite, scored.outputs, grades, scored.scores, waiting, people, standing)


async def _in_review(tx: Transaction, run: Run) -> frozenset[OutputId]:
    """Give the outputs that people are grading now: those of open reviews that were put before somebody."""
    found: set[OutputId] = set()
    for opened in await reviews.rounds_of_run(tx, run.id):
        if opened.channel:
            states = await reviews.list_reviews(tx, opened.id)
            found |= {review.output_id for review in states if review.status is ReviewStatus.OPEN}
    return frozenset(found)


async def _line(tx: Transaction, run: Run, known: dict[tuple[str, int], bool]) -> RunLine:
    """Give the line of a run; `known` keeps whose judge is unverified, by suite version."""
    counts = await outputs.count_outputs(tx, run.id)
    scored = await load_scored_run(tx, run)
    rows = corrected_rows(score_rows(scored.counted, {}, frozenset()), scored.counted, {}, scored.people)
    headlines: dict[str, Estimate] = {}
    for row in rows:
        headlines.setdefault(row.target, row.best)
    version = (run.suite, run.suite_version)
    if version not in known:
        standing = await _standing(tx, scored)
        known[version] = standing is not None and standing.standing is Standing.UNVERIFIED
    return RunLine(run, counts.outputs, counts.errors, headlines, known[version])


async def _standing(tx: Transaction, scored: ScoredRun) -> JudgeStanding | None:
    """Give where the judge of a run's suite stands, None without one."""
    return await find_standing(tx, scored.suite, scored.run.team) if judge_targets(scored.suite) else None
