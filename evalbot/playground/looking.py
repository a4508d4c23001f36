"""What a person sees: the workspace at a glance, open views, notices, and a drawing of a channel."""

from collections.abc import Mapping
from typing import Any

from evalbot.playground.channels import Channel, Kind
from evalbot.playground.drawing import draw_messages
from evalbot.playground.emulation import Emulation
from evalbot.playground.people import page_person
from evalbot.playground.talking import find_person, find_readable

Args = Mapping[str, Any]
Result = dict[str, Any]


def describe_channel(emu: Emulation, channel: Channel, person: str) -> Result:
    """Return the channel as one person sees it, with unread counts."""
    key = (person, channel.id)
    found: Result = {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind.value,
        "topic": channel.topic,
        "members": list(channel.members),
        "unread": emu.space.unread[key],
        "mentions": emu.space.mentions[key],
        "shared": channel.shared,
    }
    if channel.kind is Kind.IM:
        found["with"] = channel.partner_of(person)
        found["name"] = emu.space.people[found["with"]].name
    return found


async def hello(emu: Emulation, person: str, args: Args) -> Result:
    """Return everything a window needs to begin."""
    app, space = emu.app, emu.space
    return {
        "event": "hello",
        "me": person,
        "workspace": {"id": space.id, "name": space.name},
        "people": [page_person(one) for one in space.people.values()],
        "channels": [
            describe_channel(emu, one, person) for one in space.channels.values() if space.may_see(one, person)
        ],
        "commands": [
            {"command": one.command, "description": one.description, "usage_hint": one.usage_hint}
            for one in app.commands
        ],
        "apps": [{"id": app.app_id, "name": app.name, "bot_user": app.bot_user, "has_home": app.has_home}],
        "shortcuts": [{"type": one.type, "callback_id": one.callback_id, "name": one.name} for one in app.shortcuts],
        "now": emu.clock.now(),
        "elsewhere": [describe_workspace(one) for one in emu.neighbours() if one.is_installed],
        "threads": [one.as_json() for one in emu.threads.all() if person in space.channels[one.channel].members],
        "views": [emu.views.describe(one) for one in emu.views.stack(person)],
        "faults": emu.faults.as_json(),
        "violations": {"count": len(emu.violations), "list": [one.as_json() for one in emu.violations][-100:]},
    }


def describe_workspace(emu: Emulation) -> Result:
    """Return a workspace and its people as windows of other workspaces show it."""
    people = [page_person(one) for one in emu.space.people.values() if not one.is_bot]
    return {"id": emu.space.id, "name": emu.space.name, "people": people}


async def whoami(emu: Emulation, person: str, args: Args) -> Result:
    """Return the hello of the person called `who` (of oneself by default)."""
    return await hello(emu, find_person(emu, str(args.get("who") or person)), {})


async def screen(emu: Emulation, person: str, args: Args) -> Result:
    """Return the open modals (the root first), the Home tab and the notices of a person."""
    home = emu.views.home(person)
    return {
        "views": [emu.views.describe(one) for one in emu.views.stack(person)],
        "home": emu.views.describe(home) if home is not None else None,
        "notices": [{"text": one.text, "kind": one.kind} for one in emu.notices.get(person, [])],
    }


async def drawing(emu: Emulation, person: str, args: Args) -> Result:
    """Return a channel as text, threads indented."""
    channel = find_readable(emu, person, args)
    own = [one for place, one in emu.space.ephemerals.get(person, []) if place == channel.id]
    messages = sorted([*channel.log, *own], key=lambda one: str(one["ts"]))
    names = {one.id: one.name for one in emu.space.people.values()}
    title = f"#{channel.name}" if channel.name else f"@{names[channel.partner_of(person)]}"
    return {"drawing": draw_messages(title, messages[-int(args.get("limit") or 40) :], names)}
