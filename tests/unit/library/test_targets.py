"""Targets and the secrets they must not hold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from evalbot.errors import BadFile, BadSetting
from evalbot.library.documents import Document, Place
from evalbot.library.target_format import TargetFile
from evalbot.library.targets import fill_from_environment, make_target
from evalbot.suites.targets import Target

DOCUMENT = Document("a.yaml", None, Place(1))


def made(**fields: Any) -> Target:
    """Make a target from its long form."""
    return make_target(TargetFile(**fields), DOCUMENT, ("targets", 0))


def test_short_and_long_forms_are_the_same_target() -> None:
    """A long form that says no more equals the short form."""
    short = make_target("openai:gpt-4.1-mini", DOCUMENT, ("targets", 0))
    assert short == made(id="openai:gpt-4.1-mini") == Target("openai:gpt-4.1-mini", "gpt-4.1-mini")
    assert made(id="http", label="staging", config={"timeout": "30s"}).label == "staging"


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": "abc"},
        {"headers": {"X-Api-Key": "abc"}},
        {"headers": {"Authorization": "Bearer abc"}},
        {"client_secret": "hunter2"},
        {"note": "use sk-abcdefghijklmnop please"},
        {"body": [{"x": "ghp_abcdefghijklmnopqrst"}]},
        {"url": "https://x.example/?k=AKIAABCDEFGHIJKLMNOP"},
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(config: dict[str, Any]) -> None:
    """Keys belong into the environment; the error does not show them."""
    with pytest.raises(BadFile, match="a key must not stand in the file") as caught:
        made(id="http", config=config)
    assert not any(word in str(caught.value) for word in ("abc", "hunter2", "AKIA"))


def test_environment_names_stay_as_written() -> None:
    """The suite holds the name, never the value; `api_key` becomes the name of its variable."""
    config = {
        "api_key": "${MY_KEY}",
        "url": "${BOT_URL}/chat",
        "headers": {"authorization": "Bearer ${T}"},
        "max_tokens": 5,
    }
    target = made(id="http", config=config)
    assert target.config == {
        "api_key_env": "MY_KEY",
        "url": "${BOT_URL}/chat",
        "headers": {"authorization": "Bearer ${T}"},
        "max_tokens": 5,
    }
    filled = fill_from_environment(target, {"BOT_URL": "https://bot.example", "T": "t"})
    assert (filled.config["url"], filled.config["headers"]) == (
        "https://bot.example/chat",
        {"authorization": "Bearer t"},
    )
    with pytest.raises(BadSetting, match="needs the environment variable T"):
        fill_from_environment(target, {"BOT_URL": ""})


@pytest.mark.parametrize("text", ["${lower}", "${A:-x}", "${}", "a ${ B }"])
def test_other_forms_of_variables_are_refused(text: str) -> None:
    """Only the plain name of a variable is filled in."""
    with pytest.raises(BadFile, match="write environment variables as"):
        made(id="http", config={"url": text})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"q": "{{ question"}, "the template is not valid"),
        ({"q": ["{{ 9 ** 9 ** 9 }}"]}, "a template may not use `pow`"),
        ("{{ question.__class__ }}", "may not use names that begin with `_`"),
        (
            {"q": "{% for a in b %}{% for c in d %}{% for e in f %}{% endfor %}{% endfor %}{% endfor %}"},
            "nest at most 2",
        ),
    ],
)
def test_what_an_app_is_sent_is_a_template_that_only_shows(body: Any, said: str) -> None:
    """The body of an app follows the rules of prompts."""
    assert made(id="http", config={"url": "${U}", "body": {"q": "{{ question }} ${T}"}}).label == "http"
    with pytest.raises(BadFile, match=re.escape(said)):
        made(id="http", config={"url": "${U}", "body": body})


@pytest.mark.parametrize("name", ["", "GPT 4", "openai: gpt", "openai:sk-abcdefghijklmnop", "-x"])
def test_strange_names_are_refused(name: str) -> None:
    """A target is written provider:model."""
    with pytest.raises(BadFile):
        make_target(name, DOCUMENT, ("targets", 0))
