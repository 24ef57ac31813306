"""The forms of houses: how the Chinese city builds, and which forms stand in which neighbourhood.

All figures are plausible ranges for Chongqing, made up from common building types (GB 50352 calls 10-27 m
multi-storey, 27 m and more high-rise); none of them is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.city.plan import CityPlan
    from gridmap.types import BoolArray, FloatArray, Int64Array


@dataclass(frozen=True)
class Form:
    """A form of house as ranges, both ends included.

    `rooms` counts the flats per floor and unit, the metres of width are per unit.
    `lived_in` is the share of flats with a household: in a farmhouse a family often has several floors,
    elsewhere some flats stand empty.
    """

    name: str
    units: tuple[int, int]
    floors: tuple[int, int]
    rooms: tuple[int, int]
    width_m: tuple[float, float]
    depth_m: tuple[float, float]
    lived_in: tuple[float, float] = (0.82, 1.0)


FORMS: Final = (
    Form("house", (1, 1), (2, 3), (1, 1), (9.0, 15.0), (7.0, 11.0), (0.6, 1.0)),
    Form("row house", (1, 1), (3, 5), (2, 2), (8.0, 14.0), (10.0, 12.0)),
    Form("walk-up", (2, 4), (6, 8), (2, 2), (13.0, 16.0), (11.0, 13.0)),
    Form("slab", (2, 3), (11, 18), (2, 3), (16.0, 20.0), (14.0, 16.0)),
    Form("tower", (1, 2), (24, 33), (4, 8), (24.0, 32.0), (20.0, 26.0)),
)
FORM_LIMITS: Final = (3, 8, 32, 72)
"""The most households that every building of a form has flats for, from house to slab."""

RURAL, TOWN, URBAN, DENSE = range(4)
SETTINGS: Final = ("rural", "town", "urban", "dense")
MIXES: Final = np.array(
    [
        [0.95, 0.04, 0.01, 0.00, 0.00],
        [0.35, 0.37, 0.25, 0.03, 0.00],
        [0.00, 0.10, 0.50, 0.25, 0.15],
        [0.00, 0.05, 0.25, 0.30, 0.40],
    ]
)
"""Share of each form among the houses of a setting."""
USES: Final = (
    "residential",
    "shop",
    "school",
    "hospital",
    "market",
    "office",
    "factory",
    "storage",
    "public",
)
OTHER_FORMS: Final = (
    Form("shop", (1, 1), (1, 2), (1, 1), (8.0, 20.0), (8.0, 12.0)),
    Form("school", (1, 1), (3, 5), (8, 8), (36.0, 60.0), (12.0, 16.0)),
    Form("hospital", (1, 1), (2, 9), (8, 8), (24.0, 50.0), (14.0, 18.0)),
    Form("market", (1, 1), (1, 2), (8, 8), (30.0, 50.0), (20.0, 30.0)),
    Form("office", (1, 1), (2, 18), (8, 8), (20.0, 40.0), (14.0, 20.0)),
    Form("factory", (1, 1), (1, 3), (1, 1), (40.0, 80.0), (18.0, 30.0)),
    Form("storage", (1, 1), (1, 1), (1, 1), (18.0, 36.0), (10.0, 16.0)),
    Form("public", (1, 1), (1, 3), (2, 2), (12.0, 28.0), (10.0, 16.0)),
)
"""The forms of the uses after "residential", in the order of `USES`."""
OTHER_RATES: Final = np.array(
    [
        [6.0, 0.4, 0.5, 0.15, 0.8, 0.8, 1.5, 0.8],
        [22.0, 0.5, 0.5, 0.40, 2.5, 2.0, 1.2, 0.8],
        [8.0, 0.4, 0.3, 0.25, 2.0, 1.0, 0.5, 0.6],
        [3.5, 0.3, 0.25, 0.20, 1.5, 0.1, 0.1, 0.4],
    ]
)
"""Buildings of each other use per 1,000 households, by setting."""

DENSITY_STEPS: Final = (1500.0, 8000.0)
"""People per km2 from which a neighbourhood is urban, and dense (1,500 is the census line between town and
city)."""


def settings(plan: CityPlan, villagers: BoolArray) -> Int64Array:
    """Give every grid its setting: rural, town, urban or dense.

    Density decides; below the urban line the kind of community does (`villagers`: a villagers' committee
    governs the grid).
    """
    step = np.digitize(plan.density, DENSITY_STEPS)
    return np.where(step == 0, np.where(villagers, RURAL, TOWN), step + TOWN).astype(np.int64)


def mean_households() -> FloatArray:
    """Give the households of an average building of each setting, to know how many to draw."""
    full = np.array(
        [np.prod([sum(ends) / 2 for ends in (f.units, f.floors, f.rooms, f.lived_in)]) for f in FORMS]
    )
    means: FloatArray = np.maximum(MIXES @ full, 1.0)
    return means
