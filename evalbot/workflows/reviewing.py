"""Outputs put before people: rounds opened, grades recorded, reviews settled."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.grading.consensus import find_consensus
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.reviews import (
    Review,
    ReviewId,
    ReviewStatus,
    Round,
    RoundId,
    check_open_for,
    human_grade_level,
    purpose_of,
    settle,
)
from evalbot.grading.sampling import Picked, learn_doubts
from evalbot.people import Action, Person, PersonId, may
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs, reviews, runs
from evalbot.store.database import Transaction
from evalbot.suites.items import ItemStatus
from evalbot.suites.suites import Strategy
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.curating import end_item_probation
from evalbot.workflows.drawing import draw_outputs, known_outputs, recount, reviews_of
from evalbot.workflows.scoring import get_suite, load_scored_run, summarise_run
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

MOST_REVIEWS = 20
"""One round asks people for at most this many outputs: a run's thread stays under 25 messages."""

MINUTES_PER_GRADE = 0.5


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What somebody wants graded; None means what the suite says."""

    run: Run
    person: PersonId
    size: int | None = None
    strategy: Strategy | None = None
    graders: int | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A round with its reviews, as announced."""

    state: RoundState
    reviews: tuple[ReviewState, ...]


async def open_round(services: Services, request: RoundRequest) -> OpenedRound:
    """Choose outputs of a run, save a round with a review for each, and announce it.

    Raises BadRequest when nothing is left to review. Holdout items are never put into a channel.
    """
    if request.size is not None and not 1 <= request.size <= MOST_REVIEWS:
        raise BadRequest(f"A round takes 1 to {MOST_REVIEWS} answers.", f"Try n:{min(MOST_REVIEWS, 10)}.")

    doubts = learn_doubts(await services.store.read(lambda tx: known_outputs(tx, request.run)))

    async def save(tx: Transaction) -> OpenedRound:
        scored = await load_scored_run(tx, request.run)
        before = await reviews_of(tx, request.run.id)
        policy = scored.suite.review
        strategy = request.strategy or _strategy(policy.strategy)
        size = min(request.size or policy.sample, MOST_REVIEWS)
        choice = draw_outputs(scored, before, doubts, size, strategy, services.new_seed())
        if not choice.picked:
            raise BadRequest(f"Run {request.run.number} has no more answers to review.", "Start another run.")
        graders = request.graders or policy.graders_per_item
        opened = _make_round(services, request, len(choice.picked), strategy, graders)
        found = [_make_review(services, opened, place, one) for place, one in enumerate(choice.picked, 1)]
        await reviews.add_round(tx, opened)
        await reviews.add_reviews(tx, found)
        for one in choice.recounted:
            await recount(tx, before[one.output_id], one.probability)
        states = tuple([await load_review_state(tx, review) for review in found])
        return OpenedRound(_round_state(opened, request.run, found), states)

    opened = await services.store.write(save)
    await services.announcer.round_opened(opened.state, opened.reviews)
    return opened


async def open_first_round(services: Services, run: Run) -> None:
    """Put a run's first answers up for grading, once, where the suite wants that and anything can be graded."""
    opened = await services.store.read(lambda tx: reviews.rounds_of_run(tx, run.id))
    if not run.channel or opened:
        return
    try:
        await open_round(services, RoundRequest(run, run.started_by))
    except BadRequest as error:
        log.info("no first round: %s", error.message, extra={"action": "no_round", "run_id": run.id})


def _strategy(name: str) -> Strategy:
    """Read a suite's strategy; the names of suite files that mean the same are understood."""
    return {"uncertain": Strategy.DISAGREE, "disagreements": Strategy.DISAGREE, "failures": Strategy.FAIL}.get(
        name, Strategy(name) if name in set(Strategy) else Strategy.MIX
    )


def _make_round(services: Services, request: RoundRequest, size: int, strategy: Strategy, wanted: int) -> Round:
    """Make the round of a request."""
    return Round(
        id=RoundId(services.new_id()),
        team=request.run.team,
        run_id=request.run.id,
        opened_by=request.person,
        channel=request.channel or request.run.channel,
        size=size,
        strategy=strategy,
        graders=max(1, min(wanted, 9)),
        opened_at=services.now(),
    )


def _make_review(services: Services, opened: Round, position: int, picked: Picked) -> Review:
    """Make the review of one chosen output."""
    return Review(
        id=ReviewId(services.new_id()),
        round_id=opened.id,
        team=opened.team,
        run_id=opened.run_id,
        output_id=picked.output_id,
        position=position,
        wanted=opened.graders,
        probability=picked.probability,
        opened_at=opened.opened_at,
    )


async def load_review_state(tx: Transaction, review: Review) -> ReviewState:
    """Load all that a review's card shows."""
    run = await runs.get_run(tx, review.run_id)
    suite = await get_suite(tx, run)
    output = await outputs.get_output(tx, review.output_id)
    item = suite.item(output.unit.item_id)
    rubric = suite.rubric_of(item)
    if rubric is None:
        raise UnknownName("This review has no rubric any more.", "Start another run of the suite.")
    found = await grades.grades_of_output(tx, output.id)
    human = tuple(g for g in found if g.grader.kind is GraderKind.HUMAN and g.criterion == rubric.name)
    judge = next((g for g in found if g.grader.kind is GraderKind.JUDGE and g.criterion == rubric.name), None)
    opened = await reviews.get_round(tx, review.round_id)
    return ReviewState(review, opened, run, item, output, rubric, human, find_consensus(human, rubric), judge)


