"""The consoles that commands print on."""

from __future__ import annotations

from rich.console import Console


def error_console(quiet: bool = False) -> Console:
    """Give the console on standard error."""
    return Console(stderr=True, quiet=quiet)


def output_console() -> Console:
    """Give the console on standard output."""
    return Console()
