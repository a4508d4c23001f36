"""Where the lines of a digest come from: its rows, weeks and steps, the answers it shows, and how its headline was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.arithmetic import Formula, explain_change, explain_mean
from evalbot.reporting.comparisons import MARGIN
from evalbot.reporting.digest_refs import DigestRef, Part, answer_ref, digest_refs, row_ref, step_ref, typed_ref
from evalbot.reporting.digests import Digest, Exhibit, Point, SkillLine, Trend, period
from evalbot.reporting.estimates import OVERALL, Change, Estimate, How, ScoreRow
from evalbot.reporting.explanations import MOST_MORE, Explanation, Fact, RunNumbers, explain_row
from evalbot.reporting.number_words import counted, percent, score_words, signed_points
from evalbot.reporting.scores import FEWEST_PAIRS
from evalbot.reporting.telling import HOW_WORDS, UNVERIFIED
from evalbot.reporting.trends import REFERENCE_WEEKS, Series, Step
from evalbot.runs.outputs import Output
from evalbot.runs.runs import Run
from evalbot.suites.items import Item

DETECTOR = "Shin, Ramdas & Rinaldo 2024, doi:10.51387/23-NEJSDS51 (e-detectors)"

HEADLINE_RULE = Formula(
    "How a headline is chosen",
    "By a fixed rule, never by a model: what got worse goes before what got better, a skill before the score over all items, the "
    "larger before the smaller. Only differences whose interval leaves zero out are told, of the skills as one family, and "
    "nothing that stands on an unverified judge alone.",
    "",
    (),
)
ANSWERS_RULE = Formula(
    "How answers are chosen",
    "At most three: first those on which people and judge differ, then those on which people differ among themselves, then those "
    "that people failed, then failing answers of the newest runs. Holdout items are never shown.",
    "",
    (),
)
AGREEMENT_RULE = Formula(
    "How it is measured", "The share of answers on which judge and most people give the same pass or fail.", "", ()
)
COUNT_RULE = Formula("How it is counted", "Each grade counts once, with the day on which it was given.", "", ())

_KINDS = {
    "disagreement": "People and the judge gave this answer different verdicts.",
    "contested": "The people who graded this answer differ, and more of them were asked.",
    "fail": "This answer failed.",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What a number of a digest was made of: its run with all its numbers, and the row of them; `row` None where it is gone."""

    numbers: RunNumbers
    row: ScoreRow | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer that a digest shows, with its grades; `hidden` while people are just grading it."""

    run: Run
    item: Item
    output: Output
    grades: Sequence[Grade]
    hidden: bool = False


# --- the whole -------------------------------------------------------------------------------------


def explain_headline(digest: Digest) -> Explanation:
    """Explain how the headline of a digest came about."""
    facts = [Fact(f"Finding {place}", sentence) for place, sentence in enumerate(digest.sentences, start=1)]
    facts.append(Fact("Looked at", f"{counted(len(digest.lines), 'row')} from {counted(digest.runs, 'run')}"))
    return _explanation(
        digest, DigestRef(Part.HEADLINE), digest.headline, "What moved most clearly.", facts, HEADLINE_RULE
    )


def explain_effort(digest: Digest) -> Explanation:
    """Explain what a digest says of people's work."""
    said = f"{counted(digest.human_grades, 'grade')} by {counted(len(digest.graders), 'person', 'people')}"
    facts = [
        Fact("Runs", f"{counted(digest.runs, 'run')} ended in these days"),
        Fact("Grades", f"{said}; withdrawn ones are left out, and of a changed one the last counts"),
        Fact("Items", f"{counted(digest.items_added, 'proposed item')} approved in these days"),
    ]
    meaning = f"What people did from {digest.start.isoformat()} to {digest.end.isoformat()}, both days included."
    return _explanation(digest, DigestRef(Part.GRADES), said, meaning, facts, COUNT_RULE)


