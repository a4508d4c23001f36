"""Calibration: how far a judge may be believed, from the outputs that both it and people graded. Pure.

The rule. Agreement is the share of outputs on which judge and people's consensus give the same pass or fail; where people
are split evenly either verdict agrees half. A judge passes when the lower end of the 95 % interval of its agreement
(1) is at most `NEAR` below the human ceiling, the agreement of one person with the consensus of the others, and
(2) lies above the majority baseline, the agreement of a judge that always gives people's more frequent verdict.
Under that bar it is UNVERIFIED. With fewer than `FEWEST` outputs graded by judge and people, or fewer than `FEWEST` graded by
two people, or people who always say the same, there is nothing to hold it against: it is UNMEASURED.
Source: after the alternative annotator test of Calderon, Reichart & Dror 2025, arXiv:2501.10970; interval: Wilson 1927,
doi:10.1080/01621459.1927.10502953, clustered by item: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import ceil

import numpy as np

from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import (
    SMALL_N,
    UNIT,
    Floats,
    Interval,
    Measured,
    clustered,
    mean_of,
    t_mean,
    widened_mean,
    wilson_bounds,
)
from evalbot.suites.items import ItemId
from evalbot.suites.rubrics import Rubric
from evalbot.suites.targets import Target

FEWEST = 10
"""Below so many outputs graded by judge and people, or by two people, a judge is unmeasured."""

NEAR = 0.05
"""How far below the human ceiling a judge may lie at most."""

MOST_WANTED = 2_000
"""A need of more grades than this is not worth naming: the judge has to become better instead."""


class Standing(StrEnum):
    """Whether a judge's numbers may be believed: not known yet, yes, or no."""

    UNMEASURED = "unmeasured"
    TRUSTED = "trusted"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What must stay the same for a judge's grades to be comparable: its model, its prompt, its rubric.

    `identity` is the hash of model and parameters, `content` that of all that the rubric says, its examples included, so that
    a change opens a new epoch even where a version number was forgotten.
    """

    judge: str
    model: str
    identity: str
    prompt: str
    prompt_version: int
    prompt_digest: str
    rubric: str
    rubric_version: int
    content: str

    @property
    def key(self) -> str:
        """A hash of the whole, by which grades of the epoch are found."""
        return _digest([*asdict(self).values()])


def epoch_of(judge: Target, rubric: Rubric) -> Epoch:
    """Give the epoch of a judge that grades by a rubric now."""
    prompt = rubric.judge
    content = [rubric.question, rubric.pass_from, [asdict(one) for one in rubric.scale.steps]]
    return Epoch(
        judge.label,
        judge.id,
        judge.identity,
        prompt.name if prompt else "",
        prompt.version if prompt else 0,
        prompt.digest if prompt else "",
        rubric.name,
        rubric.version,
        _digest([content, [asdict(one) for one in rubric.examples]]),
    )


def asks_alike(one: Rubric, two: Rubric) -> bool:
    """Tell whether people's grades by one rubric answer the other: same question, same steps, same line to pass."""
    return (one.name, one.question, one.scale, one.pass_from) == (two.name, two.question, two.scale, two.pass_from)


@dataclass(frozen=True, slots=True)
class DoubleGrade:
    """One output graded by a judge and by people, all by the same rubric: the steps they chose, one of people each.

    `weight` makes up for the chance with which the output was drawn, and is 1 where all had the same. `family` names the maker
    of the answering model, `characters` is the length of the answer; `swayed` tells of a side by side comparison that the
    place decided it, None where nothing was compared.
    """

    output_id: OutputId
    item_id: ItemId
    judge: int
    people: tuple[int, ...]
    weight: float = 1.0
    family: str = ""
    characters: int = 0
    swayed: bool | None = None


