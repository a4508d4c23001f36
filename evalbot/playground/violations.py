"""The list of things a bot did that Slack refuses or that people would suffer from."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalbot.playground.clock import Clock

_BROADCAST = re.compile(r"<!(?:channel|here|everyone)(?:\|[^>]*)?>|<!subteam\^[^>]+>")
_SPOKEN_BROADCAST = re.compile(r"(?<!\w)@(?:channel|here|everyone)\b")


class Kind(StrEnum):
    """The kinds of violation."""

    REFUSED_CALL = "refused_call"
    RATE_LIMITED = "rate_limited"
    MISSING_ACK = "missing_ack"
    LATE_ACK = "late_ack"
    ACK_WITH_PAYLOAD = "ack_with_payload"
    BAD_ACK = "bad_ack"
    NO_FALLBACK_TEXT = "no_fallback_text"
    NO_ALT_TEXT = "no_alt_text"
    PINGS_CHANNEL = "pings_channel"
    BAD_RESPONSE_URL = "bad_response_url"
    OVER_SAFE_LIMIT = "over_safe_limit"


@dataclass(frozen=True)
class Violation:
    """One such thing: what kind, where (method, event or action), and a sentence."""

    kind: Kind
    where: str
    text: str
    at: float

    def as_json(self) -> dict[str, Any]:
        """Return the violation as plain data."""
        return {"kind": self.kind.value, "where": self.where, "text": self.text, "at": self.at}


class Violations:
    """Collects violations and tells a listener of each."""

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._all: list[Violation] = []
        self._listeners: list[Callable[[Violation], None]] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def __iter__(self) -> Iterator[Violation]:
        """Give them in the order they happened."""
        return iter(list(self._all))

    def listen(self, listener: Callable[[Violation], None]) -> None:
        """Call the listener with every violation from now on."""
        self._listeners.append(listener)

    def add(self, kind: Kind, where: str, text: str) -> None:
        """Note a violation."""
        violation = Violation(kind, where, text, self._clock.now())
        self._all.append(violation)
        for listener in self._listeners:
            listener(violation)

    def of(self, *kinds: Kind | str) -> list[Violation]:
        """Return those of the given kinds, or all."""
        return [one for one in self._all if not kinds or one.kind in kinds]

    def clear(self) -> None:
        """Forget them all."""
        self._all.clear()


def texts_in(value: Any) -> Iterator[str]:
    """Give every mrkdwn or markdown string of blocks; plain text and rich text can not ping by their characters."""
    if isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "markdown") and isinstance(value.get("text"), str):
            yield value["text"]
        for one in value.values():
            if isinstance(one, (dict, list)):
                yield from texts_in(one)


def elements_of(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Give every object of this type anywhere in the blocks."""
    if isinstance(value, list):
        for one in value:
            yield from elements_of(one, kind)
    elif isinstance(value, dict):
        if value.get("type") == kind:
            yield value
        for one in value.values():
            if isinstance(one, (dict, list)):
                yield from elements_of(one, kind)


def inspect_message(violations: Violations, where: str, message: dict[str, Any], linked_names: bool = False) -> None:
    """Note what is wrong with a message that Slack accepts: no fallback text, images without alt text, pings.

    linked_names: whether Slack looks for names such as @channel in the texts.
    """
    attachments = [one for one in message.get("attachments") or [] if isinstance(one, dict)]
    blocks = [*(message.get("blocks") or []), *(block for one in attachments for block in one.get("blocks") or [])]
    text = message.get("text") or ""
    _inspect_fallback(violations, where, text, blocks, attachments)
    inspect_images(violations, where, blocks)
    spoken = [str(one.get(key) or "") for one in attachments for key in ("pretext", "text", "title", "fallback")]
    for one in [text, *spoken, *texts_in(blocks)]:
        found = _BROADCAST.search(one) or (_SPOKEN_BROADCAST.search(one) if linked_names else None)
        if found:
            violations.add(Kind.PINGS_CHANNEL, where, f"The message would notify everybody through {found[0]}.")
            return
    for kind in ("broadcast", "usergroup"):
        if any(elements_of(blocks, kind)):
            violations.add(Kind.PINGS_CHANNEL, where, f"The message would notify everybody through a {kind} element.")


def _inspect_fallback(
    violations: Violations, where: str, text: str, blocks: list[Any], attachments: list[dict[str, Any]]
) -> None:
    if blocks and not text.strip():
        violations.add(
            Kind.NO_FALLBACK_TEXT, where, "The message has blocks but no text for notifications and screen readers."
        )
    elif not text.strip() and any(not str(one.get("fallback") or "").strip() for one in attachments):
        violations.add(Kind.NO_FALLBACK_TEXT, where, "An attachment has no fallback text.")


def inspect_images(violations: Violations, where: str, blocks: list[Any]) -> None:
    """Note images whose alt text is empty."""
    for image in elements_of(blocks, "image"):
        if not str(image.get("alt_text") or "").strip():
            violations.add(Kind.NO_ALT_TEXT, where, "An image has no alt text, so it is silent for screen readers.")
