"""Button values: what is encoded comes back, and nothing else is believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadRequest
from evalbot.grading.reviews import ReviewId
from evalbot.grading.trials import CalibrationId
from evalbot.runs.outputs import RunId
from evalbot.slack.ids import (
    GRADE_ACTIONS,
    LINK_ACTIONS,
    ActionId,
    CalibrateClick,
    CalibrationClick,
    CandidateClick,
    Click,
    DigestClick,
    GradeClick,
    JudgeClick,
    NumberClick,
    ReviewClick,
    RunClick,
    SuiteClick,
    decode,
    encode,
    grade_action,
    link_action,
)
from evalbot.suites.candidates import CandidateId

CLICKS: list[Click] = [
    RunClick(RunId("r1")),
    GradeClick(ReviewId("rev-1"), 4),
    ReviewClick(ReviewId("rev-1")),
    CandidateClick(CandidateId("c.1")),
    SuiteClick("support-desk"),
    DigestClick("d1"),
    CalibrateClick("support-desk", "2000000000"),
    CalibrationClick(CalibrationId("cal-1")),
    JudgeClick("support-desk"),
    NumberClick(RunId("0123456789abcdef"), "0123456789abcdef"),
]


@pytest.mark.parametrize("click", CLICKS, ids=lambda click: click.tag)
def test_a_click_comes_back_as_it_was(click: Click) -> None:
    """Encoding and decoding give the same value, in a form short enough for a menu."""
    value = encode(click)
    assert decode(value, type(click)) == click  # type: ignore[type-var]
    assert len(value) <= 75


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "null", "{}", "[]", '["grade"]', '["grade","rev-1"]', '["grade","rev-1",4,5]', '["run","rev-1",4]'),
        *('["grade","rev-1","4"]', '["grade","rev-1",true]', '["grade","rev-1",4.0]', '["grade","rev-1",-1]'),
        *('["grade","rev-1",100]', '["grade","",4]', '["grade","a b",4]', '["grade","<!here>",4]', '["grade",7,4]'),
        *('["grade","rev-1",NaN]', '["grade","' + "a" * 101 + '",4]', "[" * 150, '["grade","rev\\n",4]'),
    ],
)
def test_an_odd_value_is_refused(value: str) -> None:
    """Anything but the exact form is a BadRequest with a next step."""
    with pytest.raises(BadRequest, match=r"out of date.*newest version"):
        decode(value, GradeClick)


@given(
    st.one_of(
        st.text(max_size=250), st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists).map(json.dumps)
    )
)
def test_no_value_breaks_decoding(value: str) -> None:
    """Whatever is sent, reading it gives a click or a BadRequest."""
    for click in CLICKS:
        try:
            found = decode(value, type(click))  # type: ignore[type-var]
        except BadRequest:
            continue
        assert encode(found)


def test_buttons_of_one_block_have_different_ids_of_one_pattern() -> None:
    """Grade and link buttons are told apart by their number and caught by one pattern."""
    assert GRADE_ACTIONS.match(grade_action(1))
    assert GRADE_ACTIONS.match(grade_action(10))
    assert LINK_ACTIONS.match(link_action(0))
    assert not any(GRADE_ACTIONS.match(action) or LINK_ACTIONS.match(action) for action in ActionId)
