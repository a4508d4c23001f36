"""Every action by its name, as the page, the control door and the test driver call it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from evalbot.playground import interacting, looking, talking, troubles
from evalbot.playground.emulation import Emulation
from evalbot.playground.refusals import ActionRefused

Verb = Callable[[Emulation, str, Mapping[str, Any]], Awaitable[dict[str, Any]]]

VERBS: dict[str, Verb] = {
    "send": talking.send,
    "edit": talking.edit,
    "delete": talking.delete,
    "react": talking.react,
    "history": talking.history,
    "replies": talking.replies,
    "mark_read": talking.mark_read,
    "open_im": talking.open_im,
    "join": talking.join,
    "stop_stream": talking.stop_stream,
    "click": interacting.click,
    "view_submit": interacting.view_submit,
    "view_close": interacting.view_close,
    "suggest": interacting.suggest,
    "shortcut": interacting.shortcut,
    "open_home": interacting.open_home,
    "whoami": looking.whoami,
    "screen": looking.screen,
    "drawing": looking.drawing,
    "faults": troubles.faults,
    "violations": troubles.violations,
    "clock": troubles.clock,
    "waiting": troubles.waiting,
    "install_elsewhere": troubles.install_elsewhere,
    "add_person": troubles.add_person,
    "add_channel": troubles.add_channel,
    "archive": troubles.archive,
    "token": troubles.token,
    "request_url": troubles.request_url,
}


async def act(emu: Emulation, name: str, person: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Do one action and return its result with ok; a refusal becomes ok false with a sentence."""
    verb = VERBS.get(name)
    if verb is None:
        return {"ok": False, "error": f"There is no action {name!r}."}
    try:
        return {"ok": True, **await verb(emu, person, args)}
    except ActionRefused as refusal:
        return {"ok": False, "error": str(refusal)}
    except (KeyError, TypeError, ValueError) as error:
        return {"ok": False, "error": f"The arguments of {name} are not right: {error!r}."}
