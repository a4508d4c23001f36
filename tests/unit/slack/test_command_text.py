"""The grammar of typed commands."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.errors import UnknownName, UserError
from evalbot.slack.command_text import LATER, parse_command
from evalbot.slack.command_values import (
    EXAMPLES,
    CancelCommand,
    Command,
    DigestAction,
    DigestCommand,
    ExplainCommand,
    HelpCommand,
    JudgeCommand,
    RerunCommand,
    ResumeCommand,
    ReviewCommand,
    RunCommand,
    StatusCommand,
    SuitesCommand,
    Verb,
)
from evalbot.slack.command_words import did_you_mean
from evalbot.slack.views.errors import error_message
from evalbot.suites.suites import Strategy
from tests.unit.slack.slack_rules import hostile_rows, problems_with, text_problems


@pytest.mark.parametrize(
    "text, command",
    [
        ("", HelpCommand()),
        ("  \n ", HelpCommand()),
        ("help run", HelpCommand(Verb.RUN)),
        ("suites", SuitesCommand()),
        ("judge", JudgeCommand()),
        ("judge Support-Desk", JudgeCommand("support-desk")),
        ("judge calibrate", JudgeCommand("", calibrate=True)),
        ("judge calibrate support-desk", JudgeCommand("support-desk", calibrate=True)),
        ("explain", ExplainCommand()),
        ("explain #12", ExplainCommand(12)),
        ("why run 12 overall", ExplainCommand(12, ("overall",))),
        ('explain 12 openai:gpt-4.1 "gift cards"', ExplainCommand(12, ("openai:gpt-4.1", "gift cards"))),
        ("explain latest", ExplainCommand(latest=True)),
        ("explain run Latest candidate refunds", ExplainCommand(words=("candidate", "refunds"), latest=True)),
        ("judge calibrate desk budget:0.50", JudgeCommand("desk", calibrate=True, budget=500_000_000)),
        ("explain refunds", ExplainCommand(None, ("refunds",))),
        ("explain judge", ExplainCommand(about_judge=True)),
        ("explain judge Desk", ExplainCommand(judge="desk", about_judge=True)),
        ("run support-desk", RunCommand("support-desk")),
        ("RUN Support-Desk", RunCommand("support-desk")),
        ("run “support-desk” n:40", RunCommand("support-desk", n=40)),
        ("run de\u200bmo", RunCommand("demo")),
        ("<@U0BOT> run demo", RunCommand("demo")),
        (
            "run demo model:openai:gpt-4.1,candidate n:40 repeat:3 vs:#12 holdout:yes concurrency:8",
            RunCommand("demo", ("openai:gpt-4.1", "candidate"), 40, 3, "12", True, 8),
        ),
        ("run demo --model=a --n 5 --holdout", RunCommand("demo", ("a",), n=5, holdout=True)),
        ('run demo model:"a, b" n=1,000', RunCommand("demo", ("a", "b"), n=1_000)),
        ("rerun 12", RerunCommand(12)),
        ("rerun #12 failed budget:2", RerunCommand(12, 2_000_000_000)),
        ("rerun", RerunCommand()),
        ("run demo budget:2.50", RunCommand("demo", budget=2_500_000_000)),
        ("run demo --budget $1,000", RunCommand("demo", budget=1_000_000_000_000)),
        ("run demo vs:baseline epochs:2", RunCommand("demo", repeat=2, vs="baseline")),
        ("status", StatusCommand()),
        ("status run 12", StatusCommand(12)),
        ("status #12", StatusCommand(12)),
        ("show 2", StatusCommand(2)),
        ("cancel run:12", CancelCommand(12)),
        ("stop 12", CancelCommand(12)),
        ("resume 12", ResumeCommand(12)),
        ("resume", ResumeCommand()),
        ("review", ReviewCommand()),
        ("review 12 n:10 by:random graders:3 here", ReviewCommand(12, 10, Strategy.RANDOM, 3, True)),
        ("digest", DigestCommand()),
        ("digest preview", DigestCommand(DigestAction.PREVIEW)),
        ("digest on", DigestCommand(DigestAction.ON, "mon 09:00")),
        (
            'digest on "Mon 08:00 Europe/Paris" channel:#x',
            DigestCommand(DigestAction.ON, "mon 08:00", "Europe/Paris", "#x"),
        ),
        ("digest on tue 9:30", DigestCommand(DigestAction.ON, "tue 09:30")),
        (
            "digest on tue 09:30 tz:Europe/Berlin channel:<#C0123AB|x>",
            DigestCommand(DigestAction.ON, "tue 09:30", "Europe/Berlin", "C0123AB"),
        ),
        ("digest off channel:&lt;#C0123AB|x&gt;", DigestCommand(DigestAction.OFF, channel="C0123AB")),
    ],
)
def test_what_is_typed_is_understood(text: str, command: Command) -> None:
    """Each spelling that people try gives the command it means."""
    assert parse_command(text) == command


@pytest.mark.parametrize(
    "text, said",
    [
        ("hepl", "Did you mean `help`"),
        ("runn demo", "Did you mean `run`"),
        ("help rvew", "Did you mean `review`"),
        ("run", "Which suite should run?"),
        ("run demo --n=-3", "`n` is −3. Use 1 to 100,000."),
        ("run demo --n=abc", "not a whole number"),
        ("run demo n:", "`n:` has no value"),
        ("run demo n:4 n:5", "`n` is given twice"),
        ("run demo --modl x", "Did you mean `model`"),
        ("run demo budget:lots", "`lots` is not an amount of money"),
        ("run demo budget:0", "`0` is not an amount of money"),
        ("run demo budget:-2", "`-2` is not an amount of money"),
        ("run demo budget:nan", "`nan` is not an amount of money"),
        ("run demo budget:1e99", "`1e99` is not an amount of money"),
        ("run my suite", "`suite` is too much"),
        ("run “my suite”", "Did you mean `my-suite`"),
        ("run 'open quote", "not closed"),
        ("run ../secrets", "not the name of a suite"),
        ("run http://127.0.0.1:8080/", "not the name of a suite"),
        ("run demo holdout:maybe", "Use `holdout:yes` or `holdout:no`"),
        ("run demo model:,", "not the name of a target"),
        ("run demo model:a,b,c,d,e,f", "at most 5"),
        ("run demo vs:{{x}}", "neither a run nor a target"),
        ("status twelve", "is not a run"),
        ("status 1 2", "`2` is too much"),
        ("review by:randm", "Did you mean `random`"),
        ("review graders:9", "Use 1 to 5"),
        ("digest nwo", "Did you mean `now`"),
        ("digest on someday", "Type it like mon 09:00"),
        ("digest on mon 09:00 Mars/City", "no time zone"),
        ("digest off now", "`now` is too much"),
        ("digest now channel:a/b", "is not a channel"),
        ("suites please", "too much"),
        ("z" * 3_000, "3,000 characters long"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(text: str, said: str) -> None:
    """One sentence says what is wrong and a hint says what to do."""
    with pytest.raises(UserError) as caught:
        parse_command(text)
    assert said in str(caught.value)
    assert caught.value.message
    assert caught.value.hint


def test_an_unknown_verb_shows_three_examples() -> None:
    """The answer to a word that is no command can be copied and changed."""
    with pytest.raises(UnknownName) as caught:
        parse_command("frobnicate")
    assert caught.value.hint.count("`") == 6


@pytest.mark.parametrize("verb", LATER)
def test_a_verb_of_later_is_refused_honestly(verb: str) -> None:
    """What is not built says so, with what there is."""
    with pytest.raises(UnknownName, match=r"not in this version.*`run`.*`help`"):
        parse_command(f"{verb} something")


@pytest.mark.parametrize("verb", Verb)
def test_every_example_is_a_command(verb: Verb) -> None:
    """What help and errors show can be typed."""
    assert parse_command(EXAMPLES[verb])


def _answer(text: str) -> Command | UserError:
    """Give the command, or the error that answers it."""
    try:
        return parse_command(text)
    except UserError as error:
        return error


@pytest.mark.parametrize("text", hostile_rows("commands.jsonl"))
def test_hostile_commands_get_one_clear_answer(text: str) -> None:
    """Each practice text is a command or one error that is safe to show."""
    answer = _answer(text)
    if isinstance(answer, UserError):
        assert problems_with(dict(error_message(answer))) == []


PIECES = [
    *Verb,
    "n:",
    "model:",
    "--",
    "=",
    '"',
    "'",
    "<!here>",
    "<@U012ABCDE>",
    "`",
    "\u202e",
    "\x00",
    "12",
    "#",
    "“",
    " ",
    " ",
]


@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=()), max_size=8)), max_size=25)
)
def test_no_text_breaks_the_grammar(pieces: list[str]) -> None:
    """Whatever is typed, the answer is a command or a UserError whose words echo no markup."""
    answer = _answer("".join(pieces))
    if isinstance(answer, UserError):
        assert not re.search(r"[<>*~\x00-\x1f]", str(answer).replace("run <suite>", ""))
        assert text_problems(str(answer)) == []


def test_the_nearest_name_is_suggested_only_when_it_is_near() -> None:
    """A guess that is far off would only distract."""
    assert did_you_mean("suport-desk", ["support-desk", "tone"]) == "Did you mean `support-desk`?"
    assert did_you_mean("xyz", ["support-desk", "tone"]) == ""
