"""Text columns that keep exactly what a model sent, also what database drivers refuse."""

from __future__ import annotations

import re

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

MARK = "\ufdd0"
"""Starts an escape. A code point that Unicode never assigns, and every database stores."""

_REFUSED = re.compile(f"[\x00\ud800-\udfff{MARK}]")
_ESCAPE = re.compile(f"{MARK}([0-9a-f]{{4}})")


def encode_text(text: str) -> str:
    """Give the text with NUL, lone surrogates and the mark itself written as escapes; other text comes back as it is."""
    if text.isascii() and "\x00" not in text:
        return text
    return _REFUSED.sub(lambda found: f"{MARK}{ord(found[0]):04x}", text)


def decode_text(stored: str) -> str:
    """Give the text that `encode_text` was given."""
    if MARK not in stored:
        return stored
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), stored)


class ExactText(TypeDecorator[str]):
    """A text column of any length that gives back the very characters it was given."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape on the way in."""
        return None if value is None else encode_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Unescape on the way out."""
        return None if value is None else decode_text(value)
