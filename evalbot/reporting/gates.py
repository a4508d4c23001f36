"""Gates of a run: how each condition stands, by the numbers the run has brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalbot.reporting.estimates import Change, Estimate, RunSummary, ScoreRow
from evalbot.reporting.judge_words import mending
from evalbot.stats.verdicts import Verdict
from evalbot.suites.gates import Condition, Measure
from evalbot.suites.graders import PASS_CRITERION

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


class State(StrEnum):
    """How a condition stands: met, unknown and unverified fail the gate; clear and uncompared do not.

    Unverified is what would be decided by a judge that was measured and found wanting: whatever it says, nothing is decided.
    """

    MET = "met"
    UNKNOWN = "unknown"
    UNVERIFIED = "unverified"
    CLEAR = "clear"
    UNCOMPARED = "nothing to compare with"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one condition stands for one target (empty for numbers of the whole run), with the number it looked at.

    Of `value`, `estimate` and `change` there is what the measure speaks of; nothing where that is not known. `grades_needed` is
    how many more answers people must grade until they correct an unverified number of this very run, 0 where that is not known.
    """

    condition: Condition
    target: str
    state: State
    value: float | None = None
    estimate: Estimate | None = None
    change: Change | None = None
    grades_needed: int = 0

    @property
    def fails(self) -> bool:
        """Tell whether the gate fails by it: a number that is not known, or not verified, is no reason to pass."""
        return self.state in (State.MET, State.UNKNOWN, State.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class GateResult:
    """How every condition of a gate stands; `remedy` says what to do about an unverified judge, empty where none decides."""

    outcomes: tuple[Outcome, ...]
    remedy: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether the gate fails."""
        return any(outcome.fails for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes by which the gate fails."""
        return tuple(outcome for outcome in self.outcomes if outcome.fails)

    @property
    def unverified(self) -> tuple[Outcome, ...]:
        """The outcomes that a judge would decide that is unverified."""
        return tuple(outcome for outcome in self.outcomes if outcome.state is State.UNVERIFIED)


def evaluate_gate(conditions: Iterable[Condition], summary: RunSummary, targets: Sequence[str]) -> GateResult:
    """Tell how every condition stands; those without a target look at each of `targets` (without the baseline)."""
    outcomes: list[Outcome] = []
    for condition in conditions:
        if condition.measure.of_run:
            outcomes.append(_run_outcome(condition, summary))
        else:
            asked = targets if condition.target is None else (condition.target,)
            outcomes += [_target_outcome(condition, summary, target) for target in asked]
    doubted = any(outcome.state is State.UNVERIFIED for outcome in outcomes)
    return GateResult(tuple(outcomes), mending(summary.standing) if doubted and summary.standing else "")


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
        state = State.UNVERIFIED if summary.doubts(change) else _state(condition, value)
        return Outcome(condition, target, state, value, change=change, grades_needed=_needed(summary, target, state))
    estimate = next((row.best for row in summary.rows if _is_pass_row(row, wanted)), None)
    if estimate is None or (estimate.too_few and condition.measure is not Measure.N):
        return Outcome(condition, target, State.UNKNOWN, estimate=estimate)
    value = float(_ESTIMATE_NUMBERS[condition.measure](estimate))
    doubted = summary.doubts(estimate) and condition.measure is not Measure.N
    state = State.UNVERIFIED if doubted else _state(condition, value)
    return Outcome(condition, target, state, value, estimate, grades_needed=_needed(summary, target, state))


def _needed(summary: RunSummary, target: str, state: State) -> int:
    """Tell how many more answers of a target people must grade to correct a number that is unverified."""
    row = summary.overall(target) if state is State.UNVERIFIED else None
    return row.grades_needed if row else 0


def _is_pass_row(row: ScoreRow, wanted: tuple[str, str]) -> bool:
    """Tell whether a row is the pass rate of a target on a skill."""
    return (row.target, row.skill) == wanted and row.criterion == PASS_CRITERION


def _state(condition: Condition, value: float | None) -> State:
    """Tell how a condition stands with a value."""
    if value is None:
        return State.UNKNOWN
    return State.MET if condition.met_by(value) else State.CLEAR
