"""Prompts are filled in a sandbox: what is missing is named, and nothing that an item says is ever run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import BadFile
from evalbot.suites.filling import MAX_PROMPT_CHARS, compiled_template, fill_prompt, fill_template
from evalbot.suites.items import Message
from evalbot.suites.prompts import PLAIN_PROMPT, Prompt
from tests.factories import make_item

HOSTILE = st.sampled_from(
    ["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "{{ self }}", "{% raw %}", "}}{{", "\\", "\n"]
)


@given(st.lists(HOSTILE | st.text(max_size=5), max_size=5).map("".join))
def test_item_text_is_never_a_template(text: str) -> None:
    """Whatever an item says reaches the target letter by letter."""
    assert fill_prompt(PLAIN_PROMPT, make_item(vars={"question": text}))[0].content == text
    assert fill_template("<{{ a.b[0] }}>", {"a": {"b": [text]}}, "It") == f"<{text}>"


def test_missing_variable_is_named() -> None:
    """A variable that the item does not have is an error with the prompt's and the variable's name, not an empty place."""
    prompt = Prompt("ask", (Message("user", "{{ question }} in {{ language }}"),))
    with pytest.raises(BadFile, match="Prompt ask could not be filled: 'language' is undefined"):
        fill_prompt(prompt, make_item())
    with pytest.raises(BadFile, match="language"):
        fill_template("{% if language %}x{% endif %}", {}, "It")


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 / 0 }}",
        "{{ question.__class__ }}",
        "{{ question | nosuch }}",
        "{{ '{a}'.format(1) }}",
        "{{ question() }}",
        "{{ range(10 ** 9) }}",
        "{% include 'other' %}",
        "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
        "{{ question",
        "{% for x in 5 %}{% endfor %}",
        "{{ 'é'.encode('ascii') }}",
        "{{ [3, 'a'] | sort }}",
    ],
)
def test_prompt_that_cannot_be_filled_is_a_bad_file(template: str) -> None:
    """Mistakes and break-outs of a prompt end in one sentence that says where, never in another kind of error."""
    with pytest.raises(BadFile, match=r"^Prompt p could not be filled: [^.].*[^.]\. Give") as error:
        fill_template(template, {"question": "why"}, "Prompt p")
    assert "\n" not in str(error.value)


def test_prompt_that_grows_too_large_is_refused() -> None:
    """A loop cannot fill the memory of the target or of this program."""
    with pytest.raises(BadFile, match=r"grew to 500,000 characters. Keep it under 400,000"):
        fill_template("{% for x in range(50000) %}0123456789{% endfor %}", {}, "It")
    assert len(fill_template("{{ text }}", {"text": "x" * MAX_PROMPT_CHARS}, "It")) == MAX_PROMPT_CHARS


def test_messages_of_an_item_follow_the_fixed_system_turns() -> None:
    """A conversation is put as it is, after the prompt's system turns that hold no variables."""
    turns = (Message("user", "Hi {{ name }}"), Message("assistant", "Hello"), Message("user", "Bye"))
    prompt = Prompt(
        "p", (Message("system", "Be kind."), Message("system", "About {{ topic }}"), Message("user", "{{ question }}"))
    )
    assert fill_prompt(prompt, make_item(messages=turns)) == (Message("system", "Be kind."), *turns)


def test_variables_come_before_the_question() -> None:
    """A variable named question is the question; other shapes still have {{ question }} to use."""
    claims = make_item(vars={"claim": "It rains.", "page": "3"})
    assert fill_prompt(PLAIN_PROMPT, claims)[0].content == "claim: It rains.\npage: 3"


def test_template_is_compiled_once() -> None:
    """Filling the same long template again compiles nothing."""
    template = "".join(f"{{% if a{n} %}}x{{{{ a{n} }}}}{{% endif %}}" for n in range(200))
    values = {f"a{n}": n for n in range(200)}
    before = compiled_template.cache_info().misses
    for _ in range(5):
        fill_template(template, values, "It")
    assert compiled_template.cache_info().misses == before + 1
