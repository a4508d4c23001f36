"""Gates: the closed language of conditions, and what meets them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadRequest
from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.reporting.estimates import OVERALL, Change, Correction, Estimate, How, RunSummary, ScoreRow
from evalbot.reporting.gates import State, evaluate_gate, gated_targets
from evalbot.stats.verdicts import Verdict
from evalbot.suites.gates import Condition, Measure, check_names, parse_condition, parse_gate
from tests.factories import make_estimate

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)
SHARES = frozenset({Measure.SCORE, Measure.LOWER, Measure.UPPER, Measure.ERROR_SHARE, Measure.UNGRADED_SHARE})


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Give any condition that the language can say."""
    measure = draw(st.sampled_from(Measure))
    lowest = -1.0 if measure.of_change else 0.0
    highest = 1.0 if measure in SHARES or measure.of_change else 1e18
    sign = "" if measure.flag else draw(st.sampled_from(["<", "<=", ">", ">="]))
    limit = 0.0 if measure.flag else draw(st.floats(lowest, highest)) + 0.0
    if measure.of_run:
        return Condition(measure, "", None, sign, limit)
    return Condition(measure, draw(st.just(OVERALL) | NAMES), draw(st.none() | NAMES), sign, limit)


def summary_of(*rows: ScoreRow, changes: tuple[Change, ...] = (), **parts: object) -> RunSummary:
    """Give a summary with these rows."""
    found = RunSummary(rows, changes, 40, 40, 0, 0, "", None, 0, 0.5, 12.0)
    return replace(found, **parts)  # type: ignore[arg-type]


def row(estimate: Estimate, target: str = "main", skill: str = OVERALL, criterion: str = "pass") -> ScoreRow:
    """Give a row of a summary."""
    return ScoreRow(target, skill, criterion, estimate)


def change(verdict: Verdict, skill: str = OVERALL, target: str = "main") -> Change:
    """Give a change of a tenth in the direction of its verdict."""
    value = 0.1 if verdict is Verdict.BETTER else -0.1
    return Change(target, "run 6", skill, value, value - 0.05, value + 0.05, 40, verdict)


@given(conditions())
def test_a_condition_reads_back_from_its_text(condition: Condition) -> None:
    """Whatever the names and the limit, the text of a condition parses to the same condition."""
    text = str(condition)
    if len(text) <= 300:
        assert parse_condition(text) == condition


@given(st.text(max_size=400) | st.text("overalskit.delt<>=0189 \"'-_e", max_size=60))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    """No text does anything but give a condition or one sentence; what is read keeps its meaning when written."""
    try:
        found = parse_condition(text)
    except BadRequest as error:
        refused: BadRequest | None = error
    else:
        refused = None
        assert parse_condition(str(found)) == found
    assert refused is None or (refused.message.endswith(".") and "\n" not in str(refused) and len(str(refused)) < 700)


def test_the_documented_forms_are_read() -> None:
    """The two forms that suites use, names in quotes, and numbers of the whole run."""
    assert parse_condition("overall.lower < 0.80") == Condition(Measure.LOWER, OVERALL, None, "<", 0.8)
    assert parse_condition("skills.refund-policy.delta.significant_drop") == Condition(Measure.DROP, "refund-policy")
    quoted = parse_condition('targets."gpt-4.1-mini".skills."say ""no""".score<=.5')
    assert (quoted.target, quoted.skill, quoted.limit) == ("gpt-4.1-mini", 'say "no"', 0.5)
    assert parse_condition(" errors.share>0.05 ") == Condition(Measure.ERROR_SHARE, "", None, ">", 0.05)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("overall.lowr < 0.8", "Did you mean lower?"),
        ("overal.lower < 0.8", "is not known"),
        ("overall.lower", "needs a limit"),
        ("overall.lower = 0.8", "was not understood"),
        ("overall.delta.significant_drop > 1", "stands alone"),
        ("overall.lower < 80", "Write a share: 0.8 for 80 %."),
        ("overall.n < -1", "is never -1"),
        ("errors > 1e999", "too large"),
        ("skills", "needs a name"),
        ("skills.x", "is not known"),
        ("targets.main.errors > 1", "overall or skills.NAME is missing"),
        ("__import__('os').system('x') < 1", "was not understood"),
        ("overall.lower < 0.8 or errors > 1", "was not understood"),
        ("", "was not understood"),
        ("x" * 10_000, "was not understood"),
    ],
)
def test_wrong_conditions_say_what_is_wrong(text: str, named: str) -> None:
    """Each kind of mistake gets a sentence of its own, never a guess."""
    with pytest.raises(BadRequest) as refused:
        parse_condition(text)
    assert named in str(refused.value)


