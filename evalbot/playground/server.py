"""The playground server: the simulated Slack, its page and its control door, on one port of this machine.

`python -m evalbot.playground.server --port 8765` runs it until SIGTERM, or until stdin closes; when ready it prints one
line of JSON with the environment an app needs.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

import uvicorn

from evalbot.playground.clock import Clock
from evalbot.playground.doors import LocalDoor
from evalbot.playground.driver import Driver
from evalbot.playground.emulation import build_emulation
from evalbot.playground.faults import Faults
from evalbot.playground.http_doors import HttpDoors
from evalbot.playground.installed_app import (
    CLIENT_ID,
    DEFAULT_COMMANDS,
    DEFAULT_EVENTS,
    DEFAULT_SCOPES,
    DEFAULT_SHORTCUTS,
    Command,
    InstalledApp,
    Shortcut,
)
from evalbot.playground.transport import ACK_SECONDS
from evalbot.playground.troubles import describe_installation
from evalbot.playground.violations import Violation

HOST = "127.0.0.1"


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals alone and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Tick as uvicorn does, and end at once when told to."""
        ticks = 0
        while not self.ending.is_set() and not await self.on_tick(ticks):
            ticks = (ticks + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self.ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Playground:
    """A simulated Slack workspace on this machine. Use it with `async with`, or start() and stop().

    port 0 takes any free port. rate_limits False switches them off. commands and shortcuts are those of the app;
    scopes and events default to what evalbot needs. ack_seconds: how long the app may take to acknowledge; Slack's three
    seconds unless a test is in a hurry. features: further fields of InstalledApp, such as is_agent, rotates or unfurl_domains.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        rate_limits: bool = True,
        commands: Iterable[Command] | None = None,
        shortcuts: Iterable[Shortcut] | None = None,
        scopes: Iterable[str] | None = None,
        events: Iterable[str] | None = None,
        ack_seconds: float = ACK_SECONDS,
        features: Mapping[str, Any] | None = None,
    ) -> None:
        """Build the workspace; nothing listens before start()."""
        app = InstalledApp(
            commands=tuple(DEFAULT_COMMANDS if commands is None else commands),
            shortcuts=tuple(DEFAULT_SHORTCUTS if shortcuts is None else shortcuts),
            scopes=tuple(DEFAULT_SCOPES if scopes is None else scopes),
            events=tuple(DEFAULT_EVENTS if events is None else events),
            **(features or {}),
        )
        self.emulation = build_emulation(Clock(), app, ack_seconds)
        self.emulation.rates.enabled = rate_limits
        self._port = port
        self._server: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    # --- the environment of an app -----------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """Where the server answers, without a slash at the end."""
        return self.emulation.base_url

    @property
    def api_url(self) -> str:
        """The base_url for slack_sdk clients."""
        return f"{self.base_url}/api/"

    @property
    def page_url(self) -> str:
        """The page for people; add ?person=dana to act as somebody."""
        return f"{self.base_url}/"

    @property
    def bot_token(self) -> str:
        """The token of the bot."""
        return self.emulation.app.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token for Socket Mode."""
        return self.emulation.app.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that signs requests in HTTP mode."""
        return self.emulation.app.signing_secret

    @property
    def client_id(self) -> str:
        """The public name of the app for OAuth."""
        return CLIENT_ID

    @property
    def client_secret(self) -> str:
        """The secret of the app for OAuth."""
        return self.emulation.app.client_secret

    def oauth_code(self, person: str, redirect_uri: str = "") -> str:
        """Return the code that an app gets when this person lets it into their workspace."""
        emu = next(one for one in self.emulation.all() if one.space.find_person(person))
        found = emu.space.find_person(person)
        assert found is not None
        return emu.shared.installations.make_code(emu.space.id, found.id, redirect_uri)

    @property
    def channels(self) -> dict[str, str]:
        """Channel ids by name, direct messages left out."""
        return {one.name: one.id for one in self.emulation.space.channels.values() if one.name}

    @property
    def users(self) -> dict[str, str]:
        """User ids by name, the bot among them."""
        return {one.name: one.id for one in self.emulation.space.people.values()}

    def environment(self) -> dict[str, Any]:
        """Return all of the above as plain data."""
        names = ("api_url", "page_url", "bot_token", "app_token", "signing_secret", "channels", "users")
        return {name: getattr(self, name) for name in names}

    # --- troubles and checks -----------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The movable clock."""
        return self.emulation.clock

    @property
    def faults(self) -> Faults:
        """The troubles that can be switched on."""
        return self.emulation.faults

    def violations(self, *kinds: str) -> list[Violation]:
        """Return what the app did wrong so far, of these kinds or all."""
        return self.emulation.violations.of(*kinds)

    @property
    def request_url(self) -> str:
        """Where the app takes requests in HTTP mode; "" means Socket Mode."""
        return self.emulation.delivery.http.url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self.emulation.delivery.http.url = url

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every socket to go: warning, refresh_requested or link_disabled."""
        await self.emulation.delivery.sockets.disconnect(reason)

    async def wait_connected(self, timeout: float = 5.0) -> None:
        """Wait until the app has a socket open."""
        async with asyncio.timeout(timeout):
            await self.emulation.delivery.sockets.wait_connected()

    def driver(self, person: str) -> Driver:
        """Return somebody to act as, by name, real name or id."""
        return Driver(LocalDoor(self.emulation.of_person(person)), person)

    def install_elsewhere(self) -> dict[str, Any]:
        """Let the second workspace (Globex) install the app too; return its team_id, bot_token, channels and users."""
        elsewhere = self.emulation.neighbours()[0]
        elsewhere.install()
        return describe_installation(elsewhere)

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen on the port; raises OSError when it is taken."""
        # The protocol is named because asyncio switches Nagle's delays off only for sockets that name it.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection; without it short answers wait for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((HOST, self._port))
        except OSError:
            listener.close()
            raise
        self.emulation.set_base_url(f"http://{HOST}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            HttpDoors(self.emulation).build(),
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            http="h11",
            ws="websockets-sansio",
            backlog=2048,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self.emulation.background.close()
        await self.emulation.delivery.close()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            self._server.ending.set()
            await self._serving

    async def __aenter__(self) -> "Playground":
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()


async def serve(
    port: int, rate_limits: bool, on_ready: Callable[[Playground], None], until: asyncio.Event | None = None
) -> None:
    """Run a playground until SIGINT or SIGTERM (or until the event); on_ready is called when it answers."""
    ending = until or asyncio.Event()
    loop = asyncio.get_running_loop()
    async with Playground(port, rate_limits=rate_limits) as playground:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
        on_ready(playground)
        await ending.wait()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _serve_child(port: int, rate_limits: bool) -> None:
    ending = asyncio.Event()
    watcher = asyncio.create_task(_end_with_stdin(ending))
    await serve(port, rate_limits, lambda playground: _say_ready(playground), ending)
    watcher.cancel()


def _say_ready(playground: Playground) -> None:
    sys.stdout.write(json.dumps(playground.environment()) + "\n")
    sys.stdout.flush()


async def _end_with_stdin(ending: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except ValueError:  # stdin is a plain file
        return
    while await reader.read(1024):
        continue
    ending.set()


def main(arguments: list[str] | None = None) -> None:
    """Run a playground as a child process."""
    parser = argparse.ArgumentParser(
        prog="python -m evalbot.playground.server", description="A simulated Slack workspace."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes any free one")
    parser.add_argument("--no-rate-limits", action="store_true", help="let the app call as often as it likes")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve_child(options.port, not options.no_rate_limits))
    except OSError as error:
        parser.exit(2, f"{parser.prog}: port {options.port} cannot be used: {error.strerror}\n")


if __name__ == "__main__":
    main()
