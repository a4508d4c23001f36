"""Outputs put before people: rounds opened, grades recorded, reviews settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace

from evalbot.errors import BadRequest, Conflict, EvalbotError, NotAllowed, UnknownName
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
from evalbot.store.reviews import StandingReview, StoredVote
from evalbot.store.taking import GradeChanges, Standing, write_changes
from evalbot.suites.items import ItemStatus
from evalbot.suites.suites import Strategy
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.curating import end_item_probation
from evalbot.workflows.drawing import draw_outputs, known_outputs, recount, reviews_of
from evalbot.workflows.run_tables import load_table
from evalbot.workflows.scoring import get_suite, summarise_run
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

MOST_REVIEWS = 20
"""One round asks people for at most this many outputs: a run's thread stays under 25 messages."""

MINUTES_PER_GRADE = 0.5


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What somebody wants graded; None means what the suite says. `first` asks for the round that a run begins with."""

    run: Run
    person: PersonId
    size: int | None = None
    strategy: Strategy | None = None
    graders: int | None = None
    channel: str = ""
    first: bool = False


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
        if request.first and await reviews.rounds_of_run(tx, request.run.id):
            raise Conflict("This run's first answers are put up for grading already.", "Look into its thread.")
        loaded = await load_table(tx, request.run, name_all=True)
        before = await reviews_of(tx, request.run.id)
        policy = loaded.frame.review
        strategy = request.strategy or _strategy(policy.strategy)
        size = min(request.size or policy.sample, MOST_REVIEWS)
        seed = services.new_seed()
        choice = await asyncio.to_thread(draw_outputs, loaded, before, doubts, size, strategy, seed)
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
        await open_round(services, RoundRequest(run, run.started_by, first=True))
    except (BadRequest, Conflict) as error:
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
    state = _round_state(opened, run, found)
    if state.done < opened.size:
        return state
    thanks = await grades.graders_of(tx, [review.output_id for review in found])
    return replace(state, thanks=tuple(thanks))


@dataclass(frozen=True, slots=True)
class GradeClick:
    """What a person decided about a review: a step of the rubric, or None for cannot judge. `reason` may follow later."""

    review_id: ReviewId
    level: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A grade that is saved: the review after it without its grades, and the person's own grade; `turned` when the review
    changed its status, `replaced` when the person had given it another grade before."""

    state: ReviewState
    grade: Grade
    turned: bool
    replaced: bool


Given = tuple[Person, GradeClick]
"""Who pressed what."""

Known = MutableMapping[ReviewId, ReviewState | EvalbotError]
"""What of reviews never changes: run, item, output, rubric, round; or why it is not there. What changes is not looked at."""


