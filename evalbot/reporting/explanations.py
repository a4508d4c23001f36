"""Where a number comes from: items, graders, judge and people behind it, the formula in a sentence, and the arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalbot.grading.calibration import Epoch, Standing
from evalbot.grading.grades import Grade, GraderKind
from evalbot.grading.trials import JudgeReport
from evalbot.reporting.arithmetic import Formula, explain_agreement, explain_change, explain_correction, explain_mean
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.corrections import People
from evalbot.reporting.estimates import JUDGE_ALONE, OVERALL, Change, Estimate, RunSummary, ScoreRow
from evalbot.reporting.judge_words import TITLES, agreement_estimate, epoch_words, next_step
from evalbot.reporting.number_words import change_words, counted
from evalbot.reporting.references import typed
from evalbot.reporting.scores import OutputScore, item_values, passing
from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.runs import Run
from evalbot.stats.verdicts import Verdict
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import Split
from evalbot.suites.suites import Suite

_VERDICTS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.NO_DIFFERENCE: f"no difference larger than {100 * MARGIN:.0f} points",
    Verdict.CANNOT_TELL: "cannot tell",
}

MOST_MORE = 6
"""So many other numbers of a run are named."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a number rests on, in words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Beside:
    """The same number made in another way."""

    name: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a number comes from. `run_id` is None and `key` empty for what is said of a judge; a line of a digest has
    `digest_id` and `key`.

    `shown` is the number, None where there is none to show or where it is no score: then `said` words it. `doubt` says why it
    should not be relied on, empty if it may be. `more` are other things that can be asked, as they are typed.
    """

    title: str
    meaning: str
    suite: str
    shown: Estimate | None
    facts: tuple[Fact, ...]
    formulas: tuple[Formula, ...]
    beside: tuple[Beside, ...] = ()
    doubt: str = ""
    more: tuple[str, ...] = ()
    run_id: RunId | None = None
    key: str = ""
    digest_id: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """A run with everything that its numbers are made of; `scores` are those that count, `epochs` those of its judges."""

    run: Run
    suite: Suite
    summary: RunSummary
    scores: tuple[OutputScore, ...]
    grades: Mapping[OutputId, Sequence[Grade]]
    people: People
    epochs: tuple[Epoch, ...] = ()


def number_key(row: ScoreRow) -> str:
    """Name a number of a run by a hash of target, skill and criterion."""
    text = "\x1f".join((row.target, row.skill, row.criterion))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def explain_row(numbers: RunNumbers, row: ScoreRow) -> Explanation:
    """Explain one estimate of a run."""
    run = numbers.run
    group = _group(numbers, row)
    return Explanation(
        title=f"Run {run.number} of {run.suite} · {row.target} · {_subject(row)}",
        meaning=_meaning(row),
        suite=run.suite,
        shown=row.best,
        facts=tuple(_facts(numbers, row, group)),
        formulas=tuple(_formulas(numbers, row, group)),
        beside=tuple(_beside(numbers.summary, row)),
        doubt=_doubt(numbers.summary, row.best),
        more=tuple(_more(numbers, row)),
        run_id=run.id,
        key=number_key(row),
    )


def _subject(row: ScoreRow) -> str:
    """Name what a row is about."""
    skill = "all items" if row.skill == OVERALL else row.skill
    return skill if row.criterion == PASS_CRITERION else f"{skill} · {row.criterion}"


def _meaning(row: ScoreRow) -> str:
    """Say what the number is."""
    items = "all items" if row.skill == OVERALL else f"the items of {row.skill}"
    if row.criterion == PASS_CRITERION:
        said = ", as people would say" if row.corrected else ""
        return f"Of {items}, the share whose answer passes every one of its graders{said}."
    return f"Over {items}, the mean score by the criterion {row.criterion}: 0 % is its lowest step, 100 % its highest."


def _group(numbers: RunNumbers, row: ScoreRow) -> list[OutputScore]:
    """Give the scored outputs that a row is made of."""
    skill_of = {item.id: item.skill for item in numbers.suite.items}
    return [
        score
        for score in numbers.scores
        if score.complete
        and score.target == row.target
        and (row.skill == OVERALL or skill_of.get(score.item_id) == row.skill)
        and (row.criterion == PASS_CRITERION or row.criterion in score.scores)
    ]


def _values(group: Sequence[OutputScore], row: ScoreRow) -> list[float]:
    """Give the value of each item of a row."""
    if row.criterion == PASS_CRITERION:
        return list(item_values(group, passing).values())
    return list(item_values(group, lambda score: score.scores[row.criterion]).values())


def _formulas(numbers: RunNumbers, row: ScoreRow, group: Sequence[OutputScore]) -> Iterator[Formula]:
    """Give the formulas behind a row: the corrected one first where there is one."""
    if row.corrected is not None:
        whole = [score for score in numbers.scores if score.complete and score.target == row.target]
        items = None if row.skill == OVERALL else frozenset(score.item_id for score in group)
        yield explain_correction(row, whole, items, numbers.people)
    yield explain_mean(row.estimate, _values(group, row))
    for change in _changes(numbers.summary, row):
        yield explain_change(change, MARGIN)


def _changes(summary: RunSummary, row: ScoreRow) -> list[Change]:
    """Give the comparisons that stand beside a row."""
    if row.criterion != PASS_CRITERION:
        return []
    both = (*summary.changes, *summary.other_changes)
    return [change for change in both if (change.target, change.skill) == (row.target, row.skill)]


def _beside(summary: RunSummary, row: ScoreRow) -> Iterator[Beside]:
    """Give the other ways in which the number is made."""
    if row.corrected is not None:
        yield Beside("by the judge alone, unverified" if summary.unverified else "by the judge alone", row.estimate)
    if row.checks is not None:
        yield Beside("by code checks alone", row.checks)
    if row.with_errors is not None:
        yield Beside("errors counted as fails", row.with_errors)


def _doubt(summary: RunSummary, shown: Estimate) -> str:
    """Say why a number should not be relied on."""
    if shown.too_few:
        return "Too few items to say: read the answers instead."
    standing = summary.standing
    if standing is None or shown.how not in JUDGE_ALONE:
        return ""
    if standing.standing is Standing.UNVERIFIED:
        return f"The judge is unverified, so this number makes no headline. {standing.reason}"
    return "The judge is not measured yet." if standing.standing is Standing.UNMEASURED else ""


def _more(numbers: RunNumbers, row: ScoreRow) -> Iterator[str]:
    """Give what else of the run can be explained, as it is typed."""
    number, several = numbers.run.number, len(numbers.run.targets) > 1
    others = [one for one in numbers.summary.rows if one.criterion == PASS_CRITERION and one != row]
    for one in others[:MOST_MORE]:
        words = [one.target] if several else []
        yield f"explain {number} {' '.join(typed(word) for word in (*words, one.skill))}"
    if numbers.summary.judge:
        yield f"explain judge {numbers.run.suite}"


# --- what a number rests on ------------------------------------------------------------------------


def _facts(numbers: RunNumbers, row: ScoreRow, group: Sequence[OutputScore]) -> Iterator[Fact]:
    """Give what a row rests on."""
    yield Fact("Items", _items(numbers, group))
    left_out = _left_out(numbers, row)
    if left_out:
        yield Fact("Not counted", left_out)
    given = [grade for score in group for grade in numbers.grades.get(score.output_id, ())]
    checks, judges, people = (
        [grade for grade in given if grade.grader.kind is kind and _belongs(grade, row)] for kind in GraderKind
    )
    if checks:
        yield Fact("Code checks", _checks(checks))
    if judges:
        yield Fact("Judge", _judges(judges, numbers.epochs))
        yield Fact("Trust in the judge", _trust(numbers.summary))
    yield Fact("People", _people(people, numbers, group))
    for change in _changes(numbers.summary, row):
        yield Fact(f"Against {change.against}", _compared(numbers.summary, change))


def _compared(summary: RunSummary, change: Change) -> str:
    """Say what a comparison says, and on whose grades."""
    needs = f", needs about {change.needed:,} items" if change.needed else ""
    graded = f"; people graded {counted(change.human_n, 'answer')} of both sides" if change.human_n else ""
    doubt = ", unverified" if summary.doubts(change) else ""
    other = f"; on the items shared with suite version {change.other_version}" if change.other_version else ""
    how = "over different items" if change.apart else "item by item"
    return f"{change_words(change)}, {how}: {_VERDICTS[change.verdict]}{needs}{doubt}{graded}{other}"


def _belongs(grade: Grade, row: ScoreRow) -> bool:
    """Tell whether a grade is behind a row."""
    return row.criterion == PASS_CRITERION or grade.criterion == row.criterion


def _items(numbers: RunNumbers, group: Sequence[OutputScore]) -> str:
    """Count items and answers."""
    ids = {score.item_id for score in group}
    held_back = {item.id for item in numbers.suite.items if item.split is Split.HOLDOUT}
    text = f"{counted(len(ids), 'item')} of version {numbers.suite.version}, {counted(len(group), 'answer')}"
    if len(group) > len(ids):
        text += ": answers to one item are averaged first, so only items count as independent"
    kept = len(ids & held_back)
    return f"{text}; {counted(kept, 'item')} of them kept back" if kept else text


def _left_out(numbers: RunNumbers, row: ScoreRow) -> str:
    """Say what of the run is in no number."""
    summary = numbers.summary
    parts = [counted(summary.errors, "error")] if summary.errors else []
    parts += [f"{counted(summary.ungraded, 'answer')} without a verdict"] if summary.ungraded else []
    said = f"{' and '.join(parts)} of the run" if parts else ""
    same = summary.degenerate_of(row.target)
    return f"{said}; {row.target} gave one answer to everything and is not scored" if same else said


def _checks(found: Sequence[Grade]) -> str:
    """Name the checks with how many answers each looked at; their place among an item's graders tells twins apart."""
    counts: dict[str, int] = {}
    for grade in found:
        counts[grade.grader.id] = counts.get(grade.grader.id, 0) + 1
    named = ((name.partition("#")[0], count) for name, count in sorted(counts.items()))
    return ", ".join(f"{name} ({counted(count, 'answer')})" for name, count in named)


