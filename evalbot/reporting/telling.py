"""What is said beside a number, as plain text: on whose grades it stands, what would make it better, what it leaves out.

Numbers that are worded elsewhere come in as texts, so that chat, terminal and page say the same.
"""

from __future__ import annotations

from evalbot.reporting.estimates import (
    JUDGE_ALONE,
    OVERALL,
    Change,
    Correction,
    Degenerate,
    Estimate,
    How,
    Response,
    RunSummary,
    ScoreRow,
)

UNVERIFIED = "unverified"
NO_HEADLINE = "judge unverified: no headline"
"""What stands where a headline would rest on a judge that is unverified."""

HOW_WORDS = {
    How.CHECK: "code checks",
    How.JUDGE: "the judge",
    How.CHECK_AND_JUDGE: "code checks and the judge",
    How.HUMAN: "people",
    How.CORRECTED: "the judge, corrected by people",
}


def answers(count: int) -> str:
    """Count answers."""
    return f"{count:,} answer" if count == 1 else f"{count:,} answers"


def corrected_words(correction: Correction, alone: str) -> str:
    """Say what a corrected score stands on; `alone` is what checks and judge say."""
    graded = f"people graded {correction.estimate.human_n:,} of {answers(correction.outputs)}"
    return f"{graded}, the judge alone says {alone}"


def people_words(estimate: Estimate) -> str:
    """Say that a score stands on people alone, and on how many answers; empty for all others."""
    return f", as people say who graded {answers(estimate.human_n)}" if estimate.how is How.HUMAN else ""


def saving_words(correction: Correction) -> str:
    """Say what the judge spared people; empty while too few are graded to know, or where it spared them nothing."""
    if correction.saving is None or correction.saving < 0.005:
        return ""
    return f"the judge saved about {correction.saving * 100:.0f} % of the clicks"


def halving_words(row: ScoreRow) -> str:
    """Say how many more answers people must grade: for a corrected score at all, or for half its interval."""
    if row.corrected is None:
        wanted = f"{row.grades_needed:,} more graded {'answer' if row.grades_needed == 1 else 'answers'}"
        return f"{wanted} would let people correct the judge" if row.grades_needed else ""
    more = row.corrected.to_halve
    if more is None:
        return ""
    return f"{more:,} more graded {'answer' if more == 1 else 'answers'} would halve this interval"


def response_words(response: Response | None) -> str:
    """Say that too few of the drawn answers were graded for chance to have chosen them; empty where enough were."""
    if response is None or not response.self_selected:
        return ""
    return f"self-selected: people graded {response.graded:,} of the {answers(response.drawn)} drawn for them"


def degenerate_words(one: Degenerate) -> str:
    """Say that a target is not scored."""
    return f"gave one answer to all of {one.items:,} items, so it is not scored"


def with_errors_words(row: ScoreRow | None, score: str) -> str:
    """Say what the score is with errors counted as fails; empty without errors."""
    return f"{score} with errors counted as fails" if row and row.with_errors else ""


def basis_words(estimate: Estimate) -> str:
    """Say whose grades an estimate stands on."""
    return f"by {HOW_WORDS[estimate.how]}"


def change_basis(change: Change, alone: str) -> str:
    """Say whose grades a change stands on; `alone` is what it is without people's. Empty where checks alone made it."""
    if change.how is How.CORRECTED:
        return (
            f"corrected by people, who graded {answers(change.human_n)} of the two sides; the judge alone says {alone}"
        )
    return f"by {HOW_WORDS[change.how]} alone" if change.how in JUDGE_ALONE else ""


def version_words(change: Change) -> str:
    """Say that two versions of a suite were paired on what they share, or that different items were asked; else empty."""
    if change.apart:
        return f"{change.against} asked other items, so nothing could be paired and the interval is wider"
    if change.other_version is None:
        return ""
    regraded = f", {change.regraded:,} of them graded in another way" if change.regraded else ""
    asked = f"{change.against} asked suite version {change.other_version}"
    return f"{asked}: compared on the {change.n:,} items that are the same{regraded}"


def notes_of(summary: RunSummary, target: str) -> list[str]:
    """Give what a reader should know beside a target's headline, the most important first."""
    row = summary.overall(target)
    changes = [one for one in (*summary.changes, *summary.other_changes) if one.target == target]
    notes = [
        response_words(summary.response) if row and row.corrected else "",
        *dict.fromkeys(version_words(one) for one in changes if one.skill == OVERALL),
        halving_words(row) if row else "",
        saving_words(row.corrected) if row and row.corrected else "",
    ]
    return [note for note in notes if note]
