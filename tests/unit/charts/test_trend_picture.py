"""Pictures of trends: real PNGs whose alt text says every last number, with gaps, steps and any name there may be."""

import io
from dataclasses import replace
from datetime import date, timedelta

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.charts.trend_picture import BLUE, MOST_PANELS, RED, alt_text, choose_panels, draw_trends, drawable
from evalbot.reporting.digests import Shift, Trend
from evalbot.reporting.estimates import OVERALL
from evalbot.reporting.posts import Picture
from tests.factories import FIRST_SUNDAY, make_trend

Pixels = npt.NDArray[np.float32]
TWELVE: list[float | None] = [0.8] * 12
DROP = Shift(FIRST_SUNDAY + timedelta(weeks=7), 0.8, 0.5, -0.4, -0.2)
RISE = Shift(FIRST_SUNDAY + timedelta(weeks=7), 0.5, 0.8, 0.2, 0.4)


def pixels_of(picture: Picture) -> Pixels:
    """Read a picture: rows x columns x channels in [0, 1]."""
    pixels: Pixels = matplotlib.image.imread(io.BytesIO(picture.png), format="png")
    return pixels


def has_colour(pixels: Pixels, colour: str) -> npt.NDArray[np.bool_]:
    """Tell of each pixel whether it has exactly the colour."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.asarray((np.abs(pixels[:, :, :3] - wanted) < 0.002).all(axis=2))


def draw(*trends: Trend, title: str = "desk · main: pass rate") -> Pixels:
    """Draw trends."""
    return pixels_of(draw_trends(trends, title, "x.png"))


@pytest.mark.parametrize("count", [1, 3, 4, 8])
def test_any_number_of_panels_is_drawn(count: int) -> None:
    """One to six panels, and six of more, make a picture no wider or higher than a message shows."""
    trends = [make_trend(TWELVE, f"skill {n}") for n in range(count)]
    pixels = draw(*trends)
    height, width = pixels.shape[:2]
    assert 800 <= width <= 1500
    assert 350 <= height <= 800
    assert has_colour(pixels, BLUE).any()


def test_picture_without_data_says_so() -> None:
    """No trend, or one that was never measured, is a picture with a title and no invented line."""
    never = make_trend([None] * 5, "tone")
    assert not has_colour(draw(), BLUE).any()
    assert not has_colour(draw(never), BLUE).any()
    assert alt_text([], "Desk") == "Desk. Latest week: nothing measured."
    assert alt_text([never], "Desk") == "Desk. Latest week: tone: not measured."


def widest_hole(pixels: Pixels) -> float:
    """Give the widest stretch without line between the line's ends, as a share of the way between them."""
    columns = np.flatnonzero(has_colour(pixels, BLUE).any(axis=0))
    return float(np.diff(columns).max() / (columns[-1] - columns[0]))


def test_gap_stays_empty() -> None:
    """No line bridges weeks without a run, and none falls to zero."""
    gap: list[float | None] = [0.8] * 4 + [None] * 4 + [0.8] * 4
    assert widest_hole(draw(make_trend(TWELVE))) < 0.1
    pixels = draw(make_trend(gap))
    assert 0.3 < widest_hole(pixels) < 0.6
    rows = np.flatnonzero(has_colour(pixels, BLUE).any(axis=1))
    assert np.ptp(rows) < pixels.shape[0] / 4


def test_week_between_gaps_is_visible() -> None:
    """A week that no line reaches is drawn as a dot of its own."""
    lonely = draw(make_trend([0.8, None, 0.8, None, 0.8]))
    columns = np.flatnonzero(has_colour(lonely, BLUE).any(axis=0))
    assert np.sum(np.diff(columns) > 20) >= 2


def test_drop_is_red_and_rise_is_not() -> None:
    """Red is kept for drops."""
    red, blue = (has_colour(draw(make_trend(TWELVE, shift=shift)), RED).any() for shift in (DROP, RISE))
    assert red
    assert not blue