def _judges(found: Sequence[Grade], epochs: Sequence[Epoch]) -> str:
    """Name the judges with model, prompt and rubric."""
    counts: dict[tuple[str, str], int] = {}
    for grade in found:
        counts[grade.grader.id, grade.grader.version] = counts.get((grade.grader.id, grade.grader.version), 0) + 1
    models = {epoch.judge: epoch.model for epoch in epochs}
    parts = []
    for (name, version), count in sorted(counts.items()):
        model = models.get(name, "")
        asked = f" ({model})" if model and model != name else ""
        parts.append(f"{name}{asked}, {_asked(version)}: {counted(count, 'answer')}")
    return "; ".join(parts)


def _asked(version: str) -> str:
    """Word what a judge was asked with, as it is stored with each grade: rubric/version prompt/version hash."""
    rubric, _, rest = version.partition(" ")
    name, _, number = rubric.partition("/")
    said = f"rubric {name} version {number}"
    prompt, _, digest = rest.partition(" ")
    title, _, edition = prompt.partition("/")
    return f"{said}, prompt {title} version {edition} ({digest[:8]})" if prompt else said


def _people(found: Sequence[Grade], numbers: RunNumbers, group: Sequence[OutputScore]) -> str:
    """Say what people did."""
    counting = [grade for grade in found if grade.counts]
    if not counting:
        return "Nobody has graded these answers yet."
    outputs = {grade.output_id for grade in counting}
    graders = {grade.grader.id for grade in counting}
    blind = sum(grade.blind for grade in counting)
    chosen = len({score.output_id for score in group} & set(numbers.people.drawn))
    text = (
        f"{counted(len(graders), 'person', 'people')} graded {counted(len(outputs), 'answer')}, "
        f"{blind:,} of {counted(len(counting), 'grade')} blind; {counted(chosen, 'answer')} drawn by chance"
    )
    response = numbers.summary.response
    if response and response.self_selected:
        return f"{text}. Only {response.graded:,} of {response.drawn:,} drawn were graded: who grades has chosen, not chance"
    return text