def test_a_gate_of_too_many_conditions_is_refused() -> None:
    """A gate has an end."""
    with pytest.raises(BadRequest, match="at most 50"):
        parse_gate(["errors > 1"] * 51)


def test_names_that_there_are_not_are_refused() -> None:
    """A skill or target that a suite does not have is named, with the nearest one."""
    found = parse_gate(["skills.citation.lower < 0.5"])
    with pytest.raises(BadRequest, match=r"Did you mean citations\?"):
        check_names(found, ["citations", "tone"], ["main"])
    with pytest.raises(BadRequest, match="names a target"):
        check_names(parse_gate(["targets.mian.overall.lower < 0.5"]), [], ["main"])
    check_names(parse_gate(["targets.main.skills.tone.n < 5", "errors > 3", "overall.score < 1"]), ["tone"], ["main"])


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("overall.lower < 0.75", State.CLEAR),
        ("overall.lower <= 0.75", State.MET),
        ("overall.lower > 0.75", State.CLEAR),
        ("overall.upper >= 0.85", State.MET),
        ("overall.score < 0.9", State.MET),
        ("overall.n < 40", State.CLEAR),
        ("skills.tone.score < 0.1", State.CLEAR),
        ("skills.tone.delta.significant_drop", State.MET),
        ("skills.tone.delta.significant_gain", State.CLEAR),
        ("skills.tone.delta.difference < -0.05", State.MET),
        ("overall.delta.significant_drop", State.UNCOMPARED),
        ("skills.rare.lower < 0.5", State.UNKNOWN),
        ("skills.rare.n < 5", State.MET),
        ("skills.gone.lower < 0.5", State.UNKNOWN),
        ("errors > 0", State.CLEAR),
        ("cost_usd > 0.4", State.MET),
        ("duration_s >= 13", State.CLEAR),
    ],
)
def test_how_a_condition_stands(text: str, state: State) -> None:
    """Limits hold to the letter; a number that is not known, or stands on too few items, is no reason to pass."""
    exact = Estimate(0.8, 0.75, 0.85, 40, make_estimate().how, "t")
    rows = (row(exact), row(make_estimate(), skill="tone"), row(make_estimate(n=3), skill="rare"))
    summary = summary_of(*rows, changes=(change(Verdict.WORSE, "tone"),))
    (outcome,) = evaluate_gate(parse_gate([text]), summary, ["main"]).outcomes
    assert outcome.state is state
    assert outcome.fails is (state in (State.MET, State.UNKNOWN))


def test_unknown_cost_fails_a_gate_on_cost() -> None:
    """An unknown cost is not nothing."""
    assert evaluate_gate(parse_gate(["cost_usd > 100"]), summary_of(cost_usd=None), ["main"]).failed


def test_nothing_scored_fails_a_gate_on_scores() -> None:
    """A run in which every call failed does not pass for want of numbers."""
    summary = summary_of(outputs=40, errors=40)
    assert evaluate_gate(parse_gate(["overall.lower < 0.1"]), summary, ["main"]).failed
    assert evaluate_gate(parse_gate(["errors.share > 0.5"]), summary, ["main"]).failed