def explain_agreement_line(digest: Digest) -> Explanation:
    """Explain what a digest says of its judges."""
    estimate, suites = digest.judge_agreement, list(dict.fromkeys(line.suite for line in digest.lines))
    drawn = "answers of the runs in its series, drawn by chance, graded blind by people and by the judge"
    fewer = f"It takes {FEWEST_PAIRS} {drawn}; there are fewer."
    facts = [
        Fact(
            "Answers",
            f"{estimate.n:,} {drawn}; one on which people are split evenly is left out" if estimate else fewer,
        ),
        Fact("Not the bar", "Whether a judge may be believed is measured for each suite by itself: explain judge"),
    ]
    agreeing = round(estimate.score * estimate.n) if estimate else 0
    formula = explain_mean(estimate, [1.0] * agreeing + [0.0] * (estimate.n - agreeing)) if estimate else AGREEMENT_RULE
    made = _explanation(
        digest,
        DigestRef(Part.JUDGE),
        score_words(estimate) if estimate else "not measured yet",
        "How often judge and people give the same pass or fail, over all suites of the digest.",
        facts,
        formula,
    )
    doubted = sorted({line.suite for line in digest.lines if not line.verified})
    doubt = f"The judge of {', '.join(doubted)} is {UNVERIFIED}." if doubted else ""
    return replace(
        made, shown=estimate, doubt=doubt, more=tuple(f"explain judge {suite}" for suite in suites[:MOST_MORE])
    )


# --- rows and weeks --------------------------------------------------------------------------------


def explain_line(digest: Digest, line: SkillLine, made: Made | None) -> Explanation:
    """Explain a row of a digest's table: its number, and its change to the week before."""
    trend = _trend(digest, line)
    point = trend.points[-1] if trend else Point(digest.end, line.now)
    said = _explained(digest, row_ref(line), replace(point, estimate=line.now), line.change, made, line.verified)
    change, facts = line.change, list(said.facts)
    if change is None:
        facts.append(Fact("Against the week before", _not_compared(trend)))
    elif not line.change_verified:
        facts.append(Fact("The change", f"stands on a judge that is {UNVERIFIED}, so it is in no headline"))
    return replace(said, facts=tuple(facts))


def explain_week(digest: Digest, trend: Trend, point: Point, made: Made | None) -> Explanation:
    """Explain one week of a series."""
    ref = DigestRef(Part.WEEK, trend.suite, trend.target, trend.skill, point.day)
    said = _explained(digest, ref, point, None, made, trend.verified)
    across = trend.alike_since is not None and point.day < trend.alike_since
    note = "Judge, rubric or checks were others than now: nothing is compared across that change."
    return replace(said, facts=(*said.facts, Fact("Not comparable", note))) if across else said


def _explained(
    digest: Digest, ref: DigestRef, point: Point, change: Change | None, made: Made | None, verified: bool
) -> Explanation:
    """Explain the number of a week as that of its run, with what the digest adds."""
    estimate = point.estimate
    assert estimate is not None
    where = Fact("Week", _week_words(point, digest))
    if made is None or made.row is None:
        facts = [
            where,
            Fact("Basis", f"{_basis(estimate)}; the run is not there any more" if point.run_id else _basis(estimate)),
        ]
        formulas = [_by_method(estimate), *([explain_change(change, MARGIN)] if change else [])]
        plain = _explanation(
            digest, ref, "", "The share whose answer passes every one of its graders.", facts, *formulas
        )
        return replace(plain, shown=estimate, doubt="" if verified else f"It stands on a judge that is {UNVERIFIED}.")
    alone = replace(made.numbers.summary, changes=(change,) if change else (), other_changes=())
    said = explain_row(replace(made.numbers, summary=alone), made.row)
    since = _since(estimate, made)
    return replace(
        said,
        title=_title(digest, ref),
        shown=estimate,
        facts=(where, *([since] if since else []), *said.facts),
        more=tuple(_more(digest, ref)),
        run_id=None,
        key=ref.key,
        digest_id=digest.id,
    )


