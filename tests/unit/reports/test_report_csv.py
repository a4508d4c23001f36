"""Runs as CSV: the very same texts come back, and none of them is a formula."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.reports.csv_file import COLUMNS, plain_cell, read_csv, run_csv, safe_cell, write_csv
from tests.unit.reports.report_samples import EVIL, hostile_texts, mixed_report, report_of

ANY = st.text(st.characters(), max_size=60)
LIVELY = st.text("=+-@＝＋－＠﹣'\"\t\r\n ,;\u00a0\u200b\ufeff\x00a1", max_size=12)


def is_live(cell: str) -> bool:
    """Tell whether a spreadsheet might take a cell for a formula, written here apart from the code under test."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    seen = "".join(one for one in cell if not one.isspace() and unicodedata.category(one)[0] not in "CZM")
    return unicodedata.normalize("NFKC", seen[:1])[:1] in tuple("=+-@")


@given(st.lists(ANY | LIVELY, min_size=1, max_size=6))
def test_every_text_comes_back_and_none_is_live(texts: list[str]) -> None:
    """Whatever the texts hold, reading the file gives them back, and no cell of it begins like a formula."""
    names = [f"c{place}" for place in range(len(texts))]
    text = write_csv(names, [texts])
    text.encode("utf-8")
    assert read_csv(text) == [dict(zip(names, texts, strict=True))]
    assert not any(is_live(cell) for row in csv.reader(io.StringIO(text, newline="")) for cell in row)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\u3000＝1", "－1", "＠x", "\ufeff=1"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    """The usual ways to start a formula are disarmed by one apostrophe that comes off again."""
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["plain", "a=1", "1-2", "{}", "", "é", "“=”"])
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    """Only what begins like a formula is touched."""
    assert safe_cell(text) == text


def test_hostile_answers_come_back() -> None:
    """The hostile outputs are in the file exactly as the model sent them, in every column that holds them."""
    texts = list(dict.fromkeys(hostile_texts()))
    rows = read_csv(run_csv(report_of(texts)))
    assert [row["answer"] for row in rows] == texts
    assert [row["question"] for row in rows] == texts
    assert [row["reference"] for row in rows] == texts


def test_a_row_says_what_came_of_an_answer() -> None:
    """Each answer is a row with its state, its grades and its cost; what was not asked and the holdout are not there."""
    rows = {row["item"]: row for row in read_csv(run_csv(mixed_report()))}
    assert tuple(rows["item-0"]) == COLUMNS
    assert "item-10" not in rows
    assert "item-11" not in rows
    states = {row["item"]: row["state"] for row in rows.values()}
    assert states["item-0"] == "passed"
    assert states["item-7"] == "error"
    assert rows["item-7"]["error"] == "timeout: No answer in 60 s."
    assert rows["item-4"]["reasons"] == "correct: Not found."
    assert (rows["item-4"]["people"], rows["item-4"]["people_passed"]) == ("2", "1")
    assert rows["item-8"]["reasons"] == "correct: timed out"
    assert (rows["item-0"]["latency_s"], rows["item-0"]["cost_usd"]) == ("0.5", "0.001")


def test_answers_in_review_have_no_verdict_in_the_file() -> None:
    """While people grade an answer, neither the checks' nor the people's verdict is shown."""
    row = next(row for row in read_csv(run_csv(mixed_report())) if row["item"] == "item-9")
    assert (row["state"], row["scores"], row["reasons"], row["people"]) == ("in review", "", "", "0")


def test_formula_texts_of_our_own_are_among_the_hostile_ones() -> None:
    """The sample has live texts, so that the tests above can fail."""
    assert sum(is_live(text) for text in EVIL) >= 7
