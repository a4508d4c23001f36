"""Graders of a suite file into grader nouns, and back; their rubrics are gathered on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from evalbot.library.documents import Document, FieldPath, Problem, refusal
from evalbot.library.grader_format import GraderFile, Limit
from evalbot.library.grader_values import GraderValues
from evalbot.library.inline_rubrics import inline_rubric
from evalbot.library.project_files import Mention, ProjectFiles
from evalbot.library.prompts import digest_of
from evalbot.library.rubrics import find_kind_rubric, find_rubric
from evalbot.library.strict_model import did_you_mean
from evalbot.library.targets import make_target
from evalbot.suites.graders import JUDGED, GraderSpec, GraderType
from evalbot.suites.rubrics import Rubric, Scale

MAX_RUBRICS = 100
"""Most rubrics of one suite, those written out in graders counted."""

QUESTION_IN_VALUE = frozenset({GraderType.CLOSEDQA, GraderType.PAIRWISE})
"""Kinds whose value is what the judge is asked."""


class GraderBuilder:
    """Makes the graders of one suite and gathers the rubrics they name.

    `folder` is that of the suite's file, `targets` are the labels that graders may compare with.
    """

    def __init__(self, folder: Path, files: ProjectFiles, targets: Sequence[str] = ()) -> None:
        self._targets = targets
        self.rubrics: dict[str, Rubric] = {}
        self._folder = folder
        self._files = files
        self._mentioned: dict[str, Rubric] = {}
        self._values = GraderValues()

    def graders(self, written: Iterable[GraderFile], document: Document, path: FieldPath) -> list[GraderSpec]:
        """Give the nouns of a list of graders. Raises BadFile."""
        return [self._grader(one, document, (*path, index)) for index, one in enumerate(written)]

    def gather(self, name: str, document: Document, path: FieldPath) -> Rubric:
        """Load a rubric that is named somewhere, once."""
        if name not in self._mentioned:
            rubric = find_rubric(name, Mention(document, path, self._folder), self._files)
            if self.rubrics.get(rubric.name, rubric) != rubric:
                raise refusal(document, [Problem(path, f"another rubric is called `{rubric.name}` too")])
            self._mentioned[name] = self._kept(rubric, document, path)
        return self._mentioned[name]

    def _grader(self, written: GraderFile, document: Document, path: FieldPath) -> GraderSpec:
        """Give one grader's noun."""
        kind = GraderType(written.type)
        if written.against and written.against not in self._targets:
            text = f"no target is called this{did_you_mean(written.against, list(self._targets))}"
            raise refusal(document, [Problem((*path, "against"), text)])
        target = None if written.target is None else make_target(written.target, document, (*path, "target"))
        rubric = self._rubric(kind, written, document, path) if kind in JUDGED or written.rubric else None
        grader = replace(make_grader(written, rubric), target=target)
        problem = self._values.problem(grader)
        if problem:
            raise refusal(document, [Problem((*path, "value"), problem)])
        if kind is GraderType.RUBRIC and rubric and not _on_scale(rubric.scale, grader.threshold):
            text = f"must lie on the rubric's scale, {rubric.scale.lowest} to {rubric.scale.highest}"
            raise refusal(document, [Problem((*path, "threshold"), text)])
        return replace(grader, graders=tuple(self.graders(written.graders, document, (*path, "graders"))))

    def _rubric(self, kind: GraderType, written: GraderFile, document: Document, path: FieldPath) -> Rubric:
        """Give the rubric that a judge grades with: a named one, one written out in the grader, or the one of its kind."""
        if written.rubric is not None:
            return self.gather(written.rubric, document, (*path, "rubric"))
        asked = written.value if kind is GraderType.RUBRIC or kind in QUESTION_IN_VALUE else None
        key = f"{kind}\n{(written.metric or '') if kind is GraderType.RUBRIC else ''}\n{asked}"
        if key not in self._mentioned:
            if kind is GraderType.RUBRIC:
                rubric = inline_rubric(str(asked), written.metric, self._files)
            else:
                rubric = find_kind_rubric(kind.value, Mention(document, (*path, "type"), self._folder), self._files)
                rubric = _asking(rubric, asked) if isinstance(asked, str) else rubric
            self._mentioned[key] = self._kept(rubric, document, (*path, "value" if asked else "type"))
        return self._mentioned[key]

    def _kept(self, rubric: Rubric, document: Document, path: FieldPath) -> Rubric:
        """Make a rubric part of the suite."""
        self.rubrics.setdefault(rubric.name, rubric)
        if len(self.rubrics) > MAX_RUBRICS:
            raise refusal(document, [Problem(path, f"the suite has more than {MAX_RUBRICS} rubrics")])
        return rubric


def _asking(rubric: Rubric, question: str) -> Rubric:
    """Give the rubric of a kind with a question of its own; the same question has the same name."""
    return replace(rubric, name=f"{rubric.name}-{digest_of(question)[:8]}", question=question.strip())


def _on_scale(scale: Scale, threshold: float | None) -> bool:
    return threshold is None or scale.lowest <= threshold <= scale.highest


def make_grader(written: GraderFile, rubric: Rubric | None = None) -> GraderSpec:
    """Give the noun of a grader without its members; `rubric` is the one its judge grades with."""
    kind = GraderType(written.type)
    value_is_asked = rubric is not None and (kind is GraderType.RUBRIC or kind in QUESTION_IN_VALUE)
    return GraderSpec(
        type=kind,
        value=None if value_is_asked else written.value,
        rubric=rubric.name if rubric else None,
        threshold=_threshold(kind, written.threshold, rubric),
        tolerance=written.tolerance,
        extract=written.extract,
        negate=written.negate,
        weight=written.weight,
        metric=written.metric,
        mode=written.mode,
        ignore_case=written.ignore_case,
        function=written.function or "",
        against=written.against,
    )


def _threshold(kind: GraderType, limit: Limit | None, rubric: Rubric | None) -> float | None:
    """Give a threshold in the unit that its kind counts in."""
    if limit is None:
        return None
    if kind is GraderType.LATENCY:
        return limit.seconds
    if kind is GraderType.COST:
        return limit.dollars
    if limit.unit == "%":
        share = limit.number / 100
        scale = rubric.scale if rubric and kind is GraderType.RUBRIC else None
        return scale.lowest + share * (scale.highest - scale.lowest) if scale else share
    return limit.number


def grader_fields(spec: GraderSpec, sparse: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Give a grader as the mapping of a file; `sparse` holds its fields that are not the usual ones, as plain data."""
    fields: dict[str, JsonValue] = {"type": spec.type.value, **sparse}
    if spec.type is GraderType.LATENCY and spec.threshold is not None:
        fields["threshold"] = f"{spec.threshold:.9f}".rstrip("0").rstrip(".") + "s"
    if spec.type is GraderType.PYTHON:
        fields["type"] = f"python:{fields.pop('function')}"
    return fields
