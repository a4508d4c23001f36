"""The views methods of the Web API."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from evalbot.playground.api_method import Method, Reply
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_view, is_view_too_large
from evalbot.playground.emulation import Emulation
from evalbot.playground.one_time_keys import Trigger
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError
from evalbot.playground.views import View
from evalbot.playground.violations import inspect_images


def checked_view(emu: Emulation, given: Any, where: str, kind: str = "modal") -> dict[str, Any]:
    """Return a copy of a view that Slack takes. Raises ApiError (invalid_arguments, view_too_large)."""
    problems = check_view(given)
    if not problems and given["type"] != kind:
        problems = [f"must be a view of type {kind} [json-pointer:/view/type]"]
    if problems:
        raise ApiError.invalid_arguments(*problems)
    if is_view_too_large(given):
        raise ApiError("view_too_large")
    inspect_images(emu.violations, where, given["blocks"])
    copied: dict[str, Any] = deepcopy(given)
    return copied


def _view_of(emu: Emulation, args: Arguments, where: str, kind: str = "modal") -> dict[str, Any]:
    try:
        given = args.data("view")
    except ValueError:
        raise ApiError.invalid_arguments("must provide an object [json-pointer:/view]") from None
    return checked_view(emu, given, where, kind)


def _need_free_external_id(emu: Emulation, body: dict[str, Any], owner: View | None = None) -> None:
    other = emu.views.find_external(body.get("external_id", ""))
    if other is not None and other is not owner:
        raise ApiError("duplicate_external_id")


def _trigger(emu: Emulation, args: Arguments) -> Trigger:
    trigger = emu.keys.use_trigger(args.text("trigger_id") or args.text("interactivity_pointer"))
    if isinstance(trigger, str):
        raise ApiError(trigger)
    return trigger


def _with_trigger(emu: Emulation, args: Arguments, show: Callable[[Trigger], View]) -> Reply:
    trigger = _trigger(emu, args)
    try:
        return {"view": emu.views.describe(show(trigger))}
    except ApiError:
        emu.keys.give_back(trigger)
        raise


def open_view(emu: Emulation, args: Arguments) -> Reply:
    """Answer views.open."""
    body = _view_of(emu, args, "views.open")
    _need_free_external_id(emu, body)
    return _with_trigger(emu, args, lambda trigger: emu.views.open(trigger.person, body))


def push_view(emu: Emulation, args: Arguments) -> Reply:
    """Answer views.push."""
    body = _view_of(emu, args, "views.push")
    _need_free_external_id(emu, body)

    def show(trigger: Trigger) -> View:
        if not emu.views.stack(trigger.person):
            raise ApiError("not_found")
        view = emu.views.push(trigger.person, body)
        if view is None:
            raise ApiError("push_limit_reached")
        return view

    return _with_trigger(emu, args, show)


def _need_hash(args: Arguments, view: View) -> None:
    if "hash" in args and args.text("hash") != view.hash:
        raise ApiError("hash_conflict")


def update_view(emu: Emulation, args: Arguments) -> Reply:
    """Answer views.update."""
    found = (
        emu.views.find(args.text("view_id")) if "view_id" in args else emu.views.find_external(args.text("external_id"))
    )
    if found is None:
        raise ApiError("not_found")
    _need_hash(args, found)
    body = _view_of(emu, args, "views.update", found.body["type"])
    _need_free_external_id(emu, body, found)
    emu.views.update(found, body)
    return {"view": emu.views.describe(found)}


def publish_view(emu: Emulation, args: Arguments) -> Reply:
    """Answer views.publish."""
    if not emu.app.has_home:
        raise ApiError("not_enabled")
    person = args.text("user_id")
    if person not in emu.space.people:
        raise ApiError("user_not_found")
    home = emu.views.home(person)
    if home is not None:
        _need_hash(args, home)
    body = _view_of(emu, args, "views.publish", "home")
    return {"view": emu.views.describe(emu.views.publish(person, body))}


METHODS = {
    "views.open": Method(open_view, Tier.FOUR, required=("view",)),
    "views.push": Method(push_view, Tier.FOUR, required=("view",)),
    "views.update": Method(update_view, Tier.FOUR, required=("view",)),
    "views.publish": Method(publish_view, Tier.FOUR, required=("user_id", "view")),
}
