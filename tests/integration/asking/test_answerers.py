"""Opening targets: which provider is asked in which way, whose key goes where, and what cannot be asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Answerer, Question
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.targets import Target, short_target

KEY = "sk-canary-3141592653589793"

OpenTarget = Callable[..., Answerer]


def question(text: str = "Why?", item_id: str | None = None, repeat: int = 0) -> Question:
    """A question, of an item if one is named."""
    item = Item(ItemId(item_id), vars={"question": text}) if item_id else None
    return Question([Message("system", "s"), Message("user", text)], item, repeat)


def answerers(
    folder: Path, base_url: str | None = None, key: str | None = KEY, environment: Mapping[str, str] | None = None
) -> ModelAnswerers:
    """Answerers of a project folder."""
    return ModelAnswerers(base_url, key, folder, environment=environment or {})


async def test_echo_gives_the_question_back_for_nothing(tmp_path: Path) -> None:
    """echo answers with the last user message and costs nothing."""
    echo = answerers(tmp_path).answerer(short_target("echo"))
    answer = await echo.ask(question("Hello\u202e"))
    assert (answer.text, answer.usage.cost_usd) == ("Hello\u202e", 0.0)
    assert (await echo.ask(Question([]))).text == ""


async def test_replay_answers_from_a_file_of_the_project(tmp_path: Path) -> None:
    """replay finds logged answers by item id or question; without one it is a failure, not an empty answer."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "old.jsonl").write_text('{"id": "a", "output": "A!"}\n{"question": "Why?", "output": "W!"}\n')
    opened = answerers(tmp_path)
    replay = opened.answerer(short_target("replay:logs/old.jsonl"))
    assert (await replay.ask(question("?", "a"))).text == "A!"
    assert (await replay.ask(question("Why?", "b"))).text == "W!"
    assert (await replay.ask(question("Why?"))).text == "W!"
    with pytest.raises(ModelUnavailable) as caught:
        await replay.ask(question("What?", "c"))
    assert caught.value.kind == "not_recorded"
    await opened.close()


async def test_replay_of_a_bad_file_is_a_failure_with_the_line(tmp_path: Path) -> None:
    """A fault in the file is told with its line whenever an answer is wanted."""
    (tmp_path / "bad.csv").write_text("id,text\na,b\n")
    replay = answerers(tmp_path).answerer(short_target("replay:bad.csv"))
    with pytest.raises(ModelUnavailable, match=r"bad\.csv, line 2"):
        await replay.ask(question("?", "a"))


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jsonl",
        "/etc/hosts.csv",
        "link.jsonl",
        "none.jsonl",
        "dir.csv",
        "x.txt",
        "",
        "a\0.csv",
        "x" * 5_000 + ".csv",
        "loop.csv",
    ],
)
def test_replay_stays_in_the_project_folder(tmp_path: Path, name: str) -> None:
    """Nothing outside the project folder is read, not through links either."""
    project = tmp_path / "project"
    (project / "dir.csv").mkdir(parents=True)
    (tmp_path / "secret.jsonl").write_text('{"id": "a", "output": "x"}')
    (project / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (project / "loop.csv").symlink_to(project / "loop.csv")
    with pytest.raises(BadRequest):
        answerers(project).answerer(short_target(f"replay:{name}"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("opnai:gpt", "Did you mean `openai`?"),
        ("opanai-compatible:x", "Did you mean `openai-compatible`?"),
        ("qqqqqq:x", "Known are"),
        ("", "Known are"),
        ("openai", "names no model"),
        ("anthropic:claude", "pip install langchain-anthropic"),
        ("google_genai:gemini", "pip install langchain-google-genai"),
        ("openai-compatible:m", "Set base_url"),
        ("vllm:m", "Set base_url"),
    ],
)
def test_what_cannot_be_asked_says_what_to_do(tmp_path: Path, name: str, words: str) -> None:
    """An unknown provider, a missing model, package or address is refused with the next step."""
    with pytest.raises(BadRequest) as caught:
        answerers(tmp_path).answerer(short_target(name))
    assert words in str(caught.value)


def test_openai_itself_needs_a_key(tmp_path: Path) -> None:
    """Without a key the official address is not even tried."""
    with pytest.raises(BadRequest, match="OPENAI_API_KEY"):
        answerers(tmp_path, key=None).answerer(short_target("openai:gpt-4.1"))
    with pytest.raises(BadRequest, match="MY_KEY is not set"):
        answerers(tmp_path).answerer(Target("openai:gpt-4.1", "x", {"api_key_env": "MY_KEY"}))


async def test_one_answerer_per_target(tmp_path: Path, wire: Any) -> None:
    """The same id and config share an answerer whatever the label; another config has its own."""
    opened = answerers(tmp_path, wire.base_url)
    one = opened.answerer(Target("openai:m", "one"))
    assert opened.answerer(Target("openai:m", "two")) is one
    assert opened.answerer(Target("openai:m", "one", {"temperature": 1})) is not one
    await opened.close()
    assert opened.answerer(Target("openai:m", "one")) is not one


async def test_the_operators_key_stays_with_the_operators_host(tmp_path: Path, wire: Any, other_wire: Any) -> None:
    """A target with an address of its own never gets the operator's key, only one named for it."""
    wire.will(wire.answer("own"))
    other_wire.will(other_wire.answer("other"))
    opened = answerers(tmp_path, wire.base_url, environment={"THEIR_KEY": "their-key-1234", "STOLEN": KEY})
    elsewhere = {"base_url": other_wire.base_url}
    await opened.answerer(Target("openai:m", "own")).ask(question())
    await opened.answerer(Target("openai-compatible:m", "other", elsewhere)).ask(question())
    await opened.answerer(Target("openai:m", "x", {**elsewhere, "api_key_env": "THEIR_KEY"})).ask(question())
    with pytest.raises(BadRequest, match="another host"):
        opened.answerer(Target("openai:m", "x", {**elsewhere, "api_key_env": "STOLEN"}))
    await opened.close()
    assert [request.headers["authorization"] for request in wire.requests] == [f"Bearer {KEY}"]
    assert [request.headers["authorization"] for request in other_wire.requests] == [
        "Bearer none",
        "Bearer their-key-1234",
    ]


def test_keys_of_the_environment_stay_with_their_providers(tmp_path: Path) -> None:
    """By way of LangChain too an address of its own needs a key of its own, and the OpenAI key is not one."""
    opened = answerers(tmp_path, environment={"STOLEN": KEY, "THEIR_KEY": "their-key-1234"})
    elsewhere = {"base_url": "http://127.0.0.1:1/v1"}
    with pytest.raises(BadRequest, match="no key of its own"):
        opened.answerer(Target("azure:m", "x", elsewhere))
    with pytest.raises(BadRequest, match="another host"):
        opened.answerer(Target("azure:m", "x", {**elsewhere, "api_key_env": "STOLEN"}))
    assert opened.answerer(Target("azure:m", "x", {**elsewhere, "api_key_env": "THEIR_KEY"}))


@pytest.mark.parametrize("provider", ["langchain-openai", "openai"])
async def test_both_ways_to_openai_give_the_same(wire: Any, open_target: OpenTarget, provider: str) -> None:
    """Text, tokens, parameters, system text and JSON agree between the client and LangChain."""
    wire.will(wire.answer(' {"grade": 3} '))
    answerer = open_target(f"{provider}:m", temperature=0, system="Be brief.", deadline_s=30)
    answer = await answerer.ask(
        Question([Message("user", "{x} {{y}}"), Message("assistant", "a"), Message("user", "b")])
    )
    assert answer.text == ' {"grade": 3} '
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (7, 3, None)
    schema = {
        "type": "object",
        "properties": {"grade": {"type": "integer"}},
        "required": ["grade"],
        "additionalProperties": False,
    }
    assert (await answerer.ask_json(question(), schema)).text == ' {"grade": 3} '
    asked, asked_json = (request.body for request in wire.requests)
    assert [(turn["role"], turn["content"]) for turn in asked["messages"]] == [
        ("system", "Be brief."),
        ("user", "{x} {{y}}"),
        ("assistant", "a"),
        ("user", "b"),
    ]
    assert asked["temperature"] == 0
    assert asked_json["response_format"]["json_schema"]["schema"]["properties"]["grade"] == {"type": "integer"}


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [(400, "bad_request", 1), (401, "auth", 1), (404, "not_found", 1), (500, "server_error", 2)],
)
async def test_langchain_failures_have_the_same_kinds(
    wire: Any, open_target: OpenTarget, status: int, kind: str, requests: int
) -> None:
    """By way of LangChain too a failure has its kind, is retried once at most as told, and repeats no key."""
    wire.will(wire.reply(status, {"error": {"message": f"wrong {KEY}"}}))
    with pytest.raises(ModelUnavailable) as caught:
        await open_target("langchain-openai:m", retries=1, deadline_s=30).ask(question())
    assert caught.value.kind == kind
    assert KEY not in str(caught.value)
    assert len(wire.requests) == requests


