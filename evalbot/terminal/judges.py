"""Judges and explanations printed: for people as lines and tables, for programs as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalbot.errors import BadRequest
from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.trials import CalibrationReport, Gain, JudgeReport
from evalbot.reporting.explanations import Explanation, explain_judge
from evalbot.reporting.judge_words import (
    TITLES,
    agreement_estimate,
    as_change,
    as_estimate,
    bias_changes,
    bias_word,
    epoch_words,
    gain_sentence,
    next_after,
    next_step,
)
from evalbot.reports.foreign_text import line
from evalbot.reports.json import estimate_data
from evalbot.reports.words import change_words, counted, percent, score_words
from evalbot.stats.intervals import Measured
from evalbot.terminal.stored_runs import Archive, open_archive
from evalbot.workflows.explaining import load_explanation
from evalbot.workflows.explaining_digests import load_digest_explanation
from evalbot.workflows.judge_reports import load_judge_reports

JUDGE_WORD = "judge"
"""What a reference to a judge begins with."""

DIGEST_WORD = "digest"
"""What a reference to a line of a digest begins with."""


# --- loading ---------------------------------------------------------------------------------------


async def load_judges(suite: str) -> list[JudgeReport]:
    """Give what is known of the judges of a suite; raises BadRequest where there is none."""
    async with open_archive() as archive:
        return await _judges(archive, suite)


async def _judges(archive: Archive, suite: str) -> list[JudgeReport]:
    """Give what is known of the judges of a suite."""
    found = await archive.store.read(lambda tx: load_judge_reports(tx, archive.team, suite))
    if not found:
        raise BadRequest(f"Suite {suite} has no judge that grades what people grade.", "Its code checks need none.")
    return found


async def load_explanations(words: Sequence[str]) -> list[Explanation]:
    """Give what is to be said of a reference: `judge SUITE`, `digest` with perhaps a day and a row, or a run with names of a
    target, a skill or a criterion."""
    async with open_archive() as archive:
        if words[0].lower() == JUDGE_WORD:
            if len(words) != 2:
                raise BadRequest("The judge of which suite?", "Write explain judge and the name of a suite.")
            return [explain_judge(report) for report in await _judges(archive, words[1])]
        if words[0].lower() == DIGEST_WORD:
            return [await archive.store.read(lambda tx: load_digest_explanation(tx, archive.team, words[1:]))]
        rest = words[1:] if words[0].lower() == "run" else words
        run = await archive.find(rest[0] if rest else "latest")
        return [await archive.store.read(lambda tx: load_explanation(tx, run, rest[1:]))]


# --- judges ----------------------------------------------------------------------------------------


def print_judges(console: Console, reports: Sequence[JudgeReport]) -> None:
    """Print what is known of the judges of a suite."""
    for report in reports:
        _print_judge(console, report)
        for about, change in bias_changes(report):
            console.print(Text(f"  {about}: {bias_word(change)}, {change_words(change)}"), soft_wrap=True)
        if report.beyond_chance is not None:
            name = "ordinal alpha" if report.ordinal else "kappa"
            console.print(Text(f"  agreement beyond luck ({name}): {_coefficient(report.beyond_chance)}"))
        console.print(Text(f"Next: {next_step(report)}"), soft_wrap=True)


def _print_judge(console: Console, report: JudgeReport) -> None:
    """Print where a judge stands and what it is held against."""
    standing = report.standing
    name = line(report.epoch.judge, 60)
    console.print(Text(f"Judge of {line(report.suite, 60)}: {name}, {TITLES[standing.standing]}", style="bold"))
    console.print(Text(standing.reason), soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in _held_against(standing):
        table.add_row(Text(f"  {label}"), Text(value))
    if table.row_count:
        console.print(table)
    counts = f"{counted(report.graded, 'answer')} graded by people, {report.waiting:,} of them never put to it"
    console.print(Text(f"{counts}; {', '.join(line(word, 120) for word in epoch_words(report))}"), soft_wrap=True)


def _held_against(standing: JudgeStanding) -> list[tuple[str, str]]:
    """Give agreement and what it is held against, in words."""
    estimate = agreement_estimate(standing)
    rows = [("judge with people", score_words(estimate))] if estimate else []
    if standing.ceiling is not None:
        rows.append(("one person with the others", percent(standing.ceiling)))
    if standing.majority is not None:
        rows.append(("always the same verdict", percent(standing.majority)))
    return rows


def _coefficient(measured: Measured) -> str:
    """Word a coefficient with its interval."""
    return f"{measured.value:.2f} ({measured.lower:.2f} to {measured.upper:.2f}, n {measured.n:,})"


def print_calibration(console: Console, report: CalibrationReport) -> None:
    """Print what a calibration brought, with the examples to paste."""
    console.print(Text(gain_sentence(report), style="bold"), soft_wrap=True)
    if report.gain is not None:
        for label, measured in (("without examples", report.gain.before), ("with examples", report.gain.after)):
            console.print(Text(f"  {label}: {score_words(as_estimate(measured))}"))
        console.print(Text(f"  difference: {change_words(as_change(report.gain.difference))}"))
    if report.unread:
        console.print(Text(f"{counted(report.unread, 'verdict')} could not be read."))
    _print_judge(console, report.judge)
    console.print(Text(f"Next: {next_after(report)}"), soft_wrap=True)
    if report.written:
        epoch = report.judge.epoch
        console.print(Text(f"\nFor the file of rubric {epoch.rubric}, with version {epoch.rubric_version + 1}:\n"))
        console.print(Text(report.written), soft_wrap=True)


def judge_data(report: JudgeReport) -> dict[str, Any]:
    """Give what is known of a judge as plain data; agreements are shares in [0, 1], biases in [-1, 1]."""
    epoch, standing = report.epoch, report.standing
    return {
        "suite": report.suite,
        "judge": epoch.judge,
        "model": epoch.model,
        "prompt": {"name": epoch.prompt, "version": epoch.prompt_version, "digest": epoch.prompt_digest},
        "rubric": {"name": epoch.rubric, "version": epoch.rubric_version},
        "epoch": epoch.key,
        "standing": standing.standing.value,
        "reason": standing.reason,
        "agreement": {
            "score": standing.agreement,
            "lower": standing.lower,
            "upper": standing.upper,
            "n": standing.n,
            "majority": standing.majority,
            "ceiling": standing.ceiling,
        },
        "grades_needed": standing.more,
        "graded_by_people": report.graded,
        "never_put_to_it": report.waiting,
        "beyond_chance": _measured_data(report.beyond_chance),
        "bias": [
            {"about": about, "difference": one.difference, "lower": one.lower, "upper": one.upper, "n": one.n}
            for about, one in bias_changes(report)
        ],
        "next": next_step(report),
    }


def calibration_data(report: CalibrationReport) -> dict[str, Any]:
    """Give what a calibration brought as plain data."""
    return {
        "judge": judge_data(report.judge),
        "practice": report.practice,
        "held_back": report.held_back,
        "unread": report.unread,
        "gain": _gain_data(report.gain),
        "examples": [
            {"input": one.input, "output": one.output, "grade": one.grade, "why": one.why}
            for one in report.calibration.examples
        ],
        "yaml": report.written,
        "note": report.calibration.note,
        "next": next_after(report),
    }


def _gain_data(gain: Gain | None) -> dict[str, Any] | None:
    """Give what examples changed as plain data."""
    if gain is None:
        return None
    return {
        "before": _measured_data(gain.before),
        "after": _measured_data(gain.after),
        "difference": _measured_data(gain.difference),
        "verdict": gain.decision.verdict.value,
        "needed": gain.decision.needed,
    }


def _measured_data(measured: Measured | None) -> dict[str, Any] | None:
    """Give a measured number as plain data."""
    if measured is None:
        return None
    return {"value": measured.value, "lower": measured.lower, "upper": measured.upper, "n": measured.n}


# --- explanations ----------------------------------------------------------------------------------


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print where a number comes from, with the arithmetic."""
    console.print(Text(line(explanation.title, 200), style="bold"), soft_wrap=True)
    if explanation.shown is not None or explanation.said:
        console.print(Text(score_words(explanation.shown) if explanation.shown else line(explanation.said, 300)))
    for one in explanation.beside:
        console.print(Text(f"{one.name}: {score_words(one.estimate)}"))
    console.print(Text(explanation.meaning), soft_wrap=True)
    if explanation.doubt:
        console.print(Text(f"! {explanation.doubt}", style="yellow"), soft_wrap=True)
    for fact in explanation.facts:
        console.print(Text(f"{fact.name}: {line(fact.text, 1_000)}"), soft_wrap=True)
    for formula in explanation.formulas:
        console.print(Text(f"\n{formula.name}. {formula.sentence}"), soft_wrap=True)
        for step in formula.steps:
            console.print(Text(f"  {step}"), soft_wrap=True)
        if formula.source:
            console.print(Text(f"  Source: {formula.source}"), soft_wrap=True)
    if explanation.more:
        console.print(Text(f"\nAlso: {'; '.join(line(one, 120) for one in explanation.more)}"), soft_wrap=True)


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """Give where a number comes from as plain data."""
    return {
        "title": explanation.title,
        "meaning": explanation.meaning,
        "suite": explanation.suite,
        "estimate": estimate_data(explanation.shown) if explanation.shown else None,
        "said": explanation.said,
        "beside": [{"name": one.name, "estimate": estimate_data(one.estimate)} for one in explanation.beside],
        "doubt": explanation.doubt,
        "facts": {fact.name: fact.text for fact in explanation.facts},
        "formulas": [
            {"name": one.name, "sentence": one.sentence, "source": one.source, "steps": list(one.steps)}
            for one in explanation.formulas
        ],
    }
