"""What the features of an edition say, and where its labels are: the same on every plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tiles.layers import EXTENT
from tiles.messages import attributes, numbered, texts, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.scenery import DeviceColumns
    from gridmap.types import Int32Array, Int64Array
    from tiles.kernels.parts import Attributes


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

    areas: tuple[Attributes, ...]
    labels: Labels
    devices: Attributes


def sayings_of(partition: Partition, numbers: Sequence[Int64Array], devices: DeviceColumns) -> Sayings:
    """Put together what features say; `numbers` are the ids of the areas of each level."""
    areas = tuple(_areas(partition, depth, ids) for depth, ids in enumerate(numbers))
    return Sayings(areas, _labels(partition, numbers), _devices(devices))


def label_points(partition: Partition, depth: int) -> tuple[Int64Array, Int32Array, Int32Array]:
    """A point inside every area of a level: rows, xs, ys in lattice units. Areas without a shape have none.

    It depends on the area's own shape alone: a label stays where it is until its own border moves.
    """
    points = shapely.point_on_surface(partition.polygons_at(depth))
    xs, ys = shapely.get_x(points), shapely.get_y(points)
    rows = np.flatnonzero(np.isfinite(xs))
    return rows, np.rint(xs[rows]).astype(np.int32), np.rint(ys[rows]).astype(np.int32)


def _areas(partition: Partition, depth: int, ids: Int64Array) -> Attributes:
    table = partition.levels[depth]
    said = numbered((table.names, table.kinds))
    return attributes(table.level, ("code", "name", "kind"), EXTENT, ids, [values(table.codes)], said)


def _labels(partition: Partition, numbers: Sequence[Int64Array]) -> Labels:
    found = [label_points(partition, depth) for depth in range(len(partition.levels))]
    codes: list[str] = []
    names: list[str] = []
    kinds: list[str] = []
    for (rows, _, _), table in zip(found, partition.levels, strict=True):
        for column, source in ((codes, table.codes), (names, table.names), (kinds, table.kinds)):
            column.extend(source[row] for row in rows.tolist())
    depths = np.repeat(np.arange(len(found)), [len(rows) for rows, _, _ in found])
    said, known = numbered((names, kinds, [partition.levels[depth].level for depth in depths.tolist()]))
    ids = np.concatenate([ids[rows] for (rows, _, _), ids in zip(found, numbers, strict=True)])
    keys = ("code", "name", "kind", "level")
    return Labels(
        np.concatenate([xs for _, xs, _ in found]),
        np.concatenate([ys for _, _, ys in found]),
        depths,
        attributes("label", keys, EXTENT, ids, [values(codes)], (said, known)),
    )


def _devices(devices: DeviceColumns) -> Attributes:
    kinds = devices.kinds.indices.to_numpy()[:, None], values(devices.kinds.dictionary.to_pylist())
    return attributes("device", ("code", "kind"), EXTENT, devices.numbers, [texts(devices.codes)], kinds)
