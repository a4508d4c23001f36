"""What is said of a judge, in plain sentences: where it stands, what to do next, how it differs from people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.grading.trials import CalibrationReport, Gain, JudgeReport
from evalbot.reporting.estimates import Change, Estimate, How
from evalbot.stats.intervals import Measured
from evalbot.stats.verdicts import Verdict, decide

TITLES = {
    Standing.TRUSTED: "may be believed",
    Standing.UNVERIFIED: "unverified",
    Standing.UNMEASURED: "not measured yet",
}

SMALL_BIAS = 0.02
"""A bias whose interval lies within this much of zero is called none."""


def agreement_estimate(standing: JudgeStanding) -> Estimate | None:
    """Give the agreement of a judge with people as an estimate; None while it is not measured."""
    if standing.agreement is None or standing.lower is None or standing.upper is None:
        return None
    return Estimate(standing.agreement, standing.lower, standing.upper, standing.n, How.HUMAN, "agreement", standing.n)


def as_estimate(measured: Measured) -> Estimate:
    """Give a measured share as an estimate."""
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, How.HUMAN, measured.method, measured.n)


def as_change(measured: Measured, name: str = "") -> Change:
    """Give a measured difference as a change, so that it is worded like all others."""
    decision = decide(measured, SMALL_BIAS)
    return Change(name, "people", "", measured.value, measured.lower, measured.upper, measured.n, decision.verdict)


def next_step(report: JudgeReport) -> str:
    """Say what to do next, with how many more grades."""
    standing = report.standing
    if report.waiting and standing.standing is not Standing.TRUSTED:
        return f"Calibrate it: {_answers(report.waiting, 'that people graded was', 'that people graded were')} never put to it."
    if standing.standing is Standing.TRUSTED:
        return "Nothing to do. A change of its model, prompt or rubric begins anew."
    if standing.more is None:
        if standing.standing is Standing.UNMEASURED:
            return "Grade answers that are harder for the target, so that some fail."
        return "More grades alone will not help: try examples with calibrate, mend its prompt or rubric, or take another judge."
    if standing.standing is Standing.UNMEASURED and standing.agreement is not None:
        return f"Let a second person grade {_answers(standing.more)} more: review by:random graders:2."
    if standing.standing is Standing.UNMEASURED:
        return f"Let two people grade {_answers(standing.more)} more: review by:random graders:2."
    return f"Let people grade about {_answers(standing.more)} more, drawn by chance: review by:random."


def mending(standing: JudgeStanding) -> str:
    """Say in a sentence what may make a judge believable that is unverified."""
    if standing.more is None:
        return "More grades alone will not help: calibrate it to try examples, mend its prompt or rubric, or take another judge."
    return f"Calibrate it, or let people grade about {_answers(standing.more)} more, drawn by chance."


def _answers(count: int, one: str = "", many: str = "") -> str:
    """Count answers."""
    said = f"{count:,} answer" if count == 1 else f"{count:,} answers"
    return f"{said} {one if count == 1 else many}".strip()


def bias_changes(report: JudgeReport) -> Iterator[tuple[str, Change]]:
    """Give each measured bias with what it is about; positive where the judge is kinder than people."""
    bias = report.bias
    if bias.overall is not None:
        yield "all answers", as_change(bias.overall)
    for family in bias.families:
        yield f"answers of {family.name} models", as_change(family.bias)
    if bias.short is not None and bias.long is not None:
        yield f"short answers (up to {bias.characters:,} characters)", as_change(bias.short)
        yield "long answers", as_change(bias.long)


def bias_word(change: Change) -> str:
    """Say in a word what a bias is."""
    if change.verdict is Verdict.BETTER:
        return "kinder than people"
    if change.verdict is Verdict.WORSE:
        return "stricter than people"
    return "like people" if change.verdict is Verdict.NO_DIFFERENCE else "no clear difference"


def gain_sentence(report: CalibrationReport) -> str:
    """Say in a sentence whether the examples made a difference."""
    if report.calibration.note:
        return f"It ended early. {report.calibration.note}"
    if not report.calibration.examples:
        return "Judge and people never clearly differed on the practice part, so there are no examples to suggest."
    if report.gain is None:
        return f"{_answers(report.held_back)} kept aside are too few to tell whether the examples help."
    return {
        Verdict.BETTER: "The examples help: the judge agrees with people more often.",
        Verdict.WORSE: "The examples harm: the judge agrees with people less often. Do not use them.",
        Verdict.NO_DIFFERENCE: "The examples make no real difference.",
        Verdict.CANNOT_TELL: f"Cannot tell whether the examples help{_needed(report.gain)}.",
    }[report.gain.decision.verdict]


def next_after(report: CalibrationReport) -> str:
    """Say what to do after a calibration."""
    if report.calibration.examples and report.gain and report.gain.decision.verdict is Verdict.BETTER:
        return "Paste the examples, then calibrate again: with them it is another judge, which is measured anew."
    if report.judge.standing.standing is Standing.UNVERIFIED and report.judge.standing.more is None:
        return "More grades alone will not help: mend its prompt or rubric, or take another judge."
    return next_step(report.judge)


def _needed(gain: Gain) -> str:
    """Say how many held-back outputs would decide."""
    needed = gain.decision.needed
    return f": that takes about {_answers(round(needed, -max(len(str(needed)) - 2, 0)))} kept aside" if needed else ""


def epoch_words(report: JudgeReport) -> Sequence[str]:
    """Name what the numbers of a judge belong to."""
    epoch = report.epoch
    prompt = f"prompt {epoch.prompt} version {epoch.prompt_version} ({epoch.prompt_digest[:8]})"
    return (f"model {epoch.model}", prompt, f"rubric {epoch.rubric} version {epoch.rubric_version}")
