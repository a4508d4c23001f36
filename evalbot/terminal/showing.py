"""Stored runs printed: lists, failures, comparisons and gates as tables and lines for people, or as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalbot.reporting.estimates import JUDGE_ALONE, OVERALL, Change, Estimate
from evalbot.reporting.gates import GateResult
from evalbot.reporting.telling import NO_HEADLINE, UNVERIFIED, change_basis, degenerate_words
from evalbot.reports.comparing import Pairing, RunComparison, TargetComparison
from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport
from evalbot.reports.foreign_text import line, shown
from evalbot.reports.gate_words import gate_line, outcome_words
from evalbot.reports.json import answer_data, estimate_data, summary_data
from evalbot.reports.words import (
    MINUS,
    change_alone,
    change_interval,
    changes_words,
    counted,
    run_verdict,
    score_alone,
    score_words,
    verdict_words,
)
from evalbot.stats.verdicts import Verdict
from evalbot.suites.items import ItemId
from evalbot.terminal.stored_runs import RunLine

MOST_FAILURES = 50
MOST_NAMED = 10
MOST_TEXT = 2_000
_STYLES = {Verdict.WORSE: "red", Verdict.BETTER: "green"}


# --- lists -----------------------------------------------------------------------------------------


def lines_data(lines: Sequence[RunLine]) -> dict[str, Any]:
    """Give a list of runs as plain data."""
    return {"runs": [_line_data(one) for one in lines]}


def _line_data(one: RunLine) -> dict[str, Any]:
    """Give a run of a list as plain data."""
    run = one.run
    return {
        "run": run.number,
        "run_id": run.id,
        "suite": run.suite,
        "version": run.suite_version,
        "status": run.status.value,
        "started_at": run.created_at.isoformat(),
        "started_by": run.started_name,
        "targets": [target.label for target in run.targets],
        "outputs": one.outputs,
        "wanted": run.size,
        "errors": one.errors,
        "estimates": {
            label: {**estimate_data(estimate), "verified": not (one.unverified and estimate.how in JUDGE_ALONE)}
            for label, estimate in one.headlines.items()
        },
    }


def print_lines(console: Console, lines: Sequence[RunLine]) -> None:
    """Print a list of runs, newest first, a line for each target."""
    table = _table(
        ("Run", "right"), ("Suite", ""), ("Target", ""), ("Passed", ""), ("State", ""), ("Started (UTC)", "")
    )
    for place in (3, 5):
        table.columns[place].no_wrap = True
    for one in lines:
        run = one.run
        started = run.created_at.astimezone(UTC)
        for place, target in enumerate(run.targets):
            estimate = one.headlines.get(target.label)
            doubt = f", {UNVERIFIED}" if estimate and one.unverified and estimate.how in JUDGE_ALONE else ""
            passed = f"{score_words(estimate)}{doubt}" if estimate else "nothing scored"
            first = (str(run.number), f"{line(run.suite, 40)} v{run.suite_version}") if place == 0 else ("", "")
            last = (_state(one), f"{started:%Y-%m-%d %H:%M}") if place == 0 else ("", "")
            table.add_row(*(Text(cell) for cell in (*first, line(target.label, 40), passed, *last)))
    console.print(table)


def _state(one: RunLine) -> str:
    """Say how a run stands."""
    missing = f", {one.outputs:,} of {one.run.size:,}" if one.outputs < one.run.size else ""
    errors = f", {counted(one.errors, 'error')}" if one.errors else ""
    return f"{one.run.status}{missing}{errors}"


# --- failures --------------------------------------------------------------------------------------


def run_data(report: RunReport, failures: bool) -> dict[str, Any]:
    """Give a run as plain data, with the answers that failed or met an error when they are asked for."""
    data = summary_data(report.run, report.summary)
    if not failures:
        return data
    return {**data, "held_back": report.held_back, "failures": [answer_data(one) for one in _failures(report)]}


def _failures(report: RunReport) -> list[ReportedAnswer]:
    """Give the answers that failed, then those that met an error or have no verdict."""
    wanted = (AnswerState.FAILED, AnswerState.ERROR, AnswerState.UNGRADED)
    found = [answer for answer in report.answers if answer.state in wanted]
    return sorted(found, key=lambda answer: wanted.index(answer.state))


def print_failures(console: Console, report: RunReport) -> None:
    """Print what was asked and answered where an answer failed; every line of it has a bar in front, so none reads as ours."""
    found = _failures(report)
    for answer in found[:MOST_FAILURES]:
        head = (
            f"\n{answer.state} · {line(answer.skill, 60)} · {line(answer.item.id, 60)} · {line(answer.unit.target, 60)}"
        )
        console.print(Text(head, style="bold"), soft_wrap=True)
        for name, text in _told(answer):
            console.print(Text(f"  {name}", style="dim"))
            console.print(Text(barred(text)), soft_wrap=True)
    more = len(found) - MOST_FAILURES
    if more > 0:
        console.print(
            f"\n{counted(more, 'more answer')}: evalbot report {report.run.number} has every one.", soft_wrap=True
        )
    if not found:
        console.print("No answer failed.")
    if report.held_back:
        console.print(
            f"{counted(report.held_back, 'holdout answer')} not shown; --include-holdout shows them.", soft_wrap=True
        )


def _told(answer: ReportedAnswer) -> Iterator[tuple[str, str]]:
    """Give the texts of an answer with what they are."""
    yield "asked", shown(answer.item.question, "question", MOST_TEXT)
    failed = answer.output.failure if answer.output else None
    if failed:
        yield "error", line(f"{failed.kind}: {failed.message}", 500)
        return
    for reference in answer.item.references[:3]:
        yield "reference", shown(reference, "reference", MOST_TEXT)
    yield "answered", shown(answer.text, "answer", MOST_TEXT)
    for grade in (*answer.failed_grades, *answer.broken_grades):
        why = grade.reason if grade.counts else grade.error or "no verdict"
        yield (
            f"{grade.grader.kind} {line(grade.grader.id, 60)}, {line(grade.criterion, 60)}",
            shown(why, "reason", MOST_TEXT),
        )


def barred(text: str) -> str:
    """Give a foreign text with a bar before each line; nothing in it is a command of a CI system that reads along."""
    return "\n".join(f"  │ {one}" for one in text.replace("##[", "# #[").split("\n"))


# --- comparisons -----------------------------------------------------------------------------------


def print_comparison(console: Console, comparison: RunComparison) -> None:
    """Print a run against another one, target by target."""
    before, after = comparison.before, comparison.after
    suites = f"{line(after.suite, 60)} version {after.suite_version}"
    if (before.suite, before.suite_version) != (after.suite, after.suite_version):
        suites += f" against {line(before.suite, 60)} version {before.suite_version}"
    console.print(Text(f"Run {after.number} against run {before.number}: {suites}", style="bold"), soft_wrap=True)
    for one in comparison.targets:
        _print_target(console, comparison, one)
    for run, labels in ((before, comparison.unmatched_before), (after, comparison.unmatched_after)):
        if labels:
            named = ", ".join(line(label, 60) for label in labels)
            console.print(Text(f"Only run {run.number} asked {named}: not compared."), soft_wrap=True)


def _print_target(console: Console, comparison: RunComparison, one: TargetComparison) -> None:
    """Print one target's comparison: the verdict, on what it stands, the numbers, and the items that moved."""
    name = line(one.after, 60) if one.before == one.after else f"{line(one.after, 60)} against {line(one.before, 60)}"
    console.print(Text(f"\n{name}: {_said(comparison, one)}", style="bold"), soft_wrap=True)
    console.print(Text(_standing(comparison, one)), soft_wrap=True)
    for text in _basis(comparison, one):
        console.print(Text(text), soft_wrap=True)
    if one.changes:
        console.print(_changes_table(comparison, one))
    for word, ids in (("Fell", one.fell), ("Rose", one.rose)):
        if ids:
            console.print(
                Text(f"{word} on {counted(len(ids), 'item')}: {_named(ids, comparison.open_items)}"), soft_wrap=True
            )


