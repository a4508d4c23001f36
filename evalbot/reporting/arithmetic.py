"""The formula behind a number in one sentence, its source, and its steps with the real numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evalbot.grading.calibration import NEAR, JudgeStanding, Standing
from evalbot.reporting.corrections import FEWEST_GRADED, Part, People, part_of
from evalbot.reporting.estimates import Change, Estimate, ScoreRow
from evalbot.reporting.scores import OutputScore
from evalbot.stats.intervals import UNIT, Floats, Interval, finite_pool_factor, is_constant
from evalbot.stats.judged import IMAGINED, judge_weight
from evalbot.stats.quantiles import two_sided_t, two_sided_z
from evalbot.stats.verdicts import Verdict
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Formula:
    """How a number is computed: a sentence, where that is published, and the steps with the real numbers."""

    name: str
    sentence: str
    source: str
    steps: tuple[str, ...]


WILSON = "Wilson 1927, doi:10.1080/01621459.1927.10502953"
STUDENT = "Student 1908, doi:10.1093/biomet/6.1.1"
WIDENED = "Student 1908, doi:10.1093/biomet/6.1.1; after Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550"
CORRECTED = "Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453 (prediction-powered inference)"
WEIGHTED = "Horvitz & Thompson 1952, doi:10.1080/01621459.1952.10483446; Zrnic & Candes 2024, arXiv:2403.03208"
AGREEMENT = f"{WILSON}; bar after Calderon, Reichart & Dror 2025, arXiv:2501.10970"


PAIRED = (
    "Miller 2024, arXiv:2411.00640 (pairing); Tango 1998, Statistics in Medicine 17, 891-908, with fewer than 30 items Newcombe "
    "1998, Statistics in Medicine 17, 2635-2650; Schuirmann 1987, "
    "doi:10.1007/BF01068419; Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x"
)


# --- a difference ----------------------------------------------------------------------------------


def explain_change(change: Change, margin: float) -> Formula:
    """Explain a difference to what it is compared with, and the verdict on it; `margin` is what counts as no difference."""
    alone = change.judge_alone
    steps = (
        [] if alone is None else [f"by checks and judge alone {alone:+.4f}, corrected by people's grades of both sides"]
    )
    return Formula(
        f"Against {change.against}",
        "Each item's result is held against the same item's result there, and the differences are averaged; what is hard "
        "about an item falls out. The verdict follows from the interval alone.",
        PAIRED,
        (
            *steps,
            f"difference = mean over {_items(change.n)} of (here − there) = {change.difference:+.4f}",
            f"interval = {change.lower:+.4f} to {change.upper:+.4f}",
            _zero(change),
            *_verdict_steps(change, margin),
        ),
    )


def _items(n: int) -> str:
    """Count items."""
    return f"{n:,} shared {'item' if n == 1 else 'items'}"


def _zero(change: Change) -> str:
    """Say on which side of zero the interval lies."""
    if change.lower > 0 or change.upper < 0:
        return "0 lies outside: " + ("above it is better" if change.lower > 0 else "below it is worse")
    return "0 lies inside: neither better nor worse can be said"


def _verdict_steps(change: Change, margin: float) -> Iterator[str]:
    """Say what else leads to the verdict."""
    outside = change.lower > 0 or change.upper < 0
    if outside and change.verdict not in (Verdict.BETTER, Verdict.WORSE):
        yield "of all skills looked at together, this one may stand out by chance, so it is not told"
    if not outside:
        within = -margin < change.lower and change.upper < margin
        yield f"it lies {'wholly' if within else 'not wholly'} between −{margin:g} and +{margin:g}"
    if change.needed:
        yield f"so many items would show a change as large as the one seen, four times in five: {change.needed:,}"


# --- a mean over items -----------------------------------------------------------------------------


def explain_mean(estimate: Estimate, values: Sequence[float]) -> Formula:
    """Explain an estimate that is the mean of one value per item."""
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        return Formula("Mean over items", "The mean over the items.", STUDENT, ())
    if estimate.method.startswith("Wilson"):
        return _wilson(x, estimate)
    if estimate.method.startswith("equal"):
        return _equal(x, estimate)
    return _widened(x, estimate) if "widened" in estimate.method else _plain_t(x, estimate)


def _wilson(x: Floats, estimate: Estimate) -> Formula:
    """Explain a share of items."""
    n, k, z = x.size, int(x.sum()), two_sided_z(LEVEL)
    p, z2 = k / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Formula(
        "Share of items",
        "Passing items divided by all items; the interval is Wilson's, which stays honest for few items and near 0 or 100 %.",
        WILSON,
        (
            f"score = {k:,} / {n:,} items = {p:.4f}",
            f"z = {z:.4f} for a 95 % interval",
            f"centre = (score + z²/(2·{n})) / (1 + z²/{n}) = {centre:.4f}",
            f"half width = z/(1 + z²/{n})",
            f"             · √(score·(1 − score)/{n} + z²/(4·{n}²)) = {half:.4f}",
            _ends(estimate),
        ),
    )


def _plain_t(x: Floats, estimate: Estimate) -> Formula:
    """Explain a mean with Student's interval."""
    n = x.size
    sd = float(x.std(ddof=1)) if n > 1 else 0.0
    se, t = sd / sqrt(n), two_sided_t(LEVEL, max(1, n - 1))
    return Formula(
        "Mean over items",
        "The mean of the items' values, plus and minus about two standard errors (Student's t).",
        STUDENT,
        (
            *_mean_steps(x),
            f"standard error = {sd:.4f} / √{n} = {se:.4f}",
            f"t = {t:.4f} for 95 % with {n - 1} degrees of freedom",
            f"half width = t · {se:.4f} = {t * se:.4f}",
            _ends(estimate),
        ),
    )


