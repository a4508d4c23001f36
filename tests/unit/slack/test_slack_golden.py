"""Each view as it is sent, compared with a stored copy that a person has looked at."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.slack.slack_rules import problems_with
from tests.unit.slack.slack_views import VIEWS, Samples

GOLDEN = Path(__file__).parents[2] / "data" / "golden"


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_was_agreed(name: str) -> None:
    """A changed view is looked at and stored again with EVALBOT_WRITE_GOLDEN=1."""
    sent = json.dumps(VIEWS[name](Samples()), ensure_ascii=False, indent=1) + "\n"
    path = GOLDEN / f"slack_{name}.json"
    if os.environ.get("EVALBOT_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sent, "utf-8")
    assert sent == path.read_text("utf-8")


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_valid(name: str) -> None:
    """Slack takes every view made of ordinary samples."""
    assert problems_with(VIEWS[name](Samples())) == []


def test_no_copy_is_left_of_a_view_that_is_gone() -> None:
    """Each stored copy belongs to a view."""
    assert {path.stem for path in GOLDEN.glob("slack_*.json")} == {f"slack_{name}" for name in VIEWS}
