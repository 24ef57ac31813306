"""Areas from files and to files: the one door to geopandas.

A file of areas has one row per area of any level, with the columns of AREA_COLUMNS. Coordinates are taken
to longitude and latitude from the datum that the file states, then to the lattice; nothing is repaired
here. The proof, not this module, says whether the areas are a partition. What cannot be read at all is
refused with the file, the row (counted from 0) and what to do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gridmap import codes, crs, lattice
from gridmap.coverage import findings
from gridmap.coverage.edges import POLYGONAL
from gridmap.coverage.partition import LevelTable, Partition, partition_of
from gridmap.coverage.rings import in_degrees
from gridmap.errors import InputError
from gridmap.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gridmap.model import Finding
    from gridmap.types import FloatArray, Geometries

AREA_COLUMNS: Final = ("code", "name", "level", "kind", "parent", "geometry")
"""The columns of a file of areas, in the order they are written."""

ATTRIBUTES: Final = "gridmap"
"""Where the file's metadata says whether it is synthetic, and what is known of its outline."""

READERS: Final = {
    ".parquet": "read_parquet",
    ".geoparquet": "read_parquet",
    ".geojson": "read_file",
    ".json": "read_file",
}
"""The function of geopandas that reads a file of each suffix."""


@dataclass(frozen=True)
class AreaFile:
    """The areas of a file: tables, widest level first, and polygons in lattice units by level.

    A polygon is None where the file has no shape. `synthetic` and `notes` are what the file says of itself,
    where gridmap wrote it; `outline_known` is False when it says that nobody ever gave the city's outline,
    so that its own holes prove no lake.
    """

    tables: tuple[LevelTable, ...]
    polygons: Mapping[str, Geometries]
    notes: tuple[str, ...] = ()
    synthetic: bool = False
    outline_known: bool = True

    def broken(self) -> list[Finding]:
        """The polygons that are not valid as they stand in the file, at every level."""
        return [
            findings.invalid(table.level, table.codes[row], self.polygons[table.level][row])
            for table in self.tables
            for row in self._broken.get(table.level, ())
        ]

    def partition(self) -> Partition:
        """Build the partition. A polygon that is not valid is read by the even-odd rule.

        Where its rings touch themselves only in corners the rule gives a valid polygon with the same
        corners; a ring that crosses itself between lattice points is kept as it is, and the proof says so.
        """
        polygons = {level: _even_odd(shapes, self._broken[level]) for level, shapes in self.polygons.items()}
        partition = partition_of(self.tables, polygons)
        return replace(partition, outline_known=partition.outline_known and self.outline_known)

    @cached_property
    def _broken(self) -> dict[str, list[int]]:
        """By level the rows that have a polygon, but no valid one."""
        return {
            level: np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)).tolist()
            for level, shapes in self.polygons.items()
        }


def read_areas(path: Path) -> AreaFile:
    """Read a GeoParquet or GeoJSON file of areas.

    Raises InputError naming the file, the row and the remedy: no such file, not readable, columns, the
    datum or codes missing, shapes that are no flat polygons, places off the globe, levels without an order.
    """
    frame = _read(path)
    _refuse_missing_columns(path, frame)
    columns = {name: _texts(path, frame, name) for name in AREA_COLUMNS[:-1]}
    _refuse_bad_codes(path, columns)
    geometries = _on_lattice(path, frame)
    area_codes, levels = ([text or "" for text in columns[name]] for name in ("code", "level"))
    parents = [parent or None for parent in columns["parent"]]
    tables, polygons = [], {}
    for level in _level_order(path, levels, area_codes, parents):
        rows = [row for row, name in enumerate(levels) if name == level]
        tables.append(_table(level, rows, area_codes, columns, parents))
        if not all(geometries[row] is None for row in rows):
            polygons[level] = geometries[rows]
    if tables[-1].level not in polygons:
        text = f"its finest level, {tables[-1].level}, has no polygons at all: draw its areas"
        raise InputError(str(path), text)
    said = frame.attrs.get(ATTRIBUTES, {})
    return AreaFile(
        tuple(tables),
        polygons,
        notes=tuple(said.get("notes", ())),
        synthetic=bool(said.get("synthetic", False)),
        outline_known=bool(said.get("outline_known", True)),
    )


