"""Trends: weekly series with gaps, and steps that are found when they are there and not when they are not."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.corrections import Drawn, People
from evalbot.reporting.digests import Shift, Trend
from evalbot.reporting.estimates import FEWEST, OVERALL, How
from evalbot.reporting.trends import REFERENCE_WEEKS, Week, find_shift, find_trends, ways_of_grading
from evalbot.stats.intervals import wilson
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import ItemId
from evalbot.suites.suites import RunDefaults
from evalbot.suites.targets import short_target as target
from tests.factories import FIRST_SUNDAY, make_item, make_rubric, make_score, make_suite, make_week

ITEMS = [f"i{place}" for place in range(60)]


def weeks_of(shares: Sequence[float | None], seed: int = 0, items: Sequence[str] = ITEMS) -> list[Week]:
    """Give weeks in which each item passes with that week's chance, some items always easier; None is a gap."""
    rng = random.Random(seed)
    ease = {item: rng.uniform(-0.2, 0.2) for item in items}
    return [
        make_week(number, {} if share is None else {item: rng.random() < share + ease[item] for item in items})
        for number, share in enumerate(shares)
    ]


def shift_of(weeks: Sequence[Week]) -> Shift | None:
    """Find the overall step of the main target."""
    return find_shift("main", OVERALL, weeks)


def test_weeks_without_a_run_stay_gaps() -> None:
    """A week that was not measured is None, never a zero and never the week before; days stay in order."""
    trend = find_trends("desk", weeks_of([0.8, None, 0.8, None, None, 0.8]))[0]
    assert [point.estimate is None for point in trend.points] == [False, True, False, True, True, False]
    assert [point.day for point in trend.points] == [FIRST_SUNDAY + timedelta(weeks=week) for week in range(6)]
    assert trend.latest is trend.points[-1].estimate


def test_points_are_the_weeks_estimates() -> None:
    """Each point carries the interval and n of its own week."""
    weeks = [make_week(0, {f"i{n}": n < 6 for n in range(8)}), make_week(1, {f"i{n}": n < 3 for n in range(4)})]
    found = [point.estimate for point in find_trends("desk", weeks)[0].points]
    for estimate, expected in zip(found, (wilson(6, 8), wilson(3, 4)), strict=True):
        assert estimate is not None
        assert (estimate.score, estimate.lower, estimate.n) == (expected.value, expected.lower, expected.n)


def test_series_are_those_of_the_newest_week_overall_first() -> None:
    """Every target and skill measured in the newest week has a series; a skill that is gone has none."""
    new = make_week(1, {"i1": True, "i2": True}, {"i1": "tone", "i2": "billing"})
    old = make_week(0, {"i1": True, "i3": True}, {"i1": "tone", "i3": "gone"})
    other = Week(new.day, (*new.scores, make_score("i1", target="other")), new.skill_of)
    series = [(trend.target, trend.skill, len(trend.points)) for trend in find_trends("desk", [old, other])]
    assert series == [
        ("main", OVERALL, 2),
        ("main", "billing", 2),
        ("main", "tone", 2),
        ("other", OVERALL, 2),
        ("other", "tone", 2),
    ]
    assert find_trends("desk", [new, make_week(2, {})]) == find_trends("desk", []) == []


@pytest.mark.parametrize(("before", "after", "drop"), [(0.8, 0.45, True), (0.45, 0.8, False)])
def test_planted_step_is_found_and_dated(before: float, after: float, drop: bool) -> None:
    """Of twenty series with a step in one week nearly all are found, most dated to that week or its neighbour."""
    found = [shift_of(weeks_of([before] * 6 + [after] * 5, seed)) for seed in range(20)]
    steps = [shift for shift in found if shift is not None]
    assert len(steps) >= 18
    planted = FIRST_SUNDAY + timedelta(weeks=6, days=-6)
    assert sum(abs(step.day - planted) <= timedelta(weeks=1) for step in steps) >= 16
    assert all((step.after < step.before) is drop for step in steps)
    assert all(step.lower < step.after - step.before < step.upper for step in steps)
    assert abs(sum(step.after - step.before for step in steps) / len(steps) - (after - before)) < 0.06


def test_noise_is_no_step() -> None:
    """Of sixty series without any change hardly one is called a step."""
    assert sum(shift_of(weeks_of([0.7] * 12, seed)) is not None for seed in range(60)) <= 3


def test_step_is_found_across_gaps() -> None:
    """Weeks without a run neither hide a step nor count as zeros."""
    shares = [0.8, None, 0.8, 0.8, None, 0.8, 0.8, None, 0.4, 0.4, None, 0.4]
    steps = [shift_of(weeks_of(shares, seed)) for seed in range(10)]
    assert sum(step is not None and step.before > 0.7 for step in steps) >= 9
    quiet = [None if share is None else 0.8 for share in shares]
    assert sum(shift_of(weeks_of(quiet, seed)) is not None for seed in range(30)) <= 2


