"""Texts and nouns written for a database read back exactly."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from evalbot.errors import SchemaMismatch
from evalbot.store.exact_text import MARK, decode_text, encode_text
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.revisions import REVISIONS, needs_migration

REFUSED = "\x00\ud800\udfff" + MARK
TEXTS = st.text(st.characters() | st.sampled_from(REFUSED) | st.sampled_from("0123456789abcdef"))


@dataclass(frozen=True, slots=True)
class Note:
    """A noun with texts everywhere."""

    text: str
    parts: tuple[str, ...]
    data: dict[str, JsonValue]


@given(TEXTS)
def test_every_text_reads_back(text: str) -> None:
    """What is decoded is what was encoded, and what is stored is fit for UTF-8 without NUL."""
    stored = encode_text(text)
    assert decode_text(stored) == text
    assert "\x00" not in stored
    stored.encode("utf-8")


@given(TEXTS, TEXTS)
def test_different_texts_stay_different(one: str, other: str) -> None:
    """Two texts are stored alike only if they are alike, so unique keys mean what they say."""
    assert (encode_text(one) == encode_text(other)) == (one == other)


@pytest.mark.parametrize("text", ["", "plain", "naïve 😀", "\ufffe\uffff", "a\\u0000b"])
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    """Text that databases take is not touched."""
    assert encode_text(text) == text


@given(TEXTS, st.lists(TEXTS), st.dictionaries(TEXTS, TEXTS))
def test_every_noun_reads_back(text: str, parts: list[str], data: dict[str, JsonValue]) -> None:
    """A noun comes back the same whatever is in its texts and keys."""
    noun, adapter = Note(text, tuple(parts), data), TypeAdapter(Note)
    assert load_noun(adapter, dump_noun(adapter, noun)) == noun


def test_ordinary_noun_is_plain_json() -> None:
    """A database holds JSON that other programs can read."""
    stored = dump_noun(TypeAdapter(Note), Note("ä", ("b",), {"c": 1.5}))
    assert json.loads(stored) == {"text": "ä", "parts": ["b"], "data": {"c": 1.5}}


def test_known_schemas_are_told_apart() -> None:
    """The newest schema is used, an empty database migrated, an unknown schema refused."""
    assert not needs_migration(REVISIONS[-1], migrate=False)
    assert needs_migration(None, migrate=True)
    for found, migrate in (("from the future", True), (None, False)):
        with pytest.raises(SchemaMismatch):
            needs_migration(found, migrate=migrate)
