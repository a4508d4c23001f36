"""Corrections: the judge's grades of all outputs with people's grades of a few make one honest number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.grading.sampling import Known, Pickable, choose_outputs, learn_doubts, usual_doubt
from evalbot.reporting.corrections import (
    FEWEST_GRADED,
    Drawn,
    People,
    corrected_rows,
    grades_to_halve,
)
from evalbot.reporting.estimates import FEWEST, OVERALL, How, ScoreRow
from evalbot.reporting.scores import OutputScore, completed_rows, score_rows
from evalbot.reporting.telling import saving_words
from evalbot.runs.outputs import OutputId
from evalbot.stats.active import draw, inclusion_probabilities
from evalbot.stats.intervals import widened_mean
from evalbot.stats.judged import corrected_pool_mean
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId
from evalbot.suites.suites import Strategy

RUBRIC = "helpful"
JUDGE = frozenset({GraderKind.JUDGE})
CHECK = frozenset({GraderKind.CHECK})


def judged(place: int, passed: bool, **more: bool) -> OutputScore:
    """Give the score of an output that the judge graded by the rubric, and checks by further criteria."""
    kinds = {RUBRIC: JUDGE, **dict.fromkeys(more, CHECK)}
    passes = {RUBRIC: passed, **more}
    scores = {name: float(value) for name, value in passes.items()}
    return OutputScore(
        OutputId(f"o{place:05d}"),
        "main",
        ItemId(f"i{place:05d}"),
        scores,
        passes,
        frozenset().union(*kinds.values()),
        complete=True,
        kinds_by=kinds,
    )


def label(passed: float) -> Label:
    """Give people's verdict."""
    return Label(passed, passed)


def people(
    scores: Iterable[OutputScore], said: dict[int, float], chance: float | dict[int, float] = 0.5, asked: int = 0
) -> People:
    """Give what people said of outputs by number, each drawn with its chance; so many more were drawn and not graded."""
    drawn = {
        OutputId(f"o{place:05d}"): Drawn(chance if isinstance(chance, float) else chance[place], label(value))
        for place, value in said.items()
    }
    spare = [score.output_id for score in scores if score.output_id not in drawn][:asked]
    drawn |= {one: Drawn(chance if isinstance(chance, float) else 0.5) for one in spare}
    return People({score.item_id: RUBRIC for score in scores}, drawn)


def rows_of(scores: Sequence[OutputScore], said: People, skills: dict[int, str] | None = None) -> list[ScoreRow]:
    """Estimate and correct."""
    skill_of: dict[ItemId, str | None] = {ItemId(f"i{place:05d}"): name for place, name in (skills or {}).items()}
    return corrected_rows(score_rows(scores, skill_of, frozenset()), scores, skill_of, said)


def overall(scores: Sequence[OutputScore], said: People, criterion: str = PASS_CRITERION) -> ScoreRow:
    """Give the corrected row of all items."""
    return next(row for row in rows_of(scores, said) if (row.skill, row.criterion) == (OVERALL, criterion))


def world(size: int, agree: float, seed: int, rate: float = 0.8) -> tuple[list[OutputScore], list[float]]:
    """Give judged outputs and what people would say of each: the judge gives their verdict so often, else the other one."""
    rng = np.random.default_rng(seed)
    truth = rng.random(size) < rate
    said = np.where(rng.random(size) < agree, truth, ~truth)
    return [judged(place, bool(one)) for place, one in enumerate(said)], truth.astype(float).tolist()


def drawn_of(truth: Sequence[float], n: int, seed: int) -> dict[int, float]:
    """Draw outputs by equal chance and give people's verdict on them."""
    places = np.random.default_rng(seed).choice(len(truth), n, replace=False)
    return {int(place): truth[int(place)] for place in places}


# --- what the number is ----------------------------------------------------------------------------