def test_step_that_is_over_is_not_told() -> None:
    """After a drop and a full recovery nobody reads that the skill is still down."""
    over = [shift_of(weeks_of([0.8] * 5 + [0.4] * 2 + [0.8] * 4, seed)) for seed in range(20)]
    assert sum(step is not None for step in over) <= 2
    lasting = [shift_of(weeks_of([0.8] * 5 + [0.4] * 6, seed)) for seed in range(20)]
    assert sum(step is not None for step in lasting) >= 18


def test_changed_items_are_no_step() -> None:
    """New, harder items pull the weekly number down; the items that stayed did not change, so nothing is told."""
    easy = {f"easy{n}": True for n in range(30)}
    hard = {f"hard{n}": False for n in range(60)}
    weeks = [make_week(number, easy if number < 6 else easy | hard) for number in range(12)]
    assert shift_of(weeks) is None
    assert find_trends("desk", weeks)[0].points[-1].estimate != find_trends("desk", weeks)[0].points[0].estimate


@pytest.mark.parametrize(
    "weeks",
    [
        list,
        lambda: weeks_of([0.9] * REFERENCE_WEEKS),
        lambda: weeks_of([0.9] * REFERENCE_WEEKS + [None] * 6),
        lambda: [make_week(n, {f"week{n}-{i}": n < 5 for i in range(40)}) for n in range(10)],
        lambda: [make_week(n, {f"i{i}": n < 5 for i in range(FEWEST - 1)}) for n in range(30)],
    ],
)
def test_too_little_is_no_step(weeks: Callable[[], list[Week]]) -> None:
    """Nothing measured, reference weeks only, no shared items or a handful of them: no step."""
    assert shift_of(weeks()) is None


def test_step_belongs_to_its_skill_and_target() -> None:
    """A drop in one skill of one target is found there and nowhere else."""
    skills = {item: ("tone" if place % 2 else "billing") for place, item in enumerate(ITEMS)}

    def week(number: int) -> Week:
        bad = {item: not (number >= 5 and skills[item] == "tone") for item in ITEMS}
        main = make_week(number, bad, skills)
        return Week(main.day, (*main.scores, *(make_score(item, target="other") for item in ITEMS)), main.skill_of)

    trends = find_trends("desk", [week(number) for number in range(9)])
    dropped = {(trend.target, trend.skill) for trend in trends if trend.shift}
    assert dropped == {("main", "tone"), ("main", OVERALL)}


def test_incomplete_scores_are_no_drop() -> None:
    """Weeks in which the judge was down have fewer items, not worse ones."""
    good = dict.fromkeys(ITEMS, True)
    weeks = [make_week(number, good) for number in range(10)]
    for number in range(5, 10):
        broken = tuple(make_score(item, False, complete=False) for item in ITEMS[:30])
        weeks[number] = Week(weeks[number].day, (*weeks[number].scores[30:], *broken), weeks[number].skill_of)
    assert shift_of(weeks) is None


# --- what is no change of the target ---------------------------------------------------------------

JUDGED = frozenset({GraderKind.JUDGE})


def judged_week(number: int, share: float, people: float | None = None, way: str = "judge 1") -> Week:
    """Give a week that a judge graded; with people's share they graded half of it, and would pass so many."""
    order = {item: (place * 37) % len(ITEMS) for place, item in enumerate(ITEMS)}
    passes = {item: order[item] < share * len(ITEMS) for item in ITEMS}
    week = make_week(number, passes)
    scores = tuple(
        replace(one, scores={"helpful": float(one.passed)}, passes={"helpful": one.passed}, kinds=JUDGED)
        for one in week.scores
    )
    said = {
        one.output_id: Drawn(0.5, Label(*([float(order[one.item_id] < people * len(ITEMS))] * 2)))
        for place, one in enumerate(scores)
        if people is not None and place % 2
    }
    asked = People({one.item_id: "helpful" for one in scores}, said)
    return replace(week, scores=scores, people=asked, graded_by=dict.fromkeys(map(ItemId, ITEMS), way), run=number)


def only_trend(weeks: Sequence[Week]) -> Trend:
    """Find the one trend there is."""
    [trend] = find_trends("desk", weeks)
    return trend


def test_a_week_that_people_corrected_has_their_number() -> None:
    """Its point is the corrected one, with its interval, how many they graded, and the run it is of."""
    trend = only_trend([judged_week(0, 0.9), judged_week(1, 0.9, people=0.5)])
    alone, corrected = (point.estimate for point in trend.points)
    assert alone is not None
    assert corrected is not None
    assert (alone.how, corrected.how, corrected.human_n) == (How.JUDGE, How.CORRECTED, 30)
    assert alone.score == pytest.approx(0.9, abs=0.01)
    assert corrected.score == pytest.approx(0.5, abs=0.08)
    assert trend.points[1].run == 1


