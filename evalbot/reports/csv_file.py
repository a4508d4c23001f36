"""A run as a CSV file, one row for each answer; no cell is a live formula, and `read_csv` gives back the very same texts.

A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that begins with an apostrophe
itself: taking one apostrophe off the front of each cell undoes it. Half a surrogate pair and NUL, which files of text cannot
hold, are written as U+FDD0 (a code point that means nothing) and four hexadecimal digits.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport

COLUMNS = (
    "run",
    "suite",
    "version",
    "target",
    "item",
    "repeat",
    "skill",
    "level",
    "split",
    "state",
    "question",
    "reference",
    "answer",
    "error",
    "scores",
    "reasons",
    "people",
    "people_passed",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "at",
)

_STARTS_FORMULA = frozenset("=+-@−")
_STARTS_CELL = ("'", "\t", "\r", "\n")
_LONGEST_FIELD = 256 * 1024 * 1024

_REFUSED = re.compile("[\x00\ud800-\udfff\ufdd0]")
_ESCAPE = re.compile("\ufdd0([0-9a-f]{4})")

Cell = str | int | float | None


def run_csv(report: RunReport) -> str:
    """Give the answers of a run as CSV."""
    asked = (answer for answer in report.answers if answer.state is not AnswerState.MISSING)
    return write_csv(COLUMNS, (_row(report, answer) for answer in asked))


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Give rows as CSV under a line of column names; texts are made safe, numbers stay numbers and None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else _number(cell) for cell in row])
    return out.getvalue()


def read_csv(text: str) -> list[dict[str, str]]:
    """Read such a file back: the rows with the texts that were written; numbers are their digits."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = csv.reader(io.StringIO(text, newline=""))
        names = next(rows, [])
        return [dict(zip(names, map(plain_cell, row), strict=True)) for row in rows]
    finally:
        csv.field_size_limit(before)


def safe_cell(text: str) -> str:
    """Give a text as a cell that no spreadsheet takes for a formula."""
    stored = _REFUSED.sub(lambda found: f"\ufdd0{ord(found[0]):04x}", text)
    return f"'{stored}" if _is_live(text) else stored


def plain_cell(cell: str) -> str:
    """Give the text of a cell."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), cell.removeprefix("'"))


def _is_live(text: str) -> bool:
    """Tell whether a text begins, after what cannot be seen, like a formula in any width; or with the mark of an escaped one."""
    if text.startswith(_STARTS_CELL):
        return True
    for character in text:
        if character.isspace() or unicodedata.category(character)[0] in "CZ" or _is_mark(character):
            continue
        return unicodedata.normalize("NFKC", character)[:1] in _STARTS_FORMULA
    return False


def _is_mark(character: str) -> bool:
    """Tell whether a character has no width of its own."""
    return unicodedata.category(character) in ("Mn", "Me")


def _number(cell: float | None) -> str:
    """Write a number; only JSON's own digits, point and exponent."""
    return "" if cell is None else json.dumps(cell)


def _row(report: RunReport, answer: ReportedAnswer) -> list[Cell]:
    """Give the row of an answer."""
    run, item, output = report.run, answer.item, answer.output
    usage = output.usage if output else None
    return [
        run.number,
        run.suite,
        run.suite_version,
        answer.unit.target,
        item.id,
        answer.unit.repeat,
        item.skill or "",
        item.level or "",
        item.split.value,
        answer.state.value,
        item.question,
        json.dumps(item.reference, ensure_ascii=False)
        if isinstance(item.reference, dict | list)
        else _text(item.reference),
        answer.text,
        f"{output.failure.kind}: {output.failure.message}" if output and output.failure else "",
        _scores(answer),
        reasons(answer),
        answer.people,
        answer.people_passed,
        usage.latency_s if usage else None,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        usage.cost_usd if usage else None,
        output.at.isoformat() if output else "",
    ]


def _text(value: object) -> str:
    """Give a plain value as text, nothing for none."""
    return "" if value is None else str(value)


def _scores(answer: ReportedAnswer) -> str:
    """Give the scores of an answer by grader and criterion as JSON, empty without any; null is an error or no verdict."""
    found: Mapping[str, float | None] = {f"{g.grader.id}/{g.criterion}": g.score for g in answer.grades}
    return json.dumps(found) if found else ""


def reasons(answer: ReportedAnswer) -> str:
    """Give why an answer fails or has no verdict, a line for each grader."""
    said = [f"{grade.criterion}: {grade.reason}" for grade in answer.failed_grades]
    said += [f"{grade.criterion}: {grade.error or 'no verdict'}" for grade in answer.broken_grades]
    return "\n".join(said)
