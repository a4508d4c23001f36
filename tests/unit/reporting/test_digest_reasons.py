"""Explanations of what a digest says: from the noun alone, and with the run behind a line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from evalbot.grading.grades import Grade, Grader, GraderKind
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
from evalbot.reporting.digest_refs import DigestRef, Part, row_ref
from evalbot.reporting.digests import Digest, Exhibit, Point, Shift, SkillLine
from evalbot.reporting.estimates import OVERALL, How
from evalbot.reporting.explanations import Explanation
from evalbot.reporting.trends import find_step, series_of
from tests.factories import (
    FIRST_SUNDAY,
    NOON,
    TEAM,
    make_estimate,
    make_grade,
    make_human_grade,
    make_item,
    make_output,
    make_run,
    make_trend,
    make_week,
)
from tests.unit.reporting.test_explanations import make_numbers, row_of

END = FIRST_SUNDAY + timedelta(weeks=11)
STEP = Shift(date(2026, 10, 12), 0.8, 0.4, -0.5, -0.3, How.CHECK)
SERIES: list[float | None] = [*[0.8] * 6, *[0.4] * 6]


def make_digest(**changes: object) -> Digest:
    """A digest of one suite whose citations fell."""
    trend = replace(make_trend(SERIES, "citations"), suite="desk", shift=STEP)
    line = SkillLine("desk", "main", "citations", make_estimate(0.4, n=40), None)
    exhibits = (Exhibit("disagreement", "citations: Why?", "r1", "o1", "v1"),)
    what = ("citations still down", ("It fell.", "Nothing else moved clearly."), (line,), (trend,), exhibits)
    work = (3, 46, ("U1", "U2"), make_estimate(0.8, n=50, how=How.HUMAN), 2)
    made = Digest("d1", TEAM, "C1", "slot", END - timedelta(days=6), END, *what, *work, composed_at=NOON)
    return replace(made, **changes)  # type: ignore[arg-type]


def facts(explanation: Explanation) -> dict[str, str]:
    """The facts by name."""
    return {fact.name: fact.text for fact in explanation.facts}


def test_the_headline_is_explained_by_its_rule_and_findings() -> None:
    """What was found, in order, and the rule by which the first of it became the headline; no model is in it."""
    said = explain_headline(make_digest())
    assert said.title == "Digest of 9–15 Nov 2026 · headline"
    assert said.said == "citations still down"
    assert facts(said)["Finding 1"] == "It fell."
    assert "never by a model" in said.formulas[0].sentence
    assert said.more[0] == "explain digest 2026-11-15 citations"


def test_peoples_work_is_counted_and_nobody_is_named() -> None:
    """Grades, people, runs and items of the days; ids of people are nowhere."""
    said = explain_effort(make_digest())
    assert said.said == "46 grades by 2 people"
    assert "U1" not in str(said)
    assert facts(said)["Runs"] == "3 runs ended in these days"


def test_agreement_is_explained_with_its_arithmetic() -> None:
    """The share that agrees with its interval, from its own counts; without enough answers it says so."""
    said = explain_agreement_line(make_digest())
    assert said.shown == make_estimate(0.8, n=50, how=How.HUMAN)
    assert said.formulas[0].steps[0].startswith("score = ")
    assert said.more == ("explain judge desk",)
    doubted = replace(make_digest().lines[0], verified=False)
    assert explain_agreement_line(make_digest(lines=(doubted,))).doubt == "The judge of desk is unverified."
    assert explain_agreement_line(make_digest(judge_agreement=None)).shown is None


def test_a_row_without_its_run_says_what_is_known() -> None:
    """Of a digest from before runs were kept, or whose run is gone, number, basis and method are left."""
    said = explain_line(make_digest(), make_digest().lines[0], None)
    assert said.shown == make_digest().lines[0].now
    assert facts(said)["Basis"].startswith("40 items, by ")
    assert said.formulas[0].name == "As it was made"
    assert facts(said)["Against the week before"].startswith("Not compared: fewer than five")
    doubted = replace(make_digest().lines[0], verified=False)
    assert "unverified" in explain_line(make_digest(), doubted, None).doubt


def test_a_row_with_its_run_has_items_graders_and_formulas_of_it() -> None:
    """The run's own explanation stands under the digest's name; what changed since is told, what did not is not."""
    numbers = make_numbers()
    row = row_of(numbers)
    trend = replace(make_trend([0.7], OVERALL), suite="desk")
    trend = replace(trend, points=(Point(END, row.best, "r1", 12),))
    line = SkillLine("desk", "main", OVERALL, row.best, None)
    digest = make_digest(lines=(line,), trends=(trend,))
    said = explain_line(digest, line, Made(numbers, row))
    assert said.title.endswith("desk · main · all items")
    assert (said.key, said.digest_id, said.run_id) == (row_ref(line).key, "d1", None)
    assert facts(said)["Week"] == "9–15 Nov 2026: run 12, the newest finished run of the suite in these days"
    assert facts(said)["Items"].startswith("40 items of version 3")
    assert "Since then" not in facts(said)
    told = replace(line, now=make_estimate(0.99))
    later = explain_line(replace(digest, lines=(told,)), told, Made(numbers, row))
    assert later.shown == told.now
    assert facts(later)["Since then"].startswith("Grades have come or changed: run 12 now says ")


def test_a_week_before_another_judge_is_not_comparable() -> None:
    """A point from before the change says so; one from after does not."""
    digest = make_digest()
    trend = replace(digest.trends[0], alike_since=date(2026, 10, 12))
    early = explain_week(digest, trend, trend.points[0], None)
    assert facts(early)["Not comparable"].startswith("Judge, rubric or checks were others")
    assert early.title.endswith("citations · week to 30 Aug")
    assert "Not comparable" not in facts(explain_week(digest, trend, trend.points[-1], None))


def test_the_steps_of_a_step_come_to_its_size() -> None:
    """Reference, weekly means, evidence and alarm are those of the series, and the size is the mean since the onset."""
    weeks = [
        replace(make_week(n, {f"i{k}": k < (32 if n < 6 else 16) for k in range(40)}), run=n + 1) for n in range(12)
    ]
    series = series_of("main", OVERALL, weeks)
    assert series is not None
    step = find_step(series)
    assert step is not None
    shift = Shift(date(2026, 10, 12), 0.8, 0.4, step.size.lower, step.size.upper, How.CHECK)
    trend = replace(make_trend(SERIES, OVERALL), suite="desk", shift=shift)
    said = explain_step(make_digest(trends=(trend,)), trend, series, step)
    assert re.fullmatch(r"−40 points \(−\d+ to −\d+, n 40\)", said.said)
    steps = said.formulas[0].steps
    assert steps[0] == "reference: mean of 4 weeks over 40 items = 0.8000"
    assert sum("evidence 10^" in one for one in steps) == 8
    assert "size = mean of the differences since then = -0.4000" in steps
    assert facts(said)["Weeks"].endswith("the first 4 are the reference")
    assert "runs 1, 2, 3" in facts(said)["Weeks"]
    assert said.doubt == ""


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"verified": False, "how": How.JUDGE}, "unverified"),
        ({"upper": 0.1}, "holds zero"),
    ],
)
def test_a_step_in_no_headline_says_why(changes: dict[str, object], doubt: str) -> None:
    """On a doubted judge's word, or with zero inside, it is drawn and explained, but not told."""
    shift = replace(STEP, **changes)  # type: ignore[arg-type]
    trend = replace(make_digest().trends[0], shift=shift)
    said = explain_step(make_digest(trends=(trend,)), trend, None, None)
    assert doubt in said.doubt
    assert "no such step any more" in facts(said)["Since then"]


