"""Grades turned into estimates per run, skill and criterion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.estimates import OVERALL, Estimate, How, ScoreRow
from evalbot.reporting.score_tables import (
    FAILS,
    JUDGED,
    PASSES,
    Criterion,
    Flags,
    OutputColumns,
    Places,
    ScoreTable,
    VerdictColumns,
    all_kinds,
    how_of_bits,
    item_means,
    kind_bits,
    skill_codes,
)
from evalbot.runs.outputs import Output, OutputId
from evalbot.stats.intervals import Floats, mean_of, wilson
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId


@dataclass(frozen=True, slots=True)
class OutputScore:
    """What the checks and the judge together say of one output, by criterion; `passed` needs every one of them to pass.

    `complete` is False when a grader is missing, failed or gave no verdict: such outputs are counted apart, not scored.
    `kinds` are the kinds of grader behind the whole, `kinds_by` those behind each criterion where they differ.
    """

    output_id: OutputId
    target: str
    item_id: ItemId
    scores: Mapping[str, float]
    passes: Mapping[str, bool]
    kinds: frozenset[GraderKind]
    complete: bool
    kinds_by: Mapping[str, frozenset[GraderKind]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Tell whether the output passes every grader."""
        return all(self.passes.values())

    def kinds_of(self, criterion: str) -> frozenset[GraderKind]:
        """Give the kinds of grader behind one criterion."""
        return self.kinds_by.get(criterion, self.kinds)


def score_output(output: Output, grades: Iterable[Grade], wanted: int) -> OutputScore | None:
    """Put the automatic grades of one output together; None for an error or an output with nothing to grade by.

    `wanted` is the number of checks and judges the item has. A criterion's score is the weighted mean of its grades; it
    passes when all of them pass.
    """
    if not output.answered or wanted == 0:
        return None
    automatic = [grade for grade in grades if grade.grader.kind is not GraderKind.HUMAN and grade.counts]
    by_criterion: dict[str, list[Grade]] = {}
    for grade in automatic:
        by_criterion.setdefault(grade.criterion, []).append(grade)
    return OutputScore(
        output.id,
        output.unit.target,
        output.unit.item_id,
        scores={name: _weighted(group) for name, group in by_criterion.items()},
        passes={name: all(grade.passed for grade in group) for name, group in by_criterion.items()},
        kinds=frozenset(grade.grader.kind for grade in automatic),
        complete=len(automatic) >= wanted,
        kinds_by={name: frozenset(grade.grader.kind for grade in group) for name, group in by_criterion.items()},
    )


def _weighted(grades: Sequence[Grade]) -> float:
    """Give the weighted mean score of grades of one criterion."""
    total = sum(grade.weight for grade in grades)
    return sum((grade.score or 0.0) * grade.weight for grade in grades) / total


# --- records and columns ---------------------------------------------------------------------------

Scores: TypeAlias = ScoreTable | Iterable[OutputScore]
"""Scores as columns, or as records where there are few."""


def as_table(scores: Scores) -> ScoreTable:
    """Give scores as columns."""
    return scores if isinstance(scores, ScoreTable) else _table_of(list(scores))


def _table_of(scores: Sequence[OutputScore]) -> ScoreTable:
    """Put records into columns."""
    targets, items, criteria = dict[str, int](), dict[ItemId, int](), dict[str, int]()
    outputs = OutputColumns(
        np.array([targets.setdefault(score.target, len(targets)) for score in scores], dtype=np.int32),
        np.array([items.setdefault(score.item_id, len(items)) for score in scores], dtype=np.int32),
        np.ones(len(scores), dtype=np.bool_),
        np.ones(len(scores), dtype=np.bool_),
        np.array([score.complete for score in scores], dtype=np.bool_),
        np.array([score.passed for score in scores], dtype=np.bool_),
        np.array([kind_bits(score.kinds) for score in scores], dtype=np.uint8),
        np.array([PASSES if score.passed else FAILS for score in scores], dtype=np.uint8),
    )
    said = [(place, name) for place, score in enumerate(scores) for name in score.scores]
    verdicts = VerdictColumns(
        np.array([place for place, _ in said], dtype=np.int32),
        np.array([criteria.setdefault(name, len(criteria)) for _, name in said], dtype=np.int32),
        np.array([scores[place].scores[name] for place, name in said], dtype=np.float64),
        np.array([scores[place].passes.get(name, True) for place, name in said], dtype=np.bool_),
        np.array([kind_bits(scores[place].kinds_of(name)) for place, name in said], dtype=np.uint8),
    )
    places = {score.output_id: place for place, score in enumerate(scores)}
    return ScoreTable(tuple(targets), tuple(items), tuple(criteria), outputs, verdicts, places)


# --- estimates -------------------------------------------------------------------------------------


def score_rows(scores: Scores, skill_of: Mapping[ItemId, str | None], human: Collection[OutputId]) -> list[ScoreRow]:
    """Estimate every target overall and by skill, for passing all graders first and then for each criterion.

    A criterion gets rows of its own only where a target has more than one.
    """
    table = as_table(scores)
    skills, seen = _Skills(table, skill_of), table.flags(human)
    rows: list[ScoreRow] = []
    for target in table.scored_targets():
        places = table.complete_of(target)
        criteria = table.criteria_of(places)
        for name in (PASS_CRITERION, *(criteria if len(criteria) > 1 else ())):
            said = table.criterion(name)
            group = places[said.there[places]]
            rows += [
                ScoreRow(target, skill, name, _estimate(table, mine, said, seen))
                for skill, mine in skills.groups(group)
            ]
    return rows


