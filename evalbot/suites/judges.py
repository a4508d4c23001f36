"""Which graders of a suite a judge carries out, and who judges."""

from __future__ import annotations

from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target


def rubric_graders(suite: Suite, item: Item) -> list[GraderSpec]:
    """Give the graders of an item that a judge carries out as soon as the answer is there."""
    return [spec for spec in judged_graders(suite, item) if not spec.against]


def judged_graders(suite: Suite, item: Item) -> list[GraderSpec]:
    """Give the graders of an item for which there is a judge: one of their own, or the suite's."""
    return [spec for spec in suite.graders_of(item) if spec.judged and (spec.target or suite.run.judge)]


def judge_targets(suite: Suite) -> list[Target]:
    """Give the judges that the items of a suite need."""
    found = (spec.target or suite.run.judge for item in suite.items for spec in judged_graders(suite, item))
    return list({judge.identity: judge for judge in found if judge is not None}.values())
