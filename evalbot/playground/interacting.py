"""What people do with the app's elements: click, choose, submit, close, search, shortcuts, the Home tab."""

from collections.abc import Mapping
from typing import Any

from evalbot.playground.api_views import checked_view
from evalbot.playground.elements import (
    VALUE_KEYS,
    check_inputs,
    describe_action,
    find_element,
    state_of,
    take_entered,
)
from evalbot.playground.emulation import Emulation
from evalbot.playground.form_files import keep_files
from evalbot.playground.payloads import (
    global_shortcut,
    message_actions,
    message_shortcut,
    suggestion,
    view_actions,
    view_closed,
    view_submission,
)
from evalbot.playground.refusals import ActionRefused, ApiError
from evalbot.playground.slash import check_answer
from evalbot.playground.talking import find_place, find_shown
from evalbot.playground.views import View
from evalbot.playground.violations import Kind

Args = Mapping[str, Any]
Result = dict[str, Any]
SUGGESTIONS_MAX = 100


def find_view(emu: Emulation, person: str, args: Args) -> View:
    """Return the view on this person's screen that args name."""
    view = emu.views.find(str(args.get("view_id", "")))
    if view is None or view.person != person:
        raise ActionRefused("That window is closed.")
    return view


async def click(emu: Emulation, person: str, args: Args) -> Result:
    """Press a button or make a choice, in a message or in a view."""
    if args.get("view_id"):
        return await _click_in_view(emu, person, args)
    channel = find_place(emu, person, args)
    message = find_shown(emu, person, channel, str(args.get("ts", "")))
    blocks = message.get("blocks", [])
    entered = emu.message_state.setdefault((person, channel.id, message["ts"]), {})
    take_entered(blocks, keep_files(emu, person, blocks, args.get("values") or {}), entered)
    action = _action(emu, blocks, args, entered)
    payload = message_actions(emu.space, channel, message, person, action, state_of(blocks, entered))
    is_ephemeral = bool(message.get("ephemeral"))
    key = emu.keys.make_url(channel.id, person, message["ts"], message.get("thread_ts", ""), is_ephemeral)
    payload["trigger_id"] = emu.keys.make_trigger(person)
    payload["response_url"] = emu.response_url(key)
    return await _send_action(emu, person, payload, action)


async def _click_in_view(emu: Emulation, person: str, args: Args) -> Result:
    view = find_view(emu, person, args)
    take_entered(view.blocks, keep_files(emu, person, view.blocks, args.get("values") or {}), view.entered)
    action = _action(emu, view.blocks, args, view.entered)
    payload = view_actions(emu.space, emu.views, view, action)
    payload["trigger_id"] = emu.keys.make_trigger(person, view.id)
    return await _send_action(emu, person, payload, action)


def _action(emu: Emulation, blocks: list[dict[str, Any]], args: Args, entered: dict[str, Any]) -> dict[str, Any]:
    found = find_element(blocks, str(args.get("block_id") or ""), str(args.get("action_id", "")))
    if found is None:
        raise ActionRefused("That button or menu is no longer there.")
    block, element = found
    action = describe_action(block, element, dict(args), emu.clock.next_ts())
    if isinstance(action, str):
        raise ActionRefused(action)
    if element["type"] in VALUE_KEYS:
        key = VALUE_KEYS[element["type"]][0]
        entered.setdefault(block["block_id"], {})[element["action_id"]] = {key: action.get(key)}
    return action


async def _send_action(emu: Emulation, person: str, payload: dict[str, Any], action: dict[str, Any]) -> Result:
    answer = await emu.delivery.ask("interactive", payload, f"block_actions {action['action_id']}")
    check_answer(emu, person, answer, "The click")
    return {"action_ts": action["action_ts"]}


async def view_submit(emu: Emulation, person: str, args: Args) -> Result:
    """Submit a modal; {"errors": {block_id: text}} when the form or the app finds something wrong."""
    view = find_view(emu, person, args)
    if view.body["type"] != "modal" or "submit" not in view.body:
        raise ActionRefused("This window has nothing to submit.")
    take_entered(view.blocks, keep_files(emu, person, view.blocks, args.get("values") or {}), view.entered)
    errors = check_inputs(view.blocks, state_of(view.blocks, view.entered))
    if errors:
        return {"ok": False, "errors": errors}
    payload = view_submission(emu.space, emu.views, view)
    payload |= {"trigger_id": emu.keys.make_trigger(person, view.id), "response_urls": []}
    label = f"view_submission {view.body.get('callback_id', '')}"
    answer = await emu.delivery.ask("interactive", payload, label)
    check_answer(emu, person, answer, "Submitting")
    return _follow(emu, view, answer.payload or {}, label)


