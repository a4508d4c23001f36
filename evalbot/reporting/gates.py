"""Gates: conditions on a run's numbers under which it must not pass, written in a small closed language.

    overall.lower < 0.80                            the lower end of the pass rate's interval, for every target
    skills.refund-policy.delta.significant_drop     a real drop on a skill against what the run was compared with
    targets."gpt-4.1-mini".overall.score < 0.9      one target alone; names with dots or spaces stand in quotes
    errors.share > 0.05                             a count or an amount of the whole run

A number has one of `< <= > >=` and a limit after it; a flag stands alone. Nothing is ever evaluated as code.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import process

from evalbot.errors import BadRequest
from evalbot.reporting.estimates import OVERALL, Change, Estimate, RunSummary, ScoreRow
from evalbot.stats.verdicts import Verdict
from evalbot.suites.graders import PASS_CRITERION

MOST_CONDITIONS = 50
MOST_CHARACTERS = 300

SKILLS, TARGETS, DELTA = "skills", "targets", "delta"
_NAME = r'(?:[A-Za-z0-9_-]+|"(?:[^"]|"")+")'
_CONDITION = re.compile(
    rf"\s*(?P<path>{_NAME}(?:\.{_NAME})*)\s*(?:(?P<sign><=|>=|<|>)\s*(?P<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{{1,3}})?)\s*)?",
    re.ASCII,
)
_PART = re.compile(_NAME)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EXAMPLE = "Write it like overall.lower < 0.80 or skills.NAME.delta.significant_drop."


class Measure(StrEnum):
    """What a condition looks at; the names are the words of the language."""

    SCORE = "score"
    LOWER = "lower"
    UPPER = "upper"
    N = "n"
    DIFFERENCE = "delta.difference"
    DIFFERENCE_LOWER = "delta.lower"
    DIFFERENCE_UPPER = "delta.upper"
    DROP = "delta.significant_drop"
    GAIN = "delta.significant_gain"
    ERRORS = "errors"
    ERROR_SHARE = "errors.share"
    UNGRADED = "ungraded"
    UNGRADED_SHARE = "ungraded.share"
    COST = "cost_usd"
    DURATION = "duration_s"

    @property
    def of_run(self) -> bool:
        """Tell whether it is a number of the whole run."""
        return self in _RUN_NUMBERS

    @property
    def flag(self) -> bool:
        """Tell whether it is true or false by itself."""
        return self in (Measure.DROP, Measure.GAIN)

    @property
    def of_change(self) -> bool:
        """Tell whether it speaks of a comparison."""
        return self.value.startswith(f"{DELTA}.")


_RUN_NUMBERS: Mapping[Measure, Callable[[RunSummary], float | None]] = {
    Measure.ERRORS: lambda summary: summary.errors,
    Measure.ERROR_SHARE: lambda summary: summary.errors / summary.outputs if summary.outputs else None,
    Measure.UNGRADED: lambda summary: summary.ungraded,
    Measure.UNGRADED_SHARE: lambda summary: summary.ungraded / summary.outputs if summary.outputs else None,
    Measure.COST: lambda summary: summary.cost_usd,
    Measure.DURATION: lambda summary: summary.duration_s,
}
_ESTIMATE_NUMBERS: Mapping[Measure, Callable[[Estimate], float]] = {
    Measure.SCORE: lambda estimate: estimate.score,
    Measure.LOWER: lambda estimate: estimate.lower,
    Measure.UPPER: lambda estimate: estimate.upper,
    Measure.N: lambda estimate: estimate.n,
}
_CHANGE_NUMBERS: Mapping[Measure, Callable[[Change], float]] = {
    Measure.DIFFERENCE: lambda change: change.difference,
    Measure.DIFFERENCE_LOWER: lambda change: change.lower,
    Measure.DIFFERENCE_UPPER: lambda change: change.upper,
    Measure.DROP: lambda change: change.verdict is Verdict.WORSE,
    Measure.GAIN: lambda change: change.verdict is Verdict.BETTER,
}
_SHARES = frozenset({Measure.SCORE, Measure.LOWER, Measure.UPPER, Measure.ERROR_SHARE, Measure.UNGRADED_SHARE})
_DIFFERENCES = frozenset({Measure.DIFFERENCE, Measure.DIFFERENCE_LOWER, Measure.DIFFERENCE_UPPER})
_RUN_WORDS = tuple(measure.value for measure in Measure if measure.of_run)
_SUBJECT_WORDS = tuple(measure.value for measure in Measure if not measure.of_run)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition under which a gate fails; its text reads back to the same condition.

    `target` None means every target but the one the run is compared with. `skill` is `overall` for all items, empty for numbers
    of the whole run. `sign` is empty and `limit` 0 for a flag.
    """

    measure: Measure
    skill: str = OVERALL
    target: str | None = None
    sign: str = ""
    limit: float = 0.0

    def __str__(self) -> str:
        if self.measure.of_run:
            return f"{self.measure} {self.sign} {_written(self.limit)}"
        of = f"{TARGETS}.{_quoted(self.target)}." if self.target is not None else ""
        subject = OVERALL if self.skill == OVERALL else f"{SKILLS}.{_quoted(self.skill)}"
        compared = "" if self.measure.flag else f" {self.sign} {_written(self.limit)}"
        return f"{of}{subject}.{self.measure}{compared}"

    def met_by(self, value: float) -> bool:
        """Tell whether a value meets the condition; a flag is met by 1."""
        return bool(value) if self.measure.flag else _SIGNS[self.sign](value, self.limit)


