"""Strict JSON Lines."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.library.file_text import decode_text
from evalbot.library.json_lines import read_json_lines


def refusal_of(text: str) -> str:
    """Give the words with which a text is refused."""
    with pytest.raises(BadFile) as caught:
        list(read_json_lines(io.StringIO(text), "a.jsonl"))
    return caught.value.message


def test_lines_are_documents_that_know_their_number() -> None:
    """Blank lines are passed over but counted."""
    documents = list(read_json_lines(['{"a": 1}\n', "\n", "  \n", '{"a": "2"}'], "a.jsonl"))
    assert [(one.place.line, one.data) for one in documents] == [(1, {"a": 1}), (4, {"a": "2"})]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "b", "input": ', "a.jsonl:2: the line is not JSON"),
        ('{"a": NaN}', "a.jsonl:2: the line holds NaN, which is not a JSON value."),
        ('{"a": [-Infinity]}', "a.jsonl:2: the line holds -Infinity, which is not a JSON value."),
        ('{"a": 1e999}', "a.jsonl:2: the line holds a number that is too large."),
        (f'{{"a": {"9" * 5000}}}', "a.jsonl:2: the line holds a number that is too large."),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "a.jsonl:2: the line has the key `c` twice."),
        ('{"a": "x\\u0000y"}', "a.jsonl:2: the line holds the control character U+0000."),
        ('{"a\\ud800": 1}', "a.jsonl:2: the line holds the control character U+D800."),
        ("[1]", "a.jsonl:2: the line is not an object; write one `{...}` per line."),
        ('{"a":' * 60 + "1" + "}" * 60, "a.jsonl:2: the line is nested more than 40 deep."),
        ('{"a":' * 90_000, "a.jsonl:2: the line is nested more than 40 deep."),
        ('{"a": [' + "0," * 60_000 + "0]}", "a.jsonl:2: the line holds more than 50,000 values."),
        ('{"a": "' + "x" * 1_000_001 + '"}', "a.jsonl:2: the line is longer than 1,000,000 characters."),
    ],
)
def test_a_bad_line_is_named_with_its_number(line: str, said: str) -> None:
    """Each kind of fault has its sentence."""
    assert refusal_of(f'{{"ok": 1}}\n{line}\n').startswith(said)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("xyz"), values))
def test_what_json_writes_is_read_back(row: dict[str, object]) -> None:
    """Any object without control characters survives."""
    text = json.dumps(row, ensure_ascii=False)
    if "\ufffe" not in text and "\uffff" not in text:
        assert [one.data for one in read_json_lines(io.StringIO(text), "a.jsonl")] == [row]


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(data: bytes) -> None:
    """Nothing but BadFile comes out of bytes that are no rows."""
    message = "a.jsonl:"
    try:
        list(read_json_lines(io.StringIO(decode_text(data, "a.jsonl")), "a.jsonl"))
    except BadFile as error:
        message = error.message
    assert message.startswith("a.jsonl:")
