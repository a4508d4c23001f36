"""Suites of promptfoo (`promptfooconfig.yaml`), put into our words and then read like any suite; nothing in them is run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from evalbot.errors import BadFile
from evalbot.grading.findings import as_text
from evalbot.library.documents import Document, Place, refuse, shorten
from evalbot.library.project import Project
from evalbot.library.suites import build_suite
from evalbot.library.yaml_text import read_yaml
from evalbot.suites.suites import Suite

PASSED_OVER = frozenset({"outputPath", "sharing", "tags", "writeLatestResults", "commandLineOptions", "$schema"})
"""Keys of the file that change no result."""

KNOWN = frozenset({"description", "prompts", "providers", "targets", "defaultTest", "tests", "evaluateOptions"})
KNOWN_OF_TEST = frozenset({"description", "vars", "assert", "metadata"})
MOST_EXPANDED = 1_000
"""So many items at most may come from one test whose variables hold lists."""

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", re.ASCII)
_PROVIDERS: tuple[tuple[re.Pattern[str], str, Mapping[str, str]], ...] = (
    (re.compile(r"openai:(?:chat|completion):(.+)"), r"openai:\1", {}),
    (re.compile(r"openai:responses:(.+)"), r"openai:\1", {"api": "responses"}),
    (re.compile(r"openai:embeddings?:(.+)"), r"openai:\1", {}),
    (re.compile(r"anthropic:messages:(.+)"), r"anthropic:\1", {}),
    (re.compile(r"ollama:(?:chat|completion):(.+)"), r"ollama:\1", {}),
)
_CODE = ("python:", "file://", "exec:", "javascript:", "webhook:")

Fields = dict[str, Any]


def load_promptfoo(path: Path, project: Project) -> Suite:
    """Load a promptfoo file as a suite of version 0. Raises BadFile for what it says and we cannot do, naming it."""
    files = project.files
    document = read_yaml(path, files.name_of(path))
    if not isinstance(document.data, dict):
        raise refuse(document.name, document.place.line, "the file must hold keys and values")
    written = promptfoo_data(document.data, document.name, path.parent.name)
    return build_suite(Document(document.name, written, Place(document.place.line)), path.parent, files)


def promptfoo_data(config: Mapping[str, Any], file: str, folder: str = "") -> Fields:
    """Give what a promptfoo file says as the data of one of our suite files; `file` is how errors call it. Raises BadFile."""
    unknown = sorted(config.keys() - KNOWN - PASSED_OVER)
    if unknown:
        raise _cannot(file, f"`{shorten(unknown[0])}` is not understood")
    usual = _test(config.get("defaultTest") or {}, file, "defaultTest")
    shared, own = _default_graders(usual)
    description = config.get("description") or ""
    options = _mapping(config.get("evaluateOptions"), file, "evaluateOptions")
    run = {key: options[key] for key in ("repeat", "maxConcurrency") if key in options}
    return {
        "name": _slug(description) or _slug(folder) or "promptfoo",
        "description": description,
        "prompts": [_prompt(one) for one in _listed(config.get("prompts"))],
        "targets": [_target(one, file) for one in _listed(config.get("providers", config.get("targets")))],
        "defaults": {"graders": shared, "vars": usual["vars"], "metadata": usual["metadata"]},
        "items": list(_items(config.get("tests"), usual, own, file)),
        **({"run": run} if run else {}),
    }


def _cannot(file: str, what: str) -> BadFile:
    return refuse(file, None, what)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _slug(text: object) -> str:
    """Give a name in small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:60].strip("-")


def _prompt(entry: Any) -> Any:
    """Give a prompt entry; a raw text with a label becomes messages."""
    if isinstance(entry, Mapping) and "raw" in entry:
        return {"name": entry.get("label") or "prompt", "messages": [{"role": "user", "content": entry["raw"]}]}
    return entry


