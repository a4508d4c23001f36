"""Run against run: what is paired, what is not, and what is said of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.consensus import Label
from evalbot.grading.grades import GraderKind
from evalbot.reporting.corrections import Drawn, People
from evalbot.reporting.estimates import OVERALL, How
from evalbot.reports.comparing import Pairing, RunComparison, compare_runs, comparison_data, match_targets
from evalbot.reports.contents import StoredRun
from evalbot.runs.outputs import RunId
from evalbot.stats.verdicts import Verdict
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, Split
from evalbot.suites.targets import Target
from evalbot.terminal.showing import print_comparison
from tests.factories import make_item, make_output, make_suite
from tests.unit.reports.report_samples import grade_of, make_stored


def stored(
    items: Sequence[Item], passes: Callable[[int], bool], number: int, target: str = "main", **parts: Any
) -> StoredRun:
    """Give a run of the items in which those pass whose place does."""
    outputs = [make_output(item.id, target=target, text=f"The answer to {item.id}.") for item in items]
    grades = [grade_of(one, passes(place)) for place, one in enumerate(outputs)]
    made = make_stored(outputs, grades, make_suite(*items, **parts))
    targets = (Target(f"openai:{target}", target),)
    return replace(made, run=replace(made.run, id=RunId(f"run-{number}"), number=number, targets=targets))


def items_of(count: int, first: int = 0, **changes: Any) -> list[Item]:
    """Give items on two skills."""
    return [
        make_item(f"item-{n:03d}", skill="tone" if n % 2 else "citations", **changes)
        for n in range(first, first + count)
    ]


def only(comparison: RunComparison) -> Any:
    """Give the one target of a comparison."""
    (found,) = comparison.targets
    return found


def test_shared_items_are_paired() -> None:
    """Two runs of the same items are compared item by item; the items that moved are named."""
    items = items_of(60)
    found = only(compare_runs(stored(items, lambda n: True, 1), stored(items, lambda n: n >= 20, 2)))
    overall = found.changes[0]
    assert (found.pairing, overall.skill, overall.n, overall.verdict) == (Pairing.PAIRED, OVERALL, 60, Verdict.WORSE)
    assert overall.difference == pytest.approx(-20 / 60)
    assert (len(found.fell), found.rose) == (20, ())
    assert (found.scores_before[OVERALL].score, found.scores_after[OVERALL].n) == (1.0, 60)


def test_items_of_one_run_alone_are_left_out_of_the_pairs() -> None:
    """With enough shared items the rest is counted and does not enter the scores."""
    found = only(
        compare_runs(stored(items_of(40), lambda n: True, 1), stored(items_of(40, first=20), lambda n: True, 2))
    )
    assert (found.pairing, found.changes[0].n) == (Pairing.PAIRED, 20)
    assert (found.overlap.only_before, found.overlap.only_after, found.scores_before[OVERALL].n) == (20, 20, 20)


def test_different_items_are_compared_unpaired_and_labelled() -> None:
    """Without shared items the pass rates are compared, with the wider interval of two separate groups."""
    before, after = stored(items_of(60), lambda n: n < 54, 1), stored(items_of(60, first=100), lambda n: n < 24, 2)
    found = only(compare_runs(before, after))
    overall = found.changes[0]
    assert (found.pairing, overall.verdict) == (Pairing.UNPAIRED, Verdict.WORSE)
    assert overall.difference == pytest.approx(-0.5)
    assert (overall.lower, overall.upper) == (pytest.approx(-0.632, abs=0.01), pytest.approx(-0.337, abs=0.01))
    assert (found.fell, found.rose) == ((), ())
    data = comparison_data(compare_runs(before, after))["targets"][0]
    assert (data["paired"], data["pairing"]) == (False, "not paired: different items")


def test_an_item_that_asks_something_else_is_another_item() -> None:
    """The same id with another question is not shared; with other graders it is, and that is said."""
    items = items_of(30)
    asked_anew = [replace(one, vars={"question": "Something else?"}) for one in items[:10]] + items[10:]
    found = only(compare_runs(stored(items, lambda n: True, 1), stored(asked_anew, lambda n: True, 2)))
    assert (len(found.overlap.shared), found.overlap.regraded) == (20, 0)
    stricter = (GraderSpec(GraderType.EQUALS),)
    found = only(compare_runs(stored(items, lambda n: True, 1), stored(items, lambda n: True, 2, graders=stricter)))
    assert (len(found.overlap.shared), found.overlap.regraded) == (30, 30)


def test_too_few_items_are_not_compared() -> None:
    """Below five items on a side nothing is said."""
    found = only(compare_runs(stored(items_of(4), lambda n: True, 1), stored(items_of(4), lambda n: False, 2)))
    assert (found.pairing, found.changes) == (Pairing.NONE, ())


def test_targets_meet_by_system_then_label_then_alone() -> None:
    """The same system is compared with itself whatever its label; what is left over is named."""
    a, b, c = Target("openai:a", "a"), Target("openai:b", "b"), Target("openai:c", "c")
    assert match_targets([a, b], [replace(b, label="new"), a]) == [("b", "new"), ("a", "a")]
    assert match_targets([a], [Target("openai:other", "a"), b]) == [("a", "a")]
    assert match_targets([a], [b]) == [("a", "b")]
    assert match_targets([a, b], [c]) == []


def test_a_change_of_the_target_is_named() -> None:
    """Two single targets of different names are compared, and the label of the earlier one is said."""
    items = items_of(20)
    found = only(compare_runs(stored(items, lambda n: True, 1, "old"), stored(items, lambda n: True, 2, "new")))
    assert (found.before, found.after, found.changes[0].against) == ("old", "new", "run 1 (old)")


def test_hidden_items_are_counted_and_not_named() -> None:
    """Holdout items and those that people are grading do not show by name that they fell."""
    items = [*items_of(20), make_item("secret", split=Split.HOLDOUT)]
    before, after = stored(items, lambda n: True, 1), stored(items, lambda n: False, 2)
    after = replace(after, in_review={after.outputs[0].id})
    data = comparison_data(compare_runs(before, after))["targets"][0]["fell"]
    assert data["count"] == 21
    assert len(data["items"]) == 19
    assert not {"secret", "item-000"} & set(data["items"])


# --- judge and people ------------------------------------------------------------------------------

BAD = JudgeStanding(Standing.UNVERIFIED, 0.6, 0.5, 0.7, 60, 0.7, 0.85, "It agrees with people less than it should.")


def judged(
    stored_: StoredRun, said: Callable[[int], bool] | None = None, standing: JudgeStanding | None = None
) -> StoredRun:
    """Give a run as a judge graded it, with what people say of the first twenty of its answers."""
    kinds = frozenset({GraderKind.JUDGE})
    scores = [replace(score, kinds=kinds, kinds_by={}) for score in stored_.scores]
    labels = [Label(float(said(place)), float(said(place))) for place in range(20)] if said else []
    drawn = {score.output_id: Drawn(20 / len(scores), one) for score, one in zip(scores, labels, strict=False)}
    people = People({score.item_id: "correct" for score in scores}, drawn)
    return replace(stored_, scores=scores, people=people, standing=standing)


def shown(comparison: RunComparison) -> str:
    """Give what a terminal shows."""
    out = io.StringIO()
    print_comparison(Console(file=out, width=160, no_color=True), comparison)
    return out.getvalue()


def test_runs_are_compared_as_people_correct_them() -> None:
    """With people's grades on both sides the difference is theirs, the judge's is named beside it, and so are the scores."""
    items = items_of(60)
    runs = [
        judged(stored(items, lambda n: n % 6 > 0, number), said)
        for number, said in ((1, lambda n: n % 6 > 0), (2, lambda n: n % 2 > 0))
    ]
    comparison = compare_runs(runs[0], runs[1])
    change = only(comparison).changes[0]
    assert (change.how, change.human_n, change.judge_alone) == (How.CORRECTED, 40, 0.0)
    assert change.upper < 0
    assert only(comparison).scores_after[OVERALL].how is How.CORRECTED
    assert "Corrected by people, who graded 40 answers of the two sides; the judge alone says +0.0 points." in shown(
        comparison
    )
    data = comparison_data(comparison)["targets"][0]["changes"][0]
    assert (data["graded_by"], data["human_n"], data["verified"]) == ("judge corrected by people", 40, True)


def test_a_comparison_by_an_unverified_judge_has_no_headline() -> None:
    """The numbers are there and marked; what came out is not said."""
    items = items_of(60)
    before, after = stored(items, lambda n: True, 1), stored(items, lambda n: n >= 30, 2)
    comparison = compare_runs(judged(before, standing=BAD), judged(after, standing=BAD))
    said = shown(comparison)
    assert "main: judge unverified: no headline" in said
    assert "▼ worse, unverified" in said
    data = comparison_data(comparison)
    assert {change["verified"] for change in data["targets"][0]["changes"]} == {False}
    assert data["judge"]["standing"]["standing"] == "unverified"


def test_a_constant_target_is_not_compared() -> None:
    """One answer to everything is named instead of a difference."""
    items = [replace(item, reference=item.id) for item in items_of(20)]
    before, after = stored(items, lambda n: True, 1), stored(items, lambda n: False, 2)
    constant = replace(after, outputs=[replace(output, text="Sorry.") for output in after.outputs])
    comparison = compare_runs(before, constant)
    assert only(comparison).changes == ()
    assert "main gave one answer to all of 20 items, so it is not scored" in shown(comparison)
