"""What a planned city is: the areas of every level, the shapes of the grids, and the people in each.

Only the grids have shapes. The levels above are lists whose `parents` point one level up, so nesting cannot
be wrong in shape, only in the parents; the outline of a community is the union of its grids and is derived
where it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LevelPlan:
    """All areas of one level, ordered by code.

    `codes`, `names`, `kinds` and `parents` have one entry per area; `parents` holds the code one level up,
    None for the areas of the widest level.
    """

    level: str
    codes: list[str]
    names: list[str]
    kinds: list[str]
    parents: list[str | None]


@dataclass(frozen=True)
class CityPlan:
    """A whole city as planned: areas, shapes and people, before a single building stands.

    `levels` runs from district to grid. Everything after it has one entry per grid, in the order of
    `levels[-1].codes`: `grids` are shapely Polygons or MultiPolygons in lattice units (1e-7 degree, whole
    numbers held in float64); `households` and `people` are planned counts, int64, whose sums over each
    district are that district's census figures; `density` is float64, people per km2; `centres` is
    int32[grids, 2], a lattice point (x, y) well inside each grid. `notes` are plain sentences saying what is
    real and what is made up.
    """

    levels: tuple[LevelPlan, ...]
    grids: NDArray[Any]
    households: NDArray[np.int64]
    people: NDArray[np.int64]
    density: NDArray[np.float64]
    centres: NDArray[np.int32]
    notes: tuple[str, ...]
