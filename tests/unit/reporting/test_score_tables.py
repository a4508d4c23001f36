"""Scores as columns: folded from stored results page by page, they say what the records say, number for number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.reporting.estimates import OVERALL, Estimate, How, ScoreRow
from evalbot.reporting.item_words import ItemWords
from evalbot.reporting.score_folding import ResultRow, ScoreFolding
from evalbot.reporting.score_tables import ScoreTable, first_seen, item_means
from evalbot.reporting.scores import (
    OutputScore,
    as_table,
    completed_rows,
    how_of,
    item_values,
    passing,
    score_output,
    score_rows,
)
from evalbot.runs.outputs import Output, OutputId
from evalbot.stats.intervals import mean_of
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId
from tests.factories import NOON, make_failed_output, make_output

ITEMS = [ItemId(f"i{n}") for n in range(7)]
SKILL_OF: dict[ItemId, str | None] = {item: ["a", "b", None][n % 3] for n, item in enumerate(ITEMS)}


@dataclass(frozen=True)
class Results:
    """Outputs in the order of the database, each with its grades; and how many automatic grades each item gets."""

    found: list[tuple[Output, list[Grade]]]
    wanted: dict[ItemId, int]

    @property
    def scores(self) -> list[OutputScore]:
        """Give the records."""
        given = (score_output(one, mine, self.wanted.get(one.unit.item_id, 0)) for one, mine in self.found)
        return [score for score in given if score]

    def rows(self, output: Output, grades: Sequence[Grade]) -> list[ResultRow]:
        """Give the rows of one output."""
        unit, cost = output.unit, output.usage.cost_usd
        first = (output.id, unit.target, unit.item_id, unit.repeat, output.answered, cost)
        if not grades:
            return [(*first, None, None, None, None, None)]
        return [(*first, one.grader.kind.value, one.criterion, one.score, one.passed, one.weight) for one in grades]

    def folded(self, at_once: int = 3, named: Iterable[OutputId] = ()) -> ScoreTable:
        """Fold everything, so many outputs a page."""
        codes = {item: code for code, item in enumerate(self.wanted)}
        folding = ScoreFolding(codes, list(self.wanted.values()), set(named))
        for start in range(0, len(self.found), at_once):
            folding.add([row for one in self.found[start : start + at_once] for row in self.rows(*one)])
        return folding.table()


@st.composite
def results(draw: st.DrawFn) -> Results:
    """Draw outputs of two targets with repeats, errors, several criteria, both kinds of grader, and graders that say nothing."""
    found = []
    for target in ("main", "other"):
        for item in sorted(draw(st.sets(st.sampled_from(ITEMS)))):
            for repeat in range(draw(st.integers(1, 3))):
                if draw(st.integers(0, 5)) == 0:
                    output = replace(make_failed_output(item), unit=make_output(item, repeat, target).unit)
                else:
                    output = make_output(item, repeat, target)
                output = replace(output, id=OutputId(f"{target}-{item}-{repeat}"))
                found.append((output, [draw(grades(output.id)) for _ in range(draw(st.integers(0, 3)))]))
    return Results(found, {item: draw(st.integers(0, 2)) for item in ITEMS[:-1]})


@st.composite
def grades(draw: st.DrawFn, output: OutputId) -> Grade:
    """Draw a grade of a check or a judge."""
    kind = draw(st.sampled_from([GraderKind.CHECK, GraderKind.JUDGE]))
    score = draw(st.sampled_from([0.0, 1 / 3, 0.7, 1.0, None]))
    return Grade(
        output,
        draw(st.sampled_from(["correct", "tone"])),
        Grader(kind, "somebody"),
        NOON,
        score,
        None if score is None else draw(st.booleans()),
        weight=draw(st.sampled_from([1.0, 0.1, 3.0])),
    )


# --- the same in so many words ---------------------------------------------------------------------


def plain_rows(scores: Sequence[OutputScore], human: frozenset[OutputId]) -> list[ScoreRow]:
    """Give the rows by loops over records."""
    rows = []
    for target in dict.fromkeys(one.target for one in scores if one.complete):
        group = [one for one in scores if one.target == target and one.complete]
        criteria = sorted({name for one in group for name in one.scores})
        for name in (PASS_CRITERION, *(criteria if len(criteria) > 1 else ())):
            graded = [one for one in group if name == PASS_CRITERION or name in one.scores]
            skills = sorted({skill for one in graded if (skill := SKILL_OF.get(one.item_id))})
            for skill in (OVERALL, *skills):
                mine = [one for one in graded if skill in (OVERALL, SKILL_OF.get(one.item_id))]
                rows.append(ScoreRow(target, skill, name, plain_estimate(mine, name, human)))
    return rows


def plain_estimate(mine: Sequence[OutputScore], criterion: str, human: frozenset[OutputId]) -> Estimate:
    """Estimate the mean of the items' means."""
    value: Callable[[OutputScore], float] = (
        passing if criterion == PASS_CRITERION else lambda score: score.scores[criterion]
    )
    measured = mean_of(list(item_values(mine, value).values()))
    graded = sum(one.output_id in human for one in mine)
    ends = measured.value, measured.lower, measured.upper, measured.n
    return Estimate(*ends, how_of(mine, criterion), measured.method, graded)


@given(results(), st.integers(1, 9))
def test_folded_results_give_the_rows_of_the_records(found: Results, at_once: int) -> None:
    """Whatever the pages, every estimate is the very number that loops over records give, for columns of either origin."""
    human = frozenset(one.id for one, _ in found.found[::3])
    expected = plain_rows(found.scores, human)
    assert score_rows(found.folded(at_once, human), SKILL_OF, human) == expected
    assert score_rows(found.scores, SKILL_OF, human) == expected


