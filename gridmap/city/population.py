"""Everything that stands and lives on the grids of a planned city: buildings, households, devices, posts.

The plan says how many households and people each grid has; the lookup says which grid a point is in. Nothing
here decides a grid. All of it is made up, says so in the metadata of every table (`synthetic: true`), and is
the same for the same plan, lookup and seed, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city import buildings, cadastre, devices, forms, households, housing, staff
from gridmap.city.columns import stacked, stream
from gridmap.city.districts import split

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.city.columns import Table
    from gridmap.city.districts import District, Locate
    from gridmap.city.plan import CityPlan


@dataclass(frozen=True)
class Population:
    """What stands and lives in a city, as Arrow tables marked synthetic.

    `buildings`: code, community, x, y (lattice units), width_m, depth_m, bearing_deg, floors, units, use,
    name, address, ordered by code; a household's `building` is a row of it. `households`: building, unit,
    floor, room, people, ordered by the first four. `devices`: the columns of `model.Device`, ordered by code.
    `staff`: those of `model.StaffPost`. `retried` buildings needed a fresh place because the lookup put the
    first elsewhere; `centred` of them ended at their grid's centre.
    """

    buildings: Table
    households: Table
    devices: Table
    staff: Table
    retried: int
    centred: int


def _silent(_step: str, _share: float) -> None:
    """Report nothing: the progress of a caller who does not ask for it."""


def populate(
    plan: CityPlan,
    locate: Locate,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> Population:
    """Fill a planned city with exactly its households and people, with buildings, devices and posts.

    `locate(xs, ys)` takes int32 lattice points and gives the row of the grid of each, -1 outside. `progress`
    is told each step in words and the share done (0 to 1). A district comes out the same whichever others are
    in the plan. Raises InputError when plan and lookup are of different cities, or when a district's people
    cannot live in its households (1 to 20 in each).
    """
    tell = progress or _silent
    total = max(int(plan.households.sum()), 1)
    done, row, parts = 0, 0, list[Population]()
    for district in split(plan):
        tell(f"populating {district.plan.levels[0].names[0]}", done / total)
        part = _populate(district, locate, seed, row)
        parts.append(part)
        row += part.buildings.num_rows
        done += part.households.num_rows
    tell("the city is populated", 1.0)
    return Population(
        stacked([part.buildings for part in parts]),
        stacked([part.households for part in parts]),
        stacked([part.devices for part in parts]),
        stacked([part.staff for part in parts]),
        sum(part.retried for part in parts),
        sum(part.centred for part in parts),
    )


def _populate(home: District, locate: Locate, seed: int, first_row: int) -> Population:
    """Populate one district; `first_row` is the row of its first building in the whole table."""
    plan, here = home.plan, home.locally(locate)
    draw = partial(stream, seed, home.code)
    villagers = np.array([kind == "villagers" for kind in plan.levels[-2].kinds], bool)
    settings = forms.settings(plan, villagers[home.community])
    stock = housing.build(plan.households, settings, cadastre.exclusive_use(plan), draw("housing"))
    sited = buildings.site(plan, stock, settings, here, draw("sites"))
    built = cadastre.building_table(home, sited, settings, draw("names"))
    sizes = households.sizes(plan.households, plan.people, draw("people"))
    homes = households.settle(sited.stock, sizes, first_row)
    things = devices.install(sited, home.code, built.column("code"), settings, here, draw("devices"))
    posts = staff.roster(home, draw("staff"))
    return Population(built, homes, things, posts, sited.retried, sited.centred)
