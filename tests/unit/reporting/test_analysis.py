"""Grades analysed: what counts, what is left out, when nothing is said, and what must not change the numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.api import analyze
from evalbot.errors import BadRequest
from evalbot.reporting.analysis import analyze_grades
from evalbot.reporting.analysis_records import CriterionAnalysis
from evalbot.reporting.analysis_rows import BadRow, GradeRow, LabelRow, natural_key, shown
from evalbot.reporting.analysis_scales import parse_value
from evalbot.stats.agreement import Metric
from evalbot.stats.raters import Votes, dawid_skene, majority, make_votes

Row = tuple[str, str, str]


def of(
    rows: Sequence[Row], gold: dict[str, str] | None = None, judge: dict[str, str] | None = None
) -> CriterionAnalysis:
    """Analyse plain rows of one criterion; gold and judge are mappings."""
    golden, judged_rows = ([LabelRow(*pair) for pair in (table or {}).items()] for table in (gold, judge))
    return analyze_grades([GradeRow(*row) for row in rows], golden, judged_rows).first


def votes_of(rows: Sequence[Row]) -> Votes:
    """Give pass and fail rows as votes."""
    item, rater, label = np.array([(int(o[1:]), int(g[1:]), int(v == "pass")) for o, g, v in rows]).T
    return make_votes(item, rater, label, labels=2)


def simulated(items: int, graders: int, right: float, seed: int, names: Sequence[str] = ("pass", "fail")) -> list[Row]:
    """Every grader grades every output and is right with the same chance."""
    draw = random.Random(seed)
    truth = [draw.randrange(len(names)) for _ in range(items)]
    return [
        (f"o{i}", f"g{g}", names[truth[i] if draw.random() < right else draw.randrange(len(names))])
        for i in range(items)
        for g in range(graders)
    ]


small_grades = st.dictionaries(
    st.tuples(st.integers(0, 24), st.integers(0, 4)), st.sampled_from(["pass", "fail", "partial", "unsure"]), min_size=1
)


@given(small_grades, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_and_names_of_graders_change_nothing(
    grades: dict[tuple[int, int], str], shuffler: random.Random
) -> None:
    """Shuffled rows and renamed graders give the very same analysis, but for the names."""
    rows = [(f"o{i}", f"g{g}", value) for (i, g), value in grades.items()]
    judge = {f"o{i}": "pass" if i % 3 else "fail" for i in range(30)}
    gold = {f"o{i}": "pass" if i % 2 else "fail" for i in range(0, 30, 2)}
    before = of(rows, judge=judge, gold=gold)
    renamed = {f"g{g}": f"person {chr(104 - g)}" for g in range(5)}
    mixed = [(output, renamed[grader], value) for output, grader, value in rows]
    shuffler.shuffle(mixed)
    after = of(mixed, judge=judge, gold=gold)
    assert replace(after, graders=()) == replace(before, graders=())
    assert {replace(one, grader=renamed[one.grader]) for one in before.graders} == set(after.graders)


@pytest.mark.parametrize("seed", range(6))
def test_names_change_nothing_where_graders_are_weighed_or_calibrated(seed: int) -> None:
    """Not even the last digit of a fitted probability or a calibrated mean depends on the names of graders."""
    draw = np.random.default_rng(seed)
    words = simulated(50, 5, 0.85, seed, ("a", "b", "c"))
    numbers = [
        (f"o{i}", f"g{g}", f"{draw.uniform(0, 100):.3f}") for i in range(30) for g in range(6) if draw.random() < 0.7
    ]
    for rows in (words, numbers):
        renamed = [(output, f"n{(7 * int(grader[1:]) + 3) % 11}", value) for output, grader, value in rows]
        before, after = of(rows), of(renamed[::-1])
        assert replace(after, graders=()) == replace(before, graders=())


@given(small_grades)
@settings(max_examples=60, deadline=None)
def test_consensus_is_a_distribution_over_the_labels(grades: dict[tuple[int, int], str]) -> None:
    """Each posterior sums to one, and the probability of a label is its part and the largest one."""
    found = of([(f"o{i}", f"g{g}", value) for (i, g), value in grades.items()])
    assert found.n_outputs == len({i for i, _ in grades})
    assert sum(found.counts.values()) == len(grades)
    for row in found.consensus:
        if row.grades:
            assert sum(row.posterior) == pytest.approx(1)
            assert row.probability == max(row.posterior)
            assert row.label is None or row.posterior[found.labels.index(row.label)] == row.probability
        else:
            assert (row.label, row.probability) == (None, None)


@given(small_grades)
@settings(max_examples=60, deadline=None)
def test_a_grader_who_always_joins_the_majority_lowers_no_agreement(grades: dict[tuple[int, int], str]) -> None:
    """One more grade that equals the consensus of its output keeps agreement defined and does not lower what was observed."""
    rows = [(f"o{i}", f"g{g}", value) for (i, g), value in grades.items()]
    before = of(rows)
    joined = [
        (row.output, "joiner", str(row.label)) for row in before.consensus if row.label is not None and row.grades > 1
    ]
    after = of([*rows, *joined])
    if before.agreement.ac1 is not None and before.agreement.alpha is not None:
        assert after.agreement.alpha is not None
        assert after.agreement.ac1 is not None
        assert observed(after) >= observed(before) - 1e-12
        if observed(before) == 1.0:
            assert after.agreement.alpha.value == 1.0


def observed(found: CriterionAnalysis) -> float:
    """Give the mean share of pairs of grades that agree, over outputs with two or more."""
    shares = []
    for row in found.consensus:
        if row.grades > 1:
            counts = [share * row.grades for share in row.posterior]
            shares.append(sum(n * (n - 1) for n in counts) / (row.grades * (row.grades - 1)))
    return float(np.mean(shares))


def test_agreement_is_silent_below_ten_outputs_graded_twice() -> None:
    """Nine outputs with two grades say nothing; the tenth makes alpha and AC1 appear, with their intervals."""
    rows = [(f"o{i}", g, "pass" if i % 2 else "fail") for i in range(9) for g in ("ann", "bob")]
    nine = of([*rows, ("single", "ann", "pass")])
    assert (nine.agreement.outputs, nine.agreement.alpha, nine.agreement.ac1) == (9, None, None)
    ten = of([*rows, ("o9", "ann", "pass"), ("o9", "bob", "fail")]).agreement
    assert ten.alpha is not None
    assert ten.ac1 is not None
    assert (ten.outputs, ten.alpha.n) == (10, 10)
    assert ten.alpha.lower < ten.alpha.value < 1


def test_a_single_value_is_no_agreement() -> None:
    """When everybody always says the same, agreement beyond chance is not told, and certainly not one."""
    found = of([(f"o{i}", g, "pass") for i in range(20) for g in ("ann", "bob")])
    assert found.agreement.alpha is None
    assert found.agreement.outputs == 20
    assert found.estimates.human is not None
    assert found.estimates.human.lower < 0.9


def test_the_last_grade_of_a_grader_counts() -> None:
    """A repeated grade replaces the earlier one, also when it withholds; another criterion or grader does not."""
    found = of([("o1", "ann", "fail"), ("o1", "bob", "pass"), ("o1", "ann", "pass")])
    assert (found.n_grades, found.counts, found.consensus[0].label) == (2, {"pass": 2}, "pass")
    assert "1 earlier grade" in found.notes[0]
    withheld = of([("o1", "ann", "fail"), ("o1", "bob", "pass"), ("o1", "ann", "unsure")])
    assert withheld.counts == {"pass": 1, "unsure": 1}


@pytest.mark.parametrize("word", ["", "Unsure", "cannot judge", "can’t judge", " N/A ", "nan"])
def test_withheld_grades_are_counted_but_no_label(word: str) -> None:
    """Grades that say nothing are missing for consensus and score, and are counted as unsure."""
    found = of([("o1", "ann", "pass"), ("o1", "bob", word), ("o2", "bob", word)])
    assert found.labels == ("pass",)
    assert found.counts == {"pass": 1, "unsure": 2}
    assert (found.n_outputs, found.n_graders, found.n_grades) == (2, 2, 1)
    assert (found.consensus[1].label, found.consensus[1].unsure) == (None, 1)
    assert [(one.n, one.unsure) for one in found.graders] == [(1, 0), (0, 2)]


def test_a_u_beside_numbers_is_a_withheld_grade_but_a_word_among_words() -> None:
    """`u` means unsure where everything else is a number, and is a category of its own among words."""
    assert of([("o1", "ann", "1"), ("o1", "bob", "u")]).counts == {"1": 1, "unsure": 1}
    assert of([("o1", "ann", "v"), ("o1", "bob", "u")]).counts == {"u": 1, "v": 1}


@pytest.mark.parametrize(
    ("values", "scale", "metric", "ends"),
    [
        (["pass", "fail"], "", Metric.NOMINAL, (0, 1)),
        (["1", "0", "1.0"], "", Metric.NOMINAL, (0, 1)),
        (["1", "3", "4"], "", Metric.ORDINAL, (1, 4)),
        (["2", "3", "4"], "1-5", Metric.ORDINAL, (1, 5)),
        (["0.25", "0.5", "0.75"], "", Metric.INTERVAL, (0, 1)),
        (["12", "55.5", "80"], "", Metric.INTERVAL, (0, 100)),
        (["1", "3", "4"], "nominal", Metric.NOMINAL, (0, 1)),
        (["1", "3", "4"], "Interval 0 to 10", Metric.INTERVAL, (0, 10)),
        (["-1", "0", "1"], "ordinal -1..1", Metric.ORDINAL, (-1, 1)),
    ],
)
def test_scales_are_declared_or_read_off_the_values(
    values: list[str], scale: str, metric: Metric, ends: tuple[float, float]
) -> None:
    """Words are nominal, few whole numbers ordered levels, others intervals; a declared scale decides."""
    found = analyze_grades([GradeRow(f"o{i}", "ann", value, "", scale) for i, value in enumerate(values)]).first
    assert found.agreement.metric is metric
    assert (found.low, found.high) == ends


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([("o1", "ann", "3"), ("o2", "ann", "4"), ("o3", "ann", "great")], "row 3: `great` is a word"),
        ([("o1", "ann", "good"), ("o2", "ann", "bad"), ("o3", "ann", "7")], "row 3: `7` is a number"),
        ([("o1", "ann", "3"), ("", "ann", "4")], "row 2: the row has no output"),
        ([("o1", "ann", "3"), ("o2", " ", "4")], "row 2: the row has no grader"),
        ([("o1", "ann", "3", "", "1-5"), ("o2", "ann", "7", "", "1-5")], "row 2: 7 lies outside the scale 1 to 5"),
        ([("o1", "ann", "3", "", "likert")], "row 1: the scale `likert` is not known"),
        ([("o1", "ann", "3", "", "5-1")], "the scale `5-1` is not known"),
        ([("o1", "ann", "3", "a", "1-5"), ("o2", "ann", "3", "a", "1-7")], "row 2: the scale is `1-7` here"),
        ([("o1", "ann", "good", "", "ordinal")], "`good` is a word, but the scale is ordinal"),
        ([("o1", "ann", "good", "", "1-5")], "`good` is a word, but the scale is 1-5"),
        ([("o1", "ann", "3", "tone"), ("o2", "ann", "3")], "row 2: the row has no criterion"),
        ([(f"o{i}", "ann", f"text {i}") for i in range(60)], "60 different words"),
        ([(f"o{i}", "ann", str(i), "", "ordinal") for i in range(60)], "60 different numbers"),
        ([("o1", "ann", "3", f"c{i}") for i in range(200)], "row 101: there are more than 100 criteria"),
    ],
)
def test_rows_that_cannot_be_used_are_named(rows: list[tuple[str, ...]], text: str) -> None:
    """The error says which row, what is wrong and what to do."""
    with pytest.raises(BadRow) as caught:
        analyze_grades([GradeRow(*row) for row in rows])
    assert text in str(caught.value)
    assert caught.value.hint.endswith(".")


@pytest.mark.parametrize(
    ("gold", "judge", "text"),
    [
        ({"o1": "great"}, {}, "gold row 1: `great` is a word, but the grades are numbers"),
        ({}, {"o1": "3", "o2": "87"}, "judge row 2: the judge says 87, but the grades of people end at 4"),
        ({}, {"": "3"}, "judge row 1: the row has no output"),
    ],
)
def test_labels_that_do_not_fit_the_grades_are_named(gold: dict[str, str], judge: dict[str, str], text: str) -> None:
    """Gold and judge must speak the language of the grades."""
    with pytest.raises(BadRow) as caught:
        of([("o1", "ann", "3"), ("o2", "ann", "4")], gold=gold, judge=judge)
    assert text in str(caught.value)


def test_several_criteria_are_apart_and_labels_must_say_theirs() -> None:
    """Each criterion has its own scale and labels; a judge without criterion is refused, of an unknown one too."""
    rows = [GradeRow("o1", "ann", "4", "tone", "1-5"), GradeRow("o1", "ann", "pass", "facts")]
    found = analyze_grades(rows, judge=[LabelRow("o1", "fail", "facts")])
    assert list(found.criteria) == ["tone", "facts"]
    assert found.first.criterion == "tone"
    assert found.criteria["facts"].judge is not None
    with pytest.raises(BadRow, match="2 criteria"):
        analyze_grades(rows, judge=[LabelRow("o1", "fail")])
    with pytest.raises(BadRow, match="nobody graded the criterion `humour`"):
        analyze_grades(rows, gold=[LabelRow("o1", "fail", "humour")])


def test_spelling_and_case_do_not_split_a_word() -> None:
    """Words that differ in case or blanks are one; people see the commonest spelling."""
    found = of(
        [
            ("o1", "ann", "Very  good"),
            ("o1", "bob", "very good"),
            ("o1", "kim", "Very good"),
            ("o2", "kim", "Very good"),
        ]
    )
    assert found.labels == ("Very good",)


def test_an_ordered_scale_takes_the_middle_grade_and_the_lower_of_two() -> None:
    """Levels keep their order: the consensus is a grade that somebody gave."""
    found = of([("o1", "ann", "1"), ("o1", "bob", "4"), ("o1", "kim", "5"), ("o2", "ann", "2"), ("o2", "bob", "3")])
    assert [row.label for row in found.consensus] == [4, 2]
    assert [row.probability for row in found.consensus] == [pytest.approx(1 / 3), 0.5]
    assert found.method.name == "the middle grade"


def test_interval_grades_are_means_without_strictness() -> None:
    """A strict grader who saw only some outputs does not pull those down as far as the plain mean would."""
    draw = np.random.default_rng(3)
    true = draw.uniform(30, 70, 60)
    rows = [(f"o{i}", "ann", f"{true[i] + 15:.2f}") for i in range(60)]
    rows += [(f"o{i}", "bob", f"{true[i] - 15:.2f}") for i in range(0, 60, 2)]
    found = of(rows)
    means = {row.output: row.label for row in found.consensus}
    both = [float(means[f"o{i}"] or 0) - true[i] for i in range(0, 60, 2)]
    alone = [float(means[f"o{i}"] or 0) - true[i] for i in range(1, 60, 2)]
    assert abs(np.mean(both) - np.mean(alone)) < 7.5
    assert {row.probability for row in found.consensus} == {None}
    assert found.agreement.ac1 is None


def test_majority_is_the_default_and_says_why() -> None:
    """Two grades an output, or graders with few outputs, or graders who hardly agree: votes are counted."""
    two = of(simulated(40, 2, 0.9, 1))
    assert (two.method.name, two.method.why) == ("majority vote", "to weigh graders takes 3 grades an output")
    rows = [(output, f"{grader}-{n}", value) for n, (output, grader, value) in enumerate(simulated(40, 3, 0.9, 1))]
    assert of(rows).method.why == "to weigh graders takes 20 outputs a grader"
    assert of(simulated(60, 3, 0.3, 1)).method.why == "graders agree too little to weigh them"


def test_graders_are_weighed_where_they_give_enough_and_agree() -> None:
    """Five good graders of sixty outputs: Dawid-Skene, equal to the numbers of the method itself."""
    rows = simulated(60, 5, 0.9, 2)
    found = of(rows)
    assert found.method.name == "Dawid-Skene"
    fit = dawid_skene(votes_of(rows))
    assert [row.posterior for row in found.consensus] == [pytest.approx(tuple(row), abs=1e-9) for row in fit.posterior]


def test_gold_decides_between_the_two() -> None:
    """Three of five graders always err the same way: only weighing them finds the gold labels, and gold says so."""
    draw = random.Random(4)
    truth = {f"o{i}": draw.choice(["pass", "fail"]) for i in range(80)}
    rows = [(output, g, value) for output, value in truth.items() for g in ("ann", "bob")]
    rows += [(output, g, draw.choice(["pass", "fail"])) for output in truth for g in ("x", "y", "z")]
    gold = dict(list(truth.items())[:40])
    found = of(rows, gold=gold)
    assert found.method.name == "Dawid-Skene"
    assert found.method.on_gold is not None
    assert found.method.plain_on_gold is not None
    assert found.method.on_gold.value > found.method.plain_on_gold.value
    right = {row.grader: row.reliability or 0.0 for row in found.graders}
    assert min(right["ann"], right["bob"]) > 0.9 > 0.7 > max(right["x"], right["y"], right["z"])


def test_gold_that_weighing_does_not_help_keeps_the_votes() -> None:
    """Where weighing graders is not right more often on gold, votes are counted though there would be grades enough."""
    rows = simulated(60, 5, 0.95, 6)
    votes = majority(votes_of(rows))
    gold = {f"o{i}": "pass" if code == 1 else "fail" for i, code in enumerate(votes.label)}
    found = of(rows, gold=gold)
    assert found.method.name == "majority vote"
    assert found.method.on_gold is not None
    assert (found.method.on_gold.value, found.method.on_gold.n) == (1.0, 60)


def test_reliability_is_on_gold_where_there_is_gold_and_with_the_others_elsewhere() -> None:
    """Beta(2, 1): three right of three on gold is 5/6; two of two with the others is 4/5; alone and without gold is nothing."""
    rows = [
        ("o1", "ann", "pass"),
        ("o2", "ann", "fail"),
        ("o3", "ann", "pass"),
        ("o4", "bob", "pass"),
        ("o4", "kim", "pass"),
    ]
    rows += [("o5", "bob", "fail"), ("o5", "kim", "fail"), ("o6", "sam", "pass")]
    found = {row.grader: row for row in of(rows, gold={"o1": "pass", "o2": "fail", "o3": "pass"}).graders}
    assert found["ann"].reliability == pytest.approx(5 / 6)
    assert found["bob"].reliability == pytest.approx(4 / 5)
    assert (found["sam"].n, found["sam"].reliability) == (1, None)


def test_interval_graders_are_right_within_a_tenth_of_the_range() -> None:
    """On an interval scale a grade near gold counts as right, a far one does not."""
    rows = [GradeRow(f"o{i}", "ann", f"{10 * i + 3}.5", "", "interval 0-100") for i in range(5)]
    near = analyze_grades(rows, gold=[LabelRow(f"o{i}", str(10 * i)) for i in range(5)]).first.graders[0]
    far = analyze_grades(rows, gold=[LabelRow(f"o{i}", str(90 - 10 * i)) for i in range(4)]).first.graders[0]
    assert near.reliability == pytest.approx(7 / 8)
    assert far.reliability == pytest.approx(2 / 7)


def judged(n: int, pool: int, keep: float, seed: int) -> tuple[list[Row], dict[str, str]]:
    """One person grades n of the pool; the judge repeats the truth with some chance, else tosses a coin."""
    draw = random.Random(seed)
    truth = [draw.random() < 0.6 for _ in range(pool)]
    says = [right if draw.random() < keep else draw.random() < 0.6 for right in truth]
    rows = [(f"o{i}", "ann", "pass" if truth[i] else "fail") for i in sorted(draw.sample(range(pool), n))]
    return rows, {f"o{i}": "pass" if one else "fail" for i, one in enumerate(says)}


def test_a_good_judge_narrows_the_interval_and_a_random_one_does_no_harm() -> None:
    """A good judge saves a third of the clicks or more; a coin tossed by the judge widens the interval by 5% at most."""
    rows, judge = judged(120, 1200, 0.9, 1)
    good = of(rows, judge=judge)
    human, corrected, alone = good.estimates.human, good.estimates.corrected, good.estimates.judge_only
    assert human is not None
    assert corrected is not None
    assert alone is not None
    assert corrected.half_width < 0.75 * human.half_width
    assert (human.n, corrected.n, alone.n) == (120, 120, 1200)
    assert (good.label_saving or 0) > 0.5
    widths = []
    for seed in range(12):
        rows, judge = judged(120, 1200, 0.0, seed)
        bad = of(rows, judge=judge).estimates
        assert bad.corrected is not None
        assert bad.human is not None
        widths.append(bad.corrected.half_width / bad.human.half_width)
    assert np.mean(widths) < 1.05


def test_the_corrected_interval_covers_where_the_judge_alone_does_not() -> None:
    """A judge who passes a fifth of the failures: corrected intervals of 60 grades cover the truth, the judge's never do."""
    covered = fooled = 0
    for seed in range(60):
        draw = random.Random(seed)
        truth = [draw.random() < 0.6 for _ in range(600)]
        judge = {f"o{i}": "pass" if one or draw.random() < 0.2 else "fail" for i, one in enumerate(truth)}
        rows = [(f"o{i}", "ann", "pass" if truth[i] else "fail") for i in draw.sample(range(600), 60)]
        found = of(rows, judge=judge).estimates
        assert found.corrected is not None
        assert found.judge_only is not None
        covered += found.corrected.interval.contains(0.6)
        fooled += found.judge_only.interval.contains(0.6)
    assert covered >= 54
    assert fooled <= 12


