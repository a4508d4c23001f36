"""Explanations: what a number rests on, and arithmetic that gives the very number shown."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.consensus import Label
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.reporting.arithmetic import Formula, explain_agreement, explain_change, explain_mean
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.corrections import Drawn, People, corrected_rows
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, RunSummary, ScoreRow
from evalbot.reporting.explanations import RunNumbers, explain_row, number_key
from evalbot.reporting.scores import OutputScore, score_rows
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import mean_of
from evalbot.stats.pairs import compare_pairs
from evalbot.stats.verdicts import Verdict, decide
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId
from tests.factories import NOON, make_grade, make_human_grade, make_item, make_run, make_suite

UNVERIFIED = JudgeStanding(Standing.UNVERIFIED, 0.65, 0.5, 0.78, 40, 0.52, 1.0, "It agrees less.")


def numbers_in(line: str) -> list[float]:
    """The numbers of a line."""
    return [float(one.replace("−", "-").replace(",", "")) for one in re.findall(r"[−-]?\d[\d,]*\.?\d*", line)]


def ends(formula: Formula) -> tuple[float, float]:
    """The interval that the steps come to."""
    lower, upper, *_ = numbers_in(formula.steps[-1].removeprefix("interval = "))
    return lower, upper


# --- means -----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=60))
def test_steps_come_to_the_number_shown(values: list[float]) -> None:
    """Whatever interval suits the values, its steps start from them, end at the estimate, and name their source."""
    found = mean_of(values)
    estimate = Estimate(found.value, found.lower, found.upper, found.n, How.CHECK, found.method)
    formula = explain_mean(estimate, values)
    assert numbers_in(formula.steps[0])[-1] == pytest.approx(found.value, abs=6e-5) or "on each of" in formula.steps[0]
    assert ends(formula) == pytest.approx((found.lower, found.upper), abs=6e-5)
    assert "doi" in formula.source
    assert formula.sentence.endswith(".")


def test_a_share_shows_centre_and_half_width() -> None:
    """37 of 44 by Wilson: centre plus and minus half width is the interval."""
    found = mean_of([1.0] * 37 + [0.0] * 7)
    formula = explain_mean(
        Estimate(found.value, found.lower, found.upper, 44, How.CHECK, found.method), [1.0] * 37 + [0.0] * 7
    )
    assert formula.steps[0] == "score = 37 / 44 items = 0.8409"
    centre, half = numbers_in(formula.steps[2])[-1], numbers_in(formula.steps[4])[-1]
    assert (centre - half, centre + half) == pytest.approx((found.lower, found.upper), abs=2e-4)


def test_a_mean_shows_spread_error_and_quantile() -> None:
    """Mean plus and minus t times standard error is the interval."""
    values = list(np.random.default_rng(5).random(40))
    found = mean_of(values)
    steps = explain_mean(Estimate(found.value, found.lower, found.upper, 40, How.JUDGE, found.method), values).steps
    half = numbers_in(next(step for step in steps if step.startswith("half width")))[-1]
    assert found.value - half == pytest.approx(found.lower, abs=2e-4)


# --- runs ------------------------------------------------------------------------------------------


def make_numbers(graded: int = 20, standing: JudgeStanding | None = None, checked: bool = False) -> RunNumbers:
    """A run of 40 items that a judge passes too kindly, and people of whom some graded."""
    items = [make_item(f"i{n}", skill="refunds" if n % 2 else "shipping") for n in range(40)]
    kinds = frozenset({GraderKind.JUDGE} | ({GraderKind.CHECK} if checked else set()))
    scores = tuple(_score(n, kinds) for n in range(40))
    drawn = {
        OutputId(f"o{n}"): Drawn(
            graded / 40, Label(float(n % 3 > 0), float(n % 3 > 0)) if n % 2 or n < graded else None
        )
        for n in range(graded)
    }
    people = People({ItemId(f"i{n}"): "helpful" for n in range(40)}, drawn)
    skills = {item.id: item.skill for item in items}
    rows = tuple(corrected_rows(score_rows(scores, skills, frozenset(drawn)), scores, skills, people))
    judge = Grader(GraderKind.JUDGE, "sim-judge", "helpful/1 rubric/2 85f1ddd6aa")
    grades: dict[OutputId, list[Grade]] = {
        score.output_id: [
            make_grade(output_id=score.output_id, grader=judge, criterion="helpful", at=NOON),
            *([make_human_grade(2, output_id=score.output_id)] if score.output_id in drawn else []),
        ]
        for score in scores
    }
    summary = RunSummary(rows, (), 40, 41, 1, 0, "sim-judge", None, graded, None, 1.0, standing=standing)
    return RunNumbers(make_run(number=12), make_suite(*items, version=3), summary, scores, grades, people)


def _score(n: int, kinds: frozenset[GraderKind]) -> OutputScore:
    """The judge's score of one output."""
    passed = n % 3 > 0 or n % 2 == 0
    value = {"helpful": float(passed)}
    return OutputScore(OutputId(f"o{n}"), "main", ItemId(f"i{n}"), value, {"helpful": passed}, kinds, complete=True)


