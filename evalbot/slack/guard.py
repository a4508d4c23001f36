"""Requests from outside, checked before anything else reads them: head, size, signature, age, repetition, form.

Every check gives a `Refusal` for what must not go on. Nothing here raises, waits or keeps the text of a request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

MAX_BYTES = 1024 * 1024
"""Larger requests are refused before they are read to their end."""

MAX_AGE_S = 300
"""How far the time of signing may be away from now."""

MAX_DEPTH = 50
"""Deeper nesting comes from nobody at Slack."""

MAX_FIELDS = 64
"""More fields has no form of Slack."""

REPEAT_S = 3.0
"""How long Slack waits for an answer: a request that comes again within gets the answer of the first one."""

_TIMESTAMP = re.compile(r"[0-9]{9,11}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_ODD_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")

Body = dict[str, Any]
Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further: an HTTP status and a few words that hold nothing of the request."""

    status: int
    why: str


class Form(StrEnum):
    """How a body is written."""

    JSON = "application/json"
    FIELDS = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that may be read on. `retry` holds the headers by which Slack marks another try."""

    form: Form
    timestamp: str
    signature: str
    retry: tuple[tuple[str, str], ...] = ()


def read_head(method: str, headers: Headers, now: float) -> Head | Refusal:
    """Check everything about a request that can be known before its body; `now` in epoch seconds."""
    given = list(headers)
    if method != "POST":
        return Refusal(405, "not a POST")
    form = _form(_only(given, b"content-type"))
    if form is None or _only(given, b"content-encoding"):
        return Refusal(415, "neither JSON nor a form in UTF-8")
    size = _only(given, b"content-length")
    if size and not re.fullmatch(r"[0-9]{1,12}", size):
        return Refusal(400, "a length that is no number")
    if size and int(size) > MAX_BYTES:
        return Refusal(413, "too large")
    timestamp, signature = _only(given, b"x-slack-request-timestamp"), _only(given, b"x-slack-signature")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return Refusal(401, "not signed")
    if abs(now - int(timestamp)) > MAX_AGE_S:
        return Refusal(401, "signed at another time")
    return Head(form, timestamp, signature, _retry(given))


def _only(headers: Headers, name: bytes) -> str:
    """Give the value of a header that is there exactly once, else "" where it is missing and "?" where it is doubled."""
    found = [value.decode("latin-1") for key, value in headers if key == name]
    return found[0].strip() if len(found) == 1 else "?" if found else ""


def _form(content_type: str) -> Form | None:
    """Read a content type; None unless it is one that Slack sends, in UTF-8."""
    kind, _, rest = content_type.partition(";")
    options = [option.strip().lower().replace('"', "") for option in rest.split(";") if option.strip()]
    known = kind.strip().lower()
    if known not in set(Form) or options not in ([], ["charset=utf-8"]):
        return None
    return Form(known)


def _retry(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Give the headers of another try, in a form that is safe to log."""
    names = ("x-slack-retry-num", "x-slack-retry-reason")
    found = [(name, _only(headers, name.encode())) for name in names]
    return tuple((name, value) for name, value in found if re.fullmatch(r"[a-z0-9_]{1,40}", value))


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Give the signature of a body: HMAC-SHA256 over version, time and the raw bytes."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def check_signature(secret: str, head: Head, body: bytes) -> Refusal | None:
    """Refuse a body that is not signed with the secret."""
    expected = sign(secret, head.timestamp, body)
    return None if hmac.compare_digest(expected, head.signature) else Refusal(401, "a wrong signature")


def read_body(form: Form, body: bytes) -> Body | Refusal:
    """Read a signed body: the fields of a slash command, the payload of an interaction, or an event.

    The fields of a command stay as they are whatever words its text holds; `payload` is a field name and nothing else.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return Refusal(400, "not UTF-8")
    return read_json(text) if form is Form.JSON else _read_fields(text)


def read_json(text: str) -> Body | Refusal:
    """Read a JSON object; numbers without a value, halves of characters, NUL and deep nesting are refused."""
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Refusal(400, "not JSON")
    if not isinstance(found, dict):
        return Refusal(400, "not a JSON object")
    if _is_deep(found):
        return Refusal(400, "nested too deeply")
    if _ODD_ESCAPE.search(text) and not _is_clean(found):
        return Refusal(400, "characters that are none")
    return found


def _read_fields(text: str) -> Body | Refusal:
    """Read a form: that of a command, of an interaction, or of Slack's check of the certificate."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return Refusal(400, "not a form")
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return Refusal(400, "a field that comes twice")
    if "\x00" in "".join(fields.values()):
        return Refusal(400, "characters that are none")
    if "payload" in fields and "command" not in fields:
        return read_json(fields["payload"])
    if "command" in fields and "payload" not in fields:
        return dict(fields)
    return {"type": "ssl_check"} if fields.get("ssl_check") == "1" else Refusal(400, "neither command nor payload")


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ValueError(name)


def _is_deep(value: Any) -> bool:
    """Tell whether lists and objects are nested more than the depth that is allowed."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for one in level:
            inner.extend(
                part for part in (one.values() if isinstance(one, dict) else one) if part.__class__ in _NESTING
            )
        if not inner:
            return False
        level = inner
    return True


_NESTING = frozenset((dict, list))


def _is_clean(value: Any) -> bool:
    """Tell whether all strings can be written as UTF-8 and hold no NUL."""
    try:
        written = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return b"\\u0000" not in written.replace(b"\\\\", b"")


@dataclass(frozen=True, slots=True)
class Receipt(Generic[T]):
    """A request that came: when, and what belongs to it."""

    at: float
    held: T


class Receipts(Generic[T]):
    """The requests of the last minutes by their signature: as long as one can still pass for fresh, or the newest `most`."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._kept: OrderedDict[str, Receipt[T]] = OrderedDict()

    def __len__(self) -> int:
        """Give how many are kept."""
        return len(self._kept)

    def find(self, signature: str) -> Receipt[T] | None:
        """Give the receipt of a request that came before."""
        return self._kept.get(signature)

    def keep(self, signature: str, now: float, held: T) -> None:
        """Keep a request, and let go of those whose signature is out of date."""
        self._kept[signature] = Receipt(now, held)
        while len(self._kept) > self._most or next(iter(self._kept.values())).at < now - 2 * MAX_AGE_S:
            self._kept.popitem(last=False)

    def forget(self, signature: str) -> None:
        """Let a request come again: it could not be carried out."""
        self._kept.pop(signature, None)
