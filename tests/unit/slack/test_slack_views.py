"""What the views say, and what they must not say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from evalbot.errors import BadRequest
from evalbot.grading.consensus import Consensus
from evalbot.grading.reviews import ReviewStatus
from evalbot.reporting.digests import period
from evalbot.reporting.estimates import OVERALL, Degenerate, How, ScoreRow
from evalbot.runs.runs import RunStatus
from evalbot.slack.ids import ActionId, CallbackId, GradeClick, ReviewClick, RunClick, decode, encode
from evalbot.slack.views.digests import digest_message
from evalbot.slack.views.errors import error_message
from evalbot.slack.views.feedback import candidate_card
from evalbot.slack.views.home import home_view
from evalbot.slack.views.reviews import better_answer_view, full_text_view, review_card, round_card
from evalbot.slack.views.run_details import failures_view
from evalbot.slack.views.runs import run_card, run_verdict_card, verdict_line
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.targets import Target
from tests.unit.slack.slack_rules import strings_of
from tests.unit.slack.slack_samples import (
    DIGEST_LINKS,
    corrected,
    make_candidate,
    make_change,
    make_digest,
    make_estimate,
    make_grade,
    make_home,
    make_item,
    make_judge_grade,
    make_output,
    make_review_state,
    make_round_state,
    make_rubric,
    make_run,
    make_settled_state,
    make_summary,
    unverified,
)
from tests.unit.slack.slack_views import PROGRESS, VIEWS, Samples


def _elements(part: Any) -> list[dict[str, Any]]:
    """Give every object with an action id."""
    if isinstance(part, list):
        return [one for value in part for one in _elements(value)]
    if isinstance(part, dict):
        inner = [one for value in part.values() for one in _elements(value)]
        return [part, *inner] if "action_id" in part else inner
    return []


def _said(sent: dict[str, Any]) -> str:
    """Give everything a person can read in a message or view."""
    return "\n".join(text for _, text in strings_of(sent))


def _button(sent: dict[str, Any], action: str) -> dict[str, Any]:
    """Give the button of an action."""
    return next(one for one in _elements(sent) if one["action_id"] == action)


# --- runs ------------------------------------------------------------------------------------------


def test_a_running_card_counts_and_can_be_stopped() -> None:
    """Counts, errors and a rough time are text; Cancel asks first."""
    sent = run_card(make_run(status=RunStatus.RUNNING), PROGRESS, 38.0)
    assert sent["text"] == "Running support-desk: 62 of 360 answers, 2 errors, about 40 s left."
    cancel = _button(sent, ActionId.RUN_CANCEL)
    assert decode(cancel["value"], RunClick).run_id == "run1f2e"
    assert "kept" in cancel["confirm"]["text"]["text"]


def test_a_paused_card_says_why_and_can_be_resumed() -> None:
    """What is there, the reason as plain text, Resume first and Cancel beside it; no time is guessed."""
    sent = run_card(make_run(status=RunStatus.PAUSED, note="<!here> main failed 10 times in a row."), PROGRESS, None)
    assert sent["text"] == "Paused support-desk: 62 of 360 answers, 2 errors."
    resume = _button(sent, ActionId.RUN_RESUME)
    assert decode(resume["value"], RunClick).run_id == "run1f2e"
    assert resume["style"] == "primary"
    assert "main failed 10 times in a row." in _said(sent)
    assert "<!here>" not in _said(sent)
    assert _button(sent, ActionId.RUN_CANCEL)


def test_the_verdict_comes_first() -> None:
    """The header names what got worse; the sentence has points, interval and n."""
    sent = run_verdict_card(make_run(), make_summary(), 12)
    assert sent["blocks"][0]["text"]["text"] == "support-desk: worse on citations, no clear change elsewhere"
    assert "Against *baseline*: *−3.1 points* (−6.0 to −0.2, n 180), a real drop." in sent["blocks"][1]["text"]["text"]
    assert sum(one.get("style") == "primary" for one in _elements(sent)) == 1
    assert "Review 12 answers" in _said(sent)


def test_unchanged_skills_are_folded_into_one_line() -> None:
    """The table holds what moved or cannot be told; the rest is a line with the widest interval."""
    sent = run_verdict_card(make_run(), make_summary(), 12)
    table = next(block for block in sent["blocks"] if block["type"] == "table")
    assert [row[0]["text"] for row in table["rows"][1:]] == ["citations · 30 items", "tone · 36 items"]
    assert "3 skills unchanged within ±4.5 points: shipping, refund-policy, refusals" in _said(sent)


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ((), "support-desk: 84 % (78 to 89, n 180) passed"),
        ((make_change(),), "support-desk: worse"),
        ((make_change(difference=0.01, half=0.09),), "support-desk: no clear change"),
        ((make_change(difference=0.0, half=0.01),), "support-desk: no real change"),
        (
            (make_change("b", -0.2, 0.1), make_change("a", -0.3, 0.1), make_change("c", 0.2, 0.1)),
            "support-desk: worse on a and b, better on c",
        ),
        (
            (make_change("a", 0.3, 0.1), make_change("b", 0.0, 0.01)),
            "support-desk: better on a, the rest unchanged",
        ),
        (
            (make_change(), make_change(target="baseline", against="run 9")),
            "support-desk: candidate worse",
        ),
    ],
)
def test_the_verdict_line_says_what_may_be_said(changes: tuple[Any, ...], verdict: str) -> None:
    """Only clear changes are called changes; without a comparison the pass rate is said."""
    assert verdict_line(make_run(), make_summary(changes=changes)) == verdict


def test_too_few_items_give_no_number() -> None:
    """A run of four items says so instead of a percentage."""
    rows = (ScoreRow("candidate", OVERALL, PASS_CRITERION, make_estimate(0.75, 0.4, 4)),)
    run = make_run(targets=(Target("a:b", "candidate"),))
    sent = run_verdict_card(run, make_summary(rows=rows, changes=(), agreement=None), 0)
    assert "too few items to say (n 4)" in sent["blocks"][0]["text"]["text"]
    assert "75" not in _said(sent)


def test_a_judge_nobody_checked_is_said_to_be_unchecked() -> None:
    """Trust in the judge is a measured number or said to be missing; unknown costs are unknown."""
    said = _said(run_verdict_card(make_run(), make_summary(agreement=None, human_outputs=4, cost_usd=None), 12))
    assert "not yet checked by people: 4 graded so far" in said
    assert "cost unknown" in said
    assert "no judge, code checks only" in _said(run_verdict_card(make_run(), make_summary(judge=""), 12))


def test_a_stopped_run_says_what_its_numbers_stand_on() -> None:
    """A cancelled run is marked in its headline and says how many answers there are."""
    sent = run_verdict_card(make_run(status=RunStatus.CANCELLED, note="Stopped by Dana."), make_summary(), 12)
    assert "(stopped early)" in sent["blocks"][0]["text"]["text"]
    assert "357 of 360 answers. Stopped by Dana." in _said(sent)


def _lines(sent: dict[str, Any]) -> int:
    """Count the lines of a card as they stand in a wide window, buttons aside."""
    count = 0
    for block in sent["blocks"]:
        if block["type"] == "table":
            count += len(block["rows"])
        elif block["type"] == "section" and "fields" in block:
            count += max(field["text"].count("\n") + 1 for field in block["fields"])
        elif block["type"] in ("section", "context", "header"):
            texts = block.get("elements", [block.get("text")])
            count += sum(one["text"].count("\n") + 1 for one in texts)
    return count


@pytest.mark.parametrize("change", [lambda summary: summary, corrected, unverified])
@pytest.mark.parametrize("targets", [1, 2, 3])
def test_a_verdict_card_has_a_dozen_lines(change: Any, targets: int) -> None:
    """Whatever a run says of up to three targets fits into twelve lines."""
    labels = ["candidate", "baseline", "third"][:targets]
    run = make_run(targets=tuple(Target(f"stub:{label}", label) for label in labels))
    assert _lines(run_verdict_card(run, change(make_summary()), 12)) <= 12


def test_a_corrected_number_is_told_with_the_judges_beside_it() -> None:
    """The score is people's correction, with how many answers they graded, what the judge says and what would narrow it."""
    summary = corrected(make_summary())
    said = _said(run_verdict_card(make_run(), summary, 12))
    assert "*candidate* passes *79 %* of 180 items (74 to 84)" in said
    assert "people graded 40 of 180 answers, the judge alone says 84 %" in said
    assert "75 more graded answers would halve this interval" in said
    assert "Against *run 121*" in said
    assert "run 121 asked suite version 13: compared on the 150 items that are the same" in said
    assert "(as fails: 82 %)" in said
    assert verdict_line(make_run(), replace(summary, changes=())) == (
        "support-desk: 79 % (74 to 84, n 180) passed, corrected by people"
    )


