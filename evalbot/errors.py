"""Every exception of evalbot, sorted by who can act on it.

EvalbotError
    UserError            the person who asked can act: shown privately, one sentence and what to do next
        UnknownName      no such suite, run, target, item, rubric or command
        BadRequest       the words were not understood or are out of range
        NotAllowed       the person's role does not include the action
        Conflict         somebody or something else came first
    SetupError           the operator can act: stops at the start
        BadSetting       an environment variable or option
        BadFile          a suite, rubric, prompt or items file, with file, line and field
        SchemaMismatch   the database is newer or older than this program
    OutsideError         nobody here can act: retried, then recorded as data on the output or grade
        ModelUnavailable the target or judge did not give an answer
        SlackUnavailable Slack did not take a message
        UnreadableVerdict the judge answered in a form that holds no verdict
    EndpointDown         a target or judge fails again and again: the run pauses until somebody has looked
    BudgetUsedUp         the money that was agreed is spent: nobody is at fault, and what is there is kept
"""

from __future__ import annotations


class EvalbotError(Exception):
    """A failure that evalbot can explain in one sentence with what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserError(EvalbotError):
    """The person who asked can mend it."""


class UnknownName(UserError):
    """Nothing of that name exists."""


class BadRequest(UserError):
    """The request was not understood or a value is out of range."""


class NotAllowed(UserError):
    """The person's role does not include this action."""


class Conflict(UserError):
    """Somebody or something else came first."""


class SetupError(EvalbotError):
    """The operator can mend it."""


class BadSetting(SetupError):
    """A setting is missing or wrong."""


class BadFile(SetupError):
    """A file of the project folder was refused; the message names file, line and field where known."""


class SchemaMismatch(SetupError):
    """The database schema does not fit this program."""


class OutsideError(EvalbotError):
    """Something outside evalbot failed."""


class ModelUnavailable(OutsideError):
    """A target or judge gave no usable answer; `kind` is a short machine-readable reason.

    `reached` is False when the request surely never came to where it was sent, so that it cannot have cost anything.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        kind: str = "error",
        retry_after_s: float | None = None,
        reached: bool = True,
    ) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.reached = reached
        self.retry_after_s = retry_after_s


class EndpointDown(EvalbotError):
    """A target or judge fails again and again; what failed last is asked again when the run is resumed."""


class SlackUnavailable(OutsideError):
    """Slack did not take a message; it stays in the outbox."""


class UnreadableVerdict(OutsideError):
    """A judge answered without a verdict that can be read; the raw text is kept by the caller."""


class BudgetUsedUp(EvalbotError):
    """The money that was agreed for a run is spent; what is there is kept and scored."""
