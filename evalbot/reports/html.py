"""A run as one HTML page that opens without a network: pictures are inline, nothing is loaded and nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from evalbot import __version__
from evalbot.grading.grades import Grade
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, RunSummary, ScoreRow
from evalbot.reporting.gates import State
from evalbot.reporting.telling import UNVERIFIED, basis_words
from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport
from evalbot.reports.foreign_text import line, shown
from evalbot.reports.gate_words import gate_line, outcome_words
from evalbot.reports.interval_chart import COLOURS, chart_rows, interval_chart, left_out_rows, mark_shape
from evalbot.reports.words import (
    NAME,
    against_words,
    change_alone,
    change_interval,
    counted,
    duration_words,
    interval_words,
    judge_words,
    left_out_words,
    moment,
    notes_words,
    passes_words,
    run_verdict,
    score_alone,
    spent_words,
    subject_of,
    verdict_words,
)
from evalbot.stats.verdicts import Verdict
from evalbot.suites.graders import PASS_CRITERION

MOST_ANSWERS = 1_000
MOST_TEXT = 20_000
MOST_CHARACTERS = 20_000_000
"""A page with more text than this opens slowly; what is left out is counted on it."""

_FOLDER = Path(__file__).parent / "templates"
_ORDER = list(AnswerState)
_CLASSES = {
    AnswerState.FAILED: "failed",
    AnswerState.ERROR: "error",
    AnswerState.UNGRADED: "ungraded",
    AnswerState.IN_REVIEW: "review",
    AnswerState.PASSED: "passed",
}
_MARKS = {
    AnswerState.FAILED: "✗ failed",
    AnswerState.ERROR: "! error",
    AnswerState.UNGRADED: "– no verdict",
    AnswerState.IN_REVIEW: "… in review",
    AnswerState.PASSED: "✓ passed",
}
_VERDICT_CLASS = {Verdict.WORSE: "worse", Verdict.BETTER: "better"}


@dataclass(frozen=True, slots=True)
class _Fact:
    """A labelled fact at the head of the page."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _TableRow:
    """A row of a table of estimates; the cells of people and of the change are empty where there is nothing to say."""

    name: str
    whole: bool
    n: str
    score: str
    interval: str
    people: str = ""
    change: str = ""
    change_interval: str = ""
    verdict: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Table:
    """The estimates of a target for one criterion."""

    title: str
    against: str
    rows: tuple[_TableRow, ...]

    @property
    def corrected(self) -> bool:
        """Tell whether people corrected anything in it."""
        return any(row.people for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Key:
    """A target's mark in the pictures."""

    label: str
    kind: str
    mark: Markup
    note: str


@dataclass(frozen=True, slots=True)
class _Filter:
    """A choice of which answers are listed."""

    kind: str
    label: str
    count: str


@dataclass(frozen=True, slots=True)
class _GradeLine:
    """A grade in an answer's list."""

    kind: str
    mark: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer in the list, all of it as text."""

    kind: str
    mark: str
    item: str
    skill: str
    target: str
    head: str
    question: str
    references: tuple[str, ...]
    answer: str
    failure: str
    grades: tuple[_GradeLine, ...]
    facts: str


def run_html(report: RunReport) -> str:
    """Give a run as an HTML page."""
    run, summary = report.run, report.summary
    labels = [target.label for target in run.targets]
    passes = [replace(row, estimate=row.best) for row in summary.rows if row.criterion == PASS_CRITERION]
    rows = chart_rows(passes, summary.changes, labels, summary.doubts)
    asked = sorted(
        (one for one in report.answers if one.state is not AnswerState.MISSING), key=lambda one: _ORDER.index(one.state)
    )
    listed = _listed(asked)
    page = {
        "title": f"{line(run.suite, NAME)}: {run_verdict(run, summary)}",
        "kicker": f"Run {run.number} · suite version {run.suite_version} · {run.status}",
        "told": list(_told(report)),
        "gate": _gate(report),
        "facts": _facts(report),
        "keys": [_key(report, place) for place in range(len(labels))],
        "chart": interval_chart(rows, labels, "chart"),
        "chart_note": " ".join(
            [left_out_rows(rows), *([_DOUBTED] if any(row.doubted for row in rows) else [])]
        ).strip(),
        "tables": list(_tables(report)),
        "filters": list(_filters(listed)),
        "answers": [_answer(one, run.repeats) for one in listed],
        "unlisted": counted(len(asked) - len(listed), "more answer") if len(asked) > len(listed) else "",
        "held_back": counted(report.held_back, "holdout answer") if report.held_back else "",
        "foot": _foot(report),
        "style": Markup((_FOLDER / "run.css").read_text(encoding="utf-8")),
    }
    return _environment().get_template("run.html.j2").render(page)


_DOUBTED = "What stands on the judge alone is pale: the judge is unverified."


def _environment() -> SandboxedEnvironment:
    """Give the templates; everything put into them is escaped."""
    return SandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _listed(asked: Sequence[ReportedAnswer]) -> list[ReportedAnswer]:
    """Give as many answers as the page holds."""
    found: list[ReportedAnswer] = []
    room = MOST_CHARACTERS
    for answer in asked[:MOST_ANSWERS]:
        room -= min(len(answer.text), MOST_TEXT) + min(len(answer.item.question), MOST_TEXT)
        if room < 0:
            break
        found.append(answer)
    return found


def _told(report: RunReport) -> Iterator[str]:
    """Say a sentence or two of each target, and what to know of the one that is told of first."""
    summary = report.summary
    changes = [change for change in (*summary.changes, *summary.other_changes) if change.skill == OVERALL]
    for target in report.run.targets:
        against = (against_words(change, summary) for change in changes if change.target == target.label)
        yield " ".join([passes_words(target.label, summary), *against])
    notes = notes_words(summary, subject_of(report.run, summary))
    if notes:
        text = "; ".join(notes)
        yield f"{text[0].upper()}{text[1:]}."
    if report.run.open or summary.outputs < report.run.size:
        yield f"{summary.outputs:,} of {counted(report.run.size, 'answer')} are there."


def _gate(report: RunReport) -> dict[str, object] | None:
    """Give how the gate stands, the failing conditions first."""
    if report.gate is None:
        return None
    outcomes = sorted(report.gate.outcomes, key=lambda one: not one.fails)
    marks = {State.CLEAR: "✓", State.UNCOMPARED: "–"}
    lines = [
        {"kind": "failed" if one.fails else "", "text": f"{marks.get(one.state, '✗')} {outcome_words(one)}"}
        for one in outcomes
    ]
    return {"failed": report.gate.failed, "line": gate_line(report.gate), "lines": lines}


def _facts(report: RunReport) -> list[_Fact]:
    """Give the facts at the head of the page."""
    run, summary = report.run, report.summary
    subject = subject_of(run, summary)
    estimate = summary.headline(subject)
    change = next((one for one in summary.changes if (one.target, one.skill) == (subject, OVERALL)), None)
    facts = []
    if estimate:
        interval = "" if estimate.too_few else f"95 % interval {interval_words(estimate)}, "
        of = f" · {line(subject, 30)}" if len(run.targets) > 1 else ""
        facts.append(_Fact(f"Pass rate{of}", score_alone(estimate), f"{interval}n {estimate.n:,}, {_basis(estimate)}"))
    elif summary.overall(subject):
        facts.append(_Fact("Pass rate", "no headline", "the judge is unverified"))
    if change and not summary.doubts(change):
        facts.append(
            _Fact(f"Against {line(change.against, 30)}", f"{change_alone(change)} points", _change_note(change))
        )
    facts.append(_Fact("Answers", f"{summary.outputs:,}", left_out_words(summary) or "all of them counted"))
    facts.append(_judge_fact(summary))
    facts.append(_Fact("Cost and time", spent_words(summary), duration_words(summary.duration_s)))
    return facts


def _basis(estimate: Estimate) -> str:
    """Say whose grades the pass rate stands on."""
    people = f" on {counted(estimate.human_n, 'answer')}" if estimate.how is How.CORRECTED else ""
    return f"{basis_words(estimate)}{people}"


def _change_note(change: Change) -> str:
    """Give the interval and the verdict of a change."""
    return f"{change_interval(change)}, n {change.n:,}: {verdict_words(change)}"


def _judge_fact(summary: RunSummary) -> _Fact:
    """Say how far the judge may be trusted."""
    if not summary.judge:
        return _Fact("Judge", "none", "code checks only")
    if summary.agreement is None and not (summary.standing and summary.standing.agreement is not None):
        return _Fact(
            "Judge", line(summary.judge, 30), f"not yet checked by people: {summary.human_outputs:,} graded so far"
        )
    return _Fact(
        "Judge", line(summary.judge, 30), judge_words(summary).removeprefix(line(summary.judge, NAME)).lstrip(" ,")
    )


def _key(report: RunReport, place: int) -> _Key:
    """Give the mark of a target."""
    target = report.run.targets[place]
    note = "what the others are compared with" if target.label == report.baseline else ""
    named = line(target.id, NAME) if target.id != target.label else ""
    return _Key(line(target.label, NAME), f"c{place % COLOURS}", mark_shape(place, 8, 8), note or named)


def _tables(report: RunReport) -> Iterator[_Table]:
    """Give the tables of each target, the one that is told of first: its pass rate, then each criterion."""
    summary = report.summary
    subject = subject_of(report.run, summary)
    for target in sorted(report.run.targets, key=lambda one: one.label != subject):
        mine = [row for row in summary.rows if row.target == target.label]
        changes = {change.skill: change for change in summary.changes if change.target == target.label}
        for criterion in dict.fromkeys(row.criterion for row in mine):
            compared = changes if criterion == PASS_CRITERION else {}
            rows = tuple(
                _table_row(row, compared.get(row.skill), summary) for row in mine if row.criterion == criterion
            )
            what = "passes every grader" if criterion == PASS_CRITERION else line(criterion, NAME)
            against = line(next(iter(compared.values())).against, 30) if compared else ""
            yield _Table(f"{line(target.label, NAME)} · {what}", against, rows)


def _table_row(row: ScoreRow, change: Change | None, summary: RunSummary) -> _TableRow:
    """Give a row of a table; the score is that of checks and judge, beside it stands what people make of it."""
    estimate, whole = row.estimate, row.skill == OVERALL
    doubt = f" {UNVERIFIED}" if summary.doubts(estimate) and not estimate.too_few else ""
    cells = (f"{score_alone(estimate)}{doubt}", interval_words(estimate))
    corrected = row.corrected.estimate if row.corrected else None
    people = (
        f"{score_alone(corrected)} ({interval_words(corrected)}, {corrected.human_n:,} graded)" if corrected else ""
    )
    name, n = line(row.skill, NAME), f"{estimate.n:,}"
    if change is None:
        return _TableRow(name, whole, n, *cells, people, verdict="not compared", kind="few")
    kind = "few" if summary.doubts(change) else _VERDICT_CLASS.get(change.verdict, "few")
    verdict = f"{verdict_words(change)}{f', {UNVERIFIED}' if summary.doubts(change) else ''}"
    return _TableRow(name, whole, n, *cells, people, change_alone(change), change_interval(change), verdict, kind)


def _filters(listed: Sequence[ReportedAnswer]) -> Iterator[_Filter]:
    """Give the choices of which answers are listed: all, and each state that there is."""
    yield _Filter("all", "All", f"{len(listed):,}")
    for state, kind in _CLASSES.items():
        count = sum(answer.state is state for answer in listed)
        if count:
            yield _Filter(kind, state.value.capitalize(), f"{count:,}")


def _answer(answer: ReportedAnswer, repeats: int) -> _Answer:
    """Give an answer of the list."""
    item, output = answer.item, answer.output
    failure = output.failure if output else None
    again = f" · repeat {answer.unit.repeat + 1}" if repeats > 1 else ""
    return _Answer(
        _CLASSES[answer.state],
        _MARKS[answer.state],
        f"{line(item.id, NAME)}{again}",
        line(answer.skill, NAME),
        line(answer.unit.target, NAME),
        line(item.question, 140) or "(empty question)",
        shown(item.question, "question", MOST_TEXT),
        tuple(shown(one, "reference", MOST_TEXT) for one in item.references[:10]),
        "" if failure else shown(answer.text, "answer", MOST_TEXT),
        f"{line(failure.kind, NAME)}: {line(failure.message, 500)}" if failure else "",
        tuple(_grade_line(grade) for grade in answer.grades),
        " · ".join(_answer_facts(answer)),
    )


def _grade_line(grade: Grade) -> _GradeLine:
    """Give a grade of the list."""
    who = f"{line(grade.criterion, NAME)} · {grade.grader.kind} {line(grade.grader.id, NAME)}"
    if not grade.counts:
        return _GradeLine(
            "ungraded", "– no verdict", who, shown(grade.error or grade.reason or "no reason", "reason", 2_000)
        )
    kind, mark = ("passed", "✓ passed") if grade.passed else ("failed", "✗ failed")
    return _GradeLine(kind, mark, who, shown(grade.reason, "reason", 2_000) if grade.reason else "")


def _answer_facts(answer: ReportedAnswer) -> Iterator[str]:
    """Give the small print of an answer."""
    if answer.state is AnswerState.IN_REVIEW:
        yield "people are grading this answer: grades show when they are done"
    if answer.people:
        yield f"{answer.people_passed:,} of {counted(answer.people, 'person')} passed it".replace("persons", "people")
    if answer.item.level:
        yield f"level {line(answer.item.level, NAME)}"
    if answer.output:
        yield f"{answer.output.usage.latency_s:.2f} s"
        if answer.output.usage.cost_usd is not None:
            yield f"${answer.output.usage.cost_usd:.5f}"


def _foot(report: RunReport) -> str:
    """Say which run this is."""
    run = report.run
    ended = moment(run.finished_at) if run.finished_at else f"started {moment(run.created_at)}"
    return f"Run {run.number} by {line(run.started_name, NAME)} · {ended} · run id {line(run.id, NAME)} · evalbot {__version__}"
