"""Weekly trends as small multiples, with intervals and step changes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, MonthLocator, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from evalbot.reporting.digests import Trend
from evalbot.reporting.posts import Picture

BLUE, RED, GREY = "#1f5fa8", "#b3261e", "#8a8a8a"
COLUMNS = 3
MOST_PANELS = 6


def draw_trends(trends: Sequence[Trend], title: str, name: str) -> Picture:
    """Draw up to six trends of one target, one panel each on a common scale; the alt text holds every last number."""
    shown = list(trends)[:MOST_PANELS]
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = Figure(figsize=(11.2, 0.7 + 2.45 * rows), dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    floor = _floor(shown)
    for panel, trend in zip(panels, shown, strict=False):
        _draw_panel(panel, trend, floor)
    for spare in panels[len(shown) :]:
        spare.set_visible(False)
    return Picture(name, _png(figure), alt_text(shown, title))


def alt_text(trends: Sequence[Trend], title: str) -> str:
    """Say in words what the picture shows: each trend's latest estimate and step change. At most 1,900 characters."""
    parts = []
    for trend in trends:
        latest = trend.latest
        if latest is None:
            parts.append(f"{trend.skill}: not measured")
            continue
        text = f"{trend.skill}: {latest.score:.0%} ({latest.lower:.0%} to {latest.upper:.0%}, n {latest.n})"
        if trend.shift:
            text += f", step change in the week of {trend.shift.day.isoformat()} from {trend.shift.before:.0%}"
        parts.append(text)
    return f"{title}. Latest week: {'; '.join(parts)}."[:1900]


def _floor(trends: Sequence[Trend]) -> float:
    """Choose the lower end of the common scale: just under the lowest interval, in steps of ten points."""
    lows = [point.estimate.lower for trend in trends for point in trend.points if point.estimate]
    return max(0.0, (int(min(lows, default=0.0) * 10) / 10))


def _draw_panel(panel: Axes, trend: Trend, floor: float) -> None:
    """Draw one trend: line and band with gaps where nothing was measured, last value, step change."""
    measured = [(point.day, point.estimate) for point in trend.points if point.estimate]
    colour = RED if trend.shift and trend.shift.after < trend.shift.before else BLUE
    days = [_place(point.day) for point in trend.points]
    nan = float("nan")
    panel.plot(days, [p.estimate.score if p.estimate else nan for p in trend.points], color=colour, linewidth=2)
    panel.fill_between(
        days,
        [p.estimate.lower if p.estimate else nan for p in trend.points],
        [p.estimate.upper if p.estimate else nan for p in trend.points],
        color=colour,
        alpha=0.16,
        linewidth=0,
    )
    n = measured[-1][1].n if measured else 0
    panel.set_title(f"{trend.skill}  (n={n})", loc="left", fontsize=11, fontweight="bold")
    if measured:
        day, last = measured[-1]
        panel.plot([_place(day)], [last.score], "o", color=colour, markersize=6)
        panel.annotate(
            f"{last.score:.0%}",
            (_place(day), last.score),
            (7, -3),
            textcoords="offset points",
            color=colour,
            fontweight="bold",
        )
    if trend.shift:
        panel.axvline(_place(trend.shift.day), color=colour, linestyle="--", linewidth=1.2)
        label = f"step change {trend.shift.day.day} {trend.shift.day:%b} "
        panel.annotate(
            label,
            (_place(trend.shift.day), 1.0),
            (-3, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            fontsize=9,
        )
    _dress(panel, floor)


def _place(day: date) -> float:
    """Give a day's place on the time axis."""
    return float(date2num(day))  # type: ignore[no-untyped-call]


def _dress(panel: Axes, floor: float) -> None:
    """Give a panel its scale, grid and month names."""
    panel.set_ylim(floor - 0.02, 1.03)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panel.xaxis.set_major_locator(MonthLocator())  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_formatter(DateFormatter("%b"))  # type: ignore[no-untyped-call]
    panel.grid(axis="y", color="#e3e3e3")
    panel.margins(x=0.09)
    panel.tick_params(length=0, labelcolor="#555555")
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color("#aaaaaa")


def _png(figure: Figure) -> bytes:
    """Write the figure as PNG bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
