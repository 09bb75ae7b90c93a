"""The marketplace's tables. Times are epoch seconds, money is whole cents, yes and no are 1 and 0.

What lists are paged by has an index that ends in `seq`, so that the last page costs what the first does.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, text

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
    Column("name", String(64)),
    Column("secret", Text),
    Column("disabled", Integer, nullable=False, default=0),
)

# --- HITs ------------------------------------------------------------------------------------------

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
    Column("notified", Integer, nullable=False, default=0),
    Column("dropped", Integer, nullable=False, default=0),
    UniqueConstraint("requester", "digest"),
)
hits = Table(
    "hits",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("requester", String(64), nullable=False),
    Column("type_id", String(64), nullable=False),
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
    Column("layout_id", String(64)),
    Column("policies", Text),
    Column("reviewing", Integer, nullable=False, default=0),
    Column("finished", Float),
    Column("disposed", Integer, nullable=False, default=0),
    Column("holding", Integer, nullable=False, default=1),
    Column("unit", BigInteger, nullable=False),
)
_OPEN_FOR_REVIEW = text("finished IS NOT NULL AND disposed = 0")
Index("hits_listed", hits.c.requester, hits.c.disposed, hits.c.seq)
Index("hits_of_type", hits.c.type_id, hits.c.disposed, hits.c.seq)
Index("hits_ending", hits.c.requester, hits.c.holding, hits.c.expires)
Index(
    "hits_reviewable", hits.c.requester, hits.c.reviewing, hits.c.seq,
    sqlite_where=_OPEN_FOR_REVIEW, postgresql_where=_OPEN_FOR_REVIEW,
)  # fmt: skip
Index(
    "hits_ended", hits.c.requester, hits.c.finished,
    sqlite_where=_OPEN_FOR_REVIEW, postgresql_where=_OPEN_FOR_REVIEW,
)  # fmt: skip
layouts = Table(
    "layouts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("requester", String(64), nullable=False),
    Column("question", Text, nullable=False),
)
assignments = Table(
    "assignments",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("hit", String(64), nullable=False),
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
    Column("known_score", Integer),
)
Index("assignments_listed", assignments.c.hit, assignments.c.seq)
Index("assignments_late", assignments.c.requester, assignments.c.status, assignments.c.deadline)
Index("assignments_due", assignments.c.requester, assignments.c.status, assignments.c.due)
Index("assignments_worked", assignments.c.worker, assignments.c.requester, assignments.c.status)
review_rows = Table(
    # What review policies found and did; `detail` is the row of the report, as the API shows it.
    "review_rows",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("hit", String(64), nullable=False),
    Column("level", String(12), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("detail", Text, nullable=False),
)
Index("review_rows_listed", review_rows.c.hit, review_rows.c.seq)
bonuses = Table(
    "bonuses",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("requester", String(64), nullable=False),
    Column("hit", String(64), nullable=False),
    Column("assignment", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("granted", Float, nullable=False),
)
Index("bonuses_of_hit", bonuses.c.hit, bonuses.c.seq)
Index("bonuses_of_assignment", bonuses.c.assignment, bonuses.c.seq)

# --- qualifications --------------------------------------------------------------------------------

qualification_types = Table(
    "qualification_types",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("requester", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("deleted", Float),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    Column("status", String(8), nullable=False),
    Column("retry_delay", BigInteger),
    Column("test", Text),
    Column("test_duration", BigInteger),
    Column("answer_key", Text),
    Column("auto_granted", Integer, nullable=False, default=0),
    Column("auto_value", BigInteger),
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
Index("grants_listed", grants.c.type_id, grants.c.seq)
qualification_requests = Table(
    # status: Testing (begun, until `deadline`), Open, Granted, Rejected.
    "qualification_requests",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", String(64), unique=True, nullable=False),
    Column("type_id", String(64), nullable=False),
    Column("requester", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("status", String(8), nullable=False),
    Column("begun", Float, nullable=False),
    Column("deadline", Float),
    Column("submitted", Float),
    Column("test", Text),
    Column("answer", Text),
)
Index(
    "qualification_requests_listed", qualification_requests.c.requester, qualification_requests.c.status,
    qualification_requests.c.seq,
)  # fmt: skip
Index("qualification_requests_made", qualification_requests.c.type_id, qualification_requests.c.worker)
system_values = Table(
    # What the marketplace's keeper says of a worker: the value of a system qualification, or a locale US-CA.
    "system_values",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("type_id", String(64), primary_key=True),
    Column("value", BigInteger),
    Column("locale", String(8)),
)

# --- workers and notifications ---------------------------------------------------------------------

blocks = Table(
    "blocks",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("requester", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("requester", "worker"),
)
Index("blocks_listed", blocks.c.requester, blocks.c.seq)
messages = Table(
    # The workers' inbox.
    "messages",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("worker", String(64), nullable=False),
    Column("requester", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("sent", Float, nullable=False),
)
Index("messages_listed", messages.c.worker, messages.c.seq)
notification_settings = Table(
    "notification_settings",
    metadata,
    Column("type_id", String(64), primary_key=True),
    Column("destination", Text, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("version", String(16), nullable=False),
    Column("events", Text, nullable=False),
    Column("active", Integer, nullable=False),
)
outbox = Table(
    # Notifications on their way: `due` is when to try (again), on the real clock.
    "outbox",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("destination", Text, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("body", Text, nullable=False),
    Column("due", Float, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
)
Index("outbox_due", outbox.c.due)
tokens = Table(
    "tokens",
    metadata,
    Column("requester", String(64), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(300), primary_key=True),
    Column("used", Float, nullable=False),
    Column("object_id", String(64), nullable=False),
)

# --- worker accounts -------------------------------------------------------------------------------

accounts = Table(
    # Whom the marketplace's keeper lets in as a worker; `password` is an argon2 hash, or nothing.
    "accounts",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("note", Text, nullable=False),
    Column("password", Text),
    Column("created", Float, nullable=False),
    Column("disabled", Float),
)
invitations = Table(
    # Links that sign one worker in, once; `digest` is the SHA-256 of what stands in the link.
    "invitations",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("worker", String(64), nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float),
    Column("revoked", Float),
)
Index("invitations_of_worker", invitations.c.worker)
sessions = Table(
    # Browsers that are signed in; `digest` is the SHA-256 of what stands in the cookie.
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("worker", String(64), nullable=False),
    Column("begun", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("browser", String(200), nullable=False),
)
Index("sessions_of_worker", sessions.c.worker)
attempts = Table(
    # How often somebody tried to sign in, by worker and by address, since a moment.
    "attempts",
    metadata,
    Column("subject", String(200), primary_key=True),
    Column("since", Float, nullable=False),
    Column("count", Integer, nullable=False),
)
readers = Table(
    # The newest message that a worker has seen.
    "readers",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("seen", BigInteger, nullable=False),
)
payouts = Table(
    "payouts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("made", Float, nullable=False),
)
settlements = Table(
    # Which payout a piece of earning is in: an assignment, or a bonus by its number. The key lets each in once.
    "settlements",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("payout", String(64), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("earned", Float, nullable=False),
)
Index("settlements_of_payout", settlements.c.payout)
Index("settlements_of_worker", settlements.c.worker)
