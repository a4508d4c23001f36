"""Estimates and changes with their intervals as one SVG picture: a row for each skill, a mark for each target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from markupsafe import Markup

from evalbot.reporting.estimates import OVERALL, Change, Estimate, ScoreRow
from evalbot.reporting.telling import UNVERIFIED
from evalbot.reports.foreign_text import line
from evalbot.reports.words import change_words, counted, score_words, verdict_words
from evalbot.stats.verdicts import Verdict

MOST_ROWS = 60
"""More skills than this do not make a picture that is read; the table has them all."""

COLOURS = 6
"""How many targets have a colour of their own; their shapes go on."""

WIDTH, LABELS, GAP, PAD = 960, 210, 60, 24
ROW, LANE, TOP, BOTTOM = 34, 20, 30, 34
Doubts: TypeAlias = Callable[[Estimate | Change], bool]
"""Tells whether a number stands on an unverified judge."""

_SHAPES = ("circle", "square", "diamond")


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of the picture: a skill with what each target has on it, None where it has nothing.

    `doubted` are the numbers of it that stand on an unverified judge alone.
    """

    skill: str
    estimates: tuple[Estimate | None, ...]
    changes: tuple[Change | None, ...]
    doubted: tuple[Estimate | Change, ...] = ()


@dataclass(frozen=True, slots=True)
class _Panel:
    """A part of the picture with an axis of its own, in percent or points."""

    left: float
    right: float
    low: float
    high: float
    step: float

    def x(self, value: float) -> float:
        """Give the place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    @property
    def ticks(self) -> list[float]:
        """The values that the axis names."""
        count = round((self.high - self.low) / self.step)
        return [self.low + self.step * place for place in range(count + 1)]


def chart_rows(
    rows: Sequence[ScoreRow], changes: Sequence[Change], targets: Sequence[str], doubts: Doubts = lambda _: False
) -> list[ChartRow]:
    """Give the rows of a picture of pass rates: overall, then what got worse, what got better and the rest by name.

    `doubts` tells whether a number stands on an unverified judge: it has no verdict.
    """
    scores = {(row.target, row.skill): row.estimate for row in rows}
    moved = {(change.target, change.skill): change for change in changes}
    skills = dict.fromkeys(row.skill for row in rows)
    found = [
        ChartRow(
            skill,
            tuple(scores.get((target, skill)) for target in targets),
            tuple(moved.get((target, skill)) for target in targets),
        )
        for skill in skills
    ]
    return sorted((_with_doubts(row, doubts) for row in found), key=_rank)


def _with_doubts(row: ChartRow, doubts: Doubts) -> ChartRow:
    """Give a row with which of its numbers are doubted."""
    return replace(row, doubted=tuple(one for one in (*row.estimates, *row.changes) if one and doubts(one)))


def _rank(row: ChartRow) -> tuple[bool, int, str]:
    """Give the order of telling."""
    verdicts = {change.verdict for change in row.changes if change and change not in row.doubted}
    clear = 0 if Verdict.WORSE in verdicts else 1 if Verdict.BETTER in verdicts else 2
    return row.skill != OVERALL, clear, row.skill


def interval_chart(rows: Sequence[ChartRow], targets: Sequence[str], name: str) -> Markup:
    """Give the picture as SVG that takes its colours from the page; nothing for no rows. `name` tells its parts from others'."""
    rows = rows[:MOST_ROWS]
    if not rows:
        return Markup("")
    scores, changes = _panels(rows)
    lanes = max(len(targets), 1)
    height = max(ROW, LANE * lanes + 8)
    bottom = TOP + height * len(rows)
    parts = [_frame(scores, bottom, "Pass rate, %", None)]
    parts += [_frame(changes, bottom, "Change, points (right is better)", 0.0)] if changes else []
    for place, row in enumerate(rows):
        parts.append(_row(row, TOP + height * place, height, scores, changes))
    described = Markup("; ").join(_described(row, targets) for row in rows)
    return Markup(
        '<svg class="chart" role="img" aria-labelledby="{n}-title {n}-desc" viewBox="0 0 {w} {h}" '
        'xmlns="http://www.w3.org/2000/svg"><title id="{n}-title">{title}</title><desc id="{n}-desc">{desc}</desc>{body}</svg>'
    ).format(
        n=name,
        w=WIDTH,
        h=bottom + BOTTOM,
        title="Pass rate by skill with 95 % intervals" + (", and the change in it" if changes else ""),
        desc=described,
        body=Markup("").join(parts),
    )