def _widened(x: Floats, estimate: Estimate) -> Formula:
    """Explain a mean of few or skewed values."""
    steps = [*_mean_steps(x)]
    for name, end in (("lower", 0.0), ("upper", 1.0)):
        padded = np.append(x, end)
        t, se = two_sided_t(LEVEL, x.size), float(padded.std(ddof=1)) / sqrt(padded.size)
        steps.append(f"{name} reach, with one imagined item of {end:g}: {t:.3f} · {se:.4f} = {t * se:.4f}")
    return Formula(
        "Mean over few items",
        "The mean of the items' values; as they are few or lopsided, each end of the interval also reckons with one item "
        "that nobody has seen yet at that end of the scale.",
        WIDENED,
        (*steps, _ends(estimate)),
    )


def _equal(x: Floats, estimate: Estimate) -> Formula:
    """Explain a mean of values that are all equal."""
    n, z2 = x.size, two_sided_z(LEVEL) ** 2
    return Formula(
        "All items alike",
        "All items have the same value; the interval says how many others there could still be among items like these.",
        WILSON,
        (
            f"score = {float(x[0]):.4f} on each of {n:,} items",
            f"items that could differ: at most z²/({n} + z²) = {z2 / (n + z2):.4f}",
            _ends(estimate),
        ),
    )


def _mean_steps(x: Floats) -> Iterator[str]:
    """Give mean and spread."""
    yield f"score = sum of item values / items = {float(x.sum()):.3f} / {x.size:,} = {float(x.mean()):.4f}"
    if x.size > 1 and not is_constant(x):
        yield f"standard deviation between items = {float(x.std(ddof=1)):.4f}"


def _ends(estimate: Estimate) -> str:
    """Give the interval."""
    return f"interval = {estimate.lower:.4f} to {estimate.upper:.4f}, cut at 0 and 1"


# --- corrected by people ---------------------------------------------------------------------------


def explain_correction(
    row: ScoreRow, scores: Sequence[OutputScore], items: frozenset[ItemId] | None, people: People
) -> Formula:
    """Explain a corrected estimate; scores: all complete ones of the target, items: those of the row, None for all."""
    assert row.corrected is not None
    estimate = row.corrected.estimate
    graded = [one for one in scores if row.criterion == PASS_CRITERION or row.criterion in one.scores]
    whole = part_of(graded, row.criterion, people)
    part = whole.of(items) if whole is not None and items is not None else whole
    if whole is None or part is None or part.graded == 0:
        return Formula("Judge corrected by people", _SENTENCE, CORRECTED, (_ends(estimate),))
    if not whole.equal:
        return Formula(
            "Judge corrected by people", _SENTENCE_WEIGHTED, WEIGHTED, tuple(_weighted_steps(part, estimate))
        )
    learnt = part if part.graded >= FEWEST_GRADED else whole
    weight = judge_weight(learnt.people[learnt.labelled], learnt.judge[learnt.labelled])
    sentence = _SENTENCE_ALL if part.graded == part.judge.size else _SENTENCE
    return Formula("Judge corrected by people", sentence, CORRECTED, tuple(_corrected_steps(part, weight, estimate)))


_SENTENCE = (
    "The judge's mean over all answers, weighed by how well it follows people, plus the mean difference between people and "
    "judge on the answers that people graded; the interval comes from these differences alone."
)
_SENTENCE_ALL = (
    "People graded every one of these answers, so it is their mean and nothing is left to estimate about this run; how the "
    "target does on other questions is less sure than that."
)
_SENTENCE_WEIGHTED = (
    "A guess of people's verdict from the judge's for every answer, plus the mean difference between people and guess on the "
    "answers that people graded, each counted by the chance with which it was drawn."
)


