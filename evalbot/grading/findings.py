"""What checks share: the answer they look at, what they find, and how texts are made comparable."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import regex
from pydantic import JsonValue

from evalbot.runs.outputs import Usage
from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item

QUOTED = 60
_SPACES = regex.compile(r"\p{Zs}")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found. With an `error`, score and passed are None."""

    score: float | None
    passed: bool | None
    reason: str = ""
    error: str = ""


class CannotCheck(Exception):
    """The check cannot decide; the message says why and becomes the error."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A score in [0, 1] with its reason; `holds` decides the pass where that is not a matter of the score."""

    score: float
    reason: str
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as checks see it: its text, the item it answers, and what it took (None where nobody knows)."""

    text: str
    item: Item
    usage: Usage | None = None


def settle(spec: GraderSpec, finding: Finding, usual: float = 1.0) -> CheckResult:
    """Give the result of a finding: the threshold (else the usual one) decides, then `negate` turns score and pass around."""
    passed = finding.holds
    if passed is None:
        passed = finding.score >= (usual if spec.threshold is None else spec.threshold)
    if spec.negate:
        return CheckResult(1.0 - finding.score, not passed, f"Turned around: {finding.reason}")
    return CheckResult(finding.score, passed, finding.reason)


def plain(text: str) -> str:
    """Give a text with the differences that nobody sees taken out: NFC, LF line ends, plain spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SPACES.sub(" ", text))
    return text.replace("\r\n", "\n") if "\r" in text else text


def folded(text: str) -> str:
    """Give a text without differences of case."""
    return unicodedata.normalize("NFC", plain(text).casefold())


def wanted_texts(spec: GraderSpec, item: Item) -> tuple[str, ...]:
    """Give the texts to compare with, as written: the spec's value, else the item's references. Raises CannotCheck."""
    if spec.value is None:
        texts = item.references
    else:
        values = spec.value if isinstance(spec.value, list) else [spec.value]
        texts = tuple(as_text(value) for value in values)
    if not texts:
        raise CannotCheck("The check has no value and the item no reference.")
    return texts


def as_text(value: JsonValue) -> str:
    """Give a value as the text a reader would expect."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def quoted(text: str) -> str:
    """Give a short form of a text for a reason."""
    line = " ".join(text[: QUOTED * 20].split())
    return f'"{line}"' if len(line) <= QUOTED and len(text) <= QUOTED * 20 else f'"{line[:QUOTED]}…"'


def not_blank(texts: Sequence[str]) -> Sequence[str]:
    """Refuse a blank text to look for, since every answer holds it."""
    if not all(one.strip() for one in texts):
        raise CannotCheck("The text to look for is blank, so every answer would hold it.")
    return texts
