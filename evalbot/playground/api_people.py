"""The methods of the Web API about the app itself, people and the team."""

from typing import Any

from evalbot.playground.api_method import Method, Reply, TokenKind, page_of, with_cursor
from evalbot.playground.arguments import Arguments
from evalbot.playground.emulation import Emulation
from evalbot.playground.installed_app import TokenState
from evalbot.playground.people import Onlooker, Person, email_of, slack_user
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

PICTURE_SIZES = (34, 44, 68, 88, 102, 132)


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
    app = emu.app
    sees_email = "users:read.email" in app.scopes
    return slack_user(person, Onlooker(emu.space.id, app.bot_id, app.app_id, emu.base_url, sees_email))


def user_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.info."""
    person = emu.space.people.get(args.text("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": _describe(emu, person)}


def list_users(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.list; people of other organisations are left out."""
    own = [one for one in emu.space.people.values() if not emu.space.is_outsider(one)]
    page, cursor = page_of(own, args, 1000, 1000)
    return with_cursor({"members": [_describe(emu, one) for one in page], "cache_ts": int(emu.clock.now())}, cursor)


def bot_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer bots.info."""
    if args.text("bot", emu.app.bot_id) != emu.app.bot_id:
        raise ApiError("bot_not_found")
    bot = {"id": emu.app.bot_id, "deleted": False, "name": emu.app.name, "updated": 1760000000}
    icons = {f"image_{size}": f"{emu.base_url}/avatar/{emu.app.bot_user}" for size in (36, 48, 72)}
    return {"bot": bot | {"app_id": emu.app.app_id, "user_id": emu.app.bot_user, "icons": icons}}


def team_info(emu: Emulation, args: Arguments) -> Reply:
    """Answer team.info."""
    picture = f"{emu.base_url}/static/icon.svg"
    icon: dict[str, Any] = {f"image_{size}": picture for size in PICTURE_SIZES}
    team = {"id": emu.space.id, "name": emu.space.name, "url": f"{emu.base_url}/", "domain": emu.space.domain}
    return {"team": team | {"email_domain": "", "icon": icon | {"image_default": True}}}


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
            "is_external": False,
            "name": group["name"],
            "handle": group["handle"],
            "description": "",
            "date_create": 1760000000,
            "date_update": 1760000000,
            "date_delete": 0,
            "auto_type": None,
            "created_by": group["users"][0],
            "updated_by": group["users"][0],
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": str(len(group["users"])),
        }
        rows.append(row | ({"users": group["users"]} if args.flag("include_users") else {}))
    return {"usergroups": rows}


def list_group_users(emu: Emulation, args: Arguments) -> Reply:
    """Answer usergroups.users.list."""
    group = emu.space.user_groups.get(args.text("usergroup"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": group["users"]}


def find_by_email(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.lookupByEmail."""
    found = [one for one in emu.space.people.values() if email_of(one) == args.text("email") and not one.is_bot]
    if not found:
        raise ApiError("users_not_found")
    return {"user": _describe(emu, found[0])}


METHODS = {
    "auth.test": Method(auth_test, Tier.SPECIAL),
    "auth.revoke": Method(auth_revoke, Tier.THREE, reads_json=False),
    "apps.connections.open": Method(open_socket, Tier.THREE, token=TokenKind.APP),
    "users.info": Method(user_info, Tier.FOUR, ("users:read",), reads_json=False, required=("user",)),
    "users.list": Method(list_users, Tier.TWO, ("users:read",), reads_json=False),
    "users.lookupByEmail": Method(
        find_by_email, Tier.THREE, ("users:read.email",), reads_json=False, required=("email",)
    ),
    "bots.info": Method(bot_info, Tier.THREE, ("users:read",), reads_json=False),
    "team.info": Method(team_info, Tier.THREE, ("team:read",)),
    "emoji.list": Method(list_emoji, Tier.TWO, ("emoji:read",), reads_json=False),
    "usergroups.list": Method(list_groups, Tier.TWO, ("usergroups:read",), reads_json=False),
    "usergroups.users.list": Method(
        list_group_users, Tier.TWO, ("usergroups:read",), reads_json=False, required=("usergroup",)
    ),
}