def row_of(numbers: RunNumbers, skill: str = OVERALL) -> ScoreRow:
    """The pass rate on a skill."""
    return next(row for row in numbers.summary.rows if row.skill == skill and row.criterion == PASS_CRITERION)


@pytest.mark.parametrize("skill", [OVERALL, "refunds"])
@pytest.mark.parametrize("graded", [20, 40])
def test_the_correction_is_computed_before_the_readers_eyes(graded: int, skill: str) -> None:
    """The steps of a corrected number start from the judge's mean and end at the number and interval of the run."""
    numbers = make_numbers(graded)
    row = row_of(numbers, skill)
    assert row.corrected is not None
    explanation = explain_row(numbers, row)
    formula, judge_only = explanation.formulas
    assert explanation.shown == row.corrected.estimate
    assert ends(formula) == pytest.approx((explanation.shown.lower, explanation.shown.upper), abs=6e-5)
    assert numbers_in(formula.steps[-2])[-1] == pytest.approx(explanation.shown.score, abs=6e-5)
    assert numbers_in(formula.steps[0])[-1] == pytest.approx(row.estimate.score, abs=6e-5)
    reach = [numbers_in(step) for step in formula.steps if step.startswith("reach")]
    assert explanation.shown.score - reach[0][0] == pytest.approx(explanation.shown.lower, abs=2e-4)
    assert ends(judge_only) == pytest.approx((row.estimate.lower, row.estimate.upper), abs=6e-5)
    assert ("every one" in formula.sentence) == (graded == 40)


def test_an_explanation_names_everything_behind_a_number() -> None:
    """Items, what is left out, the judge with prompt and rubric version and hash, people, and the ways beside."""
    explanation = explain_row(make_numbers(), row_of(make_numbers()))
    facts = {fact.name: fact.text for fact in explanation.facts}
    assert explanation.title == "Run 12 of support-desk · main · all items"
    assert facts["Items"] == "40 items of version 3, 40 answers"
    assert facts["Not counted"] == "1 error of the run"
    assert facts["Judge"] == "sim-judge, rubric helpful version 1, prompt rubric version 2 (85f1ddd6): 40 answers"
    assert facts["People"] == "1 person graded 20 answers, 20 of 20 grades blind; 20 answers drawn by chance"
    assert [one.name for one in explanation.beside] == ["by the judge alone"]
    assert explanation.more == ("explain 12 refunds", "explain 12 shipping", "explain judge support-desk")


