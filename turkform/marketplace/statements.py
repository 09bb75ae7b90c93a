"""Statements of the busiest calls, put together and compiled once for each kind of database.

SQLAlchemy keeps compiled SQL too, but building a statement, finding it again and describing its rows costs ten times
what running it does. In: a statement with `bindparam`s, and at each call a connection with a transaction begun, and
the values. Out: rows, which have the columns' names, or how many were changed.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, literal
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Delete, Insert, Select, Table, Update

    _Filled = tuple[str, Any]
    _Pending = Mapping["Statement", list[dict[str, Any]]]

WROTE = "wrote"
"""The name under which a connection remembers that something was written."""
_LATER = "later"
_EXACT = "exact"


def insertion(table: Table, *names: str) -> Insert:
    """An insert of these columns, each from the parameter of its name, and of what has a default."""
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    for column in table.columns:
        if column.default is not None and column.name not in values:
            values[column.name] = literal(column.default.arg)  # type: ignore[attr-defined] # a plain value
    return insert(table).inline().values(values)


class Statement:
    """One statement."""

    __slots__ = ("_adds", "_compiled", "_row", "_statement")

    def __init__(self, statement: Select[Any] | Insert | Update | Delete, *, adds: str = "") -> None:
        """`adds` is a parameter of a change that may as well be made once, by the sum, as several times."""
        self._statement, self._adds = statement, adds
        self._compiled: dict[str, tuple[str, list[str] | None, Mapping[str, Any]]] = {}
        self._row: Callable[[Any], Any] | None = None

    def first(self, connection: Connection, **given: Any) -> Any:
        """The first row found, or None; what is to be done later is sent along and done before."""
        cursor = _send(connection, connection.info.pop(_LATER, {}), self._filled(connection, given))
        found = cursor.fetchone()
        if found is None:
            return None
        return (self._row or self._rows(cursor))(found)

    def change(self, connection: Connection, **given: Any) -> int:
        """How many rows it changed or made."""
        connection.info[WROTE] = True
        flush(connection)
        return int(_send(connection, {}, self._filled(connection, given)).rowcount)

    def later(self, connection: Connection, **given: Any) -> None:
        """Do this before anything else is asked of the database: to one that is a process away, all goes in one trip.

        In which order is left open, so it must not matter. An error comes up with what is asked next.
        """
        if connection.dialect.name == "sqlite" or connection.info.get(_EXACT):
            self.change(connection, **given)
            return
        connection.info[WROTE] = True
        rows: list[dict[str, Any]] = connection.info.setdefault(_LATER, {}).setdefault(self, [])
        if self._adds:
            amount = given.pop(self._adds)
            row = next((row for row in rows if row.items() >= given.items()), None)
            if row is not None:
                row[self._adds] += amount
                return
            given[self._adds] = amount
        rows.append(given)

    def filled(self, connection: Connection, rows: list[dict[str, Any]]) -> tuple[str, list[Any]]:
        """Its text, and for each of these rows what the database is given with it."""
        made = [self._filled(connection, given) for given in rows]
        return made[0][0], [values for _, values in made]

    def _filled(self, connection: Connection, given: dict[str, Any]) -> _Filled:
        text, order, fixed = self._compiled.get(connection.dialect.name) or self._compile(connection)
        values = {**fixed, **given} if fixed else given
        return text, values if order is None else tuple(map(values.__getitem__, order))

    def _compile(self, connection: Connection) -> tuple[str, list[str] | None, Mapping[str, Any]]:
        compiled: Any = self._statement.compile(dialect=connection.dialect)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        found = compiled.string, compiled.positiontup, fixed
        self._compiled[connection.dialect.name] = found
        return found

    def _rows(self, cursor: Any) -> Callable[[Any], Any]:
        names = " ".join(column[0] for column in cursor.description)
        kind: Any = namedtuple("Found", names)  # type: ignore[misc] # noqa: PYI024 - its names are the query's
        made: Callable[[Any], Any] = kind._make
        self._row = made
        return made


def begin(connection: Connection, *, exact: bool) -> None:
    """Begin a transaction; an exact one does nothing later, so that an error comes up where it belongs."""
    connection.info[_EXACT] = exact
    connection.info.pop(_LATER, None)
    connection.begin()


def flush(connection: Connection) -> None:
    """Do what was left for later."""
    if pending := connection.info.pop(_LATER, None):
        _send(connection, pending)


def _send(connection: Connection, pending: _Pending, question: _Filled | None = None) -> Any:
    """Do what was left for later and ask something, in one trip to the database; the cursor of the question."""
    dialect, driver = connection.dialect, connection.connection.driver_connection
    assert driver is not None
    try:
        if not pending and question:
            return driver.execute(*question)
        with driver.pipeline():
            for statement, rows in pending.items():
                driver.cursor().executemany(*statement.filled(connection, rows))
            return driver.execute(*question) if question else None
    except dialect.loaded_dbapi.Error as error:
        gone = dialect.is_disconnect(error, driver, None)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            question[0] if question else None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True,
            connection_invalidated=gone, dialect=dialect,
        ) from error  # fmt: skip