class State(StrEnum):
    """How a condition stands: met and unknown fail the gate; clear and uncompared do not."""

    MET = "met"
    UNKNOWN = "unknown"
    CLEAR = "clear"
    UNCOMPARED = "nothing to compare with"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one condition stands for one target (empty for numbers of the whole run), with the number it looked at.

    Of `value`, `estimate` and `change` there is what the measure speaks of; nothing where that is not known.
    """

    condition: Condition
    target: str
    state: State
    value: float | None = None
    estimate: Estimate | None = None
    change: Change | None = None

    @property
    def fails(self) -> bool:
        """Tell whether the gate fails by it: a number that is not known is no reason to pass."""
        return self.state in (State.MET, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class GateResult:
    """How every condition of a gate stands."""

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> bool:
        """Tell whether the gate fails."""
        return any(outcome.fails for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes by which the gate fails."""
        return tuple(outcome for outcome in self.outcomes if outcome.fails)


# --- reading ---------------------------------------------------------------------------------------


def parse_gate(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Read the conditions of a gate; raises BadRequest that says what is wrong with the first wrong one."""
    conditions = tuple(parse_condition(text) for text in texts)
    if len(conditions) > MOST_CONDITIONS:
        raise BadRequest(f"A gate has at most {MOST_CONDITIONS} conditions, not {len(conditions)}.")
    return conditions


def parse_condition(text: str) -> Condition:
    """Read one condition; raises BadRequest with the nearest known word."""
    found = _CONDITION.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        raise BadRequest(f"The gate's condition {_short(text)} was not understood.", EXAMPLE)
    parts = [_unquoted(part) for part in _PART.findall(found["path"])]
    target = _take_name(parts, TARGETS, text)
    skill = _take_name(parts, SKILLS, text)
    whole = target is None and skill is None and parts[:1] != [OVERALL]
    if skill is None and not whole:
        skill = _take_overall(parts, text)
    measure = _measure(".".join(parts), whole, text)
    if measure.flag != (found["sign"] is None):
        what = "stands alone" if measure.flag else "needs a limit, such as < 0.80"
        raise BadRequest(f"In the gate's condition {_short(text)}, {measure} {what}.", EXAMPLE)
    limit = float(found["limit"] or 0.0)
    _check_range(measure, limit, text)
    return Condition(measure, "" if whole else skill or OVERALL, target, found["sign"] or "", limit)


def _take_name(parts: list[str], word: str, text: str) -> str | None:
    """Take a word and the name after it off the front of a path; None when the path does not start with the word."""
    if parts[:1] != [word]:
        return None
    if len(parts) < 2:
        raise BadRequest(f"In the gate's condition {_short(text)}, {word} needs a name after it.", EXAMPLE)
    del parts[0]
    return parts.pop(0)


def _take_overall(parts: list[str], text: str) -> str:
    """Take the word for all items off the front of a path; after a target there must be it or a skill."""
    if parts[:1] != [OVERALL]:
        raise BadRequest(f"In the gate's condition {_short(text)}, overall or skills.NAME is missing.", EXAMPLE)
    return parts.pop(0)


def _measure(word: str, whole: bool, text: str) -> Measure:
    """Give the measure of a word; raises BadRequest with the nearest one."""
    known = _RUN_WORDS if whole else _SUBJECT_WORDS
    if word in known:
        return Measure(word)
    near = process.extractOne(word[:80], (*known, *((OVERALL, SKILLS, TARGETS) if whole else ())), score_cutoff=60)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    raise BadRequest(f"In the gate's condition {_short(text)}, {_short(word)} is not known.", hint)


def _check_range(measure: Measure, limit: float, text: str) -> None:
    """Raise BadRequest for a limit that the measure can never reach, such as a percentage in place of a share."""
    if not math.isfinite(limit):
        raise BadRequest(f"The limit of the gate's condition {_short(text)} is too large.")
    lowest = -1.0 if measure in _DIFFERENCES else 0.0
    highest = 1.0 if measure in _SHARES or measure in _DIFFERENCES else math.inf
    if not lowest <= limit <= highest:
        hint = f"Write a share: {limit / 100:g} for {limit:g} %." if highest == 1.0 and abs(limit) <= 100 else EXAMPLE
        raise BadRequest(f"{measure} is never {limit:g} in the gate's condition {_short(text)}.", hint)


def check_names(conditions: Iterable[Condition], skills: Sequence[str], targets: Sequence[str]) -> None:
    """Raise BadRequest for a condition on a skill or target that there is not, with the nearest one that there is."""
    for condition in conditions:
        for noun, name, known in (("skill", condition.skill, skills), ("target", condition.target, targets)):
            if not name or name in known or (noun == "skill" and name == OVERALL):
                continue
            near = process.extractOne(name[:80], known, score_cutoff=60)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known[:12]) or 'none'}."
            raise BadRequest(f"The gate's condition {condition} names a {noun} that there is not.", hint)


# --- judging ---------------------------------------------------------------------------------------


def evaluate_gate(conditions: Iterable[Condition], summary: RunSummary, targets: Sequence[str]) -> GateResult:
    """Tell how every condition stands; those without a target look at each of `targets` (without the baseline)."""
    outcomes: list[Outcome] = []
    for condition in conditions:
        if condition.measure.of_run:
            outcomes.append(_run_outcome(condition, summary))
        else:
            asked = targets if condition.target is None else (condition.target,)
            outcomes += [_target_outcome(condition, summary, target) for target in asked]
    return GateResult(tuple(outcomes))


def gated_targets(labels: Sequence[str], baseline: str) -> tuple[str, ...]:
    """Give the targets a gate is about: all but the one they are compared with."""
    return tuple(label for label in labels if label != baseline) or tuple(labels)


def _run_outcome(condition: Condition, summary: RunSummary) -> Outcome:
    """Look at a number of the whole run."""
    value = _RUN_NUMBERS[condition.measure](summary)
    return Outcome(condition, "", _state(condition, value), value)


def _target_outcome(condition: Condition, summary: RunSummary, target: str) -> Outcome:
    """Look at a number of one target."""
    wanted = (target, condition.skill)
    if condition.measure.of_change:
        change = next((one for one in summary.changes if (one.target, one.skill) == wanted), None)
        if change is None:
            return Outcome(condition, target, State.UNCOMPARED)
        value = float(_CHANGE_NUMBERS[condition.measure](change))
        return Outcome(condition, target, _state(condition, value), value, change=change)
    estimate = next((row.estimate for row in summary.rows if _is_pass_row(row, wanted)), None)
    if estimate is None or (estimate.too_few and condition.measure is not Measure.N):
        return Outcome(condition, target, State.UNKNOWN, estimate=estimate)
    value = float(_ESTIMATE_NUMBERS[condition.measure](estimate))
    return Outcome(condition, target, _state(condition, value), value, estimate=estimate)


def _is_pass_row(row: ScoreRow, wanted: tuple[str, str]) -> bool:
    """Tell whether a row is the pass rate of a target on a skill."""
    return (row.target, row.skill) == wanted and row.criterion == PASS_CRITERION


def _state(condition: Condition, value: float | None) -> State:
    """Tell how a condition stands with a value."""
    if value is None:
        return State.UNKNOWN
    return State.MET if condition.met_by(value) else State.CLEAR


# --- writing ---------------------------------------------------------------------------------------


def _written(limit: float) -> str:
    """Write a limit so that it reads back to the same number."""
    return str(int(limit)) if limit.is_integer() and abs(limit) < 1e15 else repr(limit)


def _quoted(name: str) -> str:
    """Write a name, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _unquoted(part: str) -> str:
    """Read a name."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _short(text: str) -> str:
    """Give a text for an error: in quotes, on one line, cut."""
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
