"""Checks that need more than the output: what an embedding model or the project's own code said of it, read strictly. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evalbot.grading.findings import CannotCheck, CheckResult, Finding, quoted, settle
from evalbot.suites.graders import GraderSpec

USUAL_LIKENESS = 0.75
"""From which cosine `similar` passes unless told otherwise."""

MAX_REASON = 2_000


def similar_result(
    spec: GraderSpec, said: Sequence[float], wanted: Sequence[Sequence[float]], texts: Sequence[str]
) -> CheckResult:
    """Give the result of comparing an answer's vector with those of the wanted texts; the nearest one counts."""
    try:
        likeness, nearest = max((cosine(said, one), text) for one, text in zip(wanted, texts, strict=True))
    except CannotCheck as problem:
        return CheckResult(None, None, error=str(problem))
    finding = Finding(max(0.0, likeness), f"Likeness {likeness:.2f} to {quoted(nearest)}.")
    return settle(spec, finding, USUAL_LIKENESS)


def cosine(one: Sequence[float], two: Sequence[float]) -> float:
    """Give the cosine of the angle between two vectors, in [-1, 1]; raises CannotCheck for vectors without direction."""
    if len(one) != len(two):
        raise CannotCheck("The vectors are of different lengths.")
    one, two = _direction(one), _direction(two)
    return max(-1.0, min(1.0, math.fsum(a * b for a, b in zip(one, two, strict=True))))


def _direction(vector: Sequence[float]) -> list[float]:
    """Give a vector of length 1; its largest part is made 1 before, so that neither tiny nor huge ones lose digits."""
    largest = max(map(abs, vector), default=0.0)
    if not largest or not math.isfinite(largest):
        raise CannotCheck("A vector has no direction.")
    scaled = [part / largest for part in vector]
    length = math.hypot(*scaled)
    return [part / length for part in scaled]


def code_result(spec: GraderSpec, said: object) -> CheckResult:
    """Give the result of what the project's code returned: true or false, a score in [0, 1], or a mapping of `score`, `pass`
    and `reason`. Anything else, a score off the scale too, is an error."""
    try:
        return settle(spec, _code_finding(said))
    except CannotCheck as problem:
        return CheckResult(None, None, error=str(problem))


def _code_finding(said: object) -> Finding:
    """Read what the code returned."""
    if not isinstance(said, Mapping):
        return Finding(_score(said), "By the project's own check.")
    unknown = sorted(str(key)[:40] for key in said if key not in ("score", "pass", "pass_", "reason"))
    if unknown:
        raise CannotCheck(f"The check returned `{unknown[0]}`; it may return score, pass and reason.")
    holds = said.get("pass", said.get("pass_"))
    if holds is not None and not isinstance(holds, bool):
        raise CannotCheck("The check returned a `pass` that is neither true nor false.")
    if holds is None and "score" not in said:
        raise CannotCheck("The check returned neither score nor pass.")
    score = _score(said.get("score", holds))
    return Finding(score, str(said.get("reason") or "By the project's own check.")[:MAX_REASON], holds)


def _score(said: object) -> float:
    """Read a score: true, false, or a number in [0, 1]."""
    if isinstance(said, bool):
        return float(said)
    if isinstance(said, int | float) and 0 <= said <= 1:
        return float(said)
    raise CannotCheck(f"The check returned {type(said).__name__} instead of true, false or a score from 0 to 1.")
