"""Digests: composed by rule, at most two findings, drops first, every number with its n, quiet weeks quiet."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.composing import MOST_EXHIBITS, MOST_SENTENCES, Effort, Slot, compose_digest, week_changes
from evalbot.reporting.corrections import Drawn, People
from evalbot.reporting.digests import Digest, Exhibit
from evalbot.reporting.estimates import OVERALL, How
from evalbot.reporting.trends import Week
from evalbot.stats.verdicts import Verdict
from tests.factories import FIRST_SUNDAY, NOON, TEAM, make_estimate, make_week

LAST = 11
END = FIRST_SUNDAY + timedelta(weeks=LAST)
SLOT = Slot(TEAM, "C0QUALITY", "2026-11-16", END - timedelta(days=6), END, NOON, NOON + timedelta(days=7), late=False)
EFFORT = Effort(46, ("U0ANN", "U0BEN"), 2, make_estimate(0.8, n=64, how=How.HUMAN))

Shares = Mapping[str, Sequence[float | None]]


def compose(weeks_of: Mapping[str, Sequence[Week]], runs: int = 1, exhibits: Sequence[Exhibit] = ()) -> Digest:
    """Compose the digest of the slot."""
    return compose_digest("digest-1", SLOT, weeks_of, exhibits, EFFORT, runs)


def weeks(shares: Shares, n: int = 40, seed: int = 1, target: str = "main") -> list[Week]:
    """Give twelve weeks in which so many items of each skill pass with its weekly share, exactly; None is a gap."""
    rng = random.Random(seed)
    order = {skill: rng.sample(range(n), n) for skill in shares}
    found = []
    for number in range(LAST + 1):
        passes = {
            f"{skill}-{item}": place < round(share * n)
            for skill, series in shares.items()
            if (share := series[number]) is not None
            for place, item in enumerate(order[skill])
        }
        found.append(make_week(number, passes, {item: item.partition("-")[0] for item in passes}, target))
    return found


STEADY = [0.8] * 12
DROP = [0.8] * 8 + [0.4] * 4
FRESH_DROP = [None] * 9 + [0.8, None, 0.5]
RISE = [0.5] * 6 + [0.9] * 6


def test_quiet_week_is_one_line() -> None:
    """Where nothing moved the digest says so once and claims nothing."""
    digest = compose({"desk": weeks({"tone": STEADY, "billing": STEADY})})
    assert digest.headline == "no clear change"
    assert digest.sentences == ("Nothing moved clearly since the last measured week.",)
    assert [(line.skill, line.now.n) for line in digest.lines] == [(OVERALL, 80), ("billing", 40), ("tone", 40)]


@pytest.mark.parametrize(
    ("given", "runs", "headline", "sentence"),
    [
        ({}, 0, "no run this week", "Nothing ran this week, so there is nothing to compare."),
        (
            {"desk": weeks({"tone": [*STEADY[:-1], None]})},
            0,
            "no run this week",
            "Nothing ran this week, so there is nothing to compare.",
        ),
        ({}, 3, "no clear change", "No answer of this week could be scored, so there is nothing to compare."),
        (
            {"desk": weeks({"tone": [*[None] * 11, 0.8]})},
            1,
            "no clear change",
            "This is the first measured week, so there is nothing to compare with yet.",
        ),
        (
            {"desk": [make_week(10, {"old": True}), make_week(11, {f"new{n}": True for n in range(9)})]},
            1,
            "no clear change",
            "Too few of this week's items were asked before to compare them.",
        ),
    ],
)
def test_nothing_to_compare_is_said_as_it_is(
    given: dict[str, list[Week]], runs: int, headline: str, sentence: str
) -> None:
    """No run, no score, no earlier week and no shared items are four different things."""
    digest = compose(given, runs)
    assert (digest.headline, digest.sentences) == (headline, (sentence,))


def test_step_change_is_told_with_its_week_levels_interval_and_n() -> None:
    """A drop weeks ago is still told: since when, from where to where, how sure, and on how many items."""
    digest = compose({"desk": weeks({"citations": DROP, "tone": STEADY})})
    assert digest.headline == "citations still down"
    assert re.fullmatch(
        r"desk · main: citations is at 40% since the drop in the week of Mon 19 Oct \(80% before; the change lies between "
        r"−\d+ and −\d+ points, n 40\)\.",
        digest.sentences[0],
    )


def test_change_in_a_short_series_is_told_against_the_week_before() -> None:
    """Before there is a level to step from, this week is compared with the last measured one on the same items."""
    digest = compose({"desk": weeks({"citations": FRESH_DROP}), "shop": weeks({"tone": STEADY})})
    assert digest.headline == "citations down"
    assert [digest.sentences[0], digest.sentences[-1]] == [
        "desk · main: citations is worse than in the week to 1 Nov, −30 points (−45 to −18, n 40).",
        "Nothing else moved clearly.",
    ]


def test_step_of_this_week_is_told_as_new() -> None:
    """A drop that began this week is not called one that lasts since long."""
    digest = compose({"desk": weeks({"tone": [0.8] * 11 + [0.4]})})
    assert digest.headline == "tone down"
    assert digest.sentences[0].startswith(
        "desk · main: tone is at 40% after the drop in the week of Mon 9 Nov (80% before;"
    )


def test_drops_come_before_rises_and_skills_before_overall() -> None:
    """Whatever their size or kind, drops are told first; the headline names skills, not the total they are part of."""
    digest = compose({"desk": weeks({"tone": RISE, "billing": STEADY}), "shop": weeks({"citations": FRESH_DROP})})
    assert digest.headline == "citations down, tone up"
    assert "shop · main: citations is worse" in digest.sentences[0]
    digest = compose({"desk": weeks({"all": DROP}), "shop": weeks({"tone": RISE})})
    assert "desk · main: all is at" in digest.sentences[0]
    assert "desk · main: overall is at" in digest.sentences[1]


def test_overall_is_the_headline_where_no_skill_moved() -> None:
    """A drop spread over items without skills is named by its suite."""
    passes = {f"i{n}": True for n in range(40)}
    fewer = {item: place % 2 > 0 for place, item in enumerate(passes)}
    digest = compose({"desk": [make_week(10, passes), make_week(11, fewer)]})
    assert digest.headline == "desk down"


def test_many_findings_are_counted_not_told() -> None:
    """At most two are told; the reader learns how many rows of the table moved besides."""
    digest = compose({"desk": weeks({"a": DROP, "b": DROP, "c": DROP})})
    assert len(digest.sentences) == MOST_SENTENCES + 1
    assert digest.sentences[-1] == "2 more rows of the table moved clearly."
    assert digest.headline == "a still down, b still down"


def test_overlapping_steps_and_changes_are_told_once() -> None:
    """A series with a step is not told a second time for its last week."""
    digest = compose({"desk": weeks({"tone": [0.8] * 8 + [0.6] * 3 + [0.3]})})
    assert sum(": tone is" in sentence for sentence in digest.sentences) == 1


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.lists(st.sampled_from([0.3, 0.6, 0.9, None]), min_size=12, max_size=12)
    ),
    st.integers(0, 9),
)
def test_every_digest_keeps_the_rules(shares: dict[str, list[float | None]], seed: int) -> None:
    """Composing twice gives the same; at most two findings; sentences with numbers have an n; no drop after a rise."""
    given_weeks = {"desk": weeks(shares, 12, seed)}
    digest = compose(given_weeks)
    assert digest == compose(given_weeks)
    findings = [sentence for sentence in digest.sentences if " · " in sentence]
    assert len(findings) <= MOST_SENTENCES
    assert len(digest.sentences) <= MOST_SENTENCES + 1
    assert all(re.search(r", n \d+\)\.$", sentence) for sentence in findings)
    ups = [bool(re.search(r"the rise|is better", sentence)) for sentence in findings]
    assert ups == sorted(ups)
    measured = {skill for skill, series in shares.items() if series[-1] is not None}
    assert {line.skill for line in digest.lines} == (measured | {OVERALL} if measured else set())
    assert all(line.now.n for line in digest.lines)
    for trend in digest.trends:
        gaps = [point.estimate is None for point in trend.points]
        if trend.skill != OVERALL:
            assert gaps == [share is None for share in shares[trend.skill]]


def test_week_is_compared_with_the_newest_measured_one() -> None:
    """A gap is skipped: the change says with which week it compares; targets are compared with themselves."""
    series = weeks({"tone": [0.9] * 9 + [None, None, 0.4]})
    assert [change.against for change in week_changes(series)] == ["the week to 25 Oct"] * 2
    assert {change.verdict for change in week_changes(series)} == {Verdict.WORSE}
    other = weeks({"tone": [*[None] * 11, 0.9]}, target="other")[-1]
    both = replace(series[-1], scores=(*series[-1].scores, *other.scores))
    assert {change.target for change in week_changes([*series[:-1], both])} == {"main"}
    elsewhere = Week(series[9].day, other.scores, other.skill_of)
    assert week_changes([*series[:9], elsewhere, *series[10:]]) == week_changes(series)
    assert week_changes([]) == week_changes(series[:10]) == week_changes([make_week(0, {}), series[-1]]) == []


def test_digest_carries_what_people_did_and_three_exhibits() -> None:
    """Grades, graders, agreement, added items and the next time are taken over; of the exhibits the first three."""
    exhibits = [Exhibit("fail", f"title {n}", "run", f"output-{n}", None) for n in range(5)]
    digest = compose({"desk": weeks({"tone": STEADY})}, 4, exhibits)
    assert digest.exhibits == tuple(exhibits[:MOST_EXHIBITS])
    assert (digest.runs, digest.human_grades, digest.graders, digest.items_added) == (4, 46, ("U0ANN", "U0BEN"), 2)
    assert (digest.judge_agreement, digest.next_at) == (EFFORT.judge_agreement, SLOT.next_at)
    assert (digest.slot, digest.start, digest.end, digest.late) == (SLOT.name, SLOT.start, SLOT.end, False)


JUDGED = frozenset({GraderKind.JUDGE})


def by_judge(series: Sequence[Week], doubted: bool) -> list[Week]:
    """Give the weeks as a judge's grades by the rubric `helpful`; `doubted` when it is unverified."""
    return [
        replace(
            week,
            scores=tuple(
                replace(score, scores={"helpful": float(score.passed)}, passes={"helpful": score.passed}, kinds=JUDGED)
                for score in week.scores
            ),
            doubted=doubted,
        )
        for week in series
    ]


