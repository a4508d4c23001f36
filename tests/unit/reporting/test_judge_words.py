"""What is said of a judge: a next step with a number for every standing, and plain words for what it gets wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalbot.grading.calibration import JudgeStanding, Standing, decide_standing
from evalbot.reporting.judge_words import bias_changes, bias_word, gain_sentence, next_after, next_step
from tests.unit.slack.judge_samples import RUBRIC, make_calibration, make_pairs, make_report


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (make_report(n=4, wrong=1), "Let two people grade 6 answers more: review by:random graders:2."),
        (make_report(n=4, wrong=1, graded=30), "Calibrate it: 26 answers that people graded were never put to it."),
        (make_report(n=400, wrong=0), "Nothing to do. A change of its model, prompt or rubric begins anew."),
        (make_report(n=48, wrong=20), "More grades alone will not help"),
        (make_report(n=20, wrong=0), "Let people grade about "),
    ],
)
def test_every_standing_has_a_next_step(report: object, said: str) -> None:
    """What to do is one sentence, with the number of grades where grades would help."""
    assert next_step(report).startswith(said)  # type: ignore[arg-type]


def test_people_who_pass_everything_need_harder_answers() -> None:
    """More of the same cannot tell a good judge from a blind one."""
    standing = JudgeStanding(Standing.UNMEASURED, 1.0, 0.9, 1.0, 40, 1.0, 1.0, "All alike.")
    assert "some fail" in next_step(replace(make_report(), standing=standing))


def test_one_grader_is_told_to_find_a_second() -> None:
    """Without a second person nobody knows how far people agree."""
    pairs = [replace(pair, people=pair.people[:1]) for pair in make_pairs(30, 0)]
    report = replace(make_report(), standing=decide_standing(pairs, RUBRIC))
    assert next_step(report) == "Let a second person grade 10 answers more: review by:random graders:2."


def test_a_calibration_says_what_came_of_it() -> None:
    """Examples that help are to be pasted; none, an early end and too few held back are said."""
    helped = make_calibration()
    assert gain_sentence(helped) == "The examples help: the judge agrees with people more often."
    assert next_after(helped).startswith("Paste the examples")
    assert "no examples" in gain_sentence(make_calibration(examples=0))
    assert "too few" in gain_sentence(replace(helped, gain=None))
    stopped = replace(helped, calibration=replace(helped.calibration, note="The budget is used up."))
    assert gain_sentence(stopped) == "It ended early. The budget is used up."
    assert not next_after(make_calibration(examples=0)).startswith("Paste")


def test_biases_are_named_with_what_they_are_about() -> None:
    """All answers first, then families, then short and long ones; a clear one has a word, the others say so."""
    found = dict(bias_changes(make_report(n=120, wrong=40)))
    assert list(found)[:3] == ["all answers", "answers of claude models", "answers of gpt models"]
    assert bias_word(found["all answers"]) == "kinder than people"
    assert bias_word(found["long answers"]) in ("no clear difference", "like people", "kinder than people")
