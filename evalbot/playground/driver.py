"""Acts as a person of the workspace: in the same process, or over the network on a playground elsewhere.

    dana = playground.driver("dana")                              # or: async with RemoteDriver(page_url, "dana") as dana
    await dana.slash("/evalbot run support", channel="#support-evals")
    card = await dana.see_message("#support-evals", containing="Run 1")
    await dana.click("Approve", card)
    view = await dana.see_view(containing="New item")
    dana.fill("Prompt", "Which plan has SSO?")
    await dana.submit()

Places are "#name", "@name" (a direct message) or ids. A refusal raises DriverError; a condition that does not come true
raises NotSeen with a drawing of what there was instead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from evalbot.playground.controls import Control, find_control, find_input
from evalbot.playground.doors import Door, RemoteDoor
from evalbot.playground.drawing import message_text, readable, view_text
from evalbot.playground.elements import VALUE_KEYS, Values
from evalbot.playground.refusals import PlaygroundError

TIMEOUT = 5.0
Found = TypeVar("Found")


class DriverError(PlaygroundError):
    """Something the Slack client or the app refused."""


class NotSeen(DriverError, AssertionError):
    """Something that was waited for did not appear; the text shows what there was."""


@dataclass(frozen=True)
class Seen:
    """A message as a person saw it. text: everything readable in it; body: Slack's message object."""

    channel: str
    ts: str
    text: str
    body: dict[str, Any]

    @property
    def thread_ts(self) -> str:
        """The thread this message belongs to, or starts."""
        return str(self.body.get("thread_ts", self.ts))

    @property
    def is_ephemeral(self) -> bool:
        """Whether only this person sees it."""
        return bool(self.body.get("ephemeral"))


