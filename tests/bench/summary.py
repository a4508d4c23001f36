"""What the summary of a stored run costs: processor time, memory, and how long it keeps the event loop from others.

Run `python -m tests.bench.summary` (1,000 and 10,000 outputs, half a minute), with `--large` 100,000 too. Every row is a
process of its own on a database that another one filled: checks alone; a judge, with people who graded 200 answers that were
drawn by chance; and checks beside an earlier run. The floor reads the grades with sqlite3 into numpy arrays and gives the
pass rates of all items and of each skill with their Wilson intervals, and nothing else. Processor time and the ratio to the
floor are what counts: the wall depends on who else uses the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
CASES = ("floor", "checks", "people", "earlier")
SKILLS = 8
GRADED = 200


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000", help="numbers of outputs")
    parser.add_argument("--large", action="store_true", help="measure 100,000 outputs too")
    parser.add_argument("--times", type=int, default=1, help="measure so often and keep what took the least CPU")
    parser.add_argument("--cases", default=",".join(CASES), help="which cases")
    chosen = parser.parse_args()
    sizes = [int(one) for one in chosen.sizes.split(",")] + ([100_000] if chosen.large else [])
    table = Table(
        "case", "outputs", "CPU s", "us/output", "x floor", "wall s", "peak MB", "above start", "longest pause"
    )
    floors: dict[int, float] = {}
    for case in chosen.cases.split(","):
        for size in sizes:
            cost = measure(case, size, chosen.times)
            if case == "floor":
                floors[size] = cost["cpu_s"]
            table.add_row(
                case,
                f"{size:,}",
                f"{cost['cpu_s']:.3f}",
                f"{1e6 * cost['cpu_s'] / size:.1f}",
                f"{cost['cpu_s'] / floors[size]:.1f}" if size in floors else "",
                f"{cost['wall_s']:.2f}",
                f"{cost['peak_mb']:.0f}",
                f"{cost['peak_mb'] - cost['start_mb']:.0f} MB",
                f"{1000 * cost['pause_s']:.0f} ms",
            )
    console = Console(width=120)
    console.print(table)
    console.print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}. Without imports and opening the database. Pause: the most "
        "processor time that the event loop took before it turned to others."
    )


def measure(case: str, size: int, times: int) -> Mapping[str, float]:
    """Fill a database and measure one case on it, the cheapest of several times."""
    with tempfile.TemporaryDirectory(prefix="evalbot-bench-") as folder:
        run_part("fill", "checks" if case == "floor" else case, size, folder)
        found = [json.loads(run_part("measure", case, size, folder)) for _ in range(times)]
        cheapest: Mapping[str, float] = min(found, key=lambda cost: cost["cpu_s"])
        return cheapest


def run_part(part: str, case: str, size: int, folder: str) -> str:
    """Run a part of the bench in a process of its own and give what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVALBOT_", "SLACK_"))}
    environment |= {"PYTHONPATH": str(ROOT), "EVALBOT_DATABASE_URL": f"sqlite:///{folder}/evalbot.db"}
    command = [sys.executable, "-m", "tests.bench.summary_parts", part, case, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
