"""What went wrong with a call to a model, in one sentence that repeats no key and no prompt; pure."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from evalbot.errors import ModelUnavailable

RETRYABLE = frozenset({"rate_limited", "server_error", "connection", "unreadable"})
"""The kinds of failure after which asking again may help. A timeout is not one: it has used the deadline up."""

EXCERPT_CHARS = 200
_SECRET_WINDOW = 8
_TEXT_WINDOW = 24
_KEY_LIKE = re.compile(r"\b(?:sk|pk|xox[a-z]|gh[a-z]|Bearer)[-_ ][\w*.\-]{6,}")
_SPACE = re.compile(r"\s+")

_STATUS = {
    400: ("bad_request", "refused the request as wrong", "Check the target's parameters."),
    401: ("auth", "did not accept the API key", "Check the key and what it may do."),
    403: ("auth", "does not allow this with the given API key", "Check the key and what it may do."),
    404: ("not_found", "knows no such model or address", "Check the model's name and the base URL."),
    408: ("server_error", "gave up waiting", "Try again later."),
    409: ("server_error", "was busy with a conflicting request", "Try again later."),
    413: ("bad_request", "found the request too large", "Shorten the prompt."),
    422: ("bad_request", "refused the request as wrong", "Check the target's parameters."),
    429: ("rate_limited", "is limiting requests", "Lower the concurrency or try again later."),
    529: ("server_error", "is overloaded", "Try again later."),
}
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def status_failure(
    status: int, retry_after_s: float | None = None, code: str = "", excerpt: str = ""
) -> ModelUnavailable:
    """Give the failure of an HTTP status; `code` is the server's error code, `excerpt` what it said, already safe to show."""
    if status == 429 and code in _NO_MONEY:
        return ModelUnavailable(
            "The model's server says that the quota is used up (429).", "Check the account's billing.", kind="quota"
        )
    kind, what, hint = _STATUS.get(status, ("", "", ""))
    if not kind and 300 <= status < 400:
        kind, what, hint = "redirected", "sent the request elsewhere", "Set the base URL to the final address."
    if not kind:
        kind = "server_error" if status >= 500 else "bad_request"
        what = "failed" if status >= 500 else "refused the request"
        hint = "Try again later." if status >= 500 else "Check the target's parameters."
    said = f': "{excerpt}"' if excerpt else "."
    return ModelUnavailable(f"The model's server {what} ({status}){said}", hint, kind=kind, retry_after_s=retry_after_s)


def too_large(max_bytes: int) -> ModelUnavailable:
    """Give the failure of a reply that goes on beyond the limit."""
    return ModelUnavailable(
        f"The model's reply is larger than {max_bytes:,} bytes.",
        "Limit the tokens in the target's config.",
        kind="too_large",
    )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Give the seconds a server asks to wait, None when it does not say: milliseconds, seconds or an HTTP date.

    A date is measured from the server's own Date header where there is one, so that a wrong clock here does no harm.
    """
    exact = _seconds(headers.get("retry-after-ms", ""))
    if exact is not None:
        return exact / 1000
    stated = headers.get("retry-after", "").strip()
    plain = _seconds(stated)
    if plain is not None:
        return plain
    until = _http_date(stated)
    if until is None:
        return None
    begin = _http_date(headers.get("date", "")) or now or datetime.now(UTC)
    return max(0.0, (until - begin).total_seconds())


def safe_excerpt(said: str, secrets: Iterable[str], texts: Iterable[str] = ()) -> str:
    """Give the start of a server's words on one line, or a note when they repeat a key or a part of a prompt."""
    line = _SPACE.sub(" ", "".join(char if char.isprintable() else " " for char in said[: EXCERPT_CHARS * 4])).strip()
    for secret in secrets:
        if _repeats(line, _forms(secret), _SECRET_WINDOW):
            return "(withheld: the server's words repeat the API key)"
    line = _KEY_LIKE.sub("(key)", line)
    if _repeats(line, (_SPACE.sub(" ", text) for text in texts), _TEXT_WINDOW):
        return "(withheld: the server's words repeat the prompt)"
    return line if len(line) <= EXCERPT_CHARS else line[: EXCERPT_CHARS - 1] + "…"


def _repeats(line: str, texts: Iterable[str], window: int) -> bool:
    """Tell whether any stretch of `window` characters of the line occurs in one of the texts."""
    stretches = {line[start : start + window] for start in range(len(line) - window + 1)}
    return any(stretch in text for text in texts for stretch in stretches)


def _forms(secret: str) -> tuple[str, ...]:
    """Give a secret as it may be echoed: plain, in a URL and in base64 at each of the three offsets."""
    if len(secret) < _SECRET_WINDOW:
        return ()
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = [base64.b64encode(b"x" * pad + raw).decode()[4 if pad else 0 : -4] for pad in range(3)]
    return (secret, quote(secret, safe=""), *(form for form in encoded if len(form) >= _SECRET_WINDOW))


def _seconds(text: str) -> float | None:
    """Read a finite number of seconds of at least 0."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _http_date(text: str) -> datetime | None:
    """Read an HTTP date as an aware time; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
