"""The tables; rows never leave this package.

They are Core tables: rows are read and written in batches and become nouns at once, so classes of rows would only cost time at
every start.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    false,
)

from evalbot.store.exact_text import ExactText
from evalbot.store.exact_time import UTCDateTime

_SUITE_KEY = ("team", "name", "version")

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

METADATA = MetaData(naming_convention=_NAMES)
"""The catalogue of all tables, with named constraints."""


def _key(name: str) -> Column[str]:
    """Give a text that is part of the primary key."""
    return Column(name, ExactText, primary_key=True)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    """Give a text of any length."""
    return Column(name, ExactText, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    """Give a small whole number."""
    return Column(name, Integer, nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> Column[int]:
    """Give a whole number of any size."""
    return Column(name, BigInteger, nullable=nullable)


def _real(name: str, *, nullable: bool = False) -> Column[float]:
    """Give a real number."""
    return Column(name, Float, nullable=nullable)


def _flag(name: str, *, nullable: bool = False) -> Column[bool]:
    """Give a yes or no."""
    return Column(name, Boolean, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """Give a moment in time."""
    return Column(name, UTCDateTime(timezone=True), nullable=nullable)


def _grade() -> list[Column[Any]]:
    """Give what every grade says."""
    return [
        _moment("at"),
        *(_real("score", nullable=True), _flag("passed", nullable=True), _number("level", nullable=True)),
        *(_text("reason"), _text("error"), _flag("abstained"), _flag("blind"), _real("weight"), _text("purpose")),
    ]


WORKSPACES = Table("workspaces", METADATA, _key("name"), _text("team"), _flag("adopted"))
"""The workspace that owns what the command line starts; `name` is always "home"."""

PEOPLE = Table("people", METADATA, _key("team"), _key("id"), _text("name"), _text("role"), _text("tz"))
"""A person of a workspace."""

PREFERENCES = Table("preferences", METADATA, _key("team"), _key("person"), _key("key"), _text("value"))
"""One thing a person chose."""

SUITES = Table(
    "suites",
    METADATA,
    _key("team"),
    _key("name"),
    Column("version", Integer, primary_key=True),
    _text("description"),
    _number("item_count"),
    _number("holdout_count"),
    _text("body"),
    _moment("released_at"),
    _text("released_by"),
    _text("note"),
)
"""A released suite version, in `body` without its items; the counts are of those that are not retired."""

SUITE_ITEMS = Table(
    "suite_items",
    METADATA,
    _key("team"),
    _key("name"),
    Column("version", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("id"),
    _flag("own_graders"),
    _text("body"),
    ForeignKeyConstraint(["team", "name", "version"], [f"suites.{one}" for one in _SUITE_KEY], onupdate="CASCADE"),
    Index(None, "team", "name", "version", "id"),
)
"""An item of a released suite version, whole in `body`; `own_graders` tells whether it names graders itself."""

RUNS = Table(
    "runs",
    METADATA,
    _key("id"),
    _text("team"),
    _number("number"),
    _text("suite"),
    _number("suite_version"),
    _text("targets"),
    _text("item_ids"),
    _number("repeats"),
    _number("concurrency"),
    _text("started_by"),
    _text("started_name"),
    _moment("created_at"),
    _text("status"),
    _text("channel"),
    _text("versus"),
    _moment("finished_at", nullable=True),
    _text("note"),
    UniqueConstraint("team", "number"),
    Index(None, "team", "suite", "number"),
    Index(None, "team", "finished_at"),
    Index(None, "status"),
)
"""A run; `targets` and `item_ids` are JSON."""

OUTPUTS = Table(
    "outputs",
    METADATA,
    _key("id"),
    _text("run_id"),
    _text("target"),
    _text("item_id"),
    _number("repeat"),
    _text("text", nullable=True),
    _text("failure_kind", nullable=True),
    _text("failure_message", nullable=True),
    _real("latency_s"),
    _whole("input_tokens", nullable=True),
    _whole("output_tokens", nullable=True),
    _real("cost_usd", nullable=True),
    _moment("at"),
    Column("cached", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("run_id", "target", "item_id", "repeat"),
    ForeignKeyConstraint(["run_id"], ["runs.id"]),
    Index(None, "run_id", "failure_kind"),
)
"""An output; `failure_kind` is None where the target answered."""

SHARD_STARTS = Table(
    "shard_starts",
    METADATA,
    _key("run_id"),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    _text("first"),
    _number("tries"),
    ForeignKeyConstraint(["run_id"], ["runs.id"]),
)
"""A shard that is being worked on: the first unit it missed when it was begun, and how often it was begun at that one.

