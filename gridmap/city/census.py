"""Households and people of the planned grids, so that every district's sum is its census figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.apportion import apportion

if TYPE_CHECKING:
    from gridmap.city.registry import District
    from gridmap.types import FloatArray, Int64Array

CITY_WEIGHT = 2.6
"""Households of a grid in the densest streets against one in empty country (about 400 against 150)."""
CITY_KM2 = 0.12
"""A grid of this size is half urban: 350 m wide."""
FEWEST_HOUSEHOLDS = 12
"""No basic grid has fewer, however remote."""


def share_households(
    district: District, room_km2: FloatArray, exclusive: int, rng: np.random.Generator
) -> Int64Array:
    """Planned households of the basic grids, whose areas are given, then of `exclusive` exclusive ones.

    They sum to the district's figure. Small grids are dense ones and get more; most exclusive grids get
    none, the others a handful.
    """
    urban = 1 / (1 + room_km2 / CITY_KM2)
    weight = (1 + (CITY_WEIGHT - 1) * urban) * rng.lognormal(0.0, 0.22, len(room_km2))
    few = np.where(rng.random(exclusive) < 0.3, rng.integers(1, 16, exclusive), 0)
    basic = apportion(district.households - int(few.sum()), weight, FEWEST_HOUSEHOLDS)
    return np.concatenate([basic, few])


def share_people(district: District, households: Int64Array, rng: np.random.Generator) -> Int64Array:
    """People of each grid: about the district's mean household size each, at least one per household."""
    weight = households * np.clip(rng.normal(1.0, 0.08, len(households)), 0.75, 1.25)
    return apportion(district.people, weight, households)
