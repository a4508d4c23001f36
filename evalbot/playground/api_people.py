"""The methods of the Web API about the app itself, people, the team and assistant threads."""

from evalbot.playground.api_method import Method, Reply, find_channel, missing_scope, page_of, with_cursor
from evalbot.playground.arguments import Arguments
from evalbot.playground.emulation import Emulation
from evalbot.playground.installed_app import TokenState
from evalbot.playground.people import Person, slack_user
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

LOADING_MESSAGES_MAX = 10
PROMPTS_MAX = 4


def auth_test(emu: Emulation, args: Arguments) -> Reply:
    """Answer auth.test."""
    return {
        "url": f"{emu.base_url}/",
        "team": emu.space.name,
        "user": emu.app.name,
        "team_id": emu.space.id,
        "user_id": emu.app.bot_user,
        "bot_id": emu.app.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(emu: Emulation, args: Arguments) -> Reply:
    """Answer auth.revoke: the bot token stops working."""
    is_test = args.flag("test")
    if not is_test:
        emu.app.token_state = TokenState.REVOKED
    return {"revoked": not is_test}


def open_socket(emu: Emulation, args: Arguments) -> Reply:
    """Answer apps.connections.open with a url for one use."""
    if not emu.app.socket_mode:
        raise ApiError("forbidden_team")
    host = emu.base_url.removeprefix("http://")
    return {"url": f"ws://{host}/socket/{emu.keys.make_ticket()}"}


def _describe(emu: Emulation, person: Person) -> Reply:
    return slack_user(person, emu.app.bot_id, emu.app.app_id)


def user_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.info."""
    person = emu.space.people.get(args.text("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": _describe(emu, person)}


def list_users(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.list; people of other organisations are left out."""
    own = [one for one in emu.space.people.values() if not one.is_outsider]
    page, cursor = page_of(own, args, 1000, 1000)
    return with_cursor({"members": [_describe(emu, one) for one in page], "cache_ts": int(emu.clock.now())}, cursor)


def bot_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer bots.info."""
    if args.text("bot", emu.app.bot_id) != emu.app.bot_id:
        raise ApiError("bot_not_found")
    bot = {"id": emu.app.bot_id, "deleted": False, "name": emu.app.name, "updated": 1760000000}
    return {"bot": bot | {"app_id": emu.app.app_id, "user_id": emu.app.bot_user, "icons": {}}}


def team_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer team.info."""
    return {
        "team": {"id": emu.space.id, "name": emu.space.name, "domain": emu.space.domain, "email_domain": "", "icon": {}}
    }


def list_emoji(emu: Emulation, args: Arguments) -> Reply:
    """Answer emoji.list: the workspace has no emoji of its own."""
    return {"emoji": {}, "cache_ts": str(emu.clock.now())}


def list_groups(emu: Emulation, args: Arguments) -> Reply:
    """Answer usergroups.list."""
    rows = []
    for group_id, group in emu.space.user_groups.items():
        row = {
            "id": group_id,
            "team_id": emu.space.id,
            "is_usergroup": True,
            "name": group["name"],
            "handle": group["handle"],
        }
        rows.append(row | ({"users": group["users"]} if args.flag("include_users") else {}))
    return {"usergroups": rows}


def list_group_users(emu: Emulation, args: Arguments) -> Reply:
    """Answer usergroups.users.list."""
    group = emu.space.user_groups.get(args.text("usergroup"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": group["users"]}


def set_status(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setStatus; the status stays until the next reply or two minutes."""
    channel = find_channel(emu, args.text("channel_id"))
    if channel.log.find(args.text("thread_ts")) is None:
        raise ApiError("invalid_thread_ts")
    messages = args.data("loading_messages") or []
    if len(messages) > LOADING_MESSAGES_MAX:
        raise ApiError.invalid_arguments(
            f"no more than {LOADING_MESSAGES_MAX} items allowed [json-pointer:/loading_messages]"
        )
    emu.statuses[channel.id, args.text("thread_ts")] = args.text("status")
    return {}


def _need_agent(emu: Emulation, args: Arguments) -> None:
    if not emu.app.is_agent:
        raise ApiError("not_agent_app")
    find_channel(emu, args.text("channel_id"))


def set_title(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setTitle."""
    channel = find_channel(emu, args.text("channel_id"))
    if channel.log.find(args.text("thread_ts")) is None:
        raise ApiError("invalid_thread_ts")
    return {}


def set_prompts(emu: Emulation, args: Arguments) -> Reply:
    """Answer assistant.threads.setSuggestedPrompts."""
    _need_agent(emu, args)
    prompts = args.data("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= PROMPTS_MAX:
        raise ApiError.invalid_arguments(f"no more than {PROMPTS_MAX} items allowed [json-pointer:/prompts]")
    return {}


def find_by_email(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.lookupByEmail: nobody here has an email address."""
    if "users:read.email" not in emu.app.scopes:
        raise missing_scope(emu, "users:read.email")
    raise ApiError("users_not_found")


METHODS = {
    "auth.test": Method(auth_test, Tier.SPECIAL),
    "auth.revoke": Method(auth_revoke, Tier.THREE, reads_json=False),
    "apps.connections.open": Method(open_socket, Tier.THREE, is_app_level=True),
    "users.info": Method(user_info, Tier.FOUR, ("users:read",), reads_json=False, required=("user",)),
    "users.list": Method(list_users, Tier.TWO, ("users:read",), reads_json=False),
    "users.lookupByEmail": Method(find_by_email, Tier.THREE, reads_json=False, required=("email",)),
    "bots.info": Method(bot_info, Tier.THREE, ("users:read",), reads_json=False),
    "team.info": Method(team_info, Tier.THREE, ("team:read",)),
    "emoji.list": Method(list_emoji, Tier.TWO, ("emoji:read",), reads_json=False),
    "usergroups.list": Method(list_groups, Tier.TWO, ("usergroups:read",), reads_json=False),
    "usergroups.users.list": Method(
        list_group_users, Tier.TWO, ("usergroups:read",), reads_json=False, required=("usergroup",)
    ),
    "assistant.threads.setStatus": Method(
        set_status, Tier.SPECIAL, ("chat:write",), required=("channel_id", "thread_ts", "status")
    ),
    "assistant.threads.setTitle": Method(
        set_title, Tier.FOUR, ("assistant:write",), required=("channel_id", "thread_ts", "title")
    ),
    "assistant.threads.setSuggestedPrompts": Method(
        set_prompts, Tier.FOUR, ("assistant:write",), required=("channel_id", "prompts")
    ),
}
