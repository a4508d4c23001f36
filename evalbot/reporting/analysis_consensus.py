"""What the graders of one criterion say together, how far they agree, and how often each of them is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalbot.reporting.analysis_records import Agreement, ConsensusMethod, GraderReliability, OutputConsensus
from evalbot.reporting.analysis_table import MAX_CELLS, GradeTable
from evalbot.stats.agreement import Metric, gwet_ac1, krippendorff_alpha
from evalbot.stats.intervals import Floats, Ints, Measured, mean_of, sums_by
from evalbot.stats.raters import (
    SKILL_PRIOR,
    Consensus,
    calibrated_mean,
    dawid_skene,
    leave_one_out_agreement,
    majority,
)

DAWID_SKENE = "Dawid-Skene"
"""The name of the method that weighs graders."""

FEWEST_FOR_AGREEMENT = 10
FEWEST_GOLD = 10
GRADES_PER_OUTPUT, OUTPUTS_PER_GRADER = 3, 20
"""From so many grades of an output and outputs of a grader on average a model of graders has enough to learn from."""
RELIABLE = 0.8
"""The model of graders needs a consensus this reliable (Spearman-Brown of alpha). In simulations with 2 to 5 labels, 3 to 60
grades an output and 20 to 750 graders it lost up to 15 points of right labels to the majority below, at most 1 above,
where it gained up to 2.
"""
QUICK_VOTES = 200_000
"""Grades times labels up to which the model is tried on gold whatever the agreement; beyond it would take too long."""
MAX_CONFUSION = 2_000_000
"""Graders times labels squared up to which a model of graders fits the memory."""
LOPSIDED = 0.8
CLOSE = 0.1
"""On an interval scale two values within this part of the range count as the same."""
FINE_STEPS = 256
MAX_CALIBRATION_CELLS = 150_000
"""Outputs times graders up to which strictness is taken out of means; beyond it would take too long."""


@dataclass(frozen=True, slots=True)
class Together:
    """The consensus of every output as codes (-1: open), probabilities and posteriors; `value` holds numbers of intervals."""

    method: ConsensusMethod
    label: Ints
    probability: Floats
    posterior: Floats
    value: Floats | None = None


def measure_agreement(table: GradeTable, seed: int) -> Agreement:
    """Measure agreement beyond chance; below ten outputs graded twice nothing is said."""
    metric, pairs = table.reading.scale.metric, table.doubly_graded
    share = float(table.label_counts.max(initial=0)) / max(1, table.item.size)
    if pairs < FEWEST_FOR_AGREEMENT:
        return Agreement(metric, pairs, None, None, share > LOPSIDED)
    codes = np.arange(len(table.labels), dtype=np.float64)
    values = _coarse(table) if metric is Metric.INTERVAL else codes
    alpha = krippendorff_alpha(table.side_by_side(values), metric, np.random.default_rng(seed))
    ac1 = None
    if metric is not Metric.INTERVAL:
        ac1 = gwet_ac1(table.side_by_side(codes), np.random.default_rng(seed))
    return Agreement(metric, pairs, alpha, ac1, share > LOPSIDED)


def _coarse(table: GradeTable) -> Floats:
    """Give the numbers of an interval scale, rounded to fine steps when there are too many different ones for the memory."""
    values = table.values
    if len(table.outputs) * len(values) <= MAX_CELLS // 4:
        return values
    low, width = float(values.min()), float(np.ptp(values))
    steps = min(FINE_STEPS, MAX_CELLS // len(table.outputs))
    return low + np.round((values - low) / width * steps) / steps * width


def find_consensus(table: GradeTable, gold: Ints | None, agreement: Agreement) -> Together:
    """Find the consensus: means for intervals, middle grades for levels, else most votes; a model of graders where it is due.

    gold: label codes by output, -1 for a label nobody gave, -2 for none; None for no gold at all.
    """
    if table.reading.scale.metric is Metric.INTERVAL:
        return _means(table)
    votes = majority(table.votes)
    ordinal = table.reading.scale.metric is Metric.ORDINAL
    plain = np.where(table.per_item > 0, _middle(votes) if ordinal else votes.label, -1)
    name = "the middle grade" if ordinal else "majority vote"
    known = 0 if gold is None else int(((gold >= -1) & (table.per_item > 0)).sum())
    hits = _hits(plain, gold, table)
    against = _against_a_model(table, agreement)
    if len(table.labels) < 2 or (against and not (known >= FEWEST_GOLD and _quick(table))):
        return _together(table, votes, plain, ConsensusMethod(name, against or "there is only one value", hits, None))
    model = dawid_skene(table.votes)
    if known >= FEWEST_GOLD:
        model_hits = _hits(model.label, gold, table)
        better = hits is not None and model_hits is not None and model_hits.value > hits.value
        why = f"on gold it is right more often than {name}" if better else "on gold weighing graders is not better"
    else:
        model_hits, better, why = None, True, "there are grades enough to weigh graders, and they agree"
    if not better:
        return _together(table, votes, plain, ConsensusMethod(name, why, hits, None))
    label = np.where(table.per_item > 0, model.label, -1)
    return _together(table, model, label, ConsensusMethod(DAWID_SKENE, why, model_hits, hits))


def _quick(table: GradeTable) -> bool:
    """Tell whether the model of graders is soon fitted and fits the memory."""
    labels = len(table.labels)
    return table.item.size * labels <= QUICK_VOTES and len(table.graders) * labels**2 <= QUICK_VOTES


def _against_a_model(table: GradeTable, agreement: Agreement) -> str:
    """Say why a model of graders is not due without gold; nothing when it is."""
    graded, active = max(1, int((table.per_item > 0).sum())), max(1, int((table.per_rater > 0).sum()))
    grades = table.item.size / graded
    if table.reading.scale.metric is Metric.ORDINAL:
        return "it keeps the order of the levels"
    if grades < GRADES_PER_OUTPUT:
        return f"to weigh graders takes {GRADES_PER_OUTPUT} grades an output"
    if table.item.size < OUTPUTS_PER_GRADER * active:
        return f"to weigh graders takes {OUTPUTS_PER_GRADER} outputs a grader"
    alpha = agreement.alpha.value if agreement.alpha else 0.0
    if grades * alpha < RELIABLE * (1 + (grades - 1) * alpha):
        return "graders agree too little to weigh them"
    return "" if len(table.graders) * len(table.labels) ** 2 <= MAX_CONFUSION else "there are too many graders to weigh"


def _together(table: GradeTable, found: Consensus, label: Ints, method: ConsensusMethod) -> Together:
    """Put labels and their probabilities together; an open output has that of its leaders."""
    rows = np.arange(len(table.outputs))
    own = found.posterior[rows, np.maximum(label, 0)]
    probability = np.where(label >= 0, own, found.posterior.max(axis=1))
    return Together(method, label, np.where(table.per_item > 0, probability, np.nan), found.posterior)


def _middle(votes: Consensus) -> Ints:
    """Give the middle grade of every output, of two the lower."""
    reached = np.cumsum(votes.posterior, axis=1) >= 0.5 - 1e-9
    return np.asarray(reached.argmax(axis=1), dtype=np.int64)


def _hits(label: Ints, gold: Ints | None, table: GradeTable) -> Measured | None:
    """Measure how often labels equal gold; an open one counts half."""
    if gold is None:
        return None
    known = (gold >= -1) & (table.per_item > 0)
    if not known.any():
        return None
    return mean_of(np.where(label[known] < 0, 0.5, label[known] == gold[known]).astype(np.float64))


def _means(table: GradeTable) -> Together:
    """Give the mean of every output after taking out how strict each grader is, where that can be told."""
    cells = len(table.outputs) * len(table.graders)
    if cells <= MAX_CALIBRATION_CELLS:
        matrix = np.full((len(table.outputs), len(table.graders)), np.nan)
        matrix[table.item, table.place[table.rater]] = table.values[table.label]
        value, name = calibrated_mean(matrix), "mean, strictness of graders taken out"
    else:
        value = sums_by(table.item, table.values[table.label], len(table.outputs)) / np.maximum(table.per_item, 1)
        value, name = np.where(table.per_item > 0, value, np.nan), "mean"
    ends = table.reading.scale.ends
    nothing = np.full(len(table.outputs), np.nan)
    method = ConsensusMethod(name, "the values are an interval scale", None, None)
    label = np.full(len(table.outputs), -1, dtype=np.int64)
    return Together(method, label, nothing, np.zeros((len(value), 0)), np.clip(value, ends.lower, ends.upper))


def consensus_rows(table: GradeTable, together: Together) -> tuple[OutputConsensus, ...]:
    """Give the consensus of every output as a record."""
    names = [table.label_shown(code) for code in range(len(table.labels))]
    if together.value is not None:
        labels: list[str | float | None] = [None if np.isnan(v) else round(float(v), 6) for v in together.value]
    else:
        labels = [names[code] if code >= 0 else None for code in together.label]
    columns = zip(
        table.outputs,
        labels,
        together.probability.tolist(),
        together.posterior.tolist(),
        table.per_item.tolist(),
        table.unsure_by_item.tolist(),
        strict=True,
    )
    return tuple(
        OutputConsensus(name, label, None if p != p else p, tuple(posterior) if grades else (), grades, unsure)
        for name, label, p, posterior, grades, unsure in columns
    )


def rate_graders(table: GradeTable, gold: Ints | Floats | None) -> tuple[GraderReliability, ...]:
    """Rate every grader on gold and with the others. gold: label codes by output as above; values (NaN: none) of intervals."""
    interval = table.reading.scale.metric is Metric.INTERVAL
    others = _by_rater(table, (table.per_item[table.item] >= 2).astype(np.int64))
    close = _share(_by_rater(table, _close_to_others(table)), others)
    with_others = close if interval else leave_one_out_agreement(table.votes)
    on_gold, golden = _on_gold(table, gold, interval)
    unsure = table.unsure_by_rater
    return tuple(
        GraderReliability(
            name,
            int(table.per_rater[k]),
            int(unsure[k]),
            float(on_gold[k]) if golden[k] else None,
            int(golden[k]),
            float(with_others[k]) if others[k] else None,
            int(others[k]),
        )
        for k, name in enumerate(table.graders)
    )


def _by_rater(table: GradeTable, weights: Floats | Ints) -> Floats:
    """Sum something over the grades of each grader."""
    return sums_by(table.rater, np.asarray(weights, dtype=np.float64), len(table.graders))


def _share(right: Floats, total: Floats) -> Floats:
    """Give the share of right ones with the Beta(2, 1) prior."""
    shares: Floats = (right + SKILL_PRIOR[0]) / (total + sum(SKILL_PRIOR))
    return shares


def _close_to_others(table: GradeTable) -> Floats:
    """Tell of every grade whether it lies near the mean of the others' grades: 1.0 or 0.0, 0.0 without others."""
    values = table.values[table.label]
    sums = sums_by(table.item, values, len(table.outputs))[table.item]
    count = table.per_item[table.item]
    others = (sums - values) / np.maximum(count - 1, 1)
    near = np.abs(values - others) <= CLOSE * table.reading.scale.ends.width + 1e-9
    return (near & (count >= 2)).astype(np.float64)


def _on_gold(table: GradeTable, gold: Ints | Floats | None, interval: bool) -> tuple[Floats, Floats]:
    """Give each grader's share of right grades on gold outputs and how many there are."""
    if gold is None:
        return np.zeros(len(table.graders)), np.zeros(len(table.graders))
    truth = gold[table.item]
    if interval:
        known = ~np.isnan(truth)
        distance = np.abs(table.values[table.label] - truth)
        right = known & (distance <= CLOSE * table.reading.scale.ends.width + 1e-9)
    else:
        known, right = truth >= -1, table.label == truth
    total = _by_rater(table, known.astype(np.float64))
    return _share(_by_rater(table, right.astype(np.float64)), total), total
