"""Random damage to small cities: what a hand, a program or a file format may do to corners and polygons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from random_city import City, as_polygonal, random_city

from gridmap.coverage.partition import Partition, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.types import FloatArray, Geometries

    Move = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Damaged:
    """A city that was damaged once to three times, perhaps with outlines given, perhaps damaged, too."""

    city: City
    grids: Geometries
    given: dict[str, Geometries]

    @property
    def valid(self) -> bool:
        """Whether all its polygons are valid by themselves."""
        return all(bool(shapely.is_valid(shapes).all()) for shapes in (self.grids, *self.given.values()))

    def partition(self) -> Partition:
        """The damaged city as a partition."""
        return partition_of(self.city.tables, {**self.given, "grid": self.grids})

    def outlines(self) -> dict[str, tuple[Geometries, list[list[int]]]]:
        """By level the outlines given and the rows of the grids in each, as the oracle wants them."""
        codes = self.city.tables[-1].codes
        tables = {table.level: table for table in self.city.tables}
        return {
            level: (
                shapes,
                [
                    [n for n, grid in enumerate(codes) if grid.startswith(code)]
                    for code in tables[level].codes
                ],
            )
            for level, shapes in self.given.items()
        }


def damaged_city(seed: int) -> Damaged:
    """A damaged city; tiny ones are made of coincidences, larger ones look like cities."""
    random = np.random.default_rng(seed)
    size = int(random.choice([8, 14, 30, 100]))
    city = random_city(seed, size=size, lines=int(random.integers(1, 5)), loops=int(random.integers(0, 3)))
    given = {level: shapes.copy() for level, shapes in city.outlines.items() if random.random() < 0.5}
    grids = city.grids.copy()
    for _ in range(random.integers(1, 4)):
        _damage(random, [*given.values(), grids])
    return Damaged(city, grids, given)


def _damage(random: np.random.Generator, levels: list[Geometries]) -> None:
    shapes = levels[random.integers(len(levels))]
    one, other = random.integers(len(shapes), size=2)
    move = _a_move(random, shapes[one])
    match random.integers(7):
        case 0:
            shapes[one] = shapely.transform(shapes[one], move)
        case 1:
            for every in levels:
                every[:] = shapely.transform(every, move)
        case 2:
            levels[-1][:] = shapely.transform(levels[-1], move)
        case 3:
            shapes[one] = _redrawn(random, shapes[one], more=True)
        case 4:
            shapes[one] = _redrawn(random, shapes[one], more=False)
        case 5:
            shapes[one] = shapes[other]
        case _:
            shapes[one], shapes[other] = shapes[other], shapes[one]


def _a_move(random: np.random.Generator, shape: shapely.Geometry) -> Move:
    """Moves one corner of a shape by up to two units, wherever it stands."""
    xy = shapely.get_coordinates(shape)
    corner = xy[random.integers(len(xy))]
    by = random.integers(-2, 3, 2)
    return lambda xy: np.where((xy == corner).all(axis=1)[:, None], xy + by, xy)


def _redrawn(random: np.random.Generator, shape: shapely.Geometry, *, more: bool) -> shapely.Geometry:
    """The shape with a corner more, near the middle of a side, or with a corner less."""
    parts = list(shapely.get_parts(shape))
    number = int(random.integers(len(parts)))
    rings = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(parts[number])]
    chosen = int(random.integers(len(rings)))
    xy = rings[chosen]
    at = int(random.integers(len(xy)))
    if more:
        middle = np.floor((xy[at - 1] + xy[at]) / 2) + random.integers(0, 2, 2) * (random.random() < 0.3)
        rings[chosen] = np.insert(xy, at, middle, axis=0)
    elif len(xy) > 3:
        rings[chosen] = np.delete(xy, at, axis=0)
    parts[number] = shapely.Polygon(rings[0], rings[1:])
    return as_polygonal(shapely.MultiPolygon(parts))
