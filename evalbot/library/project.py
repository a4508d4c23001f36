"""Projects: folders that hold suites, rubrics and prompts; the shipped assets are one too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from evalbot.errors import BadFile
from evalbot.library.documents import refuse
from evalbot.library.project_files import ProjectFiles
from evalbot.library.prompts import load_prompt
from evalbot.library.rubrics import load_rubric, rubric_paths
from evalbot.library.suites import read_suite
from evalbot.suites.rubrics import Rubric
from evalbot.suites.suites import Suite


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder; rubrics and prompts that it lacks are taken from the `shipped` one when that is given."""

    folder: Path
    shipped: Path | None = None

    @property
    def files(self) -> ProjectFiles:
        """The way to the project's files."""
        return ProjectFiles(self.folder, self.shipped)

    def suite_paths(self) -> list[Path]:
        """Give the suite files, sorted by name."""
        return self.files.listed("suites/*.yaml", "suites/*.yml", "prompts/suites/*.yaml", "prompts/suites/*.yml")

    def rubric_paths(self) -> list[Path]:
        """Give the rubric files, sorted by name."""
        return rubric_paths(self.files)

    def prompt_paths(self) -> list[Path]:
        """Give the prompt files, judges' prompts among them, sorted by name."""
        found = self.files.listed("prompts/*.md", "prompts/judge/*.md")
        return [path for path in found if path.stem.lower() != "readme"]


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """What a project holds: every suite and rubric that could be loaded, and an error for each file that could not."""

    suites: Mapping[str, Suite]
    problems: list[BadFile]
    rubrics: Mapping[str, Rubric] = field(default_factory=dict)


def load_suite(path: Path, project: Project) -> Suite:
    """Load one suite file with all it names; the suite has version 0. Raises BadFile."""
    if not project.files.holds(path):
        raise refuse(path.name, None, "the file lies outside the project folder")
    return read_suite(path, project.files)


def load_project(folder: Path, shipped: Path | None = None) -> LoadedProject:
    """Load all of a project; a broken file becomes a problem and hides no other file."""
    project = Project(folder, shipped)
    problems: list[BadFile] = []
    if not folder.is_dir():
        problems.append(refuse(str(folder), None, "there is no such project folder"))
    rubrics = {rubric.name: rubric for _, rubric in _loaded(project.rubric_paths(), project, load_rubric, problems)}
    for path in project.prompt_paths():
        _try_prompt(path, project, problems)
    suites: dict[str, Suite] = {}
    for path, suite in _loaded(project.suite_paths(), project, read_suite, problems):
        if suite.name in suites:
            problems.append(refuse(project.files.name_of(path), 1, f"another file has a suite `{suite.name}` already"))
        else:
            suites[suite.name] = suite
    return LoadedProject(suites, _unique(problems), rubrics)


T = TypeVar("T")


def _loaded(
    paths: list[Path], project: Project, load: Callable[[Path, ProjectFiles], T], problems: list[BadFile]
) -> Iterator[tuple[Path, T]]:
    """Yield what can be loaded; note the rest."""
    for path in paths:
        try:
            yield path, load(path, project.files)
        except BadFile as error:
            problems.append(error)


def _try_prompt(path: Path, project: Project, problems: list[BadFile]) -> None:
    try:
        load_prompt(path, project.files.name_of(path))
    except BadFile as error:
        problems.append(error)


def _unique(problems: list[BadFile]) -> list[BadFile]:
    """Give each problem once: a broken rubric is met by itself and by every suite that names it."""
    return list({str(problem): problem for problem in problems}.values())
