"""Functions and runnables of the project: loaded from its folder only, called in threads, held to a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Answerer, CodeGrader, Question
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.runs.tool_calls import ToolCall, find_tool_calls
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.targets import Target

BOT = """
import asyncio
import subprocess
import threading
from os import getcwd
from dataclasses import dataclass

import shop_words

STOP = threading.Event()


@dataclass
class Reply:
    text: str


def answer(prompt):
    return f"You said {prompt}. {shop_words.BYE}"


def told(prompt, about):
    return {"output": f"{about['item_id']} {about['repeat']} {len(about['messages'])} {about['days']}",
            "input_tokens": 3, "output_tokens": 4, "cost_usd": 0.01}


async def slowly(prompt, about):
    await asyncio.sleep(0)
    return {"threads": threading.current_thread().name, "prompt": prompt}


def deferred(prompt):
    return slowly(prompt, {})


def hang(prompt):
    STOP.wait(5)
    return "late"


async def never(prompt):
    await asyncio.sleep(60)


def fail(prompt):
    raise ValueError("the secret is " + prompt)


def leave(prompt):
    raise SystemExit(3)


def stop(prompt):
    raise StopIteration


def nothing(prompt):
    return None


def huge(prompt):
    return "x" * 500_000


def polite(text, about):
    return {"score": 0.5 if about["value"] else 1.0, "pass": "please" in text, "reason": about["reference"]}


run = subprocess.run
VALUE = 5
"""
QUESTION = Question(
    [Message("user", "Hi"), Message("assistant", "?"), Message("user", "please")],
    Item(ItemId("i1"), vars={"question": "please", "days": 20}),
    1,
)
Open = Callable[..., Answerer]


@pytest.fixture
async def open_code(tmp_path: Path) -> AsyncIterator[Open]:
    """Give a function that opens code of a project by provider and name."""
    (tmp_path / "shop_bot.py").write_text(BOT, encoding="utf-8")
    (tmp_path / "shop_words.py").write_text('BYE = "Bye."\n', encoding="utf-8")
    opened: list[ModelAnswerers] = []

    def open_code(name: str, provider: str = "python", deadline_s: float = 5.0, **config: Any) -> Answerer:
        models = ModelAnswerers(None, None, tmp_path, deadline_s, 100_000, 0, environment={})
        opened.append(models)
        return models.answerer(Target(f"{provider}:{name}", "code", config))

    yield open_code
    for models in opened:
        await models.close()


async def failure_of(answerer: Answerer) -> ModelUnavailable:
    """Ask and give the failure."""
    with pytest.raises(ModelUnavailable) as caught:
        await answerer.ask(QUESTION)
    return caught.value


async def test_a_function_is_a_target(open_code: Open) -> None:
    """It is given the prompt, and what is known about the question if it takes two; its modules may import each other."""
    assert (await open_code("shop_bot:answer").ask(QUESTION)).text == "You said please. Bye."
    told = await open_code("shop_bot:told").ask(QUESTION)
    assert told.text == "i1 1 3 20"
    assert (told.usage.input_tokens, told.usage.output_tokens, told.usage.cost_usd) == (3, 4, 0.01)
    assert (await open_code("shop_bot:told", system="Be brief.").ask(QUESTION)).text == "i1 1 4 20"


@pytest.mark.parametrize("name", ["slowly", "deferred"])
async def test_an_async_function_runs_in_a_loop_of_its_own(open_code: Open, name: str) -> None:
    """What it blocks is not the program; a mapping that is no answer is its JSON."""
    text = (await open_code(f"shop_bot:{name}").ask(QUESTION)).text
    assert text == '{"threads": "evalbot-loop", "prompt": "please"}'


@pytest.mark.parametrize("name", ["hang", "never"])
async def test_a_call_ends_at_its_deadline(open_code: Open, name: str) -> None:
    """A function that hangs is a failure in time, while the event loop goes on; its thread keeps nobody waiting."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    failure = await failure_of(open_code(f"shop_bot:{name}", timeout=0.3))
    assert failure.kind == "timeout"
    assert ticks >= 5
    ticking.cancel()
    assert all(one.daemon for one in threading.enumerate() if one.name == "evalbot-code")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("shop_bot:fail", "code", "ValueError in line 46"),
        ("shop_bot:leave", "code", "SystemExit in line"),
        ("shop_bot:stop", "code", "StopIteration in line"),
        ("shop_bot:nothing", "bad_reply", "gave NoneType instead of a text"),
        ("shop_bot:huge", "too_large", "larger than"),
        ("shop_bot:missing", "code", "has no missing"),
        ("shop_bot:VALUE", "code", "is no function"),
        ("shop_bot:Reply", "code", "is no function"),
        ("shop_bot:getcwd", "code", "only imported"),
        ("shop_bot:run", "code", "only imported"),
    ],
)
async def test_what_goes_wrong_is_a_failure_without_the_codes_words(
    open_code: Open, name: str, kind: str, words: str
) -> None:
    """The line is named, what the exception said is not; nothing that the module only imports can be called."""
    failure = await failure_of(open_code(name))
    assert failure.kind == kind
    assert words in str(failure)
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "../x:f",
        "shop_bot",
        "shop_bot:",
        ":answer",
        "shop_bot:_x",
        "shop_bot:a.b",
        "link:f",
        "dir:f",
        "a\0:f",
    ],
)
def test_only_files_of_the_project_are_code(tmp_path: Path, open_code: Open, name: str) -> None:
    """No installed module, no path, no link that leads out, no name that hides."""
    outside = tmp_path.parent / "outside_code.py"
    outside.write_text("def f(prompt):\n    return 'x'\n")
    (tmp_path / "link.py").symlink_to(outside)
    (tmp_path / "dir").mkdir()
    with pytest.raises(BadRequest):
        open_code(name)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def f(:\n", "SyntaxError in line 1"),
        ("import nonsense_module\n", "ModuleNotFoundError in line 1"),
        ("x = 1\nraise SystemExit\n", "SystemExit in line 2"),
    ],
)
async def test_a_file_that_cannot_be_loaded_is_a_failure(
    tmp_path: Path, open_code: Open, code: str, words: str
) -> None:
    """The fault is told with its line; once mended, the next question finds the new file."""
    (tmp_path / "broken.py").write_text(code)
    target = open_code("broken:f")
    assert words in str(await failure_of(target))
    (tmp_path / "broken.py").write_text("def f(prompt):\n    return 'mended'\n\n\n")
    assert (await target.ask(QUESTION)).text == "mended"


