"""The bolt app: listeners registered, deliveries acted on once, errors turned into replies in one place."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from evalbot.errors import EvalbotError, OutsideError, UserError
from evalbot.people import Person
from evalbot.slack import actions, events, submissions
from evalbot.slack.blocks import Payload
from evalbot.slack.commands import answer_text
from evalbot.slack.door import Asker, Door
from evalbot.slack.ids import GRADE_ACTIONS, LINK_ACTIONS, BlockId
from evalbot.slack.views.errors import error_message, failure_message
from evalbot.workflows.delivering import first_time

log = logging.getLogger(__name__)

Body = dict[str, Any]


def build_app(door: Door, signing_secret: str | None = None) -> AsyncApp:
    """Give the bolt app with every listener of the door."""
    app = AsyncApp(
        client=door.client,
        signing_secret=signing_secret or "",
        process_before_response=True,
        request_verification_enabled=bool(signing_secret),
        raise_error_for_unhandled_request=False,
    )
    listeners = Listeners(door)
    app.command(door.command)(listeners.command)
    app.action(GRADE_ACTIONS)(listeners.pressed(actions.grade))
    app.action(LINK_ACTIONS)(listeners.pressed(actions.nothing))
    for action_id, handler in actions.HANDLERS.items():
        app.action(str(action_id))(listeners.pressed(handler))
    for callback_id, submitted in submissions.HANDLERS.items():
        app.view(str(callback_id))(listeners.submitted(submitted))
    app.event("app_mention")(listeners.mentioned)
    app.event("message")(listeners.said)
    app.event("app_home_opened")(listeners.home_opened)
    for name in events.SUBSCRIBED[3:]:
        app.event(name)(listeners.noticed)
    app.view_closed(re.compile(".*"))(listeners.noticed)
    return app


class Listeners:
    """What bolt calls. A command, press or submission is saved, then acknowledged; the rest goes on in the background."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def command(self, ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
        """Acknowledge a slash command and answer it."""
        await ack()
        self._later(self._command(respond, body), respond)

    async def _command(self, respond: AsyncRespond, body: Body) -> None:
        """Answer a slash command."""
        person = await self._door.directory.person(str(body["user_id"]), str(body.get("user_name") or ""))
        asker = Asker(person, str(body["channel_id"]))
        await _answer(respond, await answer_text(self._door, asker, str(body.get("text") or "")))

    def pressed(self, handler: actions.Handler) -> Callable[..., Awaitable[None]]:
        """Give the listener of a button."""

        async def listener(ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
            follow: actions.Next | None = None
            try:
                press = actions.read_press(body, await self._person(body))
                follow = await actions.answer_press(self._door, press, handler)
            except EvalbotError as error:
                await ack()
                self._later(self._tell(body, error), respond)
                return
            await ack()
            if follow is not None:
                self._later(self._follow(body, follow), respond)

        return listener

    def submitted(self, handler: submissions.Handler) -> Callable[..., Awaitable[None]]:
        """Give the listener of a modal; what is wrong is shown under a field and nothing typed is lost."""

        async def listener(ack: AsyncAck, body: Body, view: Body) -> None:
            sent = submissions.read_submission(view, await self._person(body))
            try:
                follow = await handler(self._door, sent)
            except EvalbotError as error:
                await ack(response_action="errors", errors={_last_field(view): str(error)[:150]})
                return
            await ack()
            if follow is not None:
                self._door.services.spawn(_quietly(follow()))

        return listener

    async def mentioned(self, event: Body, body: Body) -> None:
        """Answer a mention, once however often it is delivered."""
        self._door.services.spawn(_quietly(self._mentioned(event, body)))

    async def _mentioned(self, event: Body, body: Body) -> None:
        """Answer a mention."""
        if event.get("user") and await self._is_new(body):
            await events.answer_mention(self._door, event, await self._author(event))

    async def said(self, event: Body, body: Body) -> None:
        """Take notice of a message: a direct one is a command, one in a run's thread is discussion."""
        if event.get("subtype") is None and event.get("user") and not event.get("bot_id"):
            self._door.services.spawn(_quietly(self._said(event, body)))

    async def _said(self, event: Body, body: Body) -> None:
        """Answer a direct message or note a discussion."""
        if not await self._is_new(body):
            return
        person = await self._author(event)
        if event.get("channel_type") == "im":
            await events.answer_mention(self._door, event, person)
        elif f"<@{self._door.bot_user}>" not in str(event.get("text") or ""):
            await events.note_message(self._door, event, person)

    async def home_opened(self, event: Body) -> None:
        """Show the Home tab."""
        if event.get("tab") == "home":
            person = await self._door.directory.person(str(event["user"]))
            self._door.services.spawn(_quietly(events.show_home(self._door, person)))

    async def noticed(self, ack: AsyncAck) -> None:
        """Acknowledge what needs no answer."""
        await ack()

    async def _is_new(self, body: Body) -> bool:
        """Tell whether an event is delivered for the first time."""
        return await first_time(self._door.services, f"event:{body.get('event_id')}")

    async def _author(self, event: Body) -> Person:
        """Give who wrote a message."""
        return await self._door.directory.person(
            str(event["user"]), user_team=str(event.get("user_team") or event.get("team") or "")
        )

    async def _person(self, body: Body) -> Person:
        """Give who pressed or submitted."""
        user = body.get("user") or {}
        return await self._door.directory.person(
            str(user.get("id") or ""),
            str(user.get("name") or user.get("username") or ""),
            str(user.get("team_id") or ""),
        )

    async def _follow(self, body: Body, follow: actions.Next) -> None:
        """Do what follows a press; what cannot be done is told to the presser."""
        try:
            await follow()
        except UserError as error:
            await self._tell(body, error)

    async def _tell(self, body: Body, error: EvalbotError) -> None:
        """Tell the presser alone why a press did nothing."""
        press = actions.read_press(body, await self._person(body))
        await actions.tell_privately(self._door, press, error_message(error))

    def _later(self, work: Awaitable[None], respond: AsyncRespond) -> None:
        """Go on with work after the acknowledgement; a failure is logged and answered with a reference."""

        async def carry_out() -> None:
            try:
                await work
            except OutsideError as error:
                await _answer(respond, error_message(error))
            except Exception:
                reference = secrets.token_hex(3)
                log.exception("a request failed", extra={"action": "request_failed", "reference": reference})
                await _answer(respond, failure_message(reference))

        self._door.services.spawn(_quietly(carry_out()))


async def _answer(respond: AsyncRespond, payload: Payload) -> None:
    """Answer privately through the request's own address."""
    await respond(
        text=payload["text"],
        blocks=payload["blocks"],
        response_type="ephemeral",
        replace_original=False,
        unfurl_links=False,
        unfurl_media=False,
    )


async def _quietly(work: Awaitable[None]) -> None:
    """Carry out work whose failure can be told to nobody: it is logged."""
    try:
        await work
    except Exception:
        log.exception("work after an acknowledgement failed", extra={"action": "follow_failed"})


def _last_field(view: Mapping[str, Any]) -> str:
    """Name the input block under which an error of a modal is shown: the first one with an input."""
    names = [str(block.get("block_id")) for block in view.get("blocks") or [] if block.get("type") == "input"]
    for wanted in (BlockId.BETTER, BlockId.REFERENCE, BlockId.WHY, BlockId.REASON):
        if wanted in names:
            return str(wanted)
    return names[0] if names else str(BlockId.REASON)