def test_alt_text_says_every_last_number() -> None:
    """Each panel's latest score, interval and n stand in the text, with its step; gaps at the end are looked past."""
    trends = [
        make_trend([0.8, 0.9, None], OVERALL, n=180),
        make_trend([0.8, 0.51], "citations", n=30, shift=replace(DROP, day=date(2026, 10, 26), before=0.66)),
    ]
    assert alt_text(trends, "Desk") == (
        "Desk. Latest week: overall: 90% (85% to 95%, n 180); citations: 51% (46% to 56%, n 30), step change in the week "
        "of 2026-10-26 from 66%."
    )
    assert draw_trends(trends, "Desk", "x.png").alt == alt_text(trends, "Desk")


def test_alt_text_of_long_names_keeps_all_numbers() -> None:
    """However long names are, the text stays within Slack's 2,000 characters and no number is cut off."""
    trends = [make_trend([n / 10], "long " * 99, n=n, shift=DROP) for n in range(1, 10)]
    text = alt_text(trends, "title " * 99)
    assert len(text) < 1_900
    assert [f"{n}0% (" in text and f"n {n})" in text for n in range(1, MOST_PANELS + 1)] == [True] * MOST_PANELS
    assert text.endswith(". 3 more not drawn.")


def test_trends_with_a_step_are_drawn_before_quiet_ones() -> None:
    """Of more than six trends the overall one and those that moved are never left out; the order stays."""
    trends = [make_trend(TWELVE, f"s{n}", shift=DROP if n in (7, 8) else None) for n in range(9)]
    trends.insert(3, make_trend(TWELVE))
    assert [trend.skill for trend in choose_panels(trends)] == ["s0", "s1", "s2", OVERALL, "s7", "s8"]


def test_same_trends_make_the_same_bytes() -> None:
    """A digest drawn twice is the same picture."""
    trends = [make_trend(TWELVE), make_trend(TWELVE, "tone", shift=DROP)]
    assert draw_trends(trends, "Desk", "x.png") == draw_trends(trends, "Desk", "x.png")


def test_short_series_are_labelled() -> None:
    """A series of a single week has a dot and a date, not an empty axis."""
    pixels = draw(make_trend([0.8]))
    assert has_colour(pixels, BLUE).any()
    dark = (pixels[-40:, :, :3] < 0.6).all(axis=2)
    assert dark.any()


@pytest.mark.parametrize(
    "name", ["$x$ and $\\frac{", "日本語 🙂", "a\nb\tc", "_-_", "", "{}%s", "x" * 400, "\ud800", "مرحبا"]
)
def test_any_name_is_drawn(name: str) -> None:
    """Formula signs, other scripts, line breaks and endless names are drawn as plain text, without a warning."""
    assert draw(make_trend(TWELVE, name), title=name).size


@given(st.text(max_size=40), st.integers(1, 30))
def test_drawable_text_is_one_short_line(text: str, longest: int) -> None:
    """What is drawn has one line, a length and only characters that the font knows."""
    line = drawable(text, longest)
    assert len(line) <= longest
    assert "\n" not in line
    assert drawable(line, longest) == line


@settings(max_examples=5)
@given(
    st.lists(st.lists(st.none() | st.floats(0, 1), max_size=14), max_size=7),
    st.sampled_from([None, DROP, RISE, replace(DROP, day=date(2026, 1, 1))]),
)
def test_any_series_is_drawn(series: list[list[float | None]], shift: Shift | None) -> None:
    """Whatever the numbers, gaps and steps are, there is a picture and a text."""
    trends = [make_trend(scores, f"s{place}", shift=shift) for place, scores in enumerate(series)]
    picture = draw_trends(trends, "Desk", "x.png")
    assert pixels_of(picture).ndim == 3
    assert picture.alt.startswith("Desk. Latest week: ")
