"""What is known of the judges of a suite, read from what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalbot.grading.calibration import epoch_of
from evalbot.grading.trials import JudgeReport, report_judge
from evalbot.people import TeamId
from evalbot.store import calibrations, suites
from evalbot.store.transaction import Transaction
from evalbot.suites.suites import Suite
from evalbot.workflows.calibrating import Evidence, load_evidence
from evalbot.workflows.looking_up import newest_suite

if TYPE_CHECKING:
    from evalbot.workflows.services import Services


async def judge_reports(services: Services, suite_name: str) -> list[JudgeReport]:
    """Give what is known of each judge of a suite's newest version; raises UnknownName for a suite that there is not."""
    return await services.store.read(lambda tx: load_judge_reports(tx, services.team, suite_name))


async def load_judge_reports(tx: Transaction, team: TeamId, suite_name: str) -> list[JudgeReport]:
    """Load what is known of each judge of a suite's newest version."""
    suite = await newest_suite(tx, team, suite_name)
    return [await load_report_of(tx, team, suite, one) for one in await load_evidence(tx, suite, team)]


async def judged_suites(services: Services) -> list[str]:
    """Name the suites that have a judge people can be compared with."""

    async def load(tx: Transaction) -> list[str]:
        lines = await suites.list_suites(tx, services.team)
        found = [await suites.find_suite(tx, services.team, line.name) for line in lines]
        return [suite.name for suite in found if suite and suite.run.judge]

    return await services.store.read(load)


async def load_report_of(tx: Transaction, team: TeamId, suite: Suite, one: Evidence) -> JudgeReport:
    """Put together what is known of one judge."""
    past = await calibrations.list_calibrations(tx, team, suite.name, [one.of.epoch])
    last = next((calibration for calibration in past if calibration.finished_at and not calibration.waiting), None)
    epoch = epoch_of(one.of.judge, one.of.rubric)
    return report_judge(suite.name, epoch, one.of.rubric, one.pairs, len(one.graded), last)