def _since(told: Estimate, made: Made) -> Fact | None:
    """Say what the run says now, where that is not what the digest told."""
    assert made.row is not None
    now = made.row.best
    if (now.score, now.lower, now.upper, now.n, now.how) == (told.score, told.lower, told.upper, told.n, told.how):
        return None
    text = f"Grades have come or changed: run {made.numbers.run.number} now says {score_words(now)}. What follows is of now."
    return Fact("Since then", text)


def _week_words(point: Point, digest: Digest) -> str:
    """Name the week of a point and the run that it was measured by."""
    days = digest.end - digest.start
    week = f"{period(point.day - days, point.day)} {point.day.year}"
    return f"{week}: run {point.run}, the newest finished run of the suite in these days" if point.run else week


def _basis(estimate: Estimate) -> str:
    """Say whose grades a number stands on."""
    graded = f", {counted(estimate.human_n, 'answer')} graded by people" if estimate.human_n else ""
    return f"{counted(estimate.n, 'item')}, by {HOW_WORDS[estimate.how]}{graded}"


def _by_method(estimate: Estimate) -> Formula:
    """Say how a number was made whose values are not at hand."""
    ends = f"{estimate.lower:.4f} to {estimate.upper:.4f}"
    return Formula("As it was made", f"A mean over items with a 95 % interval ({estimate.method}): {ends}.", "", ())


def _not_compared(trend: Trend | None) -> str:
    """Say why a row has no change."""
    if trend is not None and trend.alike_since is not None:
        return f"Not compared: before {trend.alike_since.isoformat()} judge, rubric or checks were others."
    return "Not compared: fewer than five of its items were asked in an earlier week of the series."


# --- steps -----------------------------------------------------------------------------------------


def explain_step(digest: Digest, trend: Trend, series: Series | None, step: Step | None) -> Explanation:
    """Explain the step change in a series; `series` and `step` are what its runs say now, None where that shows none."""
    shift = trend.shift
    assert shift is not None
    half = (shift.upper - shift.lower) / 2
    ends = f"{signed_points(shift.lower, half)} to {signed_points(shift.upper, half)}"
    n = f", n {len(series.items):,}" if series else ""
    said = f"{signed_points(shift.after - shift.before, half)} points ({ends}{n})"
    facts = [
        Fact(
            "Levels",
            f"{percent(shift.before)} before, {percent(shift.after)} from the week of {shift.day.isoformat()} on",
        ),
        *(_series_facts(series) if series else ()),
        *_basis_facts(trend),
    ]
    if series is None or step is None:
        facts.append(Fact("Since then", "With the grades of now its runs show no such step any more."))
    formula = Formula(
        "Evidence of a step", _STEP_SENTENCE, DETECTOR, tuple(_steps(series, step)) if series and step else ()
    )
    meaning = "A lasting change of level against the first measured weeks, on items that every week answered."
    made = _explanation(digest, step_ref(trend), said, meaning, facts, formula, *_people_formula(trend))
    if not shift.verified:
        return replace(made, doubt=f"It stands on a judge that is {UNVERIFIED}, so it is in no headline.")
    unclear = "" if shift.clear else "Its interval holds zero, so it is in no headline."
    return replace(made, doubt=unclear)


_STEP_SENTENCE = (
    "Each week's items are held against their own mean in the reference weeks. Evidence is gathered week by week like the winnings "
    "of a fair bet on a change, which grow only if there is one; the alarm is set so high that without any change it comes less "
    "than once in 200 weeks."
)


def _series_facts(series: Series) -> Iterator[Fact]:
    """Say which weeks and items a step was looked for in."""
    runs = ", ".join(f"{week.run}" for week in series.weeks if week.run)
    named = f" (runs {runs})" if runs else ""
    first, last = series.weeks[0].day, series.weeks[-1].day
    weeks = f"{len(series.weeks)} measured weeks from {first.isoformat()} to {last.isoformat()}{named}"
    yield Fact("Weeks", f"{weeks}; the first {REFERENCE_WEEKS} are the reference")
    alike = "that every one of these weeks answered and that were graded in the same way"
    yield Fact("Items", f"{counted(len(series.items), 'item')} {alike}")


