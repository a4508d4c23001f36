"""Every id that evalbot puts into Slack and gets back, and the values of its buttons.

A value is a short JSON list: the tag of its kind, then its fields. It holds ids only: no names of targets, no secrets,
nothing that a grader must not know, as Slack hands it to every client. Reading one checks everything; it comes from outside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

from evalbot.errors import BadRequest
from evalbot.grading.reviews import ReviewId
from evalbot.grading.trials import CalibrationId
from evalbot.runs.outputs import RunId
from evalbot.suites.candidates import CandidateId


class ActionId(StrEnum):
    """What a button or menu asks for; buttons that only open a link are LINK."""

    LINK = "link"
    RUN_CANCEL = "run_cancel"
    RUN_RESUME = "run_resume"
    RUN_REVIEW = "run_review"
    RUN_FAILURES = "run_failures"
    RUN_NUMBERS = "run_numbers"
    RUN_AGAIN = "run_again"
    SUITE_RUN = "suite_run"
    GRADE = "grade"
    CANNOT_JUDGE = "cannot_judge"
    RUBRIC = "rubric"
    FULL_TEXT = "full_text"
    BETTER_ANSWER = "better_answer"
    MAKE_ITEM = "make_item"
    CANDIDATE_APPROVE = "candidate_approve"
    CANDIDATE_EDIT = "candidate_edit"
    CANDIDATE_REJECT = "candidate_reject"
    DIGEST_NUMBERS = "digest_numbers"
    JUDGE_CALIBRATE = "judge_calibrate"
    CALIBRATION_START = "calibration_start"
    CALIBRATION_CANCEL = "calibration_cancel"
    CALIBRATION_APPROVE = "calibration_approve"
    CALIBRATION_REJECT = "calibration_reject"
    JUDGE_EXPLAIN = "judge_explain"
    JUDGE_SHARE = "judge_share"
    JUDGE_REASONS_SHARE = "judge_reasons_share"
    NUMBER_ARITHMETIC = "number_arithmetic"
    NUMBER_SHARE = "number_share"
    DIGEST_LINE = "digest_line"
    DIGEST_ARITHMETIC = "digest_arithmetic"
    DIGEST_LINE_SHARE = "digest_line_share"
    RUN_MORE = "run_more"
    PREVIEW_START = "preview_start"
    PREVIEW_CHANGE = "preview_change"
    PREVIEW_CANCEL = "preview_cancel"
    RUN_APPROVE = "run_approve"
    RUN_REJECT = "run_reject"


GRADE_ACTIONS = re.compile(rf"^{ActionId.GRADE}:\d\d?$")
"""What the action ids of grade buttons look like: they differ by step as one block holds several."""


def grade_action(level: int) -> str:
    """Give the action id of the button of one step."""
    return f"{ActionId.GRADE}:{level}"


def link_action(place: int) -> str:
    """Give the action id of a link button; a block may hold several."""
    return f"{ActionId.LINK}:{place}"


LINK_ACTIONS = re.compile(rf"^{ActionId.LINK}:\d+$")
"""What the action ids of link buttons look like; a click on one needs an acknowledgement and nothing else."""


class CallbackId(StrEnum):
    """Which modal was submitted or closed."""

    READ_ONLY = "read_only"
    REASON = "reason"
    BETTER_ANSWER = "better_answer"
    CANDIDATE_EDIT = "candidate_edit"
    CANDIDATE_REJECT = "candidate_reject"
    PREVIEW_CHANGE = "preview_change"
    PREVIEW_START = "preview_start"


class BlockId(StrEnum):
    """The inputs of modals: a field's block id; its action id is `FIELD`."""

    REASON = "reason"
    QUESTION = "question"
    BETTER = "better"
    REFERENCE = "reference"
    WHY = "why"
    SUITE = "suite"
    TARGETS = "targets"
    ITEMS = "items"
    REPEAT = "repeat"
    BUDGET = "budget"


FIELD = "field"
"""The action id of the one element in an input block."""


@dataclass(frozen=True, slots=True)
class RunClick:
    """A button of a run's card."""

    tag: ClassVar[str] = "run"
    run_id: RunId


@dataclass(frozen=True, slots=True)
class GradeClick:
    """A step chosen for a review."""

    tag: ClassVar[str] = "grade"
    review_id: ReviewId
    level: int


