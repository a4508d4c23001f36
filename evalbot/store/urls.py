"""Which databases there are, and how they are named."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from evalbot.errors import BadSetting

SQLITE = "sqlite+aiosqlite"
POSTGRESQL = "postgresql+psycopg"

_DRIVERS = {"sqlite": SQLITE, SQLITE: SQLITE, "postgresql": POSTGRESQL, "postgres": POSTGRESQL, POSTGRESQL: POSTGRESQL}


def parse_url(url: str) -> URL:
    """Give a database URL with the driver written out; raises BadSetting for what evalbot cannot use."""
    example = "Use sqlite:///path/to/file.db or postgresql://user@host/name."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSetting("The database URL was not understood.", example) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise BadSetting(f"There is no support for databases of the kind {parsed.drivername!r}.", example)
    if driver == SQLITE and (parsed.database or ":memory:") == ":memory:":
        raise BadSetting("A SQLite database in memory forgets everything.", "Name a file: sqlite:///path/to/file.db.")
    return parsed.set(drivername=driver)
