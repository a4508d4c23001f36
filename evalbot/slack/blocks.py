"""Small Block Kit words that keep Slack's limits: JSON in, JSON out, nothing that Slack would refuse.

Texts that are too long are shortened and say so; a structure that cannot be sent (no elements, too many, a long value)
is a bug of the caller and raises ValueError. Keys without a value are left out, as Slack refuses null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalbot.slack.text import Block, editable, mrkdwn, one_line, plain, size

Element = dict[str, Any]
Payload = dict[str, Any]
"""A message: `text` for notifications and screen readers, `blocks` for what is shown."""

View = dict[str, Any]
"""A modal or Home tab."""

Cell = str | Element
"""A table cell: foreign text, or what `bold_cell` gives."""

MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_CHARACTERS = 12_000
"""Slack refuses messages from about 13,200 characters of blocks on, a limit it does not document."""

MOST_TEXT = 3_000
"""The longest message text and section; Slack cuts texts that are much longer."""

MOST_FIELD = 2_000
MOST_HEADER = 150
MOST_LABEL = 75
MOST_VALUE = 2_000
MOST_OPTION_VALUE = 150
MOST_TITLE = 24
MOST_METADATA = 3_000
MOST_ID = 255
MOST_ROWS, MOST_COLUMNS, MOST_TABLE_CHARACTERS = 100, 20, 10_000

_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}", re.ASCII)
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}", re.ASCII)

PICTURE = "F00PICTURE"
"""The file id that stands for a picture which is uploaded later; see `with_picture`."""


# --- texts -----------------------------------------------------------------------------------------


def plain_text(text: str) -> Element:
    """Give a plain_text object; nothing in it is markup, not even emoji names."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn_text(text: str) -> Element:
    """Give a mrkdwn object of our own markup; Slack adds no links of its own to it."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def fit_mrkdwn(text: str, limit: int) -> str:
    """Shorten our own mrkdwn at a line end, or else at a space outside of <...>, and say so; escapes are never split."""
    if size(text) <= limit:
        return text
    note = "\n_… the rest did not fit_"
    kept = text[: limit - size(note)]
    while size(kept) > limit - size(note):
        kept = kept[:-1]
    line_end = kept.rfind("\n")
    if line_end > 0:
        return kept[:line_end] + note
    if kept.rfind("<") > kept.rfind(">"):
        kept = kept[: kept.rfind("<")]
    return kept[: kept.rfind(" ")].rstrip() + " …" if " " in kept else kept[: kept.rfind("&")] + " …"


def link(url: str, label: str) -> str:
    """Give a mrkdwn link; `label` is rendered mrkdwn. Without a proper web address only the label is left."""
    good = url.startswith(("https://", "http://")) and size(url) <= 2_000 and not set('<>| \n\t"') & set(url)
    return f"<{url}|{label.replace('|', '∣')}>" if good else label


def code(text: str, limit: int = 60) -> str:
    """Give a foreign word in fixed width for our own mrkdwn."""
    return f"`{mrkdwn(text, limit)}`"


def mentions(people: Sequence[str], most: int) -> str:
    """Mention the first few people by their Slack ids for our own mrkdwn, and count the others."""
    known = [f"<@{person}>" for person in people if _PERSON.fullmatch(person)][:most]
    more = len(people) - len(known)
    return " ".join([*known, *([f"and {more:,} more" if known else f"{more:,}"] if more else [])])


def channel_link(channel: str) -> str:
    """Name a channel by its Slack id for our own mrkdwn; anything else is shown as text."""
    return f"<#{channel}>" if _CHANNEL.fullmatch(channel) else mrkdwn(channel, 60, "channel")


# --- blocks ----------------------------------------------------------------------------------------


def header(text: str) -> Block:
    """Give a header of at most 150 characters."""
    return {"type": "header", "text": plain_text(one_line(text, MOST_HEADER))}


def section(text: str, accessory: Element | None = None, block_id: str | None = None) -> Block:
    """Give a section of our own mrkdwn, with a button or picture beside it."""
    return _filled(
        type="section", text=mrkdwn_text(fit_mrkdwn(text, MOST_TEXT)), accessory=accessory, block_id=_id(block_id)
    )


def fields(texts: Sequence[str]) -> Block:
    """Give a section of one to ten short mrkdwn texts in two columns."""
    _check_count("fields", texts, 10)
    return {"type": "section", "fields": [mrkdwn_text(fit_mrkdwn(text, MOST_FIELD)) for text in texts]}


def context(*texts: str) -> Block:
    """Give a line of small mrkdwn texts, at most ten; empty ones are left out."""
    shown = [text for text in texts if text]
    _check_count("context", shown, 10)
    return {"type": "context", "elements": [mrkdwn_text(fit_mrkdwn(text, MOST_TEXT)) for text in shown]}


def divider() -> Block:
    """Give a thin line."""
    return {"type": "divider"}


def actions(*elements: Element | None, block_id: str | None = None) -> Block:
    """Give a row of buttons and menus; None is left out, a second primary button is refused."""
    shown = [element for element in elements if element is not None]
    _check_count("actions", shown, 25)
    if sum(element.get("style") == "primary" for element in shown) > 1:
        raise ValueError("A set of buttons has one primary button at most.")
    names = [element.get("action_id") for element in shown]
    if len(set(names)) < len(names):
        raise ValueError(f"Two elements of a block have the same action id: {names}.")
    return _filled(type="actions", elements=shown, block_id=_id(block_id))


def image_file(file_id: str, alt: str) -> Block:
    """Give a picture that was uploaded to Slack, with the text that says what it shows."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": one_line(alt, 1_900, "picture")}


