"""Reports written to files and for a CI system: what is wanted is checked before a run costs anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from evalbot.errors import BadRequest
from evalbot.reports.contents import RunReport
from evalbot.reports.csv_file import run_csv
from evalbot.reports.github import annotation_lines, run_github
from evalbot.reports.html import run_html
from evalbot.reports.json import run_json
from evalbot.reports.junit import run_junit
from evalbot.runs.runs import Run
from evalbot.suites.gates import Condition, parse_gate
from evalbot.terminal.stored_runs import open_archive


class Form(StrEnum):
    """The forms of a report."""

    HTML = "html"
    JUNIT = "junit"
    GITHUB = "github"
    CSV = "csv"
    JSON = "json"


_WRITERS = {Form.HTML: run_html, Form.JUNIT: run_junit, Form.GITHUB: run_github, Form.CSV: run_csv, Form.JSON: run_json}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to leave behind: files by form, a job summary (a file that is added to), and a gate that it must pass."""

    files: Mapping[Form, Path]
    summary: Path | None
    conditions: tuple[Condition, ...]
    annotated: bool
    include_holdout: bool

    def gated_too(self, texts: Sequence[str]) -> Wanted:
        """Give the same with the conditions that the suite's own file names, before those that were asked for."""
        return replace(self, conditions=tuple(dict.fromkeys([*parse_gate(texts), *self.conditions])))

    def __bool__(self) -> bool:
        return bool(self.files or self.summary or self.conditions or self.annotated)


async def write_wanted(run: Run, wanted: Wanted) -> RunReport:
    """Write everything that is wanted of a run that has ended, and give its report."""
    async with open_archive() as archive:
        report = await archive.report(run, include_holdout=wanted.include_holdout, conditions=wanted.conditions)
    for form, path in wanted.files.items():
        write_report(report, form, path)
    if wanted.summary:
        with wanted.summary.open("ab") as file:
            file.write(_bytes(run_github(report)))
    return report


def notes(report: RunReport, wanted: Wanted) -> list[str]:
    """Give the lines by which a CI system marks a run, none outside of one."""
    return annotation_lines(report) if wanted.annotated else []


def parse_form(name: str) -> Form:
    """Read the name of a form; raises BadRequest with those that there are."""
    try:
        return Form(name.strip().lower())
    except ValueError:
        known = ", ".join(Form)
        raise BadRequest(f"There is no report in the form {name[:40]!r}.", f"There are: {known}.") from None


def write_report(report: RunReport, form: Form, path: Path | None) -> None:
    """Write a report to a file, or to standard output without one."""
    data = _bytes(_WRITERS[form](report))
    if path is not None:
        path.write_bytes(data)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def check_place(path: Path) -> None:
    """Raise BadRequest unless a file can have that path."""
    if path.is_dir():
        raise BadRequest(f"{path} is a folder.", "Name a file in it.")
    if not path.parent.is_dir():
        raise BadRequest(f"There is no folder {path.parent}.", "Make it first, or choose another place.")


def _bytes(text: str) -> bytes:
    """Give the bytes of a text; half a surrogate pair that came so far is written out."""
    return text.encode("utf-8", "backslashreplace")