def test_an_unverified_judge_makes_no_headline() -> None:
    """A drop that only such a judge saw is neither headline nor sentence; its rows are there and say so."""
    series = weeks({"citations": DROP, "tone": STEADY})
    assert compose({"desk": by_judge(series, doubted=False)}).headline == "citations still down"
    digest = compose({"desk": by_judge(series, doubted=True)})
    assert digest.headline == "judge unverified: no headline"
    assert digest.sentences == ("Every number of this week stands on a judge that is unverified.",)
    assert [line.verified for line in digest.lines] == [False] * 3
    assert all(line.verified for line in compose({"desk": by_judge(series, doubted=False)}).lines)


def test_what_is_verified_still_makes_the_headline() -> None:
    """Beside a suite whose judge is unverified another one is told of as always."""
    digest = compose(
        {
            "desk": by_judge(weeks({"citations": DROP}), doubted=True),
            "shop": weeks({"refunds": DROP, "tone": STEADY}),
        }
    )
    assert digest.headline == "refunds still down"
    assert digest.sentences[-1] == "2 rows stand on a judge that is unverified, left out of the above."
    assert not any("citations" in sentence for sentence in digest.sentences)


def test_the_newest_week_is_told_as_people_corrected_it() -> None:
    """Where people graded enough of the week's answers the row has their number, which no doubt of the judge touches."""
    series = by_judge(weeks({"citations": STEADY}), doubted=True)
    last = series[-1]
    drawn = {score.output_id: Drawn(0.5, Label(float(n % 2), float(n % 2))) for n, score in enumerate(last.scores[:20])}
    people = People({score.item_id: "helpful" for score in last.scores}, drawn)
    digest = compose({"desk": [*series[:-1], replace(last, people=people)]})
    line = digest.lines[0]
    assert (line.now.how, line.now.human_n, line.verified) == (How.CORRECTED, 20, True)
    assert line.now.score < 0.8


