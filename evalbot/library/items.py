"""Items of a suite, inline or from files, into item nouns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, ValidationError

from evalbot.library.documents import Document, FieldPath, Problem, refusal, refuse
from evalbot.library.file_text import ITEMS_BYTES, read_lines
from evalbot.library.item_format import ItemFile, MessageFile
from evalbot.library.json_lines import MAX_NODES, read_json_lines
from evalbot.library.project_files import SCHEME, Mention, ProjectFiles
from evalbot.library.strict_model import invalid, validate
from evalbot.library.suite_format import SplitFile, SuiteFile
from evalbot.library.yaml_text import read_yaml
from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item, ItemId, ItemStatus, Message, Source, Split, split_of

MAX_ITEMS = 20_000


@dataclass(frozen=True, slots=True)
class Located:
    """An item as it was written and where; the document's data is dropped to save memory."""

    written: ItemFile
    document: Document
    path: FieldPath

    def problem(self, text: str, *at: str | int) -> Problem:
        """Give a problem of this item or of a field in it."""
        return Problem((*self.path, *at), text)


def located_items(suite: SuiteFile, document: Document, folder: Path, files: ProjectFiles) -> Iterator[Located]:
    """Give every item of a suite in order, one by one, those of named files in place of the name. Raises BadFile."""
    count = values = 0
    for index, entry in enumerate(suite.items):
        path: FieldPath = ("items", index)
        if isinstance(entry, ItemFile):
            count += 1
            yield Located(entry, document, path)
            continue
        if not entry.startswith(SCHEME):
            raise refusal(document, [Problem(path, "must be an item, or name files like `file://items/*.jsonl`")])
        for file in files.find_all(entry, Mention(document, path, folder)):
            for one, size in _items_of(file, files):
                count, values = count + 1, values + size
                if count > MAX_ITEMS or values > MAX_NODES:
                    text = f"the items are too many or too large (at most {MAX_ITEMS:,} items, {MAX_NODES:,} values)"
                    raise refusal(document, [Problem(path, text)])
                yield one


def _items_of(file: Path, files: ProjectFiles) -> Iterator[tuple[Located, int]]:
    """Yield the items of one file with their number of values."""
    name = files.name_of(file)
    if file.suffix == ".jsonl":
        for document in read_json_lines(read_lines(file, name, ITEMS_BYTES), name):
            item = validate(ItemFile, document)
            yield Located(item, replace(document, data=None), ()), document.values
    elif file.suffix in (".yaml", ".yml"):
        yield from _yaml_items(read_yaml(file, name))
    else:
        raise refuse(name, None, "items come in .jsonl or .yaml files; import other files first")


def _yaml_items(document: Document) -> Iterator[tuple[Located, int]]:
    """Yield the items of a YAML file that holds a list of them."""
    if not isinstance(document.data, list):
        raise refuse(document.name, document.place.line, "the file must hold a list of items")
    for index, entry in enumerate(document.data):
        try:
            item = ItemFile.model_validate(entry)
        except ValidationError as error:
            raise invalid(document, ItemFile, error, (index,)) from None
        yield Located(item, replace(document, data=None), (index,)), 1


def make_item(
    located: Located,
    defaults: Mapping[str, JsonValue],
    graders: Sequence[GraderSpec],
    metadata: Mapping[str, JsonValue] | None = None,
) -> Item:
    """Give the noun of a written item, in the practice split unless it says otherwise; `metadata` goes under its own."""
    written = located.written
    messages = _messages(written)
    asked: dict[str, JsonValue] = {} if messages else {**defaults, **(written.vars or {})}
    if isinstance(written.input, str):
        asked["question"] = written.input
    return Item(
        id=ItemId(written.id or content_id(asked, messages, written.reference)),
        vars=asked,
        messages=messages,
        reference=written.reference,
        skill=written.skill,
        level=written.level,
        split=Split(written.split or Split.PRACTICE),
        status=ItemStatus(written.status),
        graders=tuple(graders),
        tags=tuple(written.tags),
        source=Source(**written.source.model_dump()) if written.source else Source(kind="file"),
        metadata={**(metadata or {}), **written.metadata},
    )


def _messages(written: ItemFile) -> tuple[Message, ...]:
    turns: Sequence[MessageFile] = (
        written.messages or (written.input if isinstance(written.input, list) else None) or ()
    )
    return tuple(Message(turn.role, turn.content) for turn in turns)


def content_id(asked: Mapping[str, JsonValue], messages: Sequence[Message], reference: JsonValue) -> str:
    """Give an id from what an item asks and expects: the same content has the same id anywhere."""
    content = [dict(asked), [[one.role, one.content] for one in messages], reference]
    text = json.dumps(content, sort_keys=True)
    return f"item-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"


def apply_split(items: Sequence[Item], given: Sequence[str | None], policy: SplitFile | None) -> list[Item]:
    """Place items in splits: what an item says itself counts, the policy places the rest.

    With `by: skill` the items of a skill are ranked by a stable hash and the first of them held back, so that each skill keeps
    its share to the nearest item; one item more or less moves at most one other.
    """
    if policy is None:
        return list(items)
    if policy.by == "item":
        placed = [split_of(item.id, policy.seed, policy.holdout) for item in items]
    else:
        kept = _kept_back(items, policy)
        placed = [Split.HOLDOUT if item.id in kept else Split.PRACTICE for item in items]
    return [
        item if own is not None else replace(item, split=split)
        for item, own, split in zip(items, given, placed, strict=True)
    ]


def _kept_back(items: Sequence[Item], policy: SplitFile) -> set[str]:
    """Give the ids held back under `by: skill`."""
    by_skill: dict[str | None, list[str]] = {}
    for item in items:
        by_skill.setdefault(item.skill, []).append(item.id)
    kept: set[str] = set()
    for ids in by_skill.values():
        ids.sort(key=lambda one: hashlib.blake2b(f"{policy.seed}:{one}".encode(), digest_size=8).digest())
        kept.update(ids[: int(len(ids) * policy.holdout + 0.5)])
    return kept