def test_only_the_pass_rate_counts_and_the_baseline_is_left_out() -> None:
    """A criterion's own row is not the pass rate, and the target that others are compared with is not judged itself."""
    rows = (row(make_estimate(0.9)), row(make_estimate(0.1), criterion="tone"), row(make_estimate(0.2), target="old"))
    gate = parse_gate(["overall.score < 0.5"])
    assert not evaluate_gate(gate, summary_of(*rows), gated_targets(["old", "main"], "old")).failed
    assert evaluate_gate(gate, summary_of(*rows), gated_targets(["old", "main"], "")).failed
    assert gated_targets(["only"], "only") == ("only",)


def test_a_named_target_is_judged_alone() -> None:
    """A condition on one target looks at no other."""
    rows = (row(make_estimate(0.2)), row(make_estimate(0.9), target="new"))
    result = evaluate_gate(parse_gate(["targets.new.overall.score < 0.5"]), summary_of(*rows), ["main", "new"])
    assert [(one.target, one.state) for one in result.outcomes] == [("new", State.CLEAR)]


# --- judges that are unverified --------------------------------------------------------------------

BAD = JudgeStanding(Standing.UNVERIFIED, 0.6, 0.5, 0.7, 60, 0.7, 0.85, "It agrees less.", more=120)
JUDGED = make_estimate(0.95, n=40, how=How.JUDGE)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("overall.lower < 0.5", State.UNVERIFIED),
        ("overall.lower < 0.99", State.UNVERIFIED),
        ("skills.tone.score < 0.1", State.UNVERIFIED),
        ("overall.delta.significant_drop", State.UNVERIFIED),
        ("overall.delta.significant_gain", State.UNVERIFIED),
        ("overall.delta.lower < -0.5", State.UNVERIFIED),
        ("overall.n < 30", State.CLEAR),
        ("overall.n < 50", State.MET),
        ("errors > 0", State.CLEAR),
        ("skills.sums.lower < 0.5", State.CLEAR),
    ],
)
def test_an_unverified_judge_decides_nothing(text: str, state: State) -> None:
    """Good or bad, its numbers neither pass nor fail a gate: they leave it undecided, which is no pass; counts still count."""
    rows = (row(JUDGED), row(JUDGED, skill="tone"), row(make_estimate(0.9), skill="sums"))
    judged = replace(change(Verdict.BETTER), how=How.JUDGE)
    result = evaluate_gate(parse_gate([text]), summary_of(*rows, changes=(judged,), standing=BAD), ["main"])
    assert result.outcomes[0].state is state
    assert result.failed is (state in (State.UNVERIFIED, State.MET))
    assert (result.remedy != "") is (state is State.UNVERIFIED)


@pytest.mark.parametrize("standing", [Standing.TRUSTED, Standing.UNMEASURED])
def test_a_judge_that_was_not_found_wanting_decides(standing: Standing) -> None:
    """One that may be believed, or that nobody measured, decides as before."""
    summary = summary_of(row(JUDGED), standing=replace(BAD, standing=standing))
    assert not evaluate_gate(parse_gate(["overall.lower < 0.5"]), summary, ["main"]).failed


def test_what_people_corrected_decides() -> None:
    """The corrected number is people's, and a gate may pass on it whatever the judge is worth."""
    found = Correction(make_estimate(0.9, n=40, how=How.CORRECTED, human_n=20), 40, 0.1)
    summary = summary_of(replace(row(JUDGED), corrected=found), standing=BAD)
    gate = evaluate_gate(parse_gate(["overall.lower < 0.5"]), summary, ["main"])
    assert (gate.failed, gate.unverified, gate.remedy) == (False, (), "")


def test_what_to_do_is_said_with_how_many_grades() -> None:
    """The remedy names calibration and how many grades; the outcome how many of this run would correct its number."""
    summary = summary_of(replace(row(JUDGED), grades_needed=7), standing=BAD)
    gate = evaluate_gate(parse_gate(["overall.lower < 0.5"]), summary, ["main"])
    assert gate.remedy == "Calibrate it, or let people grade about 120 answers more, drawn by chance."
    assert gate.outcomes[0].grades_needed == 7
    hopeless = replace(summary, standing=replace(BAD, more=None))
    assert "take another judge" in evaluate_gate(parse_gate(["overall.lower < 0.5"]), hopeless, ["main"]).remedy
