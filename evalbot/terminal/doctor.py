"""The doctor: is everything there that evalbot needs, and does it answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import aiohttp

from evalbot.app import database_file, open_jobs, open_store
from evalbot.errors import EvalbotError
from evalbot.library.assets import assets_folder
from evalbot.library.project import load_project
from evalbot.serving import identify, slack_client
from evalbot.settings import Settings, project_folder
from evalbot.store import runs, workspaces
from evalbot.store.database import Store

State = Literal["ok", "missing", "wrong"]
TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ok, missing (fine when it is not needed) or wrong."""

    name: str
    state: State
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is changed. The database is opened without being migrated."""
    looks = {"project": _project, "database": _database, "slack": _slack, "models": _models}
    if settings.engine == "procrastinate":
        looks["workers"] = _workers
    return [await _guarded(name, partial(look, settings)) for name, look in looks.items()]


async def _guarded(name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """Look at one thing; an error that explains itself is the finding."""
    try:
        return await look()
    except EvalbotError as error:
        return Finding(name, "wrong", str(error))


async def _project(settings: Settings) -> Finding:
    """Look at the project's files."""
    shipped = assets_folder(settings.assets)
    folder = project_folder(settings, shipped)
    loaded = load_project(folder, shipped)
    if loaded.problems:
        return Finding(
            "project",
            "wrong",
            f"{len(loaded.problems)} files are refused; run evalbot lint. First: {loaded.problems[0]}",
        )
    if not loaded.suites:
        return Finding("project", "missing", f"{folder} holds no suite. Put one into its folder suites.")
    return Finding("project", "ok", f"{folder}: {len(loaded.suites)} suites")


async def _database(settings: Settings) -> Finding:
    """Look at the database; one that is not there yet is not made."""
    file = database_file(settings.database_url)
    if file is not None and not file.exists():
        return Finding("database", "missing", f"There is no {file} yet; the first run makes it.")

    async def count(store: Store) -> str:
        team = await store.read(workspaces.home_team)
        newest = await store.read(lambda tx: runs.list_runs(tx, team, limit=1))
        return f"newest run {newest[0].number}" if newest else "no runs yet"

    async with open_store(settings, migrate=False) as store:
        return Finding("database", "ok", await count(store))


async def _workers(settings: Settings) -> Finding:
    """Look at who carries runs out, and at what waits for them."""
    async with open_store(settings, migrate=False), open_jobs(settings) as queue:
        there = await queue.workers(2 * settings.worker_stall_s)
        waiting = [one for one in await queue.depth() if (one.queue, one.state) == ("shards", "todo")]
    waits = f"{waiting[0].jobs} shards wait, the oldest for {waiting[0].oldest_s:.0f} s" if waiting else "nothing waits"
    if there:
        return Finding("workers", "ok", f"{there} at work; {waits}")
    return Finding("workers", "missing", f"None shows life; {waits}. Start one with evalbot worker.")


async def _slack(settings: Settings) -> Finding:
    """Ask Slack who we are."""
    if settings.slack_bot_token is None:
        return Finding("slack", "missing", "SLACK_BOT_TOKEN is not set; needed for serve only.")
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        return Finding("slack", "wrong", "Set SLACK_APP_TOKEN for Socket Mode or SLACK_SIGNING_SECRET for HTTP.")
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        identity = await identify(slack_client(settings, session))
    mode = "Socket Mode" if settings.slack_app_token else "HTTP"
    return Finding("slack", "ok", f"team {identity.team}, bot {identity.bot_user}, {mode}")


async def _models(settings: Settings) -> Finding:
    """Ask the OpenAI-compatible endpoint for its models."""
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return Finding(
            "models", "missing", "Neither OPENAI_API_KEY nor OPENAI_BASE_URL is set; needed for openai: targets only."
        )
    base = settings.openai_base_url or "https://api.openai.com/v1"
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(f"{base.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"}) as answer,
        ):
            if answer.status != 200:
                return Finding(
                    "models",
                    "wrong",
                    f"The endpoint answered {answer.status}. Check OPENAI_BASE_URL and OPENAI_API_KEY.",
                )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Finding(
            "models", "wrong", f"The endpoint cannot be reached ({type(error).__name__}). Check OPENAI_BASE_URL."
        )
    return Finding("models", "ok", "the endpoint answers")
