"""Reviews in a thread: the round's card, one grading card per answer, and the modals behind its buttons.

A card is blind until its review has ended: no judge, no grades of others, no names of targets, and no id made from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalbot.grading.grades import Grade
from evalbot.grading.reviews import ReviewStatus
from evalbot.slack.blocks import (
    Payload,
    View,
    actions,
    button,
    context,
    header,
    mentions,
    message,
    modal,
    section,
    text_input,
)
from evalbot.slack.ids import FIELD, ActionId, BlockId, CallbackId, GradeClick, ReviewClick, encode, grade_action
from evalbot.slack.text import Block, editable, mrkdwn, one_line, preformatted, quote, was_cut
from evalbot.slack.views.numbers import counted, progress_bar
from evalbot.suites.rubrics import Rubric, Step
from evalbot.suites.suites import Strategy
from evalbot.workflows.announcer import ReviewState, RoundState

MOST_QUESTION = 600
MOST_ANSWER = 2_000
MOST_THANKED = 10
MOST_NOTED = 10
_NAME, _LINE = 60, 300
_PAGE, _QUESTION_PAGES, _ANSWER_PAGES = 1_450, 5, 25

_CHOSEN: dict[str, str] = {
    Strategy.RANDOM: "chosen at random",
    Strategy.FAIL: "failures first",
    Strategy.DISAGREE: "where checks and judge differ first",
    Strategy.NEW: "new items first",
    Strategy.MIX: "half chosen at random, half for what they can teach",
}


# --- the round -------------------------------------------------------------------------------------


def round_card(state: RoundState) -> Payload:
    """Give the card above the grading cards: how many are done and about how long the rest takes."""
    opened, done, wanted = state.round, state.done, state.round.size
    finished = done >= wanted
    title = f"{counted(wanted, 'answer')} graded" if finished else _needs(wanted)
    left = "All done" if finished else f"About {counted(max(state.minutes_left, 1), 'minute')} left"
    text = f"{title}: {done} of {wanted} done. {left}."
    people = f"{counted(opened.graders, 'person').replace('persons', 'people')} per answer"
    extra = ", one more where they differ" if opened.graders > 1 else ""
    blocks = [
        header(title),
        section(f"{progress_bar(done, wanted)} {done} of {wanted} done\n{left}. {_how_to_grade(finished)}"),
        context(f"Run {state.run.number} · {people}{extra} · {_CHOSEN.get(opened.strategy, 'chosen by hand')}"),
    ]
    if finished and state.thanks:
        blocks.append(context(f"Thank you {mentions(state.thanks, MOST_THANKED)}"))
    return message(text, blocks)


def _needs(count: int) -> str:
    """Say how many answers wait."""
    return f"{counted(count, 'answer')} need{'s' if count == 1 else ''} a person"


def _how_to_grade(finished: bool) -> str:
    """Say what to do next."""
    if finished:
        return "The judge is checked against these grades: see “Why these numbers?” on the run."
    return "Press one button under an answer: that is a stored grade, and pressing another one changes it."


# --- the grading card ------------------------------------------------------------------------------


def review_card(state: ReviewState) -> Payload:
    """Give the card of one answer: blind with buttons while it is open, with the outcome after that."""
    blocks = [context(_place(state)), quote(state.item.question, MOST_QUESTION), _answer(state)]
    if state.review.status is ReviewStatus.OPEN:
        return message(_open_text(state), [*blocks, *_open_blocks(state)])
    outcome = _outcome(state)
    return message(f"{_place_words(state)}: {_unmarked(outcome)}", [*blocks, *_ended_blocks(state, outcome)])


def _place_words(state: ReviewState) -> str:
    """Say which answer of the round this is."""
    return f"Answer {state.review.position} of {state.round.size}"


def _place(state: ReviewState) -> str:
    """Say what this answer is about and how far its review is."""
    item = state.item
    parts = [f"{state.review.position} of {state.round.size}"]
    parts += [mrkdwn(item.skill, _NAME)] if item.skill else []
    parts += [f"level {mrkdwn(item.level, _NAME)}"] if item.level else []
    parts += [f"item {mrkdwn(item.id, _NAME)}", _graded_words(state)]
    return " · ".join(parts)


def _graded_words(state: ReviewState) -> str:
    """Say how many grades there are of those wanted; what they say stays hidden."""
    if state.review.status is not ReviewStatus.OPEN:
        return {ReviewStatus.EXPIRED: "closed without enough grades"}.get(state.review.status, "closed")
    given = sum(grade.counts for grade in state.grades)
    more = given >= state.review.wanted
    return f"{given} graded, one more wanted" if more else f"{given} of {state.review.wanted} graded"


def _answer(state: ReviewState) -> Block:
    """Show the answer literally, or say that there is none."""
    if state.output.text is None:
        why = state.output.failure.message if state.output.failure else "no answer was kept"
        return context(f"No answer: {mrkdwn(why, _LINE)}")
    return preformatted(state.output.text, MOST_ANSWER)


def _open_text(state: ReviewState) -> str:
    """Say what is asked, for notifications and screen readers."""
    skill = f" on {mrkdwn(state.item.skill, _NAME)}" if state.item.skill else ""
    return f"{_place_words(state)}{skill} needs a grade: {mrkdwn(state.rubric.question, _LINE)}"


def _open_blocks(state: ReviewState) -> list[Block]:
    """Give the question to the grader and the buttons."""
    about = encode(ReviewClick(state.review.id))
    counts = button("What counts?", ActionId.RUBRIC, about, spoken="What counts? Shows the anchors of every step")
    grades = [_grade_button(state, step) for step in state.rubric.scale.steps]
    others = [
        button("Cannot judge", ActionId.CANNOT_JUDGE, about) if state.rubric.not_applicable else None,
        button("Better answer…", ActionId.BETTER_ANSWER, about),
        button("Show all", ActionId.FULL_TEXT, about) if _is_cut(state) else None,
    ]
    closing = "grades and the judge show after it closes · your own is confirmed to you alone"
    if state.review.discussed:
        closing = f"discussed before the end: new grades are kept as not blind · {closing}"
    return [
        section(f"*{mrkdwn(state.rubric.question, _LINE)}*", counts),
        actions(*grades),
        actions(*others),
        context(f"Run {state.run.number} · {closing}"),
    ]


def _grade_button(state: ReviewState, step: Step) -> Block:
    """Give the button of one step: its number and its word, none of them highlighted."""
    label = _step_words(step)
    value = encode(GradeClick(state.review.id, step.value))
    return button(label, grade_action(step.value), value, spoken=f"Grade {label}")


def _step_words(step: Step) -> str:
    """Give the number and word of a step."""
    return f"{step.value} {one_line(step.label, 40)}"


def _is_cut(state: ReviewState) -> bool:
    """Tell whether the card does not show the whole question and answer."""
    return was_cut(state.item.question, MOST_QUESTION) or was_cut(state.output.text or "", MOST_ANSWER)


# --- the outcome -----------------------------------------------------------------------------------


def _ended_blocks(state: ReviewState, outcome: str) -> list[Block]:
    """Give the outcome, how it came about, and what can be done with it."""
    about = encode(ReviewClick(state.review.id))
    failed = state.consensus is not None and not state.consensus.passed
    make = button("Make it an item", ActionId.MAKE_ITEM, about, style="primary" if failed else None)
    more = button("Show all", ActionId.FULL_TEXT, about) if _is_cut(state) else None
    rubric = button("What counts?", ActionId.RUBRIC, about)
    return [section(outcome), context("\n".join(_how_it_came(state))), actions(make, rubric, more)]


def _outcome(state: ReviewState) -> str:
    """Say in mrkdwn what people found, what the judge said and whether the two differ."""
    found, rubric = state.consensus, state.rubric
    if found is None:
        return f"No grade by people · {_judge_said(state.judge, rubric)}"
    word = _label(rubric, found.level)
    if state.review.status is ReviewStatus.CONTESTED or found.tied:
        people = f"*No majority* among {counted(found.graders, 'person').replace('persons', 'people')}"
    else:
        side = "pass" if found.passed else "fail"
        people = f"*{word}* ({side}) by {found.agreeing} of {found.graders}"
    if state.review.status is ReviewStatus.EXPIRED:
        people = f"{people}, fewer than wanted"
    return f"{people} · {_judge_said(state.judge, rubric)}{_disagrees(state)}"


def _judge_said(judge: Grade | None, rubric: Rubric) -> str:
    """Say the judge's grade in a clause."""
    if judge is None:
        return "no judge graded it"
    if not judge.counts or judge.level is None:
        return "the judge gave no grade"
    return f"the judge said {_label(rubric, judge.level)}"


