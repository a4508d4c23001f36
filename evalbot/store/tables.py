"""The tables: one row class each; rows never leave this package."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, MetaData, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from evalbot.store.exact_text import ExactText
from evalbot.store.exact_time import UTCDateTime

Text = Annotated[str, Field(sa_type=ExactText)]
MaybeText = Annotated[str | None, Field(sa_type=ExactText)]
KeyText = Annotated[str, Field(sa_type=ExactText, primary_key=True)]
Whole = Annotated[int, Field(sa_type=BigInteger)]
MaybeWhole = Annotated[int | None, Field(sa_type=BigInteger)]
Moment = Annotated[datetime, Field(sa_type=UTCDateTime)]
MaybeMoment = Annotated[datetime | None, Field(sa_type=UTCDateTime)]
AutoKey = Annotated[int, Field(primary_key=True)]

_SUITE_KEY = ("team", "name", "version")

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """What all rows share: one catalogue of tables, with named constraints."""

    metadata = MetaData(naming_convention=_NAMES)


class WorkspaceRow(Row, table=True):
    """The workspace that owns what the command line starts; `name` is always "home"."""

    __tablename__ = "workspaces"
    name: KeyText
    team: Text
    adopted: bool


class PersonRow(Row, table=True):
    """A person of a workspace."""

    __tablename__ = "people"
    team: KeyText
    id: KeyText
    name: Text
    role: Text
    tz: Text


class PreferenceRow(Row, table=True):
    """One thing a person chose."""

    __tablename__ = "preferences"
    team: KeyText
    person: KeyText
    key: KeyText
    value: Text


class SuiteRow(Row, table=True):
    """A released suite version, in `body` without its items; the counts are of those that are not retired."""

    __tablename__ = "suites"
    team: KeyText
    name: KeyText
    version: int = Field(primary_key=True)
    description: Text
    item_count: int
    holdout_count: int
    body: Text
    released_at: Moment
    released_by: Text
    note: Text


class SuiteItemRow(Row, table=True):
    """An item of a released suite version, whole in `body`; `own_graders` tells whether it names graders itself."""

    __tablename__ = "suite_items"
    __table_args__ = (
        ForeignKeyConstraint(["team", "name", "version"], [f"suites.{one}" for one in _SUITE_KEY], onupdate="CASCADE"),
        Index(None, "team", "name", "version", "id"),
    )
    team: KeyText
    name: KeyText
    version: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    id: Text
    own_graders: bool
    body: Text


class RunRow(Row, table=True):
    """A run; `targets` and `item_ids` are JSON."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("team", "number"),
        Index(None, "team", "suite", "number"),
        Index(None, "team", "finished_at"),
        Index(None, "status"),
    )
    id: KeyText
    team: Text
    number: int
    suite: Text
    suite_version: int
    targets: Text
    item_ids: Text
    repeats: int
    concurrency: int
    started_by: Text
    started_name: Text
    created_at: Moment
    status: Text
    channel: Text
    versus: Text
    finished_at: MaybeMoment
    note: Text


class OutputRow(Row, table=True):
    """An output; `failure_kind` is None where the target answered."""

    __tablename__ = "outputs"
    __table_args__ = (
        UniqueConstraint("run_id", "target", "item_id", "repeat"),
        ForeignKeyConstraint(["run_id"], ["runs.id"]),
        Index(None, "run_id", "failure_kind"),
    )
    id: KeyText
    run_id: Text
    target: Text
    item_id: Text
    repeat: int
    text: MaybeText
    failure_kind: MaybeText
    failure_message: MaybeText
    latency_s: float
    input_tokens: MaybeWhole
    output_tokens: MaybeWhole
    cost_usd: float | None
    at: Moment
    cached: bool = Field(sa_column_kwargs={"server_default": false()})


class ShardStartRow(Row, table=True):
    """A shard that is being worked on: the first unit it missed when it was begun, and how often it was begun at that one.

    The row goes when the work ends in order; what remains tells that a program died at it.
    """

    __tablename__ = "shard_starts"
    __table_args__ = (ForeignKeyConstraint(["run_id"], ["runs.id"]),)
    run_id: KeyText
    shard: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    first: Text
    tries: int


