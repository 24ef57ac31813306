"""Areas from files and to files: which level lies above which, and where everything is on the lattice.

Coordinates are taken from the file's datum to longitude and latitude, then to the lattice; nothing is
repaired here. The proof, not this module, says whether the areas are a partition.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gridmap import codes, crs, lattice
from gridmap.boundaries.files import PARQUET, TOPOJSON, read_frame, write_frame
from gridmap.boundaries.noding import with_shared_corners
from gridmap.boundaries.rows import AREA_COLUMNS, Columns, LevelRows, levels_of, refuse_bad_codes
from gridmap.boundaries.topojson import write_topojson
from gridmap.coverage import findings
from gridmap.coverage.edges import POLYGONAL, edges_of
from gridmap.coverage.partition import LevelTable, Partition, partition_of, same_edges
from gridmap.coverage.rings import in_degrees
from gridmap.errors import InputError
from gridmap.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gridmap.model import Finding
    from gridmap.types import FloatArray, Geometries


MADE: Final = "made"
"""What the column `outlines` says where the outlines of a file follow from its grids and prove nothing."""

DRAWN: Final = 0.5
"""The share of the work that is done when all outlines are drawn and the file can be written."""


@dataclass(frozen=True)
class AreaFile:
    """The areas of one file or several: tables, widest level first, and polygons in lattice units by level.

    A polygon is None where the file has no shape. `synthetic` and `notes` are what the file says of itself,
    where gridmap wrote it; `outline_known` is False when it says that nobody ever gave the city's outline,
    so that its own holes prove no lake; `base` is the checksum of the edition that was exported.
    """

    tables: tuple[LevelTable, ...]
    polygons: Mapping[str, Geometries]
    notes: tuple[str, ...] = ()
    synthetic: bool = False
    outline_known: bool = True
    base: str | None = None

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


def read_areas(
    paths: Path | Sequence[Path], columns: Columns | None = None, datum: str | None = None
) -> AreaFile:
    """Read areas from one file of all levels, one file per level, or one file with nested codes.

    Raises InputError naming the file, the row and the remedy: no such file, not readable, columns, the
    datum or codes missing, shapes that are no flat polygons, places off the globe, levels without an order.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    frames = [read_frame(path, datum) for path in files]
    levels = levels_of(frames, columns or Columns())
    refuse_bad_codes(levels)
    for level in levels.values():
        _refuse_bad_shapes(level)
    _share_corners(levels)
    order = _level_order(levels)
    polygons = {}
    for name in order:
        shapes = _on_lattice(levels[name])
        if not shapely.is_missing(shapes).all():
            polygons[name] = shapes
    if order[-1] not in polygons:
        text = f"its finest level, {order[-1]}, has no polygons at all: draw its areas"
        raise InputError(str(levels[order[-1]].frame.path), text)
    said = frames[0].said if len(frames) == 1 else {}
    marked = any(value in (True, 1, "1", "true") for value in frames[0].columns.get("synthetic", ()))
    made = MADE in frames[0].columns.get("outlines", ())
    return AreaFile(
        tuple(_table(name, levels[name]) for name in order),
        polygons,
        notes=tuple(said.get("notes", ())),
        synthetic=bool(said.get("synthetic", False)) or marked,
        outline_known=bool(said.get("outline_known", not made)),
        base=said.get("checksum"),
    )


