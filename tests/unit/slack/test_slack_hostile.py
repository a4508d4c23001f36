"""Every view with hostile texts in every place: valid for Slack, wakes nobody, hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.unit.slack.slack_rules import hostile_rows, problems_with
from tests.unit.slack.slack_views import VIEWS, Samples

NASTY = [
    "<!here>",
    "<!channel|x>",
    "<@U012ABCDE>",
    "<https://bad.example|ok>",
    "https://bad.example",
    "@here",
    "\u202e",
    "\u200b",
]
MORE = ["\u0301", "\ud83d", "\x00", "\r\n", "\n> ", "```", "*", "_", "&lt;!here&gt;", "|", '"', "\\", "🧪", "𝔘", "`"]
foreign = st.lists(
    st.tuples(st.one_of(st.sampled_from(NASTY + MORE), st.text(max_size=6)), st.integers(1, 700)), max_size=6
).map(lambda parts: "".join(text * times for text, times in parts))


@pytest.mark.parametrize("text", hostile_rows("outputs.jsonl"))
def test_no_practice_text_breaks_a_view(text: str) -> None:
    """Each view stays sendable and harmless with each practice text everywhere."""
    for name, make in VIEWS.items():
        assert problems_with(make(Samples(text))) == [], name


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(foreign)
def test_no_text_breaks_a_view(text: str) -> None:
    """Each view stays sendable and harmless with made-up texts everywhere."""
    for name, make in VIEWS.items():
        assert problems_with(make(Samples(text))) == [], name
