"""Grades of any data analysed: consensus, agreement, reliability of graders and the mean score with a judge's help."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalbot.reporting.analysis_consensus import consensus_rows, find_consensus, measure_agreement, rate_graders
from evalbot.reporting.analysis_judge import estimate_scores
from evalbot.reporting.analysis_records import Analysis, CriterionAnalysis
from evalbot.reporting.analysis_rows import Given, GradeRow, LabelRow, Part, Source, labels_of, parts_of
from evalbot.reporting.analysis_scales import Reading, Value, read_values
from evalbot.reporting.analysis_table import GradeTable, grade_table, value_shown
from evalbot.stats.agreement import Metric
from evalbot.stats.intervals import Floats, Ints


def analyze_grades(
    grades: Sequence[GradeRow],
    gold: Sequence[LabelRow] | None = None,
    judge: Sequence[LabelRow] | None = None,
    seed: int = 0,
) -> Analysis:
    """Analyse grades criterion by criterion; the order of rows and the names of graders change nothing.

    gold: right labels of some outputs; judge: a judge's verdict on the graded outputs and others like them. seed is that
    of the bootstrap. Raises BadRow for a row that cannot be used. Without any row there is no criterion.
    """
    parts = parts_of(grades)
    names = list(parts)
    golds = labels_of(gold or (), names, Source.GOLD)
    judges = labels_of(judge or (), names, Source.JUDGE)
    return Analysis({name: _analyze(part, golds[name], judges[name], seed) for name, part in parts.items()})


def _analyze(part: Part, gold: list[Given], judge: list[Given], seed: int) -> CriterionAnalysis:
    """Analyse the grades of one criterion."""
    reading = read_values(part, gold, judge)
    table = grade_table(part, reading)
    right = {one.output: value for one, value in zip(gold, reading.gold, strict=True) if value is not None}
    verdicts = {one.output: value for one, value in zip(judge, reading.judge, strict=True)} if judge else None
    codes = table.codes_of(right) if right else None
    agreement = measure_agreement(table, seed)
    together = find_consensus(table, codes, agreement)
    estimates, help_ = estimate_scores(table, verdicts)
    counts = {str(value_shown(v, reading)): int(n) for v, n in zip(table.labels, table.label_counts, strict=True)}
    unsure = int(table.unsure_by_item.sum())
    return CriterionAnalysis(
        criterion=part.name,
        n_outputs=len(table.outputs),
        n_graders=len(table.graders),
        n_grades=int(table.item.size),
        labels=tuple(table.label_shown(code) for code in range(len(table.labels))),
        counts=counts | ({"unsure": unsure} if unsure else {}),
        scoring=reading.scale.meaning,
        low=reading.scale.ends.lower,
        high=reading.scale.ends.upper,
        agreement=agreement,
        method=together.method,
        consensus=consensus_rows(table, together),
        graders=rate_graders(table, _gold_for_graders(table, right, codes)),
        estimates=estimates,
        judge=help_,
        notes=tuple(_notes(part, table, right, verdicts, reading)),
    )


def _gold_for_graders(table: GradeTable, right: dict[str, Value], codes: Ints | None) -> Ints | Floats | None:
    """Give gold as numbers for intervals, else as label codes."""
    if codes is None or table.reading.scale.metric is not Metric.INTERVAL:
        return codes
    return np.array([float(right.get(name, "nan")) for name in table.outputs], dtype=np.float64)


def _notes(
    part: Part, table: GradeTable, right: dict[str, Value], verdicts: dict[str, Value | None] | None, reading: Reading
) -> list[str]:
    """Say what was left out or assumed."""
    notes = []
    outputs = set(table.outputs)
    if part.repeats:
        notes.append(
            f"{part.repeats:,} earlier grades by the same grader on the same output were replaced by the last."
        )
    if right and len(right.keys() - outputs):
        notes.append(f"{len(right.keys() - outputs):,} gold labels belong to outputs that nobody graded.")
    if verdicts is not None and (unread := sum(value is None for value in verdicts.values())):
        notes.append(f"{unread:,} outputs have no readable verdict of the judge and were left out of its part.")
    if verdicts is not None and (missing := len(outputs - verdicts.keys())):
        notes.append(f"{missing:,} graded outputs are missing from the judge's file.")
    if reading.shares:
        notes.append("The judge's numbers lie between 0 and 1 and were taken as scores.")
    return notes