def write_areas(
    partition: Partition, path: Path, *, notes: Sequence[str] = (), synthetic: bool = False
) -> int:
    """Write the areas of all levels as GeoParquet, one row each, sorted by code; returns how many.

    The geometry is in degrees (OGC:CRS84); read back it gives the same lattice points. Outlines that were
    given and differ from what the grids make are written as they were given. The file appears when it is
    whole.
    """
    import geopandas

    rows: list[tuple[str, str, str, str, str | None, shapely.Geometry]] = []
    for depth, table in enumerate(partition.levels):
        shapes = in_degrees(partition.outlines_at(depth))
        columns = (table.codes, table.names, [table.level] * len(table), table.kinds, table.parents, shapes)
        rows.extend(zip(*columns, strict=True))
    rows.sort(key=lambda row: row[0])
    data = dict(zip(AREA_COLUMNS, zip(*rows, strict=True), strict=True))
    frame = geopandas.GeoDataFrame(data, geometry="geometry", crs="OGC:CRS84")
    # Outlines that were made from the grids must not pass for evidence when the file is read again.
    known = partition.outline_known or bool(partition.given)
    frame.attrs[ATTRIBUTES] = {"synthetic": synthetic, "notes": list(notes), "outline_known": known}
    part = path.with_name(f".{path.name}.part")
    try:
        frame.to_parquet(part, index=False, compression="zstd")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return len(rows)


def _read(path: Path) -> Any:
    import geopandas

    if not path.is_file():
        raise InputError(str(path), "there is no such file: look at its name and folder")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        text = "is neither GeoParquet (.parquet) nor GeoJSON (.geojson); convert it to one"
        raise InputError(str(path), text)
    try:
        frame = getattr(geopandas, READERS[suffix])(path)
    except Exception as error:
        # Every reader below has exceptions of its own; whatever it was, the file cannot be used.
        text = f"cannot be read as {suffix[1:]} ({error}): write or copy it anew"
        raise InputError(str(path), text) from error
    if len(frame) == 0:
        raise InputError(str(path), "has no rows: there is nothing to load")
    return frame


def _refuse_missing_columns(path: Path, frame: Any) -> None:
    missing = [column for column in ("code", "level") if column not in frame.columns]
    if "level" in frame.columns and frame["level"].nunique() > 1 and "parent" not in frame.columns:
        missing.append("parent")
    if missing:
        known = ", ".join(map(str, frame.columns))
        raise InputError(str(path), f"has no column {' and '.join(missing)} (it has {known}); rename them")
    if getattr(frame, "_geometry_column_name", None) not in frame.columns:
        raise InputError(str(path), "has no column of geometries; write it anew with the shapes of the areas")


