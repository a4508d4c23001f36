"""Checks of the blocks with an inner grammar: rich text, tables and charts."""

from typing import Any

from evalbot.playground.block_fields import FieldChecker, Spec

_INLINE = {
    "text": ("text",),
    "link": ("url",),
    "emoji": ("name",),
    "user": ("user_id",),
    "usergroup": ("usergroup_id",),
    "channel": ("channel_id",),
    "broadcast": ("range",),
    "date": ("timestamp", "format"),
    "color": ("value",),
}
_SECTIONS = ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted")
_INDENT_MAX = 8


def check_rich_text(checker: FieldChecker, block: dict[str, Any], pointer: str) -> None:
    """Check a rich_text block down to its inline elements."""
    for place, section in enumerate(_list(block.get("elements"))):
        here = f"{pointer}/elements/{place}"
        kind = section.get("type") if isinstance(section, dict) else None
        if kind not in _SECTIONS:
            checker.complain(f"unsupported type: {kind}", f"{here}/type", pointer)
            continue
        if not isinstance(section.get("elements"), list):
            checker.complain("missing required field: elements", here)
        elif kind == "rich_text_list":
            _check_list(checker, section, here)
        else:
            _check_inline(checker, section["elements"], here)


def _check_list(checker: FieldChecker, section: dict[str, Any], pointer: str) -> None:
    if section.get("style") not in ("bullet", "ordered"):
        checker.complain("must be a valid enum value", f"{pointer}/style")
    indent = section.get("indent", 0)
    if not isinstance(indent, int) or not 0 <= indent <= _INDENT_MAX:
        checker.complain(f"must be between 0 and {_INDENT_MAX}", f"{pointer}/indent")
    if section.get("border", 0) not in (0, 1):
        checker.complain("must be a valid enum value", f"{pointer}/border")
    for place, item in enumerate(section["elements"]):
        here = f"{pointer}/elements/{place}"
        if not isinstance(item, dict) or item.get("type") != "rich_text_section":
            checker.complain("must provide a rich_text_section", here, pointer)
        else:
            _check_inline(checker, _list(item.get("elements")), here)


def _check_inline(checker: FieldChecker, elements: list[Any], pointer: str) -> None:
    for place, element in enumerate(elements):
        here = f"{pointer}/elements/{place}"
        kind = element.get("type") if isinstance(element, dict) else None
        if not isinstance(kind, str) or kind not in _INLINE:
            checker.complain(f"unsupported type: {kind}", f"{here}/type", pointer)
            continue
        for name in _INLINE[kind]:
            if name not in element:
                checker.complain(f"missing required field: {name}", here, pointer)
        if kind == "text" and element.get("text") == "":
            checker.complain("must be more than 0 characters", f"{here}/text", pointer)
        elif kind == "text" and "text" in element and not isinstance(element["text"], str):
            checker.complain("must provide a string", f"{here}/text", pointer)


def table_characters(block: dict[str, Any]) -> int:
    """Return the characters in all cells of a table."""
    return sum(_cell_characters(cell) for row in _list(block.get("rows")) for cell in _list(row))


def _cell_characters(cell: Any) -> int:
    if isinstance(cell, list):
        return sum(_cell_characters(one) for one in cell)
    if not isinstance(cell, dict):
        return 0
    own = cell.get("text")
    return len(own) if isinstance(own, str) else _cell_characters(cell.get("elements"))


def check_table(checker: FieldChecker, spec: Spec, block: dict[str, Any], pointer: str) -> None:
    """Check the rows and cells of a table or data_table."""
    rows = _list(block.get("rows"))
    columns = spec["columns"]
    is_data = block["type"] == "data_table"
    for place, row in enumerate(rows):
        here = f"{pointer}/rows/{place}"
        if not isinstance(row, list) or not row:
            checker.complain("must provide an array", here)
            continue
        if len(row) > columns["max"]:
            checker.complain(f"no more than {columns['max']} items allowed", here)
            continue
        if is_data and isinstance(rows[0], list) and len(row) != len(rows[0]):
            checker.complain("must have as many cells as the header", here)
        types = spec["header_cell_types"] if is_data and place == 0 else spec["cell_types"]
        for column, cell in enumerate(row):
            _check_cell(checker, types, cell, f"{here}/{column}")