def table(rows: Sequence[Sequence[Cell]], align: Sequence[str]) -> Block:
    """Give a table whose first row is its header; a cell is foreign text or a cell made by `bold_cell`.

    `align` names left, center or right for each column; columns of words, on the left, wrap where room is short. Raises
    ValueError when the table is too large for Slack.
    """
    _check_count("rows", rows, MOST_ROWS)
    _check_count("columns", align, MOST_COLUMNS)
    if any(len(row) != len(align) for row in rows):
        raise ValueError("Every row of a table needs one cell per column.")
    cells = [[_cell(cell) for cell in row] for row in rows]
    if _size_of(cells) > MOST_TABLE_CHARACTERS:
        raise ValueError(f"A table has at most {MOST_TABLE_CHARACTERS:,} characters.")
    settings = [{"align": one, "is_wrapped": one == "left"} for one in align]
    return {"type": "table", "rows": cells, "column_settings": settings}


def bold_cell(text: str) -> Element:
    """Give a table cell in bold; nothing in it is markup."""
    run = {"type": "text", "text": one_line(text, MOST_LABEL), "style": {"bold": True}}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [run]}]}


def rich_line(*runs: Element) -> Block:
    """Give a rich_text block of one paragraph; see `run` and `code_run`."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(runs)}]}


def run(text: str, **style: bool) -> Element:
    """Give a stretch of literal text for `rich_line`; style is bold, italic, strike or code."""
    return _filled(type="text", text=text, style=style or None)


# --- elements --------------------------------------------------------------------------------------


def button(
    label: str,
    action_id: str,
    value: str | None = None,
    *,
    style: str | None = None,
    url: str | None = None,
    confirm: Element | None = None,
    spoken: str | None = None,
) -> Element:
    """Give a button; `spoken` is what screen readers say where the label alone is not enough."""
    if value is not None and size(value) > MOST_VALUE:
        raise ValueError("The value of a button is too long.")
    return _filled(
        type="button",
        text=plain_text(one_line(label, MOST_LABEL)),
        action_id=_id(action_id),
        value=value,
        style=style,
        url=url if url and size(url) <= MOST_TEXT else None,
        confirm=confirm,
        accessibility_label=one_line(spoken, MOST_LABEL) if spoken else None,
    )


def overflow(action_id: str, options: Sequence[tuple[str, str]], confirm: Element | None = None) -> Element:
    """Give a menu behind three dots from one to five (label, value) pairs."""
    _check_count("options", options, 5)
    return _filled(
        type="overflow",
        action_id=_id(action_id),
        options=[_option(label, value) for label, value in options],
        confirm=confirm,
    )


def confirm(title: str, text: str, yes: str, no: str = "Back", style: str | None = None) -> Element:
    """Give the question that is asked before an action that cannot be taken back."""
    return _filled(
        title=plain_text(one_line(title, 100)),
        text=plain_text(plain(text, 300)),
        confirm=plain_text(one_line(yes, 30)),
        deny=plain_text(one_line(no, 30)),
        style=style,
    )


def text_input(
    label: str,
    block_id: str,
    action_id: str,
    *,
    initial: str = "",
    placeholder: str = "",
    hint: str = "",
    optional: bool = False,
    focus: bool = False,
) -> Block:
    """Give a text box of several lines for a modal; see `editable` for initial texts that are left out.

    With `focus` the cursor stands in it when the modal opens, else in the first box.
    """
    element = _filled(
        type="plain_text_input",
        action_id=_id(action_id),
        multiline=True,
        max_length=3_000,
        initial_value=editable(initial) or None,
        placeholder=plain_text(one_line(placeholder, 150)) if placeholder else None,
        focus_on_load=focus or None,
    )
    return _filled(
        type="input",
        block_id=_id(block_id),
        label=plain_text(one_line(label, 200)),
        element=element,
        hint=plain_text(one_line(hint, 1_000)) if hint else None,
        optional=optional or None,
    )


# --- whole surfaces --------------------------------------------------------------------------------


def message(text: str, blocks: Iterable[Block]) -> Payload:
    """Give a message that Slack takes: what is too much is replaced by a line that says so, from the largest block on."""
    shown = list(blocks)
    if len(shown) > MOST_BLOCKS:
        left_out = len(shown) - MOST_BLOCKS + 1
        shown = [*shown[: MOST_BLOCKS - 1], context(f"_{left_out} more parts did not fit._")]
    while _size_of(shown) > MOST_CHARACTERS:
        largest = max(range(len(shown)), key=lambda place: _size_of(shown[place]))
        shown[largest] = context("_This part is too long for one message and is left out._")
    return {"text": fit_mrkdwn(text, MOST_TEXT) or "evalbot", "blocks": shown}


def modal(
    title: str,
    callback_id: str,
    blocks: Iterable[Block],
    *,
    submit: str | None = None,
    close: str = "Close",
    metadata: str | None = None,
) -> View:
    """Give a modal; `metadata` comes back with its submission."""
    if metadata is not None and size(metadata) > MOST_METADATA:
        raise ValueError("The metadata of a view is too long.")
    return _filled(
        type="modal",
        title=plain_text(one_line(title, MOST_TITLE)),
        callback_id=_id(callback_id),
        blocks=_view_blocks(blocks),
        submit=plain_text(one_line(submit, MOST_TITLE)) if submit else None,
        close=plain_text(one_line(close, MOST_TITLE)),
        private_metadata=metadata,
    )


def home(blocks: Iterable[Block]) -> View:
    """Give the view of a Home tab."""
    return {"type": "home", "blocks": _view_blocks(blocks)}


def with_picture(payload: Mapping[str, Any], file_id: str | None, alt: str = "") -> Payload:
    """Put an uploaded picture where the message has kept room for it; without a file the room goes away."""
    shown: list[Block] = []
    for block in payload["blocks"]:
        if block.get("slack_file") != {"id": PICTURE}:
            shown.append(block)
        elif file_id:
            shown.append(image_file(file_id, alt or block["alt_text"]))
    return {"text": payload["text"], "blocks": shown}


# --- inside ----------------------------------------------------------------------------------------


def _filled(**parts: Any) -> dict[str, Any]:
    """Give the parts that have a value."""
    return {name: part for name, part in parts.items() if part is not None}


def _id(name: str | None) -> str | None:
    """Check the length of an id."""
    if name is not None and not 0 < size(name) <= MOST_ID:
        raise ValueError("An id has 1 to 255 characters.")
    return str(name) if name is not None else None


def _option(label: str, value: str) -> Element:
    """Give one entry of a menu."""
    if size(value) > MOST_OPTION_VALUE:
        raise ValueError("The value of an option is too long.")
    return {"text": plain_text(one_line(label, MOST_LABEL)), "value": value}


def _cell(cell: Cell) -> Element:
    """Give a table cell; text is foreign and literal."""
    return {"type": "raw_text", "text": one_line(cell, MOST_LABEL, "cell")} if isinstance(cell, str) else cell


def _check_count(what: str, things: Sequence[Any], most: int) -> None:
    """Raise ValueError unless there are one to `most` things."""
    if not 1 <= len(things) <= most:
        raise ValueError(f"There are {len(things)} {what}; Slack takes 1 to {most}.")


def _view_blocks(blocks: Iterable[Block]) -> list[Block]:
    """Give at most as many blocks as a view holds, saying what is left out."""
    shown = list(blocks)
    if len(shown) <= MOST_VIEW_BLOCKS:
        return shown
    left_out = len(shown) - MOST_VIEW_BLOCKS + 1
    return [*shown[: MOST_VIEW_BLOCKS - 1], context(f"_{left_out} more parts did not fit._")]


def _size_of(part: Any) -> int:
    """Count a part as the JSON that is sent: more than its texts, so always on the safe side."""
    return size(json.dumps(part, ensure_ascii=False, separators=(",", ":")))
