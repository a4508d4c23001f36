"""Help: a short menu, and what each verb takes; and the list of suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalbot.slack.blocks import Payload, button, code, context, message, section
from evalbot.slack.command_values import EXAMPLES, Verb
from evalbot.slack.ids import ActionId, SuiteClick, encode
from evalbot.slack.text import Block, mrkdwn
from evalbot.slack.views.numbers import counted

if TYPE_CHECKING:
    from evalbot.workflows.browsing import SuiteLine

MOST_SUITES = 20
_NAME, _LINE = 60, 150

_SHORT: Mapping[Verb, str] = {
    Verb.RUN: "ask a suite and see what passes",
    Verb.STATUS: "how a run is doing",
    Verb.CANCEL: "stop a run, keep what is there",
    Verb.RERUN: "ask what a run has no answer to",
    Verb.RESUME: "let a paused run go on",
    Verb.REVIEW: "put answers before people",
    Verb.DIGEST: "post the digest, or schedule it",
    Verb.SUITES: "what can be run",
    Verb.JUDGE: "how far the judge may be believed",
    Verb.EXPLAIN: "where a number comes from",
    Verb.HELP: "this, or more about one of them",
}

_USAGE: Mapping[Verb, tuple[str, ...]] = {
    Verb.RUN: (
        "`run <suite> [model:a,b] [n:40] [repeat:3] [vs:12] [holdout:yes] [concurrency:8] [budget:2.00]`",
        "`model:` which targets, `n:` how many items (each skill keeps its share), `repeat:` how often each is asked",
        "`vs:` the run number or target to compare with; without it, the run before",
        "`holdout:yes` asks the items that are kept back, too",
    ),
    Verb.STATUS: ("`status [run]`", "Without a number: what runs now, and what ran last"),
    Verb.CANCEL: ("`cancel <run>`", "What has been answered is kept and scored"),
    Verb.RERUN: (
        "`rerun <run> [budget:2.00]`",
        "A new run takes over the answers that are there and asks what is missing or failed",
    ),
    Verb.RESUME: ("`resume <run>`", "A run pauses when its target fails again and again; what is there is kept"),
    Verb.REVIEW: (
        "`review [run] [n:10] [by:mix] [graders:3] [here]`",
        "`by:` random, fail, disagree, new or mix; answers drawn at random show how far the judge can be trusted",
        "`graders:` how many people per answer; one more is asked where they differ",
        "`here` puts the cards into this channel",
    ),
    Verb.DIGEST: (
        '`digest now`, `digest preview`, `digest status`, `digest off`, `digest on "mon 09:00 Europe/Berlin" [channel:#name]`',
        "Without a time zone it is yours. The digest comes once a week",
    ),
    Verb.SUITES: ("`suites`",),
    Verb.JUDGE: (
        "`judge [suite]` compares the judge with people; `judge calibrate [suite] [budget:2.00]` puts it to what people graded",
        "Calibrating also tries examples from its mistakes, and measures whether they help on answers kept aside",
    ),
    Verb.EXPLAIN: (
        "`explain [run] [target] [skill]`, `explain judge [suite]`, `explain digest [day] [row] [step]`",
        "The run is a number or `latest`; in its thread it may be left out; without a skill it is the score over all items",
    ),
    Verb.HELP: ("`help [command]`",),
}


def help_message(verb: Verb | None = None, command: str = "/evalbot") -> Payload:
    """Answer `help`: the menu, or what one verb takes with an example. `command` is the name of the slash command."""
    return _menu(command) if verb is None else _usage(verb, command)


def _menu(command: str) -> Payload:
    """Give one line for each verb."""
    lines = [f"`{verb}` {_SHORT[verb]}" for verb in Verb]
    blocks = [
        section("*evalbot* asks, has people grade, and tells what changed."),
        section("\n".join(lines)),
        context(
            f"For example `{command} {EXAMPLES[Verb.RUN]}`", "In a thread or a DM, mention evalbot and type the same"
        ),
    ]
    return message(f"evalbot understands {', '.join(Verb)}. Type {command} help run for more.", blocks)


def _usage(verb: Verb, command: str) -> Payload:
    """Give what one verb takes."""
    first, *rest = (_escaped(line) for line in _USAGE[verb])
    lines = [f"*{verb}*: {_SHORT[verb]}", first, *(f"• {line}" for line in rest)]
    example = f"{command} {EXAMPLES[verb]}"
    return message(
        f"{verb}: {_SHORT[verb]}. For example: {example}", [section("\n".join(lines)), context(f"Example: `{example}`")]
    )


def _escaped(text: str) -> str:
    """Escape our own words for mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def suites_message(suites: Sequence[SuiteLine], command: str = "/evalbot") -> Payload:
    """Answer `suites`: every suite with its version, size and newest run, each with a button that runs it."""
    if not suites:
        text = "There is no suite yet. Put a suite file into the project folder and start evalbot again."
        return message(text, [section(text)])
    names = ", ".join(mrkdwn(suite.name, _NAME) for suite in suites[:MOST_SUITES])
    blocks = [suite_block(suite) for suite in suites[:MOST_SUITES]]
    if len(suites) > MOST_SUITES:
        blocks.append(context(f"and {counted(len(suites) - MOST_SUITES, 'more suite')}"))
    example = code(f"{command} run {suites[0].name} n:20", 120)
    blocks.append(context(f"Type {example} for a quick look at a few items"))
    return message(f"{counted(len(suites), 'suite')}: {names}.", blocks)


def suite_block(suite: SuiteLine) -> Block:
    """Give one suite with a button that runs it."""
    run = suite.last_run
    last = f"last: run {run.number}, {run.status}" if run else "never run"
    about = f"\n{mrkdwn(suite.description, _LINE)}" if suite.description.strip() else ""
    text = f"*{mrkdwn(suite.name, _NAME)}* · version {suite.version} · {counted(suite.items, 'item')} · {last}{about}"
    start = button("Run", ActionId.SUITE_RUN, encode(SuiteClick(suite.name)), spoken=f"Run {suite.name}")
    return section(text, start)
