"""Logs: one line each, with names for machines, and without what failures say."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from evalbot.logs import JsonLines, start_logging


def line_of(**changes: Any) -> dict[str, Any]:
    """Give what a record becomes."""
    record = logging.makeLogRecord({"name": "evalbot.x", "levelno": 20, "levelname": "INFO", "msg": "said", **changes})
    written = JsonLines().format(record)
    assert "\n" not in written
    found: dict[str, Any] = json.loads(written)
    return found


def test_a_record_keeps_its_sentence_and_its_names() -> None:
    """Time, level, logger, sentence and the fields beside it are there; what is not short and simple is left out."""
    found = line_of(msg="run %s", args=("ended",), action="run_ended", run_id="id-1", shards=3, job={"text": "canary"})
    assert (found["said"], found["action"], found["run_id"], found["shards"]) == ("run ended", "run_ended", "id-1", 3)
    assert (found["level"], found["logger"]) == ("info", "evalbot.x")
    assert found["at"].endswith("+00:00")
    assert "job" not in found


def test_what_a_failure_says_is_left_out() -> None:
    """Of a failure there is its kind and where it happened, never its message, nor that of what caused it."""
    try:
        try:
            raise ValueError("canary in the cause")
        except ValueError as cause:
            raise KeyError("canary in the failure") from cause
    except KeyError:
        found = line_of(exc_info=sys.exc_info())
    assert found["failure"] == "KeyError"
    assert "test_what_a_failure_says_is_left_out" in found["places"][-1]
    assert "canary" not in json.dumps(found)


def test_long_and_odd_things_stay_one_line() -> None:
    """A sentence is cut, line ends are escaped, numbers that JSON has not are written all the same."""
    found = line_of(msg="x\n" * 1000, key="y" * 1000)
    assert (len(found["said"]), len(found["key"])) == (500, 200)


def test_libraries_are_heard_from_warnings_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """At DEBUG evalbot tells all and libraries tell warnings: what they say below can hold tokens and addresses with keys."""
    made: dict[str, Any] = {}
    monkeypatch.setattr(logging, "basicConfig", lambda **options: made.update(options))
    ours = logging.getLogger("evalbot")
    monkeypatch.setattr(ours, "setLevel", lambda level: made.update(ours=level))
    start_logging("DEBUG", "json")
    assert (made["level"], made["ours"]) == (logging.WARNING, logging.DEBUG)
    assert isinstance(made["handlers"][0].formatter, JsonLines)
    start_logging("error")
    assert (made["level"], made["ours"]) == (logging.ERROR, logging.ERROR)
    assert not isinstance(made["handlers"][0].formatter, JsonLines)
