"""Migrations: a store made by an earlier turkform is brought up to this one, and keeps what is in it.

In: a connection in a transaction of its own. Out: the tables as `tables` has them. What is only added (tables,
columns, indexes) is found by comparing and needs no line here; a change of what is kept needs a step in `STEPS`,
which raises the version. A store of a later version is refused: an old server would write what a new one misreads.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, Integer, case, func, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn, CreateIndex, DropIndex

from turkform.marketplace.tables import hits, metadata, qualification_types, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Column, Connection, Table

_LOCK = 0x7475726B666F726D
"""The key of PostgreSQL's advisory lock for those who make or change the tables."""


class MigrationError(Exception):
    """The store cannot be brought up to date; the message says why."""


def bring_up(connection: Connection) -> None:
    """Make or bring up the tables; of several servers that start at once, one does it.

    Raises:
        MigrationError: the store is of a later version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    empty = not inspect(connection).has_table(settings.name)
    metadata.create_all(connection)
    if empty:
        keep(connection, "schema", str(VERSION))
        return
    version = int(kept(connection, "schema") or 1)
    if version > VERSION:
        raise MigrationError(
            f"the store was written by a later turkform: its schema has version {version}, this one knows {VERSION}"
        )
    _add_what_is_missing(connection)
    for number, step in STEPS.items():
        if number > version:
            step(connection)
    if version < VERSION:
        keep(connection, "schema", str(VERSION))


def kept(connection: Connection, name: str) -> str | None:
    """One of the store's own settings."""
    value: str | None = connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
    return value


def keep(connection: Connection, name: str, value: str) -> None:
    """Change one of the store's own settings."""
    if not connection.execute(update(settings).where(settings.c.name == name).values(value=value)).rowcount:
        connection.execute(insert(settings).values(name=name, value=value))


# --- what is added ---------------------------------------------------------------------------------


def _add_what_is_missing(connection: Connection) -> None:
    found = inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                _add_column(connection, table, column)
        indexes = {index["name"]: list(index["column_names"]) for index in found.get_indexes(table.name)}
        for index in table.indexes:
            now, wanted = indexes.get(str(index.name)), [column.name for column in index.columns]
            if now is not None and now != wanted:
                connection.execute(DropIndex(index))
            if now != wanted:
                connection.execute(CreateIndex(index))


def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    """A column that must have a value gets its default, or an empty one, in the rows that are there."""
    definition = str(CreateColumn(column).compile(dialect=connection.dialect))
    if not column.nullable:
        number = isinstance(column.type, Integer | Float)
        default = column.default.arg if column.default is not None else 0 if number else ""  # type: ignore[attr-defined] # a plain value
        shown = str(default) if number else "'" + str(default).replace("'", "''") + "'"
        definition = definition.replace(" NOT NULL", f" DEFAULT {shown} NOT NULL")
    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")


# --- what is changed -------------------------------------------------------------------------------


def _columns_of_qualification_types(connection: Connection) -> None:
    """Version 1 kept a qualification type's fields in one column, and did not keep since when HITs are Reviewable."""
    q = qualification_types.c
    if "fields" in {column["name"] for column in inspect(connection).get_columns(qualification_types.name)}:
        for seq, text in connection.exec_driver_sql("SELECT seq, fields FROM qualification_types").all():
            given = json.loads(text)
            values = {
                q.description: given.get("Description", ""),
                q.keywords: given.get("Keywords"),
                q.status: given.get("QualificationTypeStatus", "Active"),
                q.retry_delay: given.get("RetryDelayInSeconds"),
                q.auto_granted: int(given.get("AutoGranted", False)),
                q.auto_value: given.get("AutoGrantedValue"),
            }
            connection.execute(update(qualification_types).where(q.seq == seq).values(values))
        connection.exec_driver_sql("ALTER TABLE qualification_types DROP COLUMN fields")
    h = hits.c
    now = time.time() + float(kept(connection, "offset") or 0)
    full = h.maximum - h.submitted - h.approved - h.rejected <= 0
    connection.execute(
        update(hits)
        .where(h.disposed == 0, h.finished.is_(None), h.pending == 0, full | (h.holding == 0))
        .values(finished=case((h.expires < now, h.expires), else_=now))
    )


STEPS: dict[int, Callable[[Connection], None]] = {2: _columns_of_qualification_types}
"""Version → what brings a store of the version before up to it."""
VERSION = max(STEPS)
