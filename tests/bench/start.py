"""What a start costs: processor time and memory of short commands, and of `evalbot run` up to its first request.

Run `python -m tests.bench.start` (half a minute), with `--times 9` for steadier figures. Every row is a process of its own, in a
project with two stored runs of 200 answers. Beside it stand an empty interpreter and a program that only imports the packages
without which a command of that kind cannot be: those are what evalbot adds to. Bytecode is compiled beforehand, as an installer
does it. Of several times the least counts; figures of a busy machine are larger, the ratios much less so. A peak below that of
the bench itself, about 25 MB, does not show.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
ITEMS = 200
EMPTY = "empty interpreter"
BARE_READING = "bare imports for reading"
BARE_RUNNING = "bare imports for a run"
READING = (
    "import asyncio, numpy, pydantic_settings, rich.console, rich.table, sqlalchemy, sqlalchemy.dialects.sqlite, typer"
)
RUNNING = f"{READING}, aiohttp, aiosqlite, jinja2.sandbox, openai, sqlalchemy.ext.asyncio, yaml"
ASK = ("run", "sums", "-t", "openai:anything", "-n", "1", "-q")


@dataclass(frozen=True, slots=True)
class Row:
    """A program to measure, what it stands beside, and the most processor time it should take, if that was settled."""

    name: str
    arguments: Sequence[str]
    beside: str = EMPTY
    target_s: float | None = None
    to_first_request: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took."""

    cpu_s: float
    peak_mb: float


def command(name: str, *, target_s: float, beside: str = BARE_READING) -> Row:
    """Give the row of a command."""
    return Row(f"evalbot {name}", ("-m", "evalbot.cli", *name.split()), beside, target_s)


ROWS = (
    Row(EMPTY, ("-c", "pass")),
    Row(BARE_READING, ("-c", READING)),
    Row(BARE_RUNNING, ("-c", RUNNING)),
    command("--version", target_s=0.3, beside=EMPTY),
    command("--help", target_s=0.3, beside=EMPTY),
    command("runs", target_s=0.8),
    command("show latest", target_s=0.8),
    command("compare 1 2", target_s=0.8),
    command("explain latest", target_s=0.8),
    command("report latest --to json -o report.json", target_s=0.8),
    command("report latest --to html -o report.html", target_s=0.8),
    Row("evalbot run, to its first request", ("-m", "evalbot.cli", *ASK), BARE_RUNNING, 2.0, to_first_request=True),
)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="measure so often and keep what took the least CPU")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evalbot-bench-") as folder, chdir(folder), endpoint() as stub:
        place = Path(folder)
        write_project(place)
        environment = environment_of(place, stub)
        for _ in range(2):
            start(("-m", "evalbot.cli", "run", "sums", "-t", "openai:anything", "-q"), place, environment, stub)
        for row in ROWS:
            measure(row, place, environment, stub)  # compiles what is not compiled yet
        found = {row.name: least(row, place, environment, stub, chosen.times) for row in ROWS}
    console = Console(width=120)
    console.print(table_of(found))
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {ITEMS} answers in each stored run.")


def table_of(found: Mapping[str, Cost]) -> Table:
    """Give the table of what was measured."""
    table = Table("start of", "CPU s", "above empty", "x beside", "peak MB", "MB above", "target s", "beside")
    for row in ROWS:
        cost, beside = found[row.name], found[row.beside]
        table.add_row(
            row.name,
            f"{cost.cpu_s:.3f}",
            f"{cost.cpu_s - found[EMPTY].cpu_s:.3f}",
            f"{cost.cpu_s / beside.cpu_s:.2f}",
            f"{cost.peak_mb:.0f}",
            f"{cost.peak_mb - beside.peak_mb:.0f}",
            f"{row.target_s:.1f}" if row.target_s else "",
            row.beside,
        )
    return table


def least(row: Row, place: Path, environment: Mapping[str, str], stub: Endpoint, times: int) -> Cost:
    """Measure a row several times and keep the least of each figure."""
    costs = [measure(row, place, environment, stub) for _ in range(times)]
    return Cost(min(cost.cpu_s for cost in costs), min(cost.peak_mb for cost in costs))


def measure(row: Row, place: Path, environment: Mapping[str, str], stub: Endpoint) -> Cost:
    """Run a program to its end; gives what it took, to the end or up to its first request."""
    whole = start(row.arguments, place, environment, stub)
    if not row.to_first_request:
        return whole
    return stub.first or sys.exit(f"{row.name} asked nothing.")


def start(arguments: Sequence[str], place: Path, environment: Mapping[str, str], stub: Endpoint) -> Cost:
    """Run a program to its end and give what it took."""
    said = place / "said.txt"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 1, str(said), flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    with stub.lock:  # a program that asks at once waits until it is known
        stub.asker = os.posix_spawn(sys.executable, [sys.executable, *arguments], environment, file_actions=files)
        stub.first = None
    _, status, used = os.wait4(stub.asker, 0)
    if status:
        sys.exit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}:\n{said.read_text()[-3000:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def cost_of(process: int) -> Cost:
    """Give what a process that runs has taken so far."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return Cost(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), peak_kb / 1024)


@dataclass
class Endpoint:
    """An endpoint of a model in this process; `first` is what the asker had taken when its first request came."""

    asker: int = 0
    url: str = ""
    first: Cost | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def came(self) -> None:
        """Look at the asker once."""
        with self.lock:
            if self.first is None:
                self.first = cost_of(self.asker)


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve the endpoint; it answers every question with the number at its end."""
    found = Endpoint()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.came()
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = asked["messages"][-1]["content"].rstrip(".").split()[-1]
            message = {"role": "assistant", "content": answer}
            usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    found.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def environment_of(place: Path, stub: Endpoint) -> dict[str, str]:
    """Give the environment of the programs: only their own settings, and bytecode kept in the project's folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVALBOT_", "SLACK_", "PYTHON"))}
    kept |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)}
    return kept | {"PYTHONPYCACHEPREFIX": str(place / "bytecode")}


def write_project(folder: Path) -> None:
    """Write a project with one suite of sums."""
    (folder / "suites" / "items").mkdir(parents=True)
    text = "name: sums\nitems: [file://items/sums.jsonl]\ndefaults: {graders: [{type: equals}]}\n"
    (folder / "suites" / "sums.yaml").write_text(text)
    lines = (json.dumps({"id": f"i{n}", "input": f"Say the number {n}.", "reference": str(n)}) for n in range(ITEMS))
    (folder / "suites" / "items" / "sums.jsonl").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