class _Skills:
    """The skills of the outputs of a table."""

    def __init__(self, table: ScoreTable, skill_of: Mapping[ItemId, str | None]) -> None:
        self.names, codes = skill_codes(table.items, skill_of)
        self._skill = codes[table.outputs.item]

    def groups(self, places: Places) -> list[tuple[str, Places]]:
        """Give some outputs, all of them first, and those of each skill that they have, by name."""
        mine = self._skill[places]
        there = np.unique(mine[mine >= 0])
        return [(OVERALL, places), *((self.names[code], places[mine == code]) for code in there)]

    def of(self, places: Places, skill: str) -> Places:
        """Give those of some outputs that belong to a skill."""
        code = self.names.index(skill) if skill in self.names else -2
        found: Places = places[(self._skill[places] == code) | (skill == OVERALL)]
        return found


def _estimate(table: ScoreTable, places: Places, said: Criterion, seen: Flags) -> Estimate:
    """Estimate the mean over items of what a criterion says; repeats of an item are averaged first."""
    means = item_means(table.outputs.item[places], said.score[places])[1]
    return _estimate_of(means, how_of_bits(all_kinds(said.kinds[places])), int(seen[places].sum()))


def _estimate_of(values: Floats, how: How, graded: int) -> Estimate:
    """Estimate the mean of the items' values."""
    measured = mean_of(values)
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, how, measured.method, graded)


def item_values(group: Iterable[OutputScore], value: Callable[[OutputScore], float]) -> dict[ItemId, float]:
    """Give each item's mean value over its repeats, in the order the items come."""
    collected: dict[ItemId, list[float]] = {}
    for score in group:
        collected.setdefault(score.item_id, []).append(value(score))
    return {item_id: sum(values) / len(values) for item_id, values in collected.items()}


def passing(score: OutputScore) -> float:
    """Give 1.0 for an output that passes every grader, else 0.0."""
    return float(score.passed)


def how_of(group: Iterable[OutputScore], criterion: str = PASS_CRITERION) -> How:
    """Name the kinds of grader behind a criterion of a group of outputs."""
    kinds = set[GraderKind]()
    for score in group:
        kinds |= score.kinds if criterion == PASS_CRITERION else score.kinds_of(criterion)
    if kinds == {GraderKind.JUDGE}:
        return How.JUDGE
    return How.CHECK_AND_JUDGE if GraderKind.JUDGE in kinds else How.CHECK


# --- with errors, without the judge ----------------------------------------------------------------


def completed_rows(rows: Iterable[ScoreRow], scores: Scores, skill_of: Mapping[ItemId, str | None]) -> list[ScoreRow]:
    """Give the rows with their pass rates once more: errors counted as fails, and by code checks alone."""
    table = as_table(scores)
    skills, checked = _Skills(table, skill_of), _checked(table)
    failed = np.flatnonzero(~table.outputs.answered)
    return [_completed(row, table, skills, checked, failed) if row.criterion == PASS_CRITERION else row for row in rows]


def _completed(row: ScoreRow, table: ScoreTable, skills: _Skills, checked: Criterion, failed: Places) -> ScoreRow:
    """Give one pass rate with what it is with errors, and by checks alone; `failed` are the places of the errors."""
    out, code = table.outputs, table.targets.index(row.target)
    mine = skills.of(table.complete_of(row.target), row.skill)
    errors = skills.of(failed[out.target[failed] == code], row.skill)
    if errors.size:
        values = np.append(out.passed[mine].astype(np.float64), np.zeros(errors.size))
        means = item_means(np.append(out.item[mine], out.item[errors]), values)[1]
        row = replace(row, with_errors=_estimate_of(means, row.estimate.how, row.estimate.human_n))
    mine = mine[checked.there[mine]]
    if row.estimate.how is How.CHECK_AND_JUDGE and mine.size:
        means = item_means(out.item[mine], checked.score[mine])[1]
        row = replace(row, checks=_estimate_of(means, How.CHECK, 0))
    return row


def _checked(table: ScoreTable) -> Criterion:
    """Give 1.0 for each output that passes every criterion that only code checks decide, else 0.0; NaN without any."""
    said = table.verdicts
    alone = (said.kinds & JUDGED) == 0
    score = np.full(table.size, np.nan)
    score[said.output[alone]] = 1.0
    score[said.output[alone & ~said.passed]] = 0.0
    return Criterion(score, table.outputs.kinds)


FEWEST_PAIRS = 10
"""Below this many outputs graded by both, the judge's agreement with people is not shown."""


def judge_agreement(pairs: Sequence[tuple[bool, bool]]) -> Estimate | None:
    """Estimate how often judge and people give the same pass or fail; pairs are (judge passed, people passed) per output."""
    if len(pairs) < FEWEST_PAIRS:
        return None
    measured = wilson(sum(judge == people for judge, people in pairs), len(pairs))
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, How.HUMAN, measured.method, measured.n)