def write_areas(
    partition: Partition,
    path: Path,
    *,
    notes: Sequence[str] = (),
    synthetic: bool = False,
    level: str | None = None,
    checksum: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> int:
    """Write the areas of all levels, or of one, a row each, sorted by code; returns how many.

    The suffix of the path names the format. The geometry is in degrees (WGS84); read back it gives the same
    lattice points. Outlines that were given and differ from what the grids make are written as they were
    given; those that overlapping grids make are left out, for no polygon has their edges. Formats without
    metadata of ours carry a column `synthetic` where the city is, and a column `outlines` that says "made"
    where nobody ever gave the city's outline.
    """
    tell = progress or (lambda _step, _share: None)
    depths = range(len(partition.levels)) if level is None else [partition.depth_of(level)]
    bare = _without_outlines(partition, depths)
    # Outlines that were made from the grids must not pass for evidence when the file is read again.
    known = partition.outline_known or bool(partition.given)
    marks: dict[str, Any] = {"synthetic": True} if synthetic else {}
    if not known and len(depths) > 1:
        marks["outlines"] = MADE
    if path.suffix.lower() == TOPOJSON:
        return write_topojson(partition, depths, path, tell, bare=bare, marks=marks)
    rows = _rows_of(partition, depths, bare, tell)
    data: dict[str, Sequence[Any]] = dict(zip(AREA_COLUMNS, zip(*rows, strict=True), strict=True))
    shapes = np.array(data.pop("geometry"), dtype=object)
    if path.suffix.lower() not in PARQUET:
        data |= {name: [value] * len(rows) for name, value in marks.items()}
    said = {"synthetic": synthetic, "notes": list(notes), "outline_known": known, "checksum": checksum}
    tell("writing the file", DRAWN)
    write_frame(path, data, shapes, said)
    return len(rows)


def _without_outlines(partition: Partition, depths: Sequence[int]) -> frozenset[int]:
    """The levels above the finest one written whose outlines would come back as others than the grids make.

    Where grids overlap, so do their edges, and no valid polygon has them; what is read then differs from what
    the grids make, and passes for an outline that somebody gave.
    """
    derived = [depth for depth in depths[:-1] if partition.levels[depth].level not in partition.given]
    return frozenset(depth for depth in derived if not _comes_back(partition, depth))


def _comes_back(partition: Partition, depth: int) -> bool:
    polygons = partition.polygons_at(depth)
    return bool(shapely.is_valid(polygons).all()) and same_edges(
        edges_of(polygons), partition.coverage_at(depth).edges
    )


def _rows_of(
    partition: Partition,
    depths: Sequence[int],
    bare: frozenset[int],
    tell: Callable[[str, float], None],
) -> list[tuple[Any, ...]]:
    """The values of AREA_COLUMNS for each area of some levels, sorted by code."""
    rows: list[tuple[Any, ...]] = []
    for done, depth in enumerate(depths):
        table = partition.levels[depth]
        tell(f"tracing {table.level}", DRAWN * done / len(depths))
        shapes = in_degrees(partition.outlines_at(depth))
        if depth in bare:
            shapes[:] = shapely.Polygon()
        columns = (table.codes, table.names, [table.level] * len(table), table.kinds, table.parents, shapes)
        rows.extend(zip(*columns, strict=True))
    rows.sort(key=lambda row: row[0])
    return rows


def _refuse_bad_shapes(level: LevelRows) -> None:
    present = ~shapely.is_missing(level.shapes)
    wrong = present & ~np.isin(shapely.get_type_id(level.shapes), POLYGONAL)
    high = present & shapely.has_z(level.shapes)
    for bad, text in (
        (wrong, "{kind}; areas are polygons or multipolygons: draw it as one"),
        (high, "{kind} with heights; areas are flat: write it in 2D"),
    ):
        if bad.any():
            at = int(bad.argmax())
            said = text.format(kind=level.shapes[at].geom_type)
            raise InputError(str(level.frame.path), f"row {level.rows[at]} (counted from 0) is a {said}")


def _share_corners(levels: dict[str, LevelRows]) -> None:
    """Give all shapes the same corners while their edges are still straight in the file's datum."""
    datums = {level.frame.datum for level in levels.values()}
    if len(datums) > 1 or datums <= crs.DEGREES:
        return
    shapes = with_shared_corners(np.concatenate([level.shapes for level in levels.values()]))
    at = 0
    for level in levels.values():
        level.shapes = shapes[at : at + len(level.shapes)]
        at += len(level.shapes)


def _on_lattice(level: LevelRows) -> Geometries:
    """The shapes in lattice units, None where there is none."""
    present = np.flatnonzero(~shapely.is_missing(level.shapes))
    out = np.full(len(level.shapes), None, dtype=object)
    name = level.frame.datum
    try:
        out[present] = shapely.transform(level.shapes[present], lambda xy: _to_lattice(xy, name))
    except InputError as error:
        raise _with_row(level, present.tolist(), error) from error
    return out


def _to_lattice(xy: FloatArray, name: str) -> FloatArray:
    xs, ys = lattice.to_lattice(*crs.to_lonlat(xy[:, 0], xy[:, 1], name))
    return np.stack([xs, ys], axis=1).astype(np.float64)


def _with_row(level: LevelRows, present: list[int], error: InputError) -> InputError:
    """The error of the whole file as that of the first row that has it alone."""
    path, name = str(level.frame.path), level.frame.datum
    for at in present:
        try:
            _to_lattice(shapely.get_coordinates(level.shapes[at]), name)
        except InputError as its:
            if its.name != "crs":
                text = f"row {level.rows[at]} (counted from 0), corner {its}; the file says it is {name}"
                return InputError(path, f"{text}: correct either, or swap the axes if latitudes come first")
            break
    return InputError(path, f"{error} Reproject the file")


def _level_order(levels: dict[str, LevelRows]) -> list[str]:
    """The levels, widest first: in the governance order where they are its levels, else by the parents.

    Each level lies below the one in which most of its areas have their parents.
    """
    present = list(levels)
    if set(present) <= set(LEVELS):
        return [level for level in LEVELS if level in present]
    level_of = {code: name for name, level in levels.items() for code in level.codes}
    votes = Counter(
        (level_of[parent], name)
        for name, level in levels.items()
        for parent in level.parents
        if parent is not None and parent in level_of
    )
    above = {level: upper for (upper, level), _ in reversed(votes.most_common())}
    order: list[str] = []
    upper: str | None = None
    for _ in present:
        below = [level for level in present if above.get(level) == upper and level not in order]
        if len(below) != 1:
            text = f"its levels {', '.join(present)} form no order: each must have its parents in one"
            raise InputError(str(levels[present[0]].frame.path), f"{text} level above; correct the parents")
        upper = below[0]
        order.append(upper)
    return order


def _table(level: str, rows: LevelRows) -> LevelTable:
    """The table of one level. A missing name is the code, a missing kind what the code says; "" stays ""."""
    rule = codes.rule_for({level: rows.codes})
    return LevelTable(
        level,
        tuple(rows.codes),
        tuple(code if name is None else name for name, code in zip(rows.names, rows.codes, strict=True)),
        tuple(
            rule.kind_of(code) or "" if kind is None else kind
            for kind, code in zip(rows.kinds, rows.codes, strict=True)
        ),
        tuple(rows.parents),
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
