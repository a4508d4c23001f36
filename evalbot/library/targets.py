"""Targets of a suite file: short and long form, environment names for secrets, no keys in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from evalbot.errors import BadSetting
from evalbot.library.documents import Document, FieldPath, Problem, refusal
from evalbot.library.target_format import TargetFile
from evalbot.library.template_rules import check_template
from evalbot.suites.targets import Target, short_target

_ID = re.compile(r"[a-z][a-z0-9_-]*(:\S+)?")
_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_SECRET_NAME = re.compile(
    r"(^|[_-])(api[_-]?key|key|token|secret|password|passwd|authorization|credentials?)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{12,}|xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}"
    r"|lsv2_[A-Za-z0-9_]{16,}|eyJ[A-Za-z0-9_-]{16,}\.eyJ)"
)


def make_target(entry: str | TargetFile, document: Document, path: FieldPath) -> Target:
    """Give the target of a short or long form. `${NAME}` stays as written, so no secret enters the suite. Raises BadFile."""
    if isinstance(entry, str):
        _check_id(entry, document, path)
        return short_target(entry)
    _check_id(entry.id, document, (*path, "id"))
    problems = list(_config_problems(entry.config, (*path, "config")))
    if problems:
        raise refusal(document, problems)
    if entry.id == "http":
        _check_templates(entry.config, document, (*path, "config"))
    label = entry.label or short_target(entry.id).label
    return Target(entry.id, label, _by_name(entry.config), entry.prompt)


def _by_name(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Give the parameters with `api_key: ${NAME}` in the form that answerers take, `api_key_env: NAME`."""
    key = config.get("api_key")
    found = _VARIABLE.fullmatch(key) if isinstance(key, str) else None
    if not found:
        return config
    return {**{name: value for name, value in config.items() if name != "api_key"}, "api_key_env": found[1]}


def _check_templates(config: dict[str, JsonValue], document: Document, path: FieldPath) -> None:
    """Check the templates of what an app is sent, under the rules of prompts. Raises BadFile."""
    for key in ("body", "query"):
        for place, text in _texts_in(config.get(key), (*path, key)):
            line, _ = document.at(place)
            check_template(text, document.name, line, None)


def _texts_in(value: JsonValue, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """Find every text of a value with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _texts_in(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts_in(one, (*path, index))


def _check_id(written: str, document: Document, path: FieldPath) -> None:
    if not _ID.fullmatch(written):
        raise refusal(document, [Problem(path, "must be written `provider:model`, like `openai:gpt-4.1-mini`")])
    if _SECRET_VALUE.search(written):
        raise refusal(document, [Problem(path, "looks like a key; keep keys in the environment")])


def _config_problems(value: JsonValue, path: FieldPath, key: str = "") -> Iterator[Problem]:
    """Find keys written out, and `${...}` that is not the name of an environment variable."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _config_problems(one, (*path, name), name)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _config_problems(one, (*path, index), key)
    elif isinstance(value, str):
        bare = _VARIABLE.sub("", value)
        if "${" in bare:
            yield Problem(path, "write environment variables as `${NAME}`, in capitals")
        if _SECRET_VALUE.search(bare) or (_SECRET_NAME.search(key) and bare == value):
            yield Problem(path, "a key must not stand in the file; write `${NAME}` and set NAME in the environment")


def fill_from_environment(target: Target, environment: Mapping[str, str]) -> Target:
    """Give the target with each `${NAME}` of its parameters filled in; for the moment of asking, never for storing.

    Raises BadSetting for a variable that is not set.
    """

    def filled(value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return _VARIABLE.sub(lambda found: _variable(found[1], target, environment), value)
        if isinstance(value, list):
            return [filled(one) for one in value]
        return {name: filled(one) for name, one in value.items()} if isinstance(value, dict) else value

    return replace(target, config={name: filled(value) for name, value in target.config.items()})


def _variable(name: str, target: Target, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise BadSetting(f"Target {target.label} needs the environment variable {name}.", "Set it and start again.")
    return environment[name]
