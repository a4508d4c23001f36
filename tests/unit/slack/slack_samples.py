"""Whole, plausible nouns for the tests of Slack texts; every builder takes changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.consensus import Consensus
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.reviews import Review, ReviewId, ReviewStatus, Round, RoundId
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.digests import Digest, Exhibit, Point, Shift, SkillLine, Trend
from evalbot.reporting.estimates import (
    OVERALL,
    Change,
    Correction,
    Degenerate,
    Estimate,
    How,
    Response,
    RunSummary,
    ScoreRow,
)
from evalbot.reporting.schedules import Schedule, ScheduleId
from evalbot.runs.budgets import Scope
from evalbot.runs.forecasts import Forecast, Precision
from evalbot.runs.outputs import Output, OutputId, RunId, Unit, Usage
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.slack.views.home import HomeState
from evalbot.slack.views.runs import RunState
from evalbot.stats.verdicts import Verdict
from evalbot.suites.candidates import Candidate, CandidateId, CandidateStatus
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import Item, ItemId
from evalbot.suites.rubrics import Rubric, RubricExample, Scale, Step
from evalbot.suites.targets import Target
from evalbot.workflows.announcer import ReviewState, RoundState
from evalbot.workflows.browsing import Failing, SuiteLine

TEAM = TeamId("T0ACME")
NOW = datetime(2026, 11, 16, 9, 41, tzinfo=UTC)


def make_run(**changes: Any) -> Run:
    """Give a finished run of 180 items on two targets."""
    run = Run(
        id=RunId("run1f2e"),
        team=TEAM,
        number=128,
        suite="support-desk",
        suite_version=14,
        targets=(Target("stub:candidate", "candidate"), Target("stub:baseline", "baseline")),
        item_ids=tuple(ItemId(f"item-{number}") for number in range(180)),
        repeats=1,
        concurrency=8,
        started_by=PersonId("U0DANA"),
        started_name="Dana",
        created_at=NOW,
        status=RunStatus.DONE,
        channel="C0QUALITY",
        finished_at=NOW + timedelta(seconds=72),
    )
    return replace(run, **changes)


FORECAST = Forecast(
    items=180,
    calls=540,
    seconds=131.0,
    precision=Precision(0.051, 0.061, 127),
    low=120_000_000,
    high=190_000_000,
    left={Scope.RUN: 2_000_000_000, Scope.DAY: 1_800_000_000},
    cost_from=127,
)
"""What a run like the one before is expected to take."""

FIRST_FORECAST = Forecast(4, 8, 12.0, Precision(0.49, 0.70), unknown=("candidate",))
"""What the first run of a small suite is expected to take, of which nobody knows the price."""

DEAR_FORECAST = Forecast(
    180, 9_000, 9_000.0, Precision(0.073, 0.104), 3_100_000_000, 5_200_000_000, left={Scope.PERSON_DAY: 2_500_000_000}
)
"""What a run is expected to take that may not be started by everybody."""


def make_asker() -> Person:
    """Give who asks for a run."""
    return Person(PersonId("U0DANA"), TEAM, "Dana", Role.RUNNER)


def make_estimate(score: float = 0.86, half: float = 0.055, n: int = 180, **changes: Any) -> Estimate:
    """Give an estimate with a symmetric interval."""
    lower, upper = max(score - half, 0.0), min(score + half, 1.0)
    return replace(Estimate(score, lower, upper, n, How.CHECK_AND_JUDGE, "t"), **changes)


def make_change(
    skill: str = OVERALL, difference: float = -0.031, half: float = 0.029, n: int = 180, **changes: Any
) -> Change:
    """Give a change whose verdict follows from its interval unless one is given."""
    lower, upper = difference - half, difference + half
    verdict = Verdict.WORSE if upper < 0 else Verdict.BETTER if lower > 0 else Verdict.CANNOT_TELL
    if verdict is Verdict.CANNOT_TELL and lower > -0.05 and upper < 0.05:
        verdict = Verdict.NO_DIFFERENCE
    needed = 87 if verdict is Verdict.CANNOT_TELL else None
    return replace(Change("candidate", "baseline", skill, difference, lower, upper, n, verdict, needed), **changes)


def make_summary(**changes: Any) -> RunSummary:
    """Give a summary with one skill worse, one unclear and three unchanged."""
    rows = [
        ScoreRow("candidate", OVERALL, PASS_CRITERION, make_estimate(0.839, 0.054)),
        ScoreRow("candidate", "citations", PASS_CRITERION, make_estimate(0.49, 0.17, 30)),
        ScoreRow("candidate", "refund-policy", PASS_CRITERION, make_estimate(0.92, 0.08, 40)),
        ScoreRow("candidate", "refusals", PASS_CRITERION, make_estimate(0.96, 0.06, 30)),
        ScoreRow("candidate", "shipping", PASS_CRITERION, make_estimate(0.9, 0.09, 44)),
        ScoreRow("candidate", "tone", PASS_CRITERION, make_estimate(0.91, 0.1, 36)),
        ScoreRow("candidate", OVERALL, "helpfulness", make_estimate(0.71, 0.04)),
        ScoreRow("baseline", OVERALL, PASS_CRITERION, make_estimate(0.87, 0.05)),
    ]
    summary = RunSummary(
        rows=tuple(rows),
        changes=(
            make_change(),
            make_change("citations", -0.16, 0.11, 30),
            make_change("refund-policy", 0.004, 0.04, 40),
            make_change("refusals", 0.0, 0.045, 30),
            make_change("shipping", -0.01, 0.035, 44),
            make_change("tone", 0.04, 0.09, 36),
        ),
        items=180,
        outputs=357,
        errors=3,
        ungraded=0,
        judge="judge-large",
        agreement=make_estimate(0.81, 0.095, 64),
        human_outputs=64,
        cost_usd=0.42,
        duration_s=72.0,
    )
    return replace(summary, **changes)


def make_correction(score: float = 0.79, half: float = 0.05, graded: int = 40, **changes: Any) -> Correction:
    """Give what people's grades of some of 180 answers make of a score."""
    estimate = make_estimate(score, half, how=How.CORRECTED, method="judge corrected by people", human_n=graded)
    return replace(Correction(estimate, 180, 0.05, 0.37, 75), **changes)