def test_an_unverified_judge_leaves_the_headline_and_is_marked() -> None:
    """The title has what checks say, never what only the judge saw; its numbers say that they are unverified."""
    sent = run_verdict_card(make_run(), unverified(make_summary()), 12)
    assert sent["blocks"][0]["text"]["text"] == "support-desk: 94 % (90 to 98, n 180) passed by code checks"
    table = next(block for block in sent["blocks"] if block["type"] == "table")
    assert {row[1]["text"] for row in table["rows"][1:]} == {"49 % unverified", "91 % unverified"}
    assert table["rows"][1][4]["text"] == "▼ worse, unverified"
    assert "*baseline* gave one answer to all of 180 items, so it is not scored." in _said(sent)
    alone = unverified(make_summary())
    alone = replace(alone, rows=tuple(replace(row, checks=None) for row in alone.rows))
    assert verdict_line(make_run(), alone) == "support-desk: judge unverified: no headline"
    constant = replace(make_summary(), rows=(), changes=(), degenerate=(Degenerate("candidate", "Sorry.", 180),))
    assert verdict_line(make_run(), constant) == "support-desk: candidate gives one answer to everything, not scored"


def test_a_digest_marks_what_is_unverified() -> None:
    """A row on the word of an unverified judge alone says so, and its drop is not bold and not first."""
    digest = make_digest()
    lines = (
        replace(line, verified=line.skill != "citations", change_verified=line.skill != "citations")
        for line in digest.lines
    )
    doubted = replace(digest, lines=tuple(lines))
    table = next(b for b in digest_message(doubted, {}, has_picture=False)["blocks"] if b["type"] == "table")
    row = next(row for row in table["rows"] if row[0]["text"].startswith("citations"))
    assert row[1]["text"].endswith("unverified")
    assert row is not table["rows"][1]
    assert (row[4]["type"], row[4]["text"]) == ("raw_text", "▼ worse, unverified")


