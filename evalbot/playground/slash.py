"""Slash commands: from the typed line to the app's answer."""

import re
from typing import Any

from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.one_time_keys import ResponseUrl
from evalbot.playground.payloads import slash_command
from evalbot.playground.refusals import ActionRefused, ApiError
from evalbot.playground.responses import respond
from evalbot.playground.transport import Answer
from evalbot.playground.typed_text import type_out
from evalbot.playground.violations import Kind

_MENTION = re.compile(r"<@(\w+)>")


async def run_command(emu: Emulation, person: str, channel: Channel, line: str) -> dict[str, Any]:
    """Send a typed command to the app and show what it acknowledges with. Raises ActionRefused when it fails."""
    word, _, rest = line.partition(" ")
    command = emu.app.find_command(word)
    if command is None or "commands" not in emu.app.scopes:
        raise ActionRefused(f"{word} is not a valid command here.")
    text = _escaped(emu, rest.strip()) if command.should_escape else rest.strip()
    payload = slash_command(emu.space, channel, person, word, text)
    payload["trigger_id"] = emu.keys.make_trigger(person)
    payload["response_url"] = emu.response_url(emu.keys.make_url(channel.id, person))
    answer = await emu.delivery.ask("slash_commands", payload, f"command {word}")
    check_answer(emu, person, answer, word)
    if answer.payload:
        show_answer(emu, ResponseUrl(channel.id, person, emu.clock.now()), answer.payload, f"ack of {word}")
    return {"channel": channel.id}


def check_answer(emu: Emulation, person: str, answer: Answer, what: str) -> None:
    """Tell the person, and raise ActionRefused, when the app did not take a command or click in time."""
    if answer.is_acknowledged:
        return
    is_late = answer.problem in ("timeout", "http_timeout")
    code = "operation_timeout" if is_late else "dispatch_failed"
    reason = "did not answer within 3 seconds" if is_late else "could not be reached"
    text = f"{what} failed with the error “{code}”: {emu.app.name} {reason}. Try again."
    emu.notify(person, text, code)
    raise ActionRefused(text)


def show_answer(emu: Emulation, origin: ResponseUrl, payload: dict[str, Any], where: str) -> None:
    """Show the message that came with an acknowledgement; a bad one is a violation."""
    try:
        respond(emu, origin, payload, where)
    except ApiError as error:
        emu.violations.add(Kind.BAD_ACK, where, f"The message in the acknowledgement was refused with {error.code}.")
        emu.notify(origin.person, f"{emu.app.name} answered with something Slack can not show.", "dispatch_failed")


def _escaped(emu: Emulation, text: str) -> str:
    escaped, _ = type_out(text, emu.space.name_finder())
    return _MENTION.sub(lambda match: f"<@{match[1]}|{emu.space.people[match[1]].name}>", escaped)
