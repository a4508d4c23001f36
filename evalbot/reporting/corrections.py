"""The judge's grades of all outputs corrected by people's grades of a few that were drawn by chance.

Only where the judge grades and people may be asked there is something to correct: what code checks say stands, and what
people may not see (the holdout) is left out of the corrected score. Pass rates take people's verdict in the judge's place
and leave the checks theirs. The interval speaks of the run's own outputs: it narrows to nothing as people grade them all.
Method: prediction-powered mean of a fixed pool (stats/judged) where all outputs had the same chance to be drawn, the
inclusion-weighted form (stats/active) where they had not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.estimates import FEWEST, OVERALL, Correction, Estimate, How, ScoreRow
from evalbot.reporting.scores import OutputScore
from evalbot.runs.outputs import Output, OutputId
from evalbot.stats.active import weighted_mean
from evalbot.stats.intervals import Floats, Measured
from evalbot.stats.judged import corrected_pool_mean, judge_weight
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId

FEWEST_GRADED = 10
"""With fewer outputs graded by people there is no corrected score."""

FEWEST_FOR_SAVING = 20
"""With fewer outputs graded by people nothing is said of what the judge spares them."""

NARROW = 0.02
"""An interval of this half width needs no narrowing."""

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """An output drawn by chance for people: the chance it had, and what they said of it, None while nobody has."""

    chance: float
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class People:
    """What people did for a run: which items they may be asked about, by which criterion, and the outputs drawn for them."""

    criterion_of: Mapping[ItemId, str]
    drawn: Mapping[OutputId, Drawn]


NOBODY = People({}, {})


@dataclass(frozen=True, slots=True)
class Part:
    """Outputs of one target for one criterion whose score is settled (`known`) or judged and open to people.

    All arrays run over the outputs that are open: `judge` their scores, `people` what people say instead (NaN where nobody
    has), `chance` to be drawn (0 where not drawn), `items` theirs. `known` holds the settled scores of `known_items`.
    """

    judge: Floats
    people: Floats
    chance: Floats
    items: tuple[ItemId, ...]
    known: Floats
    known_items: tuple[ItemId, ...]

    @property
    def labelled(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which outputs people graded."""
        return ~np.isnan(self.people)

    @property
    def graded(self) -> int:
        """How many outputs people graded."""
        return int(self.labelled.sum())

    @property
    def equal(self) -> bool:
        """Whether all drawn outputs had the same chance."""
        chances = self.chance[self.chance > 0]
        return bool(chances.size == 0 or np.ptp(chances) < 1e-9)

    def of(self, items: frozenset[ItemId]) -> Part:
        """Give the part that belongs to some items."""
        mine = np.fromiter((one in items for one in self.items), dtype=np.bool_, count=len(self.items))
        known = np.fromiter((one in items for one in self.known_items), dtype=np.bool_, count=len(self.known_items))
        return Part(
            self.judge[mine],
            self.people[mine],
            self.chance[mine],
            tuple(one for one in self.items if one in items),
            self.known[known],
            tuple(one for one in self.known_items if one in items),
        )


def part_of(group: Sequence[OutputScore], criterion: str, people: People) -> Part | None:
    """Sort the complete outputs of a target for a criterion; None where the judge says nothing or people cannot say it.

    Raises nothing: an output that people are never shown is left out, one with a judge's criterion that they are not asked
    about makes the whole beyond correction.
    """
    judge, said, chance, items = list[float](), list[float](), list[float](), list[ItemId]()
    known, known_items = list[float](), list[ItemId]()
    for score in group:
        judged = judged_criteria(score, criterion)
        if not judged:
            known.append(_value(score, criterion))
            known_items.append(score.item_id)
            continue
        asked = people.criterion_of.get(score.item_id)
        if asked is None:
            continue
        if judged != [asked] or GraderKind.CHECK in score.kinds_of(asked):
            return None
        drawn = people.drawn.get(score.output_id)
        judge.append(_value(score, criterion))
        said.append(_said(score, criterion, asked, drawn.label) if drawn and drawn.label else np.nan)
        chance.append(drawn.chance if drawn else 0.0)
        items.append(score.item_id)
    if not judge:
        return None
    return Part(np.array(judge), np.array(said), np.array(chance), tuple(items), np.array(known), tuple(known_items))


def judged_criteria(score: OutputScore, criterion: str) -> list[str]:
    """Name the criteria that a judge decides behind a criterion of an output."""
    behind = score.scores if criterion == PASS_CRITERION else [criterion] if criterion in score.scores else []
    return [name for name in behind if GraderKind.JUDGE in score.kinds_of(name)]


def _value(score: OutputScore, criterion: str) -> float:
    """Give what checks and judge say."""
    return float(score.passed) if criterion == PASS_CRITERION else score.scores[criterion]


