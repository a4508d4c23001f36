"""Project files from the command line: data imported, projects checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalbot.errors import BadFile, BadRequest
from evalbot.library.assets import assets_folder
from evalbot.library.guesses import explain_guess, guess_mapping
from evalbot.library.import_items import ImportReport, import_rows, parse_mapping, with_imported
from evalbot.library.project import LoadedProject, Project, load_project, load_suite
from evalbot.library.promptfoo_suite import load_promptfoo
from evalbot.library.read_rows import Row, read_rows
from evalbot.library.writing import write_suite
from evalbot.settings import load_settings, project_folder
from evalbot.suites.items import Source
from evalbot.suites.suites import Suite


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did: rows read, the mapping used, the items, how many are new and where the suite was written."""

    suite: str
    rows: int
    mapping: Mapping[str, str]
    report: ImportReport
    new: int
    graded: str
    written: Path | None


@dataclass(frozen=True, slots=True)
class CheckedProject:
    """A project folder with everything that could be loaded from it and every problem."""

    folder: Path
    project: LoadedProject


def import_file(file: Path, name: str, mapping: str, dry_run: bool) -> Import:
    """Bring a file into the project: rows of data as items of a suite, or a promptfoo suite whole."""
    if not file.is_file():
        raise BadRequest(f"There is no file {file}.", "Check its path.")
    if file.suffix.lower() not in (".yaml", ".yml"):
        return import_items(file, name, mapping, dry_run)
    if mapping:
        raise BadRequest("A promptfoo file says itself what its fields are.", "Leave --map out.")
    return import_suite(file, name, dry_run)


def import_items(file: Path, name: str, mapping: str, dry_run: bool) -> Import:
    """Add the rows of a data file to a suite of the project, which is made when it is new; importing twice adds nothing."""
    rows = read_rows(file)
    columns = parse_mapping(mapping) if mapping else _guessed(rows, file)
    report = import_rows(rows, columns, Source(kind="import", url=file.name))
    shipped = assets_folder(load_settings().assets)
    folder = import_folder(shipped)
    before = _existing(Project(folder, shipped), name)
    guess = explain_guess(report.items)
    base = before or Suite(name=name, items=(), description=f"Imported from {file.name}", graders=guess.graders)
    after = with_imported(base, report.items)
    new = len(after.items) - len(base.items)
    written = write_suite(folder, after) if new and not dry_run else None
    return Import(name, len(rows), columns, report, new, "" if before else guess.why, written)


def import_suite(file: Path, name: str, dry_run: bool) -> Import:
    """Make a suite of a promptfoo file; a suite of that name is never written over."""
    shipped = assets_folder(load_settings().assets)
    folder = import_folder(shipped)
    suite = replace(load_promptfoo(file.resolve(), Project(file.resolve().parent, shipped)), name=name)
    if (folder / "suites" / f"{name}.yaml").is_file() or _existing(Project(folder, shipped), name):
        raise BadFile(f"The project has a suite {name} already.", "Choose another name with --suite.")
    written = None if dry_run else write_suite(folder, suite)
    items = suite.items
    return Import(name, len(items), {}, ImportReport(items, ()), len(items), "", written)


def _guessed(rows: list[Row], file: Path) -> Mapping[str, str]:
    """Guess the mapping from the column names; raises BadRequest that names the columns."""
    columns = list(dict.fromkeys(name for row in rows[:50] for name in row.values))
    found = guess_mapping(columns)
    if not found:
        named = ", ".join(columns[:12]) or "none"
        raise BadRequest(
            f"{file.name} has the columns {named[:300]}; which is the question is not clear.",
            "Say it with --map COLUMN=vars.question,COLUMN=reference.",
        )
    return found


def import_folder(shipped: Path) -> Path:
    """Give the project folder that an import writes to: never the files that come with evalbot when installed."""
    folder = project_folder(load_settings(), shipped)
    return Path.cwd() if folder == shipped else folder


def _existing(project: Project, name: str) -> Suite | None:
    """Give the suite of that name which an earlier import wrote; raises BadFile for another suite of that name."""
    path = project.folder / "suites" / f"{name}.yaml"
    if path.is_file():
        return replace(load_suite(path, project), version=0)
    if name in load_project(project.folder, project.shipped).suites:
        raise BadFile(
            f"The project has a suite {name} already, in a file of another place.", "Choose another name with --suite."
        )
    return None


def check_project(folder: Path | None) -> CheckedProject:
    """Load every file of a project."""
    settings = load_settings()
    shipped = assets_folder(settings.assets)
    found = folder.resolve() if folder else project_folder(settings, shipped)
    if not found.is_dir():
        raise BadRequest(f"There is no folder {found}.", "Name the folder that holds your suites.")
    return CheckedProject(found, load_project(found, shipped))