def _said(comparison: RunComparison, one: TargetComparison) -> str:
    """Say in a few words what came out; nothing of what stands on an unverified judge."""
    degenerate = [two for two in comparison.degenerate if two.target in (one.before, one.after)]
    if degenerate:
        return f"{line(degenerate[0].target, 60)} {degenerate_words(degenerate[0])}"
    if one.changes and all(comparison.doubts(change) for change in one.changes):
        return NO_HEADLINE
    return changes_words([two for two in one.changes if not comparison.doubts(two)]) or "too few items to compare"


def _basis(comparison: RunComparison, one: TargetComparison) -> Iterator[str]:
    """Say whose grades the overall change stands on."""
    overall = next((change for change in one.changes if change.skill == OVERALL), None)
    if overall is None:
        return
    alone = "" if overall.judge_alone is None else f"{100 * overall.judge_alone:+.1f} points".replace("-", MINUS)
    basis = change_basis(overall, alone)
    if basis:
        yield f"{basis[0].upper()}{basis[1:]}{f', {UNVERIFIED}' if comparison.doubts(overall) else ''}."


def _standing(comparison: RunComparison, one: TargetComparison) -> str:
    """Say which items the comparison stands on, and which are left out of it."""
    overlap, old, new = one.overlap, comparison.before.number, comparison.after.number
    only = f"{overlap.only_before:,} only scored in run {old}, {overlap.only_after:,} only in run {new}"
    if one.pairing is not Pairing.PAIRED:
        kind = "Not paired: the runs asked different items" if one.changes else "Not compared"
        return f"{kind} ({len(overlap.shared):,} shared, {only})."
    graded = f"; {counted(overlap.regraded, 'item')} graded differently than before" if overlap.regraded else ""
    return f"Paired on the {counted(len(overlap.shared), 'item')} that both were scored on ({only}){graded}."