def _panels(rows: Sequence[ChartRow]) -> tuple[_Panel, _Panel | None]:
    """Lay out the picture: pass rates, and beside them changes where there are any."""
    estimates = [one for row in rows for one in row.estimates if one]
    changes = [one for row in rows for one in row.changes if one]
    split = LABELS + (WIDTH - LABELS) * 0.56 if changes else WIDTH - PAD
    low = math.floor(min((one.lower for one in estimates), default=0.0) * 10) * 10.0
    scores = _Panel(LABELS, split, min(low, 90.0), 100.0, 20.0 if low < 40 and low % 20 == 0 else 10.0)
    if not changes:
        return scores, None
    furthest = max(max(abs(one.lower), abs(one.upper)) for one in changes) * 100
    step = next((step for step in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if furthest <= 3 * step), 50.0)
    most = step * max(math.ceil(furthest / step), 1)
    return scores, _Panel(split + GAP, WIDTH - PAD, -most, most, step)


def _frame(panel: _Panel, bottom: float, title: str, zero: float | None) -> Markup:
    """Draw a panel's title, grid and axis."""
    parts = [
        Markup('<text class="panel" x="{}" y="14">{}</text>').format(panel.left, title),
    ]
    for tick in panel.ticks:
        kind = "zero" if tick == zero else "grid"
        x = panel.x(tick)
        shown = f"{tick:+.0f}".replace("-", "−") if zero is not None and tick else f"{tick:.0f}"
        parts.append(Markup('<line class="{}" x1="{x}" x2="{x}" y1="{}" y2="{}"/>').format(kind, TOP, bottom, x=x))
        parts.append(Markup('<text class="tick" x="{}" y="{}">{}</text>').format(x, bottom + 18, shown))
    return Markup("").join(parts)


def _row(row: ChartRow, top: float, height: float, scores: _Panel, changes: _Panel | None) -> Markup:
    """Draw a skill's name and its marks."""
    middle = top + height / 2
    kind = "label whole" if row.skill == OVERALL else "label"
    n = max((one.n for one in row.estimates if one), default=0)
    parts = [
        Markup('<line class="rule" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(WIDTH, y=top),
        Markup('<svg x="0" y="{}" width="{}" height="20"><text class="{}" y="14.5">{}</text></svg>').format(
            middle - 10, LABELS - 62, kind, line(row.skill, 24)
        ),
        Markup('<text class="count" x="{}" y="{}">n {}</text>').format(LABELS - 18, middle + 4.5, f"{n:,}"),
    ]
    for place, (estimate, change) in enumerate(zip(row.estimates, row.changes, strict=True)):
        y = middle + LANE * (place - (len(row.estimates) - 1) / 2)
        if estimate:
            few = " few" if estimate.too_few or estimate in row.doubted else ""
            ends = (estimate.lower * 100, estimate.score * 100, estimate.upper * 100)
            parts.append(_mark(scores, ends, y, place, f"c{place % COLOURS}{few}"))
        if change and changes:
            ends = (change.lower * 100, change.difference * 100, change.upper * 100)
            kind = "unclear" if change in row.doubted else _CHANGE_CLASS.get(change.verdict, "unclear")
            parts.append(_mark(changes, ends, y, place, kind))
    return Markup("").join(parts)


_CHANGE_CLASS = {Verdict.WORSE: "worse", Verdict.BETTER: "better"}


def _mark(panel: _Panel, ends: tuple[float, float, float], y: float, place: int, kind: str) -> Markup:
    """Draw an interval as a bar with its value as a mark."""
    low, value, high = (panel.x(one) for one in ends)
    bar = Markup('<line class="bar" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(low, high, y=y)
    return Markup('<g class="{}">{}{}</g>').format(kind, bar, mark_shape(place, value, y))


def mark_shape(place: int, x: float, y: float) -> Markup:
    """Draw the mark of a target: colour is never the only difference between two of them."""
    shape = _SHAPES[place % len(_SHAPES)]
    if shape == "circle":
        return Markup('<circle cx="{}" cy="{}" r="5"/>').format(x, y)
    if shape == "square":
        return Markup('<rect x="{}" y="{}" width="9" height="9"/>').format(x - 4.5, y - 4.5)
    return Markup('<path d="M{x} {}l6 6l-6 6l-6-6z"/>').format(y - 6, x=x)


def _described(row: ChartRow, targets: Sequence[str]) -> str:
    """Say what a row shows."""
    return f"{line(row.skill, 60)}: {', '.join(_mark_words(row, targets)) or 'nothing scored'}"


def _mark_words(row: ChartRow, targets: Sequence[str]) -> Iterator[str]:
    """Say what each mark of a row shows."""
    for target, estimate, change in zip(targets, row.estimates, row.changes, strict=True):
        if estimate:
            doubt = f", {UNVERIFIED}" if estimate in row.doubted else ""
            verdict = UNVERIFIED if change in row.doubted else verdict_words(change) if change else ""
            moved = f", change {change_words(change)}, {verdict}" if change else ""
            yield f"{line(target, 60)} {score_words(estimate)}{doubt}{moved}"


def left_out_rows(rows: Sequence[ChartRow]) -> str:
    """Say how many skills the picture leaves out; empty for none."""
    return f"The picture leaves out {counted(len(rows) - MOST_ROWS, 'skill')}." if len(rows) > MOST_ROWS else ""