def test_a_judge_who_saw_only_what_people_graded_changes_nothing() -> None:
    """With nothing further judged there is nothing to correct with, and the interval does not shrink to nothing."""
    rows, judge = judged(60, 60, 0.8, 2)
    found = of(rows, judge=judge)
    assert found.estimates.corrected == found.estimates.human
    assert found.label_saving is not None


def test_below_ten_pairs_nothing_is_said_of_the_judge() -> None:
    """Nine outputs graded by both give no corrected mean and no saving; the human and the judge's mean stay."""
    rows, judge = judged(9, 100, 0.8, 3)
    found = of(rows, judge=judge)
    assert found.estimates.corrected is None
    assert found.label_saving is None
    assert found.estimates.human is not None
    assert found.estimates.judge_only is not None
    assert found.judge is not None
    assert found.judge.pairs == 9


def test_people_who_always_say_the_same_leave_the_judge_open() -> None:
    """Without any difference between outputs nothing can be said of the saving; a constant judge saves nothing."""
    rows, judge = judged(40, 100, 0.8, 5)
    same = of([(output, grader, "pass") for output, grader, _ in rows], judge=judge)
    assert same.label_saving is None
    assert same.estimates.corrected is not None
    assert same.estimates.corrected.lower < 1
    constant = of(rows, judge=dict.fromkeys(judge, "pass"))
    assert constant.label_saving == 0
    assert constant.judge is not None
    assert constant.judge.bias is not None
    assert constant.judge.bias.lower > 0