def test_a_change_by_an_unverified_judge_is_marked_beside_a_corrected_number() -> None:
    """People corrected the number of the week, not its change: only that is marked, and it is not bold."""
    digest = make_digest()
    corrected = make_estimate(0.49, 0.17, 30, how=How.CORRECTED, human_n=20)
    lines = tuple(
        replace(line, now=corrected, change_verified=False) if line.skill == "citations" else line
        for line in digest.lines
    )
    table = next(
        b for b in digest_message(replace(digest, lines=lines), {}, has_picture=False)["blocks"] if b["type"] == "table"
    )
    row = next(row for row in table["rows"] if row[0]["text"].startswith("citations"))
    assert (row[1]["text"], row[4]["type"], row[4]["text"]) == ("49 %", "raw_text", "▼ worse, unverified")


def test_failures_keep_holdout_items_unknown() -> None:
    """The list says that it leaves holdout items out, and how many it does not show."""
    said = _said(failures_view(make_run(), [Samples().failing()] * 20, 3))
    assert "15 answers of run 128 that failed, and 8 more that are not shown." in said
    assert "Holdout items are left out" in said


# --- reviews ---------------------------------------------------------------------------------------


def test_an_open_card_is_blind() -> None:
    """Whatever people and judge said and whichever target answered, the open card is the same to the last character."""
    one = make_review_state(grades=(make_grade(1),), judge=make_judge_grade(1, "bad"))
    other = make_review_state(
        grades=(make_grade(4, "U0KIM"),),
        judge=make_judge_grade(4, "great"),
        consensus=Consensus(4, True, 1, 1),
        output=make_output(id="other", unit=replace(one.output.unit, target="baseline")),
        run=make_run(targets=(Target("x:secret", "secret"),)),
    )
    assert json.dumps(review_card(one)) == json.dumps(review_card(other))


def test_an_open_card_names_neither_target_nor_judge() -> None:
    """No text, id or value of the card holds the name of a target, the judge's grade or reason, or the output's id."""
    sent = json.dumps(review_card(make_review_state()))
    for secret in ("candidate", "baseline", "judge-large", "The rule is right", "out77", "stub:"):
        assert secret not in sent


def test_each_step_is_one_click() -> None:
    """One ordinary button per step, none highlighted, each with the step in its value."""
    sent = review_card(make_review_state())
    grades = [one for one in _elements(sent) if one["action_id"].startswith("grade:")]
    assert [one["text"]["text"] for one in grades] == ["1 Wrong", "2 Partial", "3 Good", "4 Great"]
    assert [decode(one["value"], GradeClick).level for one in grades] == [1, 2, 3, 4]
    assert not any("style" in one for one in _elements(sent))


def test_cannot_judge_is_offered_where_the_rubric_allows_it() -> None:
    """A rubric without it has no such button."""
    actions = {
        one["action_id"] for one in _elements(review_card(make_review_state(rubric=make_rubric(not_applicable=False))))
    }
    assert ActionId.CANNOT_JUDGE not in actions
    assert ActionId.CANNOT_JUDGE in {one["action_id"] for one in _elements(review_card(make_review_state()))}


