"""The state of the workspace: people, channels, messages, and an announcement of every change."""

from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evalbot.playground.channels import Channel, Kind
from evalbot.playground.clock import Clock
from evalbot.playground.installed_app import InstalledApp
from evalbot.playground.messages import Message, add_reaction, remove_reaction
from evalbot.playground.people import ACME_PEOPLE, HOME_TEAM, SECOND_PEOPLE, SECOND_TEAM, Person
from evalbot.playground.typed_text import FindName, name_finder

BROADCASTS = ("<!channel", "<!here", "<!everyone")


class What(StrEnum):
    """The kinds of change that listeners hear of."""

    POSTED = "posted"
    CHANGED = "changed"
    DELETED = "deleted"
    REDRAWN = "redrawn"
    EPHEMERAL = "ephemeral"
    REACTED = "reacted"
    UNREACTED = "unreacted"
    CHANNEL = "channel"
    JOINED = "joined"
    FILE_SHARED = "file_shared"
    PEOPLE = "people"


@dataclass(frozen=True)
class Change:
    """One thing that happened. person: who did it, or for an ephemeral message who sees it."""

    what: What
    channel: Channel | None = None
    message: Message = field(default_factory=dict)
    previous: Message = field(default_factory=dict)
    person: str = ""
    name: str = ""


Listener = Callable[[Change], None]


