"""What people do with messages: write, edit, delete, react, read, join."""

import uuid
from collections.abc import Mapping
from typing import Any

from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.refusals import ActionRefused
from evalbot.playground.slash import run_command
from evalbot.playground.typed_text import type_out
from evalbot.playground.workspace import Change, What

Args = Mapping[str, Any]
Result = dict[str, Any]
HISTORY_LIMIT = 100


def find_person(emu: Emulation, who: str) -> str:
    """Return the id of a person given by id, name or real name."""
    person = emu.space.find_person(who)
    if person is None:
        raise ActionRefused(f"There is nobody called {who!r} in this workspace.")
    return person.id


def find_place(emu: Emulation, person: str, args: Args) -> Channel:
    """Return the channel that args name by id, #name or @person; only members find their way."""
    where = str(args.get("channel", ""))
    if where.startswith("@"):
        return emu.space.open_im(person, find_person(emu, where))
    channel = emu.space.find_channel(where)
    if channel is None:
        raise ActionRefused(f"There is no channel {where!r}.")
    if person not in channel.members:
        raise ActionRefused(f"{emu.space.people[person].real_name} is not in #{channel.name}; join it first.")
    return channel


def find_readable(emu: Emulation, person: str, args: Args) -> Channel:
    """Return the channel that args name if this person may read it: a member, or anybody inside for a public one."""
    channel = emu.space.find_channel(str(args.get("channel", "")))
    if channel is not None and emu.space.may_see(channel, person):
        return channel
    return find_place(emu, person, args)


def find_shown(emu: Emulation, person: str, channel: Channel, ts: str) -> Message:
    """Return a message this person sees, ephemeral ones included."""
    message = emu.space.find_ephemeral(channel.id, ts, person) or channel.log.find(ts)
    if message is None or message.get("subtype") == "tombstone":
        raise ActionRefused("That message is gone.")
    return message


async def send(emu: Emulation, person: str, args: Args) -> Result:
    """Write a message, or run a slash command when the text starts with one."""
    channel, text = find_place(emu, person, args), str(args.get("text", ""))
    if not text.strip():
        raise ActionRefused("There is nothing to send; type some text first.")
    if channel.is_archived:
        raise ActionRefused(f"#{channel.name} is archived; write somewhere else.")
    thread_ts = str(args.get("thread_ts") or "")
    if text.startswith("/") and emu.app.find_command(text.split()[0]):
        if thread_ts:
            raise ActionRefused(f"{text.split()[0]} is not supported in threads. Sorry!")
        return await run_command(emu, person, channel, text)
    if text.startswith("/"):
        raise ActionRefused(f"{text.split()[0]} is not a valid command here; known are {_known(emu)}.")
    message = compose_typed(emu, person, channel, text, thread_ts)
    emu.space.post(channel, message)
    emu.space.mark_read(channel, person)
    emu.threads.clear_prompts(channel.id, str(message.get("thread_ts", "")))
    return {"ts": message["ts"], "channel": channel.id}


def _known(emu: Emulation) -> str:
    return ", ".join(one.command for one in emu.app.commands) or "none"


def compose_typed(emu: Emulation, person: str, channel: Channel, text: str, thread_ts: str) -> Message:
    """Return the message that Slack makes of a typed text."""
    sent, blocks = type_out(text, emu.space.name_finder())
    blocks[0]["block_id"] = uuid.uuid4().hex[:5]
    team = emu.space.people[person].team
    message: Message = {
        "type": "message",
        "client_msg_id": str(uuid.uuid4()),
        "user": person,
        "text": sent,
        "team": team,
        "blocks": blocks,
    }
    if channel.shared:
        message |= {"user_team": team, "source_team": team}
    if thread_ts:
        message["thread_ts"] = find_shown(emu, person, channel, thread_ts)["ts"]
    return message


async def edit(emu: Emulation, person: str, args: Args) -> Result:
    """Change one's own message."""
    channel, message = _own(emu, person, args)
    text, blocks = type_out(str(args.get("text", "")), emu.space.name_finder())
    blocks[0]["block_id"] = uuid.uuid4().hex[:5]
    edited = {"user": person, "ts": emu.clock.next_ts()}
    emu.space.edit(channel, message, {"text": text, "blocks": blocks, "edited": edited}, person)
    return {"ts": message["ts"]}


