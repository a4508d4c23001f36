"""How a judge differs from people: by how much, for whose answers, for long ones, by the place of an answer. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalbot.grading.calibration import DoubleGrade, weighted_share
from evalbot.stats.agreement import Metric, cohen_kappa, krippendorff_alpha
from evalbot.stats.intervals import CHANGE, Measured, mean_of
from evalbot.stats.pairs import difference_of
from evalbot.suites.rubrics import Rubric
from evalbot.suites.targets import Target

FEWEST_IN_GROUP = 5
"""A bias of fewer outputs than this is not shown."""

_FAMILY = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class GroupBias:
    """The mean of judge minus people over one group of outputs, in [-1, 1]; positive where the judge is kinder."""

    name: str
    bias: Measured


@dataclass(frozen=True, slots=True)
class JudgeBias:
    """Every bias that enough outputs were graded for.

    `length_gap` is the bias for long answers minus that for short ones, cut at `characters`; `swayed` the share of side by
    side comparisons that the place of an answer decided.
    """

    overall: Measured | None
    families: tuple[GroupBias, ...] = ()
    short: Measured | None = None
    long: Measured | None = None
    length_gap: Measured | None = None
    characters: int = 0
    swayed: Measured | None = None


def family_of(target: Target) -> str:
    """Give the family of a target's model: the first word of its name, such as `gpt` or `claude`; else what it is called."""
    found = _FAMILY.match(target.model.rsplit("/", 1)[-1].lower())
    return found[0] if found else target.label


def measure_bias(pairs: Sequence[DoubleGrade], rubric: Rubric) -> JudgeBias:
    """Measure how a judge differs from people."""
    if len(pairs) < FEWEST_IN_GROUP:
        return JudgeBias(None)
    middle = int(statistics.median(pair.characters for pair in pairs))
    short = _bias([pair for pair in pairs if pair.characters <= middle], rubric)
    long = _bias([pair for pair in pairs if pair.characters > middle], rubric)
    swayed = [float(pair.swayed) for pair in pairs if pair.swayed is not None]
    return JudgeBias(
        overall=_bias(pairs, rubric),
        families=tuple(_family_biases(pairs, rubric)),
        short=short,
        long=long,
        length_gap=difference_of(long, short) if short and long else None,
        characters=middle,
        swayed=mean_of(swayed) if len(swayed) >= FEWEST_IN_GROUP else None,
    )


def chance_corrected(pairs: Sequence[DoubleGrade], rubric: Rubric, rng: np.random.Generator) -> Measured | None:
    """Measure agreement beyond chance: Cohen's kappa of two steps, the ordinal alpha of more; None where it is undefined.

    People stand with their low median step. Source: see `cohen_kappa` and `krippendorff_alpha`.
    """
    judge = [float(pair.judge) for pair in pairs]
    people = [float(statistics.median_low(pair.people)) for pair in pairs]
    if len(rubric.scale.steps) == 2:
        return cohen_kappa(judge, people, rng)
    return krippendorff_alpha(np.column_stack([judge, people]), Metric.ORDINAL, rng) if pairs else None


def _family_biases(pairs: Sequence[DoubleGrade], rubric: Rubric) -> list[GroupBias]:
    """Measure the bias for each family of models; nothing where all answers come from one."""
    by_family: dict[str, list[DoubleGrade]] = {}
    for pair in pairs:
        by_family.setdefault(pair.family, []).append(pair)
    if len(by_family) < 2:
        return []
    found = ((name, _bias(group, rubric)) for name, group in sorted(by_family.items()))
    return [GroupBias(name, bias) for name, bias in found if bias is not None]


def _bias(pairs: Sequence[DoubleGrade], rubric: Rubric) -> Measured | None:
    """Measure the mean of judge minus people; None for too few."""
    if len(pairs) < FEWEST_IN_GROUP:
        return None
    return weighted_share([_gap(pair, rubric) for pair in pairs], pairs, CHANGE)


def _gap(pair: DoubleGrade, rubric: Rubric) -> float:
    """Give the score of the judge minus the mean score of people."""
    people = sum(map(rubric.scale.score, pair.people)) / len(pair.people)
    return rubric.scale.score(pair.judge) - people