async def test_a_file_that_hangs_ends_at_the_deadline(tmp_path: Path, open_code: Open) -> None:
    """Running the file is part of the first call."""
    (tmp_path / "slow.py").write_text("import threading\nthreading.Event().wait(3)\ndef f(prompt):\n    return 'x'\n")
    assert (await failure_of(open_code("slow:f", timeout=0.2))).kind == "timeout"


async def test_a_function_is_a_check_too(open_code: Open) -> None:
    """It is given the output and what is known about it, and what it returns comes back as it is."""
    check = open_code("shop_bot:polite")
    assert isinstance(check, CodeGrader)
    about = {"value": 1, "reference": "R"}
    assert await check.grade("yes please", about) == {"score": 0.5, "pass": True, "reason": "R"}


async def test_calls_that_never_come_back_are_limited(tmp_path: Path, open_code: Open) -> None:
    """Threads that hang are counted; beyond the limit no new one is begun."""
    code = "import threading\nGATE = threading.Event()\ndef f(prompt):\n    GATE.wait(20)\n    return 'x'\n"
    (tmp_path / "gate.py").write_text(code)
    target = open_code("gate:f", timeout=0.15, max_concurrency=1000)
    first = await asyncio.gather(*(target.ask(QUESTION) for _ in range(70)), return_exceptions=True)
    kinds = [one.kind for one in first if isinstance(one, ModelUnavailable)]
    assert (kinds.count("timeout"), kinds.count("code")) == (64, 6)
    hanging = [one for one in threading.enumerate() if one.name == "evalbot-code"]
    assert len(hanging) >= 64


RUNNABLES = """
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

USAGE = {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}
CALLS = [{"name": "mail", "args": {"to": "a"}, "id": "1"}]
chain = RunnableLambda(lambda messages: AIMessage(f"{len(messages)} {messages[-1].text}", usage_metadata=USAGE))
words = RunnableLambda(lambda prompt: prompt.upper())
fields = RunnableLambda(lambda values: {"result": {"answer": [values["days"], values["item_id"]]}})
agent = RunnableLambda(lambda state: {"messages": [*state["messages"], AIMessage("", tool_calls=CALLS)]})
broken = RunnableLambda(lambda messages: 1 / 0)
plain = len
"""


@pytest.fixture
def runnables(tmp_path: Path) -> Path:
    """A module of runnables in the project."""
    path = tmp_path / "chains.py"
    path.write_text(RUNNABLES, encoding="utf-8")
    return path


async def test_a_runnable_is_a_target(open_code: Open, runnables: Path) -> None:
    """It takes messages, the prompt, the variables or an agent's state, and answers with a message, a text or a mapping."""
    chain = await open_code("chains:chain", "langchain", deadline_s=30, system="Be brief.").ask(QUESTION)
    assert (chain.text, chain.usage.input_tokens, chain.usage.output_tokens) == ("4 please", 2, 3)
    assert (await open_code("chains:words", "langchain", takes="text").ask(QUESTION)).text == "PLEASE"
    fields = open_code("chains:fields", "langchain", takes="vars", output="result.answer")
    assert (await fields.ask(QUESTION)).text == '[20, "i1"]'
    agent = await open_code("chains:agent", "langchain", takes="state").ask(QUESTION)
    assert find_tool_calls(agent.text) == [ToolCall("mail", {"to": "a"})]


@pytest.mark.parametrize(
    ("name", "config", "kind"),
    [
        ("chains:broken", {}, "code"),
        ("chains:plain", {}, "code"),
        ("chains:missing", {}, "code"),
        ("chains:chain", {"takes": "nothing"}, "bad_request"),
        ("chains:chain", {"temperature": 1}, "bad_request"),
        ("chains:fields", {"takes": "vars", "output": "other"}, "bad_reply"),
        ("chains:fields", {"takes": "vars", "output": "(("}, "bad_reply"),
    ],
)
async def test_what_is_wrong_with_a_runnable_is_a_failure(
    open_code: Open, runnables: Path, name: str, config: dict[str, Any], kind: str
) -> None:
    """Each fault has its kind."""
    assert (await failure_of(open_code(name, "langchain", deadline_s=30, **config))).kind == kind
