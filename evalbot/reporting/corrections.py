"""The judge's grades of all outputs corrected by people's grades of a few that were drawn by chance.

Only where the judge grades and people may be asked there is something to correct: what code checks say stands, and what
people may not see (the holdout) is left out of the corrected score. Pass rates take people's verdict in the judge's place
and leave the checks theirs. The interval speaks of the run's own outputs: it narrows to nothing as people grade them all.
Method: prediction-powered mean of a fixed pool (stats/judged) where all outputs had the same chance to be drawn, the
inclusion-weighted form (stats/active) where they had not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from evalbot.grading.consensus import Label
from evalbot.reporting.estimates import FEWEST, OVERALL, Correction, Estimate, How, ScoreRow
from evalbot.reporting.score_tables import CHECKED, JUDGED, Codes, Flags, Places, ScoreTable, first_seen, skill_codes
from evalbot.reporting.scores import Scores, as_table
from evalbot.runs.outputs import OutputId
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
    has), `chance` to be drawn (0 where not drawn), `item` the places of theirs among `names`. `decided` marks those that fail
    by something else than what people are asked, whatever these say. `known` holds the settled scores of the items `known_item`.
    """

    judge: Floats
    people: Floats
    chance: Floats
    item: Codes
    decided: Flags
    known: Floats
    known_item: Codes
    names: Sequence[ItemId]

    @property
    def items(self) -> list[ItemId]:
        """The items of the outputs that are open."""
        return [self.names[code] for code in self.item]

    @property
    def labelled(self) -> Flags:
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
        return self.where(np.fromiter((one in items for one in self.names), dtype=np.bool_, count=len(self.names)))

    def where(self, wanted: Flags) -> Part:
        """Give the part that belongs to some items, marked by their places among the names."""
        mine, known = wanted[self.item], wanted[self.known_item]
        return Part(
            self.judge[mine],
            self.people[mine],
            self.chance[mine],
            self.item[mine],
            self.decided[mine],
            self.known[known],
            self.known_item[known],
            self.names,
        )


def part_of(group: Scores, criterion: str, people: People) -> Part | None:
    """Sort the complete outputs of a target for a criterion; None where the judge says nothing or people cannot say it.

    Raises nothing: an output that people are never shown is left out, one with a judge's criterion that they are not asked
    about makes the whole beyond correction.
    """
    table = as_table(group)
    return _part(_Asked(table, people), np.flatnonzero(table.outputs.complete), criterion)


class _Asked:
    """A table with what people were asked about each output, and what they said of those drawn for them."""

    def __init__(self, table: ScoreTable, people: People) -> None:
        self.table, self.people = table, people
        names = {name: code for code, name in enumerate(table.criteria)}
        asked = (people.criterion_of.get(item) for item in table.items)
        codes = np.array([-1 if one is None else names.get(one, -2) for one in asked], dtype=np.int32)
        self.criterion: Codes = codes[table.outputs.item]
        """The code of the criterion that people are asked, by output: -1 where they may not see it, -2 for one of theirs."""
        self.drawn = {table.places[one]: drawn for one, drawn in people.drawn.items() if one in table.places}

    def judged(self, criterion: str) -> tuple[Flags, Flags]:
        """Tell of which outputs a judge decides a criterion, and of which it decides nothing but what people are asked."""
        said = self.table.verdicts
        mine = (said.kinds & JUDGED) > 0
        if criterion != PASS_CRITERION:
            mine &= said.criterion == (self.table.criteria.index(criterion) if criterion in self.table.criteria else -1)
        like = mine & (said.criterion == self.criterion[said.output]) & ((said.kinds & CHECKED) == 0)
        several, alike = (np.bincount(said.output[one], minlength=self.table.size) for one in (mine, like))
        return several > 0, (several == 1) & (alike == 1)

    def failing_others(self) -> Flags:
        """Tell which outputs fail by another criterion than the one that people are asked."""
        said = self.table.verdicts
        others = ~said.passed & (said.criterion != self.criterion[said.output])
        return np.bincount(said.output[others], minlength=self.table.size) > 0

    def said(self, criterion: str) -> tuple[Floats, Floats]:
        """Give what each output is with people's verdict in the judge's place, NaN without one, and its chance to be drawn."""
        said, chance = np.full(self.table.size, np.nan), np.zeros(self.table.size)
        fails = self.failing_others()
        for place, one in self.drawn.items():
            chance[place] = one.chance
            if one.label is not None:
                passed = 0.0 if fails[place] else one.label.passed
                said[place] = passed if criterion == PASS_CRITERION else one.label.score
        return said, chance


