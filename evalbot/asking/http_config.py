"""What the config of an `http` target may say: where the team's own app is, what it is sent, and where its answer stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import JsonValue
from rapidfuzz import fuzz, process

from evalbot.asking.target_config import (
    Price,
    config_fault,
    fill_variables,
    read_count,
    read_price,
    read_rate,
    read_seconds,
)
from evalbot.errors import BadRequest
from evalbot.suites.targets import Target

KEYS = (
    "url",
    "method",
    "headers",
    "query",
    "body",
    "output",
    "stream",
    "timeout",
    "max_concurrency",
    "requests_per_minute",
    "allow_private",
    "price",
    "label",
)
METHODS = ("POST", "GET", "PUT", "PATCH")
MAX_PATH = 500
_URL = re.compile(r"https?://[^\s/@?#\\]+(/[^\s#@\\]*)?(\?[^\s#\\]*)?", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_SET_BY_US = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An app to ask, checked. `body` and `query` hold templates; `output` None means the whole reply.

    `secrets` are the values of environment variables that were filled in: no failure may repeat them.
    """

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, JsonValue] = field(default_factory=dict)
    body: JsonValue = None
    output: ParsedResult | None = None
    output_text: str = ""
    stream: bool = False
    timeout_s: float | None = None
    max_concurrency: int | None = None
    requests_per_minute: float | None = None
    allow_private: bool = False
    price: Price | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def read_app_config(target: Target, environment: Mapping[str, str]) -> AppConfig:
    """Check the config of an `http` target; raises BadRequest that names the target and the key, never a value."""
    for key in target.config:
        if key not in KEYS:
            near = process.extractOne(key, KEYS, scorer=fuzz.ratio, score_cutoff=60)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known are {', '.join(KEYS)}."
            raise BadRequest(f"Target {target.label} has an unknown key {key[:60]!r} in its config.", hint)
    secrets: list[str] = []
    config = {key: fill_variables(target, value, environment, secrets) for key, value in target.config.items()}
    output_text, output = _output(target, config.get("output"))
    return AppConfig(
        url=_url(target, config.get("url")),
        method=_method(target, config.get("method", "POST" if "body" in config else "GET")),
        headers=_headers(target, config.get("headers")),
        query=_mapping(target, "query", config.get("query")),
        body=config.get("body"),
        output=output,
        output_text=output_text,
        stream=_flag(target, "stream", config.get("stream", False)),
        timeout_s=read_seconds(target, config.get("timeout")),
        max_concurrency=read_count(target, config.get("max_concurrency")),
        requests_per_minute=read_rate(target, config.get("requests_per_minute")),
        allow_private=_flag(target, "allow_private", config.get("allow_private", False)),
        price=read_price(target, config.get("price")),
        secrets=tuple(secrets),
    )


def _url(target: Target, value: JsonValue) -> str:
    """Take an http or https address without a user name or password in it."""
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise config_fault(target, "url", "the address of the app, such as https://bot.example.com/chat")
    try:
        parts = urlsplit(value)
        fine = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine:
        raise config_fault(target, "url", "the address of the app, such as https://bot.example.com/chat")
    return value


def _method(target: Target, value: JsonValue) -> str:
    if isinstance(value, str) and value.upper() in METHODS:
        return value.upper()
    raise config_fault(target, "method", f"one of {', '.join(METHODS)}")


def _headers(target: Target, value: JsonValue) -> Mapping[str, str]:
    """Take headers; those that decide where and how the request goes are ours."""
    headers = _mapping(target, "headers", value)
    for name, text in headers.items():
        if not _HEADER.fullmatch(name) or not isinstance(text, str) or any(ord(char) < 32 for char in text):
            raise config_fault(target, "headers", "names with texts of one line")
        if name.lower() in _SET_BY_US:
            raise BadRequest(f"Target {target.label} sets the header {name}, which evalbot sets itself.", "Remove it.")
    return {name: str(text) for name, text in headers.items()}


def _mapping(target: Target, key: str, value: JsonValue) -> Mapping[str, JsonValue]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise config_fault(target, key, "names with values")


def _flag(target: Target, key: str, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    raise config_fault(target, key, "true or false")


def _output(target: Target, value: JsonValue) -> tuple[str, ParsedResult | None]:
    """Take a JMESPath expression and give it with its parsed form."""
    if value is None:
        return "", None
    if isinstance(value, str) and 0 < len(value) <= MAX_PATH:
        try:
            return value, jmespath.compile(value)
        except (JMESPathError, RecursionError, ValueError):
            pass
    raise config_fault(target, "output", "where the answer stands in the reply, as a JMESPath such as reply.text")
