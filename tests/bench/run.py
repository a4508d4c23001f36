"""What a run costs: processor time, wall time, memory and disk of `evalbot run`, beside the bare client in the same minutes.

Run `python -m tests.bench.run` (1, 2,000 and 10,000 items, about four minutes), with `--large` 100,000 items too (ten minutes
more), with `--slow` answers that take 1 s. Every row is a process of its own against a stub of an endpoint in another one. The
floor is the client that evalbot asks through, in a bare loop that keeps nothing. Processor time is what counts: the wall depends
on who else uses the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import connect

from rich.console import Console
from rich.table import Table

STARTS = (("--help",), ("--version",), ("runs",), ("run", "sums", "-t", "openai:anything", "-n", "1"))
PROGRAMS = ("floor", "evalbot run", "runner")
IN_FLIGHT = 50
LATENCY_S = 0.1
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    items: int
    cpu_s: float
    wall_s: float
    memory_mb: float
    disk_kb: float = 0.0
    asked_mb: float = 0.0
    verdict_s: float = 0.0
    said: Mapping[str, float] = field(default_factory=dict)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,2000,10000", help="numbers of items, the first is the start alone")
    parser.add_argument("--large", action="store_true", help="measure the runner with 100,000 items too")
    parser.add_argument("--times", type=int, default=1, help="measure so often and keep what took the least CPU")
    parser.add_argument("--slow", action="store_true", help="measure answers that take 1 s too")
    chosen = parser.parse_args()
    sizes = [int(one) for one in chosen.sizes.split(",")]
    console = Console(width=130)
    with stub(LATENCY_S) as url:
        rows = {name: [least(name, n, url, chosen.times) for n in sizes] for name in PROGRAMS}
        if chosen.large:
            rows["runner"].append(measure("runner", 100_000, url))
        starts = {" ".join(words): run_alone([sys.executable, "-m", "evalbot.cli", *words], url) for words in STARTS}
        written = writes_us(url)
    show(console, rows, LATENCY_S)
    show_starts(console, starts, written)
    if chosen.slow:
        with stub(1.0) as url:
            slow = {name: [measure(name, n, url) for n in (1, 1_000)] for name in ("floor", "evalbot run")}
        show(console, slow, 1.0)


def run_alone(command: Sequence[str], url: str) -> Cost:
    """Run a program in a folder with one small suite and a database, three times, and give the cheapest."""
    with tempfile.TemporaryDirectory(prefix="evalbot-bench-") as folder:
        write_suite(Path(folder), 10)
        run_child([sys.executable, "-m", "evalbot.cli", "run", "sums", "-t", "echo"], Path(folder), url)
        return min((run_child(command, Path(folder), url) for _ in range(3)), key=lambda cost: cost.cpu_s)


def writes_us(url: str) -> dict[str, float]:
    """Measure what a recorded row costs, by the size of its batch."""
    with tempfile.TemporaryDirectory(prefix="evalbot-bench-") as folder:
        run_child([sys.executable, "-m", "tests.bench.run_parts", "prepare", "1"], Path(folder), url)
        cost = run_child([sys.executable, "-m", "tests.bench.run_parts", "writes", "2000"], Path(folder), url)
        return dict(cost.said)


def show_starts(console: Console, starts: Mapping[str, Cost], written: Mapping[str, float]) -> None:
    """Print what starting takes, and what writing takes."""
    table = Table("command", "CPU s", "peak MB")
    for name, cost in starts.items():
        table.add_row(f"evalbot {name}", f"{cost.cpu_s:.2f}", f"{cost.memory_mb:.0f}")
    console.print(table)
    rows = ", ".join(f"{cost:.0f} in batches of {2 * int(size):,}" for size, cost in written.items())
    console.print(f"CPU microseconds for a recorded row: {rows}.")


def least(name: str, items: int, url: str, times: int) -> Cost:
    """Run one program several times and give the cheapest: whatever else goes on can only add to the others."""
    return min((measure(name, items, url) for _ in range(times)), key=lambda cost: cost.cpu_s)


def show(console: Console, rows: dict[str, list[Cost]], latency_s: float) -> None:
    """Print one table."""
    table = Table(
        "program",
        "items",
        "CPU s",
        "CPU ms/item",
        "x floor",
        "wall s",
        "wall / ideal",
        "peak MB",
        "until asked",
        "verdict s",
        "disk kB",
    )
    floors = {cost.items: marginal_ms(rows["floor"][0], cost) for cost in rows["floor"][1:]}
    for name, costs in rows.items():
        for cost in costs:
            start = costs[0]
            alone = cost is start
            each = marginal_ms(start, cost)
            ideal = cost.items * latency_s / IN_FLIGHT
            floor = floors.get(cost.items, floors[max(floors)])
            table.add_row(
                name,
                f"{cost.items:,}",
                f"{cost.cpu_s:.2f}",
                "" if alone else f"{each:.2f}",
                "" if alone else f"{each / floor:.2f}",
                f"{cost.wall_s:.1f}",
                "" if alone else f"{(cost.wall_s - start.wall_s) / ideal:.2f}",
                f"{cost.memory_mb:.0f}",
                f"{cost.asked_mb:.0f}" if cost.asked_mb else "",
                f"{cost.verdict_s:.2f}" if cost.verdict_s else "",
                f"{cost.disk_kb:.2f}" if cost.disk_kb else "",
            )
    console.print(table)
    console.print(
        f"{IN_FLIGHT} calls at once, answers after {latency_s:g} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}. "
        "Per item and wall / ideal: without the start, which is the row of 1 item. Memory is the process's peak, "
        "of the whole and until the last answer was recorded; verdict: seconds from then on; disk: kB of an item with its texts."
    )


def marginal_ms(start: Cost, cost: Cost) -> float:
    """Give the processor time of one more item."""
    return 1000 * (cost.cpu_s - start.cpu_s) / max(1, cost.items - start.items)


@contextmanager
def stub(latency_s: float) -> Iterator[str]:
    """Serve the endpoint in a process of its own and give its address."""
    command = [sys.executable, "-m", "tests.stub_endpoint", str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def measure(name: str, items: int, url: str) -> Cost:
    """Run one program once, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="evalbot-bench-") as folder:
        place = Path(folder)
        database = place / "evalbot.db"
        if name == "evalbot run":
            write_suite(place, items)
            command = ["-m", "evalbot.cli", "run", "sums", "-t", "openai:anything", "--concurrency", str(IN_FLIGHT)]
        elif name == "runner":
            run_child([sys.executable, "-m", "tests.bench.run_parts", "prepare", str(items)], place, url)
            command = ["-m", "tests.bench.run_parts", "runner", str(items)]
        else:
            command = ["-m", "tests.bench.run_floor", str(items)]
        before = database.stat().st_size if database.exists() else 0
        cost = run_child([sys.executable, *command], place, url)
        disk = database.stat().st_size - before if database.exists() else 0
        if database.exists():
            check(database, items)
        return replace(cost, items=items, disk_kb=disk / 1024 / items if items > 1 else 0.0)


