"""Where a number comes from: found by what people type, and put together from what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalbot.errors import BadRequest, UnknownName
from evalbot.grading.calibration import epoch_of
from evalbot.people import Action, Person, may
from evalbot.reporting.estimates import OVERALL, RunSummary, ScoreRow
from evalbot.reporting.explanations import Explanation, RunNumbers, explain_judge, explain_row, number_key
from evalbot.reporting.references import called, near_hint
from evalbot.runs.runs import Run
from evalbot.store.transaction import Transaction
from evalbot.suites.graders import PASS_CRITERION
from evalbot.workflows.calibrating import JudgesOf
from evalbot.workflows.judge_reports import judge_reports
from evalbot.workflows.scoring import load_scored_run, summarise_run

if TYPE_CHECKING:
    from evalbot.workflows.services import Services


async def explain_number(services: Services, person: Person, run: Run, words: Sequence[str] = ()) -> Explanation:
    """Explain a number of a run: of the target, skill or criterion that the words name, else the first overall score.

    Raises UnknownName for a word that names none of them.
    """
    _check_reader(person, run)
    return await services.store.read(lambda tx: load_explanation(tx, run, words))


async def load_explanation(tx: Transaction, run: Run, words: Sequence[str]) -> Explanation:
    """Load and explain the number of a run that words name."""
    numbers = await load_numbers(tx, run)
    return explain_row(numbers, _named_row(run, numbers.summary.rows, words))


async def explain_key(services: Services, person: Person, run: Run, key: str) -> Explanation:
    """Explain the number of a run that a button names by its hash."""
    _check_reader(person, run)
    numbers = await services.store.read(lambda tx: load_numbers(tx, run))
    for row in numbers.summary.rows:
        if number_key(row) == key:
            return explain_row(numbers, row)
    raise BadRequest("This number is not there any more.", f"Type explain {run.number} for the newest.")


async def explain_judges(services: Services, suite: str) -> list[Explanation]:
    """Explain what is said of the judges of a suite."""
    return [explain_judge(report) for report in await judge_reports(services, suite)]


def _check_reader(person: Person, run: Run) -> None:
    """Raise unless the person may read the run; not yours looks like not there."""
    if run.team != person.team or not may(person, Action.READ):
        raise UnknownName("There is no such run.", "Try status for the newest ones.")


async def load_numbers(tx: Transaction, run: Run) -> RunNumbers:
    """Load a run with everything that its numbers are made of."""
    scored = await load_scored_run(tx, run)
    summary: RunSummary = await summarise_run(tx, run)
    judges = JudgesOf(scored.suite).all().values()
    return RunNumbers(
        run,
        scored.suite,
        summary,
        tuple(scored.counted),
        scored.grades,
        scored.people,
        tuple(epoch_of(one.judge, one.rubric) for one in judges),
    )


def _named_row(run: Run, rows: Sequence[ScoreRow], words: Sequence[str]) -> ScoreRow:
    """Give the row that words name: each is a target, a skill or a criterion; overall passing goes before all else."""
    if not rows:
        raise BadRequest(f"Run {run.number} has no number to explain yet.", "Wait until answers are graded.")
    found = called(rows, _names, words)
    if not found:
        hint = near_hint(words, (name for row in rows for name in _names(row)))
        raise UnknownName(f"Run {run.number} has no number of that name.", hint)
    return min(found, key=lambda row: (row.criterion != PASS_CRITERION, row.skill != OVERALL, rows.index(row)))


def _names(row: ScoreRow) -> tuple[str, str, str]:
    """Give what a row may be called."""
    return row.target, row.skill, row.criterion
