"""Where the lines of a digest come from: found by what people type, and put together from the runs that they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from evalbot.errors import BadRequest, UnknownName
from evalbot.grading.reviews import ReviewStatus
from evalbot.people import Action, Person, TeamId, may
from evalbot.reporting.digest_reasons import (
    Made,
    Shown,
    explain_agreement_line,
    explain_effort,
    explain_exhibit,
    explain_headline,
    explain_line,
    explain_step,
    explain_week,
)
from evalbot.reporting.digest_refs import DigestRef, Part, digest_refs, find_ref, read_day
from evalbot.reporting.digests import Digest, Trend
from evalbot.reporting.explanations import Explanation
from evalbot.reporting.trends import Week, find_step, series_of
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.store import digests, grades, outputs, reviews, runs
from evalbot.store.transaction import Transaction
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import Split
from evalbot.workflows.explaining import load_numbers
from evalbot.workflows.scoring import get_suite, load_scored_run, week_of

if TYPE_CHECKING:
    from evalbot.workflows.services import Services

MOST_LOOKED_AT = 200
"""So many of the newest digests are looked through for a day."""


async def explain_digest(services: Services, person: Person, channel: str, words: Sequence[str]) -> Explanation:
    """Explain what words name of a digest: the newest of the channel, or that of the day which the first word is."""
    if not may(person, Action.READ):
        raise UnknownName("There is no digest.", "Ask an admin for the role viewer.")
    return await services.store.read(lambda tx: load_digest_explanation(tx, person.team, words, channel))


async def explain_digest_key(services: Services, person: Person, digest_id: str, key: str) -> Explanation:
    """Explain the line of a digest that a button names by its hash; not yours looks like not there."""

    async def load(tx: Transaction) -> Explanation:
        digest = await digests.get_digest(tx, digest_id)
        if digest.team != person.team or not may(person, Action.READ):
            raise UnknownName("There is no such digest.", "Ask for one with digest now.")
        ref = next((one for one in digest_refs(digest) if one.key == key), None)
        if ref is None:
            raise BadRequest("This line is not there any more.", "Type explain digest for the newest.")
        return await _explained(tx, digest, ref)

    return await services.store.read(load)


async def load_digest_explanation(
    tx: Transaction, team: TeamId, words: Sequence[str], channel: str = ""
) -> Explanation:
    """Find and explain what words name of a digest."""
    day = read_day(words[0]) if words else None
    digest = await _find_digest(tx, team, channel, day)
    return await _explained(tx, digest, find_ref(digest, words[1:] if day else words))


async def _find_digest(tx: Transaction, team: TeamId, channel: str, day: date | None) -> Digest:
    """Give the newest digest, or the newest about a day, those of the channel first; raises UnknownName."""
    known = await digests.list_digests(tx, team, MOST_LOOKED_AT)
    found = [one for one in known if day is None or one.start <= day <= one.end]
    if not found:
        what = f"There is no digest about {day.isoformat()}." if day else "There is no digest yet."
        raise UnknownName(what, "Ask for one with digest now.")
    return min(found, key=lambda one: (one.channel != channel, found.index(one)))


async def _explained(tx: Transaction, digest: Digest, ref: DigestRef) -> Explanation:
    """Explain one thing of a digest."""
    if ref.part is Part.HEADLINE:
        return explain_headline(digest)
    if ref.part is Part.GRADES:
        return explain_effort(digest)
    if ref.part is Part.JUDGE:
        return explain_agreement_line(digest)
    if ref.part is Part.ANSWER:
        return explain_exhibit(digest, ref.place, await _shown(tx, digest, ref.place))
    if ref.part is Part.ROW:
        line = next(one for one in digest.lines if (one.suite, one.target, one.skill) == _subject(ref))
        trend = next((one for one in digest.trends if (one.suite, one.target, one.skill) == _subject(ref)), None)
        return explain_line(digest, line, await _made(tx, digest, ref, trend.points[-1].run_id if trend else ""))
    trend = next(one for one in digest.trends if (one.suite, one.target, one.skill) == _subject(ref))
    if ref.part is Part.STEP:
        return await _step(tx, digest, trend)
    point = next(one for one in trend.points if one.day == ref.day)
    return explain_week(digest, trend, point, await _made(tx, digest, ref, point.run_id))


def _subject(ref: DigestRef) -> tuple[str, str, str]:
    """Name the series of a reference."""
    return ref.suite, ref.target, ref.skill


async def _made(tx: Transaction, digest: Digest, ref: DigestRef, run_id: str) -> Made | None:
    """Load what a number of a digest was made of; None where its run is gone, or not known in an old digest."""
    run = await _find_run(tx, digest.team, run_id)
    if run is None:
        return None
    numbers = await load_numbers(tx, run)
    wanted = (ref.target, ref.skill, PASS_CRITERION)
    row = next((one for one in numbers.summary.rows if (one.target, one.skill, one.criterion) == wanted), None)
    return Made(numbers, row)


async def _find_run(tx: Transaction, team: TeamId, run_id: str) -> Run | None:
    """Give a run of a workspace, None where it is gone."""
    if not run_id:
        return None
    try:
        run = await runs.get_run(tx, RunId(run_id))
    except UnknownName:
        return None
    return run if run.team == team else None


async def _step(tx: Transaction, digest: Digest, trend: Trend) -> Explanation:
    """Explain a step change from the runs of its series."""
    weeks: list[Week] = []
    for point in trend.points:
        run = await _find_run(tx, digest.team, point.run_id)
        weeks.append(week_of(point.day, await load_scored_run(tx, run) if run else None, doubted=not trend.verified))
    series = series_of(trend.target, trend.skill, weeks)
    return explain_step(digest, trend, series, find_step(series) if series else None)


async def _shown(tx: Transaction, digest: Digest, place: int) -> Shown | None:
    """Load an answer that a digest shows; None where it is gone, or kept back by now."""
    exhibit = digest.exhibits[place - 1]
    run = await _find_run(tx, digest.team, exhibit.run_id)
    if run is None:
        return None
    output = await outputs.get_output(tx, OutputId(exhibit.output_id))
    item = next((one for one in (await get_suite(tx, run)).items if one.id == output.unit.item_id), None)
    if item is None or item.split is Split.HOLDOUT:
        return None
    shown = Shown(run, item, output, await grades.grades_of_output(tx, output.id))
    review = await reviews.find_review_of_output(tx, output.id)
    return replace(shown, hidden=review is not None and review.status is ReviewStatus.OPEN)
