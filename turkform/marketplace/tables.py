"""The marketplace's tables. Times are epoch seconds, money is whole cents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()
_SEQ = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER, which has 64 bits there."""

settings = Table("settings", metadata, Column("name", String(40), primary_key=True), Column("value", Text))
requesters = Table(
    "requesters",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("access_key", String(128), unique=True),
    Column("balance", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False, default=0),
)
hit_types = Table(
    "hit_types",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("requester", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("group_id", String(64), nullable=False),
    Column("title", Text),
    Column("description", Text),
    Column("keywords", Text),
    Column("reward", BigInteger, nullable=False),
    Column("duration", Integer, nullable=False),
    Column("auto_approval", Integer, nullable=False),
    Column("requirements", Text, nullable=False),
    Column("masters", Integer, nullable=False),
    UniqueConstraint("requester", "digest"),
)
hits = Table(
    "hits",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("requester", String(64), nullable=False),
    Column("type_id", String(64), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("maximum", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False, default=0),
    Column("submitted", BigInteger, nullable=False, default=0),
    Column("approved", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("taken", BigInteger, nullable=False, default=0),
    Column("question", Text, nullable=False),
    Column("annotation", Text),
    Column("reviewing", Integer, nullable=False, default=0),
    Column("disposed", Integer, nullable=False, default=0),
    Column("holding", Integer, nullable=False, default=1),
    Column("unit", BigInteger, nullable=False),
)
Index("hits_listed", hits.c.requester, hits.c.disposed, hits.c.seq)
Index("hits_ending", hits.c.holding, hits.c.expires)
assignments = Table(
    "assignments",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("hit", String(64), nullable=False, index=True),
    Column("requester", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("status", String(12), nullable=False),
    Column("accepted", Float, nullable=False),
    Column("deadline", Float, nullable=False),
    Column("submitted", Float),
    Column("due", Float),
    Column("approved", Float),
    Column("rejected", Float),
    Column("answer", Text),
    Column("feedback", Text),
)
Index("assignments_late", assignments.c.status, assignments.c.deadline)
Index("assignments_due", assignments.c.status, assignments.c.due)
qualification_types = Table(
    "qualification_types",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("requester", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("deleted", Float),
    Column("fields", Text, nullable=False),
)
Index("qualification_types_named", qualification_types.c.requester, qualification_types.c.name)
grants = Table(
    "grants",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("type_id", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("granted", Float, nullable=False),
    Column("status", String(8), nullable=False),
    UniqueConstraint("type_id", "worker"),
)
blocks = Table(
    "blocks",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("requester", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("requester", "worker"),
)
tokens = Table(
    "tokens",
    metadata,
    Column("requester", String(64), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(300), primary_key=True),
    Column("used", Float, nullable=False),
    Column("object_id", String(64), nullable=False),
)