def _target(entry: Any, file: str) -> Any:
    """Give a provider as a target; those that are code are not taken over."""
    whole: Fields = {"id": entry} if isinstance(entry, str) else dict(entry) if isinstance(entry, Mapping) else {}
    name = whole.get("id")
    if not isinstance(name, str) or name.startswith(_CODE):
        raise _cannot(file, f"the provider `{shorten(name)}` cannot be taken over; add it as a target by hand")
    for pattern, ours, config in _PROVIDERS:
        found = pattern.fullmatch(name)
        if found:
            merged = {**config, **_mapping(whole.get("config"), file, "a provider's config")}
            return {**whole, "id": found.expand(ours), **({"config": merged} if merged else {})}
    return whole if len(whole) > 1 else name


def _mapping(value: Any, file: str, where: str) -> Fields:
    """Give keys and values, none for nothing."""
    if value is None or isinstance(value, Mapping):
        return dict(value or {})
    raise _cannot(file, f"{where} must hold keys and values")


def _test(test: Any, file: str, where: str) -> Fields:
    """Give a test whose vars and metadata are mappings; what would change results and is not understood is refused."""
    found = _mapping(test, file, where)
    unknown = sorted(map(str, found.keys() - KNOWN_OF_TEST))
    if unknown:
        raise _cannot(file, f"`{shorten(unknown[0])}` of {where} is not understood")
    parts = {name: _mapping(found.get(name), file, f"`{name}` of {where}") for name in ("vars", "metadata")}
    return {**found, **parts}


def _default_graders(usual: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Give the default assertions that are the same for every item, and those that name an item's variables."""
    graders = _listed(usual.get("assert"))
    own = [one for one in graders if "{{" in str(one)]
    return [one for one in graders if one not in own], own


def _items(tests: Any, usual: Fields, graders: Sequence[Any], file: str) -> Iterator[Any]:
    """Give the items of the tests: one for each combination of the variables that hold lists."""
    taken: dict[str, int] = {}
    for place, entry in enumerate(_listed(tests), start=1):
        if isinstance(entry, str):
            yield entry
            continue
        test = _test(entry, file, f"test {place}")
        own = [*graders, *_listed(test.get("assert"))]
        for values in _combinations(test["vars"], file, place):
            known = {**usual["vars"], **values}
            yield {
                "vars": values,
                "graders": [_filled(one, known, file, place) for one in own],
                **_about(test, taken),
            }


def _about(test: Mapping[str, Any], taken: dict[str, int]) -> Fields:
    """Give id, skill and metadata of a test."""
    metadata = dict(test["metadata"])
    found: Fields = {}
    stem = _slug(test.get("description") or "")
    if stem:
        taken[stem] = taken.get(stem, 0) + 1
        found["id"] = stem if taken[stem] == 1 else f"{stem}-{taken[stem]}"
        metadata["description"] = test["description"]
    if isinstance(metadata.get("skill"), str):
        found["skill"] = metadata.pop("skill")
    return {**found, "metadata": metadata} if metadata else found


def _combinations(values: Fields, file: str, place: int) -> Iterator[Fields]:
    """Give one mapping of variables for each combination of the lists among them."""
    lists = {name: one for name, one in values.items() if isinstance(one, list)}
    count = 1
    for one in lists.values():
        count *= len(one)
    if not 0 < count <= MOST_EXPANDED:
        raise _cannot(file, f"the vars of test {place} stand for {count:,} items, at most {MOST_EXPANDED:,} may be")
    for chosen in itertools.product(*lists.values()):
        yield {**values, **dict(zip(lists, chosen, strict=True))}


def _filled(value: Any, known: Mapping[str, JsonValue], file: str, place: int) -> Any:
    """Give an assertion with `{{name}}` replaced by the variable; nothing else of a template is understood."""
    if isinstance(value, list):
        return [_filled(one, known, file, place) for one in value]
    if isinstance(value, Mapping):
        return {name: _filled(one, known, file, place) for name, one in value.items()}
    if not isinstance(value, str) or "{" not in value:
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in known]
    if missing or "{%" in value or "{{" in _VARIABLE.sub("", value):
        wrong = f"names `{shorten(missing[0])}`, which it has not" if missing else "computes a value; write it out"
        raise _cannot(file, f"test {place} {wrong}")
    return _VARIABLE.sub(lambda found: as_text(known[found[1]]), value)