def _disagrees(state: ReviewState) -> str:
    """Say whether people and judge differ on pass or fail."""
    found, judge = state.consensus, state.judge
    if found is None or found.tied or judge is None or not judge.counts:
        return ""
    return " · *the judge disagrees*" if judge.passed != found.passed else ", they agree"


def _how_it_came(state: ReviewState) -> list[str]:
    """Give the distribution of grades, the judge's reason, and an invitation to talk where people differ."""
    lines = [_distribution(state)]
    if state.judge is not None and state.judge.counts and state.judge.reason.strip():
        lines.append(f"Judge: {mrkdwn(state.judge.reason, _LINE)}")
    if state.consensus is not None and state.consensus.split:
        lines.append("People differ: say why in this thread.")
    return lines


def _distribution(state: ReviewState) -> str:
    """Count the grades by step, abstentions and grades that were not blind apart."""
    levels = Counter(grade.level for grade in state.grades if grade.counts and grade.level is not None)
    parts = [
        f"{levels[step.value]} × {_label(state.rubric, step.value)}" for step in _steps(state) if levels[step.value]
    ]
    abstained = sum(grade.abstained for grade in state.grades)
    parts += [f"{abstained} cannot judge"] if abstained else []
    seen = sum(grade.counts and not grade.blind for grade in state.grades)
    parts += [f"{seen} not blind"] if seen else []
    return f"Grades: {', '.join(parts)}" if parts else "No grades"