def _trust(summary: RunSummary) -> str:
    """Say where the judge stands."""
    standing = summary.standing
    if standing is None:
        return "Nobody has looked yet."
    title = TITLES[standing.standing]
    estimate = agreement_estimate(standing)
    if estimate is None:
        return f"{title}. {standing.reason}"
    ends = f"{100 * estimate.lower:.0f} to {100 * estimate.upper:.0f}"
    agrees = f"agrees with people on {100 * estimate.score:.0f} % of answers ({ends}, n {estimate.n:,})"
    return f"{title}: {agrees}. {standing.reason}"


# --- judges ----------------------------------------------------------------------------------------


def explain_judge(report: JudgeReport) -> Explanation:
    """Explain what is said of a judge."""
    standing = report.standing
    known = report.graded - report.waiting
    facts = [
        Fact("Answers", f"{counted(report.graded, 'answer')} that people graded blind, drawn by chance"),
        Fact("Graded by the judge", f"{known:,} of them; {report.waiting:,} never put to it as it is now"),
        Fact("Judge", f"{report.epoch.judge}: {', '.join(epoch_words(report))}"),
        Fact("Where it stands", f"{TITLES[standing.standing]}. {standing.reason}"),
        Fact("Next", next_step(report)),
    ]
    doubt = "" if standing.standing is Standing.TRUSTED else standing.reason
    return Explanation(
        title=f"Judge of {report.suite}: {report.epoch.judge}",
        meaning="How often judge and people give the same pass or fail.",
        suite=report.suite,
        shown=agreement_estimate(standing),
        facts=tuple(facts),
        formulas=(explain_agreement(standing),),
        doubt=doubt,
    )