def corrected(summary: RunSummary) -> RunSummary:
    """Give a summary in which people corrected the first target, compared with a baseline and with an older suite version."""
    rows = [replace(summary.rows[0], corrected=make_correction(), with_errors=make_estimate(0.825, 0.055, 183))]
    few = make_correction(0.42, 0.19, 12, saving=None, outputs=30, to_halve=10)
    few = replace(few, estimate=replace(few.estimate, n=30))
    rows += [replace(summary.rows[1], corrected=few)]
    first = summary.changes[0]
    change = replace(first, how=How.CORRECTED, human_n=74, judge_alone=-0.024)
    older = make_change(difference=0.012, half=0.06, n=150, target=first.target, against="run 121", needed=560)
    older = replace(older, how=How.CHECK_AND_JUDGE, other_version=13, regraded=8)
    return replace(
        summary,
        rows=(*rows, *summary.rows[2:]),
        changes=(change, *summary.changes[1:]),
        other_changes=(older,),
        standing=JudgeStanding(
            Standing.TRUSTED, 0.81, 0.71, 0.88, 64, 0.7, 0.83, "It agrees about as well as people do."
        ),
        response=Response(60, 44),
    )


def unverified(
    summary: RunSummary, reason: str = "It agrees with people less than one person with the others."
) -> RunSummary:
    """Give a summary whose judge was measured and found wanting; the first target has checks besides, the second is constant."""
    rows = tuple(row for row in summary.rows if row.target == summary.rows[0].target)
    rows = (replace(rows[0], checks=make_estimate(0.94, 0.035, how=How.CHECK), grades_needed=4), *rows[1:])
    changes = tuple(replace(one, how=How.CHECK_AND_JUDGE) for one in summary.changes)
    return replace(
        summary,
        rows=rows,
        changes=changes,
        agreement=make_estimate(0.61, 0.12, 64),
        standing=JudgeStanding(Standing.UNVERIFIED, 0.61, 0.49, 0.73, 64, 0.7, 0.83, reason),
        degenerate=(Degenerate("baseline", "Sorry, I cannot help with that.", 180),),
        response=Response(12, 6),
    )


