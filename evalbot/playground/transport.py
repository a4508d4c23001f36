"""What is handed to an app, and what comes back, whichever way it travels."""

from dataclasses import dataclass
from typing import Any, Protocol

ACK_SECONDS = 3.0


@dataclass(frozen=True)
class Envelope:
    """One delivery. kind: events_api, slash_commands or interactive; label: for people, like "block_actions approve"."""

    kind: str
    payload: dict[str, Any]
    label: str
    accepts_payload: bool = False
    retry_attempt: int = 0
    retry_reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What the app answered. problem: "" when it was acknowledged in time, else Slack's word for what went wrong."""

    problem: str = ""
    payload: dict[str, Any] | None = None
    is_final: bool = False

    @property
    def is_acknowledged(self) -> bool:
        """Whether the app took the delivery in time."""
        return not self.problem


class Transport(Protocol):
    """A way to an app."""

    async def send(self, envelope: Envelope) -> Answer:
        """Hand a delivery over and wait up to three seconds for the answer."""
        ...
