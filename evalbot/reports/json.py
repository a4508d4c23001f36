"""A run as plain data for JSON: what the numbers say, and each answer with its grades."""

from __future__ import annotations

import json
from typing import Any

from evalbot.grading.calibration import JudgeStanding
from evalbot.grading.grades import Grade
from evalbot.reporting.estimates import Change, Correction, Degenerate, Estimate, Response, RunSummary, ScoreRow
from evalbot.reporting.gates import GateResult
from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport
from evalbot.reports.gate_words import outcome_words
from evalbot.runs.runs import Run


def run_json(report: RunReport) -> str:
    """Give a run with its answers as JSON text; every character is ASCII, so nothing in it can be lost."""
    return json.dumps(report_data(report), indent=1) + "\n"


def report_data(report: RunReport) -> dict[str, Any]:
    """Give a run with its answers as plain data."""
    asked = (answer for answer in report.answers if answer.state is not AnswerState.MISSING)
    return {
        **summary_data(report.run, report.summary),
        **({"gate": gate_data(report.gate)} if report.gate else {}),
        "held_back": report.held_back,
        "answers": [answer_data(answer) for answer in asked],
    }


def summary_data(run: Run, summary: RunSummary) -> dict[str, Any]:
    """Give what a run says as plain data."""
    agreement = summary.agreement
    return {
        "run_id": run.id,
        "run": run.number,
        "suite": run.suite,
        "version": run.suite_version,
        "status": run.status.value,
        "started_at": run.created_at.isoformat(),
        "targets": [{"label": target.label, "id": target.id} for target in run.targets],
        "counts": {
            "items": summary.items,
            "outputs": summary.outputs,
            "errors": summary.errors,
            "ungraded": summary.ungraded,
        },
        "estimates": [_row_data(row, summary) for row in summary.rows],
        "headlines": {target.label: _headline_data(target.label, summary) for target in run.targets},
        "changes": [change_data(change, doubted=summary.doubts(change)) for change in summary.changes],
        "other_changes": [change_data(change, doubted=summary.doubts(change)) for change in summary.other_changes],
        "degenerate": [degenerate_data(one) for one in summary.degenerate],
        "human_graded": summary.human_outputs,
        "review": _response_data(summary.response),
        "judge": {
            "name": summary.judge,
            "agreement": estimate_data(agreement) if agreement else None,
            "standing": standing_data(summary.standing),
        },
        "cost_usd": summary.cost_usd,
        "cost_exact": summary.cost_exact,
        "duration_s": round(summary.duration_s, 3),
    }


def _row_data(row: ScoreRow, summary: RunSummary) -> dict[str, Any]:
    """Give a row of estimates as plain data: that by checks and judge, and beside it what people's grades make of it."""
    return {
        "target": row.target,
        "skill": row.skill,
        "criterion": row.criterion,
        **estimate_data(row.estimate),
        "verified": not summary.doubts(row.estimate),
        "corrected": _correction_data(row.corrected) if row.corrected else None,
        "grades_needed": row.grades_needed,
        "with_errors": estimate_data(row.with_errors) if row.with_errors else None,
        "checks_only": estimate_data(row.checks) if row.checks else None,
    }


def estimate_data(estimate: Estimate) -> dict[str, Any]:
    """Give an estimate as plain data; scores are shares in [0, 1]."""
    return {
        "score": estimate.score,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "n": estimate.n,
        "human_n": estimate.human_n,
        "graded_by": estimate.how.value,
        "interval": estimate.method,
    }


def _correction_data(correction: Correction) -> dict[str, Any]:
    """Give a corrected estimate as plain data."""
    return {
        **estimate_data(correction.estimate),
        "outputs": correction.outputs,
        "judge_bias": correction.bias,
        "saving": correction.saving,
        "grades_to_halve": correction.to_halve,
    }


def _headline_data(label: str, summary: RunSummary) -> dict[str, Any] | None:
    """Give the number of a target that may stand in a headline as plain data."""
    headline = summary.headline(label)
    return estimate_data(headline) if headline else None


def _response_data(response: Response | None) -> dict[str, Any] | None:
    """Give what came of the outputs drawn for people as plain data."""
    if response is None:
        return None
    return {
        "drawn": response.drawn,
        "graded": response.graded,
        "rate": response.rate,
        "self_selected": response.self_selected,
    }


def standing_data(standing: JudgeStanding | None) -> dict[str, Any] | None:
    """Give where the judge stands as plain data."""
    if standing is None:
        return None
    return {
        "standing": standing.standing.value,
        "agreement": standing.agreement,
        "lower": standing.lower,
        "upper": standing.upper,
        "n": standing.n,
        "majority": standing.majority,
        "ceiling": standing.ceiling,
        "reason": standing.reason,
    }


def degenerate_data(one: Degenerate) -> dict[str, Any]:
    """Give a target that is not scored as plain data; what it answers is not repeated."""
    return {"target": one.target, "items": one.items, "scored": False}


def change_data(change: Change, *, doubted: bool = False) -> dict[str, Any]:
    """Give a change as plain data; differences are shares in [-1, 1]. `doubted`: its judge is unverified."""
    return {
        "target": change.target,
        "against": change.against,
        "skill": change.skill,
        "difference": change.difference,
        "lower": change.lower,
        "upper": change.upper,
        "n": change.n,
        "verdict": change.verdict.value,
        "needed": change.needed,
        "graded_by": change.how.value if change.how else None,
        "human_n": change.human_n,
        "judge_alone": change.judge_alone,
        "other_version": change.other_version,
        "regraded": change.regraded,
        "verified": not doubted,
    }


def gate_data(gate: GateResult) -> dict[str, Any]:
    """Give how a gate stands as plain data."""
    return {
        "failed": gate.failed,
        "decided": len(gate.unverified) == 0,
        "remedy": gate.remedy,
        "conditions": [
            {
                "condition": str(one.condition),
                "target": one.target,
                "state": one.state.value,
                "fails": one.fails,
                "value": one.value,
                "words": outcome_words(one),
            }
            for one in gate.outcomes
        ],
    }


def answer_data(answer: ReportedAnswer) -> dict[str, Any]:
    """Give an answer with its grades as plain data; the texts are exactly what was asked and answered."""
    item, output = answer.item, answer.output
    failure = output.failure if output else None
    usage = output.usage if output else None
    return {
        "output_id": output.id if output else None,
        "target": answer.unit.target,
        "item": item.id,
        "repeat": answer.unit.repeat,
        "skill": item.skill,
        "level": item.level,
        "split": item.split.value,
        "state": answer.state.value,
        "question": item.question,
        "reference": item.reference,
        "answer": output.text if output else None,
        "error": {"kind": failure.kind, "message": failure.message} if failure else None,
        "grades": [_grade_data(grade) for grade in answer.grades],
        "people": {"grades": answer.people, "passed": answer.people_passed},
        "latency_s": usage.latency_s if usage else None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cost_usd": usage.cost_usd if usage else None,
        "at": output.at.isoformat() if output else None,
    }


def _grade_data(grade: Grade) -> dict[str, Any]:
    """Give the grade of a check or judge as plain data."""
    return {
        "criterion": grade.criterion,
        "by": grade.grader.kind.value,
        "grader": grade.grader.id,
        "version": grade.grader.version,
        "score": grade.score,
        "passed": grade.passed,
        "level": grade.level,
        "reason": grade.reason,
        "error": grade.error,
    }
