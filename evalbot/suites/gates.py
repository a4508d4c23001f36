"""The language of gates: conditions on a run's numbers under which it must not pass. How they stand is told in `reporting`.

    overall.lower < 0.80                            the lower end of the pass rate's interval, for every target
    skills.refund-policy.delta.significant_drop     a real drop on a skill against what the run was compared with
    targets."gpt-4.1-mini".overall.score < 0.9      one target alone; names with dots or spaces stand in quotes
    errors.share > 0.05                             a count or an amount of the whole run

A number has one of `< <= > >=` and a limit after it; a flag stands alone. Nothing is ever evaluated as code.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import process

from evalbot.errors import BadRequest
from evalbot.suites.skills import OVERALL

MOST_CONDITIONS = 50
MOST_CHARACTERS = 300

SKILLS, TARGETS, DELTA = "skills", "targets", "delta"
_NAME = r'(?:[A-Za-z0-9_-]+|"(?:[^"]|"")+")'
_CONDITION = re.compile(
    rf"\s*(?P<path>{_NAME}(?:\.{_NAME})*)\s*(?:(?P<sign><=|>=|<|>)\s*(?P<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{{1,3}})?)\s*)?",
    re.ASCII,
)
_PART = re.compile(_NAME)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EXAMPLE = "Write it like overall.lower < 0.80 or skills.NAME.delta.significant_drop."


class Measure(StrEnum):
    """What a condition looks at; the names are the words of the language."""

    SCORE = "score"
    LOWER = "lower"
    UPPER = "upper"
    N = "n"
    DIFFERENCE = "delta.difference"
    DIFFERENCE_LOWER = "delta.lower"
    DIFFERENCE_UPPER = "delta.upper"
    DROP = "delta.significant_drop"
    GAIN = "delta.significant_gain"
    ERRORS = "errors"
    ERROR_SHARE = "errors.share"
    UNGRADED = "ungraded"
    UNGRADED_SHARE = "ungraded.share"
    COST = "cost_usd"
    DURATION = "duration_s"

    @property
    def of_run(self) -> bool:
        """Tell whether it is a number of the whole run."""
        return self in _OF_RUN

    @property
    def flag(self) -> bool:
        """Tell whether it is true or false by itself."""
        return self in (Measure.DROP, Measure.GAIN)

    @property
    def of_change(self) -> bool:
        """Tell whether it speaks of a comparison."""
        return self.value.startswith(f"{DELTA}.")


_OF_RUN = frozenset(
    {
        Measure.ERRORS,
        Measure.ERROR_SHARE,
        Measure.UNGRADED,
        Measure.UNGRADED_SHARE,
        Measure.COST,
        Measure.DURATION,
    }
)
_SHARES = frozenset({Measure.SCORE, Measure.LOWER, Measure.UPPER, Measure.ERROR_SHARE, Measure.UNGRADED_SHARE})
_DIFFERENCES = frozenset({Measure.DIFFERENCE, Measure.DIFFERENCE_LOWER, Measure.DIFFERENCE_UPPER})
_RUN_WORDS = tuple(measure.value for measure in Measure if measure.of_run)
_SUBJECT_WORDS = tuple(measure.value for measure in Measure if not measure.of_run)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition under which a gate fails; its text reads back to the same condition.

    `target` None means every target but the one the run is compared with. `skill` is `overall` for all items, empty for numbers
    of the whole run. `sign` is empty and `limit` 0 for a flag.
    """

    measure: Measure
    skill: str = OVERALL
    target: str | None = None
    sign: str = ""
    limit: float = 0.0

    def __str__(self) -> str:
        if self.measure.of_run:
            return f"{self.measure} {self.sign} {_written(self.limit)}"
        of = f"{TARGETS}.{_quoted(self.target)}." if self.target is not None else ""
        subject = OVERALL if self.skill == OVERALL else f"{SKILLS}.{_quoted(self.skill)}"
        compared = "" if self.measure.flag else f" {self.sign} {_written(self.limit)}"
        return f"{of}{subject}.{self.measure}{compared}"

    def met_by(self, value: float) -> bool:
        """Tell whether a value meets the condition; a flag is met by 1."""
        return bool(value) if self.measure.flag else _SIGNS[self.sign](value, self.limit)


# --- reading ---------------------------------------------------------------------------------------


