"""What single calculations cost beside sorting as many numbers. Run: python -m tests.bench.calculations

Each is done three times; the table shows the least processor milliseconds, and how many times those of the floor: numpy sorting
one array of the same number of values. Hostile texts are two million characters long, so that quadratic work would show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from evalbot.grading.numbers import find_numbers, last_number, reference_number
from evalbot.stats.agreement import Metric, krippendorff_alpha
from evalbot.stats.confidence_sequences import betting
from evalbot.stats.intervals import bootstrap_t
from evalbot.stats.item_response import two_parameter
from evalbot.stats.pairs import sign_flip_p
from evalbot.suites.filling import fill_template

N = 10_000
HOSTILE_CHARS = 2_000_000
Work = Callable[[], object]


def calculations() -> Iterator[tuple[str, int, Work]]:
    """Give each calculation with its name and the number of values it works on."""
    rng = np.random.default_rng(3)
    truth = rng.integers(1, 6, (N, 1))
    panel = np.clip(truth + rng.integers(-1, 2, (N, 3)), 1, 5).astype(float)
    votes = (rng.random(N) < 0.3) * 1.0
    steps = rng.choice([-1.0, 0.0, 1.0], N)
    for metric in (Metric.NOMINAL, Metric.ORDINAL):
        yield f"alpha, {metric}, 2,000 resamples", N, partial(krippendorff_alpha, panel, metric, rng, resamples=2000)
    yield "confidence sequence by betting", N, lambda: betting(votes)
    yield "bootstrap-t, 2,000 resamples", N, lambda: bootstrap_t(rng.uniform(size=N), rng)
    yield "sign flips, continuous", N, lambda: sign_flip_p(rng.normal(0.1, 1, N), rng)
    yield "sign flips, votes", N, lambda: sign_flip_p(steps, rng)
    answers = (rng.normal(size=(200, 1)) > rng.normal(size=(1, 200))).astype(float)
    yield "two-parameter model, 200 x 200", answers.size, lambda: two_parameter(answers)


def hostile_texts() -> Iterator[tuple[str, int, Work]]:
    """Give the reading of numbers in texts made to be slow to read."""
    for piece in ("1", "1,", "1.1", "1 ", "1/", "-", " ", "A:", "####", "1e9"):
        text = piece * (HOSTILE_CHARS // len(piece))
        yield f"numbers in a long text of {piece!r}", HOSTILE_CHARS, partial(read_numbers, text)


def read_numbers(text: str) -> None:
    """Read a text in all the ways that checks do."""
    list(find_numbers(text))
    last_number(text)
    reference_number(text)


def templates() -> Iterator[tuple[str, int, Work]]:
    """Give the filling of a long template."""
    template = "".join(f"{{% if a{n} %}}x{{{{ a{n} }}}}{{% endif %}}" for n in range(200))
    values = {f"a{n}": n for n in range(200)}
    yield "a template of 200 conditions", 200, lambda: fill_template(template, values, "It")


def least_ms(work: Work) -> float:
    """Give the least processor time of three times doing some work, in milliseconds."""
    found = []
    for _ in range(3):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return 1000 * min(found)


def main() -> None:
    """Print the table."""
    print(f"{'calculation':44} {'values':>10} {'CPU ms':>10} {'x floor':>10}")
    rng = np.random.default_rng(1)
    for part in (calculations, hostile_texts, templates):
        for name, size, work in part():
            values = rng.random(size)
            floor, used = least_ms(partial(np.sort, values)), least_ms(work)
            print(f"{name:44} {size:10,} {used:10.2f} {used / max(floor, 0.001):10.1f}")


if __name__ == "__main__":
    main()
