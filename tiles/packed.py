"""Features that are packed become a rung: with the boxes of their blocks, and chunks where they are long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tiles.kernels import pack
from tiles.kernels.encode import block_boxes
from tiles.kernels.parts import Rung

if TYPE_CHECKING:
    from gridmap.types import Int32Array, Int64Array, UInt8Array


def with_boxes(
    rows: Int32Array, boxes: Int32Array, starts: Int32Array, places: Int64Array, data: UInt8Array
) -> Rung:
    """A rung with the boxes of its blocks and the chunks of its long features."""
    blocks = block_boxes(boxes)
    chunk_places = np.zeros(len(rows) + 1, np.int64)
    pack.count_chunks(places, data, chunk_places)
    chunks = np.empty((int(chunk_places[-1]), pack.CHUNK_FIELDS), np.int32)
    pack.fill_chunks(starts, places, data, chunk_places, chunks)
    return Rung(rows, boxes, blocks, block_boxes(blocks), starts, places, data, chunk_places, chunks)
