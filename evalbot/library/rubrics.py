"""Rubric files into rubrics."""

from __future__ import annotations

from pathlib import Path

from evalbot.errors import BadFile
from evalbot.library.documents import Problem, refusal
from evalbot.library.project_files import SCHEME, Mention, ProjectFiles
from evalbot.library.prompts import load_judge_prompt
from evalbot.library.rubric_format import RubricFile
from evalbot.library.strict_model import did_you_mean, validate
from evalbot.library.yaml_text import read_yaml
from evalbot.suites.rubrics import AskReason, JudgePrompt, Rubric, RubricExample, Scale, Step

USUAL_JUDGE = "prompts/judge/rubric.md"
"""The judge prompt of rubrics that name none."""

KINDS = "rubrics/kinds"
"""Where the rubrics are that kinds of grader bring along."""


def load_rubric(path: Path, files: ProjectFiles) -> Rubric:
    """Load a rubric with the prompt its judge is asked with. Raises BadFile."""
    document = read_yaml(path, files.name_of(path))
    written = validate(RubricFile, document)
    steps = tuple(
        Step(number, step.label, step.anchor)
        for number, step in sorted((int(number), step) for number, step in written.scale.items())
    )
    return Rubric(
        name=written.name,
        version=written.version,
        question=written.question,
        scale=Scale(steps),
        pass_from=written.pass_from,
        not_applicable=written.not_applicable,
        ask_reason=AskReason(written.ask_reason),
        examples=tuple(RubricExample(one.input, one.output, one.grade, one.why) for one in written.examples),
        judge=_judge_prompt(written, Mention(document, ("judge", "prompt"), path.parent), files),
    )


def _judge_prompt(written: RubricFile, mention: Mention, files: ProjectFiles) -> JudgePrompt | None:
    """Load the judge's prompt: the named one, else the usual one where there is one; None with `judge: false`."""
    if written.judge is False:
        return None
    if written.judge is None:
        return usual_judge(files)
    path = files.find(written.judge.prompt, mention)
    return load_judge_prompt(path, files.name_of(path))


def usual_judge(files: ProjectFiles) -> JudgePrompt | None:
    """Load the judge prompt of rubrics that name none, from the project or the shipped one."""
    for root in files.roots:
        path = root / USUAL_JUDGE
        if path.is_file() and files.holds(path):
            return load_judge_prompt(path, files.name_of(path))
    return None


def find_rubric(written: str, mention: Mention, files: ProjectFiles) -> Rubric:
    """Find the rubric that a suite names, by name or as `file://...`. Raises BadFile at the mention or in the rubric's file."""
    if written.startswith(SCHEME):
        return load_rubric(files.find(written, mention), files)
    known: list[str] = []
    for root in files.roots:
        for path in sorted(rubric_paths(ProjectFiles(root)), key=lambda path: path.stem != written):
            rubric = _if_readable(path, files, needed=written)
            if rubric is not None and rubric.name == written:
                return rubric
            known += [rubric.name] if rubric else []
    text = f"there is no rubric of this name{did_you_mean(written, known)}"
    raise refusal(mention.document, [Problem(mention.path, text)])


def find_kind_rubric(kind: str, mention: Mention, files: ProjectFiles) -> Rubric:
    """Find the rubric of a kind of grader such as `factuality`: the project's own of that name, else the shipped one."""
    for root in files.roots:
        for path in (root / f"rubrics/{kind}.yaml", root / f"{KINDS}/{kind}.yaml"):
            if path.is_file() and files.holds(path):
                return load_rubric(path, files)
    raise refusal(
        mention.document, [Problem(mention.path, f"the rubric of `{kind}` that comes with evalbot is missing")]
    )


def _if_readable(path: Path, files: ProjectFiles, needed: str) -> Rubric | None:
    """Load a rubric, None for a broken one; but a broken file called like the needed rubric is raised."""
    try:
        return load_rubric(path, files)
    except BadFile:
        if path.stem == needed:
            raise
        return None


def rubric_paths(files: ProjectFiles) -> list[Path]:
    """Give the rubric files of the project folder itself."""
    return files.listed("rubrics/*.yaml", "rubrics/*.yml")