def make_rubric(**changes: Any) -> Rubric:
    """Give a rubric of four steps."""
    rubric = Rubric(
        name="helpfulness",
        version=3,
        question="Does the reply solve the customer's problem?",
        scale=Scale(
            (
                Step(1, "Wrong", "States a false rule or ignores the question."),
                Step(2, "Partial", "Right topic, a needed step is missing."),
                Step(3, "Good", "Correct and complete."),
                Step(4, "Great", "Correct, complete, and prevents the next question."),
            )
        ),
        pass_from=3,
        examples=(RubricExample("Can I return it?", "Ask the shop.", 2, "no rule is named"),),
    )
    return replace(rubric, **changes)


def make_item(**changes: Any) -> Item:
    """Give an item with a reference."""
    item = Item(
        ItemId("refund-01"),
        vars={"question": "I bought it 20 days ago and opened the box. Can I return it?"},
        reference="Yes, within 30 days, with the receipt.",
        skill="refund-policy",
        level="applies-rule",
    )
    return replace(item, **changes)


def make_output(text: str | None = "Yes. Within 30 days you can return an opened item.", **changes: Any) -> Output:
    """Give an answered output."""
    unit = Unit("candidate", ItemId("refund-01"), 0)
    return replace(Output(OutputId("out77"), RunId("run1f2e"), unit, text, None, Usage(), NOW), **changes)


def make_grade(level: int | None, person: str = "U0LEE", **changes: Any) -> Grade:
    """Give a blind human grade, or an abstention for None."""
    grade = Grade(
        OutputId("out77"),
        "helpfulness",
        Grader(GraderKind.HUMAN, person),
        NOW,
        score=None if level is None else (level - 1) / 3,
        passed=None if level is None else level >= 3,
        level=level,
        abstained=level is None,
    )
    return replace(grade, **changes)


def make_judge_grade(level: int = 3, reason: str = "The rule is right and applied.") -> Grade:
    """Give the judge's grade."""
    return make_grade(level, grader=Grader(GraderKind.JUDGE, "judge-large"), reason=reason)


def make_round(**changes: Any) -> Round:
    """Give a round of twelve reviews by two people each."""
    opened = Round(RoundId("round9"), TEAM, RunId("run1f2e"), PersonId("U0DANA"), "C0EVALS", 12, "mix", 2, NOW)
    return replace(opened, **changes)


def make_review_state(**changes: Any) -> ReviewState:
    """Give an open review with one grade of two, which the card must not show."""
    review = Review(ReviewId("rev4"), RoundId("round9"), TEAM, RunId("run1f2e"), OutputId("out77"), 4, 2, 0.1, NOW)
    state = ReviewState(
        review,
        make_round(),
        make_run(),
        make_item(),
        make_output(),
        make_rubric(),
        grades=(make_grade(1),),
        judge=make_judge_grade(),
    )
    return replace(state, **changes)


def make_settled_state(status: ReviewStatus = ReviewStatus.SETTLED, **changes: Any) -> ReviewState:
    """Give a review on which two people said wrong and the judge said good."""
    state = make_review_state(grades=(make_grade(1), make_grade(1, "U0KIM")), consensus=Consensus(1, False, 2, 2))
    return replace(state, review=replace(state.review, status=status, settled_at=NOW), **changes)


def make_round_state(done: int = 3, **changes: Any) -> RoundState:
    """Give a round on its way."""
    return replace(RoundState(make_round(), make_run(), done, 6, (PersonId("U0LEE"), PersonId("U0KIM"))), **changes)


def make_candidate(**changes: Any) -> Candidate:
    """Give a candidate that waits."""
    candidate = Candidate(
        CandidateId("cand3"),
        TEAM,
        "support-desk",
        make_item(id=ItemId("refund-01-fb-a1")),
        PersonId("U0LEE"),
        "Lee Chen",
        NOW,
        bad_output="You cannot return opened items.",
        reason="cites a rule that does not exist",
        nearest="refund-07",
    )
    return replace(candidate, **changes)


