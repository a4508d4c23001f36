"""Numbers in prose: what counts as one, and what it is worth."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalbot.grading.numbers import FoundNumber, find_numbers, last_number, reference_number


def values(text: str) -> list[str]:
    """The numbers of a text, in plain notation, percent marked."""
    return [f"{number.value.normalize():f}{'%' if number.percent else ''}" for number in find_numbers(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18", ["18"]),
        ("It is 18.", ["18"]),
        ("18.0.", ["18"]),
        ("007", ["7"]),
        (".5", ["0.5"]),
        ("No.5", ["5"]),
        ("-5", ["-5"]),
        ("\u22125", ["-5"]),
        ("\u20135", ["-5"]),
        ("minus 5", ["-5"]),
        ("+5", ["5"]),
        ("- 5 apples", ["5"]),
        ("10-20", ["10", "20"]),
        ("10\u201320", ["10", "20"]),
        ("GPT-4", ["4"]),
        ("B2 and H2O", []),
        ("1,234", ["1234"]),
        ("1,234,567.89", ["1234567.89"]),
        ("1,2345", ["1", "2345"]),
        ("3,5", ["3", "5"]),
        ("(3, 4)", ["3", "4"]),
        ("12,34,567", ["1234567"]),
        ("1.234,56", ["1234.56"]),
        ("1.234.567", ["1234567"]),
        ("1'234", ["1234"]),
        ("1’234", ["1234"]),
        ("1\u00a0234", ["1234"]),
        ("1\u202f234\u202f567", ["1234567"]),
        ("1 234", ["1", "234"]),
        ("1_000", ["1000"]),
        ("$1,234.50", ["1234.5"]),
        ("-$5", ["-5"]),
        ("$-5", ["-5"]),
        ("US$ 18", ["18"]),
        ("18 €", ["18"]),
        ("50%", ["50%"]),
        ("50 %", ["50%"]),
        ("50 percent", ["50%"]),
        ("3/4", ["0.75"]),
        ("1 1/2", ["1.5"]),
        ("½", ["0.5"]),
        ("1½", ["1.5"]),
        ("1 ¾", ["1.75"]),
        ("-3/4", ["-0.75"]),
        ("5/0", []),
        ("11/21/2026", ["11", "21", "2026"]),
        ("1e5", ["100000"]),
        ("1.5E-3", ["0.0015"]),
        ("6.02 × 10^23", ["602000000000000000000000"]),
        ("2×10²", ["200"]),
        ("2*10**-2", ["0.02"]),
        ("1.2.3", []),
        ("192.168.0.1", []),
        ("\\boxed{18}", ["18"]),
        ("$\\frac{3}{4}$", ["0.75"]),
        ("1{,}234", ["1234"]),
        ("\\$18", ["18"]),
        ("50\\%", ["50%"]),
        ("**18**", ["18"]),
        ("_18_", ["18"]),
        ("答案是18。", ["18"]),
        ("１８", ["18"]),
        ("١٨", ["18"]),
        ("18kg", ["18"]),
        ("x=5", ["5"]),
        ("", []),
        ("none at all", []),
        ("9" * 500, []),
        ("inf NaN 1e99999", ["1"]),
    ],
)
def test_reads_numbers_as_a_reader_does(text: str, expected: list[str]) -> None:
    """Each way of writing gives the number a reader sees."""
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18", "18"),
        ("She makes 9 * 2 = $18 every day.\n#### 18", "18"),
        ("5 * 3 = 15, so\n#### 1,234", "1234"),
        ("Q: 3 and 4? A: 18", "18"),
        ("A: 18 (see page 4)", "18"),
        ("**Answer:** 12 apples in 3 bags", "12"),
        ("The answer is 7 of 9", "7"),
        ("so we get \\boxed{42} in 3 steps", "42"),
        ("Answer: see above, 12 and 13", "12"),
        ("first 3, then 5", "5"),
    ],
)
def test_reference_number_is_the_one_that_is_marked(text: str, expected: str) -> None:
    """A mark such as #### or A: names the number; without one it is the last."""
    number = reference_number(text)
    assert number is not None
    assert f"{number.value:f}" == expected


def test_reference_without_a_number_gives_none() -> None:
    """No number is no number."""
    assert reference_number("none") is None


def test_last_number_survives_a_long_text() -> None:
    """The end of a long text is enough, and a number at a cut is read whole."""
    assert last_number("7 " + "words " * 10_000 + "the end is 12.") == FoundNumber(Decimal(12))
    for pad in range(380, 420):
        found = last_number("5 and 1 1/2" + "x" * pad)
        assert found is not None
        assert found.value == Decimal("1.5")


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [("50%", "50", True), ("50%", "0.5", True), ("0.5", "50%", True), ("50%", "0.5%", False), ("50", "0.5", False)],
)
def test_percent_is_either_form_where_only_one_side_has_the_sign(one: str, other: str, near: bool) -> None:
    """50% is 50 and 0.5, but 50 is not 0.5."""
    a, b = next(find_numbers(one)), next(find_numbers(other))
    assert a.near(b, Decimal(0)) is near


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from(["{}", "{:,}", "about {:,}.", "**{:_}**", "${}", "x = {:,} kg", "#### {:,}"]),
)
def test_whole_numbers_come_back(number: int, form: str) -> None:
    """A whole number in any common form is read back."""
    assert [found.value for found in find_numbers(form.format(number))] == [number]
    found = reference_number(form.format(number))
    assert found is not None
    assert found.value == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_decimals_come_back(number: Decimal) -> None:
    """A decimal number is read back exactly, also with the typographic minus and thousands."""
    for text in (f"{number:f}", f"{number:,f}", f"{number:,f}".replace("-", "\u2212"), f"{number:E}"):
        found = last_number(f"Answer: {text}.")
        assert found is not None
        assert found.value == number


def test_long_numbers_are_compared_to_the_last_digit() -> None:
    """Forty digits are forty digits, with either sign."""
    for sign in ("", "-"):
        one, other = (next(find_numbers(f"{sign}1234567890123456789012345678901234567{end}")) for end in (890, 891))
        assert not one.near(other, Decimal(0))
        assert one.near(other, Decimal(1))


@given(st.text(max_size=300))
@example("1" * 300)
@example("1/" * 150)
@example("\\frac{" * 40)
def test_any_text_is_read_without_a_fault(text: str) -> None:
    """No text raises, and every value found is finite."""
    assert all(number.value.is_finite() for number in find_numbers(text))
    reference_number(text)


@pytest.mark.parametrize("piece", ["1", "1,", "1.1", "1 ", "1/", "-", " ", "A:", "####", "1e9"])
def test_adversarial_lengths_are_read(piece: str) -> None:
    """Two million characters of trouble are read to their end; quadratic work would never come there."""
    text = piece * (2_000_000 // len(piece))
    assert all(one.value.is_finite() for one in find_numbers(text))
    last_number(text)
    reference_number(text)
