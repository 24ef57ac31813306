"""How fine the index is where: the size of its blocks, and the depth of each.

The share of border cells decides how fast points are answered, so depth follows the border: a block that
many edges cross is cut finely, an empty one not at all. A *rung* says how fine: at rung k a block gets
2**depth cells a side so that about 2**(-k / 4) of them are border. The finest rung whose index fits the
memory budget is taken. Rungs are coarse steps on purpose: a moved border changes the total by a millionth,
so the plan stays as it is and only the blocks that the border touches are built again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.errors import InputError
from gridmap.kernels.spread import CROSSING

if TYPE_CHECKING:
    from gridmap.types import Int32Array, Int64Array

DEFAULT_BUDGET_MB: Final = 256
"""Memory of cells and half-planes: three quarters of what 65,000 grids may take when they are served."""

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
BORDER_BYTES: Final = 36
"""What a border cell takes beside, on average: 57 % have one unit of 16 bytes, the rest about four."""


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


def bytes_at(depths: Int32Array, crossings: Int64Array) -> int:
    """About how much memory the cells and half-planes of these depths take."""
    cells = np.left_shift(np.int64(1), 2 * depths.astype(np.int64)).sum()
    border = (crossings / CROSSING * np.left_shift(np.int64(1), depths.astype(np.int64))).sum()
    return int(CELL_BYTES * cells + BORDER_BYTES * border)


def choose_rung(crossings: Int64Array, bits: int, budget_mb: int) -> int:
    """The finest rung within a budget in MB. InputError: even the coarsest does not fit."""
    for rung in range(FINEST_RUNG, COARSEST_RUNG - 1, -1):
        if bytes_at(depths_at(rung, crossings, bits), crossings) <= budget_mb * 1_000_000:
            return rung
    raise InputError("budget_mb", f"{budget_mb} MB hold no index of these areas; give more")
