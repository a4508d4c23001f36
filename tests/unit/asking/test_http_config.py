"""The config of the team's own app: what is taken, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from evalbot.asking.http_config import read_app_config
from evalbot.errors import BadRequest
from evalbot.suites.targets import Target

ENVIRONMENT = {"BOT_URL": "https://bot.example.com", "BOT_TOKEN": "t0ken-3141592653", "EVALBOT_DATABASE_URL": "x"}


def target(**config: Any) -> Target:
    """Give an app with a config."""
    return Target("http", "staging", config)


def test_everything_a_config_may_say() -> None:
    """Variables of the environment are filled in, and noted as secrets; a body makes it a POST."""
    config = read_app_config(
        target(
            url="${BOT_URL}/chat",
            headers={"Authorization": "Bearer ${BOT_TOKEN}"},
            body={"message": "{{ question }}"},
            output="reply.text",
            timeout="30s",
            max_concurrency=4,
            stream=True,
            allow_private=True,
            price={"input": 1, "output": 2},
        ),
        ENVIRONMENT,
    )
    assert (config.url, config.method, config.timeout_s, config.max_concurrency) == (
        "https://bot.example.com/chat",
        "POST",
        30.0,
        4,
    )
    assert config.headers == {"Authorization": "Bearer t0ken-3141592653"}
    assert set(config.secrets) == {"https://bot.example.com", "t0ken-3141592653"}
    assert (config.stream, config.allow_private) == (True, True)
    assert "t0ken" not in repr(config)
    assert read_app_config(target(url="http://a.example/?x=1"), {}).method == "GET"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "wrong url"),
        ({"url": "ftp://a"}, "wrong url"),
        ({"url": "https://user:pw@a.example/"}, "wrong url"),
        ({"url": "https://a.example/#x"}, "wrong url"),
        ({"url": "https://a.example:99999/"}, "wrong url"),
        ({"url": "https://"}, "wrong url"),
        ({"url": "https://[::1/"}, "wrong url"),
        ({"url": "https://a.example", "urll": 1}, "Did you mean `url`?"),
        ({"url": "https://a.example", "temperature": 1}, "Known are"),
        ({"url": "https://a.example", "method": "DELETE"}, "wrong method"),
        ({"url": "https://a.example", "headers": {"A": 5}}, "wrong headers"),
        ({"url": "https://a.example", "headers": {"A": "x\r\nB: y"}}, "wrong headers"),
        ({"url": "https://a.example", "headers": {"A b": "x"}}, "wrong headers"),
        ({"url": "https://a.example", "headers": {"Host": "b"}}, "sets itself"),
        ({"url": "https://a.example", "output": "a["}, "wrong output"),
        ({"url": "https://a.example", "output": ""}, "wrong output"),
        ({"url": "https://a.example", "output": "(" * 400}, "wrong output"),
        ({"url": "https://a.example", "allow_private": "yes"}, "wrong allow_private"),
        ({"url": "https://a.example", "stream": 1}, "wrong stream"),
        ({"url": "https://a.example", "query": ["a"]}, "wrong query"),
        ({"url": "https://a.example", "timeout": "soon"}, "wrong timeout"),
        ({"url": "${NOT_SET}/x"}, "needs the environment variable NOT_SET"),
        ({"url": "https://a.example/?d=${EVALBOT_DATABASE_URL}"}, "may not use EVALBOT_DATABASE_URL"),
    ],
)
def test_what_is_refused_says_what_to_do(config: dict[str, Any], said: str) -> None:
    """Each fault names target and key, never a value."""
    with pytest.raises(BadRequest) as caught:
        read_app_config(target(**config), ENVIRONMENT)
    assert said in str(caught.value)
    assert "staging" in str(caught.value)