def _corrected_steps(part: Part, weight: float, estimate: Estimate) -> Iterator[str]:
    """Give the steps of the prediction-powered mean of a fixed pool."""
    seen, n, pool = part.labelled, part.graded, part.judge.size
    people, judge = part.people[seen], part.judge[seen]
    residuals = people - weight * judge
    judged, left = weight * float(part.judge.mean()), float(residuals.mean())
    mean = UNIT.clip(judged + left)
    yield f"judge alone: mean of {pool:,} answers = {_n(part.judge.mean())}"
    yield f"{n:,} of them graded by people: people {_n(people.mean())}, judge {_n(judge.mean())}"
    yield f"trust in the judge = {_n(weight)} (slope of people on judge)"
    yield "corrected = trust · judge + mean of (people − trust · judge)"
    yield f"          = {_n(judged)} + {_n(left)} = {_n(mean)}"
    factor = finite_pool_factor(n, pool)
    if n > 1:
        yield f"spread of these {n:,} differences = {_n(residuals.std(ddof=1))}"
    yield f"not graded by people: 1 − {n:,}/{pool:,} = {_n(factor)} of the answers;"
    yield "only these can still differ, so the variance is scaled by it"
    if "clustered" in estimate.method:
        yield "answers to one item count together in the interval"
    else:
        reach = _reach(residuals, weight, factor)
        yield f"reach below {_n(-reach.lower)}, above {_n(reach.upper)},"
        yield "each with two imagined differences at that end of the range"
    yield from _known_steps(part, mean, estimate)


def _reach(residuals: Floats, weight: float, factor: float) -> Interval:
    """Give how far the interval of unclustered residuals reaches to both sides."""
    halves = []
    for end in (-weight, 1.0):
        padded = np.append(residuals, np.full(IMAGINED, end))
        halves.append(two_sided_t(LEVEL, padded.size - 1) * sqrt(float(padded.var(ddof=1)) / padded.size * factor))
    return Interval(-halves[0], halves[1])


def _weighted_steps(part: Part, estimate: Estimate) -> Iterator[str]:
    """Give the steps of the inclusion-weighted mean."""
    seen = part.labelled
    chances = part.chance[seen]
    yield f"judge alone: mean of {part.judge.size:,} answers = {_n(part.judge.mean())}"
    yield f"{part.graded:,} of them graded by people, each drawn with a chance"
    yield f"of {chances.min():.3f} to {chances.max():.3f}"
    yield f"on these: people {_n(part.people[seen].mean())}, judge {_n(part.judge[seen].mean())}"
    yield "corrected = mean guess + sum of (people − guess) / chance,"
    yield f"            the sum divided by {part.judge.size:,} answers"
    yield from _known_steps(part, None, estimate)


def _known_steps(part: Part, mean: float | None, estimate: Estimate) -> Iterator[str]:
    """Put the outputs that code checks alone decide beside the corrected ones."""
    if part.known.size:
        total = part.judge.size + part.known.size
        known = _n(part.known.mean())
        yield f"{part.known.size:,} answers that code checks alone decide: mean {known}"
        if mean is not None:
            yield f"together = ({part.judge.size:,} · {_n(mean)} + {part.known.size:,} · {known}) / {total:,}"
    yield f"score = {estimate.score:.4f}"
    yield _ends(estimate)


def _n(value: float) -> str:
    """Give a number with four decimals and a proper minus; nothing is never negative."""
    shown = f"{float(value):.4f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


# --- judges ----------------------------------------------------------------------------------------


def explain_agreement(standing: JudgeStanding) -> Formula:
    """Explain how a judge is measured and held against the bar."""
    sentence = (
        "The share of answers on which the judge gives the same pass or fail as most people; it may be believed when the lower "
        "end of the interval is at most 5 points below the agreement of one person with the others, and above a judge that "
        "always says the same."
    )
    return Formula("Agreement with people", sentence, AGREEMENT, tuple(_agreement_steps(standing)))


def _agreement_steps(standing: JudgeStanding) -> Iterator[str]:
    """Give the steps from agreement to standing."""
    if standing.agreement is None or standing.lower is None or standing.upper is None:
        yield f"{standing.n:,} answers graded by judge and people: too few to measure anything"
        return
    yield f"agreement = {standing.agreement * standing.n:.1f} / {standing.n:,} answers = {standing.agreement:.4f}"
    yield f"interval = {standing.lower:.4f} to {standing.upper:.4f}"
    yield f"best blind guess (always the same verdict) = {standing.majority:.4f}"
    if standing.ceiling is None or standing.bar is None:
        yield "one person with the others: not known, too few have two grades"
        return
    yield f"one person with the others (each left out in turn) = {standing.ceiling:.4f}"
    yield f"bar = the higher of {standing.majority:.4f} and {standing.ceiling:.4f} − {NEAR:.2f} = {standing.bar:.4f}"
    passes = standing.standing is Standing.TRUSTED
    yield f"lower end {standing.lower:.4f} {'reaches' if passes else 'is under'} the bar: {standing.standing}"
