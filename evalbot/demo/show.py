"""The demo for a person: everything started, history made, first messages posted, the page opened."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
import webbrowser
from pathlib import Path

from rich.console import Console

from evalbot.demo.opening import open_demo
from evalbot.demo.scene import set_the_scene


async def show_demo(console: Console, port: int, open_page: bool) -> None:
    """Run the demo until it is interrupted."""
    began = time.monotonic()
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    with tempfile.TemporaryDirectory(prefix="evalbot-demo-") as folder:
        async with open_demo(console, port, Path(folder)) as demo:
            await set_the_scene(demo)
            console.print(f"First digest posted after {time.monotonic() - began:.0f} s.")
            console.print(f"Open [bold]{demo.stage.page_url}[/bold] (Ctrl+C ends the demo)", highlight=False)
            if open_page:
                webbrowser.open(demo.stage.page_url)
            await ending.wait()
