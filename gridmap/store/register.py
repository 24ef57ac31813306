"""The temporal register of areas: what every area was in every edition, written as differences.

A row holds from its first to its last edition (both included; no last edition: it holds still). Publishing
compares the new areas with those that hold and touches only what differs: an area that is gone or changed is
closed at the base edition, a new or changed one is opened. A code gets its number when it is first seen and
keeps it for ever, also while it is not in use, so neither codes nor numbers are ever reused. Shapes are not
in here: they are in the edition's blob.
"""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select, update

from gridmap.model import Area
from gridmap.store.database import insert_many, update_many
from gridmap.store.schema import areas, features

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection


def changes(current: Sequence[Area], wanted: Iterable[Area]) -> tuple[list[str], list[Area]]:
    """Compare two sets of areas: return the codes whose rows end, the areas whose rows begin, by code."""
    before = {area.code: area for area in current}
    after = {area.code: area for area in wanted}
    closed = sorted(code for code, area in before.items() if after.get(code) != area)
    opened = sorted(
        (area for code, area in after.items() if before.get(code) != area), key=lambda area: area.code
    )
    return closed, opened


def advance(connection: Connection, number: int, base: int | None, wanted: Iterable[Area]) -> dict[str, int]:
    """Write the areas of edition `number`, which follows `base`, into the register; return `read_features`.

    The caller's transaction must have stored the edition, which keeps every other publisher out.
    """
    closed, opened = changes([] if base is None else read_areas(connection, base), wanted)
    known = read_features(connection)
    _close(connection, base, [known[code] for code in closed])
    fresh = [area.code for area in opened if area.code not in known]
    known.update(_add_features(connection, fresh))
    names = ("feature", "first_edition", "name", "level", "kind", "parent")
    rows = [(known[area.code], number, area.name, area.level, area.kind, area.parent) for area in opened]
    insert_many(connection, areas, names, rows)
    return known


def read_areas(connection: Connection, number: int) -> list[Area]:
    """Return the areas of an edition, sorted by code."""
    columns = (features.c.code, areas.c.name, areas.c.level, areas.c.kind, areas.c.parent)
    query = (
        select(*columns)
        .join_from(areas, features, areas.c.feature == features.c.id)
        .where(areas.c.first_edition <= number)
        .where(or_(areas.c.last_edition.is_(None), areas.c.last_edition >= number))
    )
    found = starmap(Area, connection.execute(query).all())
    # Sorted here: a database sorts text by the customs of its country.
    return sorted(found, key=lambda area: area.code)


def read_features(connection: Connection) -> dict[str, int]:
    """Return every code ever used with its number."""
    rows = connection.execute(select(features.c.code, features.c.id))
    return {row.code: row.id for row in rows}


def _close(connection: Connection, base: int | None, numbers: list[int]) -> None:
    """End the rows of some features that hold still: they held up to the base edition."""
    statement = update(areas).where(areas.c.feature == bindparam("number"), areas.c.last_edition.is_(None))
    ending = statement.values(last_edition=bindparam("base"))
    update_many(connection, ending, ("base", "number"), [(base, number) for number in numbers])


def _add_features(connection: Connection, codes: list[str]) -> dict[str, int]:
    """Give new codes the next numbers, from 1 on (0 is what some map libraries take for "no number")."""
    last: int = connection.execute(select(func.coalesce(func.max(features.c.id), 0))).scalar_one()
    numbers = {code: last + place for place, code in enumerate(codes, start=1)}
    insert_many(connection, features, ("code", "id"), list(numbers.items()))
    return numbers