def test_the_corrected_score_is_the_prediction_powered_mean() -> None:
    """Overall it equals the statistic of the same arrays, stands beside the judge's own score, and says how it was made."""
    scores, truth = world(180, 0.8, 1)
    said = drawn_of(truth, 40, 2)
    row = overall(scores, people(scores, said, 40 / 180))
    pool = [float(score.passed) for score in scores]
    places = sorted(said)
    expected = corrected_pool_mean([truth[n] for n in places], [pool[n] for n in places], pool)
    assert row.corrected is not None
    found = row.corrected.estimate
    assert (found.score, found.lower, found.upper) == pytest.approx(
        (expected.measured.value, expected.measured.lower, expected.measured.upper)
    )
    assert (found.how, found.human_n, found.n, row.corrected.outputs) == (How.CORRECTED, 40, 180, 180)
    assert row.corrected.bias == pytest.approx(expected.bias)
    assert row.corrected.saving == pytest.approx(expected.correlation**2)
    assert row.estimate.how is How.JUDGE
    assert row.estimate.score == pytest.approx(np.mean(pool))
    assert row.best is found


@pytest.mark.parametrize("graded", [0, 1, FEWEST_GRADED - 1])
def test_with_few_grades_the_judges_score_stays(graded: int) -> None:
    """Below ten graded outputs nothing is corrected, and the row says how many are missing."""
    scores, truth = world(60, 0.8, 3)
    row = overall(scores, people(scores, drawn_of(truth, graded, 4)))
    assert row.corrected is None
    assert (row.best, row.grades_needed) == (row.estimate, FEWEST_GRADED - graded)


def test_grades_that_were_not_drawn_by_chance_count_for_nothing() -> None:
    """Only drawn outputs have a place in what people did; the rest of their grades cannot enter."""
    scores, truth = world(60, 0.8, 3)
    row = overall(scores, people(scores, {}, asked=20))
    assert (row.corrected, row.grades_needed) == (None, FEWEST_GRADED)
    assert [truth[0]], "people's opinion of the others exists, but not for the score"


def test_checks_need_no_correction() -> None:
    """Where no judge decides there is nothing to correct, and nobody is asked to grade."""
    scores = [replace(judged(n, n % 3 > 0), kinds=CHECK, kinds_by={RUBRIC: CHECK}) for n in range(40)]
    row = overall(scores, people(scores, dict.fromkeys(range(20), 1.0)))
    assert (row.corrected, row.grades_needed, row.estimate.how) == (None, 0, How.CHECK)


def test_settled_outputs_keep_their_score() -> None:
    """Where checks alone decide half of the outputs, people's verdict moves the other half only."""
    scores, truth = world(40, 0.9, 5)
    settled = [replace(judged(100 + n, n < 10), kinds=CHECK, kinds_by={RUBRIC: CHECK}) for n in range(40)]
    said = drawn_of(truth, 40, 6)
    alone = overall(scores, people(scores, said, 1.0)).corrected
    both = overall([*scores, *settled], people([*scores, *settled], said, 1.0)).corrected
    assert alone is not None
    assert both is not None
    assert both.estimate.score == pytest.approx((alone.estimate.score + 10 / 40) / 2)
    assert (both.outputs, both.estimate.n, both.estimate.human_n) == (80, 80, 40)


def test_a_failed_check_stays_a_fail_whatever_people_say() -> None:
    """People answer for the judge's criterion; the output still has to pass its checks."""
    scores = [judged(n, True, exact=n % 2 == 0) for n in range(40)]
    row = overall(scores, people(scores, dict.fromkeys(range(40), 1.0), 1.0))
    assert row.corrected is not None
    assert row.corrected.estimate.score == pytest.approx(0.5)
    criterion = overall(scores, people(scores, dict.fromkeys(range(40), 1.0), 1.0), RUBRIC)
    assert criterion.corrected is not None
    assert criterion.corrected.estimate.score == pytest.approx(1.0)


