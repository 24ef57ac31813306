"""The current areas as a table with shapes, for people who ask a map with SQL or open it in QGIS.

    SELECT code, name FROM current_areas
    WHERE level = 'grid' AND ST_Covers(geom, ST_SetSRID(ST_Point(106.577, 29.559), 4326));

Theory of operation. The truth is the edition's blob; `current_areas` (PostgreSQL with PostGIS) is made from
it and written in the transaction that publishes the edition, so whoever looks sees the one edition or the
other, whole, and never waits. All rows are written anew: 77,339 areas take two seconds to make (before the
lock) and two to write; an edition comes a few times a day, and then every row says which one it shows. A
trigger refuses other changes with a sentence; it guards against a slip, not against the table's owner.

The shapes are degrees in EPSG:4326, the reference system that everybody types. PROJ takes CGCS2000 (4490) for
the same, so do we, and a city of another country has no place in 4490. Coordinates are the doubles nearest to
the lattice numbers. PostGIS decides in doubles and gives a point on a border to both sides (ST_Covers) or to
none (ST_Contains); `/locate` decides in whole numbers and gives it to one. They differ on borders alone.

A database without PostGIS works all the same; `lack` says what is missing and what to do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from gridmap.model import Area
    from gridmap.store.database import Database

TABLE: Final = "current_areas"
SRID: Final = 4326

_COLUMNS: Final = {
    "feature": "int8",
    "code": "text",
    "name": "text",
    "level": "text",
    "kind": "text",
    "parent": "text",
    "edition": "int4",
    "geom": "bytea",  # on the way in: a geometry is received as the bytes of its EWKB
}
"""The columns, and the types of their values in a binary COPY."""

_TABLE_SQL: Final = f"""
CREATE TABLE {TABLE} (
    feature bigint CONSTRAINT pk_{TABLE} PRIMARY KEY,
    code text NOT NULL CONSTRAINT uq_{TABLE}_code UNIQUE,
    name text NOT NULL,
    level text NOT NULL,
    kind text NOT NULL,
    parent text,
    edition integer NOT NULL,
    geom {{schema}}.geometry(MultiPolygon, {SRID}) NOT NULL
);
CREATE INDEX ix_{TABLE}_geom ON {TABLE} USING gist (geom);
COMMENT ON TABLE {TABLE} IS 'The areas of the current edition of gridmap, for reading: gridmap writes them.';
COMMENT ON COLUMN {TABLE}.feature IS 'The number that this code keeps for ever.';
CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('gridmap.projecting', true) IS DISTINCT FROM 'on' THEN
        RAISE insufficient_privilege USING MESSAGE = '{TABLE} is for reading: gridmap makes it from the '
            'current edition. To change an area, publish an edition (gridmap load).';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {TABLE}_refuse BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse();
"""

_STATE_SQL: Final = f"""
SELECT to_regclass('{TABLE}') IS NOT NULL AS made,
    (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
        WHERE extname = 'postgis') AS schema,
    (SELECT bool_or(trusted) FROM pg_available_extension_versions WHERE name = 'postgis') AS trusted,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super,
    has_database_privilege(current_database(), 'CREATE') AS creator,
    has_schema_privilege(current_schema(), 'CREATE') AND NOT EXISTS (SELECT FROM pg_extension
        WHERE extname = 'postgis' AND NOT has_schema_privilege(extnamespace, 'USAGE')) AS maker