def _texts(path: Path, frame: Any, column: str) -> list[str | None]:
    """A column as texts, None where there is nothing."""
    if column not in frame.columns:
        return [None] * len(frame)
    values = frame[column]
    out = [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
    wrong = next((row for row, value in enumerate(out) if not isinstance(value, str | None)), None)
    if wrong is not None:
        text = f"row {wrong} (counted from 0) has the {column} {out[wrong]!r}, which is no text; write the"
        raise InputError(str(path), f"{text} column as texts (codes and names are, leading zeros count)")
    return out


def _refuse_bad_codes(path: Path, columns: dict[str, list[str | None]]) -> None:
    for column in ("code", "level"):
        empty = [row for row, value in enumerate(columns[column]) if not value]
        if empty:
            text = f"row {empty[0]} (counted from 0) has no {column}: every area needs one, fill it in"
            raise InputError(str(path), text)
    seen: dict[str | None, int] = {}
    for row, code in enumerate(columns["code"]):
        if code in seen:
            text = f"code {code} stands twice, in rows {seen[code]} and {row} (counted from 0)"
            raise InputError(str(path), f"{text}; give one of them another")
        seen[code] = row


def _on_lattice(path: Path, frame: Any) -> Geometries:
    """The geometries in lattice units, None where there is none."""
    geometries = np.asarray(frame.geometry.array, dtype=object)
    present = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    wrong = present & ~np.isin(shapely.get_type_id(geometries), POLYGONAL)
    if wrong.any():
        row = int(wrong.argmax())
        kind = geometries[row].geom_type
        text = f"row {row} (counted from 0) is a {kind}; areas are polygons or multipolygons: draw it as one"
        raise InputError(str(path), text)
    high = present & shapely.has_z(geometries)
    if high.any():
        text = f"row {int(high.argmax())} (counted from 0) has heights; areas are flat: write it in 2D"
        raise InputError(str(path), text)
    name = _crs_name(path, frame.crs)
    out = np.full(len(geometries), None, dtype=object)
    try:
        out[present] = shapely.transform(geometries[present], lambda xy: _to_lattice(xy, name))
    except InputError as error:
        raise _with_row(path, geometries, present.nonzero()[0].tolist(), name, error) from error
    return out


def _to_lattice(xy: FloatArray, name: str) -> FloatArray:
    xs, ys = lattice.to_lattice(*crs.to_lonlat(xy[:, 0], xy[:, 1], name))
    return np.stack([xs, ys], axis=1).astype(np.float64)


def _with_row(
    path: Path, geometries: Geometries, rows: list[int], name: str, error: InputError
) -> InputError:
    """The error of the whole file as that of the first row that has it alone."""
    for row in rows:
        try:
            _to_lattice(shapely.get_coordinates(geometries[row]), name)
        except InputError as its:
            if its.name != "crs":
                text = f"row {row} (counted from 0), corner {its}; the file says it is {name}: correct either"
                return InputError(str(path), text)
            break
    return InputError(str(path), f"{error} Reproject the file")


def _crs_name(path: Path, stated: Any) -> str:
    if stated is None:
        text = "states no datum; write it with one (WGS84 is EPSG:4326, CGCS2000 EPSG:4490)"
        raise InputError(str(path), text)
    authority = stated.to_authority()
    if authority == ("OGC", "CRS84"):
        return "wgs84"
    if authority is None or authority[0] != "EPSG":
        text = f"states the datum {stated.name!r}, which has no EPSG number; reproject it to one that has"
        raise InputError(str(path), text)
    return f"EPSG:{authority[1]}"


def _level_order(
    path: Path, levels: list[str], area_codes: list[str], parents: list[str | None]
) -> list[str]:
    """The levels, widest first: in the governance order where they are its levels, else by the parents.

    Each level lies below the one in which most of its areas have their parents.
    """
    present = list(dict.fromkeys(levels))
    if set(present) <= set(LEVELS):
        return [level for level in LEVELS if level in present]
    level_of = dict(zip(area_codes, levels, strict=True))
    votes = Counter(
        (level_of[parent], level)
        for level, parent in zip(levels, parents, strict=True)
        if parent is not None and parent in level_of
    )
    above = {level: upper for (upper, level), _ in reversed(votes.most_common())}
    order: list[str] = []
    upper: str | None = None
    for _ in present:
        below = [level for level in present if above.get(level) == upper and level not in order]
        if len(below) != 1:
            text = f"its levels {', '.join(present)} form no order: each must have its parents in one"
            raise InputError(str(path), f"{text} level above; correct the column parent")
        upper = below[0]
        order.append(upper)
    return order


def _table(
    level: str,
    rows: list[int],
    area_codes: list[str],
    columns: dict[str, list[str | None]],
    parents: list[str | None],
) -> LevelTable:
    """The table of one level. A missing name is the code, a missing kind what the code says; "" stays ""."""
    mine = [area_codes[row] for row in rows]
    rule = codes.rule_for({level: mine})
    names = [columns["name"][row] for row in rows]
    kinds = [columns["kind"][row] for row in rows]
    return LevelTable(
        level,
        tuple(mine),
        tuple(code if name is None else name for name, code in zip(names, mine, strict=True)),
        tuple(
            rule.kind_of(code) or "" if kind is None else kind for kind, code in zip(kinds, mine, strict=True)
        ),
        tuple(parents[row] for row in rows),
    )


def _even_odd(polygons: Geometries, broken: list[int]) -> Geometries:
    out = polygons.copy()
    for row in broken:
        # "linework" keeps every corner and alternates between in and out: the even-odd rule.
        repaired = shapely.make_valid(polygons[row], method="linework")
        xy = shapely.get_coordinates(repaired)
        if shapely.get_type_id(repaired) in POLYGONAL and np.array_equal(xy, np.rint(xy)):
            out[row] = repaired
    return out
