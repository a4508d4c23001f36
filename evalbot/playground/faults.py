"""Troubles on demand: outages, failing calls, lost replies, duplicate, late and reordered deliveries, slow answers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from evalbot.playground.clock import Clock


class Trouble(StrEnum):
    """What can happen to a call of the Web API."""

    ERROR = "error"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    RESET = "reset"
    LOST_REPLY = "lost_reply"


@dataclass
class CallFault:
    """The next `times` calls of a method ("*": any) end in this trouble. code: for ERROR; seconds: for 429 and TIMEOUT."""

    trouble: Trouble
    method: str = "*"
    times: int = 1
    code: str = "internal_error"
    seconds: float = 1.0


@dataclass
class Faults:
    """The troubles that are switched on now.

    outage_end is a moment of the movable clock; slow is in seconds; the next `duplicates` deliveries come with extra `copies`;
    the next `late` events come `delay` seconds later; the next `reordered` events come in reverse.
    """

    clock: Clock
    slow: float = 0.0
    duplicates: int = 0
    copies: int = 1
    late: int = 0
    delay: float = 0.0
    reordered: int = 0
    outage_end: float = 0.0
    outage_trouble: Trouble = Trouble.SERVER_ERROR
    calls: list[CallFault] = field(default_factory=list)
    drop_sockets: Callable[[], None] = lambda: None
    silence_sockets: Callable[[], int] = lambda: 0
    changed: Callable[[], None] = lambda: None

    def outage(self, seconds: float, trouble: Trouble | str = Trouble.SERVER_ERROR) -> None:
        """Refuse every call (503, or a reset connection) for some seconds and drop all sockets."""
        self.outage_end = self.clock.now() + seconds
        self.outage_trouble = Trouble(trouble)
        self.drop_sockets()
        self.changed()

    @property
    def is_outage(self) -> bool:
        """Whether Slack is away now."""
        return self.clock.now() < self.outage_end

    def next_call(
        self,
        trouble: Trouble | str,
        method: str = "*",
        times: int = 1,
        code: str = "internal_error",
        seconds: float = 1.0,
    ) -> None:
        """Let the next calls of a method fail."""
        self.calls.append(CallFault(Trouble(trouble), method, times, code, seconds))
        self.changed()

    def take(self, method: str) -> CallFault | None:
        """Return the fault that hits this call, and count it; None when the call goes through."""
        if self.is_outage:
            return CallFault(self.outage_trouble, method)
        for fault in self.calls:
            if fault.method in ("*", method):
                fault.times -= 1
                if fault.times <= 0:
                    self.calls.remove(fault)
                self.changed()
                return fault
        return None

    def slow_down(self, seconds: float) -> None:
        """Answer every call this much later."""
        self.slow = seconds
        self.changed()

    def duplicate(self, deliveries: int, copies: int = 1) -> None:
        """Hand the next deliveries to the app several times: once, and so many extra copies."""
        self.duplicates, self.copies = deliveries, copies
        self.changed()

    def take_copies(self) -> int:
        """Return how many extra copies this delivery gets, and count it."""
        if self.duplicates <= 0:
            return 0
        self.duplicates -= 1
        self.changed()
        return self.copies

    def delay_events(self, events: int, seconds: float) -> None:
        """Let the next events come this much later, by the movable clock."""
        self.late, self.delay = events, seconds
        self.changed()

    def take_delay(self) -> float:
        """Return by how many seconds this event is late, and count it."""
        if self.late <= 0:
            return 0.0
        self.late -= 1
        self.changed()
        return self.delay

    def reorder(self, events: int) -> None:
        """Hold the next events back and send them in reverse order once there are so many, or after some seconds."""
        self.reordered = events
        self.changed()

    def clear(self) -> None:
        """End all troubles."""
        self.slow, self.duplicates, self.outage_end, self.late, self.reordered = 0.0, 0, 0.0, 0, 0
        self.calls.clear()
        self.changed()

    def as_json(self) -> dict[str, Any]:
        """Return what is switched on as plain data; outage is in seconds left."""
        return {
            "outage": round(max(0.0, self.outage_end - self.clock.now()), 1),
            "outage_trouble": self.outage_trouble.value,
            "slow": self.slow,
            "duplicates": self.duplicates,
            "copies": self.copies,
            "late": self.late,
            "delay": self.delay,
            "reordered": self.reordered,
            "calls": [asdict(one) for one in self.calls],
        }
