"""Streams of events as an app sends them, piece by piece: server-sent events and JSON lines; pure."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalbot.errors import ModelUnavailable

DONE = "[DONE]"


@dataclass(slots=True)
class EventReader:
    """Takes the bytes of a stream in any pieces and gives the data of each event as soon as it is whole.

    With `server_sent` the events are those of text/event-stream, else every line that is not blank is one. An event called
    `error` raises ModelUnavailable; so do bytes that are no UTF-8.
    """

    server_sent: bool
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8-sig"))
    _rest: str = ""
    _data: list[str] = field(default_factory=list)
    _name: str = ""

    def feed(self, piece: bytes) -> Iterator[str]:
        """Take the next bytes and give the events that they complete."""
        yield from self._lines(self._decoded(piece, final=False))

    def end(self) -> Iterator[str]:
        """Give what was left without an end of its own; most apps leave the last blank line out."""
        yield from self._lines(self._decoded(b"", final=True) + "\n")
        yield from self._event()

    def _decoded(self, piece: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise ModelUnavailable("The app's stream is not UTF-8 text.", "Mend the app.", kind="unreadable") from None

    def _lines(self, text: str) -> Iterator[str]:
        """Go through the whole lines there are; CRLF may be cut in its middle."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            bare = line.removesuffix("\r")
            if self.server_sent:
                yield from self._field(bare)
            elif bare.strip():
                yield bare

    def _field(self, line: str) -> Iterator[str]:
        """Take one line of an event; a blank one ends it."""
        if not line:
            yield from self._event()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value

    def _event(self) -> Iterator[str]:
        """Give the event that was gathered, if there is any data."""
        data, name = "\n".join(self._data), self._name
        had_data = bool(self._data)
        self._data.clear()
        self._name = ""
        if name == "error":
            raise ModelUnavailable("The app's stream reported an error.", "Look at the app's log.", kind="server_error")
        if had_data:
            yield data
