"""Regular expressions of a project: how large they become, before anything compiles them."""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod

import regex

MAX_PATTERN = 2_000
MAX_SIZE = 5_000
"""Most single steps that a pattern may unfold to: `(a{100}){20}` unfolds to 2,000."""

_COUNTED = re.compile(r"\{(\d{0,9})(?:,(\d{0,9}))?\}")
_SKIPPING = re.compile(r"\(\?#|\(\?[A-Za-wyz0-9]*x")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


@lru_cache(maxsize=4_096)
def pattern_problem(pattern: str) -> str | None:
    """Say what is wrong with a pattern, None when it can be used."""
    if not pattern:
        return "the pattern is empty"
    if len(pattern) > MAX_PATTERN:
        return f"the pattern is longer than {MAX_PATTERN:,} characters"
    if "{" in pattern and unfolded_size(pattern) > MAX_SIZE:
        return "the pattern repeats too much; use smaller counts in braces"
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError, ValueError, MemoryError) as error:
        return f"is not a regular expression ({str(error)[:80]})"
    return None


def unfolded_size(pattern: str) -> int:
    """Estimate how many single steps a pattern has once its counted repeats are written out; never too few.

    Where comments or free spacing may stand between a group and its count, all counts are taken as nested.
    """
    if _SKIPPING.search(pattern):
        return len(pattern) * prod(max(1, _most(found)) for found in _COUNTED.finditer(pattern))
    sums, last, at = [0], 0, 0
    while at < len(pattern):
        char = pattern[at]
        counted = _COUNTED.match(pattern, at)
        if counted and sums[-1]:
            sums[-1] += last * max(0, _most(counted) - 1)
            last *= max(1, _most(counted))
            at = counted.end()
            continue
        if char == "(":
            sums.append(0)
        elif char == ")" and len(sums) > 1:
            last = sums.pop() + 1
            sums[-1] += last
        else:
            sums[-1] += 1
            last = 1
        at = _after(pattern, at)
    return sum(sums)


def _most(counted: re.Match[str]) -> int:
    """Give the larger number of `{m}`, `{m,}` or `{m,n}`."""
    return max(int(number or 0) for number in counted.groups())


def _after(pattern: str, at: int) -> int:
    """Give the place after the escape, character class or character that begins at a place."""
    if pattern[at] == "\\":
        return at + 2
    found = _CLASS.match(pattern, at) if pattern[at] == "[" else None
    return found.end() if found else at + 1