@given(results())
def test_errors_count_as_fails_beside_the_score(found: Results) -> None:
    """With errors a pass rate is the mean over items of passes and errors together; without any there is no such number."""
    table = found.folded()
    for row in completed_rows(score_rows(table, SKILL_OF, ()), table, SKILL_OF):
        values: dict[ItemId, list[float]] = {}
        errors = 0
        for output, _ in found.found:
            mine = next((one for one in found.scores if one.output_id == output.id and one.complete), None)
            item = output.unit.item_id
            if output.unit.target == row.target and row.skill in (OVERALL, SKILL_OF.get(item)):
                errors += not output.answered
                if mine or not output.answered:
                    values.setdefault(item, []).append(float(mine.passed) if mine else 0.0)
        if row.criterion != PASS_CRITERION or not errors:
            assert row.with_errors is None
        else:
            assert row.with_errors is not None
            means = [sum(one) / len(one) for one in values.values()]
            assert (row.with_errors.n, row.with_errors.how) == (len(means), row.estimate.how)
            assert row.with_errors.score == pytest.approx(sum(means) / len(means))


@given(results())
def test_checks_alone_leave_the_judge_out(found: Results) -> None:
    """Where checks and judge grade, the outputs with a criterion of checks alone are scored by those."""
    table = found.folded()
    for row in completed_rows(score_rows(table, SKILL_OF, ()), table, SKILL_OF):
        alone: dict[ItemId, list[float]] = {}
        for score in found.scores:
            mine = [ok for name, ok in score.passes.items() if GraderKind.JUDGE not in score.kinds_of(name)]
            here = score.target == row.target and row.skill in (OVERALL, SKILL_OF.get(score.item_id))
            if score.complete and here and mine:
                alone.setdefault(score.item_id, []).append(float(all(mine)))
        if row.criterion != PASS_CRITERION or row.estimate.how is not How.CHECK_AND_JUDGE or not alone:
            assert row.checks is None
            continue
        assert row.checks is not None
        means = [sum(one) / len(one) for one in alone.values()]
        assert (row.checks.n, row.checks.how) == (len(means), How.CHECK)
        assert row.checks.score == pytest.approx(sum(means) / len(means))


# --- tables ----------------------------------------------------------------------------------------


@given(results())
def test_part_of_a_table_is_the_table_of_that_part(found: Results) -> None:
    """Leaving out targets or items before or after the folding comes to the same."""
    human = frozenset(one.id for one, _ in found.found[::2])
    table, some = found.folded(named=human), set(ITEMS[::2])
    main = replace(found, found=[one for one in found.found if one[0].unit.target == "main"])
    few = replace(found, found=[one for one in found.found if one[0].unit.item_id in some])
    for part, other in ((table.only(["main"]), main), (table.of_items(some), few)):
        assert part.size == len(other.found)
        assert score_rows(part, SKILL_OF, human) == score_rows(other.folded(named=human), SKILL_OF, human)
        assert part.scored_items == {one.item_id for one in other.scores if one.complete}


def test_the_cost_is_known_when_every_answer_has_one() -> None:
    """What answers cost adds up; errors do not count, and one unknown cost makes the whole unknown."""
    usage = make_output().usage
    priced = [make_output(item, usage=replace(usage, cost_usd=0.25)) for item in ITEMS]
    free = make_failed_output("i0", usage=replace(usage, cost_usd=None))

    def cost(*outputs: Output) -> float | None:
        return Results([(one, []) for one in outputs], dict.fromkeys(ITEMS, 1)).folded().cost_usd

    assert cost() is None
    assert cost(free) is None
    assert cost(*priced, free) == 0.25 * len(priced)
    assert cost(*priced, make_output("i1", 1, usage=replace(usage, cost_usd=None))) is None


def test_records_become_columns_once() -> None:
    """Columns stay the very columns they are; no scores at all are a table without outputs."""
    table = as_table([])
    assert as_table(table) is table
    assert (table.size, score_rows(table, {}, ()), table.scored_targets()) == (0, [], [])


@given(st.lists(st.integers(0, 9), max_size=40))
def test_codes_stand_in_the_order_in_which_they_come(codes: list[int]) -> None:
    """The different codes are those of a dictionary, in its order; the places lead back to the codes."""
    found, places = first_seen(np.array(codes, dtype=np.int32))
    assert found.tolist() == list(dict.fromkeys(codes))
    assert found[places].tolist() == codes


def test_means_of_items_keep_their_order() -> None:
    """Repeats are averaged, and items stand as they come."""
    items, means = item_means(np.array([4, 2, 4], dtype=np.int32), np.array([1.0, 0.25, 0.0]))
    assert (items.tolist(), means.tolist()) == ([4, 2], [0.5, 0.25])


# --- words -----------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(ITEMS), st.sampled_from(["x", "y", ""])))
def test_words_of_items_are_a_mapping_like_any_other(words: dict[ItemId, str]) -> None:
    """Kept in numbers, they answer every question as a dictionary does; what grows the codes later has no word."""
    codes = {item: code for code, item in enumerate(ITEMS)}
    found = ItemWords(codes)
    for item, word in words.items():
        found.put(codes[item], word)
    codes[ItemId("later")] = len(codes)
    assert dict(found) == words
    assert (len(found), bool(found)) == (len(words), bool(words))
    for item in codes:
        assert found.get(item) == words.get(item)
        assert found.get(item, "none") == words.get(item, "none")
        assert (item in found) is (item in words)
        if item not in words:
            with pytest.raises(KeyError):
                found[item]
