"""The guard lets through what Slack signs and turns away everything else, whatever is in it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.slack.guard import (
    MAX_AGE_S,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FIELDS,
    Body,
    Form,
    Head,
    Receipts,
    Refusal,
    check_signature,
    read_body,
    read_head,
    read_json,
    sign,
)

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_770_000_000.0
GOOD = {
    "content-type": "application/json",
    "content-length": "12",
    "x-slack-request-timestamp": str(int(NOW)),
    "x-slack-signature": "v0=" + "a" * 64,
}


def head(method: str = "POST", **changes: str | None) -> Head | Refusal:
    """Read a good head with changes; None leaves a header out."""
    fields = GOOD | {name.replace("_", "-"): value for name, value in changes.items()}
    return read_head(method, [(k.encode(), v.encode("latin-1")) for k, v in fields.items() if v is not None], NOW)


def status(found: object) -> int:
    """Give the status of a refusal, 200 for what is let through."""
    return found.status if isinstance(found, Refusal) else 200


def test_head_of_slack_is_let_through() -> None:
    """A signed POST of JSON or a form is read on, with the marks of another try."""
    found = head(x_slack_retry_num="1", x_slack_retry_reason="http_timeout")
    assert found == Head(
        Form.JSON,
        str(int(NOW)),
        GOOD["x-slack-signature"],
        (("x-slack-retry-num", "1"), ("x-slack-retry-reason", "http_timeout")),
    )
    form = head(content_type="application/x-www-form-urlencoded; charset=UTF-8", content_length=None)
    assert isinstance(form, Head)
    assert form.form is Form.FIELDS
    assert form.retry == ()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "post", ""])
def test_other_methods_are_refused(method: str) -> None:
    """Only POST goes on."""
    assert status(head(method)) == 405


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonx",
    ],
)
def test_other_forms_are_refused(content_type: str | None) -> None:
    """Only JSON and forms in UTF-8 go on."""
    assert status(head(content_type=content_type)) == 415


def test_packed_bodies_are_refused() -> None:
    """A small packed body could unpack to a large one."""
    assert status(head(content_encoding="gzip")) == 415


@pytest.mark.parametrize(
    ("length", "expected"), [("x", 400), ("-1", 400), ("1e3", 400), (str(MAX_BYTES), 200), (str(MAX_BYTES + 1), 413)]
)
def test_length_is_checked_before_the_body(length: str, expected: int) -> None:
    """A length that is none, or too large, ends the request before its body is read."""
    assert status(head(content_length=length)) == expected


@pytest.mark.parametrize(
    "stamp", [None, "", "now", "1e9", " ", "-1770000000", "１７７００００００", "9" * 30, "1770000000.5"]
)
def test_odd_timestamps_are_refused(stamp: str | None) -> None:
    """A timestamp is a whole number of seconds and nothing else."""
    fields = [(name.encode(), value.encode()) for name, value in GOOD.items() if "timestamp" not in name]
    if stamp is not None:
        fields.append((b"x-slack-request-timestamp", stamp.encode()))
    assert status(read_head("POST", fields, NOW)) == 401


@pytest.mark.parametrize("signature", [None, "", "v0=", "v1=" + "a" * 64, "v0=" + "A" * 64, "v0=" + "a" * 63, "é" * 67])
def test_odd_signatures_are_refused(signature: str | None) -> None:
    """A signature is v0= and 64 hexadecimal digits."""
    assert status(head(x_slack_signature=signature)) == 401


@pytest.mark.parametrize("name", ["x-slack-signature", "x-slack-request-timestamp", "content-type"])
def test_doubled_headers_are_refused(name: str) -> None:
    """Two values of one header could be read differently by two readers."""
    fields = [(key.encode(), value.encode()) for key, value in GOOD.items()]
    assert status(read_head("POST", [*fields, (name.encode(), GOOD[name].encode())], NOW)) >= 400


@pytest.mark.parametrize(("age", "expected"), [(0, 200), (MAX_AGE_S, 200), (MAX_AGE_S + 1, 401), (-MAX_AGE_S - 1, 401)])
def test_age_is_limited_both_ways(age: int, expected: int) -> None:
    """Five minutes after, or before, the time of signing a request is worth nothing."""
    assert status(head(x_slack_request_timestamp=str(int(NOW) - age))) == expected


def test_odd_marks_of_another_try_are_dropped() -> None:
    """What stands in a header of a retry reaches the log only in a plain form."""
    found = head(x_slack_retry_num="1\r\nX: y", x_slack_retry_reason="http_error")
    assert isinstance(found, Head)
    assert found.retry == (("x-slack-retry-reason", "http_error"),)


def test_signature_is_that_of_slacks_documents() -> None:
    """The example of Slack's documentation gives its signature."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign(SECRET, "1531420618", body) == expected
    assert check_signature(SECRET, Head(Form.FIELDS, "1531420618", expected), body) is None


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(1, 255))
def test_any_changed_byte_is_noticed(body: bytes, place: int, change: int) -> None:
    """A signature fits one body, one time and one secret."""
    signed = Head(Form.JSON, "1770000000", sign(SECRET, "1770000000", body))
    place = place % (len(body) + 1)
    changed = body[:place] + bytes([body[place] ^ change]) + body[place + 1 :] if place < len(body) else body + b"x"
    assert check_signature(SECRET, signed, body) is None
    assert status(check_signature(SECRET, signed, changed)) == 401
    assert status(check_signature(SECRET + "x", signed, body)) == 401
    assert status(check_signature(SECRET, Head(Form.JSON, "1770000001", signed.signature), body)) == 401


