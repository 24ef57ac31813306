"""TopoJSON: arcs are shared between neighbours and levels, in whole numbers, and come back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from planted import OUTSIDE, PLANTERS, Planter
from random_city import random_city
from town import toytown

from gridmap.boundaries.areas import read_areas, write_areas
from gridmap.boundaries.rows import Columns
from gridmap.coverage.canonical import to_bytes
from gridmap.coverage.partition import Partition, level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.errors import InputError

DATUM = "EPSG:4490"


def written(partition: Partition, path: Path, **options: Any) -> Any:
    write_areas(partition, path, **options)
    return json.loads(path.read_text(encoding="utf-8"))


def decoded(body: Any) -> dict[str, shapely.MultiPolygon]:
    """The slow, obvious reading of a topology: every area's polygon in lattice units, by code."""
    lines = [np.cumsum(np.array(arc), axis=0) for arc in body["arcs"]]

    def ring(numbers: list[int]) -> list[tuple[int, int]]:
        out: list[tuple[int, int]] = []
        for number in numbers:
            line = lines[number] if number >= 0 else lines[~number][::-1]
            points = [(int(x), int(y)) for x, y in line]
            assert not out or out[-1] == points[0]
            out += points[1:] if out else points
        assert out[0] == out[-1]
        return out

    found = {}
    for areas in body["objects"].values():
        for area in areas["geometries"]:
            parts = area["arcs"] if area["type"] == "MultiPolygon" else [area["arcs"]]
            rings = [[ring(numbers) for numbers in part] for part in parts]
            polygons = [shapely.Polygon(part[0], part[1:]) for part in rings]
            found[area["properties"]["code"]] = shapely.MultiPolygon(polygons)
    return found


def test_every_level_is_an_object_made_of_the_arcs_of_the_grids(tmp_path: Path) -> None:
    town = toytown()
    body = written(town, tmp_path / "town.topojson", synthetic=True)
    assert list(body["objects"]) == ["district", "town", "community", "grid"]
    assert len(body["arcs"]) == len(town.coverage)
    assert body["transform"] == {"scale": [1e-7, 1e-7], "translate": [0, 0]}
    assert all(type(k) is int for arc in body["arcs"] for point in arc for k in point)
    (district,) = body["objects"]["district"]["geometries"]
    properties = {"code": "500999", "name": "玩具区", "level": "district", "kind": "district"}
    marks = {"parent": None, "synthetic": True, "outlines": "made"}
    assert district["properties"] == {**properties, **marks}


@pytest.mark.parametrize("seed", range(20))
def test_the_polygons_are_those_of_the_partition(tmp_path: Path, seed: int) -> None:
    city = random_city(seed).partition(given=False)
    found = decoded(written(city, tmp_path / "city.topojson"))
    for depth, table in enumerate(city.levels):
        for code, polygon in zip(table.codes, city.polygons_at(depth), strict=True):
            assert found[code].is_valid
            assert found[code].equals(polygon)
            for part in found[code].geoms:  # the way round that d3 wants
                assert not part.exterior.is_ccw
                assert all(hole.is_ccw for hole in part.interiors)


def test_a_level_alone_has_only_its_own_borders(tmp_path: Path) -> None:
    town = toytown()
    body = written(town, tmp_path / "towns.topojson", level="town")
    assert list(body["objects"]) == ["town"]
    assert len(body["arcs"]) == len(town.coverage_at(1)) < len(town.coverage)
    areas = read_areas(tmp_path / "towns.topojson", datum=DATUM)
    assert areas.partition().counts == {"town": 2}


@pytest.mark.parametrize("planter", [*PLANTERS, *OUTSIDE], ids=lambda planter: planter.__name__)
def test_a_city_with_a_defect_comes_back_with_it(tmp_path: Path, planter: Planter) -> None:
    """Overlaps, areas without a shape, outlines that differ: what is written is what is read."""
    for seed in range(3):
        for given in (False, True):
            plant = planter(random_city(1000 + seed, size=300), np.random.default_rng(seed), given)
            if plant is None:
                continue
            city = plant.areas.partition()
            write_areas(city, tmp_path / "city.topojson")
            again = read_areas(tmp_path / "city.topojson", datum=DATUM).partition()
            assert to_bytes(again) == to_bytes(city)
            if given:
                assert examine(again).findings == examine(city).findings


def test_levels_may_be_called_anything(tmp_path: Path) -> None:
    square = np.array([shapely.box(0, 0, 10, 10)])
    tables = [
        level_table('the "city"', ["a"], ["a"], ["x"], [None]),
        level_table("quarter \\ 街区", ["b"], ["b"], ["x"], ["a"]),
    ]
    city = partition_of(tables, {"quarter \\ 街区": square})
    write_areas(city, tmp_path / "city.topojson")
    assert to_bytes(read_areas(tmp_path / "city.topojson", datum=DATUM).partition()) == to_bytes(city)


def test_objects_of_other_people_are_not_mixed(tmp_path: Path) -> None:
    shape = {"type": "Polygon", "arcs": [[0]], "properties": {"id": "a"}}
    objects = {name: {"type": "GeometryCollection", "geometries": [shape]} for name in ("land", "lakes")}
    ring = [[106.5, 29.5], [106.6, 29.5], [106.6, 29.6], [106.5, 29.5]]
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps({"type": "Topology", "objects": objects, "arcs": [ring]}))
    with pytest.raises(InputError, match=r"has 2 layers with shapes \(land, lakes\)"):
        read_areas(path, Columns(("id",)), datum=DATUM)
