"""Outputs put to their checks: those in code, those of the project's own code, and those by embeddings."""

from __future__ import annotations

from typing import Any

from evalbot.asking.ask import CodeGrader, Embedder
from evalbot.errors import OutsideError, UserError
from evalbot.grading.called_checks import code_result, similar_result
from evalbot.grading.checks import check_grade, grade_with_checks
from evalbot.grading.findings import CannotCheck, CheckResult, Finding, settle, wanted_texts
from evalbot.grading.grades import Grade
from evalbot.runs.outputs import Output
from evalbot.suites.graders import CALLED, GraderSpec, GraderType
from evalbot.suites.items import Item
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target, short_target
from evalbot.workflows.services import Services

EMBEDDER = short_target("openai:text-embedding-3-small")
"""What `similar` asks unless it names a target."""


async def check_output(services: Services, suite: Suite, item: Item, output: Output) -> list[Grade]:
    """Give one grade for every check among an item's graders; an output without an answer gets none.

    Save them together with the output: then an output that is there has been checked.
    """
    graders = suite.graders_of(item)
    grades = grade_with_checks(output, item, graders, services.now())
    if output.text is None:
        return grades
    for place, spec in enumerate(graders, start=1):
        if spec.type in CALLED:
            result = await _called(services, spec, item, output)
            grades.append(check_grade(output, spec, place, result, services.now()))
    return grades


def check_targets(suite: Suite) -> list[Target]:
    """Give what the checks of a suite have to ask: embedding models, and functions of the project."""
    asked = (_target(spec) for item in suite.items for spec in suite.graders_of(item) if spec.type in CALLED)
    return list({target.identity: target for target in asked}.values())


def _target(spec: GraderSpec) -> Target:
    """Give what a check asks."""
    if spec.type is GraderType.PYTHON:
        return short_target(f"python:{spec.function}")
    return spec.target or EMBEDDER


async def _called(services: Services, spec: GraderSpec, item: Item, output: Output) -> CheckResult:
    """Give the result of a check that asks somebody; a failure is an error, never a fail."""
    ask = _graded_by_code if spec.type is GraderType.PYTHON else _compared
    try:
        return await ask(services, spec, item, output)
    except (OutsideError, UserError, CannotCheck) as error:
        return CheckResult(None, None, error=str(error))


async def _graded_by_code(services: Services, spec: GraderSpec, item: Item, output: Output) -> CheckResult:
    """Ask a function of the project."""
    answerer = services.models.answerer(_target(spec))
    if not isinstance(answerer, CodeGrader):
        raise CannotCheck("The project's code cannot be called here.")
    return code_result(spec, await answerer.grade(output.text or "", _about(spec, item, output)))


def _about(spec: GraderSpec, item: Item, output: Output) -> dict[str, Any]:
    """Give what a function is told beside the output."""
    return {
        "question": item.question,
        "vars": dict(item.vars),
        "messages": [{"role": turn.role, "content": turn.content} for turn in item.messages],
        "reference": item.reference,
        "value": spec.value,
        "item_id": item.id,
        "metadata": dict(item.metadata),
        "target": output.unit.target,
        "latency_s": output.usage.latency_s,
        "cost_usd": output.usage.cost_usd,
    }


async def _compared(services: Services, spec: GraderSpec, item: Item, output: Output) -> CheckResult:
    """Ask an embedding model for the answer and what it is compared with."""
    texts, said = wanted_texts(spec, item), output.text or ""
    if not said.strip():
        return settle(spec, Finding(0.0, "The answer is blank.", False))
    if not all(text.strip() for text in texts):
        raise CannotCheck("The text to compare with is blank.")
    answerer = services.models.answerer(_target(spec))
    if not isinstance(answerer, Embedder):
        raise CannotCheck(f"Target {_target(spec).label} gives no embeddings.")
    found = await answerer.embed([said, *texts])
    return similar_result(spec, found.vectors[0], found.vectors[1:], texts)
