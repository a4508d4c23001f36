"""The words of a run: one wording for every door, names shown as each door shows them, emphasis only where it has any."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalbot.reporting.estimates import OVERALL, Change, How
from evalbot.reporting.run_words import Marks, against_said, changes_said, judge_said, passes_said, verdict_said
from evalbot.reports import words
from evalbot.runs.runs import Run
from evalbot.slack.views.runs import MARKED, PLAIN
from evalbot.stats.verdicts import Verdict
from tests.unit.slack.slack_samples import corrected, make_change, make_run, make_summary, unverified

BARE = Marks(name=str)
LOUD = Marks(name=lambda name: f"<{name}>", strong=lambda text: f"*{text}*")
SUMMARIES = [make_summary(), corrected(make_summary()), unverified(make_summary())]


def quiet(text: str) -> str:
    """A text without marks."""
    return re.sub(r"[*<>]", "", text)


@pytest.mark.parametrize("summary", SUMMARIES)
def test_doors_differ_in_marks_alone(summary: object) -> None:
    """Chat, terminal and page say the same sentences; what differs is emphasis."""
    assert isinstance(summary, type(SUMMARIES[0]))
    run = make_run()
    change = replace(make_change(), against="baseline")
    for label in ("candidate", "baseline"):
        assert quiet(passes_said(label, summary, LOUD)) == passes_said(label, summary, BARE)
        assert quiet(passes_said(label, summary, MARKED)) == words.passes_words(label, summary)
    assert quiet(against_said(change, summary, MARKED)) == words.against_words(change, summary)
    assert quiet(judge_said(summary, MARKED)) == words.judge_words(summary)
    assert verdict_said(run, summary, PLAIN) == words.run_verdict(run, summary)


def test_every_name_goes_through_its_door() -> None:
    """No label, skill or judge is put into a sentence as it came."""
    summary, run = make_summary(), make_run()
    hostile = "<!channel>"
    change = replace(make_change("citations", -0.2, 0.1), against=hostile, target=hostile)
    summary = replace(
        summary,
        judge=hostile,
        rows=tuple(replace(row, target=hostile) for row in summary.rows),
        changes=(change, replace(make_change(hostile, -0.3, 0.1), target=hostile), replace(change, target="other")),
    )
    run = replace(run, targets=(replace(run.targets[0], label=hostile),))
    made = [
        passes_said(hostile, summary, MARKED),
        against_said(change, summary, MARKED),
        judge_said(summary, MARKED),
        changes_said(summary.changes, MARKED),
        verdict_said(run, summary, MARKED),
    ]
    assert all("<!channel>" not in text and "channel" in text for text in made)


def change(skill: str, verdict: Verdict) -> Change:
    """A change with a verdict."""
    return replace(make_change(skill), verdict=verdict, how=How.CHECK)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((), ""),
        ((change(OVERALL, Verdict.WORSE),), "worse"),
        (
            (change(OVERALL, Verdict.BETTER), change("tone", Verdict.CANNOT_TELL)),
            "better overall, no single skill stands out",
        ),
        ((change(OVERALL, Verdict.NO_DIFFERENCE),), "no real change"),
        ((change(OVERALL, Verdict.CANNOT_TELL),), "no clear change"),
        ((change("tone", Verdict.CANNOT_TELL),), "no clear change"),
        (
            (change("a", Verdict.WORSE), change("b", Verdict.BETTER), change("c", Verdict.NO_DIFFERENCE)),
            "worse on a, better on b, the rest unchanged",
        ),
        (tuple(change(one, Verdict.WORSE) for one in "abcde"), "worse on a, b, c, 2 more"),
        (tuple(change(one, Verdict.WORSE) for one in "ab"), "worse on a and b"),
    ],
)
def test_what_moved_is_said_in_few_words(changes: tuple[Change, ...], said: str) -> None:
    """Skills before the whole, drops before gains, three by name, the others counted."""
    assert changes_said(changes, BARE) == said


def test_a_run_that_stopped_says_so() -> None:
    """The verdict of a part is marked as one."""
    run: Run = make_run()
    stopped = replace(run, status=type(run.status).CANCELLED)
    assert verdict_said(stopped, make_summary(), BARE).endswith(" (stopped early)")