@pytest.mark.parametrize("first", [4, 6, 8])
def test_corrections_that_begin_are_no_step(first: int) -> None:
    """A judge that was too kind all along, and people who begin to correct it: the points fall, nothing stepped."""
    trend = only_trend([judged_week(n, 0.9, 0.5 if n >= first else None) for n in range(12)])
    scores = [point.estimate.score for point in trend.points if point.estimate]
    assert scores[first - 1] - scores[first] > 0.3
    assert trend.shift is None


def test_another_judge_is_no_step() -> None:
    """A stricter judge from one week on makes lower numbers; the series begins anew there and says since when."""
    weeks = [judged_week(n, 0.9) for n in range(6)] + [judged_week(n, 0.4, way="judge 2") for n in range(6, 12)]
    trend = only_trend(weeks)
    assert trend.shift is None
    assert trend.alike_since == FIRST_SUNDAY + timedelta(weeks=6, days=-6)
    assert [point.estimate is not None for point in trend.points] == [True] * 12
    same = [replace(week, graded_by=weeks[0].graded_by) for week in weeks]
    found = only_trend(same)
    assert found.alike_since is None
    assert found.shift is not None
    assert found.shift.how is How.JUDGE


def test_a_step_behind_another_judge_is_found() -> None:
    """After a change of the judge a new reference is taken, and a later drop is seen against it."""
    weeks = [judged_week(n, 0.4, way="old") for n in range(2)]
    weeks += [judged_week(n, 0.9) for n in range(2, 7)] + [judged_week(n, 0.5) for n in range(7, 12)]
    shift = only_trend(weeks).shift
    assert shift is not None
    assert shift.before == pytest.approx(0.9, abs=0.02)
    assert shift.after == pytest.approx(0.5, abs=0.02)


def test_a_step_that_people_saw_on_both_sides_has_their_size() -> None:
    """The judge sees a small drop where people see a large one: the size told is people's, the judge's beside it."""
    weeks = [judged_week(n, 0.9, 0.9) for n in range(5)] + [judged_week(n, 0.5, 0.2) for n in range(5, 11)]
    shift = only_trend(weeks).shift
    assert shift is not None
    assert (shift.how, shift.human_n) == (How.CORRECTED, 60)
    assert shift.judge_alone == pytest.approx(-0.4, abs=0.02)
    assert shift.after - shift.before == pytest.approx(-0.7, abs=0.12)
    assert shift.clear


def test_a_judges_step_that_people_do_not_see_is_not_clear() -> None:
    """Where people say the same on both sides its interval holds zero, so nobody is told of a drop."""
    weeks = [judged_week(n, 0.9, 0.6) for n in range(5)] + [judged_week(n, 0.5, 0.6) for n in range(5, 11)]
    shift = only_trend(weeks).shift
    assert shift is not None
    assert shift.how is How.CORRECTED
    assert not shift.clear


def test_a_step_on_an_unverified_judges_word_is_marked() -> None:
    """So are its points; where people corrected the newest one that is not."""
    weeks = [judged_week(n, 0.9 if n < 6 else 0.4) for n in range(12)]
    trend = only_trend([replace(week, doubted=True) for week in weeks])
    assert trend.shift is not None
    assert (trend.verified, trend.shift.verified) == (False, False)
    weeks[-1] = judged_week(11, 0.4, 0.4)
    trend = only_trend([replace(week, doubted=True) for week in weeks])
    assert trend.shift is not None
    assert (trend.verified, trend.shift.verified) == (True, False)


def test_graders_rubrics_and_judges_make_the_way_of_grading() -> None:
    """What an item is graded by changes with its checks, the rubric's words and the judge; not with what only people grade."""
    rubric = make_rubric()
    spec = GraderSpec(GraderType.RUBRIC, rubric=rubric.name)
    suite = make_suite(
        make_item("a"), rubrics={rubric.name: rubric}, graders=(spec,), run=RunDefaults(judge=target("j"))
    )
    same = ways_of_grading(suite)
    assert same == ways_of_grading(replace(suite, version=9))
    others = [
        replace(suite, run=RunDefaults(judge=target("k"))),
        replace(suite, rubrics={rubric.name: replace(rubric, question="Is it kind?")}),
        replace(suite, graders=(replace(spec, threshold=2),)),
        replace(suite, graders=(spec, GraderSpec(GraderType.EQUALS))),
    ]
    assert len({way[ItemId("a")] for way in (same, *map(ways_of_grading, others))}) == 5
    by_people = replace(suite, graders=(spec, GraderSpec(GraderType.HUMAN, rubric=rubric.name)))
    assert ways_of_grading(by_people) == same