def _basis_facts(trend: Trend) -> Iterator[Fact]:
    """Say on whose grades a step stands, and across what nothing is compared."""
    shift = trend.shift
    assert shift is not None
    if shift.how is How.CORRECTED and shift.judge_alone is not None:
        graded = f"people graded {counted(shift.human_n, 'answer')} of its two sides"
        alone = signed_points(shift.judge_alone, (shift.upper - shift.lower) / 2)
        yield Fact(
            "Basis", f"Found by checks and judge, its size corrected by people: {graded}, the judge alone says {alone}"
        )
    elif shift.how is not None:
        corrected = any(point.estimate and point.estimate.how is How.CORRECTED for point in trend.points)
        note = "; where people corrected single weeks, these corrections are not part of it" if corrected else ""
        yield Fact("Basis", f"By {HOW_WORDS[shift.how]} alone in every week{note}")
    if trend.alike_since is not None:
        yield Fact("Left out", f"Weeks before {trend.alike_since.isoformat()}: judge, rubric or checks were others")


def _people_formula(trend: Trend) -> Iterator[Formula]:
    """Give the formula of a size that people corrected."""
    shift = trend.shift
    if shift is not None and shift.how is How.CORRECTED:
        sentence = (
            "The newest week that people corrected against the newest reference week that they corrected, item by item; the "
            "judge's difference plus the mean difference between people and judge."
        )
        ends = f"interval = {shift.lower:+.4f} to {shift.upper:+.4f}"
        steps = (f"difference = {shift.after:.4f} − {shift.before:.4f} = {shift.after - shift.before:+.4f}", ends)
        yield Formula("Its size by people", sentence, "Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453", steps)


def _steps(series: Series, step: Step) -> Iterator[str]:
    """Give the steps from the weeks' values to the size of a step."""
    means = [float(row.mean()) for row in series.table]
    yield f"reference: mean of {REFERENCE_WEEKS} weeks over {len(series.items):,} items = {step.before:.4f}"
    yield f"noise that the reference leaves = {step.error:.4f}"
    for place, mean in enumerate(means[REFERENCE_WEEKS:]):
        day, evidence = series.weeks[REFERENCE_WEEKS + place].day, step.path[place]
        yield f"week to {day.isoformat()}: {mean:.4f} ({mean - step.before:+.4f}), evidence 10^{round(evidence, 2) + 0.0:.2f}"
    yield f"alarm at 10^{step.threshold:.2f}, reached in the week to {series.weeks[step.alarm].day.isoformat()}"
    yield f"most likely begun in the week to {series.weeks[step.onset].day.isoformat()}"
    yield f"size = mean of the differences since then = {step.size.value:+.4f}"
    yield f"interval = {step.size.lower:+.4f} to {step.size.upper:+.4f}, with the reference's noise"


# --- answers ---------------------------------------------------------------------------------------


def explain_exhibit(digest: Digest, place: int, shown: Shown | None) -> Explanation:
    """Explain why a digest shows an answer (its place from 1), and what was said of it; None where it is gone."""
    exhibit = digest.exhibits[place - 1]
    meaning = _KINDS.get(exhibit.kind, "This answer is worth a look.")
    facts = list(_answer_facts(exhibit, shown)) if shown else [Fact("Answer", "It is not there any more.")]
    return _explanation(digest, answer_ref(place), exhibit.title, meaning, facts, ANSWERS_RULE)


