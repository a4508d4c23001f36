"""Figures in the text form that Prometheus reads: every line parses back to what was counted."""

from __future__ import annotations

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.answerers import Line
from evalbot.asking.throttle import Throttle
from evalbot.metrics.exposition import Histogram, Metric, Sample, write_metrics
from evalbot.metrics.process import call_metrics

LINE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+)\})? (\S+)')
PLAIN = {"n": "\n", "\\": "\\", '"': '"'}
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


def parse(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the text form back; raises for a line that is not of it."""
    found = {}
    for line in text.split("\n")[:-1]:
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP [a-z0-9_]+ .*|TYPE [a-z0-9_]+ (counter|gauge|histogram))", line), line
            continue
        match = LINE.fullmatch(line)
        assert match, line
        labels = tuple(
            (name, re.sub(r"\\(.)", lambda one: PLAIN[one[1]], value)) for name, value in LABEL.findall(match[2] or "")
        )
        found[match[1], labels] = float(match[3])
    return found


@given(st.text(max_size=100), st.floats(allow_nan=False))
def test_any_label_and_value_is_read_back(label: str, value: float) -> None:
    """Quotes, backslashes and line ends in a label stay in it, whatever stands there."""
    text = write_metrics([Metric("evalbot_x", "What it\nis.", "gauge", [Sample(value, {"target": label})])])
    [(name, read)] = parse(text).items()
    assert name == ("evalbot_x", (("target", label),))
    assert math.isclose(read, value, rel_tol=1e-11)


@given(st.lists(st.floats(0, 20)))
def test_a_histogram_counts_up_to_each_bound(values: list[float]) -> None:
    """Each bound counts the values at most as large; the last one counts all, and their sum is told."""
    histogram = Histogram((1.0, 0.1, 5.0))
    for value in values:
        histogram.observe(value)
    found = parse(write_metrics([histogram.metric("evalbot_h", "A histogram.")]))
    for bound in (0.1, 1.0, 5.0):
        assert found["evalbot_h_bucket", (("le", f"{bound:g}"),)] == sum(value <= bound for value in values)
    assert found["evalbot_h_bucket", (("le", "+Inf"),)] == found["evalbot_h_count", ()] == len(values)
    assert math.isclose(found["evalbot_h_sum", ()], sum(values), abs_tol=1e-9)


def test_lines_of_one_model_are_counted_together() -> None:
    """Two targets that differ in their parameters alone are one line of figures; what has no value has no line."""
    first, second, other = Throttle(4), Throttle(4), Throttle(2)
    first.tally.begun, second.tally.begun, other.tally.begun = 3, 4, 1
    first.tally.ended.update(answered=2, rate_limited=1)
    second.tally.ended.update(answered=4)
    other.busy = 1
    lines = [Line("openai:m", first), Line("openai:m", second), Line("http", other)]
    found = parse(write_metrics(call_metrics(lines)))
    assert found["evalbot_calls_total", (("target", "openai:m"),)] == 7
    assert found["evalbot_calls_ended_total", (("target", "openai:m"), ("result", "answered"))] == 6
    assert found["evalbot_calls_ended_total", (("target", "openai:m"), ("result", "rate_limited"))] == 1
    assert found["evalbot_calls_in_flight", (("target", "http"),)] == 1
    assert found["evalbot_calls_allowed", (("target", "openai:m"),)] == 8
    assert write_metrics(call_metrics([])) == ""
