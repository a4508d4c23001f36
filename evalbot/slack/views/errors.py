"""Errors as people see them: what happened, what to do next, and a reference to give to who runs this."""

from __future__ import annotations

import re

from evalbot.errors import EvalbotError
from evalbot.slack.blocks import Element, Payload, context, message, rich_line, run
from evalbot.slack.text import mrkdwn, one_line

_CODED = re.compile(r"`([^`]{1,200})`")


def error_message(error: EvalbotError, ref: str = "") -> Payload:
    """Give the private answer to a request that could not be done."""
    said, hint = one_line(error.message, 500, "error"), one_line(error.hint, 500) if error.hint else ""
    runs = [*coded_runs(said), *([run(" "), *coded_runs(hint)] if hint else [])]
    blocks = [rich_line(*runs), *([context(f"Reference {mrkdwn(ref, 40)}")] if ref else [])]
    return message(mrkdwn(f"{error.message} {error.hint}", 1_000, "error"), blocks)


def failure_message(ref: str) -> Payload:
    """Give the private answer when something broke that we did not foresee; details are in the log under the reference."""
    text = "Something went wrong on our side. Try it once more; if it stays, tell the people who run evalbot."
    return message(text, [rich_line(run(text)), context(f"Reference {mrkdwn(ref, 40, 'reference')}")])


def coded_runs(text: str) -> list[Element]:
    """Split literal text at pairs of backticks: what is between them is shown in fixed width, and nothing is markup."""
    runs: list[Element] = []
    place = 0
    for found in _CODED.finditer(text):
        if found.start() > place:
            runs.append(run(text[place : found.start()]))
        runs.append(run(found[1], code=True))
        place = found.end()
    return [*runs, run(text[place:])] if place < len(text) else runs