@dataclass(frozen=True, slots=True)
class JudgeStanding:
    """Where a judge stands, in shares of [0, 1]; None for what cannot be said yet.

    `lower` and `upper` are the interval of `agreement` over `n` outputs, `majority` and `ceiling` what it is held against.
    `more` is about how many further outputs people must grade, None where more grades alone would not help.
    """

    standing: Standing
    agreement: float | None
    lower: float | None
    upper: float | None
    n: int
    majority: float | None
    ceiling: float | None
    reason: str
    more: int | None = None

    @property
    def bar(self) -> float | None:
        """What the lower end of the interval must reach; None while it is not known."""
        if self.majority is None or self.ceiling is None:
            return None
        return max(self.majority, self.ceiling - NEAR)


NO_JUDGE = JudgeStanding(Standing.UNMEASURED, None, None, None, 0, None, None, "This suite has no judge.")


def decide_standing(pairs: Sequence[DoubleGrade], rubric: Rubric) -> JudgeStanding:
    """Decide where a judge stands by the rule above; pairs: outputs drawn by chance that people graded blind."""
    n, twice = len(pairs), sum(len(pair.people) > 1 for pair in pairs)
    if n < FEWEST:
        reason = f"People have graded {n} of the {FEWEST} answers it takes to measure this judge."
        return JudgeStanding(Standing.UNMEASURED, None, None, None, n, None, None, reason, more=FEWEST - n)
    found, majority, ceiling = agreement_of(pairs, rubric), majority_of(pairs, rubric), ceiling_of(pairs, rubric)
    if ceiling is None:
        reason = f"Only {twice} of the {FEWEST} answers it takes were graded by two people, so nobody knows how far people agree."
        return _standing(Standing.UNMEASURED, found, majority, None, reason, FEWEST - twice)
    if majority == 1.0 and found.upper >= ceiling.value - NEAR:
        reason = "People gave every answer the same verdict, so a judge that looks at nothing would agree as well."
        return _standing(Standing.UNMEASURED, found, majority, ceiling.value, reason, None)
    return _held_against(found, majority, ceiling.value)


def agreement_of(pairs: Sequence[DoubleGrade], rubric: Rubric) -> Measured:
    """Measure how often judge and consensus give the same pass or fail, clustered by item; needs one pair at least."""
    return weighted_share([output_agreement(pair, rubric) for pair in pairs], pairs)


def output_agreement(pair: DoubleGrade, rubric: Rubric) -> float:
    """Give 1 where judge and consensus agree on an output, 0 where they differ, 0.5 where people are split evenly."""
    return _same(rubric.passes(pair.judge), passing_share(pair.people, rubric))


def majority_of(pairs: Sequence[DoubleGrade], rubric: Rubric) -> float:
    """Give how often a judge agrees that always gives people's more frequent verdict."""
    passed = sum(pair.weight * _same(True, passing_share(pair.people, rubric)) for pair in pairs)
    share = passed / sum(pair.weight for pair in pairs)
    return max(share, 1.0 - share)


def ceiling_of(pairs: Sequence[DoubleGrade], rubric: Rubric) -> Measured | None:
    """Measure how often one person agrees with the consensus of the others, each left out in turn; None below `FEWEST`."""
    twice = [pair for pair in pairs if len(pair.people) > 1]
    if len(twice) < FEWEST:
        return None
    return weighted_share([_left_out(pair.people, rubric) for pair in twice], twice)