def test_an_unverified_judge_is_named_wherever_its_number_stands() -> None:
    """Alone its number is doubted with the reason; beside a corrected one it is marked."""
    alone = make_numbers(graded=0, standing=UNVERIFIED)
    assert "unverified" in explain_row(alone, row_of(alone)).doubt
    corrected = make_numbers(standing=UNVERIFIED)
    explanation = explain_row(corrected, row_of(corrected))
    assert explanation.doubt == ""
    assert explanation.beside[0].name == "by the judge alone, unverified"
    facts = {fact.name: fact.text for fact in explanation.facts}
    assert facts["Trust in the judge"].startswith("unverified: agrees with people on 65 % of answers (50 to 78, n 40)")


def test_each_number_of_a_run_has_a_name_of_its_own() -> None:
    """Buttons tell numbers apart by a hash of target, skill and criterion, which holds none of these."""
    rows = make_numbers().summary.rows
    keys = {number_key(row) for row in rows}
    assert len(keys) == len(rows)
    assert number_key(replace(rows[0], estimate=rows[1].estimate)) == number_key(rows[0])


# --- judges ----------------------------------------------------------------------------------------


def test_the_bar_of_a_judge_is_shown() -> None:
    """Agreement, blind guess, ceiling and bar stand in the order in which they decide."""
    steps = explain_agreement(UNVERIFIED).steps
    assert steps[0] == "agreement = 26.0 / 40 answers = 0.6500"
    assert steps[-2] == "bar = the higher of 0.5200 and 1.0000 − 0.05 = 0.9500"
    assert steps[-1] == "lower end 0.5000 is under the bar: unverified"


def test_an_unmeasured_judge_has_no_arithmetic_to_show() -> None:
    """Nothing is computed of too few answers, and that is said."""
    few = JudgeStanding(Standing.UNMEASURED, None, None, None, 4, None, None, "Too few.")
    assert explain_agreement(few).steps == ("4 answers graded by judge and people: too few to measure anything",)


# --- differences -----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=80), st.booleans())
def test_a_difference_is_explained_with_its_verdict(pairs: list[tuple[bool, bool]], told: bool) -> None:
    """The steps hold difference and interval as shown, say on which side zero lies, and name the items that it takes."""
    before, after = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = compare_pairs(before, after, np.random.default_rng(1)).difference
    decision = decide(found, MARGIN, None if told else 1.0)
    verdict, needed = decision.verdict, decision.needed
    change = Change("b", "run 1", OVERALL, found.value, found.lower, found.upper, found.n, verdict, needed, How.CHECK)
    formula = explain_change(change, MARGIN)
    assert numbers_in(formula.steps[0])[-1] == pytest.approx(found.value, abs=6e-5)
    assert numbers_in(formula.steps[1]) == pytest.approx([found.lower, found.upper], abs=6e-5)
    said = " ".join(formula.steps)
    assert ("0 lies outside" in said) == (found.lower > 0 or found.upper < 0)
    assert ("by chance" in said) == (not told and "0 lies outside" in said and verdict is Verdict.CANNOT_TELL)
    assert (f"{needed:,}" in formula.steps[-1]) if needed else ("four times in five" not in said)


def test_the_comparison_beside_a_number_is_explained_with_it() -> None:
    """What stands beside a number, such as the change against the run before, is explained with it, each under its name."""
    change = Change("main", "run 1", OVERALL, -0.1, -0.2, 0.01, 40, Verdict.CANNOT_TELL, 90, How.JUDGE)
    numbers = make_numbers(0)
    row = row_of(numbers, OVERALL)
    change = replace(change, target=row.target)
    explanation = explain_row(replace(numbers, summary=replace(numbers.summary, changes=(change,))), row)
    fact = next(fact for fact in explanation.facts if fact.name == "Against run 1")
    assert "−10 points (−20 to +1, n 40)" in fact.text
    assert "cannot tell, needs about 90 items" in fact.text
    assert [formula.name for formula in explanation.formulas][-1] == "Against run 1"
    assert "Against run 1" not in [fact.name for fact in explain_row(numbers, row_of(numbers, "refunds")).facts]