class Workspace:
    """People, channels and messages. Every method that changes something tells the listeners at once."""

    def __init__(self, clock: Clock, app: InstalledApp, name: str = "Acme", team: str = HOME_TEAM) -> None:
        """Start with the bot as the only member."""
        self.id, self.name, self.domain = team, name, name.lower()
        self.clock, self.app = clock, app
        bot = Person(app.bot_user, app.name, app.name, "App", "Etc/UTC", "2b2d42", team, is_bot=True)
        self.people: dict[str, Person] = {bot.id: bot}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: dict[str, list[tuple[str, Message]]] = {}
        self.unread: Counter[tuple[str, str]] = Counter()
        self.mentions: Counter[tuple[str, str]] = Counter()
        self.user_groups: dict[str, dict[str, Any]] = {}
        self._groups: dict[frozenset[str], Channel] = {}
        self._listeners: list[Listener] = []
        self._finder: FindName | None = None

    def listen(self, listener: Listener) -> None:
        """Call the listener with every change from now on."""
        self._listeners.append(listener)

    def tell(self, change: Change) -> None:
        """Tell all listeners of a change."""
        for listener in self._listeners:
            listener(change)

    # --- people and channels ---------------------------------------------------------------------

    def add_person(self, person: Person) -> Person:
        """Let somebody into the workspace."""
        self.people[person.id] = person
        self._finder = None
        self.tell(Change(What.PEOPLE, person=person.id))
        return person

    def add_channel(self, channel: Channel, members: Iterable[str] = ()) -> Channel:
        """Create a channel with its first members; nobody is told that they joined."""
        self.channels[channel.id] = channel
        channel.members |= dict.fromkeys(members)
        self._finder = None
        self.tell(Change(What.CHANNEL, channel))
        return channel

    def join(self, channel: Channel, person: str) -> bool:
        """Make a person a member; False when they were already."""
        if person in channel.members:
            return False
        channel.members[person] = None
        self.tell(Change(What.JOINED, channel, person=person))
        return True

    def find_person(self, who: str) -> Person | None:
        """Return the person with this id, name or real name (with or without @), or None."""
        word = who.removeprefix("@")
        if word in self.people:
            return self.people[word]
        return next((one for one in self.people.values() if word.lower() in (one.name, one.real_name.lower())), None)

    def find_channel(self, where: str) -> Channel | None:
        """Return the channel with this id or name (with or without #), or None."""
        if where in self.channels:
            return self.channels[where]
        name = where.removeprefix("#")
        return next((one for one in self.channels.values() if one.name == name and one.kind is not Kind.IM), None)

    def open_im(self, first: str, second: str) -> Channel:
        """Return the direct message of two people, created when there was none."""
        return self.open_group((first, second))

    def open_group(self, people: Iterable[str]) -> Channel:
        """Return the direct message of these people, created when there was none."""
        together = tuple(dict.fromkeys(people))
        key = frozenset(together)
        if key not in self._groups:
            number = f"0{len(self._groups) + 1:07d}"
            if len(together) <= 2:
                channel = Channel(f"D{number}", "", Kind.IM)
            else:
                names = "--".join(self.people[one].name for one in together)
                channel = Channel(f"G{number}", f"mpdm-{names}-1", Kind.MPIM, creator=together[0])
            self._groups[key] = channel
            self.add_channel(channel, together)
        return self._groups[key]

    def may_see(self, channel: Channel, person: str) -> bool:
        """Whether a person finds the channel: as a member, or because it is public and they are no guest."""
        who = self.people[person]
        is_insider = not who.is_guest and who.team == self.id
        return person in channel.members or (channel.kind is Kind.CHANNEL and is_insider)

    def is_outsider(self, person: Person) -> bool:
        """Whether this person belongs to another organisation."""
        return person.team != self.id

    def name_finder(self) -> FindName:
        """Return the finder of people and channels by name in typed text."""
        if self._finder is None:
            people = {one.name.lower(): one.id for one in self.people.values()}
            people |= {one.real_name.lower(): one.id for one in self.people.values()}
            named = {one.name: one.id for one in self.channels.values() if one.name}
            self._finder = name_finder(people, named)
        return self._finder

    # --- messages --------------------------------------------------------------------------------

    def post(self, channel: Channel, message: Message) -> Message:
        """Put a message into a channel; ts is given here when it has none."""
        message.setdefault("ts", self.clock.next_ts())
        parent = channel.log.find(message.get("thread_ts", ""))
        if parent is not None and parent.get("thread_ts", parent["ts"]) != parent["ts"]:
            parent = channel.log.find(parent["thread_ts"])
        if parent is not None:
            message |= {"thread_ts": parent["ts"], "parent_user_id": parent["user"]}
        changed = channel.log.add(message)
        self._count_unread(channel, message)
        self.tell(Change(What.POSTED, channel, message, person=message["user"]))
        if changed is not None:
            self.tell(Change(What.REDRAWN, channel, changed))
        return message

    def edit(self, channel: Channel, message: Message, changes: Message, editor: str) -> None:
        """Change a message in place; a key with the value None is taken away."""
        previous = deepcopy(message)
        message |= {key: value for key, value in changes.items() if value is not None}
        for key in [key for key, value in changes.items() if value is None]:
            message.pop(key, None)
        self.tell(Change(What.CHANGED, channel, message, previous, person=editor))

    def delete(self, channel: Channel, message: Message) -> None:
        """Remove a message; a parent with replies becomes a tombstone."""
        previous = deepcopy(message)
        parent = channel.log.remove(message["ts"])
        self.tell(Change(What.DELETED, channel, message, previous, person=message["user"]))
        if parent is not None:
            self.tell(Change(What.REDRAWN, channel, parent))

    def post_ephemeral(self, channel: Channel, message: Message, person: str) -> Message:
        """Show a message to one person only."""
        message.setdefault("ts", self.clock.next_ts())
        message["ephemeral"] = True
        self.ephemerals.setdefault(person, []).append((channel.id, message))
        self.tell(Change(What.EPHEMERAL, channel, message, person=person))
        return message

    def find_ephemeral(self, channel: str, ts: str, person: str) -> Message | None:
        """Return the ephemeral message this person sees, or None."""
        shown = self.ephemerals.get(person, [])
        return next((one for place, one in reversed(shown) if place == channel and one["ts"] == ts), None)

    def edit_ephemeral(self, channel: Channel, message: Message, changes: Message, person: str) -> None:
        """Change what one person sees."""
        message |= {key: value for key, value in changes.items() if value is not None}
        for key in [key for key, value in changes.items() if value is None]:
            message.pop(key, None)
        self.tell(Change(What.EPHEMERAL, channel, message, person=person))

    def delete_ephemeral(self, channel: Channel, message: Message, person: str) -> None:
        """Take an ephemeral message away."""
        self.ephemerals[person] = [(place, one) for place, one in self.ephemerals[person] if one is not message]
        self.tell(Change(What.DELETED, channel, {**message, "ephemeral": True}, person=person))

    def react(self, channel: Channel, message: Message, name: str, person: str) -> bool:
        """Add a reaction; False when it was there."""
        if not add_reaction(message, name, person):
            return False
        self.tell(Change(What.REACTED, channel, message, person=person, name=name))
        return True

    def unreact(self, channel: Channel, message: Message, name: str, person: str) -> bool:
        """Take a reaction away; False when there was none."""
        if not remove_reaction(message, name, person):
            return False
        self.tell(Change(What.UNREACTED, channel, message, person=person, name=name))
        return True

    def mark_read(self, channel: Channel, person: str) -> None:
        """Set the unread counts of one person in one channel to zero."""
        key = (person, channel.id)
        if self.unread.pop(key, 0) or self.mentions.pop(key, 0):
            self.mentions.pop(key, None)
            self.tell(Change(What.CHANNEL, channel, person=person))

    def _count_unread(self, channel: Channel, message: Message) -> None:
        if "thread_ts" in message and message.get("subtype") != "thread_broadcast":
            return
        text = message.get("text", "")
        wakes_all = channel.kind in (Kind.IM, Kind.MPIM) or any(word in text for word in BROADCASTS)
        for person in channel.members:
            if person == message["user"]:
                continue
            self.unread[person, channel.id] += 1
            if wakes_all or f"<@{person}>" in text:
                self.mentions[person, channel.id] += 1


