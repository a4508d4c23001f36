"""Importing rows, and the guesses that help with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadFile, BadRequest
from evalbot.library.guesses import explain_guess, guess_graders, guess_mapping
from evalbot.library.import_items import ImportReport, import_rows, parse_mapping, with_imported
from evalbot.library.read_rows import parse_rows
from evalbot.suites.graders import GraderType
from evalbot.suites.items import Item, ItemId, Split
from evalbot.suites.suites import Suite

MAPPING = {"q": "vars.question", "a": "reference"}


def imported(text: str, mapping: str = "q=vars.question,a=reference", name: str = "a.jsonl") -> ImportReport:
    """Import a text by a mapping."""
    return import_rows(parse_rows(text.encode(), name), parse_mapping(mapping))


def items_with(*references: object) -> list[Item]:
    """Give one item for each reference."""
    return [Item(ItemId(f"i{n}"), {"question": "q"}, reference=one) for n, one in enumerate(references)]  # type: ignore[arg-type]


def test_a_mapping_is_read() -> None:
    """Columns may be dotted paths."""
    assert parse_mapping("question=vars.question, outputs.text = reference") == {
        "question": "vars.question",
        "outputs.text": "reference",
    }


@pytest.mark.parametrize(
    "text", ["", "a", "a=", "=reference", "a=refrence", "a=reference", "a=input,b=input", "a=input,a=id"]
)
def test_a_wrong_mapping_is_refused(text: str) -> None:
    """What names no column, no field, one twice, or nothing that asks, is refused."""
    with pytest.raises(BadRequest):
        parse_mapping(text)


def test_rows_become_items() -> None:
    """Values go where the mapping says, numbers as they are written."""
    text = (
        '{"id": "x 1", "in": {"q": "One?"}, "a": 18, "s": "sums", "t": "m, n", "u": "test"}\n'
        '{"id": 7, "in": {"q": "Two?"}, "a": 2.0, "s": null, "t": [], "u": "train"}'
    )
    report = imported(text, "in.q=vars.question,a=reference,s=skill,t=tags,u=split")
    first, second = report.items
    assert (first.id, first.question, first.reference, first.skill) == ("x-1", "One?", "18", "sums")
    assert (first.tags, first.split, first.source.kind) == (("m", "n"), Split.HOLDOUT, "import")
    assert (second.id, second.reference, second.skill, second.split) == ("item-7", "2", None, Split.PRACTICE)


def test_ids_are_hashes_where_rows_have_none_of_their_own() -> None:
    """Without a column of unique ids the content gives the id, whatever the order of rows."""
    first = imported('{"q": "One?", "a": "1", "id": 1}\n{"q": "Two?", "a": "2", "id": 1}')
    second = imported('{"a": "2", "q": "Two?"}\n{"q": "One?", "a": "1"}')
    assert {item.id for item in first.items} == {item.id for item in second.items}
    assert all(item.id.startswith("item-") for item in first.items)


def test_importing_twice_adds_nothing() -> None:
    """Items that are there already are not added again."""
    report = imported('{"q": "One?", "a": "1"}\n{"q": "Two?", "a": "2"}')
    suite = with_imported(Suite("s", ()), report.items)
    assert len(suite.items) == 2
    assert with_imported(suite, report.items) == suite


def test_skipped_rows_have_line_and_reason() -> None:
    """What cannot be an item is left out, the rest is kept."""
    text = '{"q": "One?", "a": "1"}\n\n{"q": "Two?"}\n{"q": "", "a": "1"}\n{"q": "One?", "a": "1"}\n{"q": "Three?", "a": []}\n'
    report = imported(text)
    assert [item.question for item in report.items] == ["One?"]
    assert [(one.line, one.reason) for one in report.skipped] == [
        (3, "has nothing in the column `a`"),
        (4, "has nothing in the column `q`"),
        (5, "has the same content as line 1"),
        (6, "reference: must be a list of one or more texts; put numbers in quotes"),
    ]


def test_csv_with_mark_windows_ends_and_line_breaks() -> None:
    """CSV as spreadsheets save it is read; lines count as in the file."""
    text = '\ufeffq,a,item\r\n"One,\r\nor ""two""?",1,a\r\n\r\nTwo?,2,b\r\nThree?\r\n'
    report = imported(text, name="a.csv")
    assert [item.question for item in report.items] == ['One,\nor "two"?', "Two?"]
    assert [(one.line, one.reason) for one in report.skipped] == [(6, "has nothing in the column `a`")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q,q\n1,2\n", "a.csv:1: two columns are called `q`."),
        ("q,\n1,2\n", "a.csv:1: a column has no name."),
        ("q,a\n1,2,3\n", "a.csv:2: the row has 3 cells, but there are 2 columns."),
        ('q,a\n1,"2\n', "a.csv:2: this is not CSV (unexpected end of data)."),
        ("q,a\n", "a.csv: the file has no rows."),
        ("", "a.csv: the file has no rows."),
        ("q\n" + "x" * 200_000, "a.csv:2: this is not CSV (field larger than field limit (131072))."),
    ],
)
def test_broken_csv_is_refused(text: str, said: str) -> None:
    """A file that is no table is refused with its line."""
    with pytest.raises(BadFile) as caught:
        parse_rows(text.encode(), "a.csv")
    assert caught.value.message == said


def test_unknown_kinds_of_file_are_refused() -> None:
    """Only what can be read is offered."""
    with pytest.raises(BadRequest, match=r"jsonl or \.csv"):
        parse_rows(b"", "a.xlsx")


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl"]))
def test_any_bytes_are_rows_or_refused(data: bytes, name: str) -> None:
    """Nothing but BadFile comes out of bytes that are no table, and any row is an item or skipped."""
    try:
        rows = parse_rows(data, name)
    except BadFile:
        return
    columns = {column for row in rows for column in row.values}
    report = import_rows(rows, dict.fromkeys(columns, "vars.question"))
    assert len(report.items) + len(report.skipped) == len(rows)


def test_columns_are_guessed_by_their_names() -> None:
    """Usual names are known in any case; without a question there is no guess."""
    assert guess_mapping(["Question", "answer", "Category", "x"]) == {
        "Question": "vars.question",
        "answer": "reference",
        "Category": "skill",
    }
    assert guess_mapping(["input", "output"]) == {"input": "vars.question", "output": "reference"}
    assert guess_mapping(["a", "answer"]) == {}


@pytest.mark.parametrize(
    ("references", "kind"),
    [
        (["6 * 3 = 18\nA: 18", "so 5\n#### 1,000"], GraderType.NUMERIC),
        (["42", "3.5 km", "$7", "25%"], GraderType.NUMERIC),
        (["A", "(B)", "C."], GraderType.CHOICE),
        (["yes", "no", "Yes", "no"], GraderType.EQUALS),
        (["Paris", "the blue whale", "42"], GraderType.ICONTAINS),
        ([["30 days", "thirty days"], "Paris"], GraderType.CONTAINS_ANY),
        (["Paris", "A long explanation that no answer will repeat word for word, so a check is of no use."], None),
        (["In 1999 the law changed, and everybody had to pay.", "7"], None),
        (["7", None], None),
        (["7", {"a": 1}], None),
        ([], None),
    ],
)
def test_checks_are_guessed_from_references(references: list[object], kind: GraderType | None) -> None:
    """The check fits every reference, or none is guessed and the reason names the rubric."""
    guess = explain_guess(items_with(*references))
    assert [one.type for one in guess.graders] == ([kind] if kind else [])
    assert kind or "rubric" in guess.why
    assert guess_graders(items_with(*references)) == guess.graders
