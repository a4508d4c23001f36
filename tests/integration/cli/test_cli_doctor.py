"""`evalbot doctor`, `db` and `schema`: what is there, what is missing, what is wrong."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from evalbot.playground.server import Playground
from evalbot.store.revisions import REVISIONS
from tests.integration.cli.cli_world import ROOT, ChatServer, Said, one_sentence

Call = Callable[..., Said]


def states(said: Said) -> dict[str, str]:
    """Give what doctor found, by name."""
    return {check["name"]: check["state"] for check in said.json["checks"]}


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch, project: Path) -> AsyncIterator[Playground]:
    """A simulated Slack whose address and tokens are set."""
    async with Playground() as playground:
        monkeypatch.setenv("SLACK_API_URL", playground.environment()["api_url"])
        monkeypatch.setenv("SLACK_BOT_TOKEN", playground.environment()["bot_token"])
        monkeypatch.setenv("SLACK_APP_TOKEN", playground.environment()["app_token"])
        yield playground


def test_what_is_not_needed_is_missing_and_nothing_is_made(evalbot: Call, project: Path) -> None:
    """In an empty folder nothing is wrong: what is not there is told, and not made either."""
    (project / "evalbot.db").unlink()
    said = evalbot("doctor", "--json")
    assert (said.code, said.err) == (0, "")
    assert states(said) == {"project": "missing", "database": "missing", "slack": "missing", "models": "missing"}
    assert sorted(path.name for path in project.iterdir()) == ["suites"]


async def test_all_is_well(evalbot: Call, project: Path, chat: ChatServer, slack: Playground) -> None:
    """With suites, a database, Slack and a model server everything is ok, in words and in JSON."""
    (project / "suites" / "good.yaml").write_text("name: good\nitems: [{input: 'How many?', reference: '2'}]\n")
    said = await asyncio.to_thread(evalbot, "doctor", "--json")
    assert (said.code, said.err) == (0, "")
    assert set(states(said).values()) == {"ok"}, said.out
    printed = await asyncio.to_thread(evalbot, "doctor")
    assert [line.split()[0] for line in printed.out.splitlines()] == ["ok"] * 4
    assert "Socket Mode" in printed.out


async def test_what_is_wrong_is_named(
    evalbot: Call, project: Path, chat: ChatServer, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused token, key, file and a newer database are each told with what to do; no token is shown."""
    (project / "suites" / "bad.yaml").write_text("name: bad\nitmes: []\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary-1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-2")
    set_schema(project, "9999")
    said = await asyncio.to_thread(evalbot, "doctor", "--json")
    assert said.code == 2
    assert set(states(said).values()) == {"wrong"}, said.out
    text = {check["name"]: check["text"] for check in said.json["checks"]}
    assert "suites/bad.yaml:2" in text["project"]
    assert "newer" in text["database"]
    assert "SLACK_BOT_TOKEN" in text["slack"]
    assert "OPENAI_API_KEY" in text["models"]
    assert "canary" not in said.out + said.err


def test_what_is_away_is_named(evalbot: Call, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that cannot be reached are wrong, in a sentence each."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:9/api/")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    assert states(evalbot("doctor", "--json"))["slack"] == "wrong"
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "secret")
    said = evalbot("doctor", "--json")
    assert said.code == 2
    assert (states(said)["slack"], states(said)["models"]) == ("wrong", "wrong")
    assert "reached" in said.out


def set_schema(project: Path, revision: str) -> None:
    """Give the database the mark of a schema."""
    with closing(sqlite3.connect(project / "evalbot.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()


def test_upgrade_makes_a_database_and_leaves_a_good_one_alone(evalbot: Call, project: Path) -> None:
    """`db upgrade` brings an absent database to the newest schema; again, it changes nothing."""
    (project / "evalbot.db").unlink()
    for _ in range(2):
        said = evalbot("db", "upgrade")
        assert (said.code, said.out, said.err) == (0, "The database is up to date.\n", "")
    with closing(sqlite3.connect(project / "evalbot.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]


@pytest.mark.parametrize("words", [("db", "upgrade"), ("run", "sums", "-t", "echo")])
def test_a_newer_database_is_refused_in_one_line(evalbot: Call, project: Path, words: tuple[str, ...]) -> None:
    """A database of a later version is left alone by every command."""
    set_schema(project, "9999")
    said = evalbot(*words)
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert "newer" in said.err


def test_a_file_that_is_no_database_is_refused_in_one_line(evalbot: Call, project: Path) -> None:
    """Something else under the database's name is not touched."""
    (project / "evalbot.db").write_bytes(b"These are my notes, not a database. " * 99)
    said = evalbot("db", "upgrade")
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert (project / "evalbot.db").read_bytes().startswith(b"These are my notes")


def front_matter(path: Path) -> Any:
    """Give the front matter of a prompt file, None where it has none."""
    _, marked, rest = path.read_text("utf-8").partition("---\n")
    return yaml.safe_load(rest.partition("---\n")[0]) if marked else None


def shipped(kind: str) -> dict[str, Any]:
    """Give the shipped files of a kind as plain data."""
    found: dict[str, Any] = {}
    match kind:
        case "suite" | "items":
            found = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in ROOT.glob("prompts/suites/*.yaml")}
        case "rubric":
            found = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in ROOT.glob("rubrics/*.yaml")}
        case "prompt":
            found = {path.name: front_matter(path) for path in ROOT.glob("prompts/**/*.md")}
    if kind == "items":
        return {f"{name}: {item['id']}": item for name, suite in found.items() for item in suite["items"]}
    return {name: data for name, data in found.items() if data is not None}


@pytest.mark.parametrize(("kind", "least"), [("suite", 3), ("rubric", 4), ("prompt", 4), ("items", 50)])
def test_schemas_fit_the_shipped_files(evalbot: Call, kind: str, least: int) -> None:
    """The printed schema takes every shipped file of its kind, and none with a key that is misspelt."""
    said = evalbot("schema", kind)
    assert (said.code, said.err) == (0, "")
    check = Draft202012Validator(said.json)
    files = shipped(kind)
    assert len(files) >= least
    for name, data in files.items():
        assert [error.message for error in check.iter_errors(data)] == [], name
        assert list(check.iter_errors({**data, "namme": 1})), name
