"""The grammar of `/evalbot <verb> [object] [key:value ...]`: text in, a command or one clear error out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from evalbot.errors import BadRequest, UnknownName
from evalbot.reporting.schedules import parse_when
from evalbot.runs.budgets import parse_dollars
from evalbot.runs.runs import MAX_CONCURRENCY, MAX_REPEATS
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
from evalbot.slack.command_words import Word, did_you_mean, listed, shown, split_words
from evalbot.suites.suites import Strategy

LONGEST_TEXT = 2_000
USUAL_TIME = "mon 09:00"
MOST_TARGETS = 5
MOST_ITEMS = 100_000
MOST_REVIEWS = 100
MOST_GRADERS = 5
MOST_WORDS = 3
NEWEST = frozenset({"latest", "last", "newest"})
"""The words for the newest run."""


LATER = (
    *("grade", "compare", "probe", "item", "items", "approve", "reject", "retire", "skill", "trend"),
    *("schedule", "export", "import", "config", "admin"),
)
"""Verbs that people may expect and that this version does not have."""

_ALIASES = {
    "stop": "cancel",
    "continue": "resume",
    "show": "status",
    "list": "suites",
    "suite": "suites",
    "?": "help",
    "reviews": "review",
    "start": "run",
    "judges": "judge",
    "why": "explain",
}
_RUN_KEYS = {
    **dict.fromkeys(("model", "models", "target", "targets"), "model"),
    **dict.fromkeys(("n", "items", "limit"), "n"),
    **dict.fromkeys(("repeat", "repeats", "epochs"), "repeat"),
    **dict.fromkeys(("vs", "against", "baseline"), "vs"),
    **dict.fromkeys(("holdout",), "holdout"),
    **dict.fromkeys(("concurrency", "parallel"), "concurrency"),
    **dict.fromkeys(("budget", "usd"), "budget"),
}
_REVIEW_KEYS = {"run": "run", "n": "n", "by": "by", "graders": "graders", "here": "here"}
_DIGEST_KEYS = {"channel": "channel", "tz": "tz", "zone": "tz", "when": "when", "at": "when"}
_RUN_REFERENCE_KEYS = {"run": "run"}
_RERUN_KEYS = {"run": "run", "budget": "budget", "usd": "budget"}
_CALIBRATE_KEYS = {"budget": "budget", "usd": "budget"}
_KEYS_LATER = {"to", "mode"}

_SUITE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_TARGET = re.compile(r"[\w.:/@+-]{1,120}", re.ASCII)
_NUMBER = re.compile(r"[+−-]?[\d,_]{1,12}", re.ASCII)
_OPTION = re.compile(r"(?P<dashes>--)?(?P<key>[A-Za-z][A-Za-z_-]*)(?P<mark>[:=])(?P<value>.*)", re.DOTALL)
_RUN_NUMBER = re.compile(r"(?:run[-\s]?)?#?(\d{1,9})", re.ASCII)
_CHANNEL = re.compile(r"<#(?P<id>[A-Z0-9]{3,})(?:\|[^>]*)?>|(?P<name>#?[\w-]{1,80})")
_Parsed = TypeVar("_Parsed")


def parse_command(text: str) -> Command:
    """Read what was typed after the command's name or a mention; raises UserError with one sentence and what to type."""
    if len(text) > LONGEST_TEXT:
        raise BadRequest(
            f"That is {len(text):,} characters long.", f"A command is short, for example {_example(Verb.RUN)}."
        )
    words = split_words(text)
    if not words:
        return HelpCommand()
    verb = _verb(words[0].text)
    return _PARSERS[verb](words[1:])


# --- words -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The words after the verb: objects in order, and options under their proper names."""

    objects: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def _verb(word: str) -> Verb:
    """Give the verb a command starts with."""
    name = word.lower().removeprefix("/")
    name = _ALIASES.get(name, name)
    if name in list(Verb):
        return Verb(name)
    if name in LATER:
        raise UnknownName(f"`{name}` is not in this version.", f"There is {listed([f'`{verb}`' for verb in Verb])}.")
    guess = did_you_mean(name, [*Verb])
    tries = f"Try {_example(Verb.RUN)}, {_example(Verb.REVIEW)} or {_example(Verb.HELP)}."
    raise UnknownName(f"`{shown(word)}` is not a command.", f"{guess} {tries}".strip())


