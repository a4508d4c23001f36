"""A target whose answers were logged before: a JSONL or CSV file of the project folder; nothing is called."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalbot.asking.ask import Answer, Question
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.runs.outputs import Usage

MAX_BYTES = 64_000_000
ID_COLUMNS = ("id", "item_id")
QUESTION_COLUMNS = ("question", "input", "prompt")
OUTPUT_COLUMN = "output"


@dataclass(frozen=True, slots=True)
class Recording:
    """Logged answers by item id and by question, in the order of the file: the n-th is the answer of repeat n."""

    by_id: Mapping[str, list[str]] = field(default_factory=dict)
    by_question: Mapping[str, list[str]] = field(default_factory=dict)

    def find(self, item_id: str | None, question: str, repeat: int) -> str | None:
        """Give the answer to an item, looked up by id, then by question; a single recording serves every repeat."""
        texts = self.by_id.get(item_id or "") or self.by_question.get(question.strip())
        if not texts:
            return None
        if len(texts) == 1:
            return texts[0]
        return texts[repeat] if repeat < len(texts) else None


def read_recording(data: bytes, name: str) -> Recording:
    """Read a JSONL (.jsonl) or CSV file with a column `output` and an id or a question; raises BadRequest with the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from None
    rows = _csv_rows(text, name) if name.lower().endswith(".csv") else _json_rows(text, name)
    by_id: dict[str, list[str]] = {}
    by_question: dict[str, list[str]] = {}
    for line, row in rows:
        output = row.get(OUTPUT_COLUMN)
        if not isinstance(output, str):
            raise BadRequest(f"{name}, line {line} has no text in {OUTPUT_COLUMN}.", "Give every line an output.")
        known_as = _first(row, ID_COLUMNS)
        question = _first(row, QUESTION_COLUMNS)
        if known_as is None and question is None:
            raise BadRequest(f"{name}, line {line} has neither id nor question.", "Give every line one of them.")
        if known_as is not None:
            by_id.setdefault(known_as, []).append(output)
        if question is not None:
            by_question.setdefault(question.strip(), []).append(output)
    return Recording(by_id, by_question)


def find_recording(project_folder: Path, name: str) -> Path:
    """Give the path of a recording inside the project folder; raises BadRequest for anything else."""
    if Path(name).suffix.lower() not in (".jsonl", ".csv"):
        raise BadRequest(f"replay cannot read {name or 'a target without a file'}.", "Name a .jsonl or .csv file.")
    root = project_folder.resolve()
    try:
        path = (root / name).resolve()
        size = path.stat().st_size if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL in it, links in a circle
        size = None
    if size is None:
        raise BadRequest(f"There is no file {name} in the project folder.", "Check the path after `replay:`.")
    if size > MAX_BYTES:
        raise BadRequest(f"{name} is larger than {MAX_BYTES:,} bytes.", "Split it.")
    return path


class Replay:
    """Answers from a recording, which is read once, at the first question."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._reading: asyncio.Task[Recording] | None = None

    async def ask(self, question: Question) -> Answer:
        """Give the logged answer; raises ModelUnavailable (not_recorded) when there is none."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        recording = await asyncio.shield(self._reading)
        item_id = question.item.id if question.item else None
        asked = [message.content for message in question.messages if message.role == "user"]
        words = question.item.question if question.item else ""
        text = recording.find(item_id, words or (asked[-1] if asked else ""), question.repeat)
        if text is None:
            raise ModelUnavailable(
                f"{self._name} holds no answer to this item.", "Add a line with its id.", kind="not_recorded"
            )
        return Answer(text, Usage(0.0, None, None, 0.0))

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the logged answer as it is."""
        return await self.ask(question)

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    def _read(self) -> Recording:
        """Read the file; a fault in it is a failure of the target."""
        try:
            return read_recording(self._path.read_bytes(), self._name)
        except OSError:
            raise ModelUnavailable(f"{self._name} cannot be read.", "Check the file.", kind="not_found") from None
        except BadRequest as error:
            raise ModelUnavailable(error.message, error.hint, kind="bad_request") from None


def _json_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give the objects of JSON lines with their line numbers; only \\n ends a line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise BadRequest(f"{name}, line {number} is not a JSON object.", "Correct the line.")
        yield number, row


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give the rows of a CSV file by its header, with line numbers."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error:
        raise BadRequest(f"{name}, line {reader.line_num} is not CSV.", "Correct the line.") from None


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Give the first of some columns that holds something."""
    values = (row.get(name) for name in names)
    return next((str(value) for value in values if isinstance(value, str | int) and str(value)), None)
