"""Files that people put into a form: stored once, then known to the app by their ids."""

from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from typing import Any

from evalbot.playground.elements import Values, find_element
from evalbot.playground.emulation import Emulation
from evalbot.playground.refusals import ActionRefused

FILES_MAX = 10


def keep_files(emu: Emulation, person: str, blocks: list[dict[str, Any]], given: Mapping[str, Any]) -> Values:
    """Return the entries of a form with every new file stored and named as the Web API describes it.

    A new file has name and content_base64; one that was stored before has its id.
    """
    kept: Values = {}
    for block_id, actions in given.items():
        for action_id, value in actions.items():
            found = find_element(blocks, block_id, action_id)
            is_files = found is not None and found[1]["type"] == "file_input"
            shown = {"files": _stored(emu, person, found[1], value)} if found is not None and is_files else value
            kept.setdefault(block_id, {})[action_id] = shown
    return kept


def _stored(emu: Emulation, person: str, element: dict[str, Any], value: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = value.get("files") or []
    most, kinds = element.get("max_files", FILES_MAX), element.get("filetypes")
    if len(rows) > most:
        raise ActionRefused(f"At most {most} files can be added here.")
    for row in rows:
        kind = str(row.get("name", "")).rpartition(".")[2].lower()
        if kinds and kind not in kinds:
            raise ActionRefused(f"{row.get('name')} can not be added; allowed are {', '.join(kinds)}.")
    return [_keep(emu, person, row) for row in rows]


def _keep(emu: Emulation, person: str, row: Mapping[str, Any]) -> dict[str, Any]:
    known = emu.files.find(str(row.get("id", "")))
    if known is None:
        try:
            content = b64decode(str(row["content_base64"]), validate=True)
        except (KeyError, BadBase64):
            raise ActionRefused(f"{row.get('name', 'The file')} could not be read; choose it again.") from None
        known = emu.files.keep(str(row.get("name") or "file"), content, person, emu.clock.now())
    return emu.files.describe(known, is_settled=True)