def _arguments(words: Sequence[Word], keys: Mapping[str, str], verb: Verb) -> _Arguments:
    """Sort words into objects and options; raises BadRequest for an option that the verb does not have or that comes twice."""
    objects: list[str] = []
    options: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        found = None if word.quoted else _option_of(word.text, waiting, keys)
        if found is None:
            objects.append(word.text)
            continue
        key = _key(found[0], keys, verb)
        if key in options:
            raise BadRequest(f"`{key}` is given twice.", "Leave one of them out.")
        if not found[1].strip():
            raise BadRequest(f"`{key}:` has no value.", f"Write it without a space, for example {_example(verb)}.")
        options[key] = found[1].strip()
    return _Arguments(tuple(objects), options)


def _option_of(text: str, following: list[Word], keys: Mapping[str, str]) -> tuple[str, str] | None:
    """Give key and value if the word is an option: `key:value`, `key=value`, `--key=value` or `--key` before its value."""
    found = _OPTION.fullmatch(text)
    if found and not found["value"].startswith("//"):
        return found["key"], found["value"] or (following.pop(0).text if following else "")
    if text.startswith("--") and text != "--":
        name = text.removeprefix("--")
        value = following.pop(0).text if following and not following[0].text.startswith("--") else ""
        return name, value or ("yes" if keys.get(name.lower()) in ("holdout", "here") else "")
    return None


def _key(name: str, keys: Mapping[str, str], verb: Verb) -> str:
    """Give the proper name of an option of a verb."""
    key = keys.get(name.lower())
    if key:
        return key
    if name.lower() in _KEYS_LATER:
        raise BadRequest(f"The option `{name.lower()}` is not in this version.", _options_of(keys, verb))
    guess = did_you_mean(name, keys)
    raise BadRequest(f"`{verb}` has no option `{shown(name)}`.", f"{guess} {_options_of(keys, verb)}".strip())


def _options_of(keys: Mapping[str, str], verb: Verb) -> str:
    """Say which options a verb takes."""
    if not keys:
        return f"Type it like {_example(verb)}."
    return f"It takes {listed([f'`{key}:`' for key in dict.fromkeys(keys.values())])}."


def _example(verb: Verb) -> str:
    """Give an example of a verb in fixed width."""
    return f"`{EXAMPLES[verb]}`"


# --- values ----------------------------------------------------------------------------------------


def _number(key: str, text: str, most: int) -> int:
    """Read a whole number from 1 to `most`."""
    if not _NUMBER.fullmatch(text) or not any(c.isdigit() for c in text):
        raise BadRequest(
            f"`{key}` is `{shown(text)}`, not a whole number.", f"Use 1 to {most:,}, for example `{key}:5`."
        )
    value = int(re.sub(r"[^\d]", "", text)) * (-1 if text[0] in "−-" else 1)
    if not 1 <= value <= most:
        raise BadRequest(f"`{key}` is {value:,}.".replace("-", "−"), f"Use 1 to {most:,}.")
    return value


def _optional(options: Mapping[str, str], key: str, most: int) -> int | None:
    """Read a number option that may be missing."""
    return _number(key, options[key], most) if key in options else None


def _yes(options: Mapping[str, str], key: str) -> bool:
    """Read a yes-or-no option; missing means no."""
    text = options.get(key, "no").lower()
    if text in ("yes", "y", "true", "on", "1"):
        return True
    if text in ("no", "n", "false", "off", "0"):
        return False
    raise BadRequest(f"`{key}` is `{shown(text)}`.", f"Use `{key}:yes` or `{key}:no`.")


def _run_number(text: str) -> int:
    """Read a run reference: `12`, `#12` or `run-12`."""
    found = _RUN_NUMBER.fullmatch(text.strip().lower())
    if not found:
        raise BadRequest(f"`{shown(text)}` is not a run.", "Write its number, for example `12` or `#12`.")
    return int(found[1])


def _suite(text: str) -> str:
    """Read the name of a suite."""
    name = text.lower()
    if not _SUITE.fullmatch(name):
        dashed = re.sub(r"[\s_]+", "-", name)
        hint = f"Did you mean `{dashed}`?" if _SUITE.fullmatch(dashed) else "Type `suites` to see what there is."
        raise BadRequest(f"`{shown(text)}` is not the name of a suite: those have letters, digits and dashes.", hint)
    return name


def _targets(text: str) -> tuple[str, ...]:
    """Read the labels of targets, separated by commas."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    odd = [name for name in names if not _TARGET.fullmatch(name)]
    if odd or not names:
        raise BadRequest(
            f"`{shown(odd[0] if odd else text)}` is not the name of a target.",
            "Write it like `model:candidate,baseline`.",
        )
    if len(names) > MOST_TARGETS:
        raise BadRequest(f"Those are {len(names)} targets.", f"Use at most {MOST_TARGETS} in one run.")
    return names


def _channel(text: str) -> str:
    """Read a channel: Slack's own form gives its id, a name gives `#name`."""
    found = _CHANNEL.fullmatch(text)
    if not found:
        raise BadRequest(f"`{shown(text)}` is not a channel.", "Write it like `channel:#support-quality`.")
    return found["id"] or "#" + found["name"].removeprefix("#")


