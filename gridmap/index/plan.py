"""How fine the index is where: the size of its blocks, and the depth of each.

The share of border cells decides how fast points are answered, so depth follows the border: a block that
many edges cross is cut finely, an empty one not at all. A *rung* says how fine: at rung k a block gets
2**depth cells a side so that about 2**(-k / 4) of them are border. The finest rung whose index fits the
memory budget is taken. Rungs are coarse steps on purpose: a moved border changes the total by a millionth,
so the plan stays as it is and only the blocks that the border touches are built again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.errors import InputError
from gridmap.kernels.spread import CROSSING

if TYPE_CHECKING:
    from gridmap.types import Int32Array, Int64Array

CITY_BUDGET_MB: Final = 256
"""Memory of cells and half-planes of a large city, unless told otherwise: it may take 300 MB to be served."""

FACES_PER_MB: Final = 100
"""Below that, 10 kB a face: with twice as much, 10,036 Welsh output areas were answered no faster."""

FACES_PER_MB_BEYOND: Final = 1_000
"""Above a quarter of a million faces memory grows with them again, so that a country is answered fast too."""

BLOCKS_PER_FACE: Final = 1
FEWEST_BLOCKS: Final = 4_096
MOST_BITS: Final = 28
"""The largest block: 2**28 units are 27 degrees; one more and the ring of empty blocks would leave int32."""

MOST_DEPTH: Final = 12
FINEST_RUNG: Final = 20
"""One border cell in 32: finer gains nothing, the memory is better left to others."""

COARSEST_RUNG: Final = -40
"""Every block one cell, or nearly so."""

CELL_BYTES: Final = 4
MEETING_BYTES: Final = 24
"""What an edge takes in each cell it meets, on average: 1.0 to 1.5 units of 16 bytes."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of an index: 2**bits units a side, from (column0, row0) on, with an empty ring around."""

    bits: int
    column0: int
    row0: int
    columns: int
    rows: int

    def __len__(self) -> int:
        return self.columns * self.rows


def default_budget_mb(faces: int) -> int:
    """The memory that cells and half-planes may take, in MB: 10 kB a face up to 256, then 1 kB a face."""
    return max(min(CITY_BUDGET_MB, 8 + faces // FACES_PER_MB), faces // FACES_PER_MB_BEYOND)


def blocks_over(low: tuple[int, int], high: tuple[int, int], faces: int) -> Blocks:
    """The smallest blocks over a box in lattice units of which there are at most a few for each face."""
    most = max(FEWEST_BLOCKS, BLOCKS_PER_FACE * faces)
    for bits in range(MOST_BITS + 1):
        column0, row0 = (low[0] >> bits) - 1, (low[1] >> bits) - 1
        columns, rows = (high[0] >> bits) + 2 - column0, (high[1] >> bits) + 2 - row0
        if columns * rows <= most:
            break
    return Blocks(bits, column0, row0, columns, rows)


def depths_at(rung: int, crossings: Int64Array, bits: int) -> Int32Array:
    """The depth of each block at a rung; `crossings` as `spread_over_blocks` counts."""
    with np.errstate(divide="ignore"):
        wanted = np.ceil(np.log2(crossings / CROSSING) + rung / 4)
    wanted = np.where(crossings > 0, wanted, 0)
    return np.clip(wanted, 0, min(MOST_DEPTH, bits)).astype(np.int32)


def bytes_at(depths: Int32Array, crossings: Int64Array, entries: int) -> int:
    """About how much memory cells and half-planes take; `entries` are the edges of all blocks together."""
    sides = np.left_shift(np.int64(1), depths.astype(np.int64))
    meetings = entries + (crossings / CROSSING * sides).sum()
    return int(CELL_BYTES * (sides * sides).sum() + MEETING_BYTES * meetings)


def choose_rung(crossings: Int64Array, entries: int, bits: int, budget_mb: int) -> int:
    """The finest rung within a budget in MB. InputError: even the coarsest does not fit."""
    for rung in range(FINEST_RUNG, COARSEST_RUNG - 1, -1):
        least = bytes_at(depths_at(rung, crossings, bits), crossings, entries)
        if least <= budget_mb * 1_000_000:
            return rung
    raise InputError(
        "budget_mb", f"{budget_mb} MB hold no index of these areas; give {math.ceil(least / 1e6):,} or more"
    )
