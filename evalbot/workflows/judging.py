"""Outputs put before the judge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from evalbot.asking.ask import Question
from evalbot.errors import OutsideError
from evalbot.grading.findings import CannotCheck, as_text
from evalbot.grading.grades import Grade, GraderKind
from evalbot.grading.judge_prompts import Material, fill_judge_prompt, verdict_schema
from evalbot.grading.judging import Verdict, grade_without_judge, judge_grade, parse_verdict, worth_judging
from evalbot.grading.pairwise import PairVerdicts, pair_grade, pair_grade_by_rule
from evalbot.runs.outputs import Output, Unit
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs
from evalbot.store.database import Transaction
from evalbot.suites.filling import fill_prompt
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, Message
from evalbot.suites.judges import judged_graders, rubric_graders
from evalbot.suites.pairing import prompt_of
from evalbot.suites.prompts import Prompt
from evalbot.suites.rubrics import Rubric
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target
from evalbot.workflows.recording import Recorder
from evalbot.workflows.services import Services

CONTEXT = "context"
"""The item's variable that holds what the target was given to answer from."""

PLAIN_MARK = "0" * 16
"""Stands for the mark of a request to a judge where two requests are compared; it is never sent."""

NEED_CONTEXT = frozenset({GraderType.FAITHFULNESS, GraderType.CONTEXT_RECALL})
ABOUT_NO_ANSWER = frozenset({GraderType.CONTEXT_RECALL})
"""Kinds that do not show the judge the answer, so that a blank one changes nothing."""

SAME_TARGET = "As good by rule: the others are compared with this answer."
NOT_WORTH = "Worse by rule, no judge was asked: the answer is blank or a single word."


async def judge_output(
    services: Services, suite: Suite, item: Item, output: Output, recorder: Recorder, prompt: Prompt | None = None
) -> None:
    """Ask the judge about an output for each of its item's rubrics and save the grades; a failure becomes an errored grade.

    `prompt` is the one that the target was asked with, the suite's first unless said.
    """
    case = _Case(services, suite, item, output, prompt or suite.prompts[0])
    found = [await case.graded(spec) for spec in rubric_graders(suite, item)]
    if found:
        await recorder.add_judgement(found)


async def judge_again(
    services: Services, suite: Suite, item: Item, output: Output, spec: GraderSpec, prompt: Prompt
) -> Grade:
    """Give the grade that the judge of a suite would give a stored output by one grader; nothing is saved."""
    return await _Case(services, suite, item, output, prompt).graded(spec)


def give_up_judging(services: Services, suite: Suite, item: Item, output: Output, why: OutsideError) -> list[Grade]:
    """Give the errored grades of an output that the judge is not asked about any more."""
    case, now = _Case(services, suite, item, output, suite.prompts[0]), services.now()
    return [
        judge_grade(output.id, case.rubric(spec), why, case.judge(spec), now, spec)
        for spec in rubric_graders(suite, item)
    ]


async def judge_rivals(services: Services, run: Run, suite: Suite) -> None:
    """Judge what had to wait for another target's answer: the pairwise graders that name one. Call it when all have answered.

    Safe to call again at any time: what is missing is read from the grades.
    """
    if not any(spec.against for item in suite.items for spec in judged_graders(suite, item)):
        return
    cases = iter(await services.store.read(lambda tx: _unpaired(tx, services, run, suite)))

    async def work_off(left: Iterator[tuple[_Case, GraderSpec, Output | None]]) -> None:
        for case, spec, rival in left:
            grade = await case.compared_with_output(spec, rival)
            await services.store.record(partial(grades.add_grades, grades=[grade]))

    async with asyncio.TaskGroup() as group:
        for _ in range(run.concurrency):
            group.create_task(work_off(cases))


async def _unpaired(
    tx: Transaction, services: Services, run: Run, suite: Suite
) -> list[tuple[_Case, GraderSpec, Output | None]]:
    """Give each comparison that still misses its grade, with the other target's output (None where there is none)."""
    items = {item.id: item for item in suite.items}
    targets = {target.label: target for target in run.targets}
    found = {output.unit: output for output in await outputs.list_outputs(tx, run.id)}
    done = {(grade.output_id, grade.criterion) for grade in await grades.list_grades(tx, run.id, GraderKind.JUDGE)}
    left: list[tuple[_Case, GraderSpec, Output | None]] = []
    for unit, output in found.items():
        item = items[unit.item_id]
        for spec in judged_graders(suite, item) if output.answered else ():
            if spec.against and (output.id, spec.criterion) not in done:
                prompt = prompt_of(targets[unit.target], suite.prompts)
                rival = found.get(Unit(spec.against, unit.item_id, unit.repeat))
                left.append((_Case(services, suite, item, output, prompt), spec, rival))
    return left


