"""How much processor time `evalbot analyze` takes for 100,000 grades, beyond imports. Run: python tests/bench/analyze.py

Every case is read from CSV files, analysed and turned into JSON in a process of its own; the table shows the seconds of
processor time after the imports, the time of the imports alone, and the peak memory. The last case is the hardest found: graders
who hardly agree, so that the model of graders takes many rounds.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

GRADES = 100_000
AIM_S = 3.0


@dataclass(frozen=True, slots=True)
class Case:
    """Simulated graders: how many grade each output out of how many, labels, and the share of grades that are right."""

    name: str
    per_output: int
    graders: int
    labels: int
    right: float
    judged: bool = False
    decimals: bool = False


CASES = (
    Case("pass or fail, 3 of 3 graders", 3, 3, 2, 0.85),
    Case("pass or fail, 3 of 300, judge and gold", 3, 300, 2, 0.85, judged=True),
    Case("five words, 5 of 50 graders, judge", 5, 50, 5, 0.6, judged=True),
    Case("levels 1 to 7, 4 of 40 graders, judge", 4, 40, 7, 0.6, judged=True),
    Case("numbers 0 to 100, 3 of 10 graders, judge", 3, 10, 0, 0.6, judged=True, decimals=True),
    Case("one grade each, 100 graders", 1, 100, 2, 0.8),
    Case("800 outputs, 125 graders", 125, 125, 4, 0.5),
    Case("graders near chance, 3 of 1,000", 3, 1000, 5, 0.4),
)

WORDS = ("pass", "fail", "partial", "passed", "failed", "other", "more")


def write_case(case: Case, folder: Path) -> list[str]:
    """Write the files of a case and give the arguments of the command."""
    rng = np.random.default_rng(11)
    outputs = GRADES // case.per_output
    item = np.repeat(np.arange(outputs), case.per_output)
    start = rng.integers(0, case.graders, outputs)
    rater = (start[item] + np.tile(np.arange(case.per_output), outputs)) % case.graders
    values, truth, verdicts = _values(case, rng, item, outputs)
    rows = [(f"output-{i}", f"grader-{r}", v) for i, r, v in zip(item.tolist(), rater.tolist(), values, strict=True)]
    arguments = ["analyze", _write(folder / "grades.csv", ("output", "grader", "value"), rows), "--json"]
    if case.judged:
        judged = [(f"output-{i}", v) for i, v in enumerate(verdicts)]
        arguments += ["--judge", _write(folder / "judge.csv", ("output", "value"), judged)]
        gold = [(f"output-{i}", truth[i]) for i in range(0, outputs, 50)]
        arguments += ["--gold", _write(folder / "gold.csv", ("output", "value"), gold)]
    return arguments


def _values(
    case: Case, rng: np.random.Generator, item: np.ndarray, outputs: int
) -> tuple[list[str], list[str], list[str]]:
    """Draw the grades, the true values of the outputs and a judge's verdicts on them and as many further outputs."""
    if case.decimals:
        true = rng.uniform(20, 80, 2 * outputs)
        noisy = np.clip(true[item] + rng.normal(0, 10, item.size), 0, 100)
        heard = np.clip(true + rng.normal(0, 10, true.size), 0, 100)
        return _two_places(noisy), _two_places(true[:outputs]), _two_places(heard)
    names = WORDS[: case.labels] if case.labels != 7 else tuple(str(k) for k in range(1, 8))
    code = rng.integers(0, case.labels, 2 * outputs)
    given = np.where(rng.random(item.size) < case.right, code[item], rng.integers(0, case.labels, item.size))
    heard_code = np.where(rng.random(code.size) < case.right, code, rng.integers(0, case.labels, code.size))
    return [names[k] for k in given], [names[k] for k in code[:outputs]], [names[k] for k in heard_code]


def _two_places(values: np.ndarray) -> list[str]:
    """Give numbers as text."""
    return [f"{value:.2f}" for value in values.tolist()]


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a CSV file and give its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def measure_here(arguments: list[str]) -> None:
    """Import, note the processor time, run the command, and print both times and the peak memory to standard error."""
    import scipy.special  # noqa: F401

    import evalbot.terminal.analyze
    import evalbot.terminal.printing  # noqa: F401
    from evalbot.cli import main

    sys.argv = ["evalbot", *arguments]
    imports = time.process_time()
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    used = time.process_time() - imports
    print(imports, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)


def measure(case: Case) -> tuple[float, float, float]:
    """Run a case three times in processes of their own; gives import seconds, best seconds beyond, and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = write_case(case, Path(folder))
        found = []
        for _ in range(3):
            command = [sys.executable, __file__, "--here", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(tuple(float(part) for part in done.stderr.split()[-3:]))
    best = min(found, key=lambda one: one[1])
    return best[0], best[1], best[2]


def run_all() -> None:
    """Print the table."""
    print(f"{GRADES:,} grades, processor seconds beyond imports (aim: at most {AIM_S:.0f})")
    print(f"{'case':44} {'seconds':>8} {'imports':>8} {'MB':>6}")
    for case in CASES:
        imports, seconds, memory = measure(case)
        print(f"{case.name:44} {seconds:8.2f} {imports:8.2f} {memory:6.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        measure_here(sys.argv[2:])
    else:
        run_all()