def make_approved(**changes: Any) -> Candidate:
    """Give a candidate that was approved."""
    decided = {"status": CandidateStatus.APPROVED, "decided_by": PersonId("U0KIM"), "decided_name": "Kim Alvarez"}
    return make_candidate(**{**decided, "decided_at": NOW, "released_version": 15, **changes})


def make_digest(**changes: Any) -> Digest:
    """Give a digest with a drop, a rise and three exhibits."""
    weeks = tuple(Point(date(2026, 9, 6) + timedelta(weeks=week), make_estimate(0.6, 0.15, 30)) for week in range(12))
    drop = Trend("support-bot", "main", "citations", weeks, Shift(date(2026, 10, 26), 0.66, 0.5, -0.26, -0.05))
    digest = Digest(
        id="dig5",
        team=TEAM,
        channel="C0QUALITY",
        slot="2026-11-23",
        start=date(2026, 11, 16),
        end=date(2026, 11, 22),
        headline="citations down, tone up",
        sentences=(
            "support-bot · main: citations is at 49% since the drop in the week of Mon 26 Oct (66% before).",
            "support-bot · main: tone is better than on 9 Nov, +7 points (+1 to +13, n 36).",
            "Nothing else moved clearly.",
        ),
        lines=(
            SkillLine(
                "support-bot", "main", OVERALL, make_estimate(0.89, 0.045, 180), make_change(OVERALL, 0.01, 0.03)
            ),
            SkillLine(
                "support-bot",
                "main",
                "citations",
                make_estimate(0.49, 0.17, 30),
                make_change("citations", -0.16, 0.11, 30),
            ),
            SkillLine(
                "support-bot", "main", "tone", make_estimate(0.85, 0.12, 36), make_change("tone", 0.07, 0.06, 36)
            ),
        ),
        trends=(drop,),
        exhibits=(
            Exhibit("disagreement", "citations: Which article says so?", "run1f2e", "out1", "rev1"),
            Exhibit("fail", "refund-policy: Can I return it?", "run1f2e", "out2", "rev2"),
            Exhibit("fail", "tone: Where is my parcel?", "run1f2e", "out3", None),
        ),
        runs=4,
        human_grades=46,
        graders=("U0DANA", "U0LEE", "U0KIM"),
        judge_agreement=make_estimate(0.81, 0.095, 64),
        items_added=2,
        composed_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        next_at=datetime(2026, 11, 30, 9, 0, tzinfo=UTC),
    )
    return replace(digest, **changes)


DIGEST_LINKS = {
    "out1": "https://acme.slack.com/archives/C0EVALS/p1",
    "out2": "https://acme.slack.com/archives/C0EVALS/p2",
}


def make_failing(**changes: Any) -> Failing:
    """Give an output that failed."""
    return replace(
        Failing(make_output(), make_item().question, "refund-policy", "contains-any: none of 2 texts"), **changes
    )


def make_suite_line(**changes: Any) -> SuiteLine:
    """Give a suite in a list."""
    return replace(SuiteLine("support-desk", 14, "Answers of our help desk", 180, make_run()), **changes)


def make_home(**changes: Any) -> HomeState:
    """Give a Home tab with something in every part."""
    schedule = Schedule(
        ScheduleId("s1"), TEAM, "C0QUALITY", "mon", time(9, 0), "Europe/Berlin", PersonId("U0DANA"), NOW
    )
    state = HomeState(
        NOW,
        waiting=6,
        minutes=3,
        queue_address="https://acme.slack.com/archives/C0EVALS/p1",
        suites=(make_suite_line(), make_suite_line(name="tone-check", last_run=None)),
        runs=(
            RunState(make_run(status=RunStatus.RUNNING, finished_at=None), Progress(360, 62, 2, 120, 0)),
            RunState(make_run(number=127), Progress(360, 360, 0, 120, 120), make_summary()),
        ),
        contributions=(make_candidate(), make_approved()),
        schedules=(schedule,),
    )
    return replace(state, **changes)
