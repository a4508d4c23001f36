"""The door of the page: one websocket per window, and the events each window gets."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from evalbot.playground.assistant_threads import AssistantThread
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation, Notice
from evalbot.playground.looking import describe_channel, describe_workspace, hello
from evalbot.playground.people import page_person
from evalbot.playground.verbs import act
from evalbot.playground.views import ViewChange
from evalbot.playground.violations import Violation
from evalbot.playground.workspace import Change, What

FLUSH_SECONDS = 0.02
READING = ("history", "replies")

Text = Callable[[], str]


class _Shared:
    """An event that many windows get; its text is made once, when the first of them sends it."""

    def __init__(self, **event: Any) -> None:
        self._event = event
        self._text: str | None = None

    def __call__(self) -> str:
        if self._text is None:
            self._text = json.dumps(self._event)
        return self._text


class Window:
    """One open page. Waiting events with the same key are merged: only the newest is sent.

    previewed: channels that it has read without their person being a member; it hears of them as members do.
    """

    def __init__(self, websocket: WebSocket, emu: Emulation, person: str) -> None:
        """Start with nothing to send."""
        self.websocket, self.emu, self.person = websocket, emu, person
        self.previewed: set[str] = set()
        self._outbox: dict[object, Text] = {}
        self._filled = asyncio.Event()

    def put(self, text: Text, key: object = None) -> None:
        """Line an event up; a key joins it with a waiting event of the same key."""
        self._outbox[key if key is not None else object()] = text
        self._filled.set()

    async def run(self) -> None:
        """Send what is lined up until the window is closed."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            waiting, self._outbox = self._outbox, {}
            for text in waiting.values():
                await self.websocket.send_text(text())
            await asyncio.sleep(FLUSH_SECONDS)


