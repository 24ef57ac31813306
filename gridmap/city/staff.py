"""The duty roster: 1 + 3 + N posts in every grid, as Chongqing does it.

One head (网格长); three beside him: a full-time member (专职网格员), a part-time member (兼职网格员), an
instructor from the town (网格指导员); and N heads of micro-grids (微网格长), one for some 37 households,
about five a grid. Some people hold several posts: an instructor has up to four grids of a community, some
heads and members stand in for the neighbour grid, and a part-time member may lead a micro-grid of the same
grid. A person is an opaque id: the district and a number drawn at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.city.columns import category, joined, padded, table, words

if TYPE_CHECKING:
    from gridmap.city.columns import Table
    from gridmap.city.districts import District
    from gridmap.types import Int64Array

ROLES: Final = ("网格长", "专职网格员", "兼职网格员", "网格指导员", "微网格长")
ONE_AND_THREE: Final = 4
SHIFTS: Final = (
    "早班 07:00-15:00",
    "中班 15:00-23:00",
    "夜班 23:00-07:00",
    "白班 09:00-18:00",
    "周末班 09:00-18:00",
    "待命",
)
HOUSEHOLDS_PER_MICRO: Final = 37
"""185 households of an average grid over its five micro-grids."""
MOST_MICRO: Final = 15
STANDS_IN: Final = (0.12, 0.05, 0.25)
"""Chance that head, full-time and part-time member are those of the grid before, in the same community."""
GRIDS_PER_INSTRUCTOR: Final = 4
LEADS_MICRO: Final = 0.15
"""Chance that the part-time member also leads the first micro-grid of the grid."""


def roster(home: District, rng: np.random.Generator) -> Table:
    """Make all posts of a district: columns code, grid, role, person, shift, ordered by grid, then role."""
    grids, households, community = home.plan.levels[-1].codes, home.plan.households, home.community
    micro = np.clip(np.rint(households / HOUSEHOLDS_PER_MICRO), 1, MOST_MICRO).astype(np.int64)
    posts = ONE_AND_THREE + micro
    grid = np.repeat(np.arange(len(posts)), posts)
    number = np.arange(len(grid)) - np.repeat(np.cumsum(posts) - posts, posts)
    role = np.minimum(number, ONE_AND_THREE)
    rank = np.arange(len(posts)) - np.searchsorted(community, community)
    person = _people(rank, grid, number, rng)
    shift = _shifts(rank[grid], role)
    return table(
        {
            "code": joined(words(grids, grid), "-", padded(number + 1, 2)),
            "grid": category(grids, grid),
            "role": category(ROLES, role),
            "person": joined(f"P{home.code}-", padded(person, 6)),
            "shift": category(SHIFTS, shift),
        }
    )


def _people(rank: Int64Array, grid: Int64Array, number: Int64Array, rng: np.random.Generator) -> Int64Array:
    """The person of every post; `rank` counts a community's grids, `number` a grid's posts, both from 0."""
    # A person per post first; then posts are given to the person of another post, always one further up in
    # the table.
    person = np.arange(len(grid))
    first = np.flatnonzero(number == 0)
    for role in range(ONE_AND_THREE):
        new = (rank % GRIDS_PER_INSTRUCTOR == 0) if role == ROLES.index("网格指导员") else (rank == 0)
        if role < len(STANDS_IN):
            new = new | (rng.random(len(rank)) >= STANDS_IN[role])
        source = np.maximum.accumulate(np.where(new, np.arange(len(rank)), 0))
        person[first + role] = person[first[source] + role]
    both = first[rng.random(len(rank)) < LEADS_MICRO]
    person[both + ONE_AND_THREE] = person[both + ROLES.index("兼职网格员")]
    return rng.permutation(len(grid))[person]


def _shifts(rank: Int64Array, role: Int64Array) -> Int64Array:
    """The shift of every post: full-time members of neighbour grids share the day, others go by role."""
    by_role = np.array([SHIFTS.index("白班 09:00-18:00"), 0, SHIFTS.index("周末班 09:00-18:00"), 5, 5])
    return np.where(role == ROLES.index("专职网格员"), rank % 3, by_role[role])