@pytest.mark.parametrize(
    "changes, outcome",
    [
        ({}, "*Wrong* (fail) by 2 of 2 · the judge said Good · *the judge disagrees*"),
        ({"judge": make_judge_grade(1)}, "*Wrong* (fail) by 2 of 2 · the judge said Wrong, they agree"),
        ({"judge": None}, "*Wrong* (fail) by 2 of 2 · no judge graded it"),
        ({"judge": make_grade(None)}, "*Wrong* (fail) by 2 of 2 · the judge gave no grade"),
        ({"consensus": None}, "No grade by people · the judge said Good"),
        ({"consensus": Consensus(1, False, 2, 1)}, "*No majority* among 2 people · the judge said Good"),
        ({"consensus": Consensus(3, True, 3, 2)}, "*Good* (pass) by 2 of 3 · the judge said Good, they agree"),
    ],
)
def test_a_settled_card_says_what_came_out(changes: dict[str, Any], outcome: str) -> None:
    """People's verdict, the judge's, and whether they differ; never a winner of a tie."""
    sent = review_card(make_settled_state(**changes))
    assert outcome in [block["text"]["text"] for block in sent["blocks"] if block["type"] == "section"]
    assert not any(one["action_id"].startswith("grade:") for one in _elements(sent))


def test_an_expired_card_says_that_there_were_fewer_grades() -> None:
    """Without quorum the outcome is not presented as settled."""
    said = _said(review_card(make_settled_state(ReviewStatus.EXPIRED)))
    assert "fewer than wanted" in said
    assert "closed without enough grades" in said


def test_grades_that_were_not_blind_are_counted_apart() -> None:
    """Abstentions and non-blind grades are named in the distribution."""
    grades = (make_grade(1), make_grade(1, "U0KIM", blind=False), make_grade(None, "U0DANA"))
    assert "Grades: 2 × Wrong, 1 cannot judge, 1 not blind" in _said(review_card(make_settled_state(grades=grades)))


def test_a_long_answer_offers_the_whole() -> None:
    """A cut card has a button to a modal that holds everything."""
    state = make_review_state(output=make_output("word " * 2_000))
    card = review_card(state)
    assert "of 10,000 characters" in _said(card)
    assert decode(_button(card, ActionId.FULL_TEXT)["value"], ReviewClick).review_id == "rev4"
    pages = [text for kind, text in strings_of(full_text_view(state)) if kind == "text"]
    assert "".join(pages[1:]) == "word " * 2_000


def test_a_question_that_a_box_cannot_show_is_not_put_into_one() -> None:
    """A better answer keeps such a question as it is instead of offering a changed one."""
    view = better_answer_view(make_review_state(item=make_item(vars={"question": "a\u202eb"})))
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["better", "reason"]
    assert "a[U+202E]b" in _said(view)


def test_a_round_ends_with_thanks() -> None:
    """A finished round thanks those who graded, an open one asks."""
    assert "Thank you <@U0LEE> <@U0KIM>" in _said(round_card(make_round_state(12)))
    assert "Thank you" not in _said(round_card(make_round_state(11)))


# --- feedback, digest, home, errors ----------------------------------------------------------------


def test_a_candidate_is_decided_once() -> None:
    """An open candidate has three buttons, a decided one says who decided and has none."""
    assert len(_elements(candidate_card(make_candidate()))) == 3
    decided = VIEWS["candidate_card_approved"](Samples())
    assert _elements(decided) == []
    assert "Approved by Kim Alvarez: `refund-01-fb-a1` is in version 15" in decided["text"]


@pytest.mark.parametrize("exhibits, lines", [(3, 3), (0, 40), (3, 40), (1, 2)])
def test_a_digest_is_a_dozen_lines(exhibits: int, lines: int) -> None:
    """Header, sentences, table rows, exhibits and footer together stay within twelve lines."""
    usual = make_digest()
    digest = replace(usual, exhibits=usual.exhibits[:exhibits], lines=(usual.lines * 14)[:lines])
    sent = digest_message(digest, DIGEST_LINKS, has_picture=True)
    count = 0
    for block in sent["blocks"]:
        count += len(block["rows"]) if block["type"] == "table" else 0
        count += block["text"]["text"].count("\n") + 1 if block["type"] in ("header", "section") else 0
        count += block["type"] == "context"
    assert count <= 12


