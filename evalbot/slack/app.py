"""The bolt app: listeners registered, deliveries acted on once, errors turned into replies in one place."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.errors import EvalbotError, OutsideError
from evalbot.people import Person
from evalbot.slack import actions, events, presses, review_presses, submissions
from evalbot.slack.blocks import Payload
from evalbot.slack.commands import answer_text
from evalbot.slack.directory import Directory
from evalbot.slack.door import Asker, Door
from evalbot.slack.ids import GRADE_ACTIONS, LINK_ACTIONS, ActionId, BlockId
from evalbot.slack.retrying import MOST_TRIES, TOO_MANY, refusal_code, retry_after_s
from evalbot.slack.views.errors import error_message, failure_message
from evalbot.slack.views.notices import notice_message
from evalbot.workflows.delivering import first_time

log = logging.getLogger(__name__)

ACK_S = 2.0
"""A press or form that is not done by then is acknowledged before Slack's three seconds are over."""

SLOW = notice_message("This takes longer than usual and is not saved yet. You will hear from me here.")

LOST = (SlackClientError, aiohttp.ClientError, TimeoutError)
"""How Slack or the way to it fails."""

ANY = re.compile("")
"""Matches every name."""

MOST_GRADED = 5_000
"""So many grades are known to have been delivered."""

Body = dict[str, Any]
Repeated = Callable[[Body], Awaitable[bool]]
Who = Callable[[Body], Awaitable[Person]]