async def delete(emu: Emulation, person: str, args: Args) -> Result:
    """Delete one's own message, or dismiss an ephemeral one."""
    channel = find_place(emu, person, args)
    ephemeral = emu.space.find_ephemeral(channel.id, str(args.get("ts", "")), person)
    if ephemeral is not None:
        emu.space.delete_ephemeral(channel, ephemeral, person)
        return {}
    channel, message = _own(emu, person, args)
    emu.space.delete(channel, message)
    return {}


def _own(emu: Emulation, person: str, args: Args) -> tuple[Channel, Message]:
    channel = find_place(emu, person, args)
    message = find_shown(emu, person, channel, str(args.get("ts", "")))
    if message["user"] != person:
        raise ActionRefused("Only your own messages can be changed.")
    return channel, message


async def react(emu: Emulation, person: str, args: Args) -> Result:
    """Add a reaction, or take it away with remove."""
    channel = find_place(emu, person, args)
    message = find_shown(emu, person, channel, str(args.get("ts", "")))
    name = str(args.get("name", "")).strip(":")
    if message.get("ephemeral"):
        raise ActionRefused("A message that only you see can not get reactions.")
    change = emu.space.unreact if args.get("remove") else emu.space.react
    return {"changed": change(channel, message, name, person)}


async def stop_stream(emu: Emulation, person: str, args: Args) -> Result:
    """Stop an answer that is still being streamed; the app's next append fails with stopped_by_user."""
    channel = find_place(emu, person, args)
    message = find_shown(emu, person, channel, str(args.get("ts", "")))
    stream = emu.streams.find(channel.id, message["ts"])
    if stream is None or stream.ended:
        raise ActionRefused("That answer is complete already.")
    stream.ended = "stopped_by_user"
    message["streaming_state"] = "stopped"
    emu.space.tell(Change(What.REDRAWN, channel, message))
    event = {"type": "agent_session_stopped", "user": person, "channel": channel.id, "message_ts": message["ts"]}
    event |= {"thread_ts": message.get("thread_ts", message["ts"]), "event_ts": emu.clock.next_ts()}
    emu.feed.send(event, channel)
    return {}


async def history(emu: Emulation, person: str, args: Args) -> Result:
    """Read a channel, oldest first; messages that only this person sees are among them."""
    channel = find_readable(emu, person, args)
    before = str(args["before"]) if args.get("before") else None
    messages, more = channel.log.top_level(before, int(args.get("limit") or HISTORY_LIMIT))
    first = messages[0]["ts"] if messages and more else ""
    own = [
        one
        for place, one in emu.space.ephemerals.get(person, [])
        if place == channel.id
        and "thread_ts" not in one
        and first <= one["ts"]
        and (before is None or one["ts"] < before)
    ]
    return {"messages": _in_order(messages, own), "more": more, "channel": channel.id}


async def replies(emu: Emulation, person: str, args: Args) -> Result:
    """Read a thread, the parent first."""
    channel = find_readable(emu, person, args)
    ts = str(args.get("thread_ts", ""))
    find_shown(emu, person, channel, ts)
    if channel.log.find(ts) is None:
        return {"messages": [find_shown(emu, person, channel, ts)], "channel": channel.id}
    own = [
        one for place, one in emu.space.ephemerals.get(person, []) if place == channel.id and one.get("thread_ts") == ts
    ]
    return {"messages": _in_order(channel.log.thread(ts), own), "channel": channel.id}


def _in_order(messages: list[Message], own: list[Message]) -> list[Message]:
    return sorted([*messages, *own], key=lambda one: str(one["ts"])) if own else messages


async def mark_read(emu: Emulation, person: str, args: Args) -> Result:
    """Note that everything in a channel was read."""
    emu.space.mark_read(find_place(emu, person, args), person)
    return {}


async def open_im(emu: Emulation, person: str, args: Args) -> Result:
    """Open the direct message with somebody (user), or with a few people (users)."""
    wanted = args.get("users") or [args.get("user", "")]
    channel = emu.space.open_group((person, *(find_person(emu, str(one)) for one in wanted)))
    return {"channel": channel.id}


async def join(emu: Emulation, person: str, args: Args) -> Result:
    """Join a public channel, or invite somebody (user) into a channel of one's own."""
    where = str(args.get("channel", ""))
    channel = emu.space.find_channel(where)
    if channel is None or (channel.kind is not Kind.CHANNEL and person not in channel.members):
        raise ActionRefused(f"There is no channel {where!r} to join.")
    newcomer = find_person(emu, str(args["user"])) if args.get("user") else person
    return {"channel": channel.id, "joined": emu.space.join(channel, newcomer)}
