"""Reviews: when grades settle one, when one more is asked, and what opens it again."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evalbot.errors import BadRequest, Conflict
from evalbot.grading.grades import Grade, Purpose
from evalbot.grading.reviews import (
    Review,
    ReviewStatus,
    check_open_for,
    human_grade_level,
    purpose_of,
    settle,
)
from evalbot.people import TeamId
from tests.factories import NOON, TEAM, make_human_grade, make_review, make_rubric

RUBRIC = make_rubric()
PASS, FAIL, NOT_SURE = 2, 1, None
OPEN, SETTLED, CONTESTED, EXPIRED = ReviewStatus


def grades(*levels: int | None) -> list[Grade]:
    """Give one grade each of so many people."""
    return [make_human_grade(level, f"U0{place}", RUBRIC) for place, level in enumerate(levels)]


@pytest.mark.parametrize(
    ("wanted", "levels", "status"),
    [
        (1, [], OPEN),
        (1, [FAIL], SETTLED),
        (2, [PASS], OPEN),
        (2, [PASS, PASS], SETTLED),
        (2, [PASS, FAIL], OPEN),
        (2, [PASS, FAIL, PASS], SETTLED),
        (2, [PASS, NOT_SURE, NOT_SURE, NOT_SURE], OPEN),
        (2, [PASS, FAIL, NOT_SURE], OPEN),
        (2, [PASS, FAIL, NOT_SURE, FAIL], SETTLED),
        (2, [PASS, FAIL, PASS, FAIL], CONTESTED),
        (2, [PASS, FAIL, PASS, FAIL, FAIL], SETTLED),
        (3, [PASS, PASS, FAIL], OPEN),
        (3, [PASS, PASS, FAIL, PASS], SETTLED),
        (3, [PASS, PASS, FAIL, FAIL], CONTESTED),
    ],
)
def test_quorum_settles_and_a_split_asks_one_more(wanted: int, levels: list[int | None], status: ReviewStatus) -> None:
    """Agreeing grades settle at the quorum; differing ones ask one more person, and an even split then is contested."""
    at = NOON + timedelta(minutes=1)
    settled = settle(make_review(wanted), grades(*levels), RUBRIC, at).review
    assert settled.status is status
    assert settled.settled_at == (None if status is OPEN else at)


def test_steps_of_one_side_do_not_differ() -> None:
    """People who give a good and a great differ in step, not in verdict: nobody more is asked."""
    rubric = make_rubric(4)
    given = [make_human_grade(3, "U01", rubric), make_human_grade(4, "U02", rubric)]
    assert settle(make_review(2), given, rubric, NOON).review.status is SETTLED


def test_settled_review_keeps_its_time() -> None:
    """More grades do not move the moment of settling; a changed majority changes the consensus."""
    first = settle(make_review(2), grades(PASS, PASS), RUBRIC, NOON).review
    later = settle(first, grades(PASS, FAIL, FAIL), RUBRIC, NOON + timedelta(hours=1))
    assert (later.review.status, later.review.settled_at) == (SETTLED, NOON)
    assert later.consensus is not None
    assert not later.consensus.passed


@pytest.mark.parametrize("left", [[PASS], [], [PASS, NOT_SURE], [PASS, FAIL]])
def test_withdrawn_or_changed_grades_open_a_review_again(left: list[int | None]) -> None:
    """Without its quorum or its agreement a settled review waits for people again."""
    settled = settle(make_review(2), grades(PASS, PASS), RUBRIC, NOON).review
    again = settle(settled, grades(*left), RUBRIC, NOON).review
    assert (again.status, again.settled_at) == (OPEN, None)


@pytest.mark.parametrize("levels", [[], [PASS], [PASS, FAIL], [PASS, PASS], [PASS, FAIL, FAIL]])
def test_expired_review_stays_expired(levels: list[int | None]) -> None:
    """Whatever grades there are, a closed review neither opens nor settles."""
    closed = make_review(2, status=EXPIRED)
    assert settle(closed, grades(*levels), RUBRIC, NOON).review == closed


def test_other_workspaces_see_no_review() -> None:
    """Not yours looks like not there; a closed one says so; settled ones still take grades."""
    with pytest.raises(BadRequest, match="There is no such review"):
        check_open_for(make_review(), TeamId("T0OTHER"))
    with pytest.raises(Conflict, match="This review is closed"):
        check_open_for(make_review(status=EXPIRED), TEAM)
    for status in (OPEN, SETTLED, CONTESTED):
        check_open_for(make_review(status=status), TEAM)


def test_step_off_the_scale_is_refused() -> None:
    """Only steps of the rubric are grades; the range is said."""
    assert [human_grade_level(make_rubric(4), level) for level in (1, 4)] == [1, 4]
    for level in (0, 5, -1):
        with pytest.raises(BadRequest, match=f"{level} is not on this scale. Use 1 to 4."):
            human_grade_level(make_rubric(4), level)


def test_only_outputs_drawn_by_chance_enter_estimates() -> None:
    """An output picked for a reason has no known chance: its grades are triage."""
    assert purpose_of(make_review(probability=0.05)) is Purpose.ESTIMATE
    assert purpose_of(make_review(probability=0.0)) is Purpose.TRIAGE


class Reviews(RuleBasedStateMachine):
    """People who grade, change their minds and withdraw in any order, compared with the rules in plain words."""

    @initialize(wanted=st.integers(1, 3))
    def open(self, wanted: int) -> None:
        """A review is opened."""
        self.review: Review = make_review(wanted)
        self.given: dict[str, int | None] = {}
        self.minute = 0

    @rule(person=st.sampled_from("ABCDEF"), level=st.sampled_from([PASS, FAIL, NOT_SURE]))
    def grade(self, person: str, level: int | None) -> None:
        """Somebody grades, or grades again."""
        self.given[person] = level
        self.look()

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """Somebody takes a grade back."""
        del self.given[data.draw(st.sampled_from(sorted(self.given)))]
        self.look()

    def look(self) -> None:
        """The grades are looked at, a minute later each time."""
        self.minute += 1
        self.before = self.review
        found = [make_human_grade(level, person, RUBRIC) for person, level in self.given.items()]
        self.review = settle(self.review, found, RUBRIC, NOON + timedelta(minutes=self.minute)).review

    @invariant()
    def status_follows_from_the_grades(self) -> None:
        """The status is what the rules say of the grades there are, whatever the way to them was."""
        if not hasattr(self, "review") or not self.minute:
            return
        passing = sum(level == PASS for level in self.given.values())
        failing = sum(level == FAIL for level in self.given.values())
        differ, needed = bool(passing and failing), self.review.wanted
        ended = CONTESTED if passing == failing else SETTLED
        assert self.review.status is (OPEN if passing + failing < needed + differ else ended)

    @invariant()
    def time_belongs_to_the_end(self) -> None:
        """An open review has no end; one that ended keeps the time it ended first."""
        if not hasattr(self, "before"):
            return
        assert (self.review.settled_at is None) is (self.review.status is OPEN)
        if self.before.settled_at and self.review.settled_at:
            assert self.review.settled_at == self.before.settled_at


TestReviews = Reviews.TestCase
TestReviews.settings = settings(max_examples=40, stateful_step_count=20)