def parse_gate(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Read the conditions of a gate; raises BadRequest that says what is wrong with the first wrong one."""
    conditions = tuple(parse_condition(text) for text in texts)
    if len(conditions) > MOST_CONDITIONS:
        raise BadRequest(f"A gate has at most {MOST_CONDITIONS} conditions, not {len(conditions)}.")
    return conditions


def parse_condition(text: str) -> Condition:
    """Read one condition; raises BadRequest with the nearest known word."""
    found = _CONDITION.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        raise BadRequest(f"The gate's condition {_short(text)} was not understood.", EXAMPLE)
    parts = [_unquoted(part) for part in _PART.findall(found["path"])]
    target = _take_name(parts, TARGETS, text)
    skill = _take_name(parts, SKILLS, text)
    whole = target is None and skill is None and parts[:1] != [OVERALL]
    if skill is None and not whole:
        skill = _take_overall(parts, text)
    measure = _measure(".".join(parts), whole, text)
    if measure.flag != (found["sign"] is None):
        what = "stands alone" if measure.flag else "needs a limit, such as < 0.80"
        raise BadRequest(f"In the gate's condition {_short(text)}, {measure} {what}.", EXAMPLE)
    limit = float(found["limit"] or 0.0)
    _check_range(measure, limit, text)
    return Condition(measure, "" if whole else skill or OVERALL, target, found["sign"] or "", limit)


def _take_name(parts: list[str], word: str, text: str) -> str | None:
    """Take a word and the name after it off the front of a path; None when the path does not start with the word."""
    if parts[:1] != [word]:
        return None
    if len(parts) < 2:
        raise BadRequest(f"In the gate's condition {_short(text)}, {word} needs a name after it.", EXAMPLE)
    del parts[0]
    return parts.pop(0)


def _take_overall(parts: list[str], text: str) -> str:
    """Take the word for all items off the front of a path; after a target there must be it or a skill."""
    if parts[:1] != [OVERALL]:
        raise BadRequest(f"In the gate's condition {_short(text)}, overall or skills.NAME is missing.", EXAMPLE)
    return parts.pop(0)


def _measure(word: str, whole: bool, text: str) -> Measure:
    """Give the measure of a word; raises BadRequest with the nearest one."""
    known = _RUN_WORDS if whole else _SUBJECT_WORDS
    if word in known:
        return Measure(word)
    near = process.extractOne(word[:80], (*known, *((OVERALL, SKILLS, TARGETS) if whole else ())), score_cutoff=60)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    raise BadRequest(f"In the gate's condition {_short(text)}, {_short(word)} is not known.", hint)


def _check_range(measure: Measure, limit: float, text: str) -> None:
    """Raise BadRequest for a limit that the measure can never reach, such as a percentage in place of a share."""
    if not math.isfinite(limit):
        raise BadRequest(f"The limit of the gate's condition {_short(text)} is too large.")
    lowest = -1.0 if measure in _DIFFERENCES else 0.0
    highest = 1.0 if measure in _SHARES or measure in _DIFFERENCES else math.inf
    if not lowest <= limit <= highest:
        hint = f"Write a share: {limit / 100:g} for {limit:g} %." if highest == 1.0 and abs(limit) <= 100 else EXAMPLE
        raise BadRequest(f"{measure} is never {limit:g} in the gate's condition {_short(text)}.", hint)


def check_names(conditions: Iterable[Condition], skills: Sequence[str], targets: Sequence[str]) -> None:
    """Raise BadRequest for a condition on a skill or target that there is not, with the nearest one that there is."""
    for condition in conditions:
        for noun, name, known in (("skill", condition.skill, skills), ("target", condition.target, targets)):
            if not name or name in known or (noun == "skill" and name == OVERALL):
                continue
            near = process.extractOne(name[:80], known, score_cutoff=60)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known[:12]) or 'none'}."
            raise BadRequest(f"The gate's condition {condition} names a {noun} that there is not.", hint)


# --- writing ---------------------------------------------------------------------------------------


def _written(limit: float) -> str:
    """Write a limit so that it reads back to the same number."""
    return str(int(limit)) if limit.is_integer() and abs(limit) < 1e15 else repr(limit)


def _quoted(name: str) -> str:
    """Write a name, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _unquoted(part: str) -> str:
    """Read a name."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _short(text: str) -> str:
    """Give a text for an error: in quotes, on one line, cut."""
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
