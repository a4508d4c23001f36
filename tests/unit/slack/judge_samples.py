"""Samples of judges, calibrations and explanations; foreign text goes wherever it can come from outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from evalbot.grading.calibration import DoubleGrade, Epoch
from evalbot.grading.trials import (
    Calibration,
    CalibrationId,
    CalibrationReport,
    JudgeReport,
    measure_gain,
    report_judge,
)
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.arithmetic import explain_agreement, explain_mean
from evalbot.reporting.estimates import Estimate, How
from evalbot.reporting.explanations import Beside, Explanation, Fact, explain_judge
from evalbot.runs.budgets import Scope
from evalbot.runs.forecasts import Forecast, Precision
from evalbot.runs.outputs import OutputId, RunId
from evalbot.suites.items import ItemId
from evalbot.suites.rubrics import Rubric, RubricExample, Scale, Step
from evalbot.workflows.starting_calibrations import CalibrationPreview, CalibrationRequest

_SCALE = Scale((Step(1, "Wrong"), Step(2, "Partial"), Step(3, "Good"), Step(4, "Great")))
RUBRIC = Rubric("helpfulness", 1, "Does it help?", _SCALE, pass_from=3)
AT = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


def make_pairs(n: int = 48, wrong: int = 12, family: str = "gpt") -> list[DoubleGrade]:
    """So many outputs of two families that judge and people graded, on the first of which they differ."""
    return [
        DoubleGrade(
            OutputId(f"o{k}"),
            ItemId(f"i{k}"),
            4 if k < wrong or k % 2 else 1,
            (1, 1) if k < wrong or k % 2 == 0 else (4, 3),
            family=family if k % 3 else "claude",
            characters=100 + 10 * k,
            swayed=k % 6 == 0,
        )
        for k in range(n)
    ]


@lru_cache(maxsize=64)
def make_report(text: str | None = None, n: int = 48, wrong: int = 12, graded: int | None = None) -> JudgeReport:
    """What is known of a judge."""
    judge, model = (text, text) if text is not None else ("sim-judge", "openai:sim-judge")
    epoch = Epoch(judge, model, "0123abcd", text or "rubric", 1, "85f1ddd6aa", text or "helpfulness", 1, "9e1f")
    pairs = make_pairs(n, wrong, text or "gpt")
    return report_judge("support-desk", epoch, RUBRIC, pairs, n if graded is None else graded)


def make_calibration(text: str | None = None, examples: int = 2, n: int = 48) -> CalibrationReport:
    """What a calibration brought."""
    report = make_report(text, n)
    said = text if text is not None else "We value you and wish you a wonderful day."
    shown = (RubricExample(text or "How long can I return a tent?", said, 1, text or "It does not answer."),) * examples
    calibration = Calibration(
        CalibrationId("cal-1"),
        TeamId("T0ACME"),
        "support-desk",
        report.epoch,
        PersonId("U0DANA"),
        "C0EVALS01",
        AT,
        AT,
        examples=shown,
    )
    before = make_pairs(n // 2, 9)
    after = [replace(pair, judge=pair.people[0]) for pair in before]
    gain = measure_gain(before, after, RUBRIC) if examples else None
    written = f"examples:\n- input: {said}\n  grade: 1\n" if examples else ""
    return CalibrationReport(calibration, report, n - n // 2, n // 2, gain, written, 1)


def make_calibration_preview(text: str | None = None, *, waits: bool = False) -> CalibrationPreview:
    """What a calibration would take: with a price and money left, or with neither."""
    dana = Person(PersonId("U0DANA"), TeamId("T0ACME"), "Dana Osei", Role.RUNNER)
    request = CalibrationRequest(dana, "support-desk", "C0EVALS01", 5 * 10**9 if waits else None)
    if waits:
        forecast = Forecast(48, 74, 95.0, Precision(0.14, 0.2), unknown=(text or "judge",))
    else:
        left = {Scope.PERSON_DAY: 2 * 10**9}
        forecast = Forecast(48, 74, 95.0, Precision(0.14, 0.2), 80_000_000, 410_000_000, left=left)
    return CalibrationPreview(request, forecast, waits)


def make_explanation(text: str | None = None) -> Explanation:
    """Where a number comes from."""
    estimate = Estimate(0.75, 0.505, 0.898, 16, How.CHECK_AND_JUDGE, "Wilson score", 9)
    said = text or "candidate"
    return Explanation(
        title=f"Run 12 of support-desk · {said} · refunds",
        meaning=f"Of the items of {text or 'refunds'}, the share whose answer passes every one of its graders.",
        suite="support-desk",
        shown=estimate,
        facts=tuple(Fact(name, text or "16 items of version 3, 48 answers") for name in ("Items", "Judge", "People")),
        formulas=(explain_mean(estimate, [1.0] * 12 + [0.0] * 4), explain_agreement(make_report().standing)),
        beside=(Beside("by the judge alone", estimate),),
        doubt=text or "The judge is not measured yet.",
        more=(f"explain 12 {text or 'shipping'}", "explain judge support-desk"),
        run_id=RunId("r12"),
        key="0123456789abcdef",
    )


def make_judge_explanation(text: str | None = None) -> Explanation:
    """Where what is said of a judge comes from."""
    return explain_judge(make_report(text))