# --- verbs -----------------------------------------------------------------------------------------


def _only(arguments: _Arguments, most: int, verb: Verb) -> None:
    """Raise BadRequest when there are more objects than the verb takes."""
    extra = arguments.objects[most:]
    if extra:
        words = shown(" ".join(extra))
        raise BadRequest(
            f"`{words}` is too much for `{verb}`.", f"Options are written `key:value`, like {_example(verb)}."
        )


def _parse_run(words: Sequence[Word]) -> RunCommand:
    """Read `run <suite> [model:a,b] [n:40] [repeat:3] [vs:12] [holdout:yes] [concurrency:8] [budget:2.00]`."""
    arguments = _arguments(words, _RUN_KEYS, Verb.RUN)
    if not arguments.objects:
        raise BadRequest("Which suite should run?", f"Type `suites` to see them, or {_example(Verb.RUN)}.")
    suite = _suite(arguments.objects[0])
    _only(arguments, 1, Verb.RUN)
    options = arguments.options
    vs = options.get("vs", "")
    if vs and not _TARGET.fullmatch(vs.removeprefix("#")):
        raise BadRequest(f"`{shown(vs)}` is neither a run nor a target.", "Write it like `vs:12` or `vs:baseline`.")
    return RunCommand(
        suite,
        _targets(options["model"]) if "model" in options else (),
        _optional(options, "n", MOST_ITEMS),
        _optional(options, "repeat", MAX_REPEATS),
        vs.removeprefix("#"),
        _yes(options, "holdout"),
        _optional(options, "concurrency", MAX_CONCURRENCY),
        parse_dollars(options["budget"]) if "budget" in options else None,
    )


def _run_reference(arguments: _Arguments, verb: Verb) -> int | None:
    """Read the run a verb is about: one object, the words `run 12`, or the option `run:12`."""
    objects = arguments.objects[1:] if arguments.objects[:1] == ("run",) else arguments.objects
    if "run" in arguments.options:
        objects = (*objects, arguments.options["run"])
    _only(_Arguments(objects), 1, verb)
    return _run_number(objects[0]) if objects else None


def _parse_status(words: Sequence[Word]) -> StatusCommand:
    """Read `status [run]`."""
    return StatusCommand(_run_reference(_arguments(words, _RUN_REFERENCE_KEYS, Verb.STATUS), Verb.STATUS))


def _parse_cancel(words: Sequence[Word]) -> CancelCommand:
    """Read `cancel [run]`."""
    return CancelCommand(_run_reference(_arguments(words, _RUN_REFERENCE_KEYS, Verb.CANCEL), Verb.CANCEL))


def _parse_rerun(words: Sequence[Word]) -> RerunCommand:
    """Read `rerun [run] [failed] [budget:2.00]`."""
    arguments = _arguments(words, _RERUN_KEYS, Verb.RERUN)
    objects = tuple(word for word in arguments.objects if word.lower() not in ("failed", "missing"))
    named = _run_reference(_Arguments(objects, arguments.options), Verb.RERUN)
    options = arguments.options
    return RerunCommand(named, parse_dollars(options["budget"]) if "budget" in options else None)


def _parse_resume(words: Sequence[Word]) -> ResumeCommand:
    """Read `resume [run]`."""
    return ResumeCommand(_run_reference(_arguments(words, _RUN_REFERENCE_KEYS, Verb.RESUME), Verb.RESUME))


def _parse_review(words: Sequence[Word]) -> ReviewCommand:
    """Read `review [run] [n:10] [by:mix] [graders:3] [here]`."""
    arguments = _arguments(words, _REVIEW_KEYS, Verb.REVIEW)
    objects = tuple(word for word in arguments.objects if word.lower() != "here")
    by = arguments.options.get("by", "").lower()
    if by and by not in list(Strategy):
        guess = did_you_mean(by, list(Strategy))
        known = listed([f"`{one}`" for one in Strategy])
        raise BadRequest(f"`by` is `{shown(by)}`.", f"{guess} It takes {known}.".strip())
    return ReviewCommand(
        _run_reference(_Arguments(objects, arguments.options), Verb.REVIEW),
        _optional(arguments.options, "n", MOST_REVIEWS),
        Strategy(by) if by else None,
        _optional(arguments.options, "graders", MOST_GRADERS),
        len(objects) < len(arguments.objects) or _yes(arguments.options, "here"),
    )