def test_unread_verdicts_and_judges_on_a_scale_of_shares() -> None:
    """Missing verdicts are left out and counted; numbers in [0, 1] beside words or levels are scores."""
    rows, judge = judged(40, 100, 0.8, 4)
    gaps = judge | {f"o{i}": "" for i in range(50)}
    found = of(rows, judge=gaps)
    assert found.judge is not None
    assert (found.judge.judged, found.judge.unread) == (50, 50)
    assert any("50 outputs have no readable verdict" in note for note in found.notes)
    shares = of(rows, judge={name: "0.9" if value == "pass" else "0.2" for name, value in judge.items()})
    assert shares.estimates.judge_only is not None
    assert 0.2 < shares.estimates.judge_only.value < 0.9
    assert shares.judge is not None
    assert shares.judge.same_label is None
    levels = [(output, grader, "5" if value == "pass" else "2") for output, grader, value in rows]
    scaled = of(levels, judge={name: "0.9" if value == "pass" else "0.2" for name, value in judge.items()})
    assert scaled.estimates.judge_only == shares.estimates.judge_only


@pytest.mark.parametrize(
    ("values", "score"),
    [
        (["A", "B", "tie", "A"], 0.625),
        (["yes", "no"], 0.5),
        (["bug", "bug", "idea", "praise"], 0.5),
        (["1", "5", "3"], 0.5),
    ],
)
def test_words_and_levels_become_scores(values: list[str], score: float) -> None:
    """Known words score as people mean them, others as the share of the commonest; levels by their place on the scale."""
    found = of([(f"o{i}", "ann", value) for i, value in enumerate(values)]).estimates.human
    assert found is not None
    assert found.value == pytest.approx(score)


