"""Room for the engines: items of suites as rows of their own, starts of shards, answers kept for later runs."""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MARK = "\ufdd0"
"""Starts a document whose texts are written with escapes, and each such escape."""

REFUSED = re.compile(f"[\x00\ud800-\udfff{MARK}]")
ESCAPE = re.compile(f"{MARK}([0-9a-f]{{4}})")


def upgrade() -> None:
    """Add what this version needs, and move the items of each suite version out of its document."""
    op.create_table(
        "suite_items",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("own_graders", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team", "name", "version"],
            ["suites.team", "suites.name", "suites.version"],
            name=op.f("fk_suite_items_team_name_version"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team", "name", "version", "position", name=op.f("pk_suite_items")),
    )
    op.create_index(
        op.f("ix_suite_items_team_name_version_id"), "suite_items", ["team", "name", "version", "id"], unique=False
    )
    op.create_table(
        "shard_starts",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_shard_starts_run_id")),
        sa.PrimaryKeyConstraint("run_id", "shard", name=op.f("pk_shard_starts")),
    )
    op.create_table(
        "kept_answers",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("latency_s", sa.Float(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kept_answers")),
    )
    op.add_column("outputs", sa.Column("cached", sa.Boolean(), nullable=False, server_default=sa.false()))
    move_items(op.get_bind())


def move_items(connection: sa.Connection) -> None:
    """Take the items out of each suite's document, in the same order, exactly as they stand there."""
    suites = sa.table("suites", *(sa.column(name) for name in ("team", "name", "version", "body")))
    key = [suites.c.team, suites.c.name, suites.c.version]
    for team, name, version in connection.execute(sa.select(*key)).all():
        one = (suites.c.team == team) & (suites.c.name == name) & (suites.c.version == version)
        stored = unescaped(connection.execute(sa.select(suites.c.body).where(one)).scalar_one())
        mark = MARK if stored.startswith(MARK) else ""
        document = json.loads(stored[len(mark) :])
        items, document["items"] = document["items"], []
        connection.execute(sa.update(suites).where(one).values(body=escaped(mark + as_json(document))))
        add_items(connection, (team, name, version), mark, items)


def add_items(connection: sa.Connection, suite: tuple[str, str, int], mark: str, items: list[dict[str, Any]]) -> None:
    """Add the items of one document as rows."""
    names = ("team", "name", "version", "id", "position", "own_graders", "body")
    table = sa.table("suite_items", *(sa.column(one, sa.Boolean() if one == "own_graders" else None) for one in names))
    rows = [
        {
            **dict(zip(names, suite, strict=False)),
            "id": item["id"] if mark else escaped(item["id"]),
            "position": position,
            "own_graders": bool(item["graders"]),
            "body": escaped(mark + as_json(item)),
        }
        for position, item in enumerate(items)
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def escaped(text: str) -> str:
    """Give a text with what databases refuse written as escapes."""
    return REFUSED.sub(lambda found: f"{MARK}{ord(found[0]):04x}", text)


def unescaped(stored: str) -> str:
    """Give the text that `escaped` was given."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), stored)


def as_json(value: object) -> str:
    """Give a value as it stood in the document."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
