"""State, entries and actions of interactive elements."""

from typing import Any

import pytest

from evalbot.playground.elements import check_inputs, describe_action, fill_ids, state_of, take_entered


def field(element: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Return an input block with one element."""
    return {"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "L"}, "element": element, **keys}


def option(value: str) -> dict[str, Any]:
    """Return a menu option."""
    return {"text": {"type": "plain_text", "text": value.upper()}, "value": value}


def test_state_starts_with_first_values_and_keeps_entries() -> None:
    """Empty fields are null or [], first values count, entries win."""
    blocks = [
        field({"type": "plain_text_input", "action_id": "t", "initial_value": "first"}),
        {
            "type": "actions",
            "block_id": "c",
            "elements": [
                {"type": "button", "action_id": "go"},
                {"type": "checkboxes", "action_id": "k", "options": [option("a")]},
                {"type": "users_select", "action_id": "u"},
            ],
        },
    ]
    entered: dict[str, Any] = {}
    assert state_of(blocks, entered) == {
        "b": {"t": {"type": "plain_text_input", "value": "first"}},
        "c": {
            "k": {"type": "checkboxes", "selected_options": []},
            "u": {"type": "users_select", "selected_user": None},
        },
    }
    take_entered(blocks, {"b": {"t": {"value": "new"}, "ghost": {"value": "x"}}, "z": {}}, entered)
    assert state_of(blocks, entered)["b"] == {"t": {"type": "plain_text_input", "value": "new"}}
    take_entered(blocks, {"b": {"t": {"value": ""}}}, entered)
    assert state_of(blocks, entered)["b"]["t"]["value"] is None


@pytest.mark.parametrize(
    "element,value,is_fine",
    [
        ({"type": "plain_text_input", "min_length": 3}, "ab", False),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", False),
        ({"type": "plain_text_input"}, "abcd", True),
        ({"type": "plain_text_input"}, None, False),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", False),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "1"}, "1.5", False),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "1"}, "1.5", True),
        ({"type": "email_text_input"}, "dana", False),
        ({"type": "email_text_input"}, "dana@example.com", True),
        ({"type": "url_text_input"}, "example", False),
    ],
)
def test_client_checks_fields_before_it_submits(element: dict[str, Any], value: str | None, is_fine: bool) -> None:
    """The app never sees what the client itself refuses."""
    block = field({"action_id": "t", **element})
    values = {"b": {"t": {"value": value}}}
    assert (check_inputs([block], values) == {}) is is_fine


def test_optional_field_may_be_empty() -> None:
    """Optional inputs are not asked for."""
    block = field({"type": "plain_text_input", "action_id": "t"}, optional=True)
    assert check_inputs([block], {"b": {"t": {"value": None}}}) == {}


def test_button_sends_its_own_value_whatever_the_client_claims() -> None:
    """Values come from the message, not from the click."""
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "real"}
    action = describe_action({"block_id": "b"}, button, {"value": "forged"}, "1.0")
    assert isinstance(action, dict)
    assert action["value"] == "real"


def test_choice_must_be_in_the_menu() -> None:
    """An option that is not offered is refused with a sentence."""
    menu = {"type": "static_select", "action_id": "s", "options": [option("a")]}
    assert isinstance(describe_action({"block_id": "b"}, menu, {"selected_option": option("z")}, "1.0"), str)
    action = describe_action({"block_id": "b"}, menu, {"selected_option": {"value": "a"}}, "1.0")
    assert isinstance(action, dict)
    assert action["selected_option"] == option("a")


def test_ids_are_given_where_they_are_missing() -> None:
    """Blocks and elements get ids; markdown blocks keep none."""
    blocks = fill_ids([{"type": "markdown", "text": "x"}, {"type": "actions", "elements": [{"type": "button"}]}])
    assert "block_id" not in blocks[0]
    assert blocks[1]["block_id"]
    assert blocks[1]["elements"][0]["action_id"]
