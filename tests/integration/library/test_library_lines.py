"""Files of items are read line by line: the same lines, and the same refusals, as of the whole text."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.library.file_text import decode_text, read_lines

LIMIT = 1_000
PIECES = ["a", "é", "\n", "\r\n", "\r", "\ufeff", "\u2028", "\x85", "\x00", "\x0b", "\t", " "]


def of(data: bytes, path: Path) -> list[str] | str:
    """Give the lines of a file, or how it was refused."""
    path.write_bytes(data)
    try:
        return list(read_lines(path, "a.jsonl", LIMIT))
    except BadFile as error:
        return error.message


def of_whole(data: bytes) -> list[str] | str:
    """Give the lines of the whole text, or how that was refused."""
    try:
        return list(io.StringIO(decode_text(data, "a.jsonl")))
    except BadFile as error:
        return error.message


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_lines_are_those_of_the_whole_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Line ends, byte order marks and control characters mean the same either way."""
    data = text.encode()
    assert of(data, tmp_path_factory.getbasetemp() / "a.jsonl") == of_whole(data)


@given(st.binary(max_size=40))
def test_any_bytes_are_lines_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """What is no text is refused with its line, as the whole is; the first of several reasons may be another one."""
    found, whole = of(data, tmp_path_factory.getbasetemp() / "a.jsonl"), of_whole(data)
    assert isinstance(found, str) == isinstance(whole, str)
    assert found == whole or str(found).startswith("a.jsonl:")


def test_what_is_no_plain_file_or_too_large_is_refused(tmp_path: Path) -> None:
    """A folder, a pipe and a file over the limit are told apart before a line is read."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(BadFile, match="no such file"):
            next(read_lines(tmp_path / name, name, LIMIT))
    assert of(b"x" * (LIMIT + 1), tmp_path / "large") == "a.jsonl: the file is larger than 1,000 bytes; split it."
    assert of(b"x" * LIMIT, tmp_path / "just") == ["x" * LIMIT]