def _changes_table(comparison: RunComparison, one: TargetComparison) -> Table:
    """Give the table of changes, overall first."""
    old, new = f"Run {comparison.before.number}", f"Run {comparison.after.number}"
    table = _table(
        ("Skill", "left"),
        ("n", "right"),
        (old, "right"),
        (new, "right"),
        ("Change", "right"),
        ("95 % interval", "right"),
        ("Verdict", "left"),
    )
    for change in one.changes:
        scores = (one.scores_before.get(change.skill), one.scores_after.get(change.skill))
        table.add_row(
            Text(line(change.skill, 40), style="bold" if change.skill == OVERALL else ""),
            f"{change.n:,}",
            *(_score(score, comparison.doubts(score)) if score else "–" for score in scores),
            change_alone(change),
            change_interval(change),
            _verdict(change, comparison.doubts(change)),
        )
    return table


def _score(estimate: Estimate, doubted: bool) -> str:
    """Give a score for the table; one that is doubted says so."""
    return f"{score_alone(estimate)} {UNVERIFIED}" if doubted and not estimate.too_few else score_alone(estimate)


def _verdict(change: Change, doubted: bool) -> Text:
    """Give the verdict of a change in its colour, which is never alone; one that is doubted has none."""
    if doubted:
        return Text(f"{verdict_words(change)}, {UNVERIFIED}", style="dim")
    return Text(verdict_words(change), style=_STYLES.get(change.verdict, ""))


def _named(ids: Sequence[ItemId], open_items: frozenset[ItemId]) -> str:
    """Name the first items that may be named and count the others."""
    named = [line(one, 60) for one in ids if one in open_items][:MOST_NAMED]
    rest = len(ids) - len(named)
    return ", ".join([*named, *([f"{rest:,} more" if named else f"{rest:,} not named here"] if rest else [])])


# --- gates -----------------------------------------------------------------------------------------


def print_gate(console: Console, gate: GateResult) -> None:
    """Print how every condition of a gate stands, the failing ones first."""
    console.print(Text(gate_line(gate), style="bold red" if gate.failed else "bold green"))
    for outcome in sorted(gate.outcomes, key=lambda one: not one.fails):
        mark = "✗" if outcome.fails else "✓" if outcome.value is not None else "–"
        console.print(Text(f"  {mark} {outcome_words(outcome)}"), soft_wrap=True)


def print_verdict(console: Console, report: RunReport) -> None:
    """Print in a line what a run says."""
    console.print(
        Text(f"{line(report.run.suite, 60)}: {run_verdict(report.run, report.summary)}", style="bold"), soft_wrap=True
    )


def _table(*columns: tuple[str, str]) -> Table:
    """Give an empty table without lines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left")
    return table