def _round_state(opened: Round, run: Run, found: list[Review]) -> RoundState:
    """Say how far a round is."""
    waiting = [review for review in found if review.status is ReviewStatus.OPEN]
    minutes = max(1, round(len(waiting) * opened.graders * MINUTES_PER_GRADE)) if waiting else 0
    return RoundState(opened, run, len(found) - len(waiting), minutes)


async def load_round_state(tx: Transaction, round_id: RoundId) -> RoundState:
    """Load how far a round is, with everybody who graded in it."""
    opened = await reviews.get_round(tx, round_id)
    found = await reviews.list_reviews(tx, round_id)
    run = await runs.get_run(tx, opened.run_id)
    mine = {review.output_id for review in found}
    given = [g for g in await grades.list_grades(tx, run.id, GraderKind.HUMAN) if g.output_id in mine]
    thanks = tuple(PersonId(one) for one in dict.fromkeys(grade.grader.id for grade in given))
    return replace(_round_state(opened, run, found), thanks=thanks)


@dataclass(frozen=True, slots=True)
class GradeClick:
    """What a person decided about a review: a step of the rubric, or None for cannot judge. `reason` may follow later."""

    review_id: ReviewId
    level: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A grade that is saved: the review after it and the person's own grade; `turned` when the review changed its status,
    `replaced` when the person had given it another grade before."""

    state: ReviewState
    grade: Grade
    turned: bool
    replaced: bool


async def record_grade(services: Services, person: Person, click: GradeClick) -> Recorded:
    """Save a person's grade of a review and settle it. Another grade of the same person replaces the first; the same one
    again changes nothing."""
    if not may(person, Action.GRADE):
        raise NotAllowed("Grading needs the role grader.", "Ask an admin for the role.")

    async def save(tx: Transaction) -> Recorded:
        review = await reviews.get_review(tx, click.review_id)
        check_open_for(review, person.team)
        before = await load_review_state(tx, review)
        mine = next((given for given in before.grades if given.grader.id == person.id), None)
        grade = _human_grade(services, person, before, click)
        if mine is None or (mine.level, mine.reason) != (grade.level, grade.reason):
            await grades.put_human_grade(tx, grade)
        after = await load_review_state(tx, review)
        settled = settle(review, after.grades, after.rubric, services.now()).review
        if settled != review:
            await reviews.update_review(tx, settled)
        if settled.status is ReviewStatus.SETTLED and before.item.status is ItemStatus.PROBATION:
            await end_item_probation(services, tx, before.run, before.item)
        changed = mine is not None and mine.level != grade.level
        return Recorded(replace(after, review=settled), grade, settled.status is not review.status, changed)

    return await services.store.write(save)


def _human_grade(services: Services, person: Person, state: ReviewState, click: GradeClick) -> Grade:
    """Make the grade of a click; an earlier reason of the same person for the same step stays."""
    rubric, review = state.rubric, state.review
    level = None if click.level is None else human_grade_level(rubric, click.level)
    mine = [grade for grade in state.grades if grade.grader.id == person.id]
    same = mine[0] if mine and mine[0].level == level else None
    blind = same.blind if same else review.status is ReviewStatus.OPEN and not review.discussed
    return Grade(
        output_id=review.output_id,
        criterion=rubric.name,
        grader=Grader(GraderKind.HUMAN, person.id, str(rubric.version)),
        at=services.now(),
        score=None if level is None else rubric.scale.score(level),
        passed=None if level is None else rubric.passes(level),
        level=level,
        reason=click.reason.strip() or (same.reason if same else ""),
        abstained=level is None,
        blind=blind,
        purpose=purpose_of(review),
    )


async def add_reason(services: Services, person: Person, review_id: ReviewId, reason: str) -> Recorded:
    """Add why to a grade that the person has already given."""
    state = await services.store.read(lambda tx: _state_of(tx, review_id))
    check_open_for(state.review, person.team)
    mine = [grade for grade in state.grades if grade.grader.id == person.id]
    if not mine:
        raise Conflict("You have not graded this answer yet.", "Press a grade first.")
    return await record_grade(services, person, GradeClick(review_id, mine[0].level, reason))


async def _state_of(tx: Transaction, review_id: ReviewId) -> ReviewState:
    """Load the state of a review by its id."""
    return await load_review_state(tx, await reviews.get_review(tx, review_id))


async def get_review_state(services: Services, person: Person, review_id: ReviewId) -> ReviewState:
    """Give a review for somebody of its workspace."""
    state = await services.store.read(lambda tx: _state_of(tx, review_id))
    check_open_for(state.review, person.team)
    return state


async def tell_review(services: Services, recorded: Recorded) -> None:
    """Announce a review after a grade, and its round when the review was settled or reopened.

    With the last review of a round the run is told anew: people's grades may have corrected what its judge said.
    """
    await services.announcer.review_changed(recorded.state)
    if not recorded.turned:
        return
    state = await services.store.read(lambda tx: load_round_state(tx, recorded.state.review.round_id))
    await services.announcer.round_changed(state)
    if state.done == state.round.size and not state.run.open:
        summary = await services.store.read(lambda tx: summarise_run(tx, state.run))
        await services.announcer.run_finished(state.run, summary)


async def mark_discussed(services: Services, person: Person, run_id: RunId) -> None:
    """Note that people talk in a run's thread: grades of its open reviews are not blind from now on."""

    async def save(tx: Transaction) -> None:
        for opened in await reviews.rounds_of_run(tx, run_id):
            for review in await reviews.list_reviews(tx, opened.id):
                if review.team == person.team and review.status is ReviewStatus.OPEN and not review.discussed:
                    await reviews.update_review(tx, replace(review, discussed=True))

    await services.store.write(save)
