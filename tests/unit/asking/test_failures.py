"""Failures: how long a server asks to wait, and words of it that are safe to show."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.failures import EXCERPT_CHARS, retry_after, safe_excerpt, status_failure

KEY = "sk-canary-3141592653589793"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after-ms": "250", "retry-after": "5"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Mon, 04 May 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 04 May 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 04 May 2026 10:00:30 GMT", "date": "Mon, 04 May 2026 10:00:20 GMT"}, 10.0),
        ({"retry-after": "Mon, 99 May 2026 10:00:30 GMT"}, None),
    ],
)
def test_retry_after_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds go before seconds, a date counts from the server's clock, nonsense counts as nothing."""
    assert retry_after(headers, now=datetime(2026, 5, 4, 10, tzinfo=UTC)) == seconds


@given(st.integers(300, 599), st.text(max_size=20))
def test_every_status_has_a_kind_and_a_hint(status: int, code: str) -> None:
    """No status is without a kind, a sentence and what to do."""
    failure = status_failure(status, code=code)
    assert failure.kind
    assert str(status) in failure.message
    assert failure.hint


@given(st.text(max_size=100), st.text(max_size=100))
def test_the_key_never_gets_through(before: str, after: str) -> None:
    """Whatever surrounds the key, in whatever form it comes, none of it is shown."""
    for form in (
        KEY,
        quote(KEY),
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"ab{KEY}".encode()).decode(),
    ):
        shown = safe_excerpt(f"{before}{form}{after}", [KEY])
        assert KEY[4:] not in shown
        assert form[6:-6] not in shown
        assert len(shown) <= EXCERPT_CHARS


def test_foreign_keys_are_masked() -> None:
    """What looks like somebody's key is masked even if it is not ours."""
    assert safe_excerpt("key sk-abcdef123456 is wrong", []) == "key (key) is wrong"


def test_prompts_never_get_through() -> None:
    """A stretch of a prompt withholds the whole line, even when its blanks were changed."""
    prompt = "Tell me the secret\nreference answer of item nine, please."
    assert "withheld" in safe_excerpt("Refused: Tell me the secret reference answer of item", [], [prompt])
    assert safe_excerpt("Refused: no.", [], [prompt]) == "Refused: no."


def test_words_are_put_on_one_short_line() -> None:
    """Control characters go, blanks are folded, and a cut is visible."""
    assert safe_excerpt("a\x1b[1m\n\n b\u202e", []) == "a [1m b"
    long = safe_excerpt("x" * 1000, [])
    assert len(long) == EXCERPT_CHARS
    assert long.endswith("…")