def test_a_criterion_that_people_are_not_asked_about_is_not_corrected() -> None:
    """With a second judged criterion the pass rate stays the judge's; the criterion that people grade is corrected."""
    scores = [replace(judged(n, True, tone=True), kinds_by={RUBRIC: JUDGE, "tone": JUDGE}) for n in range(30)]
    said = people(scores, {n: float(n % 2) for n in range(30)}, 1.0)
    assert overall(scores, said).corrected is None
    assert overall(scores, said, "tone").corrected is None
    corrected = overall(scores, said, RUBRIC).corrected
    assert corrected is not None
    assert corrected.estimate.score == pytest.approx(0.5)


def test_the_holdout_is_left_out_of_the_corrected_score() -> None:
    """Items that never come before people are in the judge's score and not in the corrected one, whose n says so."""
    scores, truth = world(60, 0.9, 7)
    said = people(scores, drawn_of(truth[:40], 20, 8))
    hidden = replace(said, criterion_of={score.item_id: RUBRIC for score in scores[:40]})
    row = overall(scores, hidden)
    assert row.corrected is not None
    assert (row.estimate.n, row.corrected.estimate.n) == (60, 40)


# --- skills ----------------------------------------------------------------------------------------


def test_skills_with_few_grades_borrow_the_trust_and_keep_their_own_residual() -> None:
    """Ten grades learn their own weight, five to nine take that of all, fewer give no corrected score."""
    scores, truth = world(120, 0.85, 9)
    skills = {place: ("many", "some", "few")[place % 3] for place in range(120)}
    wanted = {"many": 20, "some": FEWEST + 2, "few": FEWEST - 1}
    said: dict[int, float] = {}
    for skill, count in wanted.items():
        mine = [place for place in range(120) if skills[place] == skill][:count]
        said |= {place: truth[place] for place in mine}
    rows = {
        row.skill: row for row in rows_of(scores, people(scores, said, 0.25), skills) if row.criterion == PASS_CRITERION
    }
    assert rows["few"].corrected is None
    pooled = overall(scores, people(scores, said, 0.25))
    assert pooled.corrected is not None
    for skill in ("many", "some"):
        found = rows[skill].corrected
        places = [place for place in said if skills[place] == skill]
        pool = [float(scores[place].passed) for place in range(120) if skills[place] == skill]
        judge = [float(scores[place].passed) for place in places]
        weight = None if skill == "many" else _weight(scores, said)
        expected = corrected_pool_mean([said[one] for one in places], judge, pool, weight=weight).measured
        assert found is not None
        assert (found.estimate.score, found.estimate.upper) == pytest.approx((expected.value, expected.upper))
        assert found.estimate.human_n == wanted[skill]


def _weight(scores: Sequence[OutputScore], said: dict[int, float]) -> float:
    """Give how far all grades together trust the judge."""
    people_, judge = np.array(list(said.values())), np.array([float(scores[place].passed) for place in said])
    return max(0.0, float(np.cov(people_, judge, ddof=0)[0, 1] / judge.var()))


# --- what the interval is worth --------------------------------------------------------------------


@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.short
def test_a_judge_that_is_noise_widens_no_interval(n: int) -> None:
    """With a judge whose grades are shuffled the corrected interval is at most 3 % wider than that of people alone."""
    rng = np.random.default_rng(10)
    ratios = []
    for seed in range(60):
        scores, truth = world(600, 0.9, seed)
        shuffled = [
            replace(judged(place, bool(one)), target="main")
            for place, one in enumerate(rng.permutation([score.passed for score in scores]))
        ]
        said = drawn_of(truth, n, seed)
        row = overall(shuffled, people(shuffled, said, n / 600))
        assert row.corrected is not None
        alone = widened_mean(list(said.values()), pool=600)
        ratios.append(row.corrected.estimate.half_width / alone.half_width)
    assert np.mean(ratios) <= 1.03
    assert np.quantile(ratios, 0.9) <= 1.03