@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=4), st.text(max_size=8), st.text(max_size=3)), max_size=12)
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_analysed_or_refused_in_a_sentence(rows: list[tuple[str, str, str, str]]) -> None:
    """Whatever the cells hold, the outcome is an analysis or an error for the person."""
    refused: BadRequest | None = None
    try:
        found = analyze_grades([GradeRow(*row) for row in rows])
    except BadRequest as error:
        refused = error
    if refused:
        assert refused.message.endswith(".")
    else:
        assert sum(one.n_grades for one in found.criteria.values()) <= len(rows)


@given(st.text(max_size=30))
def test_values_are_words_finite_numbers_or_nothing(text: str) -> None:
    """No text becomes an infinite number or an empty word."""
    value = parse_value(text)
    assert value is None or (isinstance(value, float) and np.isfinite(value)) or (isinstance(value, str) and value)


def test_names_sort_as_people_count_and_show_on_one_line() -> None:
    """Numbers in names count as numbers, of any length; what is shown is one short printable line."""
    names = ["b", "a10", "a9", "a09", "10", "9", "9" * 5000]
    assert sorted(names, key=natural_key) == ["9", "10", "9" * 5000, "a09", "a9", "a10", "b"]
    assert shown("x\u202ey\nz") == "x?y?z"
    assert len(shown("x" * 1000)) == 60


