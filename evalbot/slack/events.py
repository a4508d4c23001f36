"""Events: mentions, messages in threads, the Home tab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalbot.grading.reviews import RoundId
from evalbot.people import Person, Role
from evalbot.runs.outputs import RunId
from evalbot.slack.blocks import Payload
from evalbot.slack.commands import answer_text
from evalbot.slack.door import Asker, Door
from evalbot.slack.views.home import HomeState, home_view
from evalbot.slack.views.runs import RunState
from evalbot.workflows import browsing, reviewing


async def answer_mention(door: Door, event: Mapping[str, Any], person: Person) -> Payload:
    """Carry out a command that was typed as a mention or a direct message, and give its answer."""
    channel, thread = str(event["channel"]), str(event.get("thread_ts") or "")
    text = re.sub(rf"<@{door.bot_user}(?:\|[^>]*)?>", " ", str(event.get("text") or "")).strip()
    return await answer_text(door, Asker(person, channel, await thread_run(door, channel, thread)), text)


async def reply(door: Door, event: Mapping[str, Any], person: Person, payload: Payload) -> None:
    """Answer a message where it was written: to its author alone in channels, plainly in direct messages."""
    channel, thread = str(event["channel"]), str(event.get("thread_ts") or "")
    if event.get("channel_type") == "im":
        await door.client.chat_postMessage(
            channel=channel, thread_ts=thread or None, unfurl_links=False, unfurl_media=False, **payload
        )
    else:
        await door.client.chat_postEphemeral(channel=channel, user=person.id, thread_ts=thread or None, **payload)


async def thread_run(door: Door, channel: str, thread_ts: str) -> RunId | None:
    """Give the run in whose thread, or in the thread of whose reviews, something is said; None outside of both."""
    if not thread_ts:
        return None
    delivery = await door.outbox.find_at(channel, thread_ts)
    kind, _, name = delivery.post.key.partition(":") if delivery else ("", "", "")
    if kind == "round":
        return await browsing.run_of_round(door.services, RoundId(name))
    return RunId(name) if kind == "run" else None


async def note_message(door: Door, event: Mapping[str, Any], person: Person) -> None:
    """Take notice of what a person says in a run's thread: open reviews there are no longer blind."""
    run_id = await thread_run(door, str(event.get("channel") or ""), str(event.get("thread_ts") or ""))
    if run_id is not None and person.role is not Role.OUTSIDER:
        await reviewing.mark_discussed(door.services, person, run_id)


async def show_home(door: Door, person: Person) -> None:
    """Publish a person's Home tab; people of other organisations get none."""
    if person.role is Role.OUTSIDER:
        return
    await door.client.views_publish(user_id=person.id, view=home_view(await _home_state(door, person)))


async def _home_state(door: Door, person: Person) -> HomeState:
    """Load what a person's Home tab shows."""
    services = door.services
    queue = await browsing.my_queue(services, person)
    runs = [
        RunState(
            run,
            await browsing.run_progress(services, run),
            None if run.open else await browsing.run_summary(services, run),
        )
        for run in await browsing.recent_runs(services)
    ]
    return HomeState(
        now=services.now(),
        waiting=len(queue),
        minutes=round(len(queue) * reviewing.MINUTES_PER_GRADE),
        queue_address=(await door.permalink(f"review:{queue[0].id}") or "") if queue else "",
        suites=tuple(await browsing.list_suites(services)),
        runs=tuple(runs),
        contributions=tuple(await browsing.my_candidates(services, person)),
        schedules=tuple(await browsing.list_schedules(services, person.team)),
    )