async def record_grade(services: Services, person: Person, click: GradeClick) -> Recorded:
    """Save a person's grade of a review and settle it. Another grade of the same person replaces the first; the same one
    again changes nothing."""
    known: dict[ReviewId, ReviewState | EvalbotError] = {}
    decided = await services.store.write(lambda tx: save_grades(services, tx, [(person, click)], known))
    [found] = decided.answers
    if isinstance(found, EvalbotError):
        raise found
    return found


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of grades: an answer to each, what is to be written, and the settled reviews whose item was on probation."""

    answers: Sequence[Recorded | EvalbotError]
    changes: GradeChanges
    probations: Sequence[ReviewState] = ()


async def save_grades(services: Services, tx: Transaction, given: Sequence[Given], known: Known) -> Decided:
    """Save grades of different people or reviews together and settle what they settle; what cannot be taken gives its reason.

    `known` spares loading what it holds, and is added to.
    """
    review_ids = list({click.review_id for _, click in given})
    await learn_reviews(tx, review_ids, known)
    decided = decide_grades(services, given, await reviews.find_standing(tx, review_ids), known)
    await write_changes(tx, decided.changes)
    for about in decided.probations:
        await end_item_probation(services, tx, about.run, about.item)
    return decided


async def learn_reviews(tx: Transaction, review_ids: Sequence[ReviewId], known: Known) -> None:
    """Load what is not known yet of reviews and never changes, or why that cannot be."""
    for review_id in review_ids:
        if isinstance(known.get(review_id), ReviewState):
            continue
        try:
            state = await load_review_state(tx, await reviews.get_review(tx, review_id))
            known[review_id] = replace(state, grades=(), consensus=None, judge=None)
        except EvalbotError as error:
            known[review_id] = error


def decide_grades(services: Services, given: Sequence[Given], standing: Standing, known: Known) -> Decided:
    """Say what becomes of grades, in their order, seeing how their reviews stand, which is changed on the way."""
    before = {review_id: here.status for review_id, here in standing.items()}
    found = [_take(services, one, standing, known) for one in given]
    taken = [one for one in found if not isinstance(one, EvalbotError)]
    news = [one for one in taken if one.new]
    touched = {one.review.id: one for one in taken}
    turned = [one for one in touched.values() if one.review.status is not before[one.review.id]]
    changes = GradeChanges(
        given=[one.grade for one in news if one.mine is None],
        replaced=[one.grade for one in news if one.mine is not None],
        reviews=[one.review for one in turned],
    )
    settled = [one.about for one in turned if one.review.status is ReviewStatus.SETTLED]
    probations = [about for about in settled if about.item.status is ItemStatus.PROBATION]
    return Decided([one if isinstance(one, EvalbotError) else one.recorded() for one in found], changes, probations)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A grade that is taken: the person's vote before it, the review after it."""

    about: ReviewState
    grade: Grade
    mine: StoredVote | None
    review: Review
    turned: bool

    @property
    def new(self) -> bool:
        """Whether it says anything else than the person's grade before it."""
        return self.mine is None or (self.mine.level, self.mine.reason) != (self.grade.level, self.grade.reason)

    def recorded(self) -> Recorded:
        """Give it as saved."""
        changed = self.mine is not None and self.mine.level != self.grade.level
        return Recorded(replace(self.about, review=self.review), self.grade, self.turned, changed)


def _take(services: Services, given: Given, standing: Standing, known: Known) -> _Taken | EvalbotError:
    """Take one grade into how its review stands, or give the reason why not."""
    person, click = given
    try:
        if not may(person, Action.GRADE):
            raise NotAllowed("Grading needs the role grader.", "Ask an admin for the role.")
        here, about = standing.get(click.review_id), known.get(click.review_id)
        if here is None or about is None:
            raise UnknownName("There is no such review.", "Open it again from its card.")
        if isinstance(about, EvalbotError):
            raise about
        review = _now(about.review, here)
        check_open_for(review, person.team)
        votes = [vote for vote in here.votes if vote.criterion == about.rubric.name]
        mine = next((vote for vote in votes if vote.grader == person.id), None)
        grade = _human_grade(services, person, replace(about, review=review), mine, click)
    except EvalbotError as error:
        return error
    vote = StoredVote(person.id, grade.criterion, grade.level, grade.reason, grade.counts, grade.blind)
    here.votes[:] = [one for one in here.votes if one is not mine] + [vote]
    counted = [one for one in here.votes if one.criterion == about.rubric.name]
    settled = settle(review, counted, about.rubric, services.now()).review
    here.status, here.settled_at = settled.status, settled.settled_at
    return _Taken(about, grade, mine, settled, settled.status is not review.status)


def _now(review: Review, here: StandingReview) -> Review:
    """Give a review as it stands now."""
    return replace(
        review,
        status=here.status,
        settled_at=here.settled_at,
        discussed=here.discussed,
        probability=here.probability,
    )


def _human_grade(
    services: Services, person: Person, about: ReviewState, mine: StoredVote | None, click: GradeClick
) -> Grade:
    """Make the grade of a click; an earlier reason of the same person for the same step stays."""
    rubric, review = about.rubric, about.review
    level = None if click.level is None else human_grade_level(rubric, click.level)
    same = mine if mine is not None and mine.level == level else None
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
    """Announce a review after a grade, and its round when the review was settled or reopened."""
    await tell_news(services, recorded.state.review.id, turned=recorded.turned)


async def tell_news(services: Services, review_id: ReviewId, *, turned: bool) -> None:
    """Announce a review as it stands now, and its round where the review was settled or reopened.

    With the last review of a round the run is told anew: people's grades may have corrected what its judge said.
    """
    news = await services.store.read(lambda tx: _state_of(tx, review_id))
    await services.announcer.review_changed(news)
    if not turned:
        return
    state = await services.store.read(lambda tx: load_round_state(tx, news.review.round_id))
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