def _steps(state: ReviewState) -> tuple[Step, ...]:
    """Give the steps of the scale, lowest first."""
    return state.rubric.scale.steps


def _label(rubric: Rubric, level: int) -> str:
    """Give the word of a step for mrkdwn; a step the rubric no longer has is only a number."""
    if not rubric.scale.holds(level):
        return str(level)
    return mrkdwn(rubric.scale.step(level).label, 40)


def _unmarked(text: str) -> str:
    """Take the bold marks out of our own mrkdwn for the message text."""
    return text.replace("*", "")


# --- modals ----------------------------------------------------------------------------------------


def rubric_view(rubric: Rubric) -> View:
    """Give the modal that says what earns each step, with examples."""
    blocks = [section(f"*{mrkdwn(rubric.question, _LINE)}*")]
    for step in reversed(rubric.scale.steps):
        side = "passes" if rubric.passes(step.value) else "fails"
        blocks.append(
            section(f"*{mrkdwn(_step_words(step), _NAME)}* ({side})\n{mrkdwn(step.anchor or 'No anchor.', 600)}")
        )
    for example in rubric.examples[:8]:
        why = f": {mrkdwn(example.why, _LINE)}" if example.why else ""
        blocks.append(context(f"*Example: {_label(rubric, example.grade)}*{why}"))
        blocks += [quote(example.input, MOST_QUESTION), preformatted(example.output, MOST_QUESTION)]
    if rubric.not_applicable:
        blocks.append(
            context("*Cannot judge* is not a middle grade: it is counted apart and frees the place for somebody else.")
        )
    blocks.append(context(f"Rubric {mrkdwn(rubric.name, _NAME)} · version {rubric.version}"))
    return modal("What counts?", CallbackId.READ_ONLY, blocks)


