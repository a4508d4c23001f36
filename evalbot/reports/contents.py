"""What a report of a run holds: its summary and every answer that may be shown, with how it was graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.corrections import NOBODY, People
from evalbot.reporting.estimates import RunSummary
from evalbot.reporting.gates import GateResult
from evalbot.reporting.scores import OutputScore
from evalbot.runs.outputs import Output, OutputId, Unit
from evalbot.runs.planning import missing_units
from evalbot.runs.runs import Run
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import Suite

NO_SKILL = "no skill"


class AnswerState(StrEnum):
    """What came of one thing that was asked; the order is that of telling."""

    FAILED = "failed"
    ERROR = "error"
    UNGRADED = "no verdict"
    IN_REVIEW = "in review"
    PASSED = "passed"
    MISSING = "not asked"


@dataclass(frozen=True, slots=True)
class ReportedAnswer:
    """One thing asked with what came of it.

    `output` is None where nothing was asked. `grades` are those of checks and judges; people are only counted: `people` grades
    were given that say something, `people_passed` of them a pass. While people are grading an answer it has no grades at all.
    """

    item: Item
    unit: Unit
    state: AnswerState
    output: Output | None = None
    grades: tuple[Grade, ...] = ()
    people: int = 0
    people_passed: int = 0

    @property
    def skill(self) -> str:
        """The item's skill, or words for none."""
        return self.item.skill or NO_SKILL

    @property
    def text(self) -> str:
        """The answer, empty for an error."""
        return (self.output.text or "") if self.output else ""

    @property
    def failed_grades(self) -> tuple[Grade, ...]:
        """The grades by which it fails."""
        return tuple(grade for grade in self.grades if grade.counts and not grade.passed)

    @property
    def broken_grades(self) -> tuple[Grade, ...]:
        """The grades that hold an error or no verdict."""
        return tuple(grade for grade in self.grades if not grade.counts)


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run for its readers: `held_back` holdout answers are left out of `answers`, and count in the summary all the same."""

    run: Run
    suite: Suite
    summary: RunSummary
    answers: tuple[ReportedAnswer, ...]
    held_back: int = 0
    gate: GateResult | None = None

    @property
    def counts(self) -> Counter[AnswerState]:
        """How many answers there are in each state."""
        return Counter(answer.state for answer in self.answers)

    @property
    def baseline(self) -> str:
        """The target that the others are compared with, empty when they are compared with something else."""
        wanted = self.run.versus or self.suite.baseline
        labels = [target.label for target in self.run.targets]
        return wanted if wanted in labels and len(labels) > 1 else ""

    def of_target(self, label: str) -> Iterator[ReportedAnswer]:
        """Give the answers of one target."""
        return (answer for answer in self.answers if answer.unit.target == label)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Everything that is stored of a run; `in_review` are the outputs that people are grading now.

    `people` is what they were asked and said of outputs drawn by chance, `standing` that of the judge.
    """

    run: Run
    suite: Suite
    outputs: Sequence[Output]
    grades: dict[OutputId, list[Grade]]
    scores: Sequence[OutputScore]
    in_review: Collection[OutputId]
    people: People = NOBODY
    standing: JudgeStanding | None = None


def report_run(
    stored: StoredRun, summary: RunSummary, *, include_holdout: bool = False, gate: GateResult | None = None
) -> RunReport:
    """Put a report together; holdout answers are left out unless they are asked for."""
    items = {item.id: item for item in stored.suite.items}
    scores = {score.output_id: score for score in stored.scores}
    found = [_asked(stored, items, output, scores.get(output.id)) for output in stored.outputs]
    found += _not_asked(stored, items)
    shown = found if include_holdout else [one for one in found if one.item.split is not Split.HOLDOUT]
    return RunReport(stored.run, stored.suite, summary, tuple(shown), len(found) - len(shown), gate)


def _asked(stored: StoredRun, items: dict[ItemId, Item], output: Output, score: OutputScore | None) -> ReportedAnswer:
    """Give what came of an output."""
    item = items.get(output.unit.item_id) or Item(output.unit.item_id)
    if output.id in stored.in_review:
        return ReportedAnswer(item, output.unit, AnswerState.IN_REVIEW, output)
    grades = stored.grades.get(output.id, [])
    people = [grade for grade in grades if grade.grader.kind is GraderKind.HUMAN and grade.counts]
    return ReportedAnswer(
        item,
        output.unit,
        _state(output, score),
        output,
        tuple(grade for grade in grades if grade.grader.kind is not GraderKind.HUMAN),
        len(people),
        sum(bool(grade.passed) for grade in people),
    )


def _state(output: Output, score: OutputScore | None) -> AnswerState:
    """Tell what came of an output; one without a complete verdict neither passes nor fails."""
    if not output.answered:
        return AnswerState.ERROR
    if score is None or not score.complete:
        return AnswerState.UNGRADED
    return AnswerState.PASSED if score.passed else AnswerState.FAILED


def _not_asked(stored: StoredRun, items: dict[ItemId, Item]) -> Iterable[ReportedAnswer]:
    """Give what a run that stopped early, or still goes on, has not asked."""
    for unit in missing_units(stored.run, {output.unit for output in stored.outputs}):
        yield ReportedAnswer(items.get(unit.item_id) or Item(unit.item_id), unit, AnswerState.MISSING)
