"""Strict YAML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.library.yaml_text import MAX_DEPTH, is_plain_text, parse_yaml


def refusal_of(text: str | bytes) -> str:
    """Give the words with which a text is refused."""
    with pytest.raises(BadFile) as caught:
        parse_yaml(text if isinstance(text, bytes) else text.encode(), "a.yaml")
    return caught.value.message


def message_of(data: bytes) -> str | None:
    """Give the words with which bytes are refused, None when they are a document."""
    try:
        parse_yaml(data, "a.yaml")
    except BadFile as error:
        return error.message
    return None


def test_values_keep_their_kind_and_know_their_line() -> None:
    """Plain data comes out as meant, and each value's line can be asked for."""
    document = parse_yaml(b"a: 1\nb:\n  - x: 0.5\n    y: true\n  - '5'\nc: ~\n", "a.yaml")
    assert document.data == {"a": 1, "b": [{"x": 0.5, "y": True}, "5"], "c": None}
    assert document.at(("b", 0, "y")) == (4, "b[0].y")
    assert document.at(("b", 1)) == (5, "b[1]")


@pytest.mark.parametrize(
    "text", ["007", "0x1F", "1_000", "12:30", "2026-11-21", "1.2.3", ".nan", ".inf", "y", "=", "1e", "-"]
)
def test_what_only_some_readers_take_for_a_number_stays_text(text: str) -> None:
    """Octal, sexagesimal, dates and the like mean themselves."""
    data = parse_yaml(f"a: {text}\n".encode(), "a.yaml").data if text != "-" else {"a": "-"}
    assert data == {"a": text}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml:1: the file is empty."),
        ("# only a comment\n", "a.yaml:1: the file is empty."),
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: the key `a` is there twice."),
        ("a: &x {again: *x}\n", "a.yaml:1: the alias `*x` stands for nothing that ended before it."),
        ("a: *nowhere\n", "a.yaml:1: the alias `*nowhere` stands for nothing that ended before it."),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: a second document begins here; keep one per file."),
        ("a:\n\t- 1\n", "a.yaml:2: a tab is used to indent; use spaces."),
        ('a: 1\nb: "x\\0y"\n', "a.yaml:2: the control character U+0000 is not allowed."),
        ("a: x\x1by\n", "a.yaml:1: the control character U+001B is not allowed."),
        ("? [1, 2]\n: 3\n", "a.yaml:1: a key is a list or mapping; keys are words."),
        ("a: {<<: 3}\n", "a.yaml:1: `<<` takes a mapping or a list of mappings."),
    ],
)
def test_refusals_name_file_line_and_reason(text: str, said: str) -> None:
    """Each kind of fault has its sentence."""
    assert refusal_of(text) == said


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.getcwd []", "!!str 5", "!x y", "! y", "!!set {a}", "!!binary aGk="]
)
def test_tags_are_refused(tag: str) -> None:
    """No tag, harmful or not, is followed."""
    assert "is not allowed" in refusal_of(f"a: {tag}\n")


@pytest.mark.parametrize("word", ["no", "Yes", "ON", "off"])
def test_words_that_may_be_truth_values_must_be_quoted(word: str) -> None:
    """`expected: no` is refused with what to do about it; in quotes it is a word."""
    assert "can be read as a word or as" in refusal_of(f"a: {word}\n")
    assert "can be read as a word or as" in refusal_of(f"- {word}\n")
    assert parse_yaml(f"a: '{word}'\n{word}: 1\n".encode(), "a.yaml").data == {"a": word, word: 1}


def test_aliases_and_merges_work_within_the_limits() -> None:
    """Anchors share values, `<<` brings in what is not there, nearer entries win."""
    text = b"base: &b {x: 1, y: 2}\nmore: &m {y: 9, z: 3}\nuse: {<<: [*b, *m], x: 7}\nlist: [*b, *b]\n"
    data = parse_yaml(text, "a.yaml").data
    assert data == {
        "base": {"x": 1, "y": 2},
        "more": {"y": 9, "z": 3},
        "use": {"x": 7, "y": 2, "z": 3},
        "list": [{"x": 1, "y": 2}] * 2,
    }


def test_aliases_that_multiply_are_refused() -> None:
    """Ten lines that stand for a thousand million values are counted, not built."""
    lines = ["a0: &a0 [q, q, q, q, q, q, q, q]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 10)]
    assert "holds more than 100,000 values" in refusal_of("\n".join(lines))
    merges = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(300)) + "}", "b: {<<: [" + "*a0, " * 300 + "]}"]
    assert "holds more than 100,000 values" in refusal_of("\n".join(merges))


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? "])
def test_depth_is_limited(piece: str) -> None:
    """Nesting ends early whatever its form."""
    assert f"nested more than {MAX_DEPTH} deep" in refusal_of(piece * 5_000)


@pytest.mark.parametrize("data", ["a: é".encode("latin-1"), "a: b".encode("utf-16"), b"a: \xed\xa0\x80", b"a: \xff"])
def test_only_utf8_is_read(data: bytes) -> None:
    """Other encodings are refused with the line."""
    assert refusal_of(data).startswith("a.yaml:1: the file is not UTF-8")


def test_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    """What editors on Windows add changes nothing."""
    document = parse_yaml("\ufeffa: x\r\nb: y\r\n".encode(), "a.yaml")
    assert document.data == {"a": "x", "b": "y"}
    assert document.at(("b",))[0] == 2


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_data_or_refused(data: bytes) -> None:
    """Nothing but BadFile comes out of bytes that are no document."""
    message = message_of(data)
    assert message is None or (message.startswith("a.yaml") and len(message) < 250)


PIECES = [
    "a: ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<: ",
    "'",
    '"',
    "|",
    ">",
    "? ",
    "!x ",
    "---\n",
    "#",
    "x",
    "\t",
    "no",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_mix_of_marks_is_data_or_refused(text: str) -> None:
    """Texts made of YAML's own signs are data or refused too."""
    message = message_of(text.encode())
    assert message is None or message.startswith("a.yaml")


@given(st.text(max_size=40))
def test_a_plain_text_reads_back_as_itself(text: str) -> None:
    """Whatever is written without quotes is read as the same text."""
    if is_plain_text(text):
        assert parse_yaml(f"a: {text}\n".encode(), "a.yaml").data == {"a": text}
