"""Modals and Home tabs."""

from typing import Any

from evalbot.playground.clock import Clock
from evalbot.playground.elements import take_entered
from evalbot.playground.installed_app import InstalledApp
from evalbot.playground.views import Views


def form(title: str) -> dict[str, Any]:
    """Return a modal with one field."""
    element = {"type": "plain_text_input", "action_id": "v"}
    block = {"type": "input", "block_id": "p", "label": {"type": "plain_text", "text": "P"}, "element": element}
    return {"type": "modal", "title": {"type": "plain_text", "text": title}, "blocks": [block]}


def make() -> Views:
    """Return empty views."""
    return Views(Clock(), InstalledApp(), "T0ACME001")


def test_stack_takes_three_views_and_knows_root_and_previous() -> None:
    """The fourth view does not fit."""
    views = make()
    first = views.open("U1", form("one"))
    second, third = views.push("U1", form("two")), views.push("U1", form("three"))
    assert second is not None
    assert third is not None
    assert views.push("U1", form("four")) is None
    described = views.describe(third)
    assert (described["root_view_id"], described["previous_view_id"]) == (first.id, second.id)


def test_closing_takes_what_is_above_along() -> None:
    """Closing the root empties the screen."""
    views = make()
    first = views.open("U1", form("one"))
    second = views.push("U1", form("two"))
    assert second is not None
    views.close(second)
    assert views.stack("U1") == [first]
    views.push("U1", form("two"))
    views.clear("U1")
    assert views.stack("U1") == []
    assert views.find(first.id) is None


def test_update_changes_the_hash_and_keeps_entries() -> None:
    """What a person typed survives an update of the view."""
    views = make()
    view = views.open("U1", form("one"))
    take_entered(view.blocks, {"p": {"v": {"value": "typed"}}}, view.entered)
    before = view.hash
    views.update(view, form("two"))
    assert view.hash != before
    assert views.describe(view)["state"]["values"]["p"]["v"]["value"] == "typed"


def test_home_is_one_view_per_person() -> None:
    """Publishing again keeps the id and tells with the mode home."""
    views, modes = make(), list[str]()
    views.listen(lambda change: modes.append(change.mode))
    body = {"type": "home", "blocks": [{"type": "divider"}]}
    first = views.publish("U1", body)
    assert views.publish("U1", body) is first
    assert views.publish("U2", body) is not first
    assert modes == ["home", "home", "home"]
    assert views.find_external("") is None
