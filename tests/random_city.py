"""Small random cities: every shape that a real one can have, in a few dozen vertices.

Random lines in a box are noded on the lattice by shapely (`union_all(grid_size=1)`), polygonised, and the
faces merged at random into grids: some with several parts, holes, enclaves. A few faces at the outside are
dropped, so that the border is ragged and the city may fall apart. Loops inside make holes with fillers.
Nothing of gridmap's own topology is used here. All coordinates are even, so that middles are lattice points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridmap.coverage.partition import LevelTable, Partition, level_table, partition_of
from gridmap.model import LEVELS
from gridmap.types import FloatArray, Geometries

CORNER = np.array([1_065_000_000, 295_000_000], np.float64)


@dataclass(frozen=True)
class City:
    """A city in lattice units: polygons by row of the grid table, and the outlines of the levels above."""

    tables: tuple[LevelTable, ...]
    grids: Geometries
    outlines: dict[str, Geometries]

    def partition(self, *, given: bool) -> Partition:
        """The city as a partition, with or without the outlines of the levels above."""
        return partition_of(self.tables, {**(self.outlines if given else {}), "grid": self.grids})


def random_city(seed: int, *, size: int = 600, lines: int = 7, merged: float = 0.4, loops: int = 3) -> City:
    """A random city; the same seed gives the same one."""
    random = np.random.default_rng(seed)
    faces = _faces(random, size, lines, loops)
    faces = _without_some_outside(random, faces, size)
    grids = _merged(random, faces, merged)
    return governed(random, grids)


def governed(random: np.random.Generator, grids: Geometries) -> City:
    """Put grids into communities, towns and one or two districts at random, with national codes."""
    counts = [0, 0, 0, len(grids)]
    for depth in (2, 1, 0):
        counts[depth] = int(random.integers(1, max(2, min(12, counts[depth + 1] // 2) + 1)))
    codes = [[f"5009{number:02}" for number in range(1, counts[0] + 1)]]
    for depth in (1, 2, 3):
        parents = [codes[depth - 1][i] for i in random.integers(0, counts[depth - 1], counts[depth])]
        parents[: counts[depth - 1]] = codes[depth - 1]  # nobody without a child
        number = dict.fromkeys(codes[depth - 1], 0)
        codes.append([])
        for parent in parents:
            number[parent] += 1
            codes[depth].append(f"{parent}{number[parent]:03}")
        codes[depth].sort()
    tables = tuple(
        level_table(
            level,
            codes[depth],
            [f"name of {code}" for code in codes[depth]],
            [""] * counts[depth],
            [code[:-3] if depth else None for code in codes[depth]],
        )
        for depth, level in enumerate(LEVELS)
    )
    return City(tables, grids, outlines(tables, grids))


def outlines(tables: tuple[LevelTable, ...], grids: Geometries) -> dict[str, Geometries]:
    """The outlines of the levels above the grids, united by shapely from the codes."""
    grid_codes = np.array(tables[-1].codes)
    out = {}
    for table in tables[:-1]:
        shapes = [
            shapely.coverage_union_all(grids[np.char.startswith(grid_codes, code)]) for code in table.codes
        ]
        out[table.level] = np.array([as_polygonal(shape) for shape in shapes], dtype=object)
    return out


def as_polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygon or multipolygon that a collection of polygons is."""
    parts = shapely.get_parts(shape)
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))


def _faces(random: np.random.Generator, size: int, lines: int, loops: int) -> Geometries:
    box = shapely.box(0, 0, size, size).exterior
    drawn: list[shapely.Geometry] = [box]
    for _ in range(lines):
        ends = random.uniform(0, size, (2, 2))
        side = random.integers(0, 2)
        ends[:, side] = (0, size)
        bends = random.integers(0, 7)
        steps = np.sort(random.uniform(0, 1, bends))[:, None]
        points = ends[0] + steps * (ends[1] - ends[0]) + random.normal(0, size / 25, (bends, 2))
        drawn.append(shapely.LineString(np.clip(np.concatenate([ends[:1], points, ends[1:]]), 0, size)))
    drawn += [_loop(random, size) for _ in range(loops)]
    noded = shapely.union_all(drawn, grid_size=1)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return np.asarray(shapely.transform(faces, lambda xy: 2 * xy + CORNER), dtype=object)


def _loop(random: np.random.Generator, size: int) -> shapely.Geometry:
    corners = int(random.integers(3, 7))
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    radius: FloatArray = random.uniform(size / 50, size / 12, corners)
    middle = random.uniform(size / 8, size * 7 / 8, 2)
    ring = middle + np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    return shapely.LineString(np.concatenate([ring, ring[:1]]))


def _without_some_outside(random: np.random.Generator, faces: Geometries, size: int) -> Geometries:
    """Without a few of the faces that share an edge with the box, so that what is dropped is outside."""
    box = shapely.transform(shapely.box(0, 0, size, size).exterior, lambda xy: 2 * xy + CORNER)
    outside = shapely.length(shapely.intersection(faces, box)) > 1
    keep = ~(outside & (random.uniform(0, 1, len(faces)) < 0.15))
    return faces[keep] if keep.sum() > 3 else faces


def _merged(random: np.random.Generator, faces: Geometries, share: float) -> Geometries:
    """Join faces to a neighbour at random, and some to a far one."""
    owner = np.arange(len(faces))
    one, other = shapely.STRtree(faces).query(faces, predicate="touches")
    neighbours = shapely.length(shapely.intersection(faces[one], faces[other])) > 0
    pairs = np.stack([one[neighbours], other[neighbours]], axis=1)
    near = pairs[random.uniform(0, 1, len(pairs)) < share / 2]
    far = random.integers(0, len(faces), (random.integers(0, 3), 2))
    for a, b in np.concatenate([near, far]):
        if len(np.unique(owner)) > 4:
            owner[owner == owner[a]] = owner[b]
    grids = [as_polygonal(shapely.coverage_union_all(faces[owner == i])) for i in np.unique(owner)]
    return np.array(grids, dtype=object)[random.permutation(len(grids))]
