"""Large made-up cities for benchmarks: wiggly meshes of grids, compact or spread over a province."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.coverage.partition import level_table

if TYPE_CHECKING:
    from gridmap.coverage.partition import LevelTable
    from gridmap.types import FloatArray, Geometries

CORNERS = 9
"""Corners within each of the four sides of a grid."""

STEP = 16_000
"""The width of a grid in lattice units, about 160 m."""

WEST, SOUTH = 1_060_000_000, 290_000_000


def mesh(side: int, seed: int = 1, step: float = STEP, corner: tuple[int, int] = (WEST, SOUTH)) -> Geometries:
    """A square of grids with shared wiggly borders, row by row, in lattice units."""
    random = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1) * float(step)
    nodes = nodes + random.uniform(-step / 10, step / 10, nodes.shape)
    east = _wiggly(random, nodes[:, :-1], nodes[:, 1:], step)
    north = _wiggly(random, nodes[:-1], nodes[1:], step)
    rings = np.concatenate(
        [
            east[:-1, :, :-1],
            north[:, 1:, :-1],
            east[1:, :, :0:-1],
            north[:, :-1, :0:-1],
        ],
        axis=2,
    )
    rings = np.concatenate([rings, rings[:, :, :1]], axis=2) + np.array(corner)
    return np.asarray(shapely.polygons(rings.reshape(side * side, -1, 2)), dtype=object)


def province(towns: int = 41, seed: int = 2) -> Geometries:
    """As many meshes of 40 x 40 grids in a box of 5.2 by 4.2 degrees, their grids 155 m to 2.6 km wide."""
    random = np.random.default_rng(seed)
    steps = np.geomspace(155, 2_600, towns) * 100  # about 100 lattice units are a metre
    places = random.permutation(49)[:towns]
    corners = np.stack([places % 7, places // 7], axis=1) * np.array([7_400_000, 6_000_000])
    shapes = []
    for step, corner in zip(steps, corners, strict=True):
        side = 40 if step < 140_000 else 20
        shapes.append(mesh(side, seed, step, (WEST - 10_000_000 + int(corner[0]), SOUTH + int(corner[1]))))
    return np.concatenate(shapes)


def _wiggly(random: np.random.Generator, begin: FloatArray, end: FloatArray, step: float) -> FloatArray:
    """Lines between nodes with corners beside the straight line, whole numbers, ends included."""
    share = np.linspace(0, 1, CORNERS + 2)[:, None]
    lines = begin[..., None, :] * (1 - share) + end[..., None, :] * share
    lines += random.uniform(-step / 40, step / 40, lines.shape) * np.sin(
        np.pi * share
    )  # straight towards the nodes
    return np.rint(lines)


def tables_of(side: int) -> tuple[LevelTable, ...]:
    """Four levels: grids in communities of about six, towns of about sixty, one district for ten towns."""
    codes: dict[str, list[str]] = {"district": [], "town": [], "community": [], "grid": []}
    for number in range(side * side):
        y, x = divmod(number, side)
        community = f"5001{y // 24:02}{x // 24 + 1:03}{y // 2 % 12 * 12 + x // 3 % 8 + 1:03}"
        codes["grid"].append(f"{community}{y % 2 * 3 + x % 3 + 1:03}")
    for level, length in (("community", 12), ("town", 9), ("district", 6)):
        codes[level] = sorted({code[:length] for code in codes["grid"]})
    return tuple(
        level_table(
            level, mine, mine, [""] * len(mine), [code[:-3] if level != "district" else None for code in mine]
        )
        for level, mine in codes.items()
    )