def fields(**given: str) -> Body | Refusal:
    """Read a form of these fields."""
    return read_body(Form.FIELDS, urlencode(given).encode())


@pytest.mark.parametrize(
    "text", ["payload", "what is a payload?", "payload=1", 'payload={"type":"x"}', "&payload=%7B%7D", ""]
)
def test_command_may_speak_of_payloads(text: str) -> None:
    """The words of a command are only words."""
    sent = {"command": "/evalbot", "text": text, "user_id": "U1", "channel_id": "C1"}
    assert fields(**sent) == sent


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300))
def test_any_command_text_arrives_as_it_was_typed(text: str) -> None:
    """Nothing of a command's text is lost or changed."""
    assert fields(command="/evalbot", text=text) == {"command": "/evalbot", "text": text}


def test_interaction_is_read_from_its_payload() -> None:
    """An interaction is the JSON in the one field of its form."""
    assert fields(payload=json.dumps({"type": "block_actions"})) == {"type": "block_actions"}
    assert read_body(Form.JSON, b'{"type": "event_callback"}') == {"type": "event_callback"}
    assert fields(ssl_check="1", token="x") == {"type": "ssl_check"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"token=x",
        b"command=%2Fevalbot&payload=%7B%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"command=a&text=b&text=c",
        b"command=a&text=%FF",
        b"command=a&text=%00",
        b"command=\xff",
        b"payload=",
        b"payload=%5B%5D",
        b"payload=17",
        ("command=a" + "&x{}=1" * MAX_FIELDS).format(*range(MAX_FIELDS)).encode(),
    ],
)
def test_odd_forms_are_refused(body: bytes) -> None:
    """A form is a command or an interaction, in UTF-8, with each field once."""
    assert status(read_body(Form.FIELDS, body)) == 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        '"a"',
        "null",
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "\\ud800"}',
        '{"\\uDFFF": 1}',
        '{"a": "\\u0000"}',
        '{"a": ' + "1" * 5_000 + "}",
        '{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
        '{"a": ' + "[" * 100_000,
        '{"a": ' * 100_000,
    ],
)
def test_odd_json_is_refused(text: str) -> None:
    """An event is a JSON object of real characters and numbers, not nested without end."""
    assert status(read_json(text)) == 400


def test_bytes_that_are_no_text_are_refused() -> None:
    """JSON is UTF-8."""
    assert status(read_body(Form.JSON, b'{"a": "\xff"}')) == 400


def test_ordinary_json_is_read() -> None:
    """Pairs of escapes, depth within the limit and words about escapes are nothing odd."""
    deep: Any = "x"
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    given = {"smile": "\U0001f600", "deep": deep, "words": "\\u0000 and \\ud800", "number": 1.5, "none": None}
    assert read_json(json.dumps(given)) == given


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_any_object_is_read_back_or_refused(value: Body) -> None:
    """An object either arrives as it was sent or is refused for its characters."""
    found = read_json(json.dumps(value))
    assert found == value or status(found) == 400


@settings(max_examples=300)
@given(st.sampled_from(Form), st.binary(max_size=300))
def test_no_bytes_raise(form: Form, body: bytes) -> None:
    """Whatever the bytes, the guard gives an object or a refusal."""
    found = read_body(form, body)
    assert isinstance(found, dict) or found.status == 400


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([*(name.encode() for name in GOOD), b"x-slack-retry-num", b"content-encoding"]),
        st.binary(max_size=20) | st.sampled_from([value.encode() for value in GOOD.values()]),
    ),
    max_size=8,
)


@given(HEADERS)
def test_no_headers_raise(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever the headers, the guard gives a head or a refusal."""
    found = read_head("POST", headers, NOW)
    assert isinstance(found, Head) or 400 <= found.status < 500


def test_receipt_is_found_until_its_time_is_over() -> None:
    """A request is known as long as its signature can pass for fresh, and no longer."""
    receipts: Receipts[str] = Receipts()
    receipts.keep("a", NOW, "first")
    receipts.keep("b", NOW + MAX_AGE_S, "second")
    first = receipts.find("a")
    assert first is not None
    assert (first.at, first.held) == (NOW, "first")
    receipts.keep("c", NOW + 2 * MAX_AGE_S + 1, "third")
    assert [receipts.find(name) is not None for name in "abc"] == [False, True, True]
    receipts.forget("b")
    receipts.forget("b")
    assert receipts.find("b") is None


def test_receipts_are_bounded() -> None:
    """However many requests come, only the newest are kept."""
    receipts: Receipts[int] = Receipts(most=3)
    for number in range(10):
        receipts.keep(str(number), NOW, number)
    assert len(receipts) == 3
    assert receipts.find("6") is None
    assert receipts.find("9") is not None
