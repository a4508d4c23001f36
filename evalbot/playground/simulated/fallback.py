"""What a simulated model says to a question it has no written answer for: openly simulated, and always the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalbot.playground.simulated.personas import uniform

_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")
_COUNTING = re.compile(
    r"\b(how (many|much|long|far|old)|what is the (total|sum|cost|price)|calculate)\b", re.IGNORECASE
)


def fallback_answer(model: str, text: str) -> str:
    """Give an honest stand-in; for a word problem it ends with a number made from the numbers of the problem."""
    numbers = [float(found.replace(",", "")) for found in _NUMBER.findall(text)]
    if len(numbers) >= 2 and _COUNTING.search(text):
        return _combined(model, text, numbers)
    return (
        f"Simulated answer: {model} is not a real model and has no prepared answer for this text. "
        "It answers the questions of the starter suites; for anything else, connect a real model."
    )


def _combined(model: str, text: str, numbers: Sequence[float]) -> str:
    """Combine the first numbers with operations chosen by the text: a guess, right only by luck."""
    total, working = numbers[0], _shown(numbers[0])
    for place, number in enumerate(numbers[1:4]):
        total, word = _combine(total, number, int(uniform("guess", model, text, place) * 3))
        working = f"({working} {word} {_shown(number)})"
    return (
        f"Simulated answer: this problem is not in the bank of {model}, so it only combines the numbers it reads. "
        f"{working} gives\n\nA: {_shown(total)}"
    )


def _combine(total: float, number: float, way: int) -> tuple[float, str]:
    """Give the combined number and the word for what was done."""
    if way == 0 and total >= number:
        return total - number, "minus"
    return (total * number, "times") if way == 1 else (total + number, "plus")


def _shown(number: float) -> str:
    """Write a number without a needless decimal point."""
    return str(int(number)) if number == int(number) else f"{number:.2f}"
