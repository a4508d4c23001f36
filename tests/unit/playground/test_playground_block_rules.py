"""The validator of messages and views, against the cases and on its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalbot.playground.block_fields import load_limits
from evalbot.playground.block_rules import check_message, check_view, is_view_too_large, total_characters

CASES = Path(__file__).parents[3] / ".." / "shared" / "slack" / "samples" / "cases"
MESSAGE_ERRORS = ("no_text", "markdown_text_conflict", "too_many_attachments")


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of a file; the test is skipped when the folder is not beside the checkout."""
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"NOT TESTED AGAINST THE CASES: {path} is missing")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def problems_of(case: dict[str, Any]) -> list[str]:
    """Return what the validator says of a case."""
    if "view" in case:
        return check_view(case["view"])
    return check_message(case["message"]["blocks"]) if "blocks" in case["message"] else []


def test_everything_in_the_accept_cases_is_taken() -> None:
    """No message or view that Slack takes is refused."""
    refused = {case["id"]: problems_of(case) for case in cases("accept.jsonl")}
    assert {name: found for name, found in refused.items() if found} == {}


def test_everything_in_the_reject_cases_is_refused_with_the_expected_words() -> None:
    """Each refused case gives a problem with every expected piece of text or pointer."""
    wrong = []
    for case in cases("reject.jsonl"):
        if case["expect"]["error"] in MESSAGE_ERRORS:
            continue  # refused by the method, not by the validator of blocks
        found = problems_of(case)
        missing = [one for one in case["expect"].get("pointer_contains", []) if not any(one in line for line in found)]
        if not found or missing:
            wrong.append((case["id"], missing, found))
    assert wrong == []


def section(text: str, **keys: Any) -> dict[str, Any]:
    """Return a section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **keys}


def select(**keys: Any) -> dict[str, Any]:
    """Return a section with a menu of two options."""
    options = [{"text": {"type": "plain_text", "text": one}, "value": one} for one in ("a", "b")]
    return section("x", accessory={"type": "static_select", "action_id": "s", "options": options, **keys})


@pytest.mark.parametrize("length,is_taken", [(1, True), (3000, True), (3001, False), (0, False)])
def test_section_length_is_exact(length: int, is_taken: bool) -> None:
    """The limits of a section hold to the character."""
    assert (not check_message([section("a" * length)])) is is_taken


@pytest.mark.parametrize(
    "block",
    [
        section("x", colour="red"),
        section("x", block_id="b" * 256),
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        select(option_groups=[]),
        select(initial_option={"text": {"type": "plain_text", "text": "c"}, "value": "c"}),
        {"type": "image", "alt_text": "x"},
        {"type": "header", "text": {"type": "plain_text", "text": "x"}, "level": 5},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "mention"}]}]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
        {"type": "context_actions", "elements": []},
        "divider",
    ],
)
def test_misfits_are_refused(block: Any) -> None:
    """Unknown keys, empty texts and impossible choices are errors, not silent drops."""
    assert check_message([block])


def test_null_is_never_a_value() -> None:
    """A key that is null is refused where it stands."""
    found = check_message([section("x", accessory=None)])
    assert found == ["must provide an object [json-pointer:/blocks/0/accessory]"]


def test_children_of_a_container_are_checked() -> None:
    """A bad block inside a container is found by its pointer."""
    container = {"type": "container", "title": {"type": "plain_text", "text": "t"}, "child_blocks": [section("")]}
    assert any("/blocks/0/child_blocks/0/text/text" in one for one in check_message([container]))


def test_home_takes_no_title_and_modals_need_one() -> None:
    """The keys of the two kinds of view differ."""
    assert check_view({"type": "home", "blocks": [section("x")]}) == []
    assert check_view({"type": "home", "blocks": [section("x")], "title": {"type": "plain_text", "text": "x"}})
    assert check_view({"type": "modal", "blocks": [section("x")]})


def test_size_of_a_view_is_measured_in_bytes() -> None:
    """Umlauts count twice."""
    assert not is_view_too_large({"text": "a" * 200_000})
    assert is_view_too_large({"text": "ä" * 200_000})


def test_tables_do_not_count_towards_the_characters_of_a_message() -> None:
    """Only running text counts for the total of a message."""
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 500}]]}
    assert total_characters([section("abc"), table]) == 3


LIMITS = load_limits()
TYPES = sorted({*LIMITS["blocks"], *LIMITS["elements"], "plain_text", "mrkdwn", "raw_text", "rich_text_section", "pie"})
KEYS = sorted({key for table in ("blocks", "elements") for one in LIMITS[table].values() for key in one["fields"]})
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(TYPES)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return objects that look a little like blocks, with anything in them."""
    kinds = st.sampled_from(TYPES) | inner
    rest = st.dictionaries(
        st.sampled_from([*KEYS, "data", "series", "axis_config", "trigger_actions_on"]), inner, max_size=4
    )
    return st.builds(lambda kind, keys: {"type": kind, **keys}, kinds, rest)


JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=14)


@settings(max_examples=300)
@given(JSON)
def test_validator_survives_any_json(value: Any) -> None:
    """Whatever is sent, the answer is a list of problems and never a crash."""
    assert isinstance(check_message(value if isinstance(value, list) else [value]), list)
    assert check_view(value) or isinstance(value, dict)
