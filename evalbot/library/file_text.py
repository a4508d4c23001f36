"""The text of a file, checked: regular, inside its folder, not too large, UTF-8, without control characters."""

from __future__ import annotations

import re
from pathlib import Path

from evalbot.library.documents import refuse

YAML_BYTES = 2_000_000
ITEMS_BYTES = 20_000_000
PROMPT_BYTES = 100_000

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text of a project may hold: controls other than tab and line ends, lone surrogates, non-characters."""


def read_text(path: Path, name: str, max_bytes: int) -> str:
    """Read a file as text with `\\n` line ends; `name` is how errors call it. Raises BadFile."""
    return decode_text(read_bytes(path, name, max_bytes), name)


def read_bytes(path: Path, name: str, max_bytes: int) -> bytes:
    """Read a regular file of at most `max_bytes`; raises BadFile."""
    try:
        if not path.is_file():
            raise refuse(name, None, "there is no such file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise refuse(name, None, f"the file cannot be read ({reason})") from error
    if len(data) > max_bytes:
        raise refuse(name, None, f"the file is larger than {max_bytes:,} bytes; split it")
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
        raise refuse(name, line, f"the control character {character_name(found[0])} is not allowed")
    return text


def character_name(char: str) -> str:
    """Give a character as U+XXXX."""
    return f"U+{ord(char):04X}"