def _parse_digest(words: Sequence[Word]) -> DigestCommand:
    """Read `digest now|preview|status|off` and `digest on "mon 09:00 Europe/Berlin" [channel:#x]`."""
    arguments = _arguments(words, _DIGEST_KEYS, Verb.DIGEST)
    name = arguments.objects[0].lower() if arguments.objects else DigestAction.NOW.value
    if name not in list(DigestAction):
        guess = did_you_mean(name, list(DigestAction))
        known = listed([f"`{one}`" for one in DigestAction])
        raise BadRequest(f"`digest {shown(name)}` is not known.", f"{guess} It takes {known}.".strip())
    action, rest = DigestAction(name), " ".join((*arguments.objects[1:], arguments.options.get("when", ""))).strip()
    channel = _channel(arguments.options["channel"]) if "channel" in arguments.options else ""
    if action is not DigestAction.ON:
        _only(_Arguments((name, *rest.split())), 1, Verb.DIGEST)
        return DigestCommand(action, channel=channel)
    when, tz = _time_of_week(rest or USUAL_TIME, arguments.options.get("tz", ""))
    return DigestCommand(action, when, tz, channel)


def _time_of_week(text: str, tz: str) -> tuple[str, str]:
    """Read `mon 09:00` with an optional time zone behind it or beside it; gives both apart, the zone empty when unsaid."""
    day, _, rest = text.partition(" ")
    typed = f"{day.lower()} {rest} {tz}".strip()
    parsed = parse_when(typed, "UTC")
    named = len(typed.split()) > 2
    return f"{parsed.day} {parsed.at:%H:%M}", parsed.tz if named else ""


def _parse_suites(words: Sequence[Word]) -> SuitesCommand:
    """Read `suites`."""
    _only(_arguments(words, {}, Verb.SUITES), 0, Verb.SUITES)
    return SuitesCommand()


def _parse_judge(words: Sequence[Word]) -> JudgeCommand:
    """Read `judge [suite]` and `judge calibrate [suite] [budget:2.00]`."""
    calibrate = bool(words) and words[0].text.lower() == "calibrate"
    arguments = _arguments(words[1:] if calibrate else words, _CALIBRATE_KEYS if calibrate else {}, Verb.JUDGE)
    _only(arguments, 1, Verb.JUDGE)
    names, options = arguments.objects, arguments.options
    budget = parse_dollars(options["budget"]) if "budget" in options else None
    return JudgeCommand(_suite(names[0]) if names else "", calibrate, budget)


def _parse_explain(words: Sequence[Word]) -> ExplainCommand:
    """Read `explain [run|latest] [target] [skill]`, `explain judge [suite]` and `explain digest [day] [row] [step]`.

    Names of targets may hold a colon.
    """
    objects = tuple(word.text for word in words)
    if objects[:1] and objects[0].lower() == "judge":
        _only(_Arguments(objects[1:]), 1, Verb.EXPLAIN)
        return ExplainCommand(judge=_suite(objects[1]) if objects[1:] else "", about_judge=True)
    if objects[:1] and objects[0].lower() == "digest":
        _only(_Arguments(objects[1:]), MOST_WORDS, Verb.EXPLAIN)
        return ExplainCommand(words=objects[1:], about_digest=True)
    named = objects[:1] and objects[0].lower() == "run"
    objects = objects[1:] if named else objects
    if objects[:1] and objects[0].lower() in NEWEST:
        _only(_Arguments(objects[1:]), MOST_WORDS, Verb.EXPLAIN)
        return ExplainCommand(words=objects[1:], latest=True)
    run = _run_number(objects[0]) if objects and (named or _RUN_NUMBER.fullmatch(objects[0].lower())) else None
    rest = objects[1:] if run is not None else objects
    _only(_Arguments(rest), MOST_WORDS, Verb.EXPLAIN)
    return ExplainCommand(run, rest)


def _parse_help(words: Sequence[Word]) -> HelpCommand:
    """Read `help [verb]`; a verb that does not exist gets the same answer as typing it."""
    return HelpCommand(_verb(words[0].text) if words else None)


_PARSERS: Mapping[Verb, Callable[[Sequence[Word]], Command]] = {
    Verb.RUN: _parse_run,
    Verb.STATUS: _parse_status,
    Verb.CANCEL: _parse_cancel,
    Verb.RERUN: _parse_rerun,
    Verb.RESUME: _parse_resume,
    Verb.REVIEW: _parse_review,
    Verb.DIGEST: _parse_digest,
    Verb.SUITES: _parse_suites,
    Verb.JUDGE: _parse_judge,
    Verb.EXPLAIN: _parse_explain,
    Verb.HELP: _parse_help,
}
