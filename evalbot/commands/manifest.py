"""The command that prints what a Slack app is made from."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.settings import load_settings
from evalbot.slack.manifest import build_manifest, read_request_url, write_manifest

app = typer.Typer()


@app.command()
def manifest(
    url: Annotated[
        str, typer.Option("--url", help="Public https address of the bot; without it the app uses Socket Mode.")
    ] = "",
) -> None:
    """Print the manifest to make the Slack app from. Example: evalbot manifest --url https://evalbot.example.com"""
    made = build_manifest(load_settings().command, read_request_url(url) if url else "")
    typer.echo(write_manifest(made), nl=False)