def _part(asked: _Asked, places: Places, criterion: str) -> Part | None:
    """Sort some complete outputs as `part_of` does."""
    table = asked.table
    (judged, alike), value = asked.judged(criterion), table.criterion(criterion).score
    known, open_ = places[~judged[places]], places[judged[places] & (asked.criterion[places] != -1)]
    if not open_.size or not alike[open_].all():
        return None
    said, chance = asked.said(criterion)
    item, decided = table.outputs.item, asked.failing_others() & (criterion == PASS_CRITERION)
    mine = (value[open_], said[open_], chance[open_], item[open_], decided[open_])
    return Part(*mine, value[known], item[known], table.items)


# --- corrected estimates ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What the whole of a target teaches its skills: how far to trust the judge, and with unequal chances a guess of
    people's verdict for each output."""

    weight: float
    guesses: Floats | None


def corrected_rows(
    rows: Sequence[ScoreRow], scores: Scores, skill_of: Mapping[ItemId, str | None], people: People
) -> list[ScoreRow]:
    """Give the rows with what people's grades make of them, or how many of these are still missing."""
    if not people.criterion_of:
        return list(rows)
    table = as_table(scores)
    asked, (skills, codes) = _Asked(table, people), skill_codes(table.items, skill_of)
    found, parts = list[ScoreRow](), dict[tuple[str, str], _Corrector | None]()
    for row in rows:
        key = row.target, row.criterion
        if key not in parts:
            parts[key] = _corrector(asked, *key)
        corrector = parts[key]
        code = skills.index(row.skill) if row.skill in skills else -2
        found.append(corrector.corrected(row, None if row.skill == OVERALL else codes == code) if corrector else row)
    return found


@dataclass(frozen=True, slots=True)
class _Corrector:
    """The outputs of one target and criterion with what was learnt from all of them."""

    part: Part
    learnt: _Learnt | None

    def corrected(self, row: ScoreRow, items: Flags | None) -> ScoreRow:
        """Give a row of them corrected; overall it says what is missing for that."""
        if self.learnt is None:
            missing = FEWEST_GRADED - self.part.graded
            return replace(row, grades_needed=missing) if items is None and missing <= self.part.judge.size else row
        part, guesses = self.part, self.learnt.guesses
        if items is not None:
            guesses = guesses[items[part.item]] if guesses is not None else None
            part = part.where(items)
        if part.graded < (FEWEST_GRADED if items is None else FEWEST):
            return row
        return replace(row, corrected=_correction(part, _Learnt(self.learnt.weight, guesses)))


def _corrector(asked: _Asked, target: str, criterion: str) -> _Corrector | None:
    """Learn from all outputs of a target; None where there is nothing to correct."""
    places = asked.table.complete_of(target)
    part = _part(asked, places[asked.table.criterion(criterion).there[places]], criterion)
    if part is None:
        return None
    if part.graded < FEWEST_GRADED:
        return _Corrector(part, None)
    return _Corrector(part, _learn(part))


def _learn(part: Part) -> _Learnt:
    """Learn how the judge's grades stand to people's."""
    seen = part.labelled
    return _Learnt(judge_weight(part.people[seen], part.judge[seen]), None if part.equal else guess_people(part))


def guess_people(part: Part) -> Floats:
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
    items = np.union1d(part.item, part.known_item).size
    estimate = Estimate(measured.value, measured.lower, measured.upper, items, How.CORRECTED, measured.method, n)
    return Correction(
        estimate,
        outputs=part.judge.size + part.known.size,
        bias=float((judge - people).mean()),
        saving=_saving(part),
        to_halve=grades_to_halve(n, part.judge.size) if estimate.half_width > NARROW else None,
    )