The row goes when the work ends in order; what remains tells that a program died at it."""

KEPT_ANSWERS = Table(
    "kept_answers",
    METADATA,
    _key("key"),
    _text("text"),
    _real("latency_s"),
    _whole("input_tokens", nullable=True),
    _whole("output_tokens", nullable=True),
    _moment("at"),
)
"""An answer kept for later runs; `key` is a hash of everything that was asked."""

GRADES = Table(
    "grades",
    METADATA,
    _key("output_id"),
    _key("kind"),
    _key("grader"),
    _key("version"),
    _key("criterion"),
    *_grade(),
    ForeignKeyConstraint(["output_id"], ["outputs.id"]),
)
"""A check's or a judge's grade."""

HUMAN_GRADES = Table(
    "human_grades",
    METADATA,
    _key("output_id"),
    _key("grader"),
    _key("criterion"),
    _text("version"),
    *_grade(),
    ForeignKeyConstraint(["output_id"], ["outputs.id"]),
    Index(None, "at"),
)
"""The current grade of a person on an output for a criterion."""

FORMER_GRADES = Table(
    "former_grades",
    METADATA,
    Column("id", Integer, primary_key=True),
    _text("output_id"),
    _text("grader"),
    _text("criterion"),
    _text("version"),
    *_grade(),
    ForeignKeyConstraint(["output_id"], ["outputs.id"]),
    Index(None, "output_id"),
)
"""A human grade that was replaced or withdrawn, oldest first by `id`."""

ROUNDS = Table(
    "rounds",
    METADATA,
    _key("id"),
    _text("team"),
    _text("run_id"),
    _text("opened_by"),
    _text("channel"),
    _number("size"),
    _text("strategy"),
    _number("graders"),
    _moment("opened_at"),
    ForeignKeyConstraint(["run_id"], ["runs.id"]),
    Index(None, "run_id"),
)
"""A round of reviews."""

REVIEWS = Table(
    "reviews",
    METADATA,
    _key("id"),
    _text("round_id"),
    _text("team"),
    _text("run_id"),
    _text("output_id"),
    _number("position"),
    _number("wanted"),
    _real("probability"),
    _moment("opened_at"),
    _text("status"),
    _moment("settled_at", nullable=True),
    _flag("discussed"),
    UniqueConstraint("round_id", "output_id"),
    ForeignKeyConstraint(["round_id"], ["rounds.id"]),
    ForeignKeyConstraint(["run_id"], ["runs.id"]),
    ForeignKeyConstraint(["output_id"], ["outputs.id"]),
    Index(None, "output_id", "opened_at"),
    Index(None, "run_id", "output_id"),
    Index(None, "team", "status", "opened_at"),
    Index(None, "team", "settled_at"),
)
"""A review of one output."""

CANDIDATES = Table(
    "candidates",
    METADATA,
    _key("id"),
    _text("team"),
    _text("suite"),
    _text("item"),
    _text("author"),
    _text("author_name"),
    _moment("created_at"),
    _text("bad_output"),
    _text("reason"),
    _text("output_id", nullable=True),
    _text("channel"),
    _text("nearest"),
    _text("status"),
    _text("decided_by", nullable=True),
    _text("decided_name"),
    _moment("decided_at", nullable=True),
    _number("released_version", nullable=True),
    _text("why"),
    Index(None, "team", "status", "created_at"),
    Index(None, "team", "author", "created_at"),
)
"""A candidate; `item` is JSON. `output_id` is a loose pointer: a candidate outlives the output it came from."""

SCHEDULES = Table(
    "schedules",
    METADATA,
    _key("id"),
    _text("team"),
    _text("channel"),
    _text("day"),
    _text("at"),
    _text("tz"),
    _text("created_by"),
    _moment("created_at"),
    _flag("enabled"),
    UniqueConstraint("team", "channel"),
)
"""The digest schedule of a channel; `at` is local time as HH:MM:SS."""

SLOTS = Table(
    "slots",
    METADATA,
    _key("schedule_id"),
    _key("slot"),
    _text("state"),
    _moment("claimed_at"),
    ForeignKeyConstraint(["schedule_id"], ["schedules.id"], onupdate="CASCADE", ondelete="CASCADE"),
)
"""A slot of a schedule that somebody took; `state` is claimed, posted or skipped."""

DIGESTS = Table(
    "digests",
    METADATA,
    _key("id"),
    _text("team"),
    _text("channel"),
    _text("slot"),
    _text("body"),
    _moment("composed_at"),
    UniqueConstraint("team", "channel", "slot"),
    Index(None, "team", "composed_at"),
)
"""A composed digest, whole in `body`."""

DELIVERIES = Table("deliveries", METADATA, _key("id"), _moment("at"), Index(None, "at"))
"""A delivery of the chat that was acted on."""

POSTS = Table(
    "posts",
    METADATA,
    Column("position", Integer, primary_key=True),
    _text("key"),
    _text("team"),
    _text("channel"),
    _text("payload"),
    _text("parent_key"),
    _text("picture_name", nullable=True),
    _text("picture_alt", nullable=True),
    Column("picture_png", LargeBinary),
    _number("version"),
    _number("posted_version"),
    _flag("waiting"),
    _text("place"),
    _text("ts"),
    _text("file_id"),
    _number("attempts"),
    _moment("due_at", nullable=True),
    _text("failure"),
    _flag("given_up"),
    _moment("put_at"),
    UniqueConstraint("key"),
    Index(None, "waiting", "position"),
    Index(None, "place", "ts"),
)
"""A post of the outbox, in order of `position`; `waiting` tells that the visible version is older than the wanted one."""

CALIBRATIONS = Table(
    "calibrations",
    METADATA,
    _key("id"),
    _text("team"),
    _text("suite"),
    _text("epoch"),
    _text("body"),
    _moment("started_at"),
    _moment("finished_at", nullable=True),
    Index(None, "team", "suite", "epoch"),
)
"""A calibration of a judge, whole in `body`; `epoch` is the key of the epoch it belongs to."""

PERMITS = Table("permits", METADATA, _key("endpoint"), _real("free_at"), _real("closed_until"))
"""How far ahead the calls to an endpoint are handed out, and until when it wants none; in seconds of the database's clock."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    _key("team"),
    _key("name"),
    _whole("billed"),
    _whole("guessed"),
    _whole("held"),
    _whole("unknown"),
)
"""What was spent on one budget, in billionths of a dollar; `unknown` counts calls without a price."""

RUN_BUDGETS = Table(
    "run_budgets",
    METADATA,
    _key("run_id"),
    _whole("most", nullable=True),
    _whole("low", nullable=True),
    _whole("high", nullable=True),
    _text("decision"),
    _text("decided_by", nullable=True),
    _text("decided_name"),
    _moment("decided_at", nullable=True),
    ForeignKeyConstraint(["run_id"], ["runs.id"]),
)
"""What a run may cost, what it is expected to, and who decided on it; amounts in billionths of a dollar."""

DRAFTS = Table(
    "drafts",
    METADATA,
    _key("id"),
    _text("team"),
    _text("person"),
    _text("body"),
    _moment("made_at"),
    Index(None, "made_at"),
)
"""A run that somebody looks at before its start, whole in `body`."""
