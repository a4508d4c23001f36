"""Digests: composed once per slot and delivered once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from evalbot.charts.trend_picture import draw_trends
from evalbot.errors import NotAllowed
from evalbot.grading.calibration import Standing
from evalbot.grading.reviews import Review, ReviewStatus
from evalbot.people import Action, Person, TeamId, may
from evalbot.reporting.composing import MOST_EXHIBITS, Effort, Slot, compose_digest
from evalbot.reporting.digests import Digest, Exhibit, Trend
from evalbot.reporting.estimates import OVERALL, Estimate, How
from evalbot.reporting.posts import Picture
from evalbot.reporting.schedules import Schedule, ScheduleId, is_too_late, local_date, parse_when, slot_of
from evalbot.reporting.scores import OutputScore, judge_agreement
from evalbot.reporting.trends import Week
from evalbot.runs.runs import Run
from evalbot.store import candidates, digests, grades, outputs, people, reviews, runs, schedules
from evalbot.store.database import Transaction
from evalbot.suites.candidates import CandidateStatus
from evalbot.suites.items import Item, Split
from evalbot.suites.judges import judge_targets
from evalbot.workflows.calibrating import find_standing
from evalbot.workflows.scoring import ScoredRun, get_suite, judged_pairs, load_scored_run, week_of
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

WEEKS = 12
"""How far back trends go."""


async def deliver_due(services: Services) -> int:
    """Deliver the digest of every schedule whose newest slot is due and not done; gives how many were delivered.

    One slot is handled by whoever claims its row; a slot missed for too long is marked skipped.
    """
    delivered = 0
    for schedule in await services.store.read(schedules.list_schedules):
        due = schedule.last_due(services.now())
        if schedule.enabled and due > schedule.created_at:
            delivered += await _deliver_slot(services, schedule, due)
    return delivered


async def _deliver_slot(services: Services, schedule: Schedule, due: datetime) -> bool:
    """Handle one slot if this call can claim it."""
    slot, now = slot_of(schedule, due), services.now()
    if not await services.store.write(lambda tx: schedules.claim_slot(tx, schedule.id, slot, now)):
        return False
    if is_too_late(due, now):
        await services.store.write(lambda tx: schedules.finish_slot(tx, schedule.id, slot, "skipped"))
        return False
    start, end = week_before(local_date(schedule.tz, due))
    late = now - due > timedelta(hours=1)
    wanted = Slot(schedule.team, schedule.channel, slot, start, end, now, schedule.next_due(now), late)
    await deliver_digest(services, wanted, schedule.tz)
    await services.store.write(lambda tx: schedules.finish_slot(tx, schedule.id, slot, "posted"))
    return True


def week_before(day: date) -> tuple[date, date]:
    """Give the first and last day of the seven days that end the day before."""
    return day - timedelta(days=7), day - timedelta(days=1)


async def digest_now(services: Services, person: Person, channel: str) -> Digest:
    """Compose and deliver the digest of the seven days that end now; asked again within a minute it is the same one."""
    if not may(person, Action.READ):
        raise NotAllowed("Reading a digest needs the role viewer.", "Ask an admin for the role.")
    now = services.now()
    today = local_date(person.tz, now)
    schedule = await services.store.read(lambda tx: schedules.find_schedule(tx, person.team, channel))
    name = f"now {now:%Y-%m-%dT%H:%M}"
    next_at = schedule.next_due(now) if schedule and schedule.enabled else None
    slot = Slot(person.team, channel, name, today - timedelta(days=6), today, now, next_at, late=False)
    return await deliver_digest(services, slot, person.tz)


async def deliver_digest(services: Services, slot: Slot, tz: str) -> Digest:
    """Compose a slot's digest unless it is already saved, draw its picture and announce it."""
    digest = await services.store.read(lambda tx: digests.find_digest(tx, slot.team, slot.channel, slot.name))
    if digest is None:
        digest = await services.store.read(lambda tx: _compose(services, tx, slot, tz))
        fresh = digest
        digest = await services.store.write(lambda tx: _add_once(tx, fresh))
    await services.announcer.digest_ready(digest, await _draw(digest))
    return digest


async def _add_once(tx: Transaction, digest: Digest) -> Digest:
    """Save a digest unless its slot has one meanwhile; gives the one that counts."""
    there = await digests.find_digest(tx, digest.team, digest.channel, digest.slot)
    if there is None:
        await digests.add_digest(tx, digest)
    return there or digest


