"""The mean score by people alone, by people with a judge's help, and by the judge alone; and what the judge saves."""

from __future__ import annotations

from collections.abc import Mapping
from math import atanh, sqrt, tanh

import numpy as np

from evalbot.reporting.analysis_records import JudgeHelp, ScoreEstimates
from evalbot.reporting.analysis_scales import Value
from evalbot.reporting.analysis_table import GradeTable
from evalbot.stats.agreement import Metric
from evalbot.stats.intervals import CHANGE, SMALL_N, Floats, Measured, is_constant, mean_of, t_mean, widened_mean
from evalbot.stats.judged import Corrected, corrected_stream_mean, labels_needed
from evalbot.stats.power import items_for_half_width
from evalbot.stats.quantiles import two_sided_z
from evalbot.stats.raters import majority

FEWEST_PAIRS = 10
"""Below so many outputs graded by people and judge nothing is said about the judge."""
WANTED_HALF_WIDTH = 0.05
MANY_JUDGED = 1_000_000
"""So many judged outputs stand for a judge who grades as many as are wanted."""
_ALMOST_ONE = 1 - 1e-9


def estimate_scores(
    table: GradeTable, judge: Mapping[str, Value | None] | None
) -> tuple[ScoreEstimates, JudgeHelp | None]:
    """Estimate the mean score of outputs like these.

    judge: its value by output, None where it could not be read. Intervals speak of outputs like these, so they do not
    shrink to nothing when all were graded. The correction is valid when the outputs that people graded are a random part
    of the judged ones.
    """
    human = table.item_scores
    graded = ~np.isnan(human)
    by_people = mean_of(human[graded]) if graded.any() else None
    if judge is None:
        return ScoreEstimates(by_people, None, None), None
    scores = {name: table.reading.judge_score(value) for name, value in sorted(judge.items()) if value is not None}
    mine = np.array([scores.get(name, np.nan) for name in table.outputs], dtype=np.float64)
    paired = graded & ~np.isnan(mine)
    ungraded = np.array([scores[name] for name in _others(scores, table, graded)], dtype=np.float64)
    judge_only = mean_of(list(scores.values())) if scores else None
    if int(paired.sum()) < FEWEST_PAIRS:
        help_ = JudgeHelp(int(paired.sum()), len(scores), len(judge) - len(scores), None, None, None, None, None)
        return ScoreEstimates(by_people, None, judge_only), help_
    h, f = human[paired], mine[paired]
    found = corrected_stream_mean(h, f, ungraded if ungraded.size else f, weight=None if ungraded.size else 0.0)
    corrected = found.measured if ungraded.size else mean_of(h)
    same = _same_label(table, judge)
    help_ = _help(h, f, found, len(scores), len(judge) - len(scores), same)
    return ScoreEstimates(by_people, corrected, judge_only), help_


def _others(scores: Mapping[str, float], table: GradeTable, graded: np.ndarray) -> list[str]:
    """Give the judged outputs that no person graded."""
    seen = {name for name, known in zip(table.outputs, graded.tolist(), strict=True) if known}
    return [name for name in scores if name not in seen]


def _help(human: Floats, judge: Floats, found: Corrected, judged: int, unread: int, same: Measured | None) -> JudgeHelp:
    """Say what the judge adds on outputs that both graded; people who always say the same leave its worth open."""
    bias = (widened_mean if human.size < SMALL_N else t_mean)(judge - human, within=CHANGE)
    if is_constant(human):
        return JudgeHelp(human.size, judged, unread, None, bias, same, None, None)
    sd = float(human.std(ddof=1))
    needed = max(FEWEST_PAIRS, labels_needed(sd, found.correlation, WANTED_HALF_WIDTH, MANY_JUDGED))
    alone = max(FEWEST_PAIRS, items_for_half_width(sd, WANTED_HALF_WIDTH))
    return JudgeHelp(human.size, judged, unread, _saving(found, human.size), bias, same, needed, alone)


def _saving(found: Corrected, pairs: int) -> Measured:
    """Give the squared correlation as the share of grades saved, with the interval of the correlation by Fisher's z.

    Source: Fisher 1915, doi:10.1093/biomet/10.4.507; Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453.
    """
    z = atanh(max(-_ALMOST_ONE, min(_ALMOST_ONE, found.correlation)))
    reach = two_sided_z(0.95) / sqrt(pairs - 3)
    lower, upper = max(0.0, tanh(z - reach)) ** 2, max(0.0, tanh(z + reach)) ** 2
    value = found.saving
    return Measured(value, min(value, lower), max(value, upper), pairs, "squared correlation, Fisher's z")


def _same_label(table: GradeTable, judge: Mapping[str, Value | None]) -> Measured | None:
    """Measure how often the judge says what most people say; None where they speak of different things."""
    if table.reading.shares or not table.labels or table.reading.scale.metric is Metric.INTERVAL:
        return None
    people = np.where(table.per_item > 0, majority(table.votes).label, -1)
    said = table.codes_of({name: value for name, value in judge.items() if value is not None})
    both = (said >= -1) & (people >= 0)
    if int(both.sum()) < FEWEST_PAIRS:
        return None
    return mean_of((said[both] == people[both]).astype(np.float64))
