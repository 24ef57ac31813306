"""One district of a plan as a plan of its own: it comes out the same whichever others are built with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.plan import CityPlan, LevelPlan
from gridmap.errors import InputError
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from gridmap.types import AnyArray, Int32Array, Int64Array

    Locate: TypeAlias = Callable[[Int32Array, Int32Array], AnyArray]


@dataclass(frozen=True)
class District:
    """A district: its part of the plan, and where its rows are.

    `plan` holds this district alone. `community` is the row of each grid's community in it, `town` the row of
    each community's town. `rows` are the rows of its grids in the whole plan, which has `grids` of them.
    """

    plan: CityPlan
    community: Int64Array
    town: Int64Array
    rows: Int64Array
    grids: int

    @property
    def code(self) -> str:
        """The code of the district."""
        return self.plan.levels[0].codes[0]

    def locally(self, locate: Locate) -> Locate:
        """The same lookup giving rows of this district's plan, -1 for points outside the district."""
        # One more entry than grids: the row -1 (nowhere) picks the last one.
        local = np.full(self.grids + 1, NOWHERE, np.int64)
        local[self.rows] = np.arange(len(self.rows))

        def locate_here(xs: Int32Array, ys: Int32Array) -> AnyArray:
            return local[locate(xs, ys)]

        return locate_here


def split(plan: CityPlan) -> list[District]:
    """Split a plan into its districts. Raises InputError when an area's parent is not in the plan."""
    district, town, community, grid = plan.levels
    town_district = _rows(district, town.parents)
    community_district = town_district[_rows(town, community.parents)]
    grid_district = community_district[_rows(community, grid.parents)]
    return [
        _district(
            plan,
            np.array([row]),
            np.flatnonzero(town_district == row),
            np.flatnonzero(community_district == row),
            np.flatnonzero(grid_district == row),
        )
        for row in range(len(district.codes))
    ]


def _district(plan: CityPlan, *picked: Int64Array) -> District:
    """The district whose rows of each level, from district to grid, are `picked`."""
    levels = tuple(_part(level, rows) for level, rows in zip(plan.levels, picked, strict=True))
    rows = picked[-1]
    part = CityPlan(
        levels,
        plan.grids[rows],
        plan.households[rows],
        plan.people[rows],
        plan.density[rows],
        plan.centres[rows],
        plan.notes,
    )
    _, town, community, grid = levels
    return District(
        part, _rows(community, grid.parents), _rows(town, community.parents), rows, len(plan.grids)
    )


def _part(level: LevelPlan, rows: Int64Array) -> LevelPlan:
    return LevelPlan(
        level.level,
        [level.codes[row] for row in rows],
        [level.names[row] for row in rows],
        [level.kinds[row] for row in rows],
        [level.parents[row] for row in rows],
    )


def _rows(level: LevelPlan, codes: Sequence[str | None]) -> Int64Array:
    """The rows of codes in a level. Raises InputError on a code that is not there."""
    row_of = {code: row for row, code in enumerate(level.codes)}
    rows = np.array([row_of.get(code or "", -1) for code in codes], np.int64)
    if len(rows) and rows.min() < 0:
        code = codes[int(np.argmin(rows))]
        raise InputError(
            "plan", f"parent {code} is no {level.level} of the plan; list it or correct the parent"
        )
    return rows
