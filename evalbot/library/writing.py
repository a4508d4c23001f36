"""Writing suites into a project folder, in a form that loads back to the same suite."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from evalbot.errors import BadFile
from evalbot.library.documents import refuse
from evalbot.library.project_files import SCHEME, ProjectFiles
from evalbot.library.prompts import load_judge_prompt
from evalbot.library.rubrics import load_rubric, rubric_paths
from evalbot.library.written_form import item_lines, judge_text, rubric_text, suite_text
from evalbot.suites.rubrics import JudgePrompt, Rubric
from evalbot.suites.suites import Suite


def suite_to_yaml(suite: Suite) -> str:
    """Give the text of a suite file that takes its items from `items/NAME.jsonl` beside it. Raises BadFile."""
    return suite_text(suite, f"{SCHEME}items/{suite.name}.jsonl")


def write_suite(project_folder: Path, suite: Suite) -> Path:
    """Write `suites/NAME.yaml` and `suites/items/NAME.jsonl`, and the rubrics the project lacks; gives the suite's path.

    Nothing is written before all of it is known to be writable. Raises BadFile, also for a rubric that the project has in
    another form, since other suites may use that.
    """
    files = ProjectFiles(project_folder)
    folder = project_folder / "suites"
    texts = dict(_rubric_files(suite.rubrics.values(), project_folder, files))
    texts[folder / "items" / f"{suite.name}.jsonl"] = item_lines(suite.items)
    path = folder / f"{suite.name}.yaml"
    texts[path] = suite_to_yaml(suite)
    for file, text in texts.items():
        _write(file, text, files)
    return path


def _rubric_files(rubrics: Iterable[Rubric], folder: Path, files: ProjectFiles) -> Iterable[tuple[Path, str]]:
    """Yield the files of rubrics and judge prompts that the project lacks."""
    there = _rubrics_there(files)
    for rubric in rubrics:
        if rubric.name not in there:
            prompt = None
            if rubric.judge is not None:
                prompt, text = _judge_file(rubric.judge, folder)
                yield prompt, text
            reference = None if prompt is None else f"{SCHEME}{prompt.relative_to(folder).as_posix()}"
            yield folder / "rubrics" / f"{rubric.name}.yaml", rubric_text(rubric, reference)
        elif there[rubric.name] != rubric:
            name = f"rubrics/{rubric.name}.yaml"
            raise refuse(name, None, "the project has this rubric in another form; rename or update it first")


def _rubrics_there(files: ProjectFiles) -> dict[str, Rubric]:
    """Give the rubrics of the project that can be read, by name."""
    found: dict[str, Rubric] = {}
    for path in rubric_paths(files):
        try:
            rubric = load_rubric(path, files)
        except BadFile:
            continue
        found.setdefault(rubric.name, rubric)
    return found


def _judge_file(judge: JudgePrompt, folder: Path) -> tuple[Path, str]:
    """Give the file for a judge prompt: the plain name unless another prompt has it."""
    path = folder / "prompts" / "judge" / f"{judge.name}.md"
    try:
        taken = path.exists() and load_judge_prompt(path, path.name) != judge
    except BadFile:
        taken = True
    return path.with_name(f"{judge.name}-{judge.digest[:8]}.md") if taken else path, judge_text(judge)


def _write(path: Path, text: str, files: ProjectFiles) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not files.holds(path):
        raise refuse(files.name_of(path), None, "leads out of the project folder")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise refuse(files.name_of(path), None, f"the file cannot be written ({error.strerror})") from error
