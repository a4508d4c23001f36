"""The answer bank: finding questions and answers by their text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.simulated.bank import AnswerBank, KnownAnswer, KnownQuestion, load_questions

FOX = KnownQuestion(
    suite="zoo",
    item="zoo-1",
    skill="animals",
    difficulty=0.0,
    question="How many of the 3 foxes are asleep in the afternoon?",
    answers=(KnownAnswer("Two of them sleep.", 4), KnownAnswer("All of them.", 2), KnownAnswer("Foxes fly.", 1)),
)
BANK = AnswerBank([FOX], ["", "Sure thing."], ["", "Ask again!"])


def test_question_is_found_whatever_its_spaces_and_case() -> None:
    """Line breaks and capitals make no other question."""
    assert BANK.find("  how many of the 3 FOXES\nare asleep in the afternoon? ") is FOX


def test_paraphrase_is_found_but_other_numbers_are_another_question() -> None:
    """A changed word still finds the question, a changed number does not."""
    assert BANK.find("How many of the 3 foxes are sleeping in the afternoon?") is FOX
    assert BANK.find("How many of the 4 foxes are asleep in the afternoon?") is None


@given(st.text(max_size=300))
def test_any_text_can_be_looked_up(text: str) -> None:
    """Looking up never fails; what is found is a question or nothing."""
    assert BANK.find(text) in (FOX, None)
    assert BANK.find_answer(text) is None or text.strip()


@given(st.sampled_from(FOX.answers), st.sampled_from(["", "Sure thing."]), st.sampled_from(["", "Ask again!"]))
def test_answer_is_found_inside_the_phrases_around_it(answer: KnownAnswer, opening: str, closing: str) -> None:
    """Openings and closings of personas do not hide the written answer."""
    assert BANK.find_answer(" ".join((opening, answer.text, closing))) == answer


def test_missing_quality_is_replaced_by_the_nearest_lower_one() -> None:
    """Nobody wrote an answer of quality 3, so 4 and 2 are equally near and the lower one counts."""
    assert [answer.text for answer in FOX.nearest(3)] == ["All of them."]


def test_shipped_bank_has_answers_of_several_qualities_and_no_text_twice() -> None:
    """Each question has a very good and a wrong answer, and each text has one quality only."""
    questions = load_questions()
    texts = [answer.text for question in questions for answer in question.answers]
    assert len(questions) >= 134
    assert len(set(texts)) == len(texts)
    assert all({4, 1} <= {answer.quality for answer in question.answers} for question in questions)
    assert all(3 <= len(question.answers) <= 7 for question in questions)