@dataclass(frozen=True, slots=True)
class _Case:
    """One output before the judge."""

    services: Services
    suite: Suite
    item: Item
    output: Output
    prompt: Prompt

    async def graded(self, spec: GraderSpec) -> Grade:
        """Give the judge's grade of the output by one grader."""
        rubric, judge, text = self.rubric(spec), self.judge(spec), self.output.text or ""
        if spec.type is GraderType.PAIRWISE:
            rivals = self._references(spec)
            return await self._compared(spec, rivals[0] if rivals else None)
        if spec.type not in ABOUT_NO_ANSWER and not worth_judging(text):
            return grade_without_judge(self.output.id, rubric, judge, self.services.now(), spec)
        outcome: Verdict | OutsideError | CannotCheck
        try:
            outcome = await self._verdict(spec, self._material(spec))
        except (OutsideError, CannotCheck) as error:
            outcome = error
        return judge_grade(self.output.id, rubric, outcome, judge, self.services.now(), spec)

    async def compared_with_output(self, spec: GraderSpec, rival: Output | None) -> Grade:
        """Give the judge's grade of the output beside another target's."""
        if rival is not None and rival.id == self.output.id:
            return self._by_rule(spec, 0.5, SAME_TARGET)
        return await self._compared(spec, rival.text if rival is not None else None)

    async def _compared(self, spec: GraderSpec, rival: str | None) -> Grade:
        """Give the judge's grade of the output beside another answer, each shown first once."""
        text = self.output.text or ""
        if not worth_judging(text):
            return self._by_rule(spec, 0.0, NOT_WORTH)
        outcome: PairVerdicts | OutsideError | CannotCheck
        try:
            if rival is None:
                raise CannotCheck("There is no other answer to compare with.")
            references = self._references(spec) if spec.against else ()
            asked = self._asked()
            first = await self._verdict(spec, Material(asked, text, references, rival=rival))
            second = await self._verdict(spec, Material(asked, rival, references, rival=text))
            outcome = PairVerdicts(first, second)
        except (OutsideError, CannotCheck) as error:
            outcome = error
        now = self.services.now()
        return pair_grade(self.output.id, self.rubric(spec), outcome, self.judge(spec), now, spec)

    def _by_rule(self, spec: GraderSpec, score: float, why: str) -> Grade:
        """Give a grade that no judge is asked for."""
        now = self.services.now()
        return pair_grade_by_rule(self.output.id, self.rubric(spec), score, why, self.judge(spec), now, spec)

    def judge(self, spec: GraderSpec) -> Target:
        """Give who judges."""
        judge = spec.target or self.suite.run.judge
        assert judge is not None
        return judge

    def rubric(self, spec: GraderSpec) -> Rubric:
        """Give what the judge grades with."""
        return self.suite.rubrics[spec.rubric or ""]

    def _asked(self) -> str:
        """Give the text that the target was asked with."""
        return "\n\n".join(message.content for message in fill_prompt(self.prompt, self.item))

    def _references(self, spec: GraderSpec) -> tuple[str, ...]:
        """Give what is right: the grader's value, else the item's references."""
        if spec.value is None:
            return self.item.references
        values = spec.value if isinstance(spec.value, list) else [spec.value]
        return tuple(as_text(value) for value in values)

    def _material(self, spec: GraderSpec) -> Material:
        """Give what the judge is shown; raises CannotCheck where something it needs is missing."""
        references, context = self._references(spec), self._context()
        if spec.type in NEED_CONTEXT and not context.strip():
            raise CannotCheck(f"The item has no variable `{CONTEXT}`, so `{spec.type}` cannot be judged.")
        if spec.type in (GraderType.FACTUALITY, GraderType.CONTEXT_RECALL) and not references:
            raise CannotCheck(f"The item has no reference, so `{spec.type}` cannot be judged.")
        return Material(self._asked(), self.output.text or "", references, context)

    def _context(self) -> str:
        """Give what the target was given to answer from, its pieces one under the other."""
        given = self.item.vars.get(CONTEXT, "")
        return "\n\n".join(map(as_text, given)) if isinstance(given, list) else as_text(given)

    async def _verdict(self, spec: GraderSpec, material: Material) -> Verdict:
        """Ask the judge once; raises OutsideError without a readable verdict."""
        rubric = self.rubric(spec)
        messages: tuple[Message, ...] = fill_judge_prompt(rubric, material, self.services.new_id())
        schema: Mapping[str, object] = verdict_schema(rubric)
        question = Question(messages, self.item, plain=lambda: fill_judge_prompt(rubric, material, PLAIN_MARK))
        answer = await self.services.models.answerer(self.judge(spec)).ask_json(question, schema)
        return parse_verdict(answer.text, rubric)
