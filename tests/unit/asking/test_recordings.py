"""Recordings: logged answers read from JSONL and CSV, found by item id or question."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.replay import read_recording
from evalbot.errors import BadRequest


def jsonl(*rows: object) -> bytes:
    """Give rows as JSON lines."""
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_found_by_id_then_by_question() -> None:
    """The id goes first; a question is compared without blanks around it."""
    recording = read_recording(jsonl({"id": "a", "output": "1"}, {"question": "Why? ", "output": "2"}), "r.jsonl")
    assert recording.find("a", "Why?", 0) == "1"
    assert recording.find("zzz", " Why?", 0) == "2"
    assert recording.find(None, "Why?", 3) == "2"
    assert recording.find("zzz", "What?", 0) is None
    assert recording.find("", "", 0) is None


def test_several_lines_of_an_item_are_its_repeats() -> None:
    """The n-th line answers repeat n; a repeat too many has no answer."""
    recording = read_recording(jsonl({"id": "a", "output": "1"}, {"id": "a", "output": "2"}), "r.jsonl")
    assert [recording.find("a", "", repeat) for repeat in range(3)] == ["1", "2", None]


def test_csv_with_bom_crlf_and_lines_in_cells() -> None:
    """A spreadsheet's CSV is read as it was meant, text exactly kept."""
    data = '\ufeffid,question,output\r\na,Why?,"one\r\ntwo, ""three"""\r\nb,What?,\r\n'.encode()
    recording = read_recording(data, "R.CSV")
    assert recording.find("a", "", 0) == 'one\r\ntwo, "three"'
    assert recording.find("b", "", 0) == ""


@pytest.mark.parametrize(
    ("data", "name", "line"),
    [
        (b'{"id": "a", "output": "1"}\n{"id": "b"', "r.jsonl", "line 2"),
        (b'{"id": "a", "output": "1"}\n\n[1]', "r.jsonl", "line 3"),
        (b'{"id": "a"}', "r.jsonl", "line 1"),
        (b'{"id": "a", "output": 5}', "r.jsonl", "line 1"),
        (b'{"output": "x"}', "r.jsonl", "line 1"),
        (b"[" * 100_000, "r.jsonl", "line 1"),
        (b"id,text\na,b\n", "r.csv", "line 2"),
        (b"question,output\n,b\n", "r.csv", "line 2"),
        (b"id,output\na\n", "r.csv", "line 2"),
        (b"\xff\xfe", "r.jsonl", "UTF-8"),
    ],
)
def test_faults_are_named_with_their_line(data: bytes, name: str, line: str) -> None:
    """A bad line is refused with the file's name and the line's number."""
    with pytest.raises(BadRequest) as caught:
        read_recording(data, name)
    assert name in str(caught.value)
    assert line in str(caught.value)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=30), max_size=5))
def test_every_text_comes_back(outputs: dict[str, str]) -> None:
    """Any text survives JSON lines, also with line separators of other alphabets in it."""
    rows = [{"id": name, "output": text} for name, text in outputs.items()]
    data = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode("utf-8", "surrogatepass")
    recording = read_recording(data, "r.jsonl")
    assert {name: recording.find(name, "", 0) for name in outputs} == outputs
