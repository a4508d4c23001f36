"""The trouble panel: faults, violations, the clock, and what a test may change in the workspace."""

from collections.abc import Mapping
from typing import Any

from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.installed_app import TokenState
from evalbot.playground.people import HOME_TEAM, PARTNER_TEAM, Person
from evalbot.playground.refusals import ActionRefused
from evalbot.playground.talking import find_person

Args = Mapping[str, Any]
Result = dict[str, Any]


async def faults(emu: Emulation, person: str, args: Args) -> Result:
    """Set troubles and return those that are on.

    outage: seconds (0 ends it), outage_trouble: server_error or reset; slow: seconds per call; duplicates: how many of the
    next deliveries come with extra copies (copies: 1); next_call: {trouble, method, times, code, seconds}; drop_sockets,
    silence_sockets: true for those open now; disconnect: a reason; clear: true ends all.
    """
    if args.get("clear"):
        emu.faults.clear()
    if "outage" in args:
        emu.faults.outage(float(args["outage"]), str(args.get("outage_trouble") or "server_error"))
    if "slow" in args:
        emu.faults.slow_down(float(args["slow"]))
    if "duplicates" in args:
        emu.faults.duplicate(int(args["duplicates"]), int(args.get("copies") or 1))
    if isinstance(args.get("next_call"), dict):
        emu.faults.next_call(**args["next_call"])
    if args.get("drop_sockets"):
        emu.faults.drop_sockets()
    if args.get("silence_sockets"):
        emu.faults.silence_sockets()
    if args.get("disconnect"):
        await emu.delivery.sockets.disconnect(str(args["disconnect"]))
    return {"faults": emu.faults.as_json() | {"connections": emu.delivery.sockets.connections}}


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
        team=PARTNER_TEAM if args.get("outsider") else HOME_TEAM,
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