def _check_cell(checker: FieldChecker, types: list[str], cell: Any, pointer: str) -> None:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind not in types:
        return checker.complain(f"unsupported type: {kind}", f"{pointer}/type", pointer)
    if kind == "rich_text":
        return check_rich_text(checker, cell, pointer)
    if kind == "raw_number" and not _is_number(cell.get("value")):
        checker.complain("must provide a number", f"{pointer}/value", pointer)
    text = cell.get("text", "" if kind == "raw_text" else None)
    if text is not None and (not isinstance(text, str) or not text):
        checker.complain("must be more than 0 characters", f"{pointer}/text", pointer)
    return None


def check_chart(checker: FieldChecker, spec: Spec, chart: Any, pointer: str) -> None:
    """Check the chart of a data_visualization block."""
    if not isinstance(chart, dict):
        return
    if chart.get("type") == "pie":
        _check_pie(checker, spec["pie"], chart, pointer)
    elif chart.get("type") in ("bar", "area", "line"):
        _check_axes(checker, spec["bar|area|line"], chart, pointer)
    else:
        checker.complain(f"unsupported type: {chart.get('type')}", f"{pointer}/type")


def _check_pie(checker: FieldChecker, spec: Spec, chart: dict[str, Any], pointer: str) -> None:
    segments = _list(chart.get("segments"))
    _check_count(checker, spec["segments"], segments, f"{pointer}/segments")
    for place, segment in enumerate(segments):
        here = f"{pointer}/segments/{place}"
        label = segment.get("label") if isinstance(segment, dict) else None
        _check_label(checker, label, spec["segment"]["label_max"], f"{here}/label")
        value = segment.get("value") if isinstance(segment, dict) else None
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            checker.complain("must be more than 0", f"{here}/value")


def _check_axes(checker: FieldChecker, spec: Spec, chart: dict[str, Any], pointer: str) -> None:
    axis = chart.get("axis_config")
    if not isinstance(axis, dict):
        return checker.complain("missing required field: axis_config", pointer)
    categories = _list(axis.get("categories"))
    _check_count(checker, spec["axis_config"]["categories"], categories, f"{pointer}/axis_config/categories")
    for place, name in enumerate(categories):
        _check_label(checker, name, spec["axis_config"]["category_max"], f"{pointer}/axis_config/categories/{place}")
    for name in ("x_label", "y_label"):
        if name in axis:
            _check_label(checker, axis[name], spec["axis_config"][f"{name}_max"], f"{pointer}/axis_config/{name}")
    series = _list(chart.get("series"))
    _check_count(checker, spec["series"], series, f"{pointer}/series")
    names = [one.get("name") for one in series if isinstance(one, dict)]
    if len(set(map(str, names))) != len(series):
        checker.complain("must have unique names", f"{pointer}/series")
    for place, one in enumerate(series):
        _check_series(checker, spec, one if isinstance(one, dict) else {}, categories, f"{pointer}/series/{place}")
    return None


def _check_series(
    checker: FieldChecker, spec: Spec, series: dict[str, Any], categories: list[Any], pointer: str
) -> None:
    _check_label(checker, series.get("name"), spec["series_name_max"], f"{pointer}/name")
    points = [one for one in _list(series.get("data")) if isinstance(one, dict)]
    _check_count(checker, spec["data"], points, f"{pointer}/data")
    for place, point in enumerate(points):
        if not _is_number(point.get("value")):
            checker.complain("must provide a number", f"{pointer}/data/{place}/value")
        if point.get("label") not in categories:
            checker.complain("must be one of the categories", f"{pointer}/data/{place}/label")
    if len(points) != len(categories):
        checker.complain("must have one point per category", f"{pointer}/data")


def _check_count(checker: FieldChecker, spec: Spec, items: list[Any], pointer: str) -> None:
    if len(items) > spec["max"]:
        checker.complain(f"no more than {spec['max']} items allowed", pointer)
    elif len(items) < spec["min"]:
        checker.complain(f"no fewer than {spec['min']} items allowed", pointer)


def _check_label(checker: FieldChecker, value: Any, limit: int, pointer: str) -> None:
    if not isinstance(value, str):
        return checker.complain("must provide a string", pointer)
    return checker.check_length({"min": 1, "max": limit}, value, pointer)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
