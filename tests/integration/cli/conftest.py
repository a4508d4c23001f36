"""A clean project folder with settings of its own, and evalbot called inside this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalbot.cli import main
from tests.integration.cli.cli_world import KEY, ChatServer, Reply, Said, clean_environment, serving

Call = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder that is the working folder, with a migrated database and no other settings."""
    folder = tmp_path / "project"
    (folder / "suites").mkdir(parents=True)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    (folder / "evalbot.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def evalbot(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line inside this process, in the project folder."""

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["evalbot", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A model server to which openai: targets go; it answers 42 until it is told otherwise."""
    with serving(lambda question: Reply("A: 42")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield server