async def test_langchain_obeys_limits(wire: Any, open_target: OpenTarget) -> None:
    """By way of LangChain too 429 is obeyed, a hang ends at the deadline, a huge text and a redirect fail."""

    async def hang(reader: Any, writer: Any) -> None:
        await reader.read()

    wire.will(wire.reply(429, b"{}", {"Retry-After": "0.2"}), wire.answer("now"))
    assert (await open_target("langchain-openai:m").ask(question())).text == "now"
    assert wire.requests[1].at - wire.requests[0].at >= 0.2
    for deed, kind in (
        (hang, "timeout"),
        (wire.answer("x" * 5_000), "too_large"),
        (wire.reply(302, b"", {"Location": "http://127.0.0.1:1/"}), "redirected"),
        (wire.reply(200, b"<html>"), "bad_reply"),
        (wire.answer("x", choices=[]), "bad_reply"),
    ):
        wire.will(deed)
        with pytest.raises(ModelUnavailable) as caught:
            await open_target("langchain-openai:m", deadline_s=0.5, max_bytes=4_000).ask(question())
        assert caught.value.kind == kind


async def test_langchain_settings_it_refuses_are_a_failure(open_target: OpenTarget) -> None:
    """A parameter of the wrong type is told without the package's words."""
    with pytest.raises(ModelUnavailable) as caught:
        await open_target("langchain-openai:m", temperature="hot " + KEY).ask(question())
    assert caught.value.kind == "bad_request"
    assert KEY not in str(caught.value)


def test_opening_imports_neither_openai_nor_langchain() -> None:
    """The slow packages are left alone until a model is asked, so that the command line starts at once."""
    code = (
        "import sys; from pathlib import Path; from evalbot.asking.answerers import ModelAnswerers;"
        "from evalbot.suites.targets import short_target;"
        "ModelAnswerers(None, 'k' * 20, Path()).answerer(short_target('openai:gpt-4.1'));"
        "slow = {'openai', 'langchain', 'langchain_core', 'langchain_openai', 'genai_prices', 'aiohttp', 'httpx2'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