def full_text_view(state: ReviewState) -> View:
    """Give the modal with the whole question and answer, in pages."""
    blocks = [context("*Question*"), *_pages(state.item.question, "question", _QUESTION_PAGES)]
    blocks += [context("*Answer*"), *_pages(state.output.text or "", "answer", _ANSWER_PAGES)]
    return modal("Whole answer", CallbackId.READ_ONLY, blocks)


def _pages(text: str, noun: str, most: int) -> list[Block]:
    """Split a text into blocks that Slack takes, at most so many; what does not fit is counted."""
    pages = [text[start : start + _PAGE] for start in range(0, len(text), _PAGE)] or [""]
    shown = [preformatted(page, 2 * _PAGE, noun) for page in pages[:most]]
    left = len(text) - most * _PAGE
    return [*shown, context(f"_{left:,} more of {len(text):,} characters did not fit._")] if left > 0 else shown


def reason_view(state: ReviewState, level: int, changed: bool = False) -> View:
    """Give the modal that asks why after a low grade; both fields may stay empty and the grade is kept either way."""
    return modal(
        "What went wrong?",
        CallbackId.REASON,
        [
            context(f"{grade_words(state, level, changed)} Closing this keeps it."),
            text_input(
                "What went wrong?",
                BlockId.REASON,
                FIELD,
                placeholder="cites an article that does not exist",
                optional=True,
            ),
            text_input(
                "Better answer",
                BlockId.BETTER,
                FIELD,
                placeholder="What it should have answered",
                hint="With a better answer this becomes a proposed item; a second person approves it.",
                optional=True,
            ),
        ],
        submit="Save",
        close="Skip",
        metadata=encode(GradeClick(state.review.id, level)),
    )


def better_answer_view(state: ReviewState) -> View:
    """Give the modal that drafts an item: the question may be edited, the answer and reference are shown."""
    question = state.item.question
    references = [preformatted(text, 1_000, "reference") for text in state.item.references[:3]]
    blocks = [
        text_input(
            "Question", BlockId.QUESTION, FIELD, initial=question, hint="Leave out names and other personal data."
        )
        if editable(question)
        else quote(question, MOST_QUESTION),
        context("*Its answer*"),
        _answer(state),
        *([context("*Reference so far*"), *references] if references else []),
        text_input("Better answer", BlockId.BETTER, FIELD, placeholder="What it should have answered", focus=True),
        text_input("What went wrong?", BlockId.REASON, FIELD, optional=True),
        context("This drafts an item. A second person approves it before it is asked."),
    ]
    return modal(
        "Better answer",
        CallbackId.BETTER_ANSWER,
        blocks,
        submit="Propose",
        close="Cancel",
        metadata=encode(ReviewClick(state.review.id)),
    )


def grade_noted(state: ReviewState, level: int | None, changed: bool = False) -> Payload:
    """Confirm to the grader alone what was stored."""
    return grades_noted([grade_words(state, level, changed)])


def grade_words(state: ReviewState, level: int | None, changed: bool = False) -> str:
    """Say what was stored."""
    word = "cannot judge" if level is None else _label(state.rubric, level)
    verb = "changed to" if changed else "stored:"
    return f"{_place_words(state)}: your grade is {verb} *{word}*."


def grades_noted(told: Sequence[str]) -> Payload:
    """Confirm several grades to their grader alone, a line for each of the newest."""
    lines = list(told[-MOST_NOTED:])
    if len(told) > len(lines):
        lines.insert(0, f"{counted(len(told) - len(lines), 'grade')} stored before these.")
    return message(_unmarked(" ".join(lines)), [context("\n".join(lines))])