"""
"""What there is, and what this user may do; `trusted` is null where the server has no PostGIS at all."""

_BY_SUPERUSER: Final = "let a superuser type CREATE EXTENSION postgis in this database, then publish again"


@dataclass(frozen=True, slots=True)
class Projection:
    """What `current_areas` shows: an edition and so many areas; or why there is no such table (`lack`)."""

    edition: int | None
    rows: int
    lack: str | None


def prepare(database: Database) -> None:
    """Make the table where it can be and is not yet; whoever opens the store for writing calls this."""
    if database.kind != "postgresql" or database.read_only:
        return
    with database.reading() as connection:
        found = connection.execute(text(_STATE_SQL)).one()
    may_create = found.trusted is not None and (found.super or (found.trusted and found.creator))
    if found.made or not found.maker or not (found.schema or may_create):
        return
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS postgis")
        found = connection.execute(text(_STATE_SQL)).one()
        if not found.made:  # another program may have been faster
            connection.exec_driver_sql(_TABLE_SQL.format(schema=found.schema))


def state(connection: Connection) -> Projection:
    """Say what the table shows now, or what is missing for it and what to do."""
    if connection.dialect.name != "postgresql":
        return Projection(None, 0, "only a store in PostgreSQL has a table of shapes: use gridmap export")
    found = connection.execute(text(_STATE_SQL)).one()
    if found.made:
        query = text(f"SELECT max(edition), count(*) FROM {TABLE}")
        edition, rows = connection.execute(query).one()
        return Projection(edition, rows, None)
    if found.trusted is None:
        lack = f"this server has no PostGIS: install it (Debian: postgresql-postgis), then {_BY_SUPERUSER}"
    elif found.schema is None:
        lack = _BY_SUPERUSER
    else:
        lack = (
            f"{TABLE} is not made yet: let a user who may CREATE tables here, with USAGE of the schema "
            "of PostGIS, open this store for writing"
        )
    return Projection(None, 0, lack)


def shapes_of(connection: Connection, body: bytes) -> dict[str, bytes] | None:
    """Return the EWKB of every area of an edition by code, None where there is no table to put it in.

    A body that does not begin as `gridmap.coverage` writes it holds no shapes: then there are none.
    DamageError: it begins so and cannot be read.
    """
    if connection.dialect.name != "postgresql" or not _made(connection):
        return None
    import shapely  # these three bring the compiler along: a home does without

    from gridmap.coverage.canonical import MAGIC, from_bytes
    from gridmap.coverage.rings import in_degrees

    found: dict[str, bytes] = {}
    if body.startswith(MAGIC):
        partition = from_bytes(body, outline_known=False)  # outlines given for upper levels are not shown
        for depth, table in enumerate(partition.levels):
            shapes = shapely.to_wkb(in_degrees(partition.polygons_at(depth)), byte_order=1)
            found.update(zip(table.codes, map(_as_multipolygon, shapes), strict=True))
    return found


def write(
    connection: Connection,
    edition: int,
    areas: Iterable[Area],
    features: Mapping[str, int],
    shapes: Mapping[str, bytes],
) -> None:
    """Make the table show the areas of an edition that have shapes, inside the transaction of the caller."""
    from gridmap.store.postgresql import copy_rows

    connection.exec_driver_sql("SET LOCAL gridmap.projecting = 'on'")
    connection.exec_driver_sql(f"DELETE FROM {TABLE}")
    rows = _rows(edition, areas, features, shapes)
    copy_rows(connection, TABLE, list(_COLUMNS), rows, list(_COLUMNS.values()))
    connection.exec_driver_sql(f"ANALYZE {TABLE}")


def _made(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT to_regclass('{TABLE}') IS NOT NULL").scalar_one())


def _rows(
    edition: int, areas: Iterable[Area], features: Mapping[str, int], shapes: Mapping[str, bytes]
) -> Iterator[tuple[object, ...]]:
    for area in areas:
        if (shape := shapes.get(area.code)) is not None:
            names = (area.code, area.name, area.level, area.kind, area.parent)
            yield features[area.code], *names, edition, shape


_MULTIPOLYGON, _HAS_SRID = 6, 0x20000000


def _as_multipolygon(shape: bytes) -> bytes:
    """The EWKB of a MultiPolygon from the little-endian WKB of a Polygon or MultiPolygon.

    EWKB is byte order, type with a flag, reference system, count of parts, then each part as plain WKB.
    """
    kind, count = struct.unpack_from("<II", shape, 1)
    head = struct.pack("<BII", 1, _MULTIPOLYGON | _HAS_SRID, SRID)
    if kind == _MULTIPOLYGON:
        return head + shape[5:]
    parts = (struct.pack("<I", 1), shape) if count else (struct.pack("<I", 0),)  # no ring: an empty polygon
    return head + b"".join(parts)
