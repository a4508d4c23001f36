"""Trends: weekly series with gaps, and steps that are found when they are there and not when they are not."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from evalbot.reporting.digests import Shift
from evalbot.reporting.estimates import FEWEST, OVERALL
from evalbot.reporting.trends import REFERENCE_WEEKS, Week, find_shift, find_trends
from evalbot.stats.intervals import wilson
from tests.factories import FIRST_SUNDAY, make_score, make_week

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