class KeptAnswerRow(Row, table=True):
    """An answer kept for later runs; `key` is a hash of everything that was asked."""

    __tablename__ = "kept_answers"
    key: KeyText
    text: Text
    latency_s: float
    input_tokens: MaybeWhole
    output_tokens: MaybeWhole
    at: Moment


class GradeRow(Row, table=True):
    """A check's or a judge's grade."""

    __tablename__ = "grades"
    __table_args__ = (ForeignKeyConstraint(["output_id"], ["outputs.id"]),)
    output_id: KeyText
    kind: KeyText
    grader: KeyText
    version: KeyText
    criterion: KeyText
    at: Moment
    score: float | None
    passed: bool | None
    level: int | None
    reason: Text
    error: Text
    abstained: bool
    blind: bool
    weight: float
    purpose: Text


class HumanGradeRow(Row, table=True):
    """The current grade of a person on an output for a criterion."""

    __tablename__ = "human_grades"
    __table_args__ = (ForeignKeyConstraint(["output_id"], ["outputs.id"]), Index(None, "at"))
    output_id: KeyText
    grader: KeyText
    criterion: KeyText
    version: Text
    at: Moment
    score: float | None
    passed: bool | None
    level: int | None
    reason: Text
    error: Text
    abstained: bool
    blind: bool
    weight: float
    purpose: Text


class FormerGradeRow(Row, table=True):
    """A human grade that was replaced or withdrawn, oldest first by `id`."""

    __tablename__ = "former_grades"
    __table_args__ = (ForeignKeyConstraint(["output_id"], ["outputs.id"]), Index(None, "output_id"))
    id: AutoKey
    output_id: Text
    grader: Text
    criterion: Text
    version: Text
    at: Moment
    score: float | None
    passed: bool | None
    level: int | None
    reason: Text
    error: Text
    abstained: bool
    blind: bool
    weight: float
    purpose: Text


class RoundRow(Row, table=True):
    """A round of reviews."""

    __tablename__ = "rounds"
    __table_args__ = (ForeignKeyConstraint(["run_id"], ["runs.id"]), Index(None, "run_id"))
    id: KeyText
    team: Text
    run_id: Text
    opened_by: Text
    channel: Text
    size: int
    strategy: Text
    graders: int
    opened_at: Moment


class ReviewRow(Row, table=True):
    """A review of one output."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("round_id", "output_id"),
        ForeignKeyConstraint(["round_id"], ["rounds.id"]),
        ForeignKeyConstraint(["run_id"], ["runs.id"]),
        ForeignKeyConstraint(["output_id"], ["outputs.id"]),
        Index(None, "output_id", "opened_at"),
        Index(None, "run_id", "output_id"),
        Index(None, "team", "status", "opened_at"),
        Index(None, "team", "settled_at"),
    )
    id: KeyText
    round_id: Text
    team: Text
    run_id: Text
    output_id: Text
    position: int
    wanted: int
    probability: float
    opened_at: Moment
    status: Text
    settled_at: MaybeMoment
    discussed: bool


class CandidateRow(Row, table=True):
    """A candidate; `item` is JSON. `output_id` is a loose pointer: a candidate outlives the output it came from."""

    __tablename__ = "candidates"
    __table_args__ = (Index(None, "team", "status", "created_at"), Index(None, "team", "author", "created_at"))
    id: KeyText
    team: Text
    suite: Text
    item: Text
    author: Text
    author_name: Text
    created_at: Moment
    bad_output: Text
    reason: Text
    output_id: MaybeText
    channel: Text
    nearest: Text
    status: Text
    decided_by: MaybeText
    decided_name: Text
    decided_at: MaybeMoment
    released_version: int | None
    why: Text


class ScheduleRow(Row, table=True):
    """The digest schedule of a channel; `at` is local time as HH:MM:SS."""

    __tablename__ = "schedules"
    __table_args__ = (UniqueConstraint("team", "channel"),)
    id: KeyText
    team: Text
    channel: Text
    day: Text
    at: Text
    tz: Text
    created_by: Text
    created_at: Moment
    enabled: bool


class SlotRow(Row, table=True):
    """A slot of a schedule that somebody took; `state` is claimed, posted or skipped."""

    __tablename__ = "slots"
    __table_args__ = (ForeignKeyConstraint(["schedule_id"], ["schedules.id"], onupdate="CASCADE", ondelete="CASCADE"),)
    schedule_id: KeyText
    slot: KeyText
    state: Text
    claimed_at: Moment


class DigestRow(Row, table=True):
    """A composed digest, whole in `body`."""

    __tablename__ = "digests"
    __table_args__ = (UniqueConstraint("team", "channel", "slot"), Index(None, "team", "composed_at"))
    id: KeyText
    team: Text
    channel: Text
    slot: Text
    body: Text
    composed_at: Moment


class DeliveryRow(Row, table=True):
    """A delivery of the chat that was acted on."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "at"),)
    id: KeyText
    at: Moment


