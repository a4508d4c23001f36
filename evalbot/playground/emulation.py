"""The whole emulation in one bag: state, keys, limits, faults, violations and the way to the app."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evalbot.playground.channels import Channel
from evalbot.playground.clock import Clock
from evalbot.playground.delivery import Delivery
from evalbot.playground.elements import Values
from evalbot.playground.events import EventFeed
from evalbot.playground.faults import Faults
from evalbot.playground.files import FileStore
from evalbot.playground.http_mode import HttpMode
from evalbot.playground.installed_app import InstalledApp
from evalbot.playground.one_time_keys import OneTimeKeys
from evalbot.playground.rate_limits import RateLimits
from evalbot.playground.socket_mode import SocketMode
from evalbot.playground.transport import ACK_SECONDS
from evalbot.playground.views import Views
from evalbot.playground.violations import Violations
from evalbot.playground.workspace import Workspace, acme


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


@dataclass
class Emulation:
    """Everything the doors work on. share_delay: seconds until an uploaded file appears in its channel."""

    clock: Clock
    app: InstalledApp
    share_delay: float = 0.3
    ack_seconds: float = ACK_SECONDS
    base_url: str = ""
    space: Workspace = field(init=False)
    views: Views = field(init=False)
    files: FileStore = field(init=False)
    keys: OneTimeKeys = field(init=False)
    rates: RateLimits = field(init=False)
    faults: Faults = field(init=False)
    violations: Violations = field(init=False)
    delivery: Delivery = field(init=False)
    feed: EventFeed = field(init=False)
    notices: dict[str, list[Notice]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    message_state: dict[tuple[str, str, str], Values] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    notice_listeners: list[Callable[[Notice], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the parts and tie them together."""
        self.space = acme(self.clock, self.app)
        self.views = Views(self.clock, self.app)
        self.files = FileStore()
        self.keys = OneTimeKeys(self.clock)
        self.rates = RateLimits(self.clock)
        self.violations = Violations(self.clock)
        self.faults = Faults(self.clock)
        sockets = SocketMode(self.app.app_id, self.violations, self.ack_seconds)
        http = HttpMode(self.clock, self.app.signing_secret, self.violations, self.ack_seconds)
        self.delivery = Delivery(self.clock, self.faults, sockets, http)
        self.faults.drop_sockets, self.faults.silence_sockets = sockets.drop, sockets.silence
        self.feed = EventFeed(self.space, self.delivery)

    def set_base_url(self, url: str) -> None:
        """Tell the parts where the server answers; only from now on the app hears of events."""
        self.base_url = self.files.base_url = url
        self.feed.is_on = True

    def notify(self, person: str, text: str, kind: str = "error") -> None:
        """Show a line of the client to one person."""
        notice = Notice(person, text, kind)
        self.notices.setdefault(person, []).append(notice)
        for listener in self.notice_listeners:
            listener(notice)

    def response_url(self, key: str) -> str:
        """Return the full url of a response key."""
        return f"{self.base_url}/response/{key}"