def build_app(door: Door, at_once: Directory) -> AsyncApp:
    """Give the bolt app with every listener of the door. It trusts what it is handed: senders are checked before it.

    `at_once` looks people up while Slack waits for an acknowledgement.
    """
    app = AsyncApp(
        logger=_bolt_log(),
        client=AsyncWebClient(base_url=door.client.base_url, session=door.client.session, retry_handlers=[]),
        authorize=_authorize_as(door),
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    listeners = Listeners(door, at_once)
    app.command(door.command)(listeners.command)
    app.action(GRADE_ACTIONS)(listeners.pressed(review_presses.grade, listeners.graded_before, listeners.grader))
    app.action(LINK_ACTIONS)(listeners.pressed(actions.nothing))
    for action_id, handler in actions.HANDLERS.items():
        who = listeners.grader if action_id is ActionId.CANNOT_JUDGE else None
        app.action(str(action_id))(listeners.pressed(handler, who=who))
    for callback_id, submitted in submissions.HANDLERS.items():
        app.view(str(callback_id))(listeners.submitted(submitted))
    app.event("app_mention")(listeners.mentioned)
    app.event("message")(listeners.said)
    app.event("app_home_opened")(listeners.home_opened)
    _catch_the_rest(app, listeners)
    return app


def _catch_the_rest(app: AsyncApp, listeners: Listeners) -> None:
    """Acknowledge everything nobody else listens to; a person who waits is told so."""
    app.event(ANY)(listeners.noticed)
    app.view_closed(ANY)(listeners.noticed)
    app.options(ANY)(listeners.suggested)
    app.command(ANY)(listeners.unknown("This command"))
    app.action(ANY)(listeners.unknown("This button"))
    app.view(ANY)(listeners.unknown("This form"))
    app.shortcut(ANY)(listeners.unknown("This shortcut"))


def _authorize_as(door: Door) -> Callable[..., Awaitable[AuthorizeResult]]:
    """Give what tells bolt who we are; it was asked once at the start and never while somebody waits."""
    result = AuthorizeResult(
        enterprise_id=None, team_id=door.services.team, bot_user_id=door.bot_user, bot_token=door.client.token
    )

    async def authorize() -> AuthorizeResult:
        return result

    return authorize


def _bolt_log() -> logging.Logger:
    """Give the log of bolt, which is silent about what we know ourselves."""
    quiet = logging.getLogger("evalbot.slack.bolt")
    quiet.setLevel(logging.ERROR)
    return quiet


class Listeners:
    """What bolt calls. A press or submission is saved, then acknowledged; the rest goes on in the background.

    What Slack delivers more than once has one effect: each delivery is remembered by its trigger or event id.
    """

    def __init__(self, door: Door, at_once: Directory) -> None:
        self._door = door
        self._at_once = at_once
        self._graded: OrderedDict[str, None] = OrderedDict()

    async def command(self, ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
        """Acknowledge a slash command and answer it."""
        await ack()
        self._later(self._command(respond, body), respond, body)

    async def _command(self, respond: AsyncRespond, body: Body) -> None:
        """Answer a slash command, once however often it is delivered."""
        if await self._is_repeated(body):
            return
        person = await self._door.directory.person(str(body["user_id"]), str(body.get("user_name") or ""))
        asker = Asker(person, str(body["channel_id"]))
        await self._reply(respond, body, await answer_text(self._door, asker, str(body.get("text") or "")))

    def pressed(
        self, handler: presses.Handler, repeated: Repeated | None = None, who: Who | None = None
    ) -> Callable[..., Awaitable[None]]:
        """Give the listener of a button; one that takes too long is acknowledged, and the person told that it goes on."""
        before, find = repeated or self._is_repeated, who or self._person

        async def listener(ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
            work = asyncio.create_task(self._press(body, handler, before, find))
            await asyncio.wait({work}, timeout=ACK_S)
            await ack()
            if not work.done() or work.exception() is not None or work.result() is not None:
                self._later(self._finish(work, body), respond, body)

        return listener

    async def _press(self, body: Body, handler: presses.Handler, repeated: Repeated, who: Who) -> presses.Next | None:
        """Carry out a press as far as it must be before the acknowledgement, once however often it is delivered."""
        if await repeated(body):
            return None
        press = presses.read_press(body, await who(body))
        return await actions.answer_press(self._door, press, handler)

    async def _finish(self, work: asyncio.Task[presses.Next | None], body: Body) -> None:
        """Do what follows a press; what cannot be done is told to the presser."""
        if not work.done():
            await self._tell(body, SLOW)
        try:
            follow = await work
            if follow is not None:
                await follow()
        except EvalbotError as error:
            await self._tell(body, error_message(error))

    def submitted(self, handler: submissions.Handler) -> Callable[..., Awaitable[None]]:
        """Give the listener of a modal; what is wrong is shown under a field and nothing typed is lost."""

        async def listener(ack: AsyncAck, body: Body, view: Body) -> None:
            work = asyncio.create_task(self._submit(body, view, handler))
            await asyncio.wait({work}, timeout=ACK_S)
            if not work.done():
                await ack()
                self._door.services.spawn(_quietly(self._tell_when_saved(work, body)))
                return
            error = work.exception()
            if error is not None:
                await ack(response_action="errors", errors={_field_of(error, view): _said(error)[:150]})
                return
            await ack()
            self._go_on(work.result())

        return listener

    async def _submit(self, body: Body, view: Body, handler: submissions.Handler) -> submissions.Follow | None:
        """Save what was submitted, once however often it is delivered."""
        if await self._is_repeated(body):
            return None
        return await handler(self._door, submissions.read_submission(view, await self._person(body)))

    async def _tell_when_saved(self, work: asyncio.Task[submissions.Follow | None], body: Body) -> None:
        """Tell who submitted a form how it ended, when that took too long to keep the form open."""
        await self._tell(body, SLOW)
        await asyncio.wait({work})
        error = work.exception()
        await self._tell(
            body, notice_message("It is saved now." if error is None else f"It was not saved. {_said(error)}")
        )
        if error is None:
            self._go_on(work.result())

    def _go_on(self, follow: submissions.Follow | None) -> None:
        """Do what follows a submission."""
        if follow is not None:
            self._door.services.spawn(_quietly(follow()))

    def unknown(self, what: str) -> Callable[..., Awaitable[None]]:
        """Give the listener of what evalbot does not know, such as a button of an old message."""

        async def listener(ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
            await ack()
            told = notice_message(f"{what} is not known to evalbot. Type {self._door.command} help to see what is.")
            self._door.services.spawn(_quietly(self._reply(respond, body, told)))

        return listener

    async def suggested(self, ack: AsyncAck) -> None:
        """Offer nothing: no menu of ours is filled while somebody types."""
        await ack(options=[])

    async def mentioned(self, event: Body, body: Body) -> None:
        """Answer a mention, once however often it is delivered."""
        self._door.services.spawn(_quietly(self._mentioned(event, body)))

    async def _mentioned(self, event: Body, body: Body) -> None:
        """Answer a mention."""
        if event.get("user") and await self._is_new(body):
            await self._answer_said(event, await self._author(event))

    async def _answer_said(self, event: Body, person: Person) -> None:
        """Answer a command that was said; what breaks is answered with a reference."""
        try:
            payload = await events.answer_mention(self._door, event, person)
        except Exception:
            payload = failure_message(_note_bug("mention"))
        await events.reply(self._door, event, person, payload)

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
            await self._answer_said(event, person)
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

    async def _is_repeated(self, body: Body) -> bool:
        """Tell whether a command, press or submission was delivered before."""
        trigger = str(body.get("trigger_id") or "")
        return bool(trigger) and not await first_time(self._door.services, f"request:{trigger}")

    async def graded_before(self, body: Body) -> bool:
        """Tell whether a grade was delivered before, as far as this process knows.

        A grade has one place in the database however often it comes; this only spares the grader a second note.
        """
        trigger = str(body.get("trigger_id") or "")
        if trigger in self._graded:
            return True
        if trigger:
            self._graded[trigger] = None
        if len(self._graded) > MOST_GRADED:
            self._graded.popitem(last=False)
        return False

    async def _author(self, event: Body) -> Person:
        """Give who wrote a message."""
        return await self._door.directory.person(
            str(event["user"]), user_team=str(event.get("user_team") or event.get("team") or "")
        )

    async def _person(self, body: Body) -> Person:
        """Give who pressed or submitted."""
        return await self._at_once.person(*_named(body))

    async def grader(self, body: Body) -> Person:
        """Give who pressed a grade."""
        return await self._at_once.grader(*_named(body))

    async def _tell(self, body: Body, payload: Payload) -> None:
        """Tell who pressed or submitted something, privately."""
        press = presses.read_press(body, await self.grader(body))
        await presses.tell_privately(self._door, press, payload)

    async def _reply(self, respond: AsyncRespond, body: Body, payload: Payload) -> None:
        """Answer privately through the request's own address; what comes from the Home tab or a form has none."""
        if body.get("response_url"):
            await _answer(respond, payload)
        else:
            await self._tell(body, payload)

    def _later(self, work: Awaitable[None], respond: AsyncRespond, body: Body) -> None:
        """Go on with work after the acknowledgement; a failure is logged and answered with a reference."""

        async def carry_out() -> None:
            try:
                await work
            except OutsideError as error:
                await self._reply(respond, body, error_message(error))
            except LOST as error:
                log.warning("Slack did not take an answer: %s", _name(error), extra={"action": "answer_lost"})
            except Exception:
                await self._reply(respond, body, failure_message(_note_bug("request")))

        self._door.services.spawn(_quietly(carry_out()))


def _named(body: Body) -> tuple[str, str, str]:
    """Give the id, the name and the workspace of who pressed, submitted or typed, as far as the delivery says."""
    user = body.get("user") or {"id": body.get("user_id"), "name": body.get("user_name")}
    name = user.get("name") or user.get("username")
    return str(user.get("id") or ""), str(name or ""), str(user.get("team_id") or "")


def _note_bug(what: str) -> str:
    """Log the exception that is being handled; gives the reference that its person is told."""
    reference = secrets.token_hex(3)
    log.exception("a %s failed", what, extra={"action": "request_failed", "reference": reference})
    return reference


async def _answer(respond: AsyncRespond, payload: Payload) -> None:
    """Answer privately through the request's own address, again when Slack says that it was too soon."""
    for _ in range(MOST_TRIES):
        answer = await respond(
            text=payload["text"],
            blocks=payload["blocks"],
            response_type="ephemeral",
            replace_original=False,
            unfurl_links=False,
            unfurl_media=False,
        )
        if answer.status_code != TOO_MANY:
            return
        await asyncio.sleep(retry_after_s(answer.headers))


def _said(error: BaseException) -> str:
    """Give the sentence for a failure; one that is a bug is logged under the reference in it."""
    if isinstance(error, EvalbotError):
        return str(error)
    reference = secrets.token_hex(3)
    log.error("a form failed", exc_info=error, extra={"action": "form_failed", "reference": reference})
    return f"Something went wrong on our side (reference {reference}). Try it once more."


def _name(error: BaseException) -> str:
    """Name a failure of Slack or the network."""
    return refusal_code(error) if isinstance(error, SlackApiError) else type(error).__name__


async def _quietly(work: Awaitable[None]) -> None:
    """Carry out work whose failure can be told to nobody: it is logged."""
    try:
        await work
    except LOST as error:
        log.warning("Slack did not take an answer: %s", _name(error), extra={"action": "answer_lost"})
    except Exception:
        log.exception("work after an acknowledgement failed", extra={"action": "follow_failed"})


def _field_of(error: BaseException, view: Mapping[str, Any]) -> str:
    """Name the input block that an error is about."""
    return str(error.field) if isinstance(error, submissions.WrongField) else _last_field(view)


def _last_field(view: Mapping[str, Any]) -> str:
    """Name the input block under which an error of a modal is shown: the first one with an input."""
    names = [str(block.get("block_id")) for block in view.get("blocks") or [] if block.get("type") == "input"]
    for wanted in (BlockId.BETTER, BlockId.REFERENCE, BlockId.WHY, BlockId.REASON):
        if wanted in names:
            return str(wanted)
    return names[0] if names else str(BlockId.REASON)