def _follow(emu: Emulation, view: View, payload: dict[str, Any], label: str) -> Result:
    """Do what the acknowledgement of a submission asks for; nothing asked for closes the view."""
    action = payload.get("response_action")
    try:
        if action == "errors":
            return _take_errors(emu, view, payload.get("errors"), label)
        if action == "update":
            emu.views.update(view, checked_view(emu, payload.get("view"), label))
        elif action == "push":
            if emu.views.push(view.person, checked_view(emu, payload.get("view"), label)) is None:
                raise ApiError("push_limit_reached")
        elif action == "clear":
            emu.views.clear(view.person)
        elif action is None:
            emu.views.close(view)
        else:
            raise ApiError("invalid_response_action")
    except ApiError as error:
        detail = error.extra.get("response_metadata", {}).get("messages", [])
        emu.violations.add(Kind.BAD_ACK, label, " ".join([f"The answer was refused with {error.code}.", *detail]))
        text = f"{emu.app.name} answered with something Slack can not show. Try again."
        emu.notify(view.person, text, "dispatch_failed")
        raise ActionRefused(text) from error
    return {}


def _take_errors(emu: Emulation, view: View, errors: Any, label: str) -> Result:
    inputs = {block["block_id"] for block in view.blocks if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors:
        raise ApiError("invalid_errors")
    strays = [block_id for block_id in errors if block_id not in inputs]
    if strays:
        emu.violations.add(Kind.BAD_ACK, label, f"Errors for {', '.join(strays)}, which are no input blocks.")
    return {"ok": False, "errors": {key: str(text) for key, text in errors.items()}}


async def view_close(emu: Emulation, person: str, args: Args) -> Result:
    """Close a modal (all modals with is_cleared); the app hears of it when it asked to."""
    view = find_view(emu, person, args)
    is_cleared = bool(args.get("is_cleared") or view.body.get("clear_on_close"))
    closing = emu.views.stack(person) if is_cleared else [view]
    told = [view_closed(emu.space, emu.views.describe(one), person, is_cleared) for one in closing if _tells(one)]
    emu.views.close(closing[0])
    for payload in told:
        await emu.delivery.ask("interactive", payload, "view_closed")
    return {}


def _tells(view: View) -> bool:
    return bool(view.body.get("notify_on_close"))


async def suggest(emu: Emulation, person: str, args: Args) -> Result:
    """Ask the app for the options of an external menu."""
    place: dict[str, Any]
    if args.get("view_id"):
        view = find_view(emu, person, args)
        blocks = view.blocks
        place = {"container": {"type": "view", "view_id": view.id}, "view": emu.views.describe(view)}
    else:
        channel = find_place(emu, person, args)
        message = find_shown(emu, person, channel, str(args.get("ts", "")))
        blocks = message.get("blocks", [])
        container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
        place = {"container": container, "channel": {"id": channel.id, "name": channel.name}, "message": message}
    found = find_element(blocks, str(args.get("block_id") or ""), str(args.get("action_id", "")))
    if found is None:
        raise ActionRefused("That menu is no longer there.")
    ids = (found[0]["block_id"], found[1]["action_id"])
    payload = suggestion(emu.space, person, place, *ids, str(args.get("value", "")))
    answer = await emu.delivery.ask("interactive", payload, f"block_suggestion {ids[1]}")
    check_answer(emu, person, answer, "The menu")
    return _options(emu, answer.payload or {}, ids[1])


def _options(emu: Emulation, payload: dict[str, Any], action_id: str) -> Result:
    options, groups = payload.get("options"), payload.get("option_groups")
    for rows in (options, groups):
        if isinstance(rows, list) and len(rows) > SUGGESTIONS_MAX:
            emu.violations.add(Kind.BAD_ACK, f"block_suggestion {action_id}", f"{len(rows)} options; 100 are allowed.")
            raise ActionRefused("The menu could not be filled; the app sent too many options.")
    return {"options": options or [], "option_groups": groups or []}


async def shortcut(emu: Emulation, person: str, args: Args) -> Result:
    """Use a shortcut of the app, on a message (channel and ts) or from anywhere."""
    callback_id = str(args.get("callback_id", ""))
    known = emu.app.find_shortcut(callback_id)
    if known is None:
        raise ActionRefused(f"There is no shortcut {callback_id!r}.")
    if known.type == "global":
        payload = global_shortcut(emu.space, person, callback_id)
    else:
        channel = find_place(emu, person, args)
        message = find_shown(emu, person, channel, str(args.get("ts", "")))
        payload = message_shortcut(emu.space, channel, message, person, callback_id)
        payload["response_url"] = emu.response_url(
            emu.keys.make_url(channel.id, person, "", message.get("thread_ts", ""))
        )
    payload["trigger_id"] = emu.keys.make_trigger(person)
    answer = await emu.delivery.ask("interactive", payload, f"shortcut {callback_id}")
    check_answer(emu, person, answer, known.name)
    return {}


async def open_home(emu: Emulation, person: str, args: Args) -> Result:
    """Open the app's Home tab; returns the view that is there already, if any."""
    channel = emu.space.open_im(person, emu.app.bot_user)
    event: dict[str, Any] = {"type": "app_home_opened", "user": person, "channel": channel.id, "tab": "home"}
    home = emu.views.home(person)
    if home is not None:
        event["view"] = emu.views.describe(home)
    emu.feed.send(event | {"event_ts": emu.clock.next_ts()})
    return {"view": emu.views.describe(home) if home is not None else None}
