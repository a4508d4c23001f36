"""Nouns as JSON text and back, exactly, also where a text holds what JSON cannot say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from evalbot.store.exact_text import MARK, decode_text, encode_text

T = TypeVar("T")

_REPLACED = "\ufffd"


def dump_noun(adapter: TypeAdapter[T], noun: T) -> str:
    """Give a noun as JSON; the mark in front tells that its texts had to be escaped first."""
    try:
        plain = adapter.dump_json(noun).decode()
    except PydanticSerializationError:
        plain = _REPLACED
    # A lone surrogate raises in a value, yet in a key it silently becomes the replacement character.
    if _REPLACED not in plain:
        return plain
    return MARK + adapter.dump_json(_with_texts(noun, encode_text)).decode()


def load_noun(adapter: TypeAdapter[T], stored: str) -> T:
    """Give the noun that `dump_noun` was given."""
    if not stored.startswith(MARK):
        return adapter.validate_json(stored)
    noun: T = _with_texts(adapter.validate_json(stored[len(MARK) :]), decode_text)
    return noun


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Give a value with every text in it changed; words of an enumeration stay."""
    if type(value) is str:
        return change(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: _with_texts(getattr(value, part.name), change) for part in dataclasses.fields(value)}
        return type(value)(**parts)
    if isinstance(value, Mapping):
        return {_with_texts(key, change): _with_texts(one, change) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_with_texts(one, change) for one in value)
    return value
