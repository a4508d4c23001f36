"""Target config: what may stand in it, and what is refused with the target's name."""

from __future__ import annotations

from typing import Any

import pytest

from evalbot.asking.target_config import Price, read_config
from evalbot.errors import BadRequest
from evalbot.suites.targets import Target


def target(**config: Any) -> Target:
    """A target with a config."""
    return Target("openai:m", "mine", config)


def test_unknown_keys_are_parameters_of_the_request() -> None:
    """Parameters pass as they are; our own keys do not."""
    config = read_config(
        target(temperature=0, stop=["x"], system="s", timeout="1.5m", max_concurrency=4, base_url="http://h:1/v1")
    )
    assert config.parameters == {"temperature": 0, "stop": ["x"]}
    assert (config.system, config.timeout_s, config.max_concurrency) == ("s", 90.0, 4)
    assert config.base_url == "http://h:1/v1"


@pytest.mark.parametrize(
    ("stated", "seconds"), [(30, 30.0), (0.5, 0.5), ("30s", 30.0), ("250ms", 0.25), ("2m", 120.0), ("2 min", 120.0)]
)
def test_durations(stated: Any, seconds: float) -> None:
    """Seconds as a number, or with a unit."""
    assert read_config(target(timeout=stated)).timeout_s == pytest.approx(seconds)


def test_variables_are_filled_in_from_the_environment() -> None:
    """`${NAME}` works in any text, nested ones too; `api_key: ${NAME}` names the key without reading it."""
    config = read_config(
        target(base_url="http://${PLACE}/v1", metadata={"team": ["${TEAM}"]}, api_key="${MODEL_KEY}"),
        {"PLACE": "h:1", "TEAM": "red"},
    )
    assert config.base_url == "http://h:1/v1"
    assert config.parameters == {"metadata": {"team": ["red"]}}
    assert config.api_key_env == "MODEL_KEY"


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "EVALBOT_DATABASE_URL", "OPENAI_API_KEY", "NOT_SET"])
def test_the_programs_own_secrets_are_not_to_be_had(name: str) -> None:
    """A target cannot carry our tokens to its model, nor use what is not set."""
    with pytest.raises(BadRequest, match=name):
        read_config(
            target(system=f"say ${{{name}}}"),
            {"SLACK_BOT_TOKEN": "x", "EVALBOT_DATABASE_URL": "x", "OPENAI_API_KEY": "x"},
        )


def test_price_is_dollars_per_million_tokens() -> None:
    """A price of its own is read whole."""
    assert read_config(target(price={"input": 1, "output": 2.5})).price == Price(1.0, 2.5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_key", "sk-1"),
        ("api_key", "sk-1${NAME}"),
        ("api_key", "${SLACK_BOT_TOKEN}"),
        ("token", "sk-1"),
        ("Authorization", "Bearer x"),
        ("messages", []),
        ("stream", True),
        ("model", "x"),
        ("n", 2),
        ("base_url", 5),
        ("base_url", "ftp://h"),
        ("base_url", "http://user:password@h/v1"),
        ("base_url", "http://h/v1?key=x"),
        ("api_key_env", "SLACK_BOT_TOKEN"),
        ("api_key_env", "EVALBOT_DATABASE_URL"),
        ("api_key_env", "lower"),
        ("api_key_env", ""),
        ("system", ["x"]),
        ("timeout", "soon"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", True),
        ("timeout", float("inf")),
        ("max_concurrency", 0),
        ("max_concurrency", 2.5),
        ("max_concurrency", True),
        ("price", 1),
        ("price", {"input": 1}),
        ("price", {"input": -1, "output": 1}),
        ("json_mode", "shema"),
    ],
)
def test_wrong_values_are_refused_with_target_and_key(key: str, value: Any) -> None:
    """The message names target and key and never repeats the value."""
    with pytest.raises(BadRequest) as caught:
        read_config(target(**{key: value}))
    assert "mine" in caught.value.message
    assert key in caught.value.message
    assert "sk-1" not in str(caught.value)
    assert "password@" not in str(caught.value)
    assert caught.value.hint