async def _draw(digest: Digest) -> Picture | None:
    """Draw the trends of the digest's most telling target off the event loop; None when nothing was measured."""
    trends = pictured(digest)
    if not trends:
        return None
    title = (
        f"{trends[0].suite} · {trends[0].target}: pass rate per skill, {WEEKS} weeks, 95% interval{_drawn_on(trends)}"
    )
    return await asyncio.to_thread(draw_trends, trends, title, f"digest-{digest.end.isoformat()}.png")


def _drawn_on(trends: Sequence[Trend]) -> str:
    """Say on whose grades drawn trends stand where that is not plain: people's corrections, or a judge that is unverified."""
    if not all(trend.verified for trend in trends):
        return ", judge unverified"
    points = (point.estimate for trend in trends for point in trend.points)
    corrected = any(estimate and estimate.how is How.CORRECTED for estimate in points)
    return ", ○ corrected by people" if corrected else ""


def pictured(digest: Digest) -> list[Trend]:
    """Choose the target whose trends are drawn: the one with the largest drop, else step, else the first with most weeks."""

    def weight(trend: Trend) -> tuple[float, int]:
        step = trend.shift.before - trend.shift.after if trend.shift else 0.0
        size = step if step > 0 else -step / 2
        return size, sum(point.estimate is not None for point in trend.points)

    lead = max(digest.trends, key=weight, default=None)
    if lead is None or weight(lead)[1] < 2:
        return []
    mine = [trend for trend in digest.trends if (trend.suite, trend.target) == (lead.suite, lead.target)]
    return sorted(mine, key=lambda trend: trend.skill != OVERALL)