@dataclass(frozen=True, slots=True)
class ReviewClick:
    """Any other button of a grading card."""

    tag: ClassVar[str] = "review"
    review_id: ReviewId


@dataclass(frozen=True, slots=True)
class CandidateClick:
    """A button of a candidate's card."""

    tag: ClassVar[str] = "candidate"
    candidate_id: CandidateId


@dataclass(frozen=True, slots=True)
class SuiteClick:
    """A button that starts a run of a suite."""

    tag: ClassVar[str] = "suite"
    suite: str


@dataclass(frozen=True, slots=True)
class DraftClick:
    """A button of a preview."""

    tag: ClassVar[str] = "draft"
    draft_id: str


@dataclass(frozen=True, slots=True)
class DigestClick:
    """A button of a digest."""

    tag: ClassVar[str] = "digest"
    digest_id: str


@dataclass(frozen=True, slots=True)
class DigestLineClick:
    """A button about something of a digest; `line` is the hash that names it."""

    tag: ClassVar[str] = "digest_line"
    digest_id: str
    line: str


@dataclass(frozen=True, slots=True)
class JudgeClick:
    """A button about the judges of a suite."""

    tag: ClassVar[str] = "judge"
    suite: str


NO_BUDGET = "none"


@dataclass(frozen=True, slots=True)
class CalibrateClick:
    """A button of a calibration's preview; `budget` is in billionths of a dollar, or the word for none."""

    tag: ClassVar[str] = "calibrate"
    suite: str
    budget: str = NO_BUDGET

    @property
    def most(self) -> int | None:
        """What the calibration may cost, None without a budget of its own."""
        return int(self.budget) if self.budget.isdecimal() else None


@dataclass(frozen=True, slots=True)
class CalibrationClick:
    """A button of the card of a calibration that waits for an approver."""

    tag: ClassVar[str] = "calibration"
    calibration_id: CalibrationId


@dataclass(frozen=True, slots=True)
class NumberClick:
    """A button about a number of a run; `number` is the hash that names it."""

    tag: ClassVar[str] = "number"
    run_id: RunId
    number: str


Click = (
    RunClick
    | GradeClick
    | ReviewClick
    | CandidateClick
    | SuiteClick
    | DigestClick
    | DigestLineClick
    | JudgeClick
    | CalibrateClick
    | CalibrationClick
    | NumberClick
    | DraftClick
)
ClickT = TypeVar(
    "ClickT",
    RunClick,
    GradeClick,
    ReviewClick,
    CandidateClick,
    SuiteClick,
    DigestClick,
    DigestLineClick,
    JudgeClick,
    CalibrateClick,
    CalibrationClick,
    NumberClick,
    DraftClick,
)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
_LONGEST = 200


_HINTS: Mapping[type[Any], dict[str, Any]] = {
    kind: {field.name: get_type_hints(kind)[field.name] for field in fields(kind)} for kind in get_args(Click)
}
"""The types of the parts of each click by their names, in order."""


def encode(click: Click) -> str:
    """Give the value of a button."""
    return json.dumps([click.tag, *astuple(click)], separators=(",", ":"), ensure_ascii=False)


def decode(value: str, kind: type[ClickT]) -> ClickT:
    """Read the value of a button; raises BadRequest unless it is exactly one of this kind."""
    parts = _parts(value)
    hints = _HINTS[kind]
    if parts[:1] != [kind.tag] or len(parts) != 1 + len(hints):
        raise _odd()
    checked = {name: _checked(part, hint) for (name, hint), part in zip(hints.items(), parts[1:], strict=True)}
    return kind(**checked)


def _parts(value: object) -> list[Any]:
    """Give the list that a value holds."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _odd()
    try:
        parts = json.loads(value)
    except ValueError:
        raise _odd() from None
    if not isinstance(parts, list):
        raise _odd()
    return parts


def _checked(part: object, wanted: Any) -> Any:
    """Give a field's value if it is of the wanted type and form."""
    if wanted is int:
        if isinstance(part, bool) or not isinstance(part, int) or not 0 <= part <= 99:
            raise _odd()
        return part
    if not isinstance(part, str) or not _ID.fullmatch(part):
        raise _odd()
    return part


def _odd() -> BadRequest:
    """Give the error for a value that no card of ours holds."""
    return BadRequest("This button is out of date.", "Open the newest version of the message and press it there.")