def test_a_digest_shows_clear_changes_before_the_rest() -> None:
    """Drops, then gains, then the overall score; exhibits link to where they can be seen."""
    sent = digest_message(make_digest(), DIGEST_LINKS, has_picture=False)
    table = next(block for block in sent["blocks"] if block["type"] == "table")
    assert [row[0]["text"].split(" · ")[0] for row in table["rows"][1:]] == ["citations", "tone", "all items"]
    assert "<https://acme.slack.com/archives/C0EVALS/p1|citations: Which article says so?>" in _said(sent)
    assert "image" not in {block["type"] for block in sent["blocks"]}


def test_a_digest_goes_on_telling_a_step_change() -> None:
    """What fell weeks ago and stays down comes first, with its size and since when, though the week moved nothing."""
    usual = make_digest()
    lines = [
        replace(line, change=make_change(line.skill, 0.01, 0.1, line.now.n)) if line.skill == "citations" else line
        for line in usual.lines
    ]
    sent = digest_message(replace(usual, lines=tuple(lines)), DIGEST_LINKS, has_picture=False)
    first = next(block for block in sent["blocks"] if block["type"] == "table")["rows"][1]
    assert [cell["text"] for cell in first[:4]] == ["citations · n 30", "49 %", "32 to 66", "−16"]
    assert "▼ since 26 Oct" in str(first[4])


def test_a_digest_names_the_suites_of_an_unverified_judge() -> None:
    """Where one suite's judge is unverified and another's is not, the line on judges says which."""
    usual = make_digest()
    other = replace(usual.lines[0], suite="trivia", verified=False)
    assert "n 64), unverified for trivia" in _said(
        digest_message(replace(usual, lines=(*usual.lines, other)), {}, False)
    )
    alone = replace(usual, lines=tuple(replace(line, verified=False) for line in usual.lines))
    assert "judge unverified: agrees with people" in _said(digest_message(alone, {}, False))


def test_a_quiet_week_is_a_short_digest() -> None:
    """Without numbers there is no table, no picture and no invented zero."""
    quiet = make_digest(
        headline="no run this week",
        sentences=("Nothing ran this week.",),
        lines=(),
        exhibits=(),
        human_grades=0,
        graders=(),
    )
    sent = digest_message(quiet, {}, has_picture=False)
    assert [block["type"] for block in sent["blocks"]] == ["header", "section", "actions", "context"]
    assert "nobody graded" in _said(sent)


def test_a_period_is_named_like_people_do() -> None:
    """Days of one month share its name."""
    digest = make_digest()
    assert period(digest.start, digest.end) == "16–22 Nov"
    assert period(digest.start.replace(day=28), digest.start.replace(month=12, day=4)) == "28 Nov–4 Dec"


def test_home_leads_to_the_queue() -> None:
    """The first thing is what waits, with a link to the oldest card; an empty queue says so."""
    view = home_view(make_home())
    assert view["blocks"][0]["text"]["text"] == "Your queue: 6 answers, about 3 minutes"
    assert view["blocks"][1]["accessory"]["url"].startswith("https://")
    assert home_view(make_home(waiting=0))["blocks"][0]["text"]["text"] == "Your queue is empty"


def test_an_error_is_two_sentences_and_a_reference() -> None:
    """Words between backticks are shown in fixed width and stay literal."""
    sent = error_message(BadRequest("`<!here>` is not a run.", "Write `12`."), "e-1f")
    runs = sent["blocks"][0]["elements"][0]["elements"]
    assert [one["text"] for one in runs] == ["<!here>", " is not a run.", " ", "Write ", "12", "."]
    assert runs[0]["style"] == {"code": True}
    assert "&lt;!here&gt;" in sent["text"]
    assert "Reference e-1f" in _said(sent)


# --- all -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
def test_every_button_is_one_we_listen_to(name: str) -> None:
    """Action and callback ids are ours, and every value can be read back."""
    sent = VIEWS[name](Samples())
    for element in _elements(sent):
        action = element["action_id"]
        assert action in {*ActionId, "field"} or re.fullmatch(r"(grade|link):\d+", action)
        assert len(element.get("value", "")) <= 200
    if sent.get("type") == "modal":
        assert sent["callback_id"] in set(CallbackId)
        assert ("submit" in sent) == (sent["callback_id"] != CallbackId.READ_ONLY)
        assert "submit" in sent or all(block["type"] != "input" for block in sent["blocks"])


@pytest.mark.parametrize("name", VIEWS)
def test_numbers_use_a_minus_sign(name: str) -> None:
    """No view writes a negative number with a hyphen."""
    assert not re.search(r"(?<![\w.,])-\d", _said(VIEWS[name](Samples())))


def test_click_values_hold_ids_only() -> None:
    """The value of a blind button is an id and a step."""
    assert encode(GradeClick(make_review_state().review.id, 4)) == '["grade","rev4",4]'
