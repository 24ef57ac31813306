"""What lies in a polygon, against looking at every grid and every point in whole numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from checked import Checked
from oracles import segments_of
from random_city import random_city
from town import GRIDS, SOUTH, STEP, WEST, toytown
from webtown import Held, make_twin

from gridmap.coverage.measures import area_m2
from gridmap.errors import InputError
from gridmap.index.index import GridIndex
from gridmap.inventory import NOTHING, Buildings, Inventory
from gridmap.lattice import SCALE
from gridmap.model import Device
from gridmap.within import Contents, lattice_shape

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from gridmap.types import Geometries, Int64Array

GEOJSON = "application/geo+json"


def covers(shape: shapely.Geometry, x: int, y: int) -> bool:
    """Even-odd in whole numbers, the border included: as the oracle of the index has it."""
    inside = False
    for (ax, ay), (bx, by) in segments_of(shape):
        side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if side == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        if (ay > y) != (by > y) and (side > 0) == (by > ay):
            inside = not inside
    return inside


def furnished(seed: int, grids: Geometries, count: int = 400) -> Inventory:
    """Buildings and devices anywhere around, on corners and on sides."""
    random = np.random.default_rng(seed)
    corners = shapely.get_coordinates(grids)
    low, high = corners.min(axis=0) - 30, corners.max(axis=0) + 30
    middles = (corners[1:] + corners[:-1]) // 2
    places = np.concatenate(
        [random.permutation(each)[:count] for each in (corners, middles)]
        + [random.integers(low, high, (count, 2))]
    ).astype(np.int32)
    xs, ys = places[:, 0].copy(), places[:, 1].copy()
    buildings = Buildings(xs, ys, random.integers(0, 90, len(xs)), random.integers(0, 300, len(xs)))
    kinds = ["camera", "smoke", "lift"]
    devices = [
        Device(f"d{at}", kinds[at % 3], int(x), int(y), None)
        for at, (x, y) in enumerate(places[::3].tolist())
    ]
    return Inventory(buildings, tuple(devices), has_staff=False)


def shapes_of(seed: int, grids: Geometries) -> list[BaseGeometry]:
    """Boxes, grids themselves, unions of grids, rings with holes, and shapes along corners of grids."""
    random = np.random.default_rng(seed)
    corners = shapely.get_coordinates(grids).astype(int)
    out: list[BaseGeometry] = [grids[random.integers(len(grids))] for _ in range(3)]
    out.append(shapely.union_all(random.permutation(grids)[: len(grids) // 2]))
    for _ in range(6):
        a, b = random.permutation(corners)[:2]
        (west, south), (east, north) = np.minimum(a, b), np.maximum(a, b)
        if west < east and south < north:
            box = shapely.box(west, south, east, north)
            out.append(box)
            out.append(box.difference(grids[random.integers(len(grids))]))
        hull = shapely.MultiPoint(random.permutation(corners)[:5]).convex_hull
        out.append(hull)
    return [
        each
        for each in out
        if each.geom_type in ("Polygon", "MultiPolygon")
        and each.is_valid
        and not each.is_empty
        and (shapely.get_coordinates(each) % 1 == 0).all()
    ]


def check(contents: Contents, held: Inventory, grids: Geometries, shape: shapely.Geometry) -> None:
    found = contents.within(shape)
    touched = [row for row, grid in enumerate(grids) if shapely.intersects(shape, grid)]
    assert found.rows.tolist() == touched
    for row, share, whole in zip(touched, found.shares.tolist(), found.whole.tolist(), strict=True):
        assert whole == shapely.covers(shape, grids[row])
        plain = shapely.intersection(shape, grids[row]).area / grids[row].area
        assert share == pytest.approx(plain, abs=1e-4)
        assert (share == 1.0) or not whole
    assert held.buildings is not None
    places: Int64Array = np.column_stack([held.buildings.xs, held.buildings.ys]).astype(np.int64)
    inside = np.array([covers(shape, x, y) for x, y in places.tolist()])
    assert found.buildings == inside.sum()
    assert held.buildings.households is not None
    assert held.buildings.people is not None
    assert found.households == held.buildings.households[inside].sum()
    assert found.people == held.buildings.people[inside].sum()
    kinds = [each.kind for each in held.devices if covers(shape, each.x, each.y)]
    assert found.devices == {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    assert found.area_m2 == pytest.approx(area_m2(shape))


@pytest.mark.parametrize("seed", range(8))
def test_random_cities(seed: int) -> None:
    grids = random_city(seed).grids
    held = furnished(seed, grids)
    index = GridIndex.build(shapely.transform(grids, lambda xy: xy / SCALE))
    areas = np.array([area_m2(grid) for grid in grids])
    contents = Contents(grids, areas, index, held)
    shapes = shapes_of(seed, grids)
    assert len(shapes) > 6
    for shape in shapes:
        check(contents, held, grids, shape)


def test_a_city_of_which_only_the_areas_are_known() -> None:
    town = toytown()
    grids = town.polygons_at(3)
    contents = Contents(grids, np.ones(len(grids)), GridIndex.from_coverage(town.coverage), NOTHING)
    found = contents.within(shapely.box(WEST, SOUTH, WEST + STEP, SOUTH + STEP))
    assert (found.buildings, found.households, found.people, found.devices) == (None, None, None, {})


# --- over HTTP


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A box on Toytown's plan as GeoJSON."""
    lons = [round(106.5 + each / 1000, 7) for each in (west, east)]
    lats = [round(29.5 + each / 1000, 7) for each in (south, north)]
    ring = [
        [lons[0], lats[0]],
        [lons[1], lats[0]],
        [lons[1], lats[1]],
        [lons[0], lats[1]],
        [lons[0], lats[0]],
    ]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture(name="held", scope="module")