DRAWS = [80, pytest.param(300, marks=pytest.mark.drill)]
"""How often a world is drawn from: enough to see an interval that does not hold, and for long."""


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize(("n", "agree"), [(50, 0.7), (100, 0.85)])
def test_the_interval_holds_what_people_would_say_of_all(n: int, agree: float, draws: int) -> None:
    """In about 95 of 100 draws the mean of all people's verdicts lies within, and no judge shifts the middle."""
    scores, truth = world(300, agree, 11)
    held, values = 0, []
    for seed in range(draws):
        found = overall(scores, people(scores, drawn_of(truth, n, seed), n / 300)).corrected
        assert found is not None
        held += bool(found.estimate.lower <= np.mean(truth) <= found.estimate.upper)
        values.append(found.estimate.score)
    assert held / draws >= 0.92
    assert np.mean(values) == pytest.approx(np.mean(truth), abs=4 * np.std(values) / draws**0.5)


@pytest.mark.parametrize("draws", DRAWS)
def test_unequal_chances_are_weighed(draws: int) -> None:
    """Outputs drawn mostly where the judge says fail give the same mean in the long run, within intervals that hold."""
    scores, truth = world(300, 0.8, 12)
    doubt = [0.1 if score.passed else 0.6 for score in scores]
    chances = inclusion_probabilities(doubt, 60)
    held, values, plain = 0, [], []
    for seed in range(draws):
        places = [int(one) for one in draw(chances, np.random.default_rng(seed))]
        said = {place: truth[place] for place in places}
        row = overall(scores, people(scores, said, {place: float(chances[place]) for place in places}))
        assert row.corrected is not None
        assert "weighted by chance" in row.corrected.estimate.method
        held += bool(row.corrected.estimate.lower <= np.mean(truth) <= row.corrected.estimate.upper)
        values.append(row.corrected.estimate.score)
        plain.append(np.mean(list(said.values())))
    assert held / draws >= 0.93
    assert np.mean(values) == pytest.approx(np.mean(truth), abs=4 * np.std(values) / draws**0.5)
    assert abs(np.mean(plain) - np.mean(truth)) > 0.1


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("share", [0.5, 0.75])
def test_unanswered_draws_are_taken_as_chance(share: float, draws: int) -> None:
    """Drawn outputs that nobody graded shift no weighted score."""
    scores, truth = world(300, 0.8, 13)
    chances = inclusion_probabilities([0.1 if score.passed else 0.6 for score in scores], 80)
    values = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        places = [int(one) for one in draw(chances, rng)]
        kept = {place for place in places if rng.random() < share}
        drawn = {
            OutputId(f"o{place:05d}"): Drawn(float(chances[place]), label(truth[place]) if place in kept else None)
            for place in places
        }
        row = overall(scores, People({score.item_id: RUBRIC for score in scores}, drawn))
        assert row.corrected is not None
        values.append(row.corrected.estimate.score)
    assert np.mean(values) == pytest.approx(np.mean(truth), abs=4 * np.std(values) / draws**0.5)


def rounds(judge: Sequence[float], truth: Sequence[float], plan: Sequence[Strategy], seed: int) -> dict[int, float]:
    """Open rounds of twelve as the bot does, all graded at once, and give the chance kept beside each drawn output."""
    chances, seen = dict[int, float](), set[int]()
    for number, strategy in enumerate(plan):
        doubts = learn_doubts([Known(judge[place], truth[place]) for place in chances])
        alike = {judge[place]: chance for place, chance in chances.items()}
        pool = [
            Pickable(
                OutputId(f"o{place:05d}"),
                failed=not judge[place],
                doubt=doubts.get(judge[place], usual_doubt(doubts)),
                chance=chances.get(place, alike.get(judge[place], min(alike.values(), default=0.0))),
                seen=place in seen,
            )
            for place in range(len(judge))
        ]
        left, drawn = (
            [one for place, one in enumerate(pool) if (place in chances) is there] for there in (False, True)
        )
        choice = choose_outputs(left, 12, strategy, 10 * seed + number, drawn)
        for one in (*choice.picked, *choice.recounted):
            place = int(one.output_id[1:])
            if one.probability:
                chances[place] = one.probability
            seen = seen - {place} if one.probability else seen | {place}
    return chances


