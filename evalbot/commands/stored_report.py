"""The report of a run that was named on the command line."""

from __future__ import annotations

from evalbot.reports.contents import RunReport
from evalbot.terminal.stored_runs import open_archive


async def load_report(name: str, include_holdout: bool) -> RunReport:
    """Load the report of the run that was named."""
    async with open_archive() as archive:
        return await archive.report(await archive.find(name), include_holdout=include_holdout)