def test_a_step_corrected_by_people_has_both_sizes() -> None:
    """What the judge alone says stands beside people's size, and how that was made."""
    shift = replace(STEP, how=How.CORRECTED, human_n=40, judge_alone=-0.25)
    trend = replace(make_digest().trends[0], shift=shift)
    said = explain_step(make_digest(trends=(trend,)), trend, None, None)
    assert "people graded 40 answers of its two sides, the judge alone says −25" in facts(said)["Basis"]
    assert said.formulas[1].name == "Its size by people"


JUDGE_SAYS = Grader(GraderKind.JUDGE, "sim-judge", "helpful/1")


def shown(hidden: bool = False) -> Shown:
    """An answer that two people failed and the judge passed."""
    given: list[Grade] = [
        make_grade(grader=JUDGE_SAYS, passed=True, score=1.0),
        make_human_grade(1, person="U1"),
        make_human_grade(1, person="U2"),
    ]
    return Shown(make_run(number=12), make_item("refund-03", skill="refunds"), make_output(), given, hidden)


def test_an_answer_is_explained_with_counts_not_names() -> None:
    """Which answer, why it is shown, and who said what: the judge by name, people as a number."""
    said = explain_exhibit(make_digest(), 1, shown())
    assert said.meaning == "People and the judge gave this answer different verdicts."
    assert facts(said)["Item"].startswith("refund-03 of support-desk version")
    assert facts(said)["People"].startswith("2 failed it")
    assert facts(said)["Judge"] == "sim-judge: passed"
    assert "U1" not in str(said)
    hidden = explain_exhibit(make_digest(), 1, shown(hidden=True))
    assert {"Judge", "People"}.isdisjoint(facts(hidden))
    assert facts(explain_exhibit(make_digest(), 1, None))["Answer"] == "It is not there any more."


def test_more_leads_from_a_row_to_its_step_and_weeks() -> None:
    """Of a series the step and the newest weeks are offered, then the whole."""
    more = explain_line(make_digest(), make_digest().lines[0], None).more
    assert more == (
        "explain digest 2026-11-15 citations step",
        "explain digest 2026-11-15 citations 2026-11-08",
        "explain digest 2026-11-15 citations 2026-11-01",
        "explain digest 2026-11-15",
    )
    assert DigestRef(Part.HEADLINE).key != row_ref(make_digest().lines[0]).key
