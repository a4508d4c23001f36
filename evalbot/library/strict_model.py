"""The strict base of all file formats, and the way from its complaints to one sentence about one field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from rapidfuzz import fuzz, process

from evalbot.errors import BadFile
from evalbot.library.documents import OTHER_NAMES, Document, FieldPath, Problem, refusal, shorten

NEAR = 60.0
"""Likeness (0 to 100) from which a known name is offered for an unknown one."""


class FileModel(BaseModel):
    """A mapping of a file: no unknown keys, no silent conversion; the keys in `OTHER_NAMES` go by several names."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _rename(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        """Put the canonical names in place of the others before the fields are looked at."""
        if not isinstance(data, dict):
            raise PydanticCustomError("not_mapping", "must hold keys and values")
        checked: Self = handler(_renamed(cls, data))
        return checked

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the other names of keys as deprecated properties, so that editors accept what the loader accepts."""
        made = handler.resolve_ref_schema(handler(schema))
        properties = made.get("properties", {})
        for name, other in [(one, other) for one in properties for other in OTHER_NAMES.get(one, ())]:
            if other not in properties:
                said = {"deprecated": True, "description": f"Another name of `{name}`."}
                properties[other] = {**properties[name], **said}
        renamed = [name for name in made.get("required", []) if name in OTHER_NAMES]
        if renamed:
            made["required"] = [name for name in made["required"] if name not in renamed]
            made["allOf"] = [{"anyOf": [{"required": [one]} for one in (name, *OTHER_NAMES[name])]} for name in renamed]
        return made


def _renamed(model: type[FileModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the data with canonical keys; raises for two names of one key."""
    canonical = {other: name for name in model.model_fields for other in OTHER_NAMES.get(name, ())}
    result: dict[str, Any] = {}
    for key, value in data.items():
        name = canonical.get(key, key) if key not in model.model_fields else key
        if name in result:
            first = next(one for one in data if canonical.get(one, one) == name)
            text = "`{first}` and `{second}` say the same; keep one"
            raise PydanticCustomError("two_names", text, {"first": first, "second": key})
        result[name] = value
    return result


FileModelT = TypeVar("FileModelT", bound=FileModel)


def validate(model: type[FileModelT], document: Document) -> FileModelT:
    """Check a document against a file format; raises BadFile naming file, line and field of the first problem."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise invalid(document, model, error) from None


def invalid(document: Document, model: type[FileModel], error: ValidationError, at: FieldPath = ()) -> BadFile:
    """Give the refusal for a validation error of the part of a document that is at `at`: its first complaint by line."""
    found = error.errors(include_url=False)
    typed_wrong = {details["loc"][:-1] for details in found if details["type"] == "extra_forbidden"}

    def turn(details: ErrorDetails) -> tuple[bool, int]:
        """By line, but a missing key after an unknown one beside it: that one is likely to be its misspelling."""
        late = details["type"] == "missing" and details["loc"][:-1] in typed_wrong
        return late, document.at((*at, *_path(details)))[0]

    first = min(found, key=turn)
    problem = problem_of(model, first)
    return refusal(document, [Problem((*at, *problem.path), problem.text)], more=len(found) - 1)


def problem_of(model: type[FileModel], details: ErrorDetails) -> Problem:
    """Turn one complaint into a problem."""
    text = _unknown_key(model, details["loc"]) if details["type"] == "extra_forbidden" else _sentence(details)
    return Problem(_path(details), text)


def _path(details: ErrorDetails) -> FieldPath:
    """Give the field of a complaint; parts in angle brackets only tell which form of a field was meant."""
    parts = (*details["loc"], *details.get("ctx", {}).get("at", ()))
    return tuple(part for part in parts if not (isinstance(part, str) and part.startswith("<")))


def _unknown_key(model: type[FileModel], loc: tuple[int | str, ...]) -> str:
    """Say that a key is unknown and which one may be meant."""
    owner, name = _model_at(model, loc[:-1]), str(loc[-1])
    holder = next((one for one in owner.model_fields if _holds(owner, one, name)), None)
    if holder:
        return f"unknown key; it stands under `{holder}`"
    known = [*owner.model_fields, *(other for name in owner.model_fields for other in OTHER_NAMES.get(name, ()))]
    return f"unknown key{did_you_mean(name, known)}"


def _holds(owner: type[FileModel], field: str, name: str) -> bool:
    """Tell whether a field of a mapping holds mappings that know a key."""
    inner = _models_in(owner.model_fields[field].annotation)
    return any(name in (one, *OTHER_NAMES.get(one, ())) for model in inner for one in model.model_fields)


def _model_at(model: type[FileModel], loc: tuple[int | str, ...]) -> type[FileModel]:
    """Find the model of the mapping at a place, by the annotations of the fields on the way."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    return model


def _models_in(annotation: Any) -> Any:
    """Yield the file models that an annotation names, outermost first."""
    if isinstance(annotation, type) and issubclass(annotation, FileModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def did_you_mean(name: str, known: list[str]) -> str:
    """Give `; did you mean ...?`-like words for a name that is not known, or the list when it is short and nothing is near."""
    found = process.extractOne(name[:200], known, scorer=fuzz.ratio, score_cutoff=NEAR) if known else None
    if found:
        return f"; did you mean `{shorten(found[0])}`?"
    listed = ", ".join(f"`{shorten(one)}`" for one in known[:8])
    return f"; known are {listed}" if 0 < len(known) <= 8 else ""


_NEEDED = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must hold keys and values",
    "mapping_type": "must hold keys and values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "missing": "is missing",
    "finite_number": "must be a finite number",
}


def _sentence(details: ErrorDetails) -> str:
    """Put one of pydantic's complaints into words that follow a field's name."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return f"must be text; put it in quotes ({_kind_of(value)} now)"
    if kind in _NEEDED:
        return _NEEDED[kind]
    if kind in ("enum", "literal_error"):
        known = [word.strip("' ") for word in context["expected"].replace(" or ", ", ").split(",")]
        return f"`{shorten(value)}` is unknown{did_you_mean(str(value), known)}"
    if kind.startswith(("greater_than", "less_than")):
        words = {"greater_than_equal": "at least", "greater_than": "more than", "less_than_equal": "at most"}
        return f"must be {words.get(kind, 'less than')} {next(iter(context.values()))}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind in ("too_long", "string_too_long"):
        return f"is too long; at most {context['max_length']:,}"
    text = details["msg"]
    return text[:1].lower() + text[1:]


def _kind_of(value: object) -> str:
    """Name the kind of a plain value."""
    return "true or false" if isinstance(value, bool) else "a number"
