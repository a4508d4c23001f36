"""The methods of the Web API about assistant threads and the sessions of agents."""

from evalbot.playground.api_method import Method, Reply, find_channel
from evalbot.playground.arguments import Arguments
from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

LOADING_MESSAGES_MAX = 10
PROMPTS_MAX = 4
TITLE_MAX = 255
SESSION_STATES = ("active", "processing", "suspended", "closed")


def _thread(emu: Emulation, args: Arguments, error: str = "invalid_thread_ts") -> tuple[Channel, str]:
    channel = find_channel(emu, args.text("channel_id"))
    if channel.log.find(args.text("thread_ts")) is None:
        raise ApiError(error)
    return channel, args.text("thread_ts")


def set_status(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setStatus; the status stays until the next reply or two minutes."""
    channel, thread_ts = _thread(emu, args)
    messages = args.data("loading_messages") or []
    if not isinstance(messages, list) or len(messages) > LOADING_MESSAGES_MAX:
        raise ApiError.invalid_arguments(
            f"no more than {LOADING_MESSAGES_MAX} items allowed [json-pointer:/loading_messages]"
        )
    emu.threads.set_status(channel.id, thread_ts, args.text("status"), [str(one) for one in messages])
    return {}


def set_title(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setTitle."""
    channel, thread_ts = _thread(emu, args)
    emu.threads.set_session(channel.id, thread_ts, title=args.text("title")[:TITLE_MAX])
    return {}


def set_prompts(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setSuggestedPrompts."""
    if not emu.app.is_agent:
        raise ApiError("not_agent_app")
    channel, thread_ts = find_channel(emu, args.text("channel_id")), ""
    if "thread_ts" in args:
        channel, thread_ts = _thread(emu, args)
    prompts = args.data("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= PROMPTS_MAX:
        raise ApiError.invalid_arguments(f"no more than {PROMPTS_MAX} items allowed [json-pointer:/prompts]")
    for place, prompt in enumerate(prompts):
        for name in ("title", "message"):
            if not isinstance(prompt, dict) or not isinstance(prompt.get(name), str) or not prompt[name]:
                raise ApiError.invalid_arguments(
                    f"missing required field: {name} [json-pointer:/prompts/{place}/{name}]"
                )
    found = [{"title": one["title"], "message": one["message"]} for one in prompts]
    emu.threads.set_prompts(channel.id, thread_ts, found, args.text("title") if "title" in args else "")
    return {}


def _session_place(emu: Emulation, args: Arguments) -> tuple[Channel, str]:
    """Return where a session is: in a thread, or in a direct message as a whole ("")."""
    if not emu.app.is_agent:
        raise ApiError("feature_disabled")
    channel = find_channel(emu, args.text("channel_id"))
    if channel.kind is not Kind.IM and "thread_ts" not in args:
        raise ApiError("thread_ts_required")
    if "thread_ts" in args and channel.log.find(args.text("thread_ts")) is None:
        raise ApiError("session_not_found")
    return channel, args.text("thread_ts")


def set_session_status(emu: Emulation, args: Arguments) -> Reply:
    """Answer agents.sessions.setStatus."""
    channel, thread_ts = _session_place(emu, args)
    if args.text("status") not in SESSION_STATES:
        raise ApiError("invalid_status")
    if "initiator_user_id" in args and args.text("initiator_user_id") not in emu.space.people:
        raise ApiError("user_not_found")
    title = args.text("title") if "title" in args else None
    emu.threads.set_session(channel.id, thread_ts, state=args.text("status"), title=title)
    return {}


def rename_session(emu: Emulation, args: Arguments) -> Reply:
    """Answer agents.sessions.rename."""
    channel, thread_ts = _session_place(emu, args)
    if channel.is_archived:
        raise ApiError("is_archived")
    known = emu.threads.find(channel.id, thread_ts)
    if known is None or not known.state:
        raise ApiError("session_not_found")
    if not args.text("title").strip() or len(args.text("title")) > TITLE_MAX:
        raise ApiError("invalid_name")
    emu.threads.set_session(channel.id, thread_ts, title=args.text("title"))
    return {}


METHODS = {
    "assistant.threads.setStatus": Method(
        set_status, Tier.SPECIAL, ("chat:write",), required=("channel_id", "thread_ts")
    ),
    "assistant.threads.setTitle": Method(
        set_title, Tier.FOUR, ("assistant:write",), required=("channel_id", "thread_ts", "title")
    ),
    "assistant.threads.setSuggestedPrompts": Method(
        set_prompts, Tier.FOUR, ("assistant:write",), required=("channel_id", "prompts")
    ),
    "agents.sessions.setStatus": Method(
        set_session_status, Tier.THREE, ("chat:write",), required=("channel_id", "status")
    ),
    "agents.sessions.rename": Method(rename_session, Tier.THREE, ("chat:write",), required=("channel_id", "title")),
}
