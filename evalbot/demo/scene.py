"""What stands in the workspace when the demo opens: a graded run, a fresh one that got worse, the digest, and a welcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import aiohttp

from evalbot.demo.history import MovedClock, asker, grade_answers, person, quiet_services, run_quietly
from evalbot.demo.opening import Demo
from evalbot.playground.driver import RemoteDriver
from evalbot.reporting.posts import Post
from evalbot.slack.views.notices import linked_notice
from evalbot.store import runs
from evalbot.workflows.running import tell_result

WELCOME = """\
*Welcome.* This is a local playground: Slack, the models, their prices and your colleagues are simulated; evalbot is real.

1.  Look into <#{evals}>: the newest run caught a candidate that got worse on citations. In the one above, people corrected \
a judge that is too kind.
2.  Open its thread and grade an answer: one press is a stored grade. *Better answer…* proposes a new item.
3.  Become another person at the bottom left, and approve the item in <#{stewards}>.
4.  Type */evalbot run support-desk* there, see what a run would cost and how exact it would be, and press *Start*.
5.  Ask on: */evalbot explain citations*, */evalbot judge straight-answers*, */evalbot help*. The digest of this week is \
in <#{quality}>."""

GRADED = "straight-answers"
"""The suite whose judge believes too much, so that people's grades change the number."""

GRADED_ANSWERS = (20, 20, 4)
"""How many of its answers pretend people grade, in rounds."""


async def set_the_scene(demo: Demo) -> None:
    """Post the first messages: a welcome, a run that people graded, a fresh run with its grading thread, the digest."""
    stage, outbox = demo.stage, demo.bot.outbox
    quality, evals = stage.channels["support-quality"], stage.channels["support-evals"]
    welcome = WELCOME.format(evals=evals, stewards=stage.channels["evals-stewards"], quality=quality)
    team = demo.bot.program.services.team
    await outbox.put(Post("welcome", team, stage.channels["general"], {**linked_notice(welcome)}))
    await show_graded_run(demo, stage.users, evals)
    async with RemoteDriver(stage.page_url, "dana") as dana:
        await dana.see_message(evals, "corrected by people", timeout=60)
        await dana.slash("/evalbot run support-desk", evals)
        await dana.click("Start", await dana.see_ephemeral(evals, "[Start]", timeout=60))
        await dana.see_message(
            evals, "Why these numbers?", where=lambda seen: seen.text.startswith("support-desk"), timeout=60
        )
        await dana.slash("/evalbot digest on mon 09:00", quality)
        await dana.slash("/evalbot digest now", quality)
        await dana.see_message(quality, "Model quality", timeout=60)


async def show_graded_run(demo: Demo, users: Mapping[str, str], channel: str) -> None:
    """Run a suite an hour ago, let pretend people grade a part drawn by chance, and post its card."""
    program = demo.bot.program
    quiet = quiet_services(program, MovedClock(program.services.now() - timedelta(hours=1)))
    run = await run_quietly(quiet, GRADED, person(quiet.team, "lee", users))
    async with aiohttp.ClientSession() as session:
        for seed, size in enumerate(GRADED_ANSWERS):
            await grade_answers(quiet, run, users, asker(session, demo.stage.simulation_url), size, seed)
    run = replace(await quiet.store.read(lambda tx: runs.get_run(tx, run.id)), channel=channel)
    await quiet.store.write(lambda tx: runs.update_run(tx, run))
    await tell_result(program.services, run)
