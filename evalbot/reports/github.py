"""A run for GitHub Actions: the job summary in Markdown, and annotations as workflow commands."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from evalbot.reporting.estimates import OVERALL, Change, RunSummary, ScoreRow
from evalbot.reporting.gates import GateResult
from evalbot.reporting.telling import UNVERIFIED
from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport
from evalbot.reports.foreign_text import line, shown, visible
from evalbot.reports.gate_words import gate_line, outcome_words
from evalbot.reports.words import (
    NAME,
    change_alone,
    change_interval,
    counted,
    duration_words,
    interval_words,
    judge_words,
    left_out_words,
    passes_words,
    run_verdict,
    score_alone,
    spent_words,
    verdict_words,
)
from evalbot.suites.graders import PASS_CRITERION

MOST_FAILURES = 30
"""More failures than this are for the page or the table of answers."""

MOST_ROWS = 100
MOST_TEXT = 4_000
MOST_BYTES = 900_000
"""GitHub drops a summary of more than 1 MiB."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,;")

_ENDS_MESSAGE = "%\r\n"
_ENDS_PROPERTY = f"{_ENDS_MESSAGE}:,"
"""What stands for something in a part of a workflow command; the per cent sign comes first, as it marks an escape."""


def run_github(report: RunReport) -> str:
    """Give the job summary of a run in Markdown."""
    run, summary = report.run, report.summary
    parts = [f"## {literal(line(run.suite, NAME))}: {literal(run_verdict(run, summary))}", ""]
    parts += _gate_part(report.gate) if report.gate else []
    for target in run.targets:
        rows = [row for row in summary.rows if row.target == target.label and row.criterion == PASS_CRITERION]
        changes = {change.skill: change for change in summary.changes if change.target == target.label}
        parts += _table(target.label, rows, changes, summary)
        parts += [literal(passes_words(target.label, summary)), ""] if _worth_telling(target.label, summary) else []
    parts += [_closing(report), ""]
    room = MOST_BYTES - sum(len(part.encode()) + 1 for part in parts)
    return "\n".join([*parts, *_failures(report, room)]) + "\n"


def _gate_part(gate: GateResult) -> list[str]:
    """Give how the gate stands: the conditions that fail it, and those that were not checked."""
    told = gate.failures or [outcome for outcome in gate.outcomes if outcome.value is None]
    lines = [f"- {literal(outcome_words(outcome))}" for outcome in told]
    return [f"**{'❌' if gate.failed else '✅'} {literal(gate_line(gate))}**", "", *lines, *([""] if lines else [])]


def _worth_telling(label: str, summary: RunSummary) -> bool:
    """Tell whether a target's table alone would mislead: people correct it, or its judge is unverified, or it has none."""
    row = summary.overall(label)
    return summary.degenerate_of(label) is not None or bool(row and (row.corrected or summary.doubts(row.estimate)))


def _table(label: str, rows: Sequence[ScoreRow], changes: dict[str, Change], summary: RunSummary) -> list[str]:
    """Give the estimates of a target as a table; without a comparison it has no columns for one."""
    if not rows:
        return [f"<code>{literal(line(label, NAME))}</code>: nothing could be scored.", ""]
    head = f"| <code>{literal(line(label, NAME))}</code> | Score | 95 % interval | n |"
    ruler = "| :--- | ---: | ---: | ---: |"
    if changes:
        against = literal(line(next(iter(changes.values())).against, NAME))
        head, ruler = f"{head} Against {against} | 95 % interval | Verdict |", f"{ruler} ---: | ---: | :--- |"
    more = [f"{counted(len(rows) - MOST_ROWS, 'more skill')} not listed here.", ""] if len(rows) > MOST_ROWS else []
    return [head, ruler, *(_table_row(row, changes, summary) for row in rows[:MOST_ROWS]), "", *more]


def _table_row(row: ScoreRow, changes: dict[str, Change], summary: RunSummary) -> str:
    """Give one row of a table."""
    estimate, change = row.estimate, changes.get(row.skill)
    name = f"**{row.skill}**" if row.skill == OVERALL else literal(line(row.skill, NAME))
    doubt = f" {UNVERIFIED}" if summary.doubts(estimate) and not estimate.too_few else ""
    cells = [name, f"{score_alone(estimate)}{doubt}", interval_words(estimate), f"{estimate.n:,}"]
    if change:
        doubt = f", {UNVERIFIED}" if summary.doubts(change) else ""
        cells += [change_alone(change), change_interval(change), f"{verdict_words(change)}{doubt}"]
    elif changes:
        cells += ["–", "–", "too few shared items"]
    return f"| {' | '.join(cells)} |"


