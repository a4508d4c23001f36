"""The whole emulation in one bag: state, keys, limits, faults, violations and the way to the app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from evalbot.playground.assistant_threads import AssistantThreads
from evalbot.playground.background import Background
from evalbot.playground.channels import Channel
from evalbot.playground.clock import Clock
from evalbot.playground.delivery import Delivery
from evalbot.playground.elements import Values
from evalbot.playground.events import EventFeed
from evalbot.playground.faults import Faults
from evalbot.playground.files import FileStore
from evalbot.playground.http_mode import HttpMode
from evalbot.playground.installations import Installations
from evalbot.playground.installed_app import InstalledApp
from evalbot.playground.one_time_keys import OneTimeKeys
from evalbot.playground.rate_limits import RateLimits
from evalbot.playground.socket_mode import SocketMode
from evalbot.playground.streams import Stream, Streams
from evalbot.playground.transport import ACK_SECONDS
from evalbot.playground.views import Views
from evalbot.playground.violations import Violations
from evalbot.playground.workspace import Change, What, Workspace, acme, globex

SECOND_BOT_USER = "U0EVALBT2"
SECOND_BOT_ID = "B0EVALBT2"


@dataclass(frozen=True)
class Notice:
    """A line of the Slack client for one person, such as a failed command."""

    person: str
    text: str
    kind: str


@dataclass(frozen=True)
class Scheduled:
    """A message that the app scheduled."""

    id: str
    channel: Channel
    message: dict[str, Any]
    post_at: int
    made_at: int


class Surroundings:
    """What all workspaces share: the clock, the app's connections, files, faults and the list of violations."""

    def __init__(self, clock: Clock, app: InstalledApp, ack_seconds: float = ACK_SECONDS) -> None:
        """Build the shared parts and tie them together."""
        self.clock = clock
        self.background = Background(clock)
        self.files = FileStore()
        self.installations = Installations(clock)
        self.violations = Violations(clock)
        self.faults = Faults(clock)
        self.calls: Counter[str] = Counter()
        self.base_url = ""
        self.workspaces: list[Emulation] = []
        sockets = SocketMode(app.app_id, self.violations, ack_seconds)
        http = HttpMode(clock, app.signing_secret, self.violations, ack_seconds)
        self.delivery = Delivery(clock, self.faults, sockets, http)
        self.faults.drop_sockets, self.faults.silence_sockets = sockets.drop, sockets.silence


@dataclass(eq=False)
class Emulation:
    """One workspace with the app in it: everything the doors work on.

    share_delay: seconds until an uploaded file appears in its channel; is_installed: whether the workspace has the app.
    """

    shared: Surroundings
    app: InstalledApp
    space: Workspace
    is_installed: bool = True
    share_delay: float = 0.3
    views: Views = field(init=False)
    keys: OneTimeKeys = field(init=False)
    rates: RateLimits = field(init=False)
    feed: EventFeed = field(init=False)
    streams: Streams = field(init=False)
    threads: AssistantThreads = field(init=False)
    notices: dict[str, list[Notice]] = field(default_factory=dict)
    message_state: dict[tuple[str, str, str], Values] = field(default_factory=dict)
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    notice_listeners: list[Callable[[Notice], None]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        """Build the parts and tie them together."""
        self.views = Views(self.clock, self.app, self.space.id)
        self.keys = OneTimeKeys(self.clock)
        self.rates = RateLimits(self.clock)
        self.feed = EventFeed(self.space, self.delivery)
        self.streams = Streams(self.shared.background, self._break_stream)
        self.threads = AssistantThreads(self.shared.background)
        self.space.listen(self._end_status)
        self.shared.workspaces.append(self)

    # --- what is shared ----------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The movable clock."""
        return self.shared.clock

    @property
    def background(self) -> Background:
        """What happens later."""
        return self.shared.background

    @property
    def files(self) -> FileStore:
        """The files of all workspaces."""
        return self.shared.files

    @property
    def faults(self) -> Faults:
        """The troubles that are switched on."""
        return self.shared.faults

    @property
    def violations(self) -> Violations:
        """What the app did wrong."""
        return self.shared.violations

    @property
    def delivery(self) -> Delivery:
        """The way to the app."""
        return self.shared.delivery

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called."""
        return self.shared.calls

    @property
    def base_url(self) -> str:
        """Where the server answers, without a slash at the end."""
        return self.shared.base_url

    # --- all workspaces -----------------------------------------------------------------------------

    def all(self) -> list[Emulation]:
        """Return all workspaces, the home of the app first."""
        return self.shared.workspaces

    def neighbours(self) -> list[Emulation]:
        """Return the other workspaces."""
        return [one for one in self.all() if one is not self]

    def of_team(self, team: str) -> Emulation:
        """Return the workspace with this id; this one when there is none."""
        return next((one for one in self.all() if one.space.id == team), self)

    def of_person(self, who: str) -> Emulation:
        """Return the workspace that knows this person (a name or id); this one when none does."""
        return next((one for one in self.all() if one.is_installed and one.space.find_person(who)), self)

    def set_base_url(self, url: str) -> None:
        """Tell the parts where the server answers; only from now on the app hears of events."""
        self.shared.base_url = self.files.base_url = url
        for one in self.all():
            one.feed.is_on = one.is_installed

    def install(self) -> None:
        """Let the workspace have the app: its token works and its events are sent."""
        self.is_installed, self.feed.is_on = True, bool(self.base_url)
        self.space.tell(Change(What.PEOPLE))

    # --- this workspace -----------------------------------------------------------------------------

    def notify(self, person: str, text: str, kind: str = "error") -> None:
        """Show a line of the client to one person."""
        notice = Notice(person, text, kind)
        self.notices.setdefault(person, []).append(notice)
        for listener in self.notice_listeners:
            listener(notice)

    def response_url(self, key: str) -> str:
        """Return the full url of a response key."""
        return f"{self.base_url}/response/{key}"

    @property
    def shared_links(self) -> dict[str, tuple[str, str]]:
        """The messages with links of the app: unfurl_id -> (channel, ts)."""
        return self.feed.shared_links

    def permalink(self, channel: Channel, message: dict[str, Any]) -> str:
        """Return the address of a message."""
        link = f"{self.base_url}/archives/{channel.id}/p{message['ts'].replace('.', '')}"
        if message.get("thread_ts", message["ts"]) != message["ts"]:
            link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
        return link

    def _break_stream(self, stream: Stream) -> None:
        """Leave the bubble of a stream that lasted too long as it is, marked as broken."""
        stream.message["streaming_state"] = "interrupted"
        self.space.tell(Change(What.REDRAWN, self.space.channels[stream.channel], stream.message))

    def _end_status(self, change: Change) -> None:
        """A reply of the app takes its status in that thread away."""
        if change.what is What.POSTED and change.channel is not None and change.message.get("bot_id"):
            self.threads.clear_status(change.channel.id, change.message.get("thread_ts", ""))


def build_emulation(clock: Clock, app: InstalledApp, ack_seconds: float = ACK_SECONDS) -> Emulation:
    """Return the workspace Acme with the app, and beside it Globex, which has not installed the app yet."""
    shared = Surroundings(clock, app, ack_seconds)
    home = Emulation(shared, app, acme(clock, app))
    other = app.installed_in("globex", SECOND_BOT_USER, SECOND_BOT_ID)
    Emulation(shared, other, globex(clock, other), is_installed=False)
    return home
