"""Polygons and cities drawn as tiles, for the tests of the tile engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import shapely
from mesh import mesh

from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.partition import level_table, partition_of
from gridmap.model import Edition
from gridmap.scenery import BuildingColumns, DeviceColumns, HouseholdColumns, Scenery
from tiles.encoder import Drawn
from tiles.kernels import pack
from tiles.measure import STANDARD, Measure
from tiles.messages import attributes, numbered, values
from tiles.packed import with_boxes
from tiles.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.types import Geometries
    from tiles.kernels.parts import Rung

THEN = datetime(2026, 5, 1, tzinfo=UTC)


def rung_of(shapes: Sequence[shapely.Geometry] | Geometries) -> Rung:
    """Polygons in whole numbers, y down, as a rung in the order given."""
    xs, ys, room, sizes, counts = [], [], [0], [], []
    for shape in shapes:
        rings = []
        for part in shapely.get_parts(shapely.orient_polygons(shape)):
            rings.append((part.exterior, 1))
            rings.extend((hole, -1) for hole in part.interiors)
        points = [np.asarray(ring.coords)[:-1] for ring, _ in rings]
        total = sum(map(len, points))
        xs += [int(x) for each in points for x in each[:, 0]]
        ys += [int(y) for each in points for y in each[:, 1]]
        told = [sign * len(each) for each, (_, sign) in zip(points, rings, strict=True)]
        sizes += told + [0] * (total - len(told))
        counts.append(len(rings))
        room.append(room[-1] + total)
    count = len(shapes)
    rows, boxes = np.empty(count, np.int32), np.empty((count, 4), np.int32)
    starts, places = np.empty((count, 2), np.int32), np.zeros(count + 1, np.int64)
    data = np.empty(pack.BYTES_PER_POINT * len(xs) + 16, np.uint8)
    _, size = pack.pack_features(
        np.arange(count),
        np.array(xs, np.int32),
        np.array(ys, np.int32),
        np.array(room, np.int64),
        np.array([*sizes, 0], np.int32),
        np.array(counts, np.int32),
        rows,
        boxes,
        starts,
        places,
        data,
    )
    return with_boxes(rows, boxes, starts, places, data[:size].copy())


def drawn(shapes: Sequence[shapely.Geometry] | Geometries) -> Drawn:
    """Polygons ready for the encoder; feature i has id i + 1, code "c<i>", and one of two kinds."""
    codes = [f"c{i}" for i in range(len(shapes))]
    said = attributes(
        "shape",
        ("code", "kind"),
        4096,
        np.arange(1, len(shapes) + 1),
        [values(codes)],
        numbered([["even" if i % 2 == 0 else "odd" for i in range(len(shapes))]]),
    )
    return Drawn(rung_of(shapes), said)


def decoded(data: bytes) -> dict[str, list[dict[str, Any]]]:
    """The features of each layer of a tile; geometries as shapely's, y down."""
    if not data:
        return {}
    found = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    out = {}
    for name, layer in found.items():
        for feature in layer["features"]:
            feature["shape"] = shapely.geometry.shape(feature["geometry"])
        out[name] = layer["features"]
    return out


def shapes_in(data: bytes, layer: str) -> Geometries:
    """The shapes of a layer of a tile."""
    return np.array([feature["shape"] for feature in decoded(data).get(layer, [])], dtype=object)


DOORS = ((1, -1, 0), (1, 2, 1201), (1, 2, 1201), (2, 9, 3))
"""Unit, floor and room of the households that every building of `scenery` has; two share a door."""


def scenery(places: Sequence[tuple[float, float]] = ()) -> Scenery:
    """A building of 12 by 8 metres with four households and a camera at each place, in degrees."""
    xs, ys = (np.array([round(place[axis] * 1e7) for place in places], np.int32) for axis in (0, 1))
    count = len(places)
    codes = pa.array([f"B{i}" for i in range(count)], pa.string())
    buildings = BuildingColumns(
        codes=codes,
        names=pa.array([f"楼{i}" for i in range(count)], pa.string()),
        uses=pa.array(["shop"] * count, pa.string()).dictionary_encode(),
        xs=xs,
        ys=ys,
        widths_m=np.full(count, 12, np.float32),
        depths_m=np.full(count, 8, np.float32),
        bearings_deg=np.full(count, 30, np.int16),
        floors=np.full(count, 5, np.uint8),
        numbers=np.arange(1, count + 1),
    )
    kinds = pa.array(["camera"] * count, pa.string()).dictionary_encode()
    devices = DeviceColumns(codes, kinds, xs, ys, np.arange(1, count + 1))
    units, floors, rooms = (np.array(each * count) for each in zip(*DOORS, strict=True))
    households = HouseholdColumns(
        np.arange(0, len(DOORS) * count + 1, len(DOORS), dtype=np.int32),
        units.astype(np.uint8),
        floors.astype(np.int16),
        rooms.astype(np.uint16),
    )
    return Scenery(
        f"f{count}",
        devices,
        lambda: buildings if count else None,
        lambda: households if count else None,
    )


def subject(
    partition: Partition, things: Scenery | None = None, number: int = 7, measure: Measure = STANDARD
) -> Subject:
    """What tiles of a partition are made of; areas are numbered from 1 on, widest level first."""
    numbers, last = [], 0
    for table in partition.levels:
        numbers.append(np.arange(last + 1, last + len(table) + 1))
        last += len(table)
    name = checksum(to_bytes(partition))
    edition = Edition(number, None, name, True, True, "test", "a town for tests", THEN, THEN, name)
    return Subject(edition, partition, tuple(numbers), things or scenery(), measure)


def city(side: int = 24, seed: int = 1, step: float = 16_000, flatten: float = 1.0) -> Partition:
    """A mesh of grids in communities of 16; `flatten` makes grids narrow from north to south."""
    return governed(squares(side, seed, step, flatten), side)


def squares(side: int, seed: int, step: float = 16_000, flatten: float = 1.0) -> Geometries:
    """A mesh of grids in lattice units, row by row."""
    shapes = mesh(side, seed, step)
    south = shapely.total_bounds(shapes)[1]
    shapes = shapely.transform(
        shapes, lambda xy: np.rint(np.stack([xy[:, 0], south + (xy[:, 1] - south) * flatten], axis=1))
    )
    return np.asarray(shapes, dtype=object)


def governed(shapes: Geometries, side: int) -> Partition:
    """Grids of a mesh, row by row, in communities of 16; a grid that is None is not there."""
    wide = -(-side // 4)
    there = [i for i, shape in enumerate(shapes) if shape is not None]
    parents = [f"c{(i % side**2 // side) // 4 * wide + (i % side) // 4:03}" for i in there]
    names = sorted(set(parents))
    tables = (
        level_table("community", names, names, ["village"] * len(names), [None] * len(names)),
        level_table(
            "grid",
            [f"{parent}{i:05}" for i, parent in zip(there, parents, strict=True)],
            [str(i) for i in there],
            ["basic"] * len(parents),
            parents,
        ),
    )
    return partition_of(tables, {"grid": shapes[there]})
