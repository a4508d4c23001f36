"""Calibrations: a judge put to the outputs that people have graded, with and without examples in its prompt. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

import numpy as np

from evalbot.grading.calibration import (
    DoubleGrade,
    Epoch,
    JudgeStanding,
    agreement_of,
    decide_standing,
    output_agreement,
    passing_share,
)
from evalbot.grading.judge_bias import JudgeBias, chance_corrected, measure_bias
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import Measured
from evalbot.stats.pairs import compare_pairs
from evalbot.stats.verdicts import Decision, decide
from evalbot.suites.items import ItemId
from evalbot.suites.rubrics import Rubric, RubricExample

CalibrationId = NewType("CalibrationId", str)

MOST_EXAMPLES = 3
MOST_EXAMPLE = 600
"""So many characters of a question or an answer go into a suggested example; longer outputs are not suggested."""


@dataclass(frozen=True, slots=True)
class TrialVerdict:
    """What a judge said of a stored output; `level` is None where it could not be read, and `error` says why."""

    output_id: OutputId
    level: int | None
    error: str = ""
    swayed: bool | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge put to the stored outputs that people have graded, in one epoch.

    `verdicts` are those of the judge as it is, `retold` those on the held-back part with the `examples` in its prompt.
    `finished_at` is None while it goes on or after a stop; `note` says why it ended early. `batch` is the first of those that
    were started together, which share `budget`, in nanos. `waiting` ones have not begun: an approver decides on their cost.
    """

    id: CalibrationId
    team: TeamId
    suite: str
    epoch: Epoch
    started_by: PersonId
    channel: str
    started_at: datetime
    finished_at: datetime | None = None
    verdicts: tuple[TrialVerdict, ...] = ()
    examples: tuple[RubricExample, ...] = ()
    retold: tuple[TrialVerdict, ...] = ()
    note: str = ""
    batch: str = ""
    budget: int | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """All that is known of one judge of a suite in its present epoch.

    `graded` counts the outputs that people graded blind and by chance, `waiting` those of them that this judge has not graded.
    `beyond_chance` is kappa on two steps and ordinal alpha on more (`ordinal`). `last` is the newest calibration that ended.
    """

    suite: str
    epoch: Epoch
    standing: JudgeStanding
    bias: JudgeBias
    beyond_chance: Measured | None
    ordinal: bool
    graded: int
    waiting: int
    last: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """What examples in the prompt change on the held-back part: agreement before and after, over the same outputs."""

    before: Measured
    after: Measured
    difference: Measured
    decision: Decision


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What a calibration brought. `practice` and `held_back` count outputs; `written` holds the examples as YAML to paste.

    `gain` is None without examples, or with too few outputs held back to compare; `unread` counts verdicts that failed.
    """

    calibration: Calibration
    judge: JudgeReport
    practice: int
    held_back: int
    gain: Gain | None
    written: str
    unread: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The double grades of a calibration: those that examples may be taken from, and those that measure the gain."""

    practice: tuple[DoubleGrade, ...] = field(default=())
    held_back: tuple[DoubleGrade, ...] = field(default=())


def held_back(item_id: ItemId) -> bool:
    """Tell whether the outputs of an item measure the gain; always the same half, by a stable hash of its id."""
    digest = hashlib.blake2b(f"calibration:{item_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return bool(digest[0] & 1)


def split_pairs(pairs: Sequence[DoubleGrade]) -> Parts:
    """Split double grades by item, so that nothing of a held-back item is seen in an example."""
    return Parts(
        tuple(pair for pair in pairs if not held_back(pair.item_id)),
        tuple(pair for pair in pairs if held_back(pair.item_id)),
    )


def worst_first(pairs: Sequence[DoubleGrade], rubric: Rubric) -> list[DoubleGrade]:
    """Give the pairs on which judge and people clearly differ on pass or fail, the widest gap first, one per item.

    Where people are split among themselves there is nothing to teach.
    """
    found: dict[ItemId, tuple[float, DoubleGrade]] = {}
    for pair in sorted(pairs, key=lambda one: one.output_id):
        share = passing_share(pair.people, rubric)
        clear = share in (0.0, 1.0) and rubric.passes(pair.judge) != (share == 1.0)
        people = sum(map(rubric.scale.score, pair.people)) / len(pair.people)
        gap = abs(rubric.scale.score(pair.judge) - people)
        if clear and gap > found.get(pair.item_id, (0.0, pair))[0]:
            found[pair.item_id] = (gap, pair)
    ranked = sorted(found.values(), key=lambda one: (-one[0], -len(one[1].people), one[1].output_id))
    return _both_sides([pair for _, pair in ranked], rubric)


def _both_sides(ranked: Sequence[DoubleGrade], rubric: Rubric) -> list[DoubleGrade]:
    """Take turns between what the judge let pass and what it failed, so that examples do not push it to one side."""
    lenient = [pair for pair in ranked if rubric.passes(pair.judge)]
    strict = [pair for pair in ranked if not rubric.passes(pair.judge)]
    longest = max(len(lenient), len(strict))
    first, second = (lenient, strict) if len(lenient) >= len(strict) else (strict, lenient)
    return [side[place] for place in range(longest) for side in (first, second) if place < len(side)]


FEWEST_HELD_BACK = 10
"""Below so many held-back outputs before and after are not compared."""


def measure_gain(before: Sequence[DoubleGrade], after: Sequence[DoubleGrade], rubric: Rubric) -> Gain | None:
    """Compare a judge with and without examples on the outputs that both have graded; None for too few of them.

    The difference is paired by output, and clustered by item where items come more than once.
    """
    later = {pair.output_id: pair for pair in after}
    old = [pair for pair in before if pair.output_id in later]
    new = [later[pair.output_id] for pair in old]
    if len(old) < FEWEST_HELD_BACK:
        return None
    first, second = ([output_agreement(pair, rubric) for pair in pairs] for pairs in (old, new))
    items = [str(pair.item_id) for pair in old]
    compared = compare_pairs(first, second, np.random.default_rng(len(old)), items)
    decision = decide(compared.difference, p=compared.p)
    return Gain(agreement_of(old, rubric), agreement_of(new, rubric), compared.difference, decision)


def report_judge(
    suite: str,
    epoch: Epoch,
    rubric: Rubric,
    pairs: Sequence[DoubleGrade],
    graded: int,
    last: Calibration | None = None,
) -> JudgeReport:
    """Put together what is known of a judge; `graded` counts the outputs of people, with or without a grade of the judge."""
    standing = decide_standing(pairs, rubric)
    known = standing.agreement is not None
    return JudgeReport(
        suite,
        epoch,
        standing,
        measure_bias(pairs, rubric),
        chance_corrected(pairs, rubric, np.random.default_rng(len(pairs))) if known else None,
        len(rubric.scale.steps) > 2,
        graded,
        graded - len(pairs),
        last,
    )
