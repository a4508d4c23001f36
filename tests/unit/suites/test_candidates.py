"""Candidates: drafted from feedback, decided once, by somebody other than who proposed them."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from evalbot.errors import BadRequest, Conflict, EvalbotError, NotAllowed
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.suites.candidates import (
    DUPLICATE_FROM,
    MAX_TEXT,
    CandidateStatus,
    check_may_decide,
    decide,
    draft_item,
    edited,
    nearest_question,
)
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemStatus, Message, Split
from tests.factories import NOON, TEAM, make_candidate, make_item, make_person

ANN = PersonId("U0ANN")
BEN = make_person("Ben")
PEOPLE = st.builds(
    make_person,
    st.sampled_from(["Ann", "Ben", "Cy"]),
    st.sampled_from(list(Role)),
    team=st.sampled_from([TEAM, TEAM, TeamId("T0OTHER")]),
)


def draft(source: Item, question: str = "", better: str = "Better.") -> Item:
    """Draft an item from Ann's feedback."""
    return draft_item(source, question or source.question, better, ANN, NOON, "abc123")


def test_draft_is_a_practice_item_on_probation_with_its_origin() -> None:
    """Feedback on a kept-back item was seen by people, so what comes of it is open; who said it and when is kept."""
    source = make_item("refund-1", split=Split.HOLDOUT, skill="refunds", level="hard", tags=("eu",))
    item = draft(source, better="  Yes, within 30 days. ")
    assert (item.id, item.reference) == ("refund-1-fb-abc123", "Yes, within 30 days.")
    assert (item.split, item.status, item.skill, item.level) == (
        Split.PRACTICE,
        ItemStatus.PROBATION,
        "refunds",
        "hard",
    )
    assert (item.source.kind, item.source.by, item.source.at) == ("feedback", "U0ANN", "2026-11-16")
    assert item.tags == ("eu", "feedback")


def test_draft_keeps_graders_that_fit_the_new_reference() -> None:
    """A check with a fixed value belongs to the old answer; one that follows the reference or a rubric stays."""
    fixed = GraderSpec(GraderType.CONTAINS, value="old")
    fitting = (GraderSpec(GraderType.EQUALS), GraderSpec(GraderType.RUBRIC, rubric="helpful"))
    assert draft(make_item(graders=(fixed, *fitting))).graders == fitting


def test_draft_of_a_draft_keeps_a_short_id() -> None:
    """Ids do not grow with every correction."""
    assert draft(make_item("refund-1-fb-0af3d9")).id == "refund-1-fb-abc123"
    assert len(draft(make_item("x" * 500)).id) < 100


def test_draft_keeps_the_conversation() -> None:
    """Feedback on the last answer of a conversation becomes an item with the same turns before the question."""
    turns = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Refund?"))
    assert draft(make_item(messages=turns)).messages == turns
    assert draft(make_item(messages=turns), "A refund?").messages == (*turns[:2], Message("user", "A refund?"))


@pytest.mark.parametrize(
    ("question", "better", "said"),
    [
        (" \n", "x", "question is empty"),
        ("x", "\t ", "better answer is empty"),
        ("x" * (MAX_TEXT + 1), "x", "12,000"),
        ("x", "x" * (MAX_TEXT + 1), "12,000"),
    ],
)
def test_empty_and_endless_texts_are_refused(question: str, better: str, said: str) -> None:
    """Neither a draft nor an edit takes an empty or endless text; the person is told what to do."""
    with pytest.raises(BadRequest, match=said) as error:
        draft_item(make_item(), question, better, ANN, NOON, "abc")
    assert error.value.hint
    with pytest.raises(BadRequest, match=said):
        edited(make_candidate(), BEN, question, better)


