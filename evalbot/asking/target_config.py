"""What a target's `config` may say: parameters of the request, and a few keys of our own."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue
from rapidfuzz import process

from evalbot.errors import BadRequest
from evalbot.suites.targets import Target

KNOWN = frozenset(
    {
        "base_url",
        "api_key",
        "api_key_env",
        "system",
        "timeout",
        "max_concurrency",
        "requests_per_minute",
        "price",
        "json_mode",
        "label",
        "api",
    }
)
"""Keys that are about asking; every other key is a parameter of the request."""

REFUSED = frozenset({"messages", "input", "model", "stream", "stream_options", "n", "response_format"})
SECRET_LIKE = frozenset({"key", "apikey", "token", "password", "secret", "authorization"})
JSON_MODES = ("schema", "object", "none")
APIS = ("chat", "responses")
_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_NOT_FOR_MODELS = ("SLACK_", "EVALBOT_", "OPENAI_API_KEY")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min)?")
_IN_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens in and out."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """A target's config, checked. `parameters` go into the request as they are; None means not said."""

    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    base_url: str | None = None
    api_key_env: str | None = None
    system: str | None = None
    timeout_s: float | None = None
    max_concurrency: int | None = None
    requests_per_minute: float | None = None
    price: Price | None = None
    json_mode: str = "schema"
    api: str = "chat"


def read_config(target: Target, environment: Mapping[str, str] | None = None) -> TargetConfig:
    """Check a target's config; raises BadRequest that names the target and the key, never a value.

    `${NAME}` in a text is filled in from the environment; `api_key: ${NAME}` says the same as `api_key_env: NAME`.
    """
    _check_keys(target)
    key_env = _env_name(target, _named_key(target))
    config = {
        key: fill_variables(target, value, environment or {})
        for key, value in target.config.items()
        if key != "api_key"
    }
    return TargetConfig(
        parameters={key: value for key, value in config.items() if key not in KNOWN},
        base_url=_url(target, config.get("base_url")),
        api_key_env=key_env,
        system=_text(target, "system", config.get("system")),
        timeout_s=read_seconds(target, config.get("timeout")),
        max_concurrency=read_count(target, config.get("max_concurrency")),
        requests_per_minute=read_rate(target, config.get("requests_per_minute")),
        price=read_price(target, config.get("price")),
        json_mode=_one_of(target, "json_mode", config.get("json_mode", "schema"), JSON_MODES),
        api=_one_of(target, "api", config.get("api", "chat"), APIS),
    )


def _check_keys(target: Target) -> None:
    """Refuse keys that hold secrets and keys that are not the target's to set."""
    for key in target.config:
        if key.lower() in SECRET_LIKE:
            raise BadRequest(
                f"Target {target.label} has a literal {key} in its config.",
                "Put the key into an environment variable and name it with api_key_env.",
            )
        if key in REFUSED:
            raise BadRequest(f"Target {target.label} sets {key}, which evalbot sets itself.", "Remove it from config.")


def _named_key(target: Target) -> JsonValue:
    """Give the environment variable that holds the key, stated in either way; a key in the config itself is refused."""
    stated = target.config.get("api_key")
    if stated is None:
        return target.config.get("api_key_env")
    found = _VARIABLE.fullmatch(stated) if isinstance(stated, str) else None
    if found is None:
        raise config_fault(target, "api_key", "the name of an environment variable as `${NAME}`, never the key itself")
    return found[1]


def fill_variables(
    target: Target, value: JsonValue, environment: Mapping[str, str], seen: list[str] | None = None
) -> JsonValue:
    """Fill `${NAME}` in every text of a value; the tokens of this program are not to be had that way.

    What was filled in is added to `seen`. Raises BadRequest for a variable that is not set.
    """
    if isinstance(value, list):
        return [fill_variables(target, one, environment, seen) for one in value]
    if isinstance(value, dict):
        return {name: fill_variables(target, one, environment, seen) for name, one in value.items()}
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith(_NOT_FOR_MODELS):
            raise BadRequest(f"Target {target.label} may not use {name}.", "Use a variable made for this target.")
        if name not in environment:
            raise BadRequest(f"Target {target.label} needs the environment variable {name}.", "Set it and start again.")
        if seen is not None:
            seen.append(environment[name])
        return environment[name]

    return _VARIABLE.sub(variable, value)


def config_fault(target: Target, key: str, wanted: str) -> BadRequest:
    """Give the refusal of a key's value, which it does not repeat."""
    return BadRequest(f"Target {target.label} has a wrong {key} in its config.", f"Give {wanted}.")


def _text(target: Target, key: str, value: JsonValue) -> str | None:
    """Take a text or nothing."""
    if value is None or isinstance(value, str):
        return value
    raise config_fault(target, key, "a text")


def _url(target: Target, value: JsonValue) -> str | None:
    """Take an http or https address without a user name or password in it."""
    text = _text(target, "base_url", value)
    if text is not None and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#@]*)?", text):
        raise config_fault(target, "base_url", "an address such as https://models.example.com/v1")
    return text


def _env_name(target: Target, value: JsonValue) -> str | None:
    """Take the name of an environment variable that may hold a model key; our own and Slack's are not for models."""
    text = _text(target, "api_key_env", value)
    if text is not None and (not _ENV_NAME.fullmatch(text) or text.startswith(("SLACK_", "EVALBOT_"))):
        raise config_fault(
            target, "api_key_env", "the name of an environment variable that holds the key of this model"
        )
    return text


def _number(value: JsonValue) -> float | None:
    """Give a finite number of at least 0, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def read_seconds(target: Target, value: JsonValue) -> float | None:
    """Take a duration: seconds as a number, or a text such as 30s or 2m."""
    if value is None:
        return None
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * _IN_SECONDS[found[2]] if found else _number(value)
    if not seconds:
        raise config_fault(target, "timeout", "a duration such as 30s")
    return seconds


def read_count(target: Target, value: JsonValue) -> int | None:
    """Take a whole number from 1 to 1,000."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000):
        return value
    raise config_fault(target, "max_concurrency", "a whole number from 1 to 1000")


def read_rate(target: Target, value: JsonValue) -> float | None:
    """Take how many requests a minute the endpoint allows."""
    rate = _number(value)
    if value is None or (rate is not None and 0 < rate <= 1_000_000):
        return rate
    raise config_fault(target, "requests_per_minute", "a number above 0, such as 500")


def read_price(target: Target, value: JsonValue) -> Price | None:
    """Take dollars per million tokens: {input: 0.4, output: 1.6}."""
    if value is None:
        return None
    if isinstance(value, dict) and set(value) == {"input", "output"}:
        paid, earned = _number(value["input"]), _number(value["output"])
        if paid is not None and earned is not None:
            return Price(paid, earned)
    raise config_fault(target, "price", "dollars per million tokens, such as {input: 0.4, output: 1.6}")


def _one_of(target: Target, key: str, value: JsonValue, known: tuple[str, ...]) -> str:
    """Take one of a few words."""
    if isinstance(value, str) and value in known:
        return value
    near = process.extractOne(str(value), known)
    raise config_fault(target, key, f"{', '.join(known)} (nearest: {near[0] if near else known[0]})")