class PostRow(Row, table=True):
    """A post of the outbox, in order of `position`; `waiting` tells that the visible version is older than the wanted one."""

    __tablename__ = "posts"
    __table_args__ = (UniqueConstraint("key"), Index(None, "waiting", "position"), Index(None, "place", "ts"))
    position: AutoKey
    key: Text
    team: Text
    channel: Text
    payload: Text
    parent_key: Text
    picture_name: MaybeText
    picture_alt: MaybeText
    picture_png: bytes | None
    version: int
    posted_version: int
    waiting: bool
    place: Text
    ts: Text
    file_id: Text
    attempts: int
    due_at: MaybeMoment
    failure: Text
    given_up: bool
    put_at: Moment


class CalibrationRow(Row, table=True):
    """A calibration of a judge, whole in `body`; `epoch` is the key of the epoch it belongs to."""

    __tablename__ = "calibrations"
    __table_args__ = (Index(None, "team", "suite", "epoch"),)
    id: KeyText
    team: Text
    suite: Text
    epoch: Text
    body: Text
    started_at: Moment
    finished_at: MaybeMoment


class PermitRow(Row, table=True):
    """How far ahead the calls to an endpoint are handed out, and until when it wants none; in seconds of the database's clock."""

    __tablename__ = "permits"
    endpoint: KeyText
    free_at: float
    closed_until: float


class AccountRow(Row, table=True):
    """What was spent on one budget, in billionths of a dollar; `unknown` counts calls without a price."""

    __tablename__ = "accounts"
    team: KeyText
    name: KeyText
    billed: Whole
    guessed: Whole
    held: Whole
    unknown: Whole


class RunBudgetRow(Row, table=True):
    """What a run may cost, what it is expected to, and who decided on it; amounts in billionths of a dollar."""

    __tablename__ = "run_budgets"
    __table_args__ = (ForeignKeyConstraint(["run_id"], ["runs.id"]),)
    run_id: KeyText
    most: MaybeWhole
    low: MaybeWhole
    high: MaybeWhole
    decision: Text
    decided_by: MaybeText
    decided_name: Text
    decided_at: MaybeMoment


class DraftRow(Row, table=True):
    """A run that somebody looks at before its start, whole in `body`."""

    __tablename__ = "drafts"
    __table_args__ = (Index(None, "made_at"),)
    id: KeyText
    team: Text
    person: Text
    body: Text
    made_at: Moment


METADATA = Row.metadata
"""The catalogue of all tables, with named constraints."""

_TABLES = METADATA.tables
WORKSPACES = _TABLES["workspaces"]
PEOPLE = _TABLES["people"]
PREFERENCES = _TABLES["preferences"]
SUITES = _TABLES["suites"]
SUITE_ITEMS = _TABLES["suite_items"]
RUNS = _TABLES["runs"]
OUTPUTS = _TABLES["outputs"]
SHARD_STARTS = _TABLES["shard_starts"]
KEPT_ANSWERS = _TABLES["kept_answers"]
GRADES = _TABLES["grades"]
HUMAN_GRADES = _TABLES["human_grades"]
FORMER_GRADES = _TABLES["former_grades"]
ROUNDS = _TABLES["rounds"]
REVIEWS = _TABLES["reviews"]
CANDIDATES = _TABLES["candidates"]
SCHEDULES = _TABLES["schedules"]
SLOTS = _TABLES["slots"]
DIGESTS = _TABLES["digests"]
DELIVERIES = _TABLES["deliveries"]
POSTS = _TABLES["posts"]
CALIBRATIONS = _TABLES["calibrations"]
PERMITS = _TABLES["permits"]
ACCOUNTS = _TABLES["accounts"]
RUN_BUDGETS = _TABLES["run_budgets"]
DRAFTS = _TABLES["drafts"]