async def _compose(services: Services, tx: Transaction, slot: Slot, tz: str) -> Digest:
    """Load what a digest is made of and compose it."""
    zone = ZoneInfo(tz)
    ends = [slot.end - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    found = [await _newest_runs(tx, slot, end, zone) for end in ends]
    suites = dict.fromkeys(name for week in found for name in week)
    weeks_of: dict[str, list[Week]] = {}
    for name in sorted(suites):
        doubted = await _is_doubted(tx, slot.team, [week[name] for week in found if name in week])
        weeks_of[name] = [week_of(end, week.get(name), doubted) for end, week in zip(ends, found, strict=True)]
    agreement = judge_agreement([pair for week in found for scored in week.values() for pair in judged_pairs(scored)])
    effort, settled, count = await _effort(tx, slot, zone, agreement)
    exhibits = await _exhibits(tx, settled, list(found[-1].values()))
    return compose_digest(services.new_id(), slot, weeks_of, exhibits, effort, count)


async def _is_doubted(tx: Transaction, team: TeamId, weeks: Sequence[ScoredRun]) -> bool:
    """Tell whether the judge of a suite's newest run is unverified."""
    suite = weeks[-1].suite
    if not judge_targets(suite):
        return False
    return (await find_standing(tx, suite, team)).standing is Standing.UNVERIFIED


async def _newest_runs(tx: Transaction, slot: Slot, end: date, zone: ZoneInfo) -> dict[str, ScoredRun]:
    """Give the newest finished run of each suite in the seven days up to a day; one over all items goes before a limited one."""
    found: dict[str, Run] = {}
    for run in await runs.runs_between(tx, slot.team, *_days(end - timedelta(days=6), end, zone)):
        if run.suite not in found or len(run.item_ids) >= len(found[run.suite].item_ids):
            found[run.suite] = run
    return {name: await load_scored_run(tx, run) for name, run in found.items()}


def _days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the moments between which whole local days lie: from the beginning of the first to the end of the last."""
    midnight = datetime.min.time()
    return datetime.combine(first, midnight, zone), datetime.combine(last + timedelta(days=1), midnight, zone)


async def _effort(
    tx: Transaction, slot: Slot, zone: ZoneInfo, agreement: Estimate | None
) -> tuple[Effort, list[Review], int]:
    """Count what people did in the slot's days; also gives the reviews settled in them and the number of runs."""
    start, end = _days(slot.start, slot.end, zone)
    end = min(end, slot.composed_at.astimezone(zone))
    given = await grades.human_grades_between(tx, slot.team, start, end)
    settled = await reviews.reviews_between(tx, slot.team, start, end)
    approved = await candidates.list_candidates(tx, slot.team, status=CandidateStatus.APPROVED)
    added = sum(start <= one.decided_at < end for one in approved if one.decided_at)
    ended = await runs.runs_between(tx, slot.team, start, end)
    graders = tuple(dict.fromkeys(grade.grader.id for grade in given))
    return Effort(len(given), graders, added, agreement), settled, len(ended)


async def _exhibits(tx: Transaction, settled: list[Review], newest: list[ScoredRun]) -> list[Exhibit]:
    """Choose what is worth opening: people against judge first, then people's fails, then failing outputs of the newest runs."""
    found: list[Exhibit] = []
    for review in settled:
        exhibit = await _reviewed(tx, review)
        if exhibit:
            found.append(exhibit)
    found.sort(key=lambda one: ("disagreement", "contested", "fail").index(one.kind))
    shown = {one.output_id for one in found}
    for run, score, item in _fails(newest):
        if len(found) >= MOST_EXHIBITS:
            break
        if score.output_id not in shown:
            found.append(Exhibit("fail", _title(item.skill, item.question), run.id, score.output_id, None))
            shown.add(score.output_id)
    return found[:MOST_EXHIBITS]


def _fails(newest: Sequence[ScoredRun]) -> list[tuple[Run, OutputScore, Item]]:
    """Give the failing outputs of practice items: first of runs that stand in a channel, then of the skills that pass least."""
    found: list[tuple[tuple[bool, float], tuple[Run, OutputScore, Item]]] = []
    for scored in newest:
        of_skill: dict[tuple[str, str | None], list[bool]] = {}
        complete = [(score, scored.suite.item(score.item_id)) for score in scored.scores if score.complete]
        for score, item in complete:
            of_skill.setdefault((score.target, item.skill), []).append(score.passed)
        for score, item in complete:
            if not score.passed and item.split is Split.PRACTICE:
                passes = of_skill[score.target, item.skill]
                order = not scored.run.channel, sum(passes) / len(passes)
                found.append((order, (scored.run, score, item)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


async def _reviewed(tx: Transaction, review: Review) -> Exhibit | None:
    """Give the exhibit of a settled review that says something: people differ, or say fail, or differ from the judge."""
    if not (await reviews.get_round(tx, review.round_id)).channel:
        return None
    run = await runs.get_run(tx, review.run_id)
    scored = await get_suite(tx, run)
    output = await outputs.get_output(tx, review.output_id)
    item = scored.item(output.unit.item_id)
    if item.split is Split.HOLDOUT:
        return None
    mine = await grades.grades_of_output(tx, output.id)
    human = {grade.passed for grade in mine if grade.grader.kind == "human" and grade.counts}
    judge = {grade.passed for grade in mine if grade.grader.kind == "judge" and grade.counts}
    kind = ""
    if review.status is ReviewStatus.CONTESTED:
        kind = "contested"
    elif judge and human and judge != human:
        kind = "disagreement"
    elif human == {False}:
        kind = "fail"
    return Exhibit(kind, _title(item.skill, item.question), run.id, output.id, review.id) if kind else None


def _title(skill: str | None, question: str) -> str:
    """Name an exhibit by skill and the beginning of its question."""
    text = " ".join(question.split())
    short = text if len(text) <= 90 else text[:89] + "…"
    return f"{skill}: {short}" if skill else short


async def schedule_digest(services: Services, person: Person, channel: str, when: str) -> Schedule:
    """Turn the weekly digest of a channel on; `when` is like `mon 09:00 Europe/Berlin`, empty for Monday 9:00 there."""
    if not may(person, Action.SCHEDULE_DIGEST):
        raise NotAllowed("Scheduling a digest needs the role runner.", "Ask an admin for the role.")
    parsed = parse_when(when or "mon 09:00", person.tz)
    existing = await services.store.read(lambda tx: schedules.find_schedule(tx, person.team, channel))
    schedule = Schedule(
        id=existing.id if existing else ScheduleId(services.new_id()),
        team=TeamId(person.team),
        channel=channel,
        day=parsed.day,
        at=parsed.at,
        tz=parsed.tz,
        created_by=person.id,
        created_at=services.now(),
    )
    await services.store.write(lambda tx: schedules.put_schedule(tx, schedule))
    return schedule


async def stop_digest(services: Services, person: Person, channel: str) -> bool:
    """Turn the weekly digest of a channel off; False when there was none."""
    if not may(person, Action.SCHEDULE_DIGEST):
        raise NotAllowed("Stopping a digest needs the role runner.", "Ask an admin for the role.")
    schedule = await services.store.read(lambda tx: schedules.find_schedule(tx, person.team, channel))
    if schedule is None:
        return False
    await services.store.write(lambda tx: schedules.remove_schedule(tx, schedule.id))
    return True


async def remember_person(services: Services, person: Person) -> None:
    """Keep who somebody is, to name them later."""
    await services.store.write(lambda tx: people.put_person(tx, person))
