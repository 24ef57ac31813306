"""Things that are points: labels of areas, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.lattice import to_degrees
from tiles.curve import along_curve
from tiles.kernels.encode import block_boxes
from tiles.kernels.pack import CHUNK_FIELDS
from tiles.kernels.parts import Rung

if TYPE_CHECKING:
    from gridmap.types import BoolArray, Int32Array
    from tiles.planes import Plane

BITS: Final = 30
"""Points have one rung, with two to the power of this units in the plane (3 cm in Chongqing); zooms shift it.
"""

UNITS: Final = float(1 << BITS)


def spots_on(plane: Plane, xs: Int32Array, ys: Int32Array) -> Rung:
    """The rung of points given in lattice units, along a Hilbert curve; their positions are the rows."""
    across, down = plane.project(*to_degrees(xs, ys))
    order = along_curve(across, down)
    places = np.stack([across[order], down[order]], axis=1)
    starts = np.floor(places * UNITS + 0.5).astype(np.int32).reshape(-1, 2)
    return points_at(order.astype(np.int32), starts)


def points_at(rows: Int32Array, starts: Int32Array) -> Rung:
    """The rung of points (n, 2) in whole units, neighbours beside each other."""
    none = np.zeros(len(rows) + 1, np.int64)
    boxes = np.hstack([starts, starts])
    blocks = block_boxes(boxes)
    return Rung(
        rows,
        boxes,
        blocks,
        block_boxes(blocks),
        starts,
        none,
        np.empty(0, np.uint8),
        none,
        np.empty((0, CHUNK_FIELDS), np.int32),
    )


def chosen(rung: Rung, which: BoolArray) -> Rung:
    """The points of some rows."""
    kept = which[rung.rows]
    boxes = np.ascontiguousarray(rung.boxes[kept])
    blocks = block_boxes(boxes)
    none = np.zeros(int(kept.sum()) + 1, np.int64)
    return rung._replace(
        rows=np.ascontiguousarray(rung.rows[kept]),
        boxes=boxes,
        blocks=blocks,
        supers=block_boxes(blocks),
        starts=np.ascontiguousarray(rung.starts[kept]),
        places=none,
        chunk_places=none,
    )