def weighted_share(values: Sequence[float], pairs: Sequence[DoubleGrade], within: Interval = UNIT) -> Measured:
    """Measure the mean of one value per pair, weighted by chance and clustered by item.

    Shares of single items with unequal weights get Wilson's interval of the effective number of outputs; all else with
    unequal weights the clustered interval of the linearised values.
    Source: Hajek 1971 (ratio of weighted sums), in Foundations of Statistical Inference, p. 236; Kish 1965, Survey
    Sampling, section 11.7 (effective number), ISBN 0-471-48900-X.
    """
    items = [str(pair.item_id) for pair in pairs]
    x, w = np.asarray(values, dtype=np.float64), np.array([pair.weight for pair in pairs])
    if np.ptp(w) < 1e-9:
        return mean_of(x, items) if within == UNIT else _plain_mean(x, items, within)
    mean = float(w @ x / w.sum())
    if within == UNIT and len(set(items)) == len(items) and np.isin(x, (0.0, 1.0)).all():
        ends = wilson_bounds(mean, float(w.sum()) ** 2 / float(w @ w))
        return Measured(mean, ends.lower, ends.upper, x.size, "Wilson score, weighted by chance")
    linear = mean + w * (x - mean) * x.size / w.sum()
    found = clustered(linear, items, within=within)
    return replace(found, value=mean, method=f"{found.method}, weighted by chance")


def _plain_mean(x: Floats, items: Sequence[str], within: Interval) -> Measured:
    """Measure a mean of equal weights in another range than [0, 1]."""
    if len(set(items)) < len(items):
        return clustered(x, items, within=within)
    return (widened_mean if x.size < SMALL_N else t_mean)(x, within=within)


def passing_share(levels: Sequence[int], rubric: Rubric) -> float:
    """Give the share of people for whom an output passes."""
    return sum(rubric.passes(level) for level in levels) / len(levels)


def _same(passed: bool, share: float) -> float:
    """Give 1 where a verdict is that of most people, 0 where it is not, 0.5 where people are split evenly."""
    if share == 0.5:
        return 0.5
    return float(passed == (share > 0.5))


def _left_out(levels: Sequence[int], rubric: Rubric) -> float:
    """Give how often one of several people agrees with the consensus of the others."""
    found = [
        _same(rubric.passes(level), passing_share([*levels[:place], *levels[place + 1 :]], rubric))
        for place, level in enumerate(levels)
    ]
    return sum(found) / len(found)


def _held_against(found: Measured, majority: float, ceiling: float) -> JudgeStanding:
    """Hold a measured agreement against baseline and ceiling."""
    lower = found.lower
    if lower > majority and lower >= ceiling - NEAR:
        reason = "It agrees with people about as well as people agree among themselves."
        return _standing(Standing.TRUSTED, found, majority, ceiling, reason, None)
    blind = majority >= ceiling - NEAR
    more = _more(found, max(majority, ceiling - NEAR))
    if more is not None:
        reason = _MAYBE_BETTER if blind else _MAYBE_AS_GOOD
    elif found.value <= max(majority, ceiling - NEAR):
        reason = _AS_BLIND if blind else _WORSE
    else:
        reason = _NEVER
    return _standing(Standing.UNVERIFIED, found, majority, ceiling, reason, more)


_MAYBE_AS_GOOD = "It may agree with people as well as they agree with each other, but so few grades cannot show it."
_MAYBE_BETTER = "It may be better than a blind guess, but so few grades cannot show it."
_WORSE = "It agrees with people less than they agree with each other."
_AS_BLIND = "It agrees with people no more than a blind guess would."
_NEVER = "It lies so near the bar that no reasonable number of grades could show that it is above."


def _more(found: Measured, bar: float) -> int | None:
    """Guess how many more outputs would lift the lower end over the bar if the agreement stays; None where none would."""
    if found.value <= bar:
        return None
    plain = wilson_bounds(found.value, found.n).width
    spread = max(1.0, (found.interval.width / plain) ** 2)
    for n in range(FEWEST, MOST_WANTED):
        if wilson_bounds(found.value, n).lower > bar:
            more = ceil(n * spread) - found.n
            return max(1, more) if more < MOST_WANTED else None
    return None


def _standing(
    standing: Standing, found: Measured, majority: float, ceiling: float | None, reason: str, more: int | None
) -> JudgeStanding:
    """Put a standing together from what was measured."""
    return JudgeStanding(standing, found.value, found.lower, found.upper, found.n, majority, ceiling, reason, more=more)


def _digest(parts: list[object]) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()
