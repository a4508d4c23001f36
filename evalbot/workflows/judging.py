"""Outputs put before the judge."""

from __future__ import annotations

from evalbot.asking.ask import Question
from evalbot.errors import OutsideError
from evalbot.grading.grades import Grade, GraderKind
from evalbot.grading.judging import (
    Verdict,
    grade_without_judge,
    judge_grade,
    judge_messages,
    parse_verdict,
    verdict_schema,
    worth_judging,
)
from evalbot.runs.outputs import Output
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs
from evalbot.store.database import Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item
from evalbot.suites.prompts import fill_prompt
from evalbot.suites.suites import Suite
from evalbot.workflows.recording import Recorder
from evalbot.workflows.services import Services


async def list_unjudged(tx: Transaction, run: Run, suite: Suite) -> list[Output]:
    """Give the answered outputs of a run that still miss a judge's grade: what a stop left half done."""
    if suite.run.judge is None:
        return []
    judged = {grade.output_id for grade in await grades.list_grades(tx, run.id, GraderKind.JUDGE)}
    items = {item.id: item for item in suite.items}
    return [
        output
        for output in await outputs.list_outputs(tx, run.id)
        if output.answered and output.id not in judged and rubric_graders(suite, items[output.unit.item_id])
    ]


def rubric_graders(suite: Suite, item: Item) -> list[GraderSpec]:
    """Give the graders of an item that a judge carries out."""
    return [spec for spec in suite.graders_of(item) if spec.type is GraderType.RUBRIC]


async def judge_output(services: Services, suite: Suite, item: Item, output: Output, recorder: Recorder) -> None:
    """Ask the judge about an output for each of its item's rubrics and save the grades; a failure becomes an errored grade."""
    found = [await _judge(services, suite, item, output, spec) for spec in rubric_graders(suite, item)]
    if found:
        await recorder.add_judgement(found)


async def _judge(services: Services, suite: Suite, item: Item, output: Output, spec: GraderSpec) -> Grade:
    """Give the judge's grade of an output by one rubric."""
    judge = suite.run.judge
    assert judge is not None
    rubric = suite.rubrics[spec.rubric or ""]
    text = output.text or ""
    if not worth_judging(text):
        return grade_without_judge(output.id, rubric, judge, services.now(), spec)
    asked = "\n\n".join(message.content for message in fill_prompt(suite.prompts[0], item))
    outcome: Verdict | OutsideError
    try:
        messages = judge_messages(rubric, asked, item.references, text, services.new_id())
        answer = await services.models.answerer(judge).ask_json(Question(messages, item), verdict_schema(rubric))
        outcome = parse_verdict(answer.text, rubric)
    except OutsideError as error:
        outcome = error
    return judge_grade(output.id, rubric, outcome, judge, services.now(), spec)
