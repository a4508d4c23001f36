"""What people can ask of the bot by command: the verbs, and one record for each command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalbot.suites.suites import Strategy


class Verb(StrEnum):
    """The words a command can start with."""

    RUN = "run"
    STATUS = "status"
    CANCEL = "cancel"
    RERUN = "rerun"
    RESUME = "resume"
    REVIEW = "review"
    DIGEST = "digest"
    SUITES = "suites"
    JUDGE = "judge"
    EXPLAIN = "explain"
    HELP = "help"


class DigestAction(StrEnum):
    """What is asked of the digest: post it, show it to me alone, schedule it, stop it, or tell when it comes."""

    NOW = "now"
    PREVIEW = "preview"
    ON = "on"
    OFF = "off"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Put a suite to targets; None and empty mean what the suite says. `vs` is a run number or a target's label.

    `budget` is in billionths of a dollar.
    """

    suite: str
    targets: tuple[str, ...] = ()
    n: int | None = None
    repeat: int | None = None
    vs: str = ""
    holdout: bool = False
    concurrency: int | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class StatusCommand:
    """Tell how a run is doing; None means the thread's run, or what runs now."""

    run: int | None = None


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """Stop a run and keep what is there; None means the thread's run."""

    run: int | None = None


@dataclass(frozen=True, slots=True)
class ResumeCommand:
    """Let a paused run go on; None means the thread's run."""

    run: int | None = None


@dataclass(frozen=True, slots=True)
class RerunCommand:
    """Ask what an ended run has no answer to; None means the thread's run. `budget` is in billionths of a dollar."""

    run: int | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewCommand:
    """Put outputs of a run before people; None means the thread's run and the suite's own policy. `here` is the asker's channel."""

    run: int | None = None
    n: int | None = None
    by: Strategy | None = None
    graders: int | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class DigestCommand:
    """Post or schedule a digest.

    `when` is like `mon 09:00` and only set for ON, `tz` an IANA zone or empty for the asker's, `channel` an id, `#name`, or
    empty for this one.
    """

    action: DigestAction = DigestAction.NOW
    when: str = ""
    tz: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class SuitesCommand:
    """List the suites."""


@dataclass(frozen=True, slots=True)
class JudgeCommand:
    """Tell how far the judge of a suite may be believed, or calibrate it; empty means the thread's suite, or all of them.

    `budget` is what a calibration may cost, in billionths of a dollar.
    """

    suite: str = ""
    calibrate: bool = False
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class ExplainCommand:
    """Tell where a number comes from.

    `run` None means the thread's run, or the newest. `words` name a target, a skill or a criterion; empty means the overall
    score. `judge` names the suite whose judge is to be explained, `about_judge` tells that a judge is meant, `about_digest`
    that `words` name something of a digest, `latest` that the newest run is meant wherever it is asked.
    """

    run: int | None = None
    words: tuple[str, ...] = ()
    judge: str = ""
    about_judge: bool = False
    about_digest: bool = False
    latest: bool = False


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """Show the menu, or what one verb does."""

    verb: Verb | None = None


_Asking = RunCommand | StatusCommand | CancelCommand | RerunCommand | ResumeCommand | ReviewCommand | DigestCommand
Command = _Asking | SuitesCommand | JudgeCommand | ExplainCommand | HelpCommand

EXAMPLES: Mapping[Verb, str] = {
    Verb.RUN: "run support-desk model:candidate vs:baseline",
    Verb.STATUS: "status 12",
    Verb.CANCEL: "cancel 12",
    Verb.RERUN: "rerun 12 budget:2.00",
    Verb.RESUME: "resume 12",
    Verb.REVIEW: "review 12 n:10",
    Verb.DIGEST: "digest on mon 09:00 Europe/Berlin",
    Verb.SUITES: "suites",
    Verb.JUDGE: "judge calibrate support-desk",
    Verb.EXPLAIN: "explain 12 refunds",
    Verb.HELP: "help run",
}
