"""How a gate's outcomes are worded: the condition, and the number it looked at with interval and n."""

from __future__ import annotations

from evalbot.reporting.estimates import OVERALL
from evalbot.reporting.gates import GateResult, Outcome, State
from evalbot.reporting.telling import UNVERIFIED
from evalbot.reports.foreign_text import line
from evalbot.reports.words import NAME, change_words, counted, money_words, score_words, verdict_words
from evalbot.suites.gates import Measure

_RUN_NOUNS = {
    Measure.ERRORS: "the number of errors",
    Measure.ERROR_SHARE: "the share of errors",
    Measure.UNGRADED: "the number of answers without a verdict",
    Measure.UNGRADED_SHARE: "the share of answers without a verdict",
    Measure.COST: "the cost",
    Measure.DURATION: "the time",
}


def gate_line(gate: GateResult) -> str:
    """Say in a sentence whether a gate passes."""
    conditions, doubted = counted(len(gate.outcomes), "condition"), len(gate.unverified)
    if not gate.failed:
        return f"Gate passed: {conditions}, none met."
    if doubted == len(gate.failures):
        stand = "stands" if doubted == 1 else "stand"
        return f"Gate not decided, so it fails: {doubted:,} of {conditions} {stand} on a judge that is {UNVERIFIED}. {gate.remedy}"
    beside = f", {doubted:,} of them as the judge is {UNVERIFIED}. {gate.remedy}" if doubted else "."
    return f"Gate failed: {len(gate.failures):,} of {conditions}{beside}"


def outcome_words(outcome: Outcome) -> str:
    """Say how a condition stands: "overall.lower < 0.8: main passes 74 % (66 to 81, n 180)"."""
    return f"{line(str(outcome.condition), 300)}: {_found(outcome)}"


def _found(outcome: Outcome) -> str:
    """Say what the condition looked at."""
    measure = outcome.condition.measure
    if measure.of_run:
        return f"{_RUN_NOUNS[measure]} is {_run_value(outcome)}"
    skill = "" if outcome.condition.skill == OVERALL else f" on {line(outcome.condition.skill, NAME)}"
    name = line(outcome.target, NAME)
    if outcome.state is State.UNCOMPARED:
        return f"{name} has nothing to be compared with{skill}, so this was not checked"
    if outcome.change is not None:
        against, verdict = line(outcome.change.against, NAME), verdict_words(outcome.change)
        said = _undecided(outcome) if outcome.state is State.UNVERIFIED else verdict
        return f"{name} against {against}{skill}: {change_words(outcome.change)}, {said}"
    if outcome.estimate is None:
        return f"nothing of {name}{skill} could be scored"
    doubt = f", {_undecided(outcome)}" if outcome.state is State.UNVERIFIED else ""
    return f"{name} passes{skill} {score_words(outcome.estimate)}{doubt}"


def _undecided(outcome: Outcome) -> str:
    """Say that a number decides nothing, and how many graded answers would let people correct it."""
    more = f"; {counted(outcome.grades_needed, 'more graded answer')} would correct it" if outcome.grades_needed else ""
    return f"{UNVERIFIED}, so it decides nothing{more}"


def _run_value(outcome: Outcome) -> str:
    """Word a number of the whole run."""
    value, measure = outcome.value, outcome.condition.measure
    if value is None:
        return "not known"
    if measure is Measure.COST:
        return money_words(value) if value >= 0.01 else f"${value:.6f}"
    if measure is Measure.DURATION:
        return f"{value:.1f} s"
    return f"{value:.2%}" if measure in (Measure.ERROR_SHARE, Measure.UNGRADED_SHARE) else f"{value:,.0f}"
