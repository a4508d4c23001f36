"""The text of a file, checked: regular, inside its folder, not too large, UTF-8, without control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evalbot.errors import BadFile
from evalbot.library.documents import refuse

YAML_BYTES = 2_000_000
ITEMS_BYTES = 20_000_000
PROMPT_BYTES = 100_000

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text of a project may hold: controls other than tab and line ends, lone surrogates, non-characters."""


def read_text(path: Path, name: str, max_bytes: int) -> str:
    """Read a file as text with `\\n` line ends; `name` is how errors call it. Raises BadFile."""
    return decode_text(read_bytes(path, name, max_bytes), name)


def read_lines(path: Path, name: str, max_bytes: int) -> Iterator[str]:
    """Give the lines of a file one by one, each with its `\\n`, never holding them all; raises BadFile as `read_text` does."""
    _check_file(path, name, max_bytes)
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                found = FORBIDDEN.search(line)
                if found:
                    raise _forbidden(name, number, found[0])
                yield line
    except UnicodeDecodeError:
        decode_text(read_bytes(path, name, max_bytes), name)  # knows the line, and raises
        raise
    except OSError as error:
        raise _unreadable(name, error) from error


def _check_file(path: Path, name: str, max_bytes: int) -> None:
    """Raise unless a path is a regular file of at most so many bytes."""
    try:
        if not path.is_file():
            raise refuse(name, None, "there is no such file")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    if size > max_bytes:
        raise _too_large(name, max_bytes)


def _unreadable(name: str, error: OSError | ValueError) -> BadFile:
    reason = getattr(error, "strerror", None) or "its name is not valid"
    return refuse(name, None, f"the file cannot be read ({reason})")


def _too_large(name: str, max_bytes: int) -> BadFile:
    return refuse(name, None, f"the file is larger than {max_bytes:,} bytes; split it")


def _forbidden(name: str, line: int, char: str) -> BadFile:
    return refuse(name, line, f"the control character {character_name(char)} is not allowed")


def read_bytes(path: Path, name: str, max_bytes: int) -> bytes:
    """Read a regular file of at most `max_bytes`; raises BadFile."""
    _check_file(path, name, max_bytes)
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _unreadable(name, error) from error
    if len(data) > max_bytes:
        raise _too_large(name, max_bytes)
    return data


def decode_text(data: bytes, name: str) -> str:
    """Decode UTF-8 with or without byte order mark; raises BadFile with the line of the first bad byte."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse(name, line, "the file is not UTF-8 here; save it as UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise _forbidden(name, line, found[0])
    return text


def character_name(char: str) -> str:
    """Give a character as U+XXXX."""
    return f"U+{ord(char):04X}"