def _closing(report: RunReport) -> str:
    """Say which run it is, what it cost and what is left out."""
    run, summary = report.run, report.summary
    said = [
        f"Run {run.number}, suite version {run.suite_version}, {literal(run.status.value)}",
        f"{counted(summary.outputs, 'answer')} to {counted(summary.items, 'item')}",
        left_out_words(summary),
        f"judge: {literal(judge_words(summary))}",
        f"{spent_words(summary)}, {duration_words(summary.duration_s)}",
        f"{counted(report.held_back, 'holdout answer')} not listed" if report.held_back else "",
    ]
    return " · ".join(part for part in said if part)


def _failures(report: RunReport, room: int) -> Iterator[str]:
    """Give the first failures and errors, folded, as many as fit."""
    found = [one for one in report.answers if one.state in (AnswerState.FAILED, AnswerState.ERROR)]
    if not found:
        return
    yield f"### {counted(len(found), 'answer')} failed or met an error"
    yield ""
    given = 0
    for answer in found[:MOST_FAILURES]:
        text = _failure(answer)
        room -= len(text.encode()) + 1
        if room < 0:
            break
        given += 1
        yield text
    if given < len(found):
        yield f"{counted(len(found) - given, 'more answer')} not listed here."


def _failure(answer: ReportedAnswer) -> str:
    """Give one failure as a folded block; what is foreign in it is literal."""
    skill, item, target = (literal(line(one, NAME)) for one in (answer.skill, answer.item.id, answer.unit.target))
    head = f"{skill} · {item} · <code>{target}</code>"
    failed = answer.output.failure if answer.output else None
    if failed:
        return f"- {head}: {literal(line(failed.message, 300))}\n"
    why = "; ".join(line(f"{grade.criterion}: {grade.reason}", 300) for grade in answer.failed_grades)
    texts = [("Question", answer.item.question, "question"), ("Answer", answer.text, "answer")]
    blocks = "\n".join(f"<b>{name}</b>\n<pre>{_block(text, noun)}</pre>" for name, text, noun in texts)
    return f"<details><summary>{head}: {literal(why)}</summary>\n\n{blocks}\n\n</details>\n"


def _block(text: str, noun: str) -> str:
    """Give a text for a preformatted block: escaped, and without an empty line that would end it."""
    escaped = html.escape(shown(text, noun, MOST_TEXT))
    return "&#10;".join(escaped.split("\n"))


def literal(text: str) -> str:
    """Give a foreign text as Markdown that shows it literally: every mark is an entity, so nothing is markup or a link."""
    flat = f"{' '.join(visible(text).split())} "
    return "".join(_entity(one, flat[place - 1], flat[place + 1]) for place, one in enumerate(flat[:-1]))


def _entity(one: str, before: str, after: str) -> str:
    """Give a character as it is where that means nothing in Markdown, else as an entity."""
    plain = one in _PLAIN or ord(one) > 0xBF or (one == "-" and before.isalnum()) or (one == ":" and after == " ")
    return one if plain else f"&#{ord(one)};"


# --- annotations -----------------------------------------------------------------------------------


def annotation_lines(report: RunReport) -> list[str]:
    """Give the workflow commands of a run: an error for each condition the gate fails by, a warning for what is not counted."""
    run = report.run
    title = f"{line(run.suite, 60)}, run {run.number}"
    failures = report.gate.failures if report.gate else ()
    found = [command("error", title, outcome_words(outcome)) for outcome in failures]
    left_out = left_out_words(report.summary)
    return [*found, command("warning", title, left_out)] if left_out else found


def command(kind: str, title: str, text: str) -> str:
    """Give a workflow command on one line; nothing in its texts can begin another."""
    return f"::{kind} title={_escaped(visible(title), _ENDS_PROPERTY)}::{_escaped(visible(text), _ENDS_MESSAGE)}"


def _escaped(text: str, characters: str) -> str:
    """Escape what would end a part of a workflow command."""
    for character in characters:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
