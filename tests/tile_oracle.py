"""Slow, obvious truths about tiles: what is in them, what must be in them, how their polygons fit together.

Bytes are read twice, by `mapbox_vector_tile` here and by the JavaScript reference in `javascript`;
`tile_spec` holds them against the specification. What must be in a tile is found by cutting the true
polygons, projected but never simplified, with shapely. Everything here is in tile units (4096 to a side,
y down) unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import mapbox_vector_tile
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gridmap.types import Geometries, Int64Array
    from tiles.kernels.parts import Rung
    from tiles.planes import Plane

    Square = tuple[int, int, int]
    Point = tuple[int, int]

EXTENT: Final = 4096
BUFFER: Final = 64

ROUNDED: Final = 0.51
"""Half of what two tiles may lie apart, each having rounded by half a unit."""


@dataclass(frozen=True)
class Feature:
    """A decoded feature."""

    number: int
    properties: dict[str, Any]
    shape: shapely.Geometry


def decode(data: bytes) -> dict[str, list[Feature]]:
    """The features of a tile by layer, as `mapbox_vector_tile` reads them, y down."""
    layers = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    return {
        name: [
            Feature(each["id"], each["properties"], shapely.geometry.shape(each["geometry"]))
            for each in layer["features"]
        ]
        for name, layer in layers.items()
    }


def differences(ours: Mapping[str, Sequence[Feature]], reference: Mapping[str, Any]) -> list[str]:
    """Where the two decoders read different things: layers, ids, properties or coordinates."""
    if list(ours) != list(reference):
        return [f"layers {list(ours)} and {list(reference)}"]
    out = []
    for name, features in ours.items():
        theirs = reference[name]["features"]
        if len(features) != len(theirs):
            out.append(f"{name}: {len(features)} features and {len(theirs)}")
            continue
        for one, other in zip(features, theirs, strict=True):
            same = (one.number, one.properties) == (other["id"], other["properties"])
            if not same or _points(one.shape) != _points_of_lines(other["rings"]):
                out.append(f"{name}: feature {one.number}")
    return out


def _points(shape: shapely.Geometry) -> list[Point]:
    return [(int(x), int(y)) for x, y in shapely.get_coordinates(shape)]


def _points_of_lines(lines: Sequence[Sequence[Sequence[int]]]) -> list[Point]:
    return [(x, y) for line in lines for x, y in line]


@dataclass(frozen=True)
class Truth:
    """Polygons with their ids, on a plane, as they are: what every zoom is measured by."""

    numbers: tuple[int, ...]
    shapes: Geometries

    @classmethod
    def of(cls, numbers: Sequence[int], degrees: Geometries, plane: Plane) -> Truth:
        """The truth of polygons in degrees on a plane; invalid ones are what shapely makes of them."""
        shapes = shapely.transform(degrees, lambda xy: np.stack(plane.project(*xy.T), axis=1))
        return cls(tuple(numbers), np.asarray(shapely.make_valid(shapes), dtype=object))

    def near(self, square: Square, margin: float = 0.0) -> Int64Array:
        """The rows of the polygons that meet a square with a margin in units."""
        box = shapely.box(*_box_on_plane(square, margin))
        return np.sort(self._tree.query(box, predicate="intersects"))

    def pieces(self, square: Square, margin: float = 0.0) -> tuple[list[int], Geometries]:
        """The ids, and what of their polygons lies in a square (z, column, row) with a margin in units."""
        rows = self.near(square, margin)
        near = shapely.transform(self.shapes[rows], lambda xy: _units(xy, square))
        cut = shapely.intersection(near, shapely.box(-margin, -margin, EXTENT + margin, EXTENT + margin))
        return [self.numbers[row] for row in rows], np.asarray(cut, dtype=object)

    def needed(self, square: Square, least: float = 4.0) -> set[int]:
        """The ids that must be in a tile: those with at least so many square units of it."""
        numbers, cut = self.pieces(square)
        return {number for number, area in zip(numbers, shapely.area(cut), strict=True) if area >= least}

    def allowed(self, square: Square, buffer: float = BUFFER, slack: float = 2.0) -> set[int]:
        """The ids that may be in a tile: those near it, for simplifying moves a border by some units."""
        return {self.numbers[row] for row in self.near(square, buffer + slack)}

    def areas(self, z: int) -> dict[int, float]:
        """The area of every polygon at a zoom, in square units, by id."""
        scale = (EXTENT * 2.0**z) ** 2
        return dict(zip(self.numbers, (shapely.area(self.shapes) * scale).tolist(), strict=True))

    def cover(self, square: Square, margin: float = 0.0) -> shapely.Geometry:
        """All ground that any polygon covers in a square with a margin."""
        box = shapely.box(*_box_on_plane(square, margin))
        return shapely.transform(shapely.intersection(self._cover, box), lambda xy: _units(xy, square))

    def squares(self, z: int) -> list[Square]:
        """The squares of a zoom that polygons touch with some area, by row and column."""
        west, north, east, south = shapely.total_bounds(self.shapes) * 2**z
        columns, rows = (range(int(a // 1), int(b // 1) + 1) for a, b in ((west, east), (north, south)))
        return [(z, column, row) for row in rows for column in columns if self.touches((z, column, row))]

    def touches(self, square: Square) -> bool:
        """Whether the inside of any polygon meets the inside of a square."""
        box = shapely.box(*_box_on_plane(square))
        rows = self._tree.query(box, predicate="intersects")
        return bool((shapely.area(shapely.intersection(self.shapes[rows], box)) > 0).any())

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    @cached_property
    def _cover(self) -> shapely.Geometry:
        return shapely.union_all(self.shapes)


def _box_on_plane(square: Square, margin: float = 0.0) -> tuple[float, float, float, float]:
    z, column, row = square
    wider = margin / EXTENT
    return tuple(each / 2.0**z for each in (column - wider, row - wider, column + 1 + wider, row + 1 + wider))  # type: ignore[return-value]  # four of them, which mypy does not count


def _units(xy: Any, square: Square) -> Any:
    z, column, row = square
    return (xy * 2.0**z - (column, row)) * EXTENT


def rung_polygons(rung: Rung) -> tuple[list[int], Geometries]:
    """The rows and the polygons of a rung, in its own units, read from its bytes as a decoder reads them."""
    shapes = np.empty(len(rung.rows), dtype=object)
    for feature in range(len(rung.rows)):
        data = rung.data[rung.places[feature] : rung.places[feature + 1]].tobytes()
        rings = [shapely.LinearRing(ring) for ring in _rings(data, *rung.starts[feature].tolist())]
        # Shells run clockwise on the screen, which is the other way round where y grows upwards.
        shells = [at for at, ring in enumerate(rings) if ring.is_ccw] + [len(rings)]
        parts = [shapely.Polygon(rings[a], rings[a + 1 : b]) for a, b in pairwise(shells)]
        shapes[feature] = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return rung.rows.tolist(), shapes


def _rings(data: bytes, x: int, y: int) -> Iterator[list[Point]]:
    """The rings of a geometry whose first MoveTo is left out, because it leads to x, y."""
    numbers = _varints(data)
    first = True
    for each in numbers:
        command = each
        if not first:
            assert command == 9, "MoveTo, once"
            x, y = x + _signed(next(numbers)), y + _signed(next(numbers))
            command = next(numbers)
        ring = [(x, y)]
        for _ in range(command >> 3):
            x, y = x + _signed(next(numbers)), y + _signed(next(numbers))
            ring.append((x, y))
        assert next(numbers) == 15, "ClosePath"
        first = False
        yield ring


def _varints(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def _signed(parameter: int) -> int:
    return (parameter >> 1) ^ -(parameter & 1)


@dataclass(frozen=True)
class Seams:
    """How well polygons fit together: square units in all, between them, and in more than one of them."""

    area: float = 0.0
    gap: float = 0.0
    overlap: float = 0.0

    def __add__(self, other: Seams) -> Seams:
        return Seams(self.area + other.area, self.gap + other.gap, self.overlap + other.overlap)

    @property
    def share(self) -> float:
        """Gaps plus overlaps as a share of the area."""
        return (self.gap + self.overlap) / self.area if self.area else 0.0


def seams(shapes: Sequence[shapely.Geometry], truth: Truth, square: Square, slack: float = 3.0) -> Seams:
    """Gaps and overlaps of the decoded polygons of one layer in a square.

    A gap is ground that no polygon has and that lies at least `slack` units inside the true cover: nearer to
    its border a simplified border may lie farther in, and no neighbour is there to leave a gap to.
    """
    box = shapely.box(0, 0, EXTENT, EXTENT)
    pieces = shapely.intersection([shapely.make_valid(shape) for shape in shapes], box)
    covered = shapely.union_all(pieces)
    inside = shapely.intersection(shapely.buffer(truth.cover(square, 2 * slack), -slack), box)
    gap = shapely.area(shapely.difference(inside, covered))
    twice = max(0.0, float(shapely.area(pieces).sum() - covered.area))  # less by rounding alone
    return Seams(float(covered.area), float(gap), twice)


def disagreement(
    children: Mapping[int, Sequence[shapely.Geometry]], parents: Mapping[int, shapely.Geometry]
) -> float:
    """Square units in which areas differ from what their children make, both decoded from one tile.

    `children` holds the shapes of the children in the tile by the id of their parent.
    """
    box = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    nothing = shapely.Polygon()
    total = 0.0
    for number in children.keys() | parents.keys():
        made = shapely.union_all([shapely.make_valid(shape) for shape in children.get(number, ())])
        given = shapely.make_valid(parents.get(number, nothing))
        total += float(shapely.symmetric_difference(made, given).intersection(box).area)
    return total


def crack(one: Sequence[Feature], other: Sequence[Feature], step: Point) -> float:
    """Square units in which two tiles of one zoom disagree where both draw; `step` is (1, 0) or (0, 1).

    `other` is the tile that lies one column to the right, or one row below. Each tile rounds where it cuts a
    line, half a unit at most, and the line turns with that end: what is nowhere wider than a unit is none.
    """
    low, high = -BUFFER + 1, EXTENT + BUFFER - 1
    left, top = low + step[0] * EXTENT, low + step[1] * EXTENT
    strip = shapely.box(left, top, high, high)
    shifted = {
        each.number: shapely.transform(each.shape, lambda xy: xy + np.array(step) * EXTENT) for each in other
    }
    mine = {each.number: each.shape for each in one}
    nothing = shapely.Polygon()
    both = 0.0
    for number in mine.keys() | shifted.keys():
        a, b = (
            shapely.intersection(shapely.make_valid(each.get(number, nothing)), strip)
            for each in (mine, shifted)
        )
        differing = shapely.symmetric_difference(a, b)
        both += float(shapely.buffer(differing, -ROUNDED).area)
    return both
