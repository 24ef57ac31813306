"""Numbers that things keep for ever, because the features of a map tile are known by whole numbers.

A code gets the next number (1, 2, ... far below 2**53) when a thing of that code is first stored, and keeps
it when the thing is gone, so one that comes back is the same feature to a map that is still open. Every sort
of things counts for itself, as areas do in `features`.

Devices have theirs as rows of the table `numbers`. Two million buildings have theirs as a column set of its
own, `building-numbers` (code, number; sorted by code), which every storing of buildings extends in the
transaction that makes them current. Buildings that an older gridmap stored have none: they count as their
rows do, which is also what the first storing gives, so it makes no difference when their numbers are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy import select

from gridmap.errors import DamageError, InputError
from gridmap.store.database import insert_many
from gridmap.store.schema import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from sqlalchemy import Connection

    from gridmap.types import Int64Array

    Codes = Any
    """A column of codes, chunked as Arrow reads it."""

BUILDINGS: Final = "buildings"
BUILDING_NUMBERS: Final = "building-numbers"
"""The kind of the column set that the store keeps by itself."""


def give(connection: Connection, sort: str, codes: Iterable[str]) -> None:
    """Give every code of a sort that has no number yet the next one, in the order of codes."""
    known = read(connection, sort)
    last = max(known.values(), default=0)
    fresh = sorted(code for code in codes if code not in known)
    rows = [(sort, code, last + place) for place, code in enumerate(fresh, start=1)]
    insert_many(connection, numbers, ("sort", "code", "id"), rows)


def read(connection: Connection, sort: str) -> dict[str, int]:
    """Return every code of a sort that ever was, with its number."""
    rows = connection.execute(select(numbers.c.code, numbers.c.id).where(numbers.c.sort == sort))
    return {row.code: row.id for row in rows}


def codes_of(table: pa.Table) -> Codes:
    """Return the codes of buildings as plain texts, however a file holds them."""
    import pyarrow as pa

    return table["code"].cast(pa.string())


def check_codes(codes: Codes) -> None:
    """Refuse buildings that are to be stored. InputError: a code is missing, or there twice."""
    import pyarrow.compute as pc

    if codes.null_count:
        row = pc.index(codes.is_null(), value=True).as_py()
        raise InputError(BUILDINGS, f"row {row} (counted from 0) has no code; every building needs its own")
    # Most files are sorted, and then a look at neighbours is enough; counting two million takes 1.7 s.
    rises = pc.all(pc.less(codes.slice(0, max(len(codes) - 1, 0)), codes.slice(1))).as_py()
    if not rises and pc.count_distinct(codes).as_py() < len(codes):
        counts = pc.value_counts(codes)
        twice = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"].as_py()
        raise InputError(BUILDINGS, f"{twice!r} is there twice; a code names one building")


def extended(known: pa.Table | None, codes: Codes) -> pa.Table:
    """Return numbers (code, number; sorted by code) with those of codes that have none yet.

    New codes get theirs in the order given; where there were no numbers, that is their row and one. Where no
    code is new, what is returned is `known` itself.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    first = 1
    if known is not None:
        codes = codes.filter(pc.invert(pc.is_in(codes, value_set=known["code"])))
        if not len(codes):
            return known
        first += pc.max(known["number"]).as_py() or 0
    added = np.arange(first, first + len(codes), dtype=np.int64)
    table = pa.table({"code": codes, "number": added})
    return (table if known is None else pa.concat_tables([known, table])).sort_by("code")


def look_up(known: pa.Table | None, codes: Codes) -> Int64Array:
    """Return the number of each code, from the kept ones or, where none are kept, from its row.

    DamageError: a code has none.
    """
    import pyarrow.compute as pc

    if known is None:
        return np.arange(1, len(codes) + 1, dtype=np.int64)
    found = known["number"]
    if not known["code"].equals(codes):  # most often nothing was ever taken away, and both are sorted
        found = found.take(pc.index_in(codes, value_set=known["code"]))
    if found.null_count:
        raise DamageError("some buildings have no number: store the buildings again")
    return np.asarray(found.to_numpy(), np.int64)
