"""What values mean: words or numbers, how far apart two of them are, and which score in [0, 1] each one is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalbot.reporting.analysis_rows import BadRow, Given, Part, Source, shown
from evalbot.stats.agreement import Metric
from evalbot.stats.intervals import Interval

Value = str | float
"""A word (lower case, single blanks) or a number."""

MAX_WORDS = 50
"""More different words than these are texts, not categories."""
MAX_LEVELS = 15
"""An ordered scale has at most so many levels; finer ones are intervals."""
GUESSED_LEVELS = 11

NOT_GIVEN = frozenset(
    {
        *("", "unsure", "not sure", "cannot judge", "can't judge", "cannot_judge", "cannot tell", "can't tell"),
        *("don't know", "n/a", "na", "nan", "null", "not applicable", "abstain", "skip", "skipped"),
    }
)
"""Values that mean: this grader gave no grade here."""
NOT_GIVEN_BESIDE_NUMBERS = frozenset(("u", "?", "-"))

KNOWN_WORDS: Sequence[Mapping[str, float]] = (
    {"a": 1, "tie": 0.5, "draw": 0.5, "both": 0.5, "b": 0},
    {"pass": 1, "passed": 1, "partial": 0.5, "fail": 0, "failed": 0},
    {"yes": 1, "partly": 0.5, "no": 0},
    {"y": 1, "n": 0},
    {"true": 1, "false": 0},
    {"1": 1, "0": 0},
    {"good": 1, "ok": 0.5, "okay": 0.5, "bad": 0},
    {"correct": 1, "partially correct": 0.5, "partial": 0.5, "incorrect": 0, "wrong": 0},
    {"right": 1, "wrong": 0},
    {"safe": 1, "unsafe": 0},
    {"win": 1, "tie": 0.5, "draw": 0.5, "loss": 0, "lose": 0},
    {"positive": 1, "neutral": 0.5, "negative": 0},
    {"helpful": 1, "unhelpful": 0, "not helpful": 0},
    {"accept": 1, "reject": 0},
    {"up": 1, "down": 0},
)
"""Words whose score is plain; a criterion uses one of these lines when it holds all its words."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_IS_NUMBER = re.compile(_NUMBER)
_SCALE = re.compile(
    rf"(nominal|ordinal|interval)?[\s:,]*(?:({_NUMBER})\s*(?:-|–|\.\.|to)\s*({_NUMBER}))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How the values of a criterion are read: their distance, whether they are numbers, the range of numbers, the scores of
    words (a word that is missing scores 0), and `meaning`, which says to people how a value becomes a score.
    """

    metric: Metric
    numeric: bool
    ends: Interval
    points: Mapping[str, float]
    meaning: str

    def score(self, value: Value) -> float:
        """Give the score of a value in [0, 1]."""
        if isinstance(value, str):
            return self.points.get(value, 0.0)
        return min(1.0, max(0.0, (value - self.ends.lower) / self.ends.width))


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of a criterion, one for each row of grades, gold and judge (None: not given), and their scale.

    `spelling` gives words back as most people wrote them; `shares` tells that the judge's numbers are scores already.
    """

    scale: Scale
    grades: list[Value | None]
    gold: list[Value | None]
    judge: list[Value | None]
    spelling: Mapping[str, str]
    shares: bool

    def judge_score(self, value: Value) -> float:
        """Give the score in [0, 1] of a judge's value."""
        return float(value) if self.shares and not isinstance(value, str) else self.scale.score(value)


def read_values(part: Part, gold: Sequence[Given], judge: Sequence[Given]) -> Reading:
    """Read the texts of a criterion as words or numbers; raises BadRow for the first that does not fit the others."""
    metric, declared = parse_scale(part)
    numeric = metric is not Metric.NOMINAL and _are_numbers(part.given, part.scale)
    grades = _values(part.given, numeric, Source.GRADES)
    gold_values = _values(gold, numeric, Source.GOLD)
    shares = _judge_gives_shares(judge, grades, numeric)
    judged = _values(judge, numeric or shares, Source.JUDGE)
    if not numeric:
        spelling = _spelling([*part.given, *gold, *judge])
        scale = _word_scale(spelling, grades, gold_values, judged)
        return Reading(scale, grades, gold_values, judged, spelling, shares)
    _check_same_scale(judge, judged, grades, declared, shares)
    together = [*grades, *gold_values, *([] if shares else judged)]
    ends = declared or _guess_range([value for value in together if isinstance(value, float)])
    if declared:
        _check_inside(part.given, grades, ends, Source.GRADES)
        _check_inside(gold, gold_values, ends, Source.GOLD)
        _check_inside([] if shares else judge, judged, ends, Source.JUDGE)
    scale = _number_scale(metric, grades, ends, part)
    return Reading(scale, grades, gold_values, judged, {}, shares)


def parse_scale(part: Part) -> tuple[Metric | None, Interval | None]:
    """Read a declared scale such as `ordinal`, `1-5` or `interval 0-100`; raises BadRow when it is none of these."""
    found = _SCALE.fullmatch(part.scale)
    ends = Interval(float(found[2]), float(found[3])) if found and found[2] else None
    if found is None or (ends is not None and not (math.isfinite(ends.width) and ends.width > 0)):
        hint = "Write nominal, ordinal or interval, or a range such as 1-5, or both: ordinal 1-5."
        raise BadRow(f"the scale `{shown(part.scale)}` is not known", hint, row=part.given[0].row)
    return (Metric(found[1].lower()) if found[1] else None), ends


def parse_value(text: str) -> Value | None:
    """Read a text as a number, else a word; None when it says that no grade was given."""
    word = " ".join(text.casefold().replace("’", "'").split())
    if word in NOT_GIVEN:
        return None
    if _IS_NUMBER.fullmatch(word) and math.isfinite(float(word)):
        return float(word)
    return word


def _are_numbers(given: Iterable[Given], scale: str) -> bool:
    """Tell whether the grades are numbers; raises BadRow when some are not, though others are or the scale says so."""
    texts = Counter(one.text for one in given)
    read = {text: parse_value(text) for text in texts}
    numbers = {text for text, value in read.items() if isinstance(value, float)}
    short = NOT_GIVEN_BESIDE_NUMBERS if numbers else frozenset()
    words = {text for text, value in read.items() if isinstance(value, str) and value not in short}
    if not words or not (numbers or scale):
        return bool(numbers) or (bool(scale) and not words)
    expected = bool(scale) or _times(texts, numbers) >= _times(texts, words)
    odd = words if expected else numbers
    first = next(one for one in given if one.text in odd)
    rest = f"the scale is {shown(scale)}" if scale else f"the other grades are {'numbers' if expected else 'words'}"
    hint = "Correct it, or write nominal in a column scale if all values are words."
    raise BadRow(f"`{shown(first.text)}` is a {'word' if expected else 'number'}, but {rest}", hint, row=first.row)


def _times(counts: Counter[str], chosen: Iterable[str]) -> int:
    """Give how often the chosen texts come."""
    return sum(counts[text] for text in chosen)


def _values(given: Sequence[Given], numeric: bool, source: Source) -> list[Value | None]:
    """Read every text as the kind of value the criterion has; raises BadRow for a word among numbers."""
    read = {text: parse_value(text) for text in {one.text for one in given}}
    if numeric:
        for text, value in read.items():
            if isinstance(value, str):
                if value not in NOT_GIVEN_BESIDE_NUMBERS:
                    row = next(one.row for one in given if one.text == text)
                    hint = "Correct it, or leave the value empty."
                    raise BadRow(f"`{shown(text)}` is a word, but the grades are numbers", hint, source, row)
                read[text] = None
        return [read[one.text] for one in given]
    others = {value for value in read.values() if isinstance(value, str)}
    short = NOT_GIVEN_BESIDE_NUMBERS if others <= NOT_GIVEN_BESIDE_NUMBERS and len(others) < len(read) else frozenset()
    words = {text: text.casefold() if isinstance(value, float) else value for text, value in read.items()}
    return [None if words[one.text] in short else words[one.text] for one in given]


def _judge_gives_shares(judge: Sequence[Given], grades: Sequence[Value | None], numeric: bool) -> bool:
    """Tell whether a judge gives scores in [0, 1] where people give words or numbers of another range."""
    values = {parse_value(text) for text in {one.text for one in judge}} - {None}
    if not values or not all(isinstance(value, float) and 0 <= value <= 1 for value in values):
        return False
    if not numeric:
        return not values <= {parse_number(value) for value in grades if value is not None}
    inside = all(0 <= value <= 1 for value in grades if isinstance(value, float))
    return not inside and not values <= {1.0}


def parse_number(value: Value) -> float | None:
    """Give a word that is a number as one, else None."""
    found = parse_value(value) if isinstance(value, str) else value
    return found if isinstance(found, float) else None


def _spelling(given: Iterable[Given]) -> dict[str, str]:
    """Give for each word the way most people wrote it; of equally many the first in the alphabet."""
    counts = Counter(one.text for one in given)
    ways: dict[str, str] = {}
    for text, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        value = parse_value(text)
        ways.setdefault(value if isinstance(value, str) else text.casefold(), " ".join(text.split()))
    return ways


def _word_scale(spelling: Mapping[str, str], *tables: Sequence[Value | None]) -> Scale:
    """Find what the words of a criterion score: by a line of known words, else 1 for the commonest word of people."""
    counts = Counter(value for value in tables[0] if isinstance(value, str))
    if len(counts) > MAX_WORDS:
        text = f"the values are {len(counts):,} different words, which are texts rather than categories"
        raise BadRow(text, f"Give at most {MAX_WORDS} different words in the column value.")
    words = {value for table in tables for value in table if isinstance(value, str)}
    for known in KNOWN_WORDS:
        if words and words <= known.keys():
            ranked = sorted(words, key=lambda word: (-known[word], word))
            says = ", ".join(f"{spelling.get(word, word)} = {known[word]:.0%}" for word in ranked)
            return Scale(Metric.NOMINAL, False, Interval(0, 1), dict(known), says)
    best = min(counts, key=lambda word: (-counts[word], word), default="")
    return Scale(
        Metric.NOMINAL,
        False,
        Interval(0, 1),
        {best: 1.0},
        f"the share of `{shown(spelling.get(best, best))}`",
    )


def _number_scale(metric: Metric | None, grades: Sequence[Value | None], ends: Interval, part: Part) -> Scale:
    """Find how numbers are compared: as declared, else two values as words, few whole ones as levels, others as intervals."""
    numbers = {value for value in grades if isinstance(value, float)}
    if metric is None:
        whole = all(value.is_integer() for value in numbers)
        levels = Metric.ORDINAL if whole and len(numbers) <= GUESSED_LEVELS else Metric.INTERVAL
        metric = Metric.NOMINAL if len(numbers) <= 2 and whole else levels
    if metric is Metric.ORDINAL and len(numbers) > MAX_LEVELS:
        text = f"the scale is ordinal, but there are {len(numbers):,} different numbers"
        raise BadRow(text, "Write interval in the column scale.", row=part.given[0].row)
    return Scale(metric, True, ends, {}, f"{ends.upper:g} = 100%, {ends.lower:g} = 0%")


def _guess_range(numbers: Sequence[float]) -> Interval:
    """Give the range of a scale from the numbers on it: shares, 1 or 0 to the largest up to ten, 0 to 100, else as seen."""
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    if low >= -1 and high <= 1:
        return Interval(-1.0 if low < 0 else 0.0, 1.0)
    if low >= 0 and high <= 10:
        return Interval(1.0 if low >= 1 else 0.0, float(math.ceil(high)))
    if low >= 0 and high <= 100:
        return Interval(0.0, 100.0)
    return Interval(low, high if high > low else low + 1)


def _check_same_scale(
    judge: Sequence[Given],
    judged: Sequence[Value | None],
    grades: Sequence[Value | None],
    declared: Interval | None,
    shares: bool,
) -> None:
    """Refuse a judge whose numbers go far beyond those of people, unless the scale is declared."""
    if declared or shares:
        return
    people = _guess_range([value for value in grades if isinstance(value, float)])
    for one, value in zip(judge, judged, strict=True):
        if isinstance(value, float) and people.upper <= 10 and not -10 <= value <= 10:
            text = f"the judge says {value:g}, but the grades of people end at {people.upper:g}"
            raise BadRow(text, "Put both on the same scale.", Source.JUDGE, one.row)


def _check_inside(rows: Sequence[Given], values: Sequence[Value | None], ends: Interval, source: Source) -> None:
    """Refuse a number outside the declared range."""
    for one, value in zip(rows, values, strict=False):
        if isinstance(value, float) and not ends.contains(value):
            text = f"{value:g} lies outside the scale {ends.lower:g} to {ends.upper:g}"
            raise BadRow(text, "Correct the value or the scale.", source, one.row)