def test_edit_changes_the_item_and_leaves_it_waiting() -> None:
    """Question and answer are replaced without blanks around them, nothing else."""
    candidate = make_candidate()
    changed = edited(candidate, BEN, " Why so? ", " Because. ")
    assert (changed.item.question, changed.item.reference) == ("Why so?", "Because.")
    assert replace(changed, item=candidate.item) == candidate


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("What is the capital of France?", True),
        ("what is the CAPITAL of france", True),
        ("Of France, what is the capital?!", True),
        ("How do I cancel my order?", False),
        ("", False),
    ],
)
def test_nearest_question_finds_the_same_words(question: str, same: bool) -> None:
    """Case, punctuation and the order of words make no new question; other words do."""
    items = [
        make_item("a", vars={"question": "Who are you?"}),
        make_item("b", vars={"question": "What is the capital of France?"}),
    ]
    near, likeness = nearest_question(question, items)
    assert (likeness >= DUPLICATE_FROM) is same
    assert near == "b" or not same


def test_nearest_question_of_nothing() -> None:
    """Without items nothing is near."""
    assert nearest_question("Why?", []) == ("", 0.0)


@pytest.mark.parametrize(
    ("person", "error", "said"),
    [
        (make_person("Ann"), NotAllowed, "You proposed this item"),
        (make_person("Ann", Role.ADMIN), NotAllowed, "You proposed this item"),
        (make_person("Ben", Role.RUNNER), NotAllowed, "needs the role approver"),
        (make_person("Ben", team=TeamId("T0OTHER")), BadRequest, "There is no such candidate"),
    ],
)
def test_who_may_not_decide_is_told_why(person: Person, error: type[EvalbotError], said: str) -> None:
    """Authors, people without the role and other workspaces get a sentence and what to do next."""
    with pytest.raises(error, match=said) as raised:
        check_may_decide(make_candidate(), person)
    assert raised.value.hint


def test_second_decision_names_the_first() -> None:
    """Who comes second learns who was first and what was decided."""
    decided = decide(make_candidate(), BEN, CandidateStatus.REJECTED, NOON, " a twin ")
    assert (decided.decided_by, decided.decided_name, decided.decided_at, decided.why) == (
        BEN.id,
        "Ben",
        NOON,
        "a twin",
    )
    with pytest.raises(Conflict, match="Ben has already rejected this candidate"):
        decide(decided, make_person("Cy"), CandidateStatus.APPROVED, NOON)


class Candidates(RuleBasedStateMachine):
    """A candidate that people edit, approve and reject in any order, compared with what the rules allow."""

    def __init__(self) -> None:
        super().__init__()
        self.candidate = make_candidate()
        self.first_decision: tuple[str, str] | None = None

    def allowed(self, person: Person) -> bool:
        """Tell from the rules alone whether a person may decide now."""
        ours = person.team == TEAM and person.role in (Role.APPROVER, Role.ADMIN)
        return ours and person.id != self.candidate.author and self.first_decision is None

    @rule(person=PEOPLE, status=st.sampled_from([CandidateStatus.APPROVED, CandidateStatus.REJECTED]))
    def decide(self, person: Person, status: CandidateStatus) -> None:
        """Somebody presses approve or reject."""
        allowed = self.allowed(person)
        try:
            decided = decide(self.candidate, person, status, NOON)
        except EvalbotError:
            assert not allowed
        else:
            assert allowed
            self.candidate, self.first_decision = decided, (decided.decided_by or "", status)

    @rule(person=PEOPLE, words=st.sampled_from(["Why?", "How?"]))
    def edit(self, person: Person, words: str) -> None:
        """Somebody changes the question."""
        allowed = self.allowed(person)
        try:
            self.candidate = edited(self.candidate, person, words, "An answer.")
        except EvalbotError:
            assert not allowed
        else:
            assert allowed

    @invariant()
    def decided_once_by_another(self) -> None:
        """The first decision stays, and it is never the author's."""
        if self.first_decision is None:
            assert self.candidate.status is CandidateStatus.DRAFT
            return
        assert (self.candidate.decided_by, self.candidate.status) == self.first_decision
        assert self.candidate.decided_by != self.candidate.author


TestCandidates = Candidates.TestCase
TestCandidates.settings = settings(max_examples=40, stateful_step_count=20)
