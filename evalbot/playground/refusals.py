"""What the playground refuses: PlaygroundError > ApiError (the Web API says no), ActionRefused (the client says no)."""

from typing import Any


class PlaygroundError(Exception):
    """Anything the playground refuses."""


class ApiError(PlaygroundError):
    """A refused call of the Web API. code: Slack's error word; extra: further keys of the reply."""

    def __init__(self, code: str, **extra: Any) -> None:
        """Keep the code and the further keys."""
        super().__init__(code)
        self.code, self.extra = code, extra

    @classmethod
    def invalid_arguments(cls, *messages: str) -> "ApiError":
        """Return the error for arguments that are missing or malformed."""
        return cls("invalid_arguments", response_metadata={"messages": [f"[ERROR] {one}" for one in messages]})

    @classmethod
    def invalid_blocks(cls, problems: list[str]) -> "ApiError":
        """Return the error for blocks of a message."""
        messages = [f"[ERROR] {one}" for one in problems]
        return cls("invalid_blocks", errors=problems, response_metadata={"messages": messages})


class ActionRefused(PlaygroundError):
    """Something a person tried that the Slack client would not do; the text is a sentence for the person."""