def graded(week: Week, share: float) -> Week:
    """Give a judged week in which people graded every second answer and pass so many of each skill."""
    said = {
        one.output_id: Drawn(0.5, Label(*([float(place % 20 < 20 * share)] * 2)))
        for place, one in enumerate(week.scores)
        if place % 2
    }
    return replace(week, people=People({one.item_id: "helpful" for one in week.scores}, said))


def test_a_doubted_judges_step_is_no_headline_beside_a_corrected_number() -> None:
    """The newest number is people's and verified, the step it seems to stand on is a doubted judge's: that is not told."""
    series = by_judge(weeks({"citations": DROP}), doubted=True)
    digest = compose({"desk": [*series[:-1], graded(series[-1], 0.8)]})
    assert [(line.verified, line.change_verified) for line in digest.lines] == [(True, False)] * 2
    assert digest.headline == "no clear change"
    assert not any("still down" in sentence or " · " in sentence for sentence in digest.sentences)


def test_a_judges_step_beside_a_corrected_number_says_whose_it_is() -> None:
    """With a judge that nobody doubts the step is told, by the judge alone, as the number beside it is not."""
    series = by_judge(weeks({"citations": DROP}), doubted=False)
    digest = compose({"desk": [*series[:-1], graded(series[-1], 0.4)]})
    assert digest.headline == "citations still down"
    assert re.search(r"−\d+ and −\d+ points, by the judge alone, n 40\)\.$", digest.sentences[0])


def test_a_step_that_people_graded_on_both_sides_is_told_as_theirs() -> None:
    """Where people graded before and after, the sentence has their levels and says so."""
    series = by_judge(weeks({"citations": [0.8] * 5 + [0.4] * 7}), doubted=True)
    series[3], series[-1] = graded(series[3], 0.8), graded(series[-1], 0.2)
    digest = compose({"desk": series})
    assert digest.headline == "citations still down"
    assert ", corrected by people, n 40)." in digest.sentences[0]


def test_weeks_graded_in_another_way_are_not_compared() -> None:
    """The first week of another judge says that it is that, not that something fell."""
    series = by_judge(weeks({"citations": [0.9] * 11 + [0.4]}), doubted=False)
    items = series[-1].skill_of
    changed = [replace(week, graded_by=dict.fromkeys(items, "old")) for week in series[:-1]]
    digest = compose({"desk": [*changed, replace(series[-1], graded_by=dict.fromkeys(items, "new"))]})
    assert digest.headline == "no clear change"
    assert digest.sentences == (
        "Judge, rubric or checks are not those of the weeks before, so nothing is compared with them.",
    )
    assert {line.change for line in digest.lines} == {None}
