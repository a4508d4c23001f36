"""Every reference of the word problems, worked out a second time from the numbers of the problem."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ITEMS = yaml.safe_load((ROOT / "prompts" / "suites" / "word-problems.yaml").read_text("utf-8"))["items"]


def meetings(first_tuesday: int, count: int) -> list[int]:
    """Give the days of the month of meetings on Tuesdays and Fridays."""
    days = [first_tuesday]
    for gap in islice(cycle([3, 4]), count - 1):
        days.append(days[-1] + gap)
    return days


SUMS: dict[str, float] = {
    "totals-01": 4 * 13 - 9,
    "totals-02": 3 * 38 + 7,
    "totals-03": (85 - 25) // 5,
    "totals-04": 6 * 24 + 4 * 18 - 15,
    "totals-05": (9 - 2 - 1) * 8 + 5,
    "totals-06": (7 - 3) * (56 // 7 - 4),
    "totals-07": ((12 - 3) * 20 - 14 - 9) * 2,
    "totals-08": ((5 - 1) * 6 * 8 + 4 * 8 - 7) // 25,
    "money-01": 2 * 3.40 + 1.25,
    "money-02": 10 - 6 * 0.85,
    "money-03": 92 / 4 + 5,
    "money-04": (18 * 12 - 150) / 3,
    "money-05": 14 * 5 * 3 - 35,
    "money-06": 2 * 9 + (4 - 1) * 5,
    "money-07": 20 + (260 - 100) * 0.10 - 4 + 20,
    "money-08": 46 * 1.5 - 11 - 2 * (-(-46 // 20)),
    "rates-01": 3 * 60 / 18,
    "rates-02": 90 * 2 + 40,
    "rates-03": (8 - 3) * 12,
    "rates-04": 24 / 12 + 0.5 + 24 / 16,
    "rates-05": 200 / 5 / 4 * 3 * 7,
    "rates-06": (20 - 10 * 1) - (24 - 10 * 1.5),
    "rates-07": 2 + (26 - 4 * 2) / (4 + 5),
    "rates-08": 12 + (810 - 12 * 30) / 45 + (900 - 810) / 15,
    "parts-01": 60 - 60 // 3,
    "parts-02": 250 * (1 - 0.20),
    "parts-03": 32 * 3 // 4 // 2,
    "parts-04": 80 * 1.25 * 0.75,
    "parts-05": 240 * 3 // 4 * 2 // 3,
    "parts-06": 500 * 0.40 * (1 - 0.15),
    "parts-07": (600 * 4 // 5 * 5 // 8 - 60) // 15,
    "parts-08": (240 * 10 // 100 + 160 * 20 // 100) * 3 // 4,
    "time-01": (19 * 60 + 45 + 105 + 15) - 21 * 60,
    "time-02": 31 - 11 + 4,
    "time-03": 63 + (21 - 8),
    "time-04": 35 - (8 * 60 + 10 - 6 * 60 - 50) % 35,
    "time-05": 5 * ((12 * 60 + 15 - 4 * 60 - 30) - 2 * 20),
    "time-06": (15 * 60 + 25 - 13 * 60 - 40) - 200 // 25 * 10,
    "time-07": meetings(3, 9)[-1],
    "time-08": (-(22 * 60 + 20 + 9 * 60 + 45 + 6 * 60 + 50)) % 60,
    "measures-01": 300 - 4 * 45,
    "measures-02": 2500 - 5 * 300,
    "measures-03": 2 * (14 + 9) - 2,
    "measures-04": (5 * 2.4 - 1.5 * 1) / 3.5,
    "measures-05": 60 * 30 * (40 - 5) / 1000,
    "measures-06": 3500 - 40 * 25 - 6 * 320,
    "measures-07": -(-(8 * 6 * 4 + 10) // 15),
    "measures-08": (1200 * 3 // 4 - 100) // (8 * 15 + 40),
}


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_reference_is_what_the_numbers_give(item: dict[str, str]) -> None:
    """The reference of the suite equals the sum written here by hand."""
    assert float(item["reference"]) == pytest.approx(SUMS[item["id"]], abs=1e-9)


def test_every_sum_belongs_to_an_item() -> None:
    """No sum is left over from an item that is gone."""
    assert SUMS.keys() == {item["id"] for item in ITEMS}
