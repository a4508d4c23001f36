"""Keys that Slack hands out for a short time: trigger ids, response urls, socket tickets and uploads."""

import secrets
from dataclasses import dataclass, field

from evalbot.playground.clock import Clock

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """Permission to open a modal for one person. view_id: the view whose action gave it, "" for others."""

    person: str
    made_at: float
    view_id: str = ""
    is_used: bool = False


@dataclass
class ResponseUrl:
    """Permission to answer one interaction. message_ts is "" when it came from a command or shortcut."""

    channel: str
    person: str
    made_at: float
    message_ts: str = ""
    thread_ts: str = ""
    is_ephemeral: bool = False
    uses: int = 0


@dataclass
class OneTimeKeys:
    """Makes the keys and tells why one is no longer good."""

    clock: Clock
    trigger_seconds: float = TRIGGER_SECONDS
    _triggers: dict[str, Trigger] = field(default_factory=dict)
    _urls: dict[str, ResponseUrl] = field(default_factory=dict)
    _tickets: set[str] = field(default_factory=set)

    def make_trigger(self, person: str, view_id: str = "") -> str:
        """Return a new trigger id."""
        key = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[key] = Trigger(person, self.clock.now(), view_id)
        return key

    def use_trigger(self, key: str) -> Trigger | str:
        """Return the trigger and use it up, or the error code that says why it is no good."""
        trigger = self._triggers.get(key)
        if trigger is None:
            return "invalid_trigger_id"
        if trigger.is_used:
            return "exchanged_trigger_id"
        if self.clock.now() - trigger.made_at > self.trigger_seconds:
            return "expired_trigger_id"
        trigger.is_used = True
        return trigger

    def give_back(self, trigger: Trigger) -> None:
        """Make a trigger usable again after the call that used it was refused."""
        trigger.is_used = False

    def make_url(
        self, channel: str, person: str, message_ts: str = "", thread_ts: str = "", is_ephemeral: bool = False
    ) -> str:
        """Return the id of a new response url."""
        key = secrets.token_hex(12)
        self._urls[key] = ResponseUrl(channel, person, self.clock.now(), message_ts, thread_ts, is_ephemeral)
        return key

    def has_url(self, key: str) -> bool:
        """Whether this response url was handed out here."""
        return key in self._urls

    def use_url(self, key: str) -> ResponseUrl | str:
        """Return what the url belongs to and count one use, or the error code."""
        url = self._urls.get(key)
        if url is None:
            return "invalid_url"
        if self.clock.now() - url.made_at > RESPONSE_URL_SECONDS:
            return "expired_url"
        if url.uses >= RESPONSE_URL_USES:
            return "used_url"
        url.uses += 1
        return url

    def make_ticket(self) -> str:
        """Return the ticket of a new socket."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    def use_ticket(self, ticket: str) -> bool:
        """Use a socket ticket up; False when it is unknown or used."""
        if ticket not in self._tickets:
            return False
        self._tickets.discard(ticket)
        return True