class Driver:
    """One person at the keyboard."""

    def __init__(self, door: Door, person: str) -> None:
        """person: name, real name or id."""
        self._door, self._who = door, person.removeprefix("@")
        self._me = ""
        self._names: dict[str, str] = {}
        self._bot = ""
        self._entered: dict[str, Values] = {}

    async def __aenter__(self) -> "Driver":
        """Come to the keyboard."""
        await self.id()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        await self.close_door()

    async def close_door(self) -> None:
        """Let go of the playground."""
        await self._door.close()

    async def id(self) -> str:
        """Return the user id of this person."""
        if not self._me:
            await self._learn()
        return self._me

    # --- acting --------------------------------------------------------------------------------

    async def do(self, verb: str, **args: Any) -> dict[str, Any]:
        """Do any action of the page's protocol. Raises DriverError when it is refused."""
        result = await self._door.do(verb, await self.id(), args)
        if not result.get("ok") and "errors" not in result:
            raise DriverError(f"{self._who}: {result.get('error')}")
        return result

    async def say(self, channel: str, text: str, thread: Seen | str | None = None) -> str:
        """Write a message (in the thread of a message, if given) and return its ts."""
        args = {"thread_ts": thread.thread_ts if isinstance(thread, Seen) else thread} if thread else {}
        return str((await self.do("send", channel=channel, text=text, **args))["ts"])

    async def mention(self, channel: str, text: str, thread: Seen | str | None = None) -> str:
        """Write a message that mentions the bot first, and return its ts."""
        await self.id()
        return await self.say(channel, f"@{self._bot} {text}", thread)

    async def slash(self, line: str, channel: str = "#general") -> None:
        """Run a slash command and wait until the app took it."""
        await self.do("send", channel=channel, text=line)

    async def react(self, message: Seen, name: str, remove: bool = False) -> None:
        """Add a reaction, or take it away."""
        await self.do("react", channel=message.channel, ts=message.ts, name=name, remove=remove)

    async def edit(self, message: Seen, text: str) -> None:
        """Change one's own message."""
        await self.do("edit", channel=message.channel, ts=message.ts, text=text)

    async def delete(self, message: Seen) -> None:
        """Delete one's own message."""
        await self.do("delete", channel=message.channel, ts=message.ts)

    async def click(self, label: str, where: Seen | str | None = None) -> None:
        """Press a button by its text, action_id or value: in a message, on the Home tab ("home"), or in the open modal."""
        place, blocks = await self._place(where)
        control = find_control(blocks, label)
        await self._press(place, control, control.given)

    async def select(self, label: str, choice: str | list[str] | None, where: Seen | str | None = None) -> None:
        """Choose in a menu (found by label, placeholder or action_id); choice: option text or value, a user id, a date."""
        place, blocks = await self._place(where)
        control = find_control(blocks, label)
        await self._press(place, control, control.choose(choice))

    async def suggestions(self, label: str, typed: str, where: Seen | str | None = None) -> list[dict[str, Any]]:
        """Type into a menu that the app fills, and return the options it offers."""
        place, blocks = await self._place(where)
        control = find_control(blocks, label)
        ids = {"block_id": control.block_id, "action_id": control.action_id}
        found: list[dict[str, Any]] = (await self.do("suggest", **place, **ids, value=typed))["options"]
        return found

    async def fill(self, label: str, value: str | Path | list[str] | list[Path] | None) -> None:
        """Put something into a field of the open modal, found by its label, block_id or action_id; sent with submit.

        A field for files takes paths.
        """
        view = await self.see_view()
        control = find_input(view["blocks"], label)
        entered = self._entered.setdefault(view["id"], {}).setdefault(control.block_id, {})
        key = VALUE_KEYS[control.kind][0]
        entered[control.action_id] = {key: control.choose(value)[key]}

    async def submit(self, **fields: str | list[str]) -> None:
        """Fill fields by label or id and submit the open modal. Raises DriverError with the errors shown in it, if any."""
        errors = await self.submit_with_errors(**fields)
        if errors:
            raise DriverError(f"{self._who}: the form was not taken: {errors}")

    async def submit_with_errors(self, **fields: str | list[str]) -> dict[str, str]:
        """Fill fields and submit the open modal; return the errors shown under its fields by block id, {} when taken."""
        for label, value in fields.items():
            await self.fill(label, value)
        view = await self.see_view()
        result = await self.do("view_submit", view_id=view["id"], values=self._entered.get(view["id"], {}))
        errors: dict[str, str] = result.get("errors", {})
        return errors

    async def close(self, clear: bool = False) -> None:
        """Close the open modal, or all of them."""
        view = await self.see_view()
        await self.do("view_close", view_id=view["id"], is_cleared=clear)

    async def shortcut(self, callback_id: str, message: Seen | None = None) -> None:
        """Use a shortcut of the app, on a message or from anywhere."""
        place = {"channel": message.channel, "ts": message.ts} if message else {}
        await self.do("shortcut", callback_id=callback_id, **place)

    async def open_home(self) -> None:
        """Open the app's Home tab; see_home() waits for what it shows."""
        await self.do("open_home", app="")

    # --- seeing --------------------------------------------------------------------------------

    async def messages(self, channel: str, thread: Seen | str | None = None, limit: int = 100) -> list[Seen]:
        """Return what this person sees in a channel or thread now, oldest first."""
        found = await self._history(channel, thread, limit)
        return [self._kept(self._seen(found["channel"], one)) for one in found["messages"]]

    async def see_message(
        self,
        channel: str,
        containing: str = "",
        *,
        thread: Seen | str | None = None,
        where: Callable[[Seen], bool] = lambda seen: True,
        timeout: float = TIMEOUT,
    ) -> Seen:
        """Wait for a message (in a thread, if given) that contains the text and fits; the newest one that does."""

        async def look() -> Seen | None:
            found = await self._history(channel, thread)
            shown = (self._seen(found["channel"], one) for one in reversed(found["messages"]))
            return next((self._kept(one) for one in shown if containing in one.text and where(one)), None)

        return await self._wait(look, timeout, f"a message containing {containing!r} in {channel}", channel)

    async def see_ephemeral(self, channel: str, containing: str = "", timeout: float = TIMEOUT) -> Seen:
        """Wait for a message that only this person sees."""
        return await self.see_message(channel, containing, where=lambda seen: seen.is_ephemeral, timeout=timeout)

    async def see_reply(self, message: Seen, containing: str = "", timeout: float = TIMEOUT) -> Seen:
        """Wait for a reply in the thread of a message."""
        return await self.see_message(
            message.channel,
            containing,
            thread=message,
            where=lambda seen: seen.ts != message.thread_ts,
            timeout=timeout,
        )

    async def see_view(self, containing: str = "", timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait until a modal with this text is on top, and return it."""

        async def look() -> dict[str, Any] | None:
            views = (await self.do("screen"))["views"]
            return views[-1] if views and containing in view_text(views[-1], self._names) else None

        return await self._wait(look, timeout, f"a modal containing {containing!r}")

    async def see_no_view(self, timeout: float = TIMEOUT) -> None:
        """Wait until no modal is open."""

        async def look() -> bool:
            return not (await self.do("screen"))["views"]

        await self._wait(look, timeout, "that no modal is open")

    async def see_home(self, containing: str = "", timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait until the Home tab shows this text, and return its view."""

        async def look() -> dict[str, Any] | None:
            home = (await self.do("screen"))["home"]
            return home if home and containing in view_text(home, self._names) else None

        return await self._wait(look, timeout, f"a Home tab containing {containing!r}")

    async def see_notice(self, containing: str = "", timeout: float = TIMEOUT) -> str:
        """Wait for a line of the client itself, such as a failed command."""

        async def look() -> str | None:
            notices = (await self.do("screen"))["notices"]
            return next((one["text"] for one in reversed(notices) if containing in one["text"]), None)

        return await self._wait(look, timeout, f"a notice containing {containing!r}")

    async def draw(self, channel: str) -> str:
        """Return a drawing of a channel as text."""
        return str((await self.do("drawing", channel=channel))["drawing"])

    # --- within --------------------------------------------------------------------------------

    async def _learn(self) -> None:
        greeting = await self._door.do("whoami", self._who, {"who": self._who})
        if not greeting.get("ok"):
            raise DriverError(str(greeting.get("error")))
        self._me = greeting["me"]
        self._names = {one["id"]: one["name"] for one in greeting["people"]}
        self._bot = greeting["apps"][0]["name"]

    async def _history(self, channel: str, thread: Seen | str | None, limit: int = 100) -> dict[str, Any]:
        await self.id()
        if thread:
            ts = thread.thread_ts if isinstance(thread, Seen) else thread
            return await self.do("replies", channel=channel, thread_ts=ts)
        return await self.do("history", channel=channel, limit=limit)

    def _seen(self, channel: str, message: dict[str, Any]) -> Seen:
        text = message_text(message, self._names)
        plain = readable(message.get("text", ""), self._names)
        return Seen(channel, message["ts"], text if plain in text else f"{plain}\n{text}", message)

    def _kept(self, seen: Seen) -> Seen:
        return replace(seen, body=deepcopy(seen.body))

    async def _place(self, where: Seen | str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        if isinstance(where, Seen):
            fresh = await self.messages(where.channel, where if where.thread_ts != where.ts else None)
            newest = next((one for one in fresh if one.ts == where.ts), where)
            return {"channel": where.channel, "ts": where.ts}, newest.body.get("blocks", [])
        view = await self.see_home() if where == "home" else await self.see_view()
        values = self._entered.get(view["id"], {})
        return {"view_id": view["id"], "values": values}, view["blocks"]

    async def _press(self, place: dict[str, Any], control: Control, given: dict[str, Any]) -> None:
        await self.do("click", **place, block_id=control.block_id, action_id=control.action_id, **given)

    async def _wait(
        self, look: Callable[[], Awaitable[Found | None]], timeout: float, what: str, channel: str = ""
    ) -> Found:
        try:
            async with asyncio.timeout(timeout):
                while True:
                    change = asyncio.ensure_future(self._door.changed())
                    await asyncio.sleep(0)
                    try:
                        found = await look()
                        if found:
                            return found
                        await change
                    finally:
                        change.cancel()
        except TimeoutError:
            raise NotSeen(await self._report(what, timeout, channel)) from None

    async def _report(self, what: str, timeout: float, channel: str) -> str:
        lines = [f"{self._who} waited {timeout:g} s for {what} and did not see it."]
        if channel:
            lines.append(await self.draw(channel))
        screen = await self.do("screen")
        lines += [view_text(one, self._names) for one in screen["views"]]
        lines += [f"notice: {one['text']}" for one in screen["notices"]]
        return "\n".join(lines)


class RemoteDriver(Driver):
    """A person on a playground in another process. Close it with close_door(), or use it with `async with`."""

    def __init__(self, page_url: str, person: str) -> None:
        """page_url: as printed by the playground; person: name, real name or id."""
        super().__init__(RemoteDoor(page_url, person), person)
