"""A running bot keeps up with its project's files: a new or changed suite can be run seconds later."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from evalbot.errors import EvalbotError
from evalbot.library.freshness import Fingerprint, fingerprint
from evalbot.library.project import load_project
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0


async def keep_up(
    services: Services, folder: Path, shipped: Path, seen: Fingerprint, look_every_s: float = LOOK_EVERY_S
) -> None:
    """Release what the project's files say anew, for ever; `seen` is what has been read already. Broken files are logged."""
    while True:
        await asyncio.sleep(look_every_s)
        found = await asyncio.to_thread(fingerprint, folder)
        if found == seen:
            continue
        seen = found
        project = await asyncio.to_thread(load_project, folder, shipped)
        for problem in project.problems:
            log.warning("a file is refused: %s", problem, extra={"action": "file_refused"})
        try:
            released = await sync_suites(services, list(project.suites.values()))
        except EvalbotError as error:
            log.warning("suites could not be released: %s", error, extra={"action": "release_failed"})
            seen = frozenset()
            continue
        log.info("project read again", extra={"action": "project_read", "released": released})
