"""A shop with forty questions whose judge is taken in by polite answers, and people who are not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalbot.grading.reviews import ReviewId
from evalbot.people import Person, PersonId, Role
from evalbot.playground.driver import Seen
from evalbot.suites.suites import Strategy
from evalbot.workflows import reviewing
from evalbot.workflows.announcer import QuietAnnouncer
from evalbot.workflows.running import tell_result
from tests.stories.story_stage import CHANNEL, GOOD, PATIENCE_S, POOR, Stage

QUESTIONS, FIRST = 40, 2
DANA = PersonId("U0DANA")
POLITE, BLUNT = "Thank you kindly for asking", "No idea about"
THINGS = (*("tent", "stove", "jacket", "headlamp", "backpack"), *("rope", "kayak", "sleeping bag", "filter", "mug"))
TALKS = (
    ("refunds", "How long can I return the {thing}?", "Thirty days from delivery, as long as it is unused."),
    ("shipping", "Who pays when I send the {thing} back?", "You do; it is taken off the refund."),
    ("refunds", "The {thing} broke. Is that a warranty case?", "Yes, for two years. Send us a photo and we repair it."),
    ("shipping", "Can you send the {thing} to Norway?", "Yes, within six days; customs are yours to pay."),
)

SUITE = """\
name: desk
description: "Forty questions to a shop, graded by a judge."
targets: ["openai:sim-steady"]
defaults:
  graders: [{type: rubric, rubric: helpfulness, threshold: 3}]
run: {max_concurrency: 8, judge: {target: "openai:sim-judge"}}
review: {sample: 2, strategy: random, graders_per_item: 2}
items:
"""


def write_project(folder: Path) -> Path:
    """Write the project of the shop, which has a suite with a judge and one without."""
    (folder / "suites").mkdir(parents=True)
    lines = [f'  - {{id: q{n:02}, skill: {_skill(n)}, input: "{question(n)}"}}' for n in range(QUESTIONS)]
    (folder / "suites" / "desk.yaml").write_text(SUITE + "\n".join(lines) + "\n")
    sums = 'name: sums\ntargets: ["openai:sim-steady"]\ndefaults: {graders: [{type: numeric}]}\n'
    (folder / "suites" / "sums.yaml").write_text(f'{sums}items: [{{id: a, input: "Sum: 40 and 2", reference: "42"}}]\n')
    return folder


def _skill(n: int) -> str:
    """The skill of a question."""
    return TALKS[n % 4][0]


def question(n: int) -> str:
    """A question."""
    return TALKS[n % 4][1].format(thing=THINGS[n // 4])


def is_polite(n: int) -> bool:
    """Whether the answer is wrong and polite: every third one."""
    return n % 3 == 0


def is_bad(n: int) -> bool:
    """Whether the answer is wrong."""
    return is_polite(n) or n % 5 == 0


def answer(n: int) -> str:
    """What the target says."""
    thing = THINGS[n // 4]
    if is_polite(n):
        return f"{POLITE} about the {thing}! We value you and wish you a wonderful time outdoors."
    return f"{BLUNT} the {thing}." if is_bad(n) else TALKS[n % 4][2]


def script(*, taken_in: bool) -> dict[str, Any]:
    """What the simulated models say; the judge sees through polite nonsense unless it is taken in."""
    framed = {f"\n{BLUNT}": POOR} | ({} if taken_in else {f"\n{POLITE}": POOR})
    return {**{question(n): answer(n) for n in range(QUESTIONS)}, "sim-judge": {"BEGIN TASK": GOOD, **framed}}


async def graded_run(stage: Stage, people: tuple[str, ...] = ("lee", "kim"), graded: int = QUESTIONS) -> Seen:
    """Run the suite, let people grade so many answers of it as they deserve, and give the run's card."""
    stage.script(script=script(taken_in=True))
    card = await stage.finished("run desk")
    await grade_answers(stage, people, graded)
    return card


async def grade_answers(stage: Stage, people: tuple[str, ...] = ("lee", "kim"), graded: int = QUESTIONS) -> None:
    """Let people grade so many answers of the run, drawn by chance, as they deserve."""
    services = stage.bot.program.services
    quiet = replace(services, announcer=QuietAnnouncer())
    for size in (20, graded - 20 - FIRST):
        await reviewing.open_round(quiet, reviewing.RoundRequest(await stage.run(), DANA, size, Strategy.RANDOM))
    items = {output.id: output.unit.item_id for output in await stage.outputs()}
    found = [(review.id, int(items[review.output_id][1:])) for review in await stage.stored_reviews()]
    for name in people:
        person = Person(PersonId(await stage.person(name).id()), services.team, name, Role.GRADER)
        await asyncio.gather(*(reviewing.record_grade(services, person, _grade(*one)) for one in found))
    await tell_result(services, await stage.run())
    await stage.quiet()


def _grade(review_id: ReviewId, n: int) -> reviewing.GradeClick:
    """What people say of an answer."""
    return reviewing.GradeClick(review_id, 1 if is_bad(n) else 4, "It does not answer." if is_bad(n) else "")


async def ask(stage: Stage, line: str, containing: str) -> Seen:
    """Let Dana type a command in the channel and give the private answer."""
    await stage.dana.slash(f"/evalbot {line}", CHANNEL)
    return await stage.dana.see_ephemeral(CHANNEL, containing, timeout=PATIENCE_S)
