"""The words of the command line: help, mistakes in them, and ends that nobody asked for."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evalbot import __version__
from evalbot.commands.catalogue import COMMANDS, load
from tests.integration.cli.cli_world import Said, clean_environment, finish, one_sentence, start

HEAVY = ("aiohttp", "langchain", "langchain_core", "matplotlib", "numpy", "openai", "scipy", "slack_bolt", "sqlalchemy")

PROBE = """
import json, sys
from evalbot.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
sys.stderr.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def probe(*arguments: str, cwd: Path) -> tuple[int, list[str]]:
    """Run the command line in a process of its own; gives the exit code and the modules that were loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=True,
        env=clean_environment(),
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return code, loaded


def heavy(*arguments: str, cwd: Path) -> tuple[int, list[str]]:
    """Give the exit code of a command line, and which heavy packages it loaded."""
    code, loaded = probe(*arguments, cwd=cwd)
    return code, [name for name in HEAVY if name in loaded]


def imported(*arguments: str, cwd: Path) -> set[str]:
    """Give the modules of commands that a command line imported."""
    _, loaded = probe(*arguments, cwd=cwd)
    return {module for module, _ in COMMANDS.values() if f"evalbot.commands.{module}" in loaded}


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`--help` imports no model, chart, number or database package."""
    assert heavy("--help", cwd=tmp_path) == (0, [])


def test_lint_loads_nothing_heavy(project: Path) -> None:
    """Checking files needs no database, no numbers and no Slack."""
    (project / "suites" / "tiny.yaml").write_text("name: tiny\nitems: [{input: 'How many?', reference: '2'}]\n")
    assert heavy("lint", cwd=project) == (0, [])


def commands(said: Said) -> list[str]:
    """Give the names of the commands in a help text."""
    return re.findall(r"^  ([a-z]+) ", said.out.partition("Commands:")[2], re.MULTILINE)


def test_every_command_has_help_with_an_example(evalbot: Callable[..., Said]) -> None:
    """Each command's help says how it is used, with an example, on standard output."""
    names = [[name] for name in commands(evalbot("--help"))]
    names += [[*group, name] for group in names for name in commands(evalbot(*group, "--help"))]
    assert names == [["version"], *([name] for name in COMMANDS), ["db", "upgrade"]]
    for name in names:
        said = evalbot(*name, "--help")
        assert (said.code, said.err) == (0, ""), name
        assert said.out.startswith(f"Usage: evalbot {' '.join(name)}")
        example = re.search(r"Example: (?:[A-Z_]+=\S+ )*evalbot", " ".join(said.out.split()))
        assert example or "Commands:" in said.out, name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_catalogue_says_what_the_commands_say(name: str) -> None:
    """The module of every command is there, and the line of the catalogue is the first sentence of the command's help."""
    module, line = COMMANDS[name]
    first, _, example = str(load(name, module).help).splitlines()[0].partition(" Example: ")
    assert line == first
    assert bool(example) == (name != "db"), "every command shows an example, a group of commands none"


def test_a_command_is_imported_when_it_is_called(tmp_path: Path) -> None:
    """A start imports the module of the command that was called, and of no other; a wrong word imports none."""
    assert [imported(*words, cwd=tmp_path) for words in ([], ["--help"], ["rnu"], ["version"])] == [set()] * 4
    assert imported("schema", "suite", cwd=tmp_path) == imported("schema", "--help", cwd=tmp_path) == {"schema"}


def test_version_is_printed(evalbot: Callable[..., Said]) -> None:
    """The option and the command print the same line."""
    assert evalbot("--version") == evalbot("version") == Said(0, f"evalbot {__version__}\n", "")


@pytest.mark.parametrize("words", [[], ["db"]])
def test_no_command_shows_the_commands(evalbot: Callable[..., Said], words: list[str]) -> None:
    """Without a command the help goes to standard error, and that is a mistake in usage."""
    said = evalbot(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: evalbot")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("frobnicate", "frobnicate"),
        ("rnu", "Did you mean 'run'"),
        ("db upgrad", "Did you mean 'upgrade'"),
        ("--frobnicate", "--frobnicate"),
        ("run", "suite"),
        ("run x --limti 3", "--limit"),
        ("run x --limit many", "--limit"),
        ("run x --concurrency", "--concurrency"),
        ("import rows.jsonl", "--suite"),
        ("import nowhere.jsonl --suite x", "nowhere.jsonl"),
        ("lint nowhere", "nowhere"),
        ("schema sute", "suite"),
        ("playground --port 70000", "--port"),
        ("serve", "SLACK_BOT_TOKEN"),
        ("version now", "now"),
    ],
)
def test_mistakes_in_words_get_one_sentence(evalbot: Callable[..., Said], words: str, named: str) -> None:
    """A word that is not understood is answered on standard error by one sentence that names it; the exit code is 2."""
    said = evalbot(*words.split())
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert named in said.err


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("EVALBOT_PORT", "many", "port"),
        ("EVALBOT_PROJECT", "/nowhere/at/all", "EVALBOT_PROJECT"),
        ("EVALBOT_ASSETS", "/nowhere/at/all", "EVALBOT_ASSETS"),
    ],
)
def test_wrong_settings_get_one_sentence(
    evalbot: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    """A setting that cannot be used stops the command with its name."""
    monkeypatch.setenv(name, value)
    said = evalbot("lint")
    assert (said.code, said.out) == (2, "")
    assert one_sentence(said.err), said.err
    assert named in said.err


@pytest.mark.parametrize(
    ("url", "code", "named"),
    [
        ("nonsense", 2, "database URL"),
        ("mysql://host/name", 2, "mysql"),
        ("sqlite:////proc/none/evalbot.db", 2, "folder of the database"),
        ("sqlite:///suites", 4, "cannot be opened"),
    ],
)
def test_wrong_database_gets_one_sentence(
    evalbot: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, url: str, code: int, named: str
) -> None:
    """A database that cannot be had is told in one sentence."""
    monkeypatch.setenv("EVALBOT_DATABASE_URL", url)
    said = evalbot("db", "upgrade")
    assert (said.code, said.out) == (code, "")
    assert one_sentence(said.err), said.err
    assert named in said.err
    assert not [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


def test_a_bug_is_called_a_bug(
    evalbot: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw ends with exit code 1, a sentence for the person and a traceback in the log."""

    def stumble(folder: Path | None) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr("evalbot.commands.lint.check_project", stumble)
    with caplog.at_level(logging.ERROR):
        said = evalbot("lint")
    assert (said.code, said.out) == (1, "")
    assert "bug in evalbot" in said.err
    assert "ZeroDivisionError: unforeseen" in caplog.text


@pytest.mark.parametrize("words", [["--help"], ["schema", "suite"], ["lint"]])
def test_a_closed_pipe_is_quiet(project: Path, words: list[str]) -> None:
    """When whoever reads the output has gone, the command ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    child = start(*words, stdout=writing)
    os.close(writing)
    said = finish(child)
    assert (said.code, said.err) == (0, "")


def test_a_full_disk_is_told(project: Path) -> None:
    """Output that cannot be written is no bug."""
    with Path("/dev/full").open("w") as full:
        said = finish(start("version", stdout=full))
    assert said.code == 1
    assert one_sentence(said.err), said.err
    assert "No space left" in said.err
