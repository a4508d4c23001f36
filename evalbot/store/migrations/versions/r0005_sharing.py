"""What several processes share: the limits of providers, and on PostgreSQL the queue of the distributed engine.

The queue is Procrastinate's, in a schema of its own, `eval_jobs`. Its SQL is taken from the installed package, which the
extra `scale` pins to 3.10: a version with another schema needs a revision of its own, with that version's SQL migrations.
SQLite has one process that carries runs out, hence no queue, and its table of limits stays empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of limits, and the queue where the database can have one."""
    op.create_table(
        "permits",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("free_at", sa.Float(), nullable=False),
        sa.Column("closed_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name="pk_permits"),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _create_queue(connection)


def _create_queue(connection: sa.Connection) -> None:
    """Run Procrastinate's own SQL with its schema in front, then put the search path back."""
    from procrastinate.schema import SchemaManager  # only there with PostgreSQL

    path = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
    connection.exec_driver_sql("CREATE SCHEMA eval_jobs")
    connection.exec_driver_sql("SET LOCAL search_path TO eval_jobs")
    connection.exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})
    connection.execute(sa.text("SELECT set_config('search_path', :path, true)"), {"path": path})
