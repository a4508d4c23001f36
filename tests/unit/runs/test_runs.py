"""Runs: sizes that are allowed, progress, and an end that comes once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadRequest, Conflict
from evalbot.runs.runs import MAX_CONCURRENCY, MAX_REPEATS, Progress, RunStatus, check_size, finish
from evalbot.suites.targets import Target, short_target
from tests.factories import MAIN, NOON, make_run

ENDS = [RunStatus.DONE, RunStatus.CANCELLED, RunStatus.FAILED]


@pytest.mark.parametrize(
    ("repeats", "concurrency", "limit", "said"),
    [
        (0, 8, None, "repeat is 0. Use 1 to 50."),
        (MAX_REPEATS + 1, 8, None, "repeat is 51. Use 1 to 50."),
        (1, 0, None, "concurrency is 0. Use 1 to 500."),
        (1, MAX_CONCURRENCY + 1, None, "concurrency is 501. Use 1 to 500."),
        (1, 8, 0, "The number of items is 0. Use 1 or more."),
        (1, 8, -1234567, "The number of items is -1,234,567. Use 1 or more."),
    ],
)
def test_size_out_of_range_is_refused(repeats: int, concurrency: int, limit: int | None, said: str) -> None:
    """Each number out of range is named with what is allowed."""
    with pytest.raises(BadRequest) as error:
        check_size(repeats, concurrency, limit)
    assert str(error.value) == said


@given(st.integers(1, MAX_REPEATS), st.integers(1, MAX_CONCURRENCY), st.none() | st.integers(1))
def test_size_in_range_is_taken(repeats: int, concurrency: int, limit: int | None) -> None:
    """Both ends of each range are allowed, and any number of items from one on."""
    check_size(repeats, concurrency, limit)


@pytest.mark.parametrize("status", ENDS)
def test_run_ends_once(status: RunStatus) -> None:
    """The first end stays with its time and note; a second one is refused with how it ended."""
    end = NOON + timedelta(minutes=3)
    ended = finish(make_run(), status, end, "why")
    assert (ended.status, ended.finished_at, ended.note, ended.open) == (status, end, "why", False)
    for again in ENDS:
        with pytest.raises(Conflict, match=f"Run 7 is already {status}"):
            finish(ended, again, end)


def test_size_counts_targets_items_and_repeats() -> None:
    """A complete run has one output for each target, item and repeat."""
    assert make_run(repeats=4, targets=(MAIN, short_target("echo"))).size == 2 * 3 * 4


@pytest.mark.parametrize(
    ("progress", "complete"),
    [
        (Progress(3), False),
        (Progress(3, outputs=3), True),
        (Progress(3, outputs=3, errors=3), True),
        (Progress(3, outputs=3, to_judge=2, judged=1), False),
        (Progress(3, outputs=3, to_judge=2, judged=2), True),
    ],
)
def test_run_is_complete_when_all_is_there_and_judged(progress: Progress, complete: bool) -> None:
    """Errors count as outputs that are there; a missing verdict of the judge keeps a run going."""
    assert progress.complete is complete


def test_target_identity_follows_what_is_asked_not_its_label() -> None:
    """Two names of one system are the same system; another parameter is another one, in whatever order it is written."""
    one = Target("openai:m", "a", {"temperature": 0, "top_p": 1})
    assert one.identity == Target("openai:m", "b", {"top_p": 1, "temperature": 0}).identity
    others = [Target("openai:n", "a", one.config), Target("openai:m", "a", {"temperature": 1, "top_p": 1})]
    assert one.identity not in {other.identity for other in others}


@pytest.mark.parametrize(
    ("name", "provider", "model", "label"),
    [
        ("openai:gpt-4.1-mini", "openai", "gpt-4.1-mini", "gpt-4.1-mini"),
        ("ollama:llama:8b", "ollama", "llama:8b", "llama:8b"),
        ("echo", "echo", "", "echo"),
    ],
)
def test_short_target_is_provider_and_model(name: str, provider: str, model: str, label: str) -> None:
    """Only the first colon parts provider from model."""
    target = short_target(name)
    assert (target.provider, target.model, target.label) == (provider, model, label)
