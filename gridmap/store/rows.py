"""Devices and staff posts: some hundred thousand small rows that are put and read as a whole.

They come as columns (a mapping from field name to values: lists, NumPy arrays, Arrow columns; an Arrow table
has them too) or as model objects. Everything is checked before the first row is stored: SQLite would take a
float for an integer and say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import starmap
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from gridmap.errors import InputError
from gridmap.model import DEVICE
from gridmap.store.database import BATCH, insert_many
from gridmap.store.schema import devices, numbers, staff_posts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from sqlalchemy import ColumnElement, Connection, Select, Table

WEIGHED = 65_537
"""What is left of a coordinate when it is multiplied: such sums stay below 64 bits."""

_TYPE_NAMES = {int: "a whole number", str: "text"}
"""How a message calls the types that columns have."""


def checked_columns(table: Table, source: object) -> list[list[object]]:
    """Return the values of each column of a table as plain lists, in the order of its columns.

    InputError: names the table, the column and the row at fault.
    """
    columns = _columns(table, [column.name for column in table.columns], source)
    for column, values in zip(table.columns, columns, strict=True):
        wanted = column.type.python_type
        allowed = {wanted, type(None)} if column.nullable else {wanted}
        _check_types(f"{table.name}.{column.name}", values, allowed, wanted)
    _check_unique(f"{table.name}.{table.columns[0].name}", columns[0])
    return columns


def replace_rows(connection: Connection, table: Table, columns: list[list[object]]) -> None:
    """Make a table hold exactly the rows of some checked columns."""
    names = [column.name for column in table.columns]
    connection.execute(delete(table))
    insert_many(connection, table, names, zip(*columns, strict=True))


def read_rows(connection: Connection, table: Table, make: Any, *conditions: ColumnElement[bool]) -> list[Any]:
    """Return the rows of a table as model objects, sorted by code."""
    found = connection.execute(select(table).where(*conditions)).all()
    return sorted(starmap(make, found), key=attrgetter("code"))


def read_table(connection: Connection, query: Select[Any]) -> pa.Table:
    """Return what a query finds as an Arrow table sorted by code, its texts and numbers without objects."""
    import pyarrow as pa

    forms = {str: pa.string(), int: pa.int64()}
    schema = pa.schema([(c.name, forms[c.type.python_type]) for c in query.selected_columns])
    found = connection.execute(query.execution_options(yield_per=BATCH))
    batches = [
        pa.record_batch([list(values) for values in zip(*rows, strict=True)], schema=schema)
        for rows in found.partitions()
    ]
    return pa.Table.from_batches(batches, schema).sort_by("code").combine_chunks()


def device_marks(connection: Connection) -> dict[str, tuple[int, ...]]:
    """Return sums over the devices of each kind; a code counts by the number that it keeps for ever.

    A place is also multiplied by that number, so that devices cannot change places unseen.
    """
    there, kept = devices.c, numbers.c
    sums = [func.sum(each) for axis in (there.x, there.y) for each in (axis, axis % WEIGHED * kept.id)]
    query = (
        select(there.kind, func.count(), func.sum(kept.id), *sums)
        .join_from(devices, numbers, there.code == kept.code)
        .where(kept.sort == DEVICE)
        .group_by(there.kind)
    )
    return {kind: tuple(map(int, found)) for kind, *found in connection.execute(query)}


def posts_by_grid(connection: Connection) -> dict[str, int]:
    """Return how many posts each grid has that has any."""
    grid = staff_posts.c.grid
    found = connection.execute(select(grid, func.count()).group_by(grid))
    return {row.grid: row[1] for row in found}


def _columns(table: Table, names: Sequence[str], source: object) -> list[list[object]]:
    """Return the values of each column as a plain list."""
    if hasattr(source, "to_pydict"):
        source = source.to_pydict()  # an Arrow table
    if isinstance(source, Mapping):
        if set(source) != set(names):
            raise InputError(
                table.name, f"needs the columns {', '.join(names)}; found {', '.join(map(str, source))}"
            )
        columns = [_plain(source[name]) for name in names]
        if len({len(values) for values in columns}) > 1:
            lengths = ", ".join(f"{name} {len(values)}" for name, values in zip(names, columns, strict=True))
            raise InputError(table.name, f"columns must have the same number of rows; found {lengths}")
        return columns
    if not isinstance(source, Iterable):
        raise InputError(table.name, "give columns by name, or objects of gridmap.model")
    rows = list(map(attrgetter(*names), source))
    return [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in names]


def _plain(values: Any) -> list[object]:
    """Python values from a list, a NumPy array or an Arrow column."""
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _check_types(name: str, values: list[object], allowed: set[type], wanted: type) -> None:
    if set(map(type, values)) <= allowed:
        return
    row = next(row for row, value in enumerate(values) if type(value) not in allowed)
    raise InputError(name, f"row {row} holds {values[row]!r}; it must be {_TYPE_NAMES[wanted]}")


def _check_unique(name: str, codes: list[object]) -> None:
    if len(set(codes)) == len(codes):
        return
    twice = next(code for code, times in Counter(codes).items() if times > 1)
    raise InputError(name, f"{twice!r} is there twice; a code names one thing")
