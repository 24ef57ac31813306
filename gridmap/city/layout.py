"""The lines of one district: outline, zone borders, bent borders between grids, rings.

Everything here depends on the district and the seed alone, never on which other districts are built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.borders import bent_borders, voronoi
from gridmap.city.metres import to_metres, to_units
from gridmap.city.rings import draw_rings
from gridmap.city.sites import place_sites
from gridmap.city.terrain import raw_zones, settle_zones

if TYPE_CHECKING:
    from gridmap.city.borders import Diagram
    from gridmap.city.registry import District
    from gridmap.city.rings import Rings
    from gridmap.city.sites import Sites
    from gridmap.city.terrain import Terrain, Zones
    from gridmap.types import FloatArray, Geometries

EXCLUSIVE_SHARE = 0.015
"""Share of the grids that are exclusive: markets, schools, hospitals, parks."""


@dataclass(frozen=True)
class Layout:
    """What is drawn of one district before anything is noded.

    `room_km2` float64[seeds] is about the area of each seed's grid, as far from an outline as it was in the
    open; `lines` are LineStrings in lattice units.
    """

    district: District
    sites: Sites
    room_km2: FloatArray
    zones: Zones
    rings: Rings
    lines: Geometries


def lay_out(district: District, outline: shapely.MultiPolygon, terrain: Terrain, seed: int) -> Layout:
    """Draw the lines of a district inside its outline (lattice units); the same seed draws the same ones."""
    rng = np.random.default_rng([seed, int(district.code)])
    exclusive = round(EXCLUSIVE_SHARE * district.grids)
    flat = shapely.transform(outline, to_metres)
    sites = place_sites(district, flat, district.grids - exclusive, rng)
    zones = settle_zones(raw_zones(outline, terrain), to_units(sites.seeds))
    diagram = voronoi(sites.seeds)
    borders = bent_borders(sites.seeds, diagram, outline, seed)
    edge = shapely.get_rings(shapely.get_parts(outline))
    rivers = shapely.get_parts(shapely.get_parts(shapely.intersection(terrain.rivers, outline)))
    fixed = np.concatenate([edge, zones.barriers])
    rings = draw_rings(sites.seeds, diagram, (edge, zones.barriers), rivers, exclusive, rng)
    lines = np.concatenate([fixed, borders, shapely.get_exterior_ring(rings.shapes)])
    return Layout(district, sites, _room(diagram, len(sites.seeds)), zones, rings, lines)


def _room(diagram: Diagram, count: int) -> FloatArray:
    """The area in km2 of a regular hexagon whose sides are as far from the seed as its borders on average.

    Not the area of the polygon: that changes by a square centimetre with every vertex a neighbour adds, and
    a household would move with it.
    """
    seed = diagram.pairs.ravel()
    logs = np.repeat(np.log(diagram.height / 1000), 2)
    mean = np.bincount(seed, weights=logs, minlength=count) / np.maximum(
        np.bincount(seed, minlength=count), 1
    )
    return np.asarray(2 * np.sqrt(3) * np.exp(2 * mean))