def _said(score: OutputScore, criterion: str, asked: str, label: Label) -> float:
    """Give what it is with people's verdict in the judge's place."""
    if criterion != PASS_CRITERION:
        return label.score
    return label.passed if all(passed for name, passed in score.passes.items() if name != asked) else 0.0


# --- corrected estimates ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What the whole of a target teaches its skills: how far to trust the judge, and with unequal chances a guess of
    people's verdict for each output."""

    weight: float
    guesses: Floats | None


def corrected_rows(
    rows: Sequence[ScoreRow], scores: Sequence[OutputScore], skill_of: Mapping[ItemId, str | None], people: People
) -> list[ScoreRow]:
    """Give the rows with what people's grades make of them, or how many of these are still missing."""
    by_target: dict[str, list[OutputScore]] = {}
    for score in scores:
        if score.complete:
            by_target.setdefault(score.target, []).append(score)
    items_of: dict[str, set[ItemId]] = {}
    for item_id, skill in skill_of.items():
        items_of.setdefault(skill or "", set()).add(item_id)
    found, parts = list[ScoreRow](), dict[tuple[str, str], _Corrector | None]()
    for row in rows:
        key = row.target, row.criterion
        if key not in parts:
            parts[key] = _corrector(by_target.get(row.target, []), row.criterion, people)
        corrector = parts[key]
        items = None if row.skill == OVERALL else frozenset(items_of.get(row.skill, ()))
        found.append(corrector.corrected(row, items) if corrector else row)
    return found


@dataclass(frozen=True, slots=True)
class _Corrector:
    """The outputs of one target and criterion with what was learnt from all of them."""

    part: Part
    learnt: _Learnt | None

    def corrected(self, row: ScoreRow, items: frozenset[ItemId] | None) -> ScoreRow:
        """Give a row of them corrected; overall it says what is missing for that."""
        if self.learnt is None:
            missing = FEWEST_GRADED - self.part.graded
            return replace(row, grades_needed=missing) if items is None and missing <= self.part.judge.size else row
        part, guesses = self.part, self.learnt.guesses
        if items is not None:
            if guesses is not None:
                guesses = guesses[[one in items for one in part.items]]
            part = part.of(items)
        if part.graded < (FEWEST_GRADED if items is None else FEWEST):
            return row
        return replace(row, corrected=_correction(part, _Learnt(self.learnt.weight, guesses)))


def _corrector(group: Sequence[OutputScore], criterion: str, people: People) -> _Corrector | None:
    """Learn from all outputs of a target; None where there is nothing to correct."""
    graded = [one for one in group if criterion == PASS_CRITERION or criterion in one.scores]
    part = part_of(graded, criterion, people) if people.criterion_of else None
    if part is None:
        return None
    if part.graded < FEWEST_GRADED:
        return _Corrector(part, None)
    return _Corrector(part, _learn(part))


def _learn(part: Part) -> _Learnt:
    """Learn how the judge's grades stand to people's."""
    seen = part.labelled
    return _Learnt(judge_weight(part.people[seen], part.judge[seen]), None if part.equal else _guesses(part))


def _guesses(part: Part) -> Floats:
    """Guess people's verdict on every output from the judge's by weighted regression; no output guesses its own.

    Source: Zrnic & Candes 2024, doi:10.1073/pnas.2322083121 (cross-prediction).
    """
    seen = np.flatnonzero(part.labelled)
    guesses = np.zeros(part.judge.size)
    own = np.empty(seen.size)
    for fold in range(_FOLDS):
        held = np.arange(seen.size) % _FOLDS == fold
        rest = seen[~held]
        share = 1.0 / part.chance[rest]
        share /= share.sum()
        y, f = part.people[rest], part.judge[rest]
        y_mean, f_mean = float(share @ y), float(share @ f)
        spread = float(share @ (f - f_mean) ** 2)
        slope = max(0.0, float(share @ ((y - y_mean) * (f - f_mean))) / spread) if spread > 1e-12 else 0.0
        guess = y_mean + slope * (part.judge - f_mean)
        guesses += guess / _FOLDS
        own[held] = guess[seen[held]]
    guesses[seen] = own
    return guesses


def _correction(part: Part, learnt: _Learnt) -> Correction:
    """Correct the score of a part with enough grades."""
    seen, n = part.labelled, part.graded
    measured = pool_mean(part, learnt.weight if n < FEWEST_GRADED else None, learnt.guesses)
    people, judge = part.people[seen], part.judge[seen]
    items = len({*part.items, *part.known_items})
    estimate = Estimate(measured.value, measured.lower, measured.upper, items, How.CORRECTED, measured.method, n)
    return Correction(
        estimate,
        outputs=part.judge.size + part.known.size,
        bias=float((judge - people).mean()),
        saving=_correlation(people, judge) ** 2 if n >= FEWEST_FOR_SAVING else None,
        to_halve=grades_to_halve(n, part.judge.size) if estimate.half_width > NARROW else None,
    )


