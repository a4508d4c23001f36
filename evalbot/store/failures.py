"""What failures of a database mean to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from evalbot.errors import BadSetting, EvalbotError, OutsideError

_SQLITE_BUSY = {5, 6}
_SQLITE_OUTSIDE = {
    8: "is read-only",
    10: "cannot be read or written",
    13: "has no room: the disk is full",
    14: "cannot be opened",
}
_SQLITE_NOT_OURS = {11, 26}
_PG_AGAIN = {"40001", "40P01"}
_PG_BUSY = {"55P03", "53300"}


def is_retryable(error: BaseException) -> bool:
    """Tell whether a transaction failed only because it crossed another one, so that it may simply be done again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _PG_AGAIN


@contextmanager
def outside_errors() -> Iterator[None]:
    """Raise failures of the database itself as OutsideError or BadSetting, in one sentence; bugs pass unchanged."""
    try:
        yield
    except PoolTimeout as error:
        raise _busy() from error
    except DBAPIError as error:
        explained = _explain(error)
        if explained is None:
            raise
        raise explained from error


def missing_driver() -> BadSetting:
    """Give the error of a program that cannot talk to PostgreSQL."""
    return BadSetting("The PostgreSQL driver is not installed.", 'Run pip install "evalbot[scale]".')


def _busy() -> OutsideError:
    """Give the error of a database that somebody else holds for too long."""
    return OutsideError("The database is busy.", "Try again in a moment.")


def _explain(error: DBAPIError) -> EvalbotError | None:
    """Give the sentence for a failure that is nobody's bug, else None."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _explain_sqlite(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state in _PG_BUSY or state in _PG_AGAIN:
        return _busy()
    lost = error.connection_invalidated or (state is None and type(error.orig).__name__ == "OperationalError")
    if lost or (state or "")[:2] in {"08", "53", "57", "58"}:
        return OutsideError("The database cannot be reached.", "Check that it runs; nothing was saved just now.")
    if (state or "")[:2] in {"28", "3D"}:
        return BadSetting("The database refused the login or does not exist.", "Check EVALBOT_DATABASE_URL.")
    return None


def _explain_sqlite(code: int) -> EvalbotError | None:
    """Give the sentence for a primary SQLite result code, None for codes that mean a bug."""
    if code in _SQLITE_BUSY:
        return _busy()
    if code in _SQLITE_OUTSIDE:
        return OutsideError(
            f"The database file {_SQLITE_OUTSIDE[code]}.", "Nothing was saved just now; mend that and try again."
        )
    if code in _SQLITE_NOT_OURS:
        return BadSetting(
            "The database file is damaged or no SQLite database.", "Restore a backup or name another file."
        )
    return None