def acme(clock: Clock, app: InstalledApp) -> Workspace:
    """Return the workspace Acme with its people and channels."""
    space = Workspace(clock, app)
    for person in ACME_PEOPLE:
        space.add_person(person)
    insiders = [one.id for one in ACME_PEOPLE if not space.is_outsider(one) and not one.is_guest]
    everyone = [one.id for one in ACME_PEOPLE]
    guests = [one.id for one in ACME_PEOPLE if one.is_guest]
    bot = app.bot_user
    dana = insiders[0]
    space.add_channel(Channel("C0GENERAL", "general", topic="Company-wide news", creator=dana), [*insiders, bot])
    quality = Channel("C0QUALITY", "support-quality", topic="How good are our answers?", creator=dana)
    space.add_channel(quality, [*insiders, *guests, bot])
    space.add_channel(Channel("C0EVALS01", "support-evals", topic="Runs and reviews"), [*insiders, bot])
    stewards = Channel("C0STEWARD", "evals-stewards", Kind.PRIVATE, "Approvals and candidates")
    space.add_channel(stewards, ["U0DANA001", "U0KIM0001", "U0ADA0001", bot])
    partner = Channel("C0PARTNER", "partner-acme", topic="Acme and Northwind", shared=True)
    space.add_channel(partner, ["U0DANA001", "U0KIM0001", "U0PIA0001", bot])
    space.add_channel(Channel("C0RANDOM1", "random", topic="Everything else"), insiders)
    space.user_groups["S0GRADERS"] = {"handle": "graders", "name": "Graders", "users": ["U0LEE0001", "U0SAM0001"]}
    for one in everyone:
        space.open_im(one, bot)
    return space


def globex(clock: Clock, app: InstalledApp) -> Workspace:
    """Return the workspace Globex, which has installed the same app."""
    space = Workspace(clock, app, "Globex", SECOND_TEAM)
    for person in SECOND_PEOPLE:
        space.add_person(person)
    people = [one.id for one in SECOND_PEOPLE]
    space.add_channel(Channel("C0GLOBEX1", "general", topic="Everything"), [*people, app.bot_user])
    space.add_channel(Channel("C0GLOBEX2", "answers", topic="What our model says"), [*people, app.bot_user])
    for one in people:
        space.open_im(one, app.bot_user)
    return space
