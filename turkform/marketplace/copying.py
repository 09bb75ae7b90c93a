"""Copying a store: everything of one, in SQLite or PostgreSQL, into another that is empty.

In: two URLs. Out: how many rows there were. Either all of it arrives or nothing; the source is only read, and locked
meanwhile where it is SQLite, so that nothing is written to it behind the copy's back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select

from turkform.marketplace.migrations import VERSION
from turkform.marketplace.store import Store, StoreError, standing
from turkform.marketplace.tables import metadata, settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

_AT_ONCE: Final = 500


def copy_store(source: str, target: str) -> int:
    """Copy every row; ids, keys and secrets stay what they are, so the master key does too.

    Raises:
        StoreError: one of the two cannot be opened, the source is none of this version, or there is something in the
            target.
    """
    found = standing(source)
    if found.version is None:
        raise StoreError(f"there is no marketplace in {found.shown}")
    if found.version != VERSION:
        raise StoreError(
            f"{found.shown} has schema version {found.version}, not {VERSION}: start `serve` on it once first"
        )
    old = Store(source)
    try:
        new = Store(target)
        try:
            with old.transaction() as reader, new.transaction() as writer:
                for table in metadata.sorted_tables:
                    if table is not settings and writer.execute(select(table).limit(1)).first() is not None:
                        raise StoreError(f"there is something in {new.shown} already: copy into an empty database")
                writer.execute(delete(settings))
                return sum(_copy(table, reader, writer) for table in metadata.sorted_tables)
        finally:
            new.close()
    finally:
        old.close()


def _copy(table: Table, reader: Connection, writer: Connection) -> int:
    count = 0
    rows = reader.execution_options(yield_per=_AT_ONCE).execute(select(table))
    for part in rows.mappings().partitions(_AT_ONCE):
        writer.execute(insert(table), [dict(row) for row in part])
        count += len(part)
    numbered = table.autoincrement_column
    if writer.dialect.name == "postgresql" and numbered is not None and count:
        # The next row is to be numbered after those that came with their numbers.
        sequence = func.pg_get_serial_sequence(table.name, numbered.name)
        writer.execute(select(func.setval(sequence, select(func.max(numbered)).scalar_subquery())))
    return count
