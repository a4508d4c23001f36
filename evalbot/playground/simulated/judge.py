"""A simulated judge, a little lenient: it reads a rubric prompt, grades the framed answer as data, passes a bit too much.

It knows the shop of support-desk well. On straight-answers it believes what many people believe, so it passes much that is
false: what people's grades are for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from evalbot.playground.simulated.bank import AnswerBank
from evalbot.playground.simulated.personas import uniform

_MARK = re.compile(r"^BEGIN TASK (\S+)$", re.MULTILINE)
_LEVEL = re.compile(r"^(\d+) = ([^:\n]+): ", re.MULTILINE)
_WORD = re.compile(r"\w+")

Leniency = Mapping[int, tuple[tuple[float, int], ...]]
"""By true quality: (up to this share, grade on a scale of four)."""

# Wrong passes (3 or 4) in 1 %, partial in 3 %.
LENIENCY: Leniency = {
    1: ((0.70, 1), (0.99, 2), (1.0, 3)),
    2: ((0.10, 1), (0.97, 2), (1.0, 3)),
    3: ((0.01, 2), (0.74, 3), (1.0, 4)),
    4: ((0.18, 3), (1.0, 4)),
}

# Wrong passes in 35 %, partial in 50 %.
GULLIBLE: Leniency = {
    1: ((0.40, 1), (0.65, 2), (0.95, 3), (1.0, 4)),
    2: ((0.10, 1), (0.50, 2), (0.90, 3), (1.0, 4)),
    3: ((0.02, 2), (0.60, 3), (1.0, 4)),
    4: ((0.01, 2), (0.18, 3), (1.0, 4)),
}
TAKEN_IN_BY = "straight-answers"
"""The suite whose falsehoods the judge believes."""

REASONS = {
    1: (
        "it states something the task or the reference contradicts.",
        "it does not answer what was asked.",
        "what it says would mislead the reader.",
    ),
    2: (
        "it is on topic, but a part that was needed is missing.",
        "the start is right, then it stays vague where the reader needs a clear answer.",
        "one statement is right and another one is not.",
    ),
    3: (
        "it answers the question and agrees with what is known; little is missing.",
        "the main point is right and stated clearly.",
        "it is correct and can be used as it stands.",
    ),
    4: (
        "it is correct and complete, and it prevents the next question.",
        "it meets the highest anchor: right, clear, nothing needed is missing.",
        "it answers fully and gives the reason in few words.",
    ),
}


@dataclass(frozen=True)
class JudgeTask:
    """What the judge prompt says: the scale's values in ascending order, and the framed texts."""

    scale: tuple[int, ...]
    answer: str
    reference: str


def read_judge_prompt(text: str) -> JudgeTask | None:
    """Read a rubric prompt; None when it is not one. Only frames with the mark of the first frame count."""
    found = _MARK.search(text)
    if found is None:
        return None
    mark = found[1]
    answer = _framed("ANSWER", mark, text)
    scale = sorted({int(level[1]) for level in _LEVEL.finditer(text[: found.start()])})
    if answer is None or len(scale) < 2:
        return None
    return JudgeTask(tuple(scale), answer, _framed("REFERENCE", mark, text) or "")


def verdict(task: JudgeTask, bank: AnswerBank) -> str:
    """Give the simulated verdict as strict JSON; the same answer always gets the same grade."""
    known = bank.find_answer(task.answer) or bank.find_quoted(task.answer)
    seen = known.text if known else task.answer.strip()
    draw = uniform("judge", seen)
    lenient = GULLIBLE if known and known.suite == TAKEN_IN_BY else LENIENCY
    grade = next(grade for share, grade in lenient[known.quality if known else _guess(task)] if draw < share)
    reasons = REASONS[grade]
    reason = reasons[int(uniform("reason", seen) * len(reasons))]
    return json.dumps({"grade": _on_scale(grade, task.scale), "reason": f"Simulated judge: {reason}"})


def _framed(part: str, mark: str, text: str) -> str | None:
    """Give the text between the first opening and the last closing line of a part; other marks inside are only text."""
    opening, closing = f"BEGIN {part} {mark}\n", f"\nEND {part} {mark}"
    start, end = text.find(opening), text.rfind(closing)
    if start < 0 or end < start:
        return None
    return text[start + len(opening) : end]


def _guess(task: JudgeTask) -> int:
    """Guess the quality of an unknown answer from the words it shares with the reference."""
    said, expected = (set(_WORD.findall(text.casefold())) for text in (task.answer, task.reference))
    if not said:
        return 1
    if not expected:
        return 2 if len(said) < 5 else 3
    shared = len(said & expected) / len(expected)
    return 1 + sum(shared >= bound for bound in (0.2, 0.45, 0.8))


def _on_scale(grade: int, scale: tuple[int, ...]) -> int:
    """Carry a grade of 1 to 4 over to another scale by its relative place."""
    return scale[round((grade - 1) / 3 * (len(scale) - 1))]