def pool_mean(part: Part, weight: float | None = None, guesses: Floats | None = None) -> Measured:
    """Give people's mean score of all outputs of a part, from those they graded; settled outputs count as they are.

    `weight` fixes how far the judge is trusted; `guesses` are needed where the chances differ.
    """
    seen = part.labelled
    people, judge = part.people[seen], part.judge[seen]
    if guesses is None:
        items = [one for one, graded in zip(part.items, seen, strict=True) if graded]
        clusters = items if len(set(items)) < len(items) else None
        found = corrected_pool_mean(people, judge, part.judge, cluster_index=clusters, weight=weight).measured
    else:
        answered = people.size / int((part.chance > 0).sum())
        chance = np.minimum(1.0, part.chance[seen] * answered)
        found = replace(
            weighted_mean(people, guesses[seen], chance, guesses),
            method="judge corrected by people, weighted by chance",
        )
    return _with_known(found, part)


def _with_known(found: Measured, part: Part) -> Measured:
    """Put the settled outputs beside the corrected ones, each by its number."""
    if part.known.size == 0:
        return found
    share = part.judge.size / (part.judge.size + part.known.size)
    rest = (1 - share) * float(part.known.mean())
    return replace(
        found, value=share * found.value + rest, lower=share * found.lower + rest, upper=share * found.upper + rest
    )


def _correlation(people: Floats, judge: Floats) -> float:
    """Give the correlation of people and judge, 0 where one of them never changes or they go against each other."""
    spread = float(people.std() * judge.std())
    return (
        max(0.0, float(((people - people.mean()) * (judge - judge.mean())).mean()) / spread) if spread > 1e-12 else 0.0
    )


def grades_to_halve(n: int, pool: int) -> int | None:
    """Give how many more outputs of a pool must be graded until its interval is half as wide; None where none is left.

    Half the width is a quarter of the variance (1 - n / pool) s^2 / n.
    Source: Cochran 1977, Sampling Techniques, 3rd ed., section 4.3 (sample size with the finite population correction).
    """
    if n >= pool:
        return None
    wanted = 1.0 / ((1.0 / n - 1.0 / pool) / 4.0 + 1.0 / pool)
    return min(ceil(wanted - 1e-9), pool) - n


# --- where no judge grades -------------------------------------------------------------------------


def people_rows(
    outputs: Iterable[Output], scores: Iterable[OutputScore], skill_of: Mapping[ItemId, str | None], people: People
) -> list[ScoreRow]:
    """Estimate what people alone graded: by chance drawn outputs of items that no judge grades by people's criterion.

    It is the pass rate of a target that has no other score, else a criterion of its own.
    """
    scored = [score for score in scores if score.complete]
    targets = {score.target for score in scored}
    judged = {(score.target, name) for score in scored for name in judged_criteria(score, PASS_CRITERION)}
    open_: dict[tuple[str, str], list[Output]] = {}
    for output in outputs:
        asked = people.criterion_of.get(output.unit.item_id)
        if asked is not None and output.answered and (output.unit.target, asked) not in judged:
            open_.setdefault((output.unit.target, asked), []).append(output)
    rows: list[ScoreRow] = []
    for (target, asked), found in open_.items():
        criterion = asked if target in targets else PASS_CRITERION
        rows += _rows_by_people(target, criterion, found, skill_of, people)
    return rows


def _rows_by_people(
    target: str, criterion: str, found: Sequence[Output], skill_of: Mapping[ItemId, str | None], people: People
) -> list[ScoreRow]:
    """Give the rows of one target: overall, then the skills with enough grades."""
    drawn = [people.drawn.get(output.id) for output in found]
    labels = [one.label if one else None for one in drawn]
    said = [np.nan if one is None else one.passed if criterion == PASS_CRITERION else one.score for one in labels]
    chance = np.array([one.chance if one else 0.0 for one in drawn])
    items = tuple(output.unit.item_id for output in found)
    part = Part(np.zeros(len(found)), np.array(said), chance, items, np.array([]), ())
    if part.graded < FEWEST_GRADED:
        return []
    groups = {OVERALL: part}
    for skill in sorted({skill for one in items if (skill := skill_of.get(one))}):
        group = part.of(frozenset(one for one in items if skill_of.get(one) == skill))
        if group.graded >= FEWEST:
            groups[skill] = group
    return [ScoreRow(target, name, criterion, _by_people(group)) for name, group in groups.items()]


def _by_people(part: Part) -> Estimate:
    """Estimate what people would say of all outputs from those they graded."""
    found = pool_mean(part, None, None if part.equal else _guesses(part))
    return Estimate(found.value, found.lower, found.upper, len(set(part.items)), How.HUMAN, "people alone", part.graded)