def _saving(part: Part) -> float | None:
    """Give the share of people's grades that the judge spares: by how far it follows them where the checks leave that open.

    What the checks decide costs no click either way. None with too few grades on the rest.
    """
    asked = part.labelled & ~part.decided
    if asked.sum() < FEWEST_FOR_SAVING:
        return None
    return _correlation(part.people[asked], part.judge[asked]) ** 2


def pool_mean(part: Part, weight: float | None = None, guesses: Floats | None = None) -> Measured:
    """Give people's mean score of all outputs of a part, from those they graded; settled outputs count as they are.

    `weight` fixes how far the judge is trusted; `guesses` are needed where the chances differ.
    """
    seen = part.labelled
    people, judge = part.people[seen], part.judge[seen]
    if guesses is None:
        items, place = first_seen(part.item[seen])
        clusters = place if items.size < place.size else None
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


def people_rows(scores: Scores, skill_of: Mapping[ItemId, str | None], people: People) -> list[ScoreRow]:
    """Estimate what people alone graded: by chance drawn outputs of items that no judge grades by people's criterion.

    It is the pass rate of a target that has no other score, else a criterion of its own.
    """
    if not people.drawn:
        return []
    table = as_table(scores)
    names = dict[str, int]()
    wanted = (people.criterion_of.get(one) for one in table.items)
    codes = np.array([-1 if one is None else names.setdefault(one, len(names)) for one in wanted], dtype=np.int64)
    asked = codes[table.outputs.item]
    group = np.where(table.outputs.answered & (asked >= 0), table.outputs.target * np.int64(len(names)) + asked, -1)
    scored, found = set(table.scored_targets()), _People(table, skill_of, people)
    rows: list[ScoreRow] = []
    for one in first_seen(group[group >= 0])[0]:
        target, name = table.targets[one // len(names)], list(names)[one % len(names)]
        if not _is_judged(table, target, name):
            rows += found.rows(target, name if target in scored else PASS_CRITERION, np.flatnonzero(group == one))
    return rows


def _is_judged(table: ScoreTable, target: str, criterion: str) -> bool:
    """Tell whether a judge grades any output of a target by a criterion."""
    places = table.complete_of(target)
    return bool((table.criterion(criterion).kinds[places] & JUDGED).any()) if criterion in table.criteria else False


class _People:
    """What people said of the outputs of a table."""

    def __init__(self, table: ScoreTable, skill_of: Mapping[ItemId, str | None], people: People) -> None:
        self._table, (self._skills, self._codes) = table, skill_codes(table.items, skill_of)
        self._drawn = {table.places[one]: drawn for one, drawn in people.drawn.items() if one in table.places}

    def rows(self, target: str, criterion: str, places: Places) -> list[ScoreRow]:
        """Give the rows of one target: overall, then the skills with enough grades."""
        part = self._part(criterion, places)
        if part.graded < FEWEST_GRADED:
            return []
        groups = {OVERALL: part}
        for code in np.unique(self._codes[part.item]):
            group = part.where(self._codes == code)
            if code >= 0 and group.graded >= FEWEST:
                groups[self._skills[code]] = group
        return [ScoreRow(target, name, criterion, _by_people(group)) for name, group in groups.items()]

    def _part(self, criterion: str, places: Places) -> Part:
        """Give some outputs with what people said of them and nothing that a judge says."""
        said, chance = np.full(self._table.size, np.nan), np.zeros(self._table.size)
        for place, one in self._drawn.items():
            chance[place] = one.chance
            if one.label is not None:
                said[place] = one.label.passed if criterion == PASS_CRITERION else one.label.score
        item, none, decided = self._table.outputs.item[places], np.array([]), np.zeros(places.size, dtype=np.bool_)
        return Part(
            np.zeros(places.size), said[places], chance[places], item, decided, none, item[:0], self._table.items
        )


def _by_people(part: Part) -> Estimate:
    """Estimate what people would say of all outputs from those they graded."""
    found, items = pool_mean(part, None, None if part.equal else guess_people(part)), np.unique(part.item).size
    return Estimate(found.value, found.lower, found.upper, items, How.HUMAN, "people alone", part.graded)