def _held() -> Inventory:
    return furnished(1, toytown().polygons_at(3))


@pytest.fixture(name="web", scope="module")
def _web(held: Inventory) -> Checked:
    return Checked(make_twin(source=Held(held)))


def ask(web: Checked, shape: object, status: int = 200, kind: str = GEOJSON) -> Any:
    return web.json("/within", status, method="POST", data=json.dumps(shape), content_type=kind)


def test_a_square_of_toytown(web: Checked, held: Inventory) -> None:
    found = ask(web, square(0, 0, 2, 3))
    # A corner is enough to touch.
    assert {each["code"]: (round(each["share"], 3), each["whole"]) for each in found["grids"]} == {
        "500999001001001": (pytest.approx(1.88 / 3.64, abs=0.01), False),
        "500999001001002": (0.0, False),
        "500999001001901": (pytest.approx(1 / 3, abs=0.01), False),
        "500999001002001": (1.0, True),
        "500999001002002": (0.0, False),
    }
    assert held.buildings is not None
    xs, ys = held.buildings.xs, held.buildings.ys
    inside = (xs >= WEST) & (xs <= WEST + 2 * STEP) & (ys >= SOUTH) & (ys <= SOUTH + 3 * STEP)
    assert found["buildings"] == inside.sum() > 0
    assert held.buildings.households is not None
    assert found["households"] == held.buildings.households[inside].sum()
    assert found["devices"] == sum(found["devices_by_kind"].values()) > 0
    assert (found["edition"], found["proven"]) == (7, True)


def test_features_and_multipolygons_and_plain_json(web: Checked) -> None:
    shape = square(0, 0, 8, 4)
    whole = ask(web, shape)
    assert len(whole["grids"]) == len(GRIDS)
    two = [square(0, 0, 4, 4)["coordinates"], square(5, 0, 8, 4)["coordinates"]]
    halves = ask(web, {"type": "MultiPolygon", "coordinates": two})
    assert halves["area_m2"] < whole["area_m2"]
    assert ask(web, {"type": "Feature", "properties": {}, "geometry": shape}) == whole
    assert ask(web, shape, kind="application/json") == whole


def test_the_area_of_a_grid_holds_the_grid(web: Checked) -> None:
    for code in GRIDS:
        feature = web.json(f"/areas/{code}?f=geojson")
        found = ask(web, feature)
        assert [each["code"] for each in found["grids"] if each["whole"]] == [code]
        assert found["area_m2"] == pytest.approx(feature["properties"]["measures"]["area_m2"], abs=0.01)


OPEN_RING = [[[106, 29], [107, 29], [107, 30], [106, 30]]]
BOW_TIE = [[[106, 29], [107, 30], [107, 29], [106, 30], [106, 29]]]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"type": "Point", "coordinates": [106, 29]}, "Point"),
        ({"type": "FeatureCollection", "features": []}, "FeatureCollection"),
        ({"type": "Feature", "geometry": None}, "None"),
        ({"type": "Polygon"}, "coordinates"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "ring"),
        ({"type": "Polygon", "coordinates": [[[106, 29], [107, 29], [106, 29]]]}, "four"),
        ({"type": "Polygon", "coordinates": [[[106, 29], [107, "x"], [107, 30], [106, 29]]]}, "position"),
        ({"type": "Polygon", "coordinates": [[[106, 29], [107, True], [107, 30], [106, 29]]]}, "position"),
        ({"type": "Polygon", "coordinates": OPEN_RING}, "closed"),
        ({"type": "Polygon", "coordinates": BOW_TIE}, "106.5 29.5"),
        ({"type": "Polygon", "coordinates": [[[181, 29], [107, 29], [107, 30], [181, 29]]]}, "181"),
        ({"type": "Polygon", "coordinates": [[[106, 29], [1e999, 29], [107, 30], [106, 29]]]}, "longitude"),
        (
            {
                "type": "Polygon",
                "coordinates": [[[106, 29], [106.00000001, 29], [106, 29.00000001], [106, 29]]],
            },
            "valid",
        ),
    ],
)
def test_what_is_no_polygon_is_refused(web: Checked, value: object, said: str) -> None:
    problem = ask(web, value, 400)
    assert problem["parameter"] == "geometry"
    assert said in problem["detail"]


def test_too_many_vertices_are_refused_with_the_limit(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_WITHIN_VERTICES", "4")
    problem = ask(web, square(0, 0, 1, 1), 413)
    assert problem["limit"] == 4
    assert "GRIDMAP_WITHIN_VERTICES" in problem["detail"]


def test_counts_are_for_our_own_pages_only(web: Checked) -> None:
    reply = web.ask("/within", method="POST", data=json.dumps(square(0, 0, 1, 1)), content_type=GEOJSON)
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"
    assert web.ask("/within", 405).headers["Allow"] == "OPTIONS, POST"
    assert web.ask("/within", 204, "OPTIONS").headers["Allow"] == "OPTIONS, POST"


def test_rounding_to_the_lattice_is_said_where_it_breaks_a_polygon() -> None:
    with pytest.raises(InputError, match="geometry: is no valid polygon"):
        lattice_shape(shapely.Polygon([(0, 0), (1e-8, 0), (1e-8, 1e-8)]))
    assert shapely.area(lattice_shape(shapely.box(0, 0, 1e-7, 1e-7))) == 1