def _answer_facts(exhibit: Exhibit, shown: Shown) -> Iterator[Fact]:
    """Say which answer it is and who said what of it; nobody is named."""
    run, item, unit = shown.run, shown.item, shown.output.unit
    skill = f", skill {item.skill}" if item.skill else ""
    yield Fact("Item", f"{item.id} of {run.suite} version {run.suite_version}{skill}")
    again = f", repeat {unit.repeat + 1}" if run.repeats > 1 else ""
    yield Fact("Answer", f"by {unit.target} in run {run.number}{again}")
    if shown.hidden:
        yield Fact("Grades", "People are just grading it: what others say is told when they are done.")
        return
    checks, judges, people = (_verdicts(shown.grades, kind) for kind in GraderKind)
    yield Fact("People", f"{people}, each as one verdict" if people else "Nobody has graded it.")
    if judges:
        yield Fact("Judge", judges)
    if checks:
        yield Fact("Code checks", checks)
    if exhibit.review_id:
        yield Fact("Where", "The digest's line leads to its card.")


def _verdicts(grades: Sequence[Grade], kind: GraderKind) -> str:
    """Count the verdicts of a kind of grader; a judge and its checks are named, people are not."""
    mine = [grade for grade in grades if grade.grader.kind is kind and grade.counts]
    if kind is GraderKind.HUMAN:
        passed = sum(bool(grade.passed) for grade in mine)
        parts = [
            f"{passed:,} passed it" if passed else "",
            f"{len(mine) - passed:,} failed it" if passed < len(mine) else "",
        ]
        return ", ".join(part for part in parts if part)
    named = (grade.grader.id.partition("#")[0] for grade in mine)
    return ", ".join(f"{name}: {'passed' if one.passed else 'failed'}" for name, one in zip(named, mine, strict=True))


# --- all of them -----------------------------------------------------------------------------------


def _explanation(
    digest: Digest, ref: DigestRef, said: str, meaning: str, facts: Sequence[Fact], *formulas: Formula
) -> Explanation:
    """Give the explanation of a thing that is no number of a run."""
    return Explanation(
        title=_title(digest, ref),
        meaning=meaning,
        suite=ref.suite,
        shown=None,
        facts=tuple(facts),
        formulas=formulas,
        more=tuple(_more(digest, ref)),
        key=ref.key,
        digest_id=digest.id,
        said=said,
    )


def _title(digest: Digest, ref: DigestRef) -> str:
    """Name what is explained."""
    days = f"Digest of {period(digest.start, digest.end)} {digest.end.year}"
    if ref.part in (Part.ROW, Part.STEP, Part.WEEK):
        skill = "all items" if ref.skill == OVERALL else ref.skill
        week = f" · week to {ref.day.day} {ref.day:%b}" if ref.day else ""
        return f"{days} · {ref.suite} · {ref.target} · {skill}{' · step change' if ref.part is Part.STEP else ''}{week}"
    names = {Part.HEADLINE: "headline", Part.JUDGE: "judge and people", Part.GRADES: "what people did"}
    return f"{days} · {names.get(ref.part, f'answer {ref.place}')}"


def _more(digest: Digest, ref: DigestRef) -> Iterator[str]:
    """Give what else of the digest can be explained, as it is typed: of a series its step and newest weeks, else the rows."""
    subject = (ref.suite, ref.target, ref.skill)
    others = [one for one in digest_refs(digest) if one != ref]
    if ref.skill:
        mine = [one for one in others if (one.suite, one.target, one.skill) == subject]
        weeks = [one for one in mine if one.part is Part.WEEK and one.day != digest.end]
        chosen = [*(one for one in mine if one.part is not Part.WEEK), *weeks[:-3:-1]]
    else:
        chosen = [one for one in others if one.part in (Part.ROW, Part.ANSWER)]
    for one in [*chosen, DigestRef(Part.HEADLINE)][:MOST_MORE]:
        if one != ref:
            yield typed_ref(digest, one)


def _trend(digest: Digest, line: SkillLine) -> Trend | None:
    """Give the series of a row."""
    subject = (line.suite, line.target, line.skill)
    return next((one for one in digest.trends if (one.suite, one.target, one.skill) == subject), None)
