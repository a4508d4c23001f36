"""The check of tool calls: which tools an answer calls, with which arguments, in which order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from evalbot.grading.findings import Answered, CannotCheck, Finding
from evalbot.runs.tool_calls import ToolCall, find_tool_calls
from evalbot.suites.graders import GraderSpec

TOOL_MODES = ("subset", "exact", "ordered")
MAX_WANTED = 50


def check_tool_calls(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare the calls with those of the value: names, or `{name, arguments}` whose given arguments have to be equal.

    `subset`: each wanted call is made, others are allowed. `exact`: these and no others, in any order. `ordered`: these and no
    others, in this order. The score is the share of wanted calls that were made, which an unwanted call lowers.
    """
    mode = spec.mode or "subset"
    if mode not in TOOL_MODES:
        raise CannotCheck(f"There is no mode {mode[:40]!r}; use {', '.join(TOOL_MODES)}.")
    wanted = wanted_calls(answered.item.reference if spec.value is None else spec.value)
    made = find_tool_calls(answered.text) or []
    matched = _in_order(wanted, made) if mode == "ordered" else _pairs(wanted, made)
    extra = 0 if mode == "subset" else max(0, len(made) - matched)
    score = matched / (len(wanted) + extra) if wanted or extra else 1.0
    right = matched == len(wanted) and extra == 0
    return Finding(score, _reason(wanted, made, matched, extra), right if spec.threshold is None else None)


def wanted_calls(value: JsonValue) -> list[ToolCall]:
    """Read the calls to compare with; an empty list means that no tool may be called. Raises CannotCheck."""
    listed = value if isinstance(value, list) else [value]
    if value is None or len(listed) > MAX_WANTED:
        raise CannotCheck("tool-calls needs the calls as its value: names, or `{name, arguments}`.")
    return [_wanted(one) for one in listed]


def _wanted(value: JsonValue) -> ToolCall:
    """Read one wanted call."""
    if isinstance(value, str) and value:
        return ToolCall(value, None)
    if isinstance(value, dict) and set(value) <= {"name", "arguments"}:
        name, arguments = value.get("name"), value.get("arguments")
        if isinstance(name, str) and name and (arguments is None or isinstance(arguments, dict)):
            return ToolCall(name, arguments)
    raise CannotCheck("A wanted tool call is a name, or a `name` with `arguments`.")


def _fits(wanted: ToolCall, made: ToolCall) -> bool:
    """Tell whether a call is the wanted one: the name, and every argument that is given."""
    if wanted.name != made.name:
        return False
    if wanted.arguments is None:
        return True
    said = made.arguments
    return said is not None and all(name in said and _same(one, said[name]) for name, one in wanted.arguments.items())


def _same(one: JsonValue, two: JsonValue) -> bool:
    """Tell whether two values are equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(_same(a, b) for a, b in zip(one, two, strict=True))
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(_same(one[name], two[name]) for name in one)
    return one == two


def _in_order(wanted: Sequence[ToolCall], made: Sequence[ToolCall]) -> int:
    """Count the wanted calls that were made one after the other: the longest common row."""
    row = [0] * (len(made) + 1)
    for one in wanted:
        before = row
        row = [0]
        for place, call in enumerate(made):
            row.append(before[place] + 1 if _fits(one, call) else max(row[place], before[place + 1]))
    return row[-1]


def _pairs(wanted: Sequence[ToolCall], made: Sequence[ToolCall]) -> int:
    """Count the wanted calls that can each have a made call of their own: the largest matching, by augmenting paths."""
    taken_by: dict[int, int] = {}

    def place(number: int, tried: set[int]) -> bool:
        for at, call in enumerate(made):
            if at not in tried and _fits(wanted[number], call):
                tried.add(at)
                if at not in taken_by or place(taken_by[at], tried):
                    taken_by[at] = number
                    return True
        return False

    return sum(place(number, set()) for number in range(len(wanted)))


def _reason(wanted: Sequence[ToolCall], made: Sequence[ToolCall], matched: int, extra: int) -> str:
    """Say what was called."""
    if not made:
        return "The answer calls no tool." if wanted else "The answer calls no tool, as wanted."
    names = ", ".join(call.name[:40] for call in made[:5]) + (" and more" if len(made) > 5 else "")
    more = f", {extra} unwanted" if extra else ""
    return f"{matched} of {len(wanted)} wanted calls{more}; called: {names}."
