"""What the features of an edition say, and where its labels are: the same on every plane.

It stands in memory along a Hilbert curve, as features do on their rungs, so that what a tile says is read in
few runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tiles.curve import along_curve
from tiles.messages import attributes, numbered, texts, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import LevelTable, Partition
    from gridmap.scenery import DeviceColumns
    from gridmap.types import Int32Array, Int64Array
    from tiles.kernels.parts import Attributes
    from tiles.messages import Messages

    Points = tuple[Int64Array, Int32Array, Int32Array]


@dataclass(frozen=True)
class Said:
    """What the features of a level say, and at which place each row's saying stands."""

    said: Attributes
    places: Int32Array


@dataclass(frozen=True)
class Labels:
    """A point inside every area, in lattice units, and the level it belongs to, 0 for the widest."""

    xs: Int32Array
    ys: Int32Array
    depths: Int64Array
    said: Attributes


@dataclass(frozen=True)
class Sayings:
    """What is said: by the areas of each level, by the labels, by the devices."""

    areas: tuple[Said, ...]
    labels: Labels
    devices: Said


def sayings_of(
    partition: Partition, numbers: Sequence[Int64Array], devices: DeviceColumns, extent: int
) -> Sayings:
    """Put together what features say; `numbers` are the ids of the areas of each level.

    Every layer says the `extent` of the tile.
    """
    points = [label_points(partition, depth) for depth in range(len(partition.levels))]
    areas = tuple(
        _areas(partition.levels[depth], ids, points[depth], extent) for depth, ids in enumerate(numbers)
    )
    return Sayings(areas, _labels(partition, numbers, points, extent), _devices(devices, extent))


def label_points(partition: Partition, depth: int) -> Points:
    """A point inside every area of a level: rows, xs, ys in lattice units. Areas without a shape have none.

    It depends on the area's own shape alone: a label stays where it is until its own border moves.
    """
    points = shapely.point_on_surface(partition.polygons_at(depth))
    xs, ys = shapely.get_x(points), shapely.get_y(points)
    rows = np.flatnonzero(np.isfinite(xs))
    return rows, np.rint(xs[rows]).astype(np.int32), np.rint(ys[rows]).astype(np.int32)


def _places(order: Int64Array) -> Int32Array:
    """At which place of an order each row stands."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places


def _areas(table: LevelTable, ids: Int64Array, points: Points, extent: int) -> Said:
    rows, xs, ys = points
    rows = rows[along_curve(xs, ys)]
    order = np.concatenate([rows, np.setdiff1d(np.arange(len(table)), rows)])  # the rest is never drawn
    codes, names, kinds = (
        [column[row] for row in order.tolist()] for column in (table.codes, table.names, table.kinds)
    )
    keys = ("code", "name", "kind")
    said = attributes(table.level, keys, extent, ids[order], *_columns(codes, names, kinds))
    return Said(said, _places(order))


def _columns(codes: list[str], *others: list[str]) -> tuple[list[Messages], tuple[Int32Array, Messages]]:
    """Codes as values of their own, the others shared; all shared where one is called by a code.

    So no value stands twice in a tile.
    """
    if set(codes).isdisjoint(chain.from_iterable(others)):
        return [values(codes)], numbered(others)
    return [], numbered((codes, *others))


def _labels(
    partition: Partition, numbers: Sequence[Int64Array], points: Sequence[Points], extent: int
) -> Labels:
    xs = np.concatenate([xs for _, xs, _ in points])
    ys = np.concatenate([ys for _, _, ys in points])
    depths = np.repeat(np.arange(len(points)), [len(rows) for rows, _, _ in points])
    rows = np.concatenate([rows for rows, _, _ in points])
    order = along_curve(xs, ys)
    areas = [
        (partition.levels[depth], row)
        for depth, row in zip(depths[order].tolist(), rows[order].tolist(), strict=True)
    ]
    names, kinds = [table.names[row] for table, row in areas], [table.kinds[row] for table, row in areas]
    levels = [table.level for table, _ in areas]
    columns = _columns([table.codes[row] for table, row in areas], names, kinds, levels)
    ids = np.concatenate([ids[rows] for (rows, _, _), ids in zip(points, numbers, strict=True)])
    keys = ("code", "name", "kind", "level")
    said = attributes("label", keys, extent, ids[order], *columns)
    return Labels(xs[order], ys[order], depths[order], said)


def _devices(devices: DeviceColumns, extent: int) -> Said:
    order = along_curve(devices.xs, devices.ys)
    kinds = devices.kinds.indices.to_numpy()[order, None], values(devices.kinds.dictionary.to_pylist())
    codes = texts(devices.codes.take(order))
    said = attributes("device", ("code", "kind"), extent, devices.numbers[order], [codes], kinds)
    return Said(said, _places(order))
