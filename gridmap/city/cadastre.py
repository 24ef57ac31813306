"""The register of buildings: their table with codes, names and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridmap.city import addresses, forms
from gridmap.city.columns import category, joined, padded, table, words
from gridmap.city.grid_names import short_name

if TYPE_CHECKING:
    from gridmap.city.buildings import Sited
    from gridmap.city.columns import Column, Table
    from gridmap.city.districts import District
    from gridmap.city.plan import CityPlan
    from gridmap.types import Int64Array


def exclusive_use(plan: CityPlan) -> Int64Array:
    """Give the use an exclusive grid is for, by its name (else "public"); -1 for basic grids."""
    level = plan.levels[-1]
    uses = np.full(len(level.codes), -1)
    for row, (kind, name) in enumerate(zip(level.kinds, level.names, strict=True)):
        if kind == "exclusive":
            word = next((word for word in addresses.USE_WORDS if word in name), "")
            uses[row] = forms.USES.index(addresses.USE_WORDS.get(word, "public"))
    return uses


def building_table(home: District, sited: Sited, settings: Int64Array, rng: np.random.Generator) -> Table:
    """Make the building table of a district, ordered by code.

    A code is the community's 12 digits and a serial number of 6 digits in the community. The grid is in no
    column: it changes, and the lookup knows it.
    """
    stock = sited.stock
    community = home.community[stock.grid]
    serial = np.arange(len(community)) - np.searchsorted(community, community)
    name, address = _names(home, sited, settings, serial, rng)
    codes = home.plan.levels[-2].codes
    return table(
        {
            "code": joined(words(codes, community), padded(serial + 1, 6)),
            "community": category(codes, community),
            "x": sited.x,
            "y": sited.y,
            "width_m": stock.width_m.astype(np.float32),
            "depth_m": stock.depth_m.astype(np.float32),
            "bearing_deg": sited.bearing_deg.astype(np.int16),
            "floors": stock.floors.astype(np.uint8),
            "units": stock.units.astype(np.uint8),
            "use": category(forms.USES, stock.use),
            "name": name,
            "address": address,
        }
    )


def _names(
    home: District, sited: Sited, settings: Int64Array, serial: Int64Array, rng: np.random.Generator
) -> tuple[Column, Column]:
    """Names and addresses: in the country every hamlet is a block of names, elsewhere every grid."""
    district, town, community, _ = home.plan.levels
    grid = sited.stock.grid
    rural = settings[grid] == forms.RURAL
    starts = (np.diff(grid, prepend=-1) != 0) | (rural & (np.diff(sited.cluster, prepend=-1) != 0))
    block = np.cumsum(starts) - 1
    number = np.arange(len(grid)) - np.flatnonzero(starts)[block] + 1
    of = home.community[grid]
    prefixes = [district.names[0] + town.names[row] for row in home.town]
    spots = addresses.Spots(
        of, rural, sited.stock.use, block - block[np.searchsorted(of, of)], number, serial
    )
    named: tuple[Column, Column] = addresses.name_and_address(
        spots, prefixes, [short_name(name) for name in community.names], rng
    )
    return named