def test_one_output_with_very_many_grades_is_refused() -> None:
    """Grades that would fill the memory as a table are refused by name."""
    rows = [GradeRow("popular", f"g{n}", "pass") for n in range(6000)]
    rows += [GradeRow(f"o{n}", "ann", "fail") for n in range(6000)]
    with pytest.raises(BadRequest, match="The output `popular` has 6,000 grades"):
        analyze_grades(rows)


def test_the_python_api_takes_rows_of_values_and_mappings() -> None:
    """Numbers, booleans, None and NaN are fine; equal input gives equal numbers; a bad row is named."""
    grades = [{"output": i, "grader": g, "value": (i + n) % 2 == 0} for i in range(12) for n, g in enumerate("ab")]
    found = analyze(grades, judge={i: i % 3 == 0 for i in range(40)}).first
    assert (found.n_outputs, found.labels) == (12, ("False", "True"))
    assert found == analyze(grades, judge=[{"output": i, "value": i % 3 == 0} for i in range(40)]).first
    numbers = analyze(
        [{"output": "o", "grader": "a", "value": np.float64(3)}, {"output": "p", "grader": "a", "value": np.nan}]
    )
    assert numbers.first.counts == {"3": 1, "unsure": 1}
    with pytest.raises(BadRequest, match="There are no grades"):
        analyze([])
    with pytest.raises(BadRow, match="grades row 1: the row has no grader"):
        analyze([{"output": "o", "value": 1}])
    with pytest.raises(BadRow, match="judge row 1: the row has no value"):
        analyze(grades, judge=[{"output": "o"}])
    with pytest.raises(BadRow, match="str is not a row"):
        analyze(["o,a,1"])  # type: ignore[list-item]
