"""The weekly digest: at most a dozen lines in the channel, and the modal that says where its numbers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalbot.reporting.digest_refs import DigestRef, Part, answer_ref, row_ref, step_ref, typed_ref
from evalbot.reporting.digests import Digest, Exhibit, Shift, SkillLine, Trend, period
from evalbot.reporting.estimates import OVERALL, How
from evalbot.reporting.telling import HOW_WORDS, UNVERIFIED, basis_words, change_basis
from evalbot.slack.blocks import (
    PICTURE,
    Cell,
    Payload,
    View,
    actions,
    bold_cell,
    button,
    context,
    header,
    image_file,
    link,
    mentions,
    message,
    modal,
    section,
    table,
)
from evalbot.slack.ids import ActionId, CallbackId, DigestClick, DigestLineClick, encode
from evalbot.slack.text import Block, mrkdwn, one_line
from evalbot.slack.views.numbers import (
    change_alone,
    change_words,
    counted,
    interval_words,
    moment,
    percent,
    score_alone,
    score_words,
    signed_points,
    verdict_words,
)
from evalbot.stats.verdicts import Verdict

MOST_LINES = 12
MOST_EXHIBITS = 3
MOST_THANKED = 5
MOST_DETAILS = 60
MOST_STEPS = 25
_NAME, _SENTENCE, _TITLE = 60, 400, 110

_SHOWS = {
    "disagreement": "people and judge differ",
    "contested": "people differ",
    "fail": "failed",
}
_URGENCY = {Verdict.WORSE: 0, Verdict.BETTER: 1}


def digest_message(digest: Digest, links: Mapping[str, str], has_picture: bool) -> Payload:
    """Give a digest: what moved, the picture, the table, what to look at, thanks.

    `links` maps an exhibit's output id to the address of a message that shows it; without one the exhibit is only named.
    With `has_picture` the message keeps room for the picture, see `with_picture`.
    """
    title = f"Model quality, {period(digest.start, digest.end)}: {digest.headline}"
    told = [mrkdwn(sentence, _SENTENCE) for sentence in digest.sentences]
    blocks = [header(title)]
    blocks += [section("\n".join(told))] if told else []
    blocks += [image_file(PICTURE, " ".join(digest.sentences))] if has_picture else []
    blocks += _table_blocks(digest, MOST_LINES - 2 - len(told) - min(len(digest.exhibits), MOST_EXHIBITS))
    blocks += _exhibit_blocks(digest.exhibits, links)
    blocks += [actions(button("Why these numbers?", ActionId.DIGEST_NUMBERS, encode(DigestClick(digest.id))))]
    blocks += [context(_effort(digest))]
    return message(f"{mrkdwn(title, 300)}. {' '.join(told)}".strip(), blocks)


def _table_blocks(digest: Digest, room: int) -> list[Block]:
    """Give the rows that matter most in the lines there is room for: clear changes, then the overall scores, then the rest."""
    steps, ordered = _steps_told(digest), _ordered(digest)
    if not ordered or room < 2:
        return []
    several = len({(line.suite, line.target) for line in digest.lines}) > 1
    shown = ordered[: room - 1]
    head: list[Cell] = ["What", "Now", "95 % interval", "Change", "Verdict"]
    rows = [_row(line, several, steps.get((line.suite, line.target, line.skill))) for line in shown]
    return [table([head, *rows], ["left", "right", "right", "right", "left"])]


_Steps = dict[tuple[str, str, str], Shift]
"""Step changes by suite, target and skill."""


def _steps_told(digest: Digest) -> _Steps:
    """Give the clear step changes of rows in which the week itself says nothing; never on an unverified judge."""
    silent = {
        (line.suite, line.target, line.skill) for line in digest.lines if line.change_verified and not _is_clear(line)
    }
    return {
        (one.suite, one.target, one.skill): one.shift
        for one in digest.trends
        if (one.suite, one.target, one.skill) in silent
        and one.shift
        and one.shift.verified
        and one.shift.lower * one.shift.upper > 0
    }


def _ordered(digest: Digest) -> list[SkillLine]:
    """Order rows by what a reader should see first: what is down, what is up, then the overall scores."""
    steps = _steps_told(digest)

    def rank(line: SkillLine) -> tuple[int, bool, float]:
        step, change = steps.get((line.suite, line.target, line.skill)), line.change
        if _is_clear(line) and change:
            return _URGENCY[change.verdict], line.skill != OVERALL, -abs(change.difference)
        if step:
            return int(step.after > step.before), line.skill != OVERALL, -abs(step.after - step.before)
        return 2, line.skill != OVERALL, -abs(change.difference) if change else 0.0

    return sorted(digest.lines, key=rank)


def _is_clear(line: SkillLine) -> bool:
    """Tell whether a row moved clearly since the week before."""
    return line.change is not None and line.change.verdict in _URGENCY and line.change_verified


def _row(line: SkillLine, several: bool, step: Shift | None = None) -> list[Cell]:
    """Give one row of the table; a clear change is bold. A step change that goes on is told where the week says nothing."""
    if step:
        arrow, half = "▼" if step.after < step.before else "▲", (step.upper - step.lower) / 2
        since = bold_cell(f"{arrow} since {step.day.day} {step.day:%b}")
        return [*_row(line, several)[:3], signed_points(step.after - step.before, half), since]
    words = verdict_words(line.change) + ("" if line.change_verified else f", {UNVERIFIED}")
    score = score_alone(line.now) if line.verified else f"{score_alone(line.now)} {UNVERIFIED}"
    return [
        one_line(f"{_what(line, several)} · n {line.now.n:,}", 75),
        score,
        "–" if line.now.too_few else interval_words(line.now),
        change_alone(line.change),
        bold_cell(words) if _is_clear(line) else words,
    ]


def _what(line: SkillLine | Trend, several: bool) -> str:
    """Name what a row is about; with several targets also whose it is."""
    skill = "all items" if line.skill == OVERALL else one_line(line.skill, 30)
    return f"{one_line(line.suite, 18)} · {one_line(line.target, 18)} · {skill}" if several else skill


def _exhibit_blocks(exhibits: Sequence[Exhibit], links: Mapping[str, str]) -> list[Block]:
    """Give the outputs worth opening, one line each."""
    lines = [_exhibit_line(exhibit, links.get(exhibit.output_id, "")) for exhibit in exhibits[:MOST_EXHIBITS]]
    return [section("\n".join(lines))] if lines else []


def _exhibit_line(exhibit: Exhibit, address: str) -> str:
    """Give one exhibit: what it shows, and its title as a link."""
    return f"• {_SHOWS.get(exhibit.kind, 'look')}: {link(address, mrkdwn(exhibit.title, _TITLE))}"


def _effort(digest: Digest) -> str:
    """Say what people did, how far the judge may be trusted, and when the next digest comes."""
    parts = [counted(digest.runs, "run")]
    if digest.human_grades:
        people = counted(len(digest.graders), "person", "people")
        parts.append(
            f"{counted(digest.human_grades, 'grade')} by {people}, thank you {mentions(digest.graders, MOST_THANKED)}".strip()
        )
    else:
        parts.append("nobody graded")
    parts += [f"{counted(digest.items_added, 'item')} added"] if digest.items_added else []
    parts.append(_judge(digest))
    parts += [f"next {moment(digest.next_at)}"] if digest.next_at else []
    parts += ["posted late"] if digest.late else []
    return " · ".join(parts)


def _judge(digest: Digest) -> str:
    """Say how often judge and people agree."""
    doubted = dict.fromkeys(line.suite for line in digest.lines if not line.verified)
    everywhere = all(line.suite in doubted for line in digest.lines)
    doubt = f" {UNVERIFIED}:" if doubted and everywhere else ""
    where = (
        "" if not doubted or everywhere else f", {UNVERIFIED} for {', '.join(mrkdwn(one, _NAME) for one in doubted)}"
    )
    if digest.judge_agreement is None:
        return f"judge{doubt} not checked by people yet{where}"
    return f"judge{doubt} agrees with people {score_words(digest.judge_agreement)}{where}"


# --- where the numbers come from -------------------------------------------------------------------


def digest_numbers_view(digest: Digest, command: str = "/evalbot") -> View:
    """Give the modal that lists every number of a digest with n, interval, comparison and step change.

    Each has a button that tells where it comes from.
    """
    steps = [trend for trend in digest.trends if trend.shift is not None][:MOST_STEPS]
    rows = _ordered(digest)[:MOST_DETAILS]
    intro = "Each number is the newest finished run of its week, as people corrected it where they graded enough. Changes compare "
    blocks = [
        _explained(f"{intro}the same items, graded in the same way, a week apart.", digest, DigestRef(Part.HEADLINE))
    ]
    blocks += [_explained(_detail(line), digest, row_ref(line)) for line in rows] or [section(_NOTHING)]
    blocks.append(section("*Step changes*"))
    blocks += [_explained(_shift_line(trend), digest, step_ref(trend)) for trend in steps] or [section(_NO_STEP)]
    if digest.exhibits:
        blocks.append(section("*Answers worth opening*"))
        blocks += [
            _explained(f"{_SHOWS.get(one.kind, 'look')}: {mrkdwn(one.title, _TITLE)}", digest, answer_ref(place))
            for place, one in enumerate(digest.exhibits, start=1)
        ]
    blocks.append(section("*People and judge*"))
    blocks.append(_explained(_judge(digest), digest, DigestRef(Part.JUDGE)))
    blocks.append(_explained(f"{counted(digest.human_grades, 'grade')} by people", digest, DigestRef(Part.GRADES)))
    typed = f"`{command} {typed_ref(digest, DigestRef(Part.HEADLINE))} …`"
    how = "weeks without a run are gaps, never zeros"
    blocks.append(
        context(f"Composed {moment(digest.composed_at)} · {how} · typed: {typed} and a skill, `step` or a day")
    )
    return modal("Why these numbers?", CallbackId.READ_ONLY, blocks)


_NOTHING = "Nothing was measured this week."
_NO_STEP = "None in the weeks shown."


def _explained(text: str, digest: Digest, ref: DigestRef) -> Block:
    """Give a line with a button that tells where it comes from."""
    value = encode(DigestLineClick(digest.id, ref.key))
    return section(
        text, button("Explain", ActionId.DIGEST_LINE, value, spoken=f"Explain: {typed_ref(digest, ref)}"[:75])
    )


def _detail(line: SkillLine) -> str:
    """Say one number in full."""
    text = f"*{mrkdwn(_what(line, several=True), 90)}*: {score_words(line.now)}, {_basis(line)}"
    if line.change is None:
        return f"{text}; not compared"
    against, change = mrkdwn(line.change.against, _NAME), line.change
    alone = "" if change.judge_alone is None else signed_points(change.judge_alone, (change.upper - change.lower) / 2)
    parts = [f"{change_words(change)}, {verdict_words(change)}", change_basis(change, alone)]
    parts += [] if line.change_verified else [UNVERIFIED]
    return f"{text}; against {against}: {', '.join(part for part in parts if part)}"


def _basis(line: SkillLine) -> str:
    """Say whose grades a number stands on."""
    graded = f", who graded {counted(line.now.human_n, 'answer')}" if line.now.how is How.CORRECTED else ""
    doubt = "" if line.verified else f", {UNVERIFIED}"
    return f"{basis_words(line.now)}{graded} ({mrkdwn(line.now.method, 40)}){doubt}"


def _shift_line(trend: Trend) -> str:
    """Say one step change with its date, the interval of its size, and whose grades it stands on."""
    shift = trend.shift
    if shift is None:
        return ""
    ends = f"{shift.lower * 100:+.0f} to {shift.upper * 100:+.0f}".replace("-", "−")
    name = mrkdwn(_what(trend, several=True), 90)
    levels = (
        f"{percent(shift.before)} before, {percent(shift.after)} from the week of {shift.day.day} {shift.day:%b} on"
    )
    basis = f", by {HOW_WORDS[shift.how]}" if shift.how else ""
    return f"*{name}*: {levels} ({ends} points){basis}{'' if shift.verified else f', {UNVERIFIED}'}"
