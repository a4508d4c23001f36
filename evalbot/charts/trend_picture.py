"""Weekly trends as small multiples, with intervals and step changes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, MonthLocator, date2num
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, PercentFormatter

from evalbot.reporting.digests import Point, Shift, Trend
from evalbot.reporting.estimates import OVERALL, Estimate, How
from evalbot.reporting.posts import Picture

BLUE, RED, GREY = "#1f5fa8", "#b3261e", "#555555"
COLUMNS = 3
MOST_PANELS = 6
LONGEST_NAME = 24
LONGEST_TITLE = 90
SHORT_SERIES_DAYS = 45
"""A series over fewer days than this is labelled by days instead of months."""


def draw_trends(trends: Sequence[Trend], title: str, name: str) -> Picture:
    """Draw up to six trends of one target, one panel each on a common scale; the alt text holds every last number."""
    shown = choose_panels(trends)
    columns = 2 if len(shown) == 4 else min(COLUMNS, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(0.7 + 3.5 * max(2, columns), 0.75 + 2.6 * rows), dpi=120, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.05)
    FigureCanvasAgg(figure)
    figure.suptitle(
        drawable(title, LONGEST_TITLE), x=0.012, ha="left", fontsize=13.5, fontweight="bold", parse_math=False
    )
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    floor = _floor(shown)
    for panel, trend in zip(panels, shown, strict=False):
        _draw_panel(panel, trend)
        _dress(panel, floor, [point.day for one in shown for point in one.points])
    for spare in panels[len(shown) :]:
        spare.set_visible(False)
    for lowest in panels[max(0, len(shown) - columns) : len(shown)]:
        lowest.tick_params(labelbottom=True)
    return Picture(name, _png(figure), alt_text(trends, title))


def choose_panels(trends: Sequence[Trend]) -> list[Trend]:
    """Choose what is drawn: the overall trend, then those with a step change, then the others, in the order given."""
    told = sorted(trends, key=lambda trend: (trend.skill != OVERALL, trend.shift is None))[:MOST_PANELS]
    return [trend for trend in trends if trend in told]


def alt_text(trends: Sequence[Trend], title: str) -> str:
    """Say in words what the picture shows: each drawn trend's latest estimate and step change. At most 1,900 characters."""
    shown = choose_panels(trends)
    parts = [f"{_shortened(trend.skill, LONGEST_NAME)}: {_last_words(trend)}" for trend in shown]
    untold = len(trends) - len(shown)
    more = f" {untold} more not drawn." if untold else ""
    return f"{_shortened(title, LONGEST_TITLE)}. Latest week: {'; '.join(parts) or 'nothing measured'}.{more}"


def _last_words(trend: Trend) -> str:
    """Say where a trend stands."""
    if trend.latest is None:
        return "not measured"
    text = f"{trend.latest.score:.0%} ({trend.latest.lower:.0%} to {trend.latest.upper:.0%}, n {trend.latest.n})"
    if not trend.verified:
        text += ", unverified"
    elif trend.latest.how is How.CORRECTED:
        text += ", corrected by people"
    if trend.shift:
        text += f", step change in the week of {trend.shift.day.isoformat()} from {trend.shift.before:.0%}"
    return text


def drawable(text: str, longest: int) -> str:
    """Give a text that the font of the pictures can show: one line, cut to a length, unknown characters as a box."""
    known = get_font(findfont(FontProperties())).get_charmap()
    line = _shortened(text, longest)
    return "".join(char if ord(char) in known else "\N{WHITE SQUARE}" for char in line)