class PageDoor:
    """Keeps the windows by person and tells each what changed for that person, in every workspace."""

    def __init__(self, emu: Emulation) -> None:
        """Begin to listen to the emulation."""
        self._emu = emu
        self._windows: dict[str, set[Window]] = {}
        for one in emu.all():
            one.space.listen(partial(self._hear, one))
            one.views.listen(partial(self._hear_view, one))
            one.threads.listen(partial(self._hear_thread, one))
            one.notice_listeners.append(self._hear_notice)
        emu.violations.listen(self._hear_violation)
        emu.faults.changed = self._hear_faults
        emu.clock.moved = self.tell_clock

    async def serve(self, websocket: WebSocket) -> None:
        """Run one window from its hello to its end."""
        wanted = websocket.query_params.get("person") or next(
            one for one, who in self._emu.space.people.items() if not who.is_bot
        )
        emu = self._emu.of_person(wanted)
        found = emu.space.find_person(wanted)
        await websocket.accept()
        if found is None:
            await websocket.send_text(
                json.dumps({"event": "notice", "text": f"There is nobody called {wanted!r}.", "kind": "error"})
            )
            await websocket.close(4004)
            return
        window = Window(websocket, emu, found.id)
        self._windows.setdefault(found.id, set()).add(window)
        greeting = json.dumps(await hello(emu, found.id, {}))
        window.put(lambda: greeting)
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(_until_gone(window.run()))
                await self._read(window, tasks)
                sender.cancel()
        finally:
            self._windows[found.id].discard(window)

    async def _read(self, window: Window, tasks: asyncio.TaskGroup) -> None:
        while True:
            try:
                request = json.loads(await window.websocket.receive_text())
            except (WebSocketDisconnect, RuntimeError):
                return
            except ValueError:
                continue
            if isinstance(request, dict):
                tasks.create_task(self._answer(window, request))

    async def _answer(self, window: Window, request: dict[str, Any]) -> None:
        number, name = request.pop("id", None), str(request.pop("do", ""))
        found = await act(window.emu, name, window.person, request)
        if name in READING and found["ok"]:
            self._note_preview(window, str(request.get("channel", "")))
        answer = json.dumps({"re": number, **found})
        window.put(lambda: answer)

    def _note_preview(self, window: Window, where: str) -> None:
        channel = window.emu.space.find_channel(where)
        if channel is not None and window.person not in channel.members:
            window.previewed.add(channel.id)

    # --- events --------------------------------------------------------------------------------

    def _everyone(self) -> list[Window]:
        return [window for windows in self._windows.values() for window in windows]

    def _viewers(self, emu: Emulation, channel: Channel) -> list[Window]:
        return [one for one in self._everyone() if one.emu is emu and emu.space.may_see(channel, one.person)]

    def _readers(self, emu: Emulation, channel: Channel) -> list[Window]:
        """Give the windows that show a channel: those of its members, and those that look in from outside."""
        looking = [
            one
            for one in self._viewers(emu, channel)
            if channel.id in one.previewed and one.person not in channel.members
        ]
        return [*self._members(channel), *looking]

    def _members(self, channel: Channel) -> list[Window]:
        if len(self._windows) < len(channel.members):
            return [one for person, windows in self._windows.items() if person in channel.members for one in windows]
        return [window for person in channel.members for window in self._windows.get(person, ())]

    def _hear(self, emu: Emulation, change: Change) -> None:
        channel = change.channel
        if not self._windows:
            return
        if change.what is What.PEOPLE:
            event = _Shared(event="people", people=[page_person(one) for one in emu.space.people.values()])
            self._to([one for one in self._everyone() if one.emu is emu], event, "people")
            if emu.is_installed:
                abroad = _Shared(event="elsewhere", elsewhere=[describe_workspace(emu)])
                self._to([one for one in self._everyone() if one.emu is not emu], abroad, "elsewhere")
        elif channel is not None:
            self._hear_in(emu, channel, change)

    def _hear_in(self, emu: Emulation, channel: Channel, change: Change) -> None:
        if change.what is What.EPHEMERAL:
            event = _Shared(event="ephemeral", channel=channel.id, message=change.message)
            self._to(self._of(change.person), event, ("message", channel.id, change.message["ts"]))
        elif change.what in (What.CHANNEL, What.JOINED):
            is_for_one = change.what is What.CHANNEL and change.person
            self._tell_channel(channel, self._of(change.person) if is_for_one else self._viewers(emu, channel))
        elif change.what is not What.FILE_SHARED:
            self._tell_message(emu, channel, change)

    def _tell_message(self, emu: Emulation, channel: Channel, change: Change) -> None:
        ts = change.message["ts"]
        windows = self._of(change.person) if change.message.get("ephemeral") else self._readers(emu, channel)
        is_gone = change.what is What.DELETED and change.message.get("subtype") != "tombstone"
        event = _Shared(event="deleted", channel=channel.id, ts=ts) if is_gone else None
        self._to(
            windows,
            event or _Shared(event="message", channel=channel.id, message=change.message),
            ("message", channel.id, ts),
        )
        if change.what is What.POSTED and change.message.get("thread_ts", ts) == ts:
            self._tell_channel(channel, windows)

    def _tell_channel(self, channel: Channel, windows: list[Window]) -> None:
        for window in windows:
            window.put(partial(_channel_text, window, channel), ("channel", channel.id))

    def _hear_thread(self, emu: Emulation, thread: AssistantThread) -> None:
        event = _Shared(event="assistant_thread", thread=thread.as_json())
        self._to(
            self._readers(emu, emu.space.channels[thread.channel]), event, ("thread", thread.channel, thread.thread_ts)
        )

    def _hear_view(self, emu: Emulation, change: ViewChange) -> None:
        view = emu.views.describe(change.view)
        if change.mode == "home":
            event = _Shared(event="home", app=emu.app.app_id, view=view)
            return self._to(self._of(change.view.person), event, "home")
        event = _Shared(event="view", view=view, mode=change.mode, stack=list(change.stack))
        return self._to(self._of(change.view.person), event)

    def _hear_notice(self, notice: Notice) -> None:
        self._to(self._of(notice.person), _Shared(event="notice", text=notice.text, kind=notice.kind))

    def _hear_violation(self, violation: Violation) -> None:
        event = _Shared(event="violations", count=len(self._emu.violations), latest=violation.as_json())
        self._to(self._everyone(), event, "violations")

    def _hear_faults(self) -> None:
        self._to(self._everyone(), _Shared(event="faults", faults=self._emu.faults.as_json()), "faults")

    def tell_clock(self) -> None:
        """Tell every window what the clock shows."""
        self._to(self._everyone(), _Shared(event="clock", now=self._emu.clock.now()), "clock")

    def _of(self, person: str) -> list[Window]:
        return list(self._windows.get(person, ()))

    def _to(self, windows: list[Window], event: Text, key: object = None) -> None:
        for window in windows:
            window.put(event, key)


async def _until_gone(work: Any) -> None:
    try:
        await work
    except (WebSocketDisconnect, RuntimeError):
        return


def _channel_text(window: Window, channel: Channel) -> str:
    return json.dumps({"event": "channel", "channel": describe_channel(window.emu, channel, window.person)})
