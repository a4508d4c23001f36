"""Streams of events, however they are cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.event_streams import EventReader
from evalbot.errors import ModelUnavailable


def events(data: bytes, server_sent: bool = True, size: int = 1 << 20) -> list[str]:
    """Give the events of a stream that arrives in pieces of a size."""
    reader = EventReader(server_sent)
    found = [one for start in range(0, len(data), size) for one in reader.feed(data[start : start + size])]
    return [*found, *reader.end()]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b": keep alive\n\ndata: a\n\n", ["a"]),
        (b"event: delta\nid: 5\nretry: 1\ndata: a\n\n", ["a"]),
        (b"data: last", ["last"]),
        (b"data\n\n", [""]),
        (b"event: ping\n\n", []),
        ("\ufeffdata: \u00e4\U0001f9ea\n\n".encode(), ["\u00e4\U0001f9ea"]),
        (b"", []),
    ],
)
def test_server_sent_events(data: bytes, wanted: list[str], size: int) -> None:
    """Lines of data, comments, other fields, both line ends, and a last event without its blank line."""
    assert events(data, size=size) == wanted


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_json_lines(size: int) -> None:
    """Every line that is not blank is an event."""
    data = '{"t": "a"}\n\n  \r\n{"t": "\u00e9"}\r\n{"t": "b"}'.encode()
    assert events(data, server_sent=False, size=size) == ['{"t": "a"}', '{"t": "\u00e9"}', '{"t": "b"}']


def test_an_error_event_ends_the_stream() -> None:
    """An app that reports an error in its stream has not answered."""
    with pytest.raises(ModelUnavailable) as caught:
        events(b"data: a\n\nevent: error\ndata: secret\n\n")
    assert caught.value.kind == "server_error"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("data", [b"data: \xff\n\n", b"data: a\xc3"])
def test_bytes_that_are_no_text_are_unreadable(data: bytes) -> None:
    """Broken UTF-8 is not guessed at, also at the very end."""
    with pytest.raises(ModelUnavailable) as caught:
        events(data)
    assert caught.value.kind == "unreadable"


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=5),
    st.integers(1, 9),
)
def test_what_is_sent_is_what_is_read(texts: list[str], size: int) -> None:
    """Any texts, cut anywhere."""
    data = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert events(data, size=size) == texts