def write_suite(folder: Path, items: int) -> None:
    """Write a project with one suite of sums."""
    (folder / "suites" / "items").mkdir(parents=True)
    text = "name: sums\nitems: [file://items/sums.jsonl]\ndefaults: {graders: [{type: equals}]}\n"
    (folder / "suites" / "sums.yaml").write_text(text)
    lines = (json.dumps({"id": f"i{n}", "input": f"Say the number {n}.", "reference": str(n)}) for n in range(items))
    (folder / "suites" / "items" / "sums.jsonl").write_text("".join(f"{line}\n" for line in lines))


def run_child(command: Sequence[str], folder: Path, url: str) -> Cost:
    """Run a program to its end and give what it took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVALBOT_", "SLACK_"))}
    environment |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)}
    environment |= {"EVALBOT_PROJECT": str(folder), "EVALBOT_DATABASE_URL": f"sqlite:///{folder / 'evalbot.db'}"}
    began = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{said.decode()[-3000:]}")
    told = json.loads(said) if said.startswith((b'{"asked', b'{"1"')) else {}
    return Cost(
        items=0,
        cpu_s=used.ru_utime + used.ru_stime,
        wall_s=time.monotonic() - began,
        memory_mb=used.ru_maxrss / 1024,
        asked_mb=told.get("asked_mb", 0.0),
        verdict_s=told.get("verdict_s", 0.0),
        said=told,
    )


def check(database: Path, items: int) -> None:
    """See that every answer is there and right, so that nobody measures a run that failed."""
    with closing(connect(database)) as found:
        right = found.execute("SELECT count(*) FROM grades WHERE passed").fetchone()[0]
    if right != items:
        sys.exit(f"{right:,} of {items:,} answers are there and right.")


if __name__ == "__main__":
    main()
