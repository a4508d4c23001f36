"""The command that is the bot."""

from __future__ import annotations

import typer

from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import complain, wait_for
from evalbot.logs import start_logging
from evalbot.serving import Bot
from evalbot.serving import serve as serve_bot
from evalbot.settings import load_settings

app = typer.Typer()


@app.command()
def serve() -> None:
    """Be the bot of a real Slack workspace. Example: SLACK_BOT_TOKEN=xoxb-... SLACK_APP_TOKEN=xapp-... evalbot serve"""
    settings = load_settings()
    start_logging(settings.log_level, settings.log_format)
    for run in wait_for(serve_bot(settings, _ready)):
        told = f"Run {run.number} of {run.suite} is paused and goes on by itself at the next start."
        error_console().print(told, markup=False, highlight=False, soft_wrap=True)


def _ready(bot: Bot) -> None:
    """Say where the bot listens, and what is wrong with the files of its project."""
    where = f"listening on {bot.url}" if bot.url else "connected by Socket Mode"
    for problem in bot.program.project.problems:
        complain(str(problem))
    error_console().print(f"evalbot is {where}; {len(bot.program.project.suites)} suites.", highlight=False)