R, M, F = Strategy.RANDOM, Strategy.MIX, Strategy.FAIL


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("plan", [(R, R), (R, M, M), (F, R, M)])
def test_several_rounds_together_give_an_honest_number(plan: Sequence[Strategy], draws: int) -> None:
    """However rounds are put together, with failures looked at in between, the score is right in the long run and its
    interval holds: a judge that passes twice too many is corrected to what people would say of all."""
    judge, truth = [float(n % 2) for n in range(60)], [float(n % 4 == 3) for n in range(60)]
    scores = [judged(place, bool(one)) for place, one in enumerate(judge)]
    held, values = 0, []
    for seed in range(draws):
        chances = rounds(judge, truth, plan, seed)
        row = overall(scores, people(scores, {place: truth[place] for place in chances}, chances))
        assert row.corrected is not None
        held += row.corrected.estimate.lower <= 0.25 <= row.corrected.estimate.upper
        values.append(row.corrected.estimate.score)
    assert held / draws >= 0.90
    assert np.mean(values) == pytest.approx(0.25, abs=4 * np.std(values) / draws**0.5)


def test_repeats_of_an_item_are_a_cluster() -> None:
    """Five answers to each of the same items say less than answers to five times as many: the interval is wider."""
    truth = [float(n % 10 < 7) for n in range(40) for _ in range(5)]
    scores = [replace(judged(place, True), item_id=ItemId(f"i{place // 5:05d}")) for place in range(200)]
    alone = [judged(place, True) for place in range(200)]
    said = {place: truth[place] for place in range(100)}
    together, apart = (overall(one, people(one, said, 0.5)).corrected for one in (scores, alone))
    assert together is not None
    assert apart is not None
    assert together.estimate.half_width > 1.5 * apart.estimate.half_width
    assert "clustered" in together.estimate.method


# --- rules that always hold ------------------------------------------------------------------------

verdicts = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=10, max_size=60)


@given(verdicts, st.randoms(use_true_random=False))
def test_a_corrected_score_is_a_share_whatever_the_order(found: list[tuple[bool, bool, bool]], rng: object) -> None:
    """It lies within its interval and the interval within [0, 1]; the order of outputs means nothing."""
    scores = [judged(place, judge) for place, (judge, _, _) in enumerate(found)]
    said = {place: float(verdict) for place, (_, verdict, graded) in enumerate(found) if graded}
    row = overall(scores, people(scores, said))
    assert (row.corrected is None) is (len(said) < FEWEST_GRADED)
    if row.corrected:
        found_ = row.corrected.estimate
        assert 0 <= found_.lower <= found_.score <= found_.upper <= 1
        mixed = list(scores)
        rng.shuffle(mixed)  # type: ignore[attr-defined]
        again = overall(mixed, people(scores, said)).corrected
        assert again is not None
        assert (again.estimate.score, again.estimate.lower) == pytest.approx((found_.score, found_.lower))


@given(verdicts)
def test_when_people_graded_everything_the_judge_says_nothing_more(found: list[tuple[bool, bool, bool]]) -> None:
    """The corrected score of a run that people graded whole is their own mean, without doubt."""
    scores = [judged(place, judge) for place, (judge, _, _) in enumerate(found)]
    said = {place: float(verdict) for place, (_, verdict, _) in enumerate(found)}
    row = overall(scores, people(scores, said, 1.0))
    assert row.corrected is not None
    estimate = row.corrected.estimate
    assert (estimate.score, estimate.half_width) == pytest.approx((np.mean(list(said.values())), 0.0), abs=1e-9)
    assert row.corrected.to_halve is None


# --- what more grades would do ---------------------------------------------------------------------