def _shortened(text: str, longest: int) -> str:
    """Give a text on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _floor(trends: Sequence[Trend]) -> float:
    """Choose the lower end of the common scale: just under the lowest interval, in steps of ten points, 90 % at most."""
    lows = [point.estimate.lower for trend in trends for point in trend.points if point.estimate]
    return min(0.9, int(min(lows, default=0.0) * 10) / 10)


def _draw_panel(panel: Axes, trend: Trend) -> None:
    """Draw one trend: line and band with gaps where nothing was measured, last value, step change."""
    colour = RED if trend.shift and trend.shift.after < trend.shift.before else BLUE
    _draw_series(panel, trend.points, colour)
    measured = [(point.day, point.estimate) for point in trend.points if point.estimate]
    if measured:
        _draw_last(panel, *measured[-1], colour)
    if trend.shift and _holds(trend.points, trend.shift.day):
        _draw_shift(panel, trend.shift, colour)
    n = f"n={measured[-1][1].n:,}" if measured else "not measured"
    skill = drawable(trend.skill.replace("_", " ").replace("-", " "), LONGEST_NAME)
    label = f"{skill[:1].upper()}{skill[1:]}  ({n})"
    panel.set_title(label, loc="left", fontsize=11, fontweight="bold", parse_math=False)


def _draw_series(panel: Axes, points: Sequence[Point], colour: str) -> None:
    """Draw line and band; a week measured between two gaps, which no line reaches, is a dot with its interval, and one that
    people corrected a ring."""
    days = [_place(point.day) for point in points]
    table = np.array([_row(point.estimate) for point in points], dtype=np.float64).reshape(-1, 3)
    score, lower, upper = table.T
    panel.plot(days, score, color=colour, linewidth=2.2, solid_joinstyle="round")
    panel.fill_between(days, lower, upper, color=colour, alpha=0.16, linewidth=0)
    for day, point, alone in zip(days, points, _alone(points), strict=True):
        if alone and point.estimate:
            panel.plot([day, day], [point.estimate.lower, point.estimate.upper], color=colour, alpha=0.3, linewidth=4)
            panel.plot([day], [point.estimate.score], "o", color=colour, markersize=4)
        if point.estimate and point.estimate.how is How.CORRECTED:
            panel.plot(
                [day], [point.estimate.score], "o", color=colour, markerfacecolor="white", markersize=5, zorder=4
            )


def _row(estimate: Estimate | None) -> tuple[float, float, float]:
    """Give score and interval; NaN where nothing was measured, which draws as a gap."""
    nan = float("nan")
    return (nan, nan, nan) if estimate is None else (estimate.score, estimate.lower, estimate.upper)


def _alone(points: Sequence[Point]) -> list[bool]:
    """Tell of each point whether it has no measured neighbour."""
    there = [False, *(point.estimate is not None for point in points), False]
    return [there[place] and not there[place - 1] and not there[place + 1] for place in range(1, len(there) - 1)]


def _draw_last(panel: Axes, day: date, estimate: Estimate, colour: str) -> None:
    """Draw the newest value as a dot with its number."""
    place = (_place(day), estimate.score)
    panel.plot(*place, "o", color=colour, markersize=7, clip_on=False, zorder=5)
    panel.annotate(
        f"{estimate.score:.0%}",
        place,
        (9, -4),
        textcoords="offset points",
        color=colour,
        fontsize=11,
        fontweight="bold",
        annotation_clip=False,
    )


def _holds(points: Sequence[Point], day: date) -> bool:
    """Tell whether a day lies in the weeks of a series."""
    return bool(points) and points[0].day - timedelta(days=7) < day <= points[-1].day


def _draw_shift(panel: Axes, shift: Shift, colour: str) -> None:
    """Draw a step change as a dated line, its label on the side with more room."""
    place = _place(shift.day)
    panel.axvline(place, color=colour, linestyle="--", linewidth=1.3)
    left, right = panel.get_xlim()
    before = place - left > right - place
    label = panel.annotate(
        f"step change {shift.day.day} {shift.day:%b}",
        (place, 0.985),
        (-5 if before else 5, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if before else "left",
        va="top",
        color=colour,
        fontsize=9.5,
    )
    label.set_in_layout(False)


def _place(day: date) -> float:
    """Give a day's place on the time axis."""
    return float(date2num(day))  # type: ignore[no-untyped-call]


def _dress(panel: Axes, floor: float, days: Sequence[date]) -> None:
    """Give a panel its scale, grid and names of months, or of days where the series is short."""
    panel.set_ylim(floor - 0.02, 1.03)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    places = sorted({_place(day) for day in days})
    if places and places[-1] - places[0] < SHORT_SERIES_DAYS:
        panel.xaxis.set_major_locator(FixedLocator(places[-1 :: -max(1, -(-len(places) // 3))][::-1]))
        panel.xaxis.set_major_formatter(DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    else:
        panel.xaxis.set_major_locator(MonthLocator())  # type: ignore[no-untyped-call]
        panel.xaxis.set_major_formatter(DateFormatter("%b"))  # type: ignore[no-untyped-call]
    if places:
        panel.set_xlim(places[0] - 4, places[-1] + 4)
    panel.grid(axis="y", color="#e3e3e3", linewidth=1)
    panel.set_axisbelow(True)
    panel.tick_params(length=0, labelcolor=GREY, labelsize=10)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color("#aaaaaa")


def _png(figure: Figure) -> bytes:
    """Write the figure as PNG bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
