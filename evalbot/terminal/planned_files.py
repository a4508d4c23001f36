"""What a run is to leave behind, checked before it costs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalbot.errors import BadRequest
from evalbot.library.assets import assets_folder
from evalbot.library.project import load_project
from evalbot.settings import load_settings, project_folder
from evalbot.suites.gates import Condition, check_names, parse_gate
from evalbot.suites.targets import short_target
from evalbot.terminal.report_files import Form, Wanted, check_place
from evalbot.terminal.stored_runs import skills_of

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for: files by form (None where there is to be none), a job summary, and when the run counts as failed."""

    files: Mapping[Form, Path | None]
    github_summary: bool
    fail_if: Sequence[str]
    include_holdout: bool


def plan_wanted(suite: str, targets: Sequence[str], wishes: Wishes, environment: Mapping[str, str]) -> Wanted:
    """Check what is wanted of a run; raises BadRequest for a file that cannot be written or a gate that cannot be read."""
    given = {form: path for form, path in wishes.files.items() if path is not None}
    for path in given.values():
        check_place(path)
    named = environment.get(SUMMARY_VARIABLE)
    if wishes.github_summary and not named:
        raise BadRequest(
            f"{SUMMARY_VARIABLE} is not set, so there is no job summary to write.",
            "Leave --github-summary to GitHub Actions; elsewhere use evalbot report RUN --to github.",
        )
    conditions = parse_gate(wishes.fail_if)
    if conditions:
        _check_gate(suite, targets, conditions)
    annotated = wishes.github_summary or environment.get("GITHUB_ACTIONS") == "true"
    summary = Path(named) if wishes.github_summary and named else None
    return Wanted(given, summary, conditions, annotated, wishes.include_holdout)


def _check_gate(name: str, targets: Sequence[str], conditions: Sequence[Condition]) -> None:
    """Raise BadRequest when a condition names a skill or target that a run of the project's suite does not have."""
    settings = load_settings()
    shipped = assets_folder(settings.assets)
    suite = load_project(project_folder(settings, shipped), shipped).suites.get(name)
    if suite is not None:
        labels = [target.label for target in suite.targets]
        asked = [*targets, *(short_target(one).label for one in targets)]
        check_names(conditions, skills_of(suite), list(dict.fromkeys([*labels, *asked])))
