r"""Toytown: nine grids drawn by hand, small enough to know by heart.

Run it to write data/toytown/toytown.geojson anew. Units are thousandths of a degree from the south-western
corner at 106.5, 29.5. Two streets' communities in the west, a village across the river in the east; a school
in a hole, a market between two grids, an enclave, an island.

      4 +-------+--------\\--------+------+
        |   A1  |   A2    \\  C1   |  C3  |
        | [sch] |         / [B2'] |      |   [C3']  island
      2 +-------+--------/--------+      |
        |   B1  |   B2   \\   C2  <mkt>   |
      0 +-------+---------\\-------+------+
        0       2         4       6      8
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import shapely

from gridmap.coverage.partition import LevelTable, Partition, partition_of
from gridmap.coverage.rings import in_degrees
from gridmap.types import Geometries

WEST, SOUTH, STEP = 1_065_000_000, 295_000_000, 10_000

DISTRICT = {"500999": "玩具区"}
TOWNS = {"500999001": "东街街道", "500999100": "河东镇"}
COMMUNITIES = {
    "500999001001": "学府社区",
    "500999001002": "南门社区",
    "500999100200": "桥头村",
}
SCHOOL = [(0.8, 2.8), (1.4, 2.8), (1.4, 3.4), (0.8, 3.4)]
ENCLAVE = [(4.8, 3.0), (5.2, 3.0), (5.2, 3.4), (4.8, 3.4)]
ISLAND = [(8.5, 1.0), (9.0, 1.0), (9.0, 1.5), (8.5, 1.5)]
GRIDS: dict[str, tuple[str, list[tuple[list[tuple[float, float]], list[list[tuple[float, float]]]]]]] = {
    "500999001001001": ("学府社区第1网格", [([(0, 2), (2, 2), (2, 4), (0, 4)], [SCHOOL])]),
    "500999001001002": ("学府社区第2网格", [([(2, 2), (3.9, 2), (4.1, 3), (4, 4), (2, 4)], [])]),
    "500999001001901": ("玩具小学", [(SCHOOL, [])]),
    "500999001002001": ("南门社区第1网格", [([(0, 0), (2, 0), (2, 2), (0, 2)], [])]),
    "500999001002002": (
        "南门社区第2网格",
        [([(2, 0), (4, 0), (4.2, 1), (3.9, 2), (2, 2)], []), (ENCLAVE, [])],
    ),
    "500999100200001": ("桥头村第1网格", [([(3.9, 2), (6, 2), (6, 4), (4, 4), (4.1, 3)], [ENCLAVE])]),
    "500999100200002": (
        "桥头村第2网格",
        [([(4, 0), (6, 0), (6, 0.6), (5.7, 1), (6, 1.4), (6, 2), (3.9, 2), (4.2, 1)], [])],
    ),
    "500999100200003": (
        "桥头村第3网格",
        [([(6, 0), (8, 0), (8, 4), (6, 4), (6, 2), (6, 1.4), (6.3, 1), (6, 0.6)], []), (ISLAND, [])],
    ),
    "500999100200901": ("河东农贸市场", [([(6, 0.6), (6.3, 1), (6, 1.4), (5.7, 1)], [])]),
}


def lattice_polygon(shell: list[tuple[float, float]], *holes: list[tuple[float, float]]) -> shapely.Polygon:
    """A polygon in lattice units from corners in thousandths of a degree."""
    return shapely.Polygon(_corners(shell), [_corners(hole) for hole in holes])


def grid_polygons() -> Geometries:
    """The nine grids in lattice units, in the order of their codes."""
    out = np.empty(len(GRIDS), dtype=object)
    for row, (_, parts) in enumerate(GRIDS.values()):
        shapes = [lattice_polygon(shell, *holes) for shell, holes in parts]
        out[row] = shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
    return out


def tables() -> tuple[LevelTable, ...]:
    """The areas of all four levels."""
    names = {code: name for code, (name, _) in GRIDS.items()}
    kinds = {code: "exclusive" if code[12] == "9" else "basic" for code in GRIDS}
    return (
        _table("district", DISTRICT, {"500999": "district"}),
        _table("town", TOWNS, {"500999001": "street", "500999100": "town"}),
        _table(
            "community", COMMUNITIES, {c: "villagers" if c[9] == "2" else "residents" for c in COMMUNITIES}
        ),
        _table("grid", names, kinds),
    )


def toytown() -> Partition:
    """Toytown as a partition."""
    return partition_of(tables(), {"grid": grid_polygons()})


def write(path: Path) -> None:
    """Write all areas as GeoJSON, a line each, so that a change can be read in a review."""
    town = toytown()
    lines = []
    for depth, table in enumerate(town.levels):
        for row, shape in enumerate(in_degrees(town.polygons_at(depth))):
            area = table.area(row)
            properties = {k: getattr(area, k) for k in ("code", "name", "level", "kind", "parent")}
            geometry = json.loads(shapely.to_geojson(shape))
            lines.append(
                json.dumps(
                    {"type": "Feature", "properties": properties, "geometry": geometry}, ensure_ascii=False
                )
            )
    path.write_text(
        '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8"
    )


def _corners(points: list[tuple[float, float]]) -> list[tuple[int, int]]:
    return [(WEST + round(x * STEP), SOUTH + round(y * STEP)) for x, y in points]


def _table(level: str, names: dict[str, str], kinds: dict[str, str]) -> LevelTable:
    return LevelTable(
        level,
        tuple(names),
        tuple(names.values()),
        tuple(kinds[code] for code in names),
        tuple(code[:-3] if level != "district" else None for code in names),
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