@given(st.integers(10, 400), st.integers(0, 5000))
def test_so_many_more_grades_halve_the_interval(n: int, more: int) -> None:
    """At the number named the width is half or less, with one grade fewer it is not; it never exceeds what is left."""
    pool = n + more
    needed = grades_to_halve(n, pool)
    if more == 0:
        assert needed is None
        return
    assert needed is not None
    assert 0 < needed <= more

    def width(graded: int) -> float:
        return sqrt(max(0.0, 1 - graded / pool) / graded)

    assert width(n + needed) <= width(n) / 2 + 1e-12
    assert width(n + needed - 1) > width(n) / 2 - 1e-12


def test_the_named_number_halves_a_real_interval() -> None:
    """Grading as many more as is said makes the interval about half as wide, over many draws."""
    scores, truth = world(400, 0.85, 14)
    ratios = []
    for seed in range(60):
        before = overall(scores, people(scores, drawn_of(truth, 30, seed), 30 / 400)).corrected
        assert before is not None
        assert before.to_halve is not None
        n = 30 + before.to_halve
        after = overall(scores, people(scores, drawn_of(truth, n, seed + 1000), n / 400)).corrected
        assert after is not None
        ratios.append(after.estimate.half_width / before.estimate.half_width)
    assert 0.35 < np.mean(ratios) <= 0.55


@pytest.mark.parametrize(("n", "told"), [(19, False), (20, True)])
def test_the_saving_is_told_from_twenty_grades_on(n: int, told: bool) -> None:
    """A correlation of fewer grades is not worth telling."""
    scores, truth = world(100, 0.9, 15)
    found = overall(scores, people(scores, drawn_of(truth, n, 16), n / 100)).corrected
    assert found is not None
    assert (found.saving is not None) is told


def checked_world(size: int, judge_passes: Sequence[bool]) -> list[OutputScore]:
    """Give outputs of which every third fails a code check, whatever the judge says."""
    return [judged(place, judge_passes[place], exact=place % 3 > 0) for place in range(size)]


def test_a_judge_spares_nothing_where_checks_decide_all() -> None:
    """A judge and people who pass everything agree wholly on what the checks decide; no click is saved by that."""
    scores = checked_world(90, [True] * 90)
    found = overall(scores, people(scores, drawn_of([1.0] * 90, 60, 21), 60 / 90)).corrected
    assert found is not None
    assert found.estimate.score == pytest.approx(2 / 3)
    assert saving_words(found) == ""


def test_the_saving_is_measured_where_checks_leave_it_open() -> None:
    """Beside checks the judge is held against people on the other outputs only; too few of these say nothing."""
    rng = np.random.default_rng(22)
    truth = rng.random(90) < 0.6
    said = np.where(rng.random(90) < 0.8, truth, ~truth)
    scores = checked_world(90, [bool(one) for one in said])
    everything = {place: float(one) for place, one in enumerate(truth)}
    found = overall(scores, people(scores, everything, 1.0)).corrected
    left = np.arange(90) % 3 > 0
    assert found is not None
    assert found.saving == pytest.approx(np.corrcoef(truth[left], said[left])[0, 1] ** 2)
    few = overall(scores, people(scores, {n: everything[n] for n in range(29)}, 29 / 90)).corrected
    assert few is not None
    assert few.saving is None


def test_every_skill_of_a_large_run_is_corrected() -> None:
    """Each of twenty skills and the whole get a corrected number beside the judge's; exact checks need none."""
    scores, truth = world(2_000, 0.85, 17)
    scores = [replace(one, scores={**one.scores, "exact": 1.0}, passes={**one.passes, "exact": True}) for one in scores]
    scores = [replace(one, kinds_by={RUBRIC: JUDGE, "exact": CHECK}, kinds=JUDGE | CHECK) for one in scores]
    skill_of: dict[ItemId, str | None] = {one.item_id: f"s{n % 20}" for n, one in enumerate(scores)}
    said = people(scores, drawn_of(truth, 400, 18), 400 / 2_000)
    rows = completed_rows(score_rows(scores, skill_of, frozenset()), scores, skill_of)
    rows = corrected_rows(rows, scores, skill_of, said)
    assert sum(row.corrected is not None for row in rows) == 2 * 21
