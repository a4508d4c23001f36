"""The methods of the Web API for messages that are posted later."""

from evalbot.playground.api_chat import need_writable
from evalbot.playground.api_method import Method, Reply, find_channel, page_of, with_cursor
from evalbot.playground.arguments import Arguments
from evalbot.playground.bot_messages import compose, put_in_thread
from evalbot.playground.emulation import Emulation, Scheduled
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

DAYS_MAX = 120
PER_CHANNEL = 30
NEAR_SECONDS = 300
DELETE_SECONDS = 60


def schedule_message(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.scheduleMessage."""
    channel = find_channel(emu, args.text("channel"), by_name=True)
    need_writable(emu, channel)
    post_at, now = _moment(args), emu.clock.now()
    if post_at <= now:
        raise ApiError("time_in_past")
    if post_at > now + DAYS_MAX * 86_400:
        raise ApiError("time_too_far")
    planned = [one for one in emu.scheduled.values() if one.channel is channel]
    if len([one for one in planned if abs(one.post_at - post_at) < NEAR_SECONDS]) >= PER_CHANNEL:
        raise ApiError("restricted_too_many")
    message = compose(emu, args, "chat.scheduleMessage")
    put_in_thread(channel, args, message)
    one = Scheduled(f"Q{next(emu.numbers):010d}", channel, message, post_at, int(now))
    emu.scheduled[one.id] = one
    emu.background.call_later(post_at - now, lambda: _post(emu, one))
    return {"channel": channel.id, "scheduled_message_id": one.id, "post_at": post_at, "message": dict(message)}


def _moment(args: Arguments) -> int:
    try:
        return int(args.text("post_at"))
    except ValueError:
        raise ApiError("invalid_time") from None


def _post(emu: Emulation, planned: Scheduled) -> None:
    """Post a message whose moment has come, unless it was called off or the channel was archived since."""
    if emu.scheduled.pop(planned.id, None) is not None and not planned.channel.is_archived:
        emu.space.post(planned.channel, planned.message)


def delete_scheduled(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.deleteScheduledMessage; in the last minute it is too late."""
    planned = emu.scheduled.get(args.text("scheduled_message_id"))
    channel = find_channel(emu, args.text("channel"))
    if planned is None or planned.channel is not channel or planned.post_at - emu.clock.now() < DELETE_SECONDS:
        raise ApiError("invalid_scheduled_message_id")
    del emu.scheduled[planned.id]
    return {}


def list_scheduled(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.scheduledMessages.list, the next one first."""
    wanted = args.text("channel")
    if wanted and wanted not in emu.space.channels:
        raise ApiError("invalid_channel")
    oldest, latest = args.number("oldest", 0), args.number("latest", 0)
    found = [
        one
        for one in emu.scheduled.values()
        if wanted in ("", one.channel.id) and one.post_at >= oldest and (not latest or one.post_at <= latest)
    ]
    page, cursor = page_of(sorted(found, key=lambda one: one.post_at), args, 100, 999)
    rows = [
        {
            "id": one.id,
            "channel_id": one.channel.id,
            "post_at": one.post_at,
            "date_created": one.made_at,
            "text": one.message["text"],
        }
        for one in page
    ]
    return with_cursor({"scheduled_messages": rows}, cursor)


METHODS = {
    "chat.scheduleMessage": Method(schedule_message, Tier.THREE, ("chat:write",), required=("channel", "post_at")),
    "chat.deleteScheduledMessage": Method(
        delete_scheduled, Tier.THREE, ("chat:write",), required=("channel", "scheduled_message_id")
    ),
    "chat.scheduledMessages.list": Method(list_scheduled, Tier.THREE),
}
