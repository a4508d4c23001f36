"""Commands that start a program or look after one: demo, serve, manifest, doctor, db, playground."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from evalbot.commands.speaking import (
    INTERNAL,
    USAGE,
    JsonOption,
    PortOption,
    complain,
    error_console,
    output_console,
    wait_for,
    want_command,
)
from evalbot.errors import BadRequest

app = typer.Typer()


database = typer.Typer(help="Look after the database.")


@database.callback(invoke_without_command=True)
def enter_database(context: typer.Context) -> None:
    """Look after the database."""
    want_command(context)


@app.command()
def demo(
    script: Annotated[
        bool, typer.Option("--script", help="No browser: pretend people do the whole story, printed step by step.")
    ] = False,
    port: PortOption = 0,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Try everything on this machine, without keys or Slack. Example: evalbot demo"""
    from evalbot.demo.script import play_script
    from evalbot.demo.show import show_demo

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    if script:
        if not wait_for(play_script(output_console(), port)):
            raise typer.Exit(INTERNAL)
        return
    wait_for(show_demo(output_console(), port, open_page))


@app.command()
def serve() -> None:
    """Be the bot of a real Slack workspace. Example: SLACK_BOT_TOKEN=xoxb-... SLACK_APP_TOKEN=xapp-... evalbot serve"""
    from evalbot.logs import start_logging
    from evalbot.serving import Bot
    from evalbot.serving import serve as serve_bot
    from evalbot.settings import load_settings

    settings = load_settings()
    start_logging(settings.log_level, settings.log_format)

    def ready(bot: Bot) -> None:
        where = f"listening on {bot.url}" if bot.url else "connected by Socket Mode"
        for problem in bot.program.project.problems:
            complain(str(problem))
        error_console().print(f"evalbot is {where}; {len(bot.program.project.suites)} suites.", highlight=False)

    for run in wait_for(serve_bot(settings, ready)):
        told = f"Run {run.number} of {run.suite} is paused and goes on by itself at the next start."
        error_console().print(told, markup=False, highlight=False, soft_wrap=True)


@app.command()
def manifest(
    url: Annotated[
        str, typer.Option("--url", help="Public https address of the bot; without it the app uses Socket Mode.")
    ] = "",
) -> None:
    """Print the manifest to make the Slack app from. Example: evalbot manifest --url https://evalbot.example.com"""
    from evalbot.settings import load_settings
    from evalbot.slack.manifest import build_manifest, read_request_url, write_manifest

    made = build_manifest(load_settings().command, read_request_url(url) if url else "")
    typer.echo(write_manifest(made), nl=False)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check tokens, scopes, database, project and models. Example: evalbot doctor"""
    from evalbot.settings import load_settings
    from evalbot.terminal.doctor import examine
    from evalbot.terminal.printing import print_checks

    findings = wait_for(examine(load_settings()))
    print_checks(output_console(), findings, as_json)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(USAGE)


@database.command(name="upgrade")
def upgrade_database() -> None:
    """Bring the database to this version's schema; done at every start too. Example: evalbot db upgrade"""
    from evalbot.app import open_store
    from evalbot.settings import load_settings

    async def upgrade() -> None:
        async with open_store(load_settings()):
            """Opening it is what brings it up to date."""

    wait_for(upgrade())
    typer.echo("The database is up to date.")


@app.command()
def playground(
    port: PortOption = 0,
    no_rate_limits: Annotated[
        bool, typer.Option("--no-rate-limits", help="Let the app call as often as it likes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run only the simulated Slack, for any Bolt app, and print the environment to use. Example: evalbot playground --port 8080"""
    from evalbot.playground.server import serve as serve_playground
    from evalbot.terminal.printing import print_environment

    try:
        wait_for(
            serve_playground(port, not no_rate_limits, lambda ready: print_environment(ready.environment(), as_json))
        )
    except OSError as error:
        raise BadRequest(f"Port {port} cannot be used: {error.strerror}.", "Choose another one with --port.") from None
