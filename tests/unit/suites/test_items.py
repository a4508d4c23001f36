"""Items: what people see as the question, how it is reworded, and which split an id falls into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from evalbot.suites.filling import fill_prompt
from evalbot.suites.items import Item, ItemId, Message, Split, split_of
from evalbot.suites.prompts import PLAIN_PROMPT, Prompt
from tests.factories import make_item

TURNS = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=9)), max_size=4)
CONVERSATIONS = TURNS.filter(lambda turns: not turns or any(turn.role == "user" for turn in turns))
WORDS = st.text(max_size=9)
VARS = st.fixed_dictionaries(
    {}, optional={"question": WORDS, "input": WORDS, "claim": WORDS | st.integers(), "page": st.integers()}
)


@pytest.mark.parametrize(
    ("variables", "question"),
    [
        ({"question": "Why?"}, "Why?"),
        ({"input": "Why?", "tone": "calm"}, "Why?"),
        ({"text": "Why?"}, "Why?"),
        ({"claim": "It rains.", "source": "a page"}, "claim: It rains.\nsource: a page"),
        ({"number": 4}, "number: 4"),
        ({}, ""),
    ],
)
def test_question_is_the_text_people_would_call_it(variables: dict[str, JsonValue], question: str) -> None:
    """The usual variable, or the only one, is the question; several others are listed by name."""
    assert make_item(vars=variables).question == question


def test_question_of_a_conversation_is_its_last_user_turn() -> None:
    """Turns count before variables, and an assistant's turn at the end is not the question."""
    turns = (Message("user", "first"), Message("user", "last"), Message("assistant", "So,"))
    assert make_item(messages=turns).question == "last"


@given(VARS, TURNS, st.text(max_size=9))
def test_reworded_item_asks_exactly_the_new_words(
    variables: dict[str, JsonValue], turns: list[Message], words: str
) -> None:
    """Whatever an item is made of, after rewording people see the new question, and doing it again changes nothing."""
    item = Item(ItemId("i"), variables, tuple(turns))
    reworded = item.asking(words)
    assert reworded.question == words
    assert reworded.asking(words) == reworded
    assert item.asking(item.question) is item


@given(VARS, CONVERSATIONS, st.text(min_size=1, max_size=9))
def test_target_is_asked_the_reworded_question(
    variables: dict[str, JsonValue], turns: list[Message], words: str
) -> None:
    """What people reworded is what the target reads in the end."""
    reworded = Item(ItemId("i"), variables, tuple(turns)).asking(words)
    assert words in [message.content for message in fill_prompt(PLAIN_PROMPT, reworded)]


def test_rewording_keeps_the_conversation_before_the_question() -> None:
    """Earlier turns and an answer's beginning stay where they are."""
    before, start = Message("user", "My order is late."), Message("assistant", "I see.")
    item = make_item(messages=(before, start, Message("user", "What now?"), Message("assistant", "Well,")))
    turns = item.asking("Can I cancel?").messages
    assert turns == (before, start, Message("user", "Can I cancel?"), Message("assistant", "Well,"))


def test_rewording_changes_the_variable_that_the_prompt_uses() -> None:
    """A suite whose prompt says {{ input }} puts the reworded text, not the old one."""
    prompt = Prompt("p", (Message("user", "Q: {{ input }}"),))
    assert fill_prompt(prompt, make_item(vars={"input": "old"}).asking("new")) == (Message("user", "Q: new"),)


@pytest.mark.parametrize(
    ("reference", "texts"), [(None, ()), ("a", ("a",)), (["a", 2], ("a", "2")), (0, ("0",)), ([], ())]
)
def test_references_are_texts(reference: JsonValue, texts: tuple[str, ...]) -> None:
    """One reference or several become texts; zero is a reference, nothing is not."""
    assert make_item(reference=reference).references == texts


def test_split_stays_the_same_for_ever() -> None:
    """Items already released never change sides when the program is updated: these places are fixed."""
    kept = [name for name in map(str, range(20)) if split_of(name, 7, 0.3) is Split.HOLDOUT]
    assert kept == ["2", "4", "5", "10", "11", "15", "18"]


@given(st.text(), st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_larger_holdout_only_takes_more(name: str, seed: int, first: float, second: float) -> None:
    """An item kept back at a small share is kept back at every larger one; 0 keeps nothing, 1 everything."""
    small, large = sorted((first, second))
    if split_of(name, seed, small) is Split.HOLDOUT:
        assert split_of(name, seed, large) is Split.HOLDOUT
    assert split_of(name, seed, 0.0) is Split.PRACTICE
    assert split_of(name, seed, 1.0) is Split.HOLDOUT


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_holdout_has_about_its_share(share: float) -> None:
    """Of many ids the wanted share is kept back, and another seed keeps others back."""
    names = [f"item-{number}" for number in range(4000)]
    kept = {name for name in names if split_of(name, 1, share) is Split.HOLDOUT}
    other = {name for name in names if split_of(name, 2, share) is Split.HOLDOUT}
    assert abs(len(kept) / 4000 - share) < 0.03
    assert abs(len(kept & other) / len(kept) - share) < 0.08
