"""The people of the workspace and how Slack and the page describe them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

HOME_TEAM = "T0ACME001"
PARTNER_TEAM = "T0PARTNER1"
SECOND_TEAM = "T0GLOBEX1"
_PICTURE_SIZES = (24, 32, 48, 72, 192, 512)


@dataclass(frozen=True)
class Person:
    """One member of the workspace, a guest, a visitor of a partner organisation, or the bot."""

    id: str
    name: str
    real_name: str
    title: str = ""
    tz: str = "Europe/London"
    color: str = "4a6fa5"
    team: str = HOME_TEAM
    is_bot: bool = False
    is_guest: bool = False

    @property
    def initials(self) -> str:
        """The first letters of the first two words of the name."""
        return "".join(word[0] for word in self.real_name.split()[:2]).upper()


ACME_PEOPLE = (
    Person("U0DANA001", "dana", "Dana Osei", "Product manager", "Europe/Berlin", "b5533c"),
    Person("U0LEE0001", "lee", "Lee Chen", "Support lead", "Asia/Singapore", "2f7d6b"),
    Person("U0KIM0001", "kim", "Kim Alvarez", "Engineer", "America/New_York", "5b4b9a"),
    Person("U0SAM0001", "sam", "Sam Novak", "Support agent", "Europe/Prague", "a3762a"),
    Person("U0ADA0001", "ada", "Ada Park", "Billing expert", "Europe/London", "3a6ea5"),
    Person("U0GUS0001", "gus", "Gus Moreau", "Contractor (guest)", "Europe/Paris", "7a7a7a", is_guest=True),
    Person("U0PIA0001", "pia", "Pia Lindqvist", "Partner, Northwind", "Europe/Stockholm", "9a3f6b", PARTNER_TEAM),
)

SECOND_PEOPLE = (
    Person("U0NORA001", "nora", "Nora Feld", "Quality lead", "Europe/Vienna", "52796f", SECOND_TEAM),
    Person("U0OMAR001", "omar", "Omar Said", "Support agent", "Africa/Cairo", "a8623a", SECOND_TEAM),
)


@dataclass(frozen=True)
class Onlooker:
    """Who looks at people: the workspace, the app in it, and what the app may see. base_url: where pictures are."""

    team: str
    bot_id: str
    app_id: str
    base_url: str
    sees_email: bool


def email_of(person: Person) -> str:
    """Return the made-up email address of a person."""
    return f"{person.name}@{person.team.lower()}.example"


def slack_user(person: Person, onlooker: Onlooker) -> dict[str, Any]:
    """Return the user object of the Web API."""
    offset = datetime.now(UTC).astimezone(ZoneInfo(person.tz)).utcoffset()
    user: dict[str, Any] = {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "color": person.color,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "has_2fa": False,
        "updated": 1760000000,
        "profile": _profile(person, onlooker),
    }
    if person.team != onlooker.team:
        user["is_stranger"] = True
    return user


def _profile(person: Person, onlooker: Onlooker) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "real_name": person.real_name,
        "display_name": person.name,
        "real_name_normalized": person.real_name,
        "display_name_normalized": person.name,
        "first_name": person.real_name.partition(" ")[0],
        "last_name": person.real_name.partition(" ")[2],
        "title": person.title,
        "phone": "",
        "skype": "",
        "team": person.team,
        "avatar_hash": "",
        "status_text": "",
        "status_emoji": "",
    }
    picture = f"{onlooker.base_url}/avatar/{person.id}"
    profile |= {f"image_{size}": picture for size in _PICTURE_SIZES}
    if person.is_bot:
        profile |= {"bot_id": onlooker.bot_id, "api_app_id": onlooker.app_id, "always_active": True}
    elif onlooker.sees_email:
        profile["email"] = email_of(person)
    return profile


def avatar_svg(person: Person) -> str:
    """Return the picture of a person: a square with the initials."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">'
        f'<rect width="72" height="72" rx="14" fill="#{person.color}"/>'
        '<text x="36" y="46" fill="#fff" font-family="sans-serif" font-size="28" text-anchor="middle">'
        f"{escape(person.initials)}</text></svg>"
    )


def page_person(person: Person) -> dict[str, Any]:
    """Return the person as the page shows it."""
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "tz": person.tz,
        "color": person.color,
        "initials": person.initials,
        "is_bot": person.is_bot,
        "is_guest": person.is_guest,
        "team": person.team,
    }
