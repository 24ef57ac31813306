"""The driver's own road, for what is asked some hundred times a second: statements as text, rows as tuples.

SQLAlchemy puts a statement together, tells its listeners and dresses the rows, which costs more than SQLite
takes to run it: twelve events were stored in 0.54 ms instead of 0.83. And each row that SQLite takes or
gives lets the interpreter go: with other threads at work a list of twelve rows waits for them twelve times.
So rows go in many to a statement.

Statements are written with `?`. Errors are those of SQLAlchemy, as on its own road.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

MOST_ROWS: Final = 64
"""Rows of one statement; fewer go in as 32, 16, 8, 4, 2 and 1, so that there are few statements to know."""


@contextmanager
def driver_of(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own connection; its errors become SQLAlchemy's, which name the statement."""
    error_type = connection.dialect.dbapi.Error  # type: ignore[union-attr]  # there is a driver once connected
    try:
        yield connection.connection.driver_connection
    except error_type as error:
        raise DBAPIError.instance(statement, None, error, error_type, dialect=connection.dialect) from error


def run(connection: Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement; return its rows, none where it gives none."""
    with driver_of(connection, statement) as driver:
        cursor = driver.execute(_marked(statement, connection.dialect.paramstyle), values or ())
        return cursor.fetchall() if cursor.description else []


def run_among(
    connection: Connection, begin: str, keys: Sequence[str], values: Sequence[Any] = (), end: str = ""
) -> list[tuple[Any, ...]]:
    """Run `begin`, which ends in the name of a column, for the rows in which that is one of some texts."""
    if connection.dialect.name == "sqlite":
        asked: Any = json.dumps(keys, ensure_ascii=False)
        return run(connection, f"{begin} IN (SELECT value FROM json_each(?)) {end}", (*values, asked))
    return run(connection, f"{begin} = ANY(?) {end}", (*values, list(keys)))


def run_rows(connection: Connection, begin: str, rows: Sequence[Sequence[Any]], end: str = "") -> None:
    """Run `begin`, then the values of rows, then `end`: INSERT INTO t (a, b) VALUES ... ON CONFLICT ..."""
    place, size = 0, MOST_ROWS
    while place < len(rows):
        while size > len(rows) - place:
            size //= 2
        some = rows[place : place + size]
        run(connection, _for_rows(begin, size, len(some[0]), end), [value for row in some for value in row])
        place += size


@lru_cache(maxsize=256)
def _for_rows(begin: str, count: int, fields: int, end: str) -> str:
    row = f"({', '.join('?' * fields)})"
    return f"{begin} VALUES {', '.join([row] * count)} {end}"


def _marked(statement: str, paramstyle: str) -> str:
    return statement if paramstyle == "qmark" else statement.replace("?", "%s")
