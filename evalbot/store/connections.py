"""Engines for SQLite and PostgreSQL that work beside an event loop."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, NullPool
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from evalbot.store import sqlite_driver
from evalbot.store.failures import missing_driver
from evalbot.store.preparing import begin_with, make_folder, prepare_sqlite

READERS = 6
"""Most read transactions at once in one process."""


def sqlite_engine(
    url: URL, *, begin: str, busy_s: float, synchronous: str = "FULL", foreign_keys: bool = True, readers: int = 0
) -> AsyncEngine:
    """Give an engine on a SQLite file that begins transactions with `begin`; readers 0 means one connection that writes."""
    make_folder(url)
    engine = create_async_engine(
        url,
        connect_args={"async_creator_fn": sqlite_driver.connect},
        pool_size=readers or 1,
        max_overflow=0,
        pool_timeout=busy_s,
        hide_parameters=True,
    )
    prepare_sqlite(
        engine.sync_engine,
        begin=begin,
        busy_s=busy_s,
        synchronous=synchronous,
        foreign_keys=foreign_keys,
        readonly=bool(readers),
    )
    return engine


def postgresql_engine(url: URL, *, isolation: str = "READ COMMITTED", size: int, readonly: bool = False) -> AsyncEngine:
    """Give an engine on a PostgreSQL database with transactions of one isolation level; size 0 keeps no connection."""
    pool: dict[str, Any] = (
        {"pool_size": size, "max_overflow": 0, "pool_pre_ping": True} if size else {"poolclass": NullPool}
    )
    try:
        engine = create_async_engine(url, isolation_level=isolation, hide_parameters=True, **pool)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise missing_driver() from None
    return engine.execution_options(postgresql_readonly=True) if readonly else engine


def one_at_a_time(engine: AsyncEngine, lock: int, busy_s: float) -> AsyncEngine:
    """Let PostgreSQL transactions of this engine take turns, over all programs, with those that name the same lock."""
    patience = f"set_config('lock_timeout', '{round(busy_s * 1000)}', true)"
    begin_with(engine.sync_engine, f"SELECT {patience}, pg_advisory_xact_lock({lock})")
    return engine
