"""The trouble panel: faults, violations, the clock, and what a test may change in the workspace."""

from collections.abc import Mapping
from typing import Any

from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.files import File
from evalbot.playground.installed_app import TokenState
from evalbot.playground.people import PARTNER_TEAM, Person
from evalbot.playground.refusals import ActionRefused
from evalbot.playground.talking import find_person

Args = Mapping[str, Any]
Result = dict[str, Any]


async def faults(emu: Emulation, person: str, args: Args) -> Result:
    """Set troubles and return those that are on.

    outage: seconds (0 ends it), outage_trouble: server_error or reset; slow: seconds per call; duplicates: how many of the
    next deliveries come with extra copies (copies: 1); late: how many of the next events come `delay` seconds later;
    reorder: how many of the next events come in reverse; next_call: {trouble, method, times, code, seconds};
    drop_sockets, silence_sockets: true for those open now; disconnect: a reason; clear: true ends all.
    """
    if args.get("clear"):
        emu.faults.clear()
    _set_calls(emu, args)
    _set_deliveries(emu, args)
    if args.get("drop_sockets"):
        emu.faults.drop_sockets()
    if args.get("silence_sockets"):
        emu.faults.silence_sockets()
    if args.get("disconnect"):
        await emu.delivery.sockets.disconnect(str(args["disconnect"]))
    return {"faults": emu.faults.as_json() | {"connections": emu.delivery.sockets.connections}}


def _set_calls(emu: Emulation, args: Args) -> None:
    if "outage" in args:
        emu.faults.outage(float(args["outage"]), str(args.get("outage_trouble") or "server_error"))
    if "slow" in args:
        emu.faults.slow_down(float(args["slow"]))
    if isinstance(args.get("next_call"), dict):
        emu.faults.next_call(**args["next_call"])


def _set_deliveries(emu: Emulation, args: Args) -> None:
    if "duplicates" in args:
        emu.faults.duplicate(int(args["duplicates"]), int(args.get("copies") or 1))
    if "late" in args:
        emu.faults.delay_events(int(args["late"]), float(args.get("delay") or 60))
    if "reorder" in args:
        emu.faults.reorder(int(args["reorder"]))


async def waiting(emu: Emulation, person: str, args: Args) -> Result:
    """List what is not finished: events without acknowledgement, scheduled messages, uploads to be shared, streams."""
    now = emu.clock.now()
    rows = [
        {"what": one.label, "state": f"sent {one.attempt + 1}×, not acknowledged", "since": one.since}
        for one in emu.delivery.waiting()
    ]
    rows += [
        {"what": f"message for {_place(emu, one.channel)}", "state": "scheduled", "due": one.post_at}
        for one in emu.scheduled.values()
    ]
    rows += [
        {"what": f"file {one.name}", "state": _upload_state(one), "since": one.created}
        for one in emu.files.unfinished()
    ]
    rows += [
        {"what": f"answer in {_place(emu, emu.space.channels[one.channel])}", "state": "streaming", "since": float(ts)}
        for one in emu.streams.running()
        for ts in [one.message["ts"]]
    ]
    return {"waiting": rows, "now": now}


def _place(emu: Emulation, channel: Channel) -> str:
    return f"#{channel.name}" if channel.name else "a direct message"


def _upload_state(file: File) -> str:
    if file.content is None:
        return "announced, no bytes yet"
    return "uploaded, not completed"


async def install_elsewhere(emu: Emulation, person: str, args: Args) -> Result:
    """Let the second workspace install the app too, and return what an app needs to work in it."""
    second = emu.all()[1]
    second.install()
    return describe_installation(second)


def describe_installation(emu: Emulation) -> Result:
    """Return team_id, bot_token, channels and users of a workspace, ids by name."""
    return {
        "team_id": emu.space.id,
        "bot_token": emu.app.bot_token,
        "channels": {one.name: one.id for one in emu.space.channels.values() if one.name},
        "users": {one.name: one.id for one in emu.space.people.values()},
    }


async def violations(emu: Emulation, person: str, args: Args) -> Result:
    """List what the app did wrong; clear: true forgets it first."""
    if args.get("clear"):
        emu.violations.clear()
    found = [one.as_json() for one in emu.violations]
    return {"violations": found, "count": len(found)}


async def clock(emu: Emulation, person: str, args: Args) -> Result:
    """Move the clock forward by `advance` seconds, or to the moment `now`; return what it shows."""
    if args.get("now"):
        emu.clock.advance(max(0.0, float(args["now"]) - emu.clock.now()))
    elif args.get("advance"):
        emu.clock.advance(float(args["advance"]))
    return {"now": emu.clock.now()}


async def add_person(emu: Emulation, person: str, args: Args) -> Result:
    """Let somebody new in: name, real_name, title, tz, guest, outsider, and channels to join."""
    name = str(args["name"])
    if emu.space.find_person(name):
        raise ActionRefused(f"There is somebody called {name!r} already.")
    newcomer = Person(
        f"U1{len(emu.space.people):07d}",
        name,
        str(args.get("real_name") or name.title()),
        str(args.get("title") or ""),
        str(args.get("tz") or "Europe/London"),
        team=PARTNER_TEAM if args.get("outsider") else emu.space.id,
        is_guest=bool(args.get("guest")),
    )
    emu.space.add_person(newcomer)
    for where in args.get("channels") or []:
        channel = emu.space.find_channel(str(where))
        if channel is None:
            raise ActionRefused(f"There is no channel {where!r}.")
        emu.space.join(channel, newcomer.id)
    return {"id": newcomer.id}


async def add_channel(emu: Emulation, person: str, args: Args) -> Result:
    """Create a channel: name, private, shared, topic, members (ids or names), with the bot unless bot is false."""
    members = [find_person(emu, str(one)) for one in args.get("members") or []]
    if args.get("bot", True):
        members.append(emu.app.bot_user)
    kind = Kind.PRIVATE if args.get("private") else Kind.CHANNEL
    channel = Channel(f"C1{len(emu.space.channels):07d}", str(args["name"]), kind, str(args.get("topic") or ""))
    channel.shared = bool(args.get("shared"))
    emu.space.add_channel(channel, members)
    return {"id": channel.id}


async def archive(emu: Emulation, person: str, args: Args) -> Result:
    """Archive a channel."""
    channel = emu.space.find_channel(str(args.get("channel", "")))
    if channel is None:
        raise ActionRefused("There is no such channel.")
    channel.is_archived = True
    return {}


async def token(emu: Emulation, person: str, args: Args) -> Result:
    """Set whether the bot token works: valid, token_revoked, account_inactive or token_expired."""
    emu.app.token_state = TokenState(str(args.get("state", "valid")))
    if emu.app.token_state is TokenState.REVOKED:
        tokens = {"oauth": [], "bot": [emu.app.bot_user]}
        emu.feed.send({"type": "tokens_revoked", "tokens": tokens, "event_ts": emu.clock.next_ts()})
    return {}


async def request_url(emu: Emulation, person: str, args: Args) -> Result:
    """Switch to HTTP mode with this url ("" switches back); verify: true sends the challenge first."""
    emu.delivery.http.url = str(args.get("url", ""))
    if args.get("verify") and not await emu.delivery.http.verify():
        emu.delivery.http.url = ""
        raise ActionRefused("The url did not give the challenge back; check that the app runs there.")
    return {}
