"""The Python API: grades of any data analysed without Slack, database or files.

from evalbot.api import analyze

grades = [
    {"output": "reply-1", "grader": "ann", "value": "pass"},
    {"output": "reply-1", "grader": "bob", "value": "fail"},
]
found = analyze(grades, judge={"reply-1": "pass", "reply-2": "fail"}).first
print(found.estimates.human, found.consensus[0].label)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real

from evalbot.errors import BadRequest
from evalbot.reporting.analysis import analyze_grades
from evalbot.reporting.analysis_records import Analysis
from evalbot.reporting.analysis_rows import BadRow, GradeRow, LabelRow, Source

__all__ = ["Analysis", "analyze"]

Cell = object
"""Text, a number, True or False, or nothing (None or NaN), which is a grade not given."""
Rows = Iterable[Mapping[str, Cell]]
Labels = Mapping[str, Cell] | Mapping[int, Cell] | Rows


def analyze(grades: Rows, gold: Labels | None = None, judge: Labels | None = None) -> Analysis:
    """Analyse grades: consensus, agreement, reliability of graders and, with a judge, the corrected mean.

    grades: rows with output, grader and value, perhaps criterion and scale, such as `frame.to_dict("records")`; the last
    one of a grader on an output counts. gold: right labels, judge: a judge's verdicts on these outputs and others like
    them, each a mapping of output to value, or rows with output and value, perhaps criterion. Equal input gives equal
    numbers. Raises BadRequest that names the row.
    """
    rows = [GradeRow(*_cells(row, GradeRow._fields, n, Source.GRADES)) for n, row in enumerate(grades)]
    if not rows:
        raise BadRequest("There are no grades.", "Give at least one row with output, grader and value.")
    return analyze_grades(rows, _labels(gold, Source.GOLD), _labels(judge, Source.JUDGE))


def _labels(table: Labels | None, source: Source) -> list[LabelRow] | None:
    """Read labels given either way."""
    if table is None:
        return None
    if isinstance(table, Mapping):
        return [LabelRow(str(output), _text(value)) for output, value in table.items()]
    return [LabelRow(*_cells(row, LabelRow._fields, n, source)) for n, row in enumerate(table)]


def _cells(row: Mapping[str, Cell], names: Iterable[str], number: int, source: Source) -> list[str]:
    """Read the named cells of a row as text; raises BadRow when it is no row or lacks a column."""
    if not isinstance(row, Mapping):
        raise BadRow(
            f"{type(row).__name__} is not a row", "Give every row as a mapping of column to value.", source, number
        )
    for name in ("output", "value") if source is not Source.GRADES else ("output", "grader", "value"):
        if name not in row:
            raise BadRow(f"the row has no {name}", "Name the columns output, grader and value.", source, number)
    return [_text(row.get(name)) for name in names]


def _text(value: Cell) -> str:
    """Give a cell as text; nothing for None and NaN."""
    if value is None or (isinstance(value, Real) and value != value):
        return ""
    return str(value)
