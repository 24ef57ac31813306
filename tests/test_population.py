"""A made-up city's population: totals exact, all where the lookup says, the same for the same seed."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely

from gridmap.city import forms, households
from gridmap.city.districts import split
from gridmap.city.footprints import footprint
from gridmap.city.plan import CityPlan, LevelPlan
from gridmap.city.population import Population, populate
from gridmap.city.staff import ROLES
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.types import AnyArray, Geometries, Int32Array

DISTRICTS = ("500103", "500229")
SIDES = (15_000, 120_000)
"""Lattice units: the grids of the first district are about 155 m wide, those of the second about 1.2 km."""
ACROSS, DOWN = 12, 10


def quads(west: int, south: int, side: int, rng: np.random.Generator) -> list[Any]:
    """A partition of a rectangle into crooked quadrangles with shared corners, row by row."""
    corners = np.stack(np.meshgrid(np.arange(ACROSS + 1), np.arange(DOWN + 1)), axis=-1) * side
    inner = corners[1:-1, 1:-1]
    inner += rng.integers(-side // 4, side // 4, inner.shape)
    corners = corners + np.array([west, south])
    rings = [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]]
    return [shapely.Polygon(ring) for ring in np.stack(rings, axis=2).reshape(-1, 4, 2)]


def carved(grids: list[Any]) -> list[Any]:
    """The same with an exclusive grid cut out of the first one, and the second with a far part."""
    x, y = (int(value) for value in np.rint(shapely.get_coordinates(grids[0].centroid)[0]))
    market = shapely.box(x - 1500, y - 1500, x + 1500, y + 1500)
    x, y = (int(value) for value in np.rint(shapely.get_coordinates(grids[3].centroid)[0]))
    part = shapely.box(x - 900, y - 900, x + 900, y + 900)
    grids[0], grids[3] = grids[0].difference(market), grids[3].difference(part)
    grids[1] = shapely.multipolygons([grids[1], part])
    return [*grids, market]


@cache
def made_up_city() -> CityPlan:
    rng = np.random.default_rng(7)
    towns, communities, codes = [], [], []
    for number, district in enumerate(DISTRICTS):
        base = quads(1_065_000_000 + 10_000_000 * number, 295_500_000, SIDES[number], rng)
        pieces = carved(base) if number == 0 else base
        for place, shape in enumerate(pieces):
            town = f"{district}{place % 2 + 1:03d}"
            community = f"{town}{(1 if number == 0 else 200) + place % 6 // 2:03d}"
            codes.append((f"{community}{place + 1 if place < ACROSS * DOWN else 901:03d}", shape))
            towns.append(town)
            communities.append(community)
    codes.sort(key=lambda pair: pair[0])
    grids = [code for code, _ in codes]
    towns, communities = sorted(set(towns)), sorted(set(communities))
    polygons: Geometries = np.array([shape for _, shape in codes], dtype=object)
    levels = (
        LevelPlan("district", list(DISTRICTS), ["渝中区", "城口县"], ["district"] * 2, [None, None]),
        LevelPlan("town", towns, ["某街道"] * len(towns), ["street"] * len(towns), [c[:6] for c in towns]),
        LevelPlan(
            "community",
            communities,
            ["东街社区居民委员会" if code[9] == "0" else "水井村村民委员会" for code in communities],
            ["residents" if code[9] == "0" else "villagers" for code in communities],
            [code[:9] for code in communities],
        ),
        LevelPlan(
            "grid",
            grids,
            ["农贸市场" if code[12] == "9" else f"第{code[12:]}网格" for code in grids],
            ["exclusive" if code[12] == "9" else "basic" for code in grids],
            [code[:12] for code in grids],
        ),
    )
    counts = rng.integers(60, 500, len(grids))
    counts[5], counts[9], counts[11] = 0, 1, 2
    people = np.maximum(counts, np.rint(counts * rng.uniform(2.0, 3.3, len(grids)))).astype(np.int64)
    people[11] = 300  # a dormitory: more people than its two households may have
    area_km2 = shapely.area(polygons) * 0.0096486 * 0.0110852 / 1e6
    inside = shapely.get_coordinates(shapely.point_on_surface(polygons))
    centres = np.rint(inside).astype(np.int32)
    return CityPlan(levels, polygons, counts, people, people / area_km2, centres, ("made up",))


def lookup(grids: Geometries) -> Callable[[Int32Array, Int32Array], AnyArray]:
    """The plain lookup: the smallest row among the grids that cover a point, -1 where none does."""
    tree = shapely.STRtree(grids)

    def locate(xs: Int32Array, ys: Int32Array) -> AnyArray:
        points, rows = tree.query(shapely.points(xs, ys), predicate="intersects")
        found = np.full(len(xs), len(grids), np.int32)
        np.minimum.at(found, points, rows.astype(np.int32))
        return np.where(found == len(grids), -1, found)

    return locate


@cache
def population(seed: int = 1) -> Population:
    plan = made_up_city()
    return populate(plan, lookup(plan.grids), seed)


def numbers(table: Any, column: str) -> AnyArray:
    values: AnyArray = table.column(column).to_numpy()
    return values


def building_grids(people: Population) -> AnyArray:
    plan = made_up_city()
    return lookup(plan.grids)(numbers(people.buildings, "x"), numbers(people.buildings, "y"))


def test_every_grid_has_exactly_its_households_and_every_district_its_people() -> None:
    plan, people = made_up_city(), population()
    grid = building_grids(people)[numbers(people.households, "building")]
    counted = np.bincount(grid, minlength=len(plan.grids))
    assert counted.tolist() == plan.households.tolist()
    living = np.bincount(grid, numbers(people.households, "people"), minlength=len(plan.grids)).astype(int)
    district = np.array([code[:6] for code in plan.levels[-1].codes])
    for code in DISTRICTS:
        assert living[district == code].sum() == plan.people[district == code].sum()
    # Only the dormitory (300 people, 2 households) and those that house its people differ from the plan by
    # grid.
    differ = np.flatnonzero(living != plan.people)
    assert living[11] == 2 * households.MOST_PEOPLE
    assert np.abs(living - plan.people)[differ].sum() == 2 * (300 - living[11])


def test_no_two_households_share_a_flat_and_all_flats_exist() -> None:
    people = population()
    homes = people.households
    columns = [numbers(homes, name).astype(np.int64) for name in ("building", "unit", "floor", "room")]
    doors = list(zip(*(column.tolist() for column in columns), strict=True))
    assert doors == sorted(set(doors))
    assert (columns[1] >= 1).all()
    assert (columns[1] <= numbers(people.buildings, "units")[columns[0]]).all()
    assert (columns[2] <= numbers(people.buildings, "floors")[columns[0]]).all()
    assert set(np.unique(numbers(homes, "people"))) <= set(range(1, households.MOST_PEOPLE + 1))
    use = np.array(people.buildings.column("use").to_pylist())
    assert set(np.flatnonzero(use == "residential")) == set(columns[0])


def test_a_building_lies_in_the_community_that_the_lookup_gives() -> None:
    plan, people = made_up_city(), population()
    parents = plan.levels[-1].parents
    found = [parents[row] for row in building_grids(people)]
    codes = people.buildings.column("code").to_pylist()
    assert people.buildings.column("community").to_pylist() == found
    assert [code[:12] for code in codes] == found
    assert codes == sorted(set(codes))
    assert {len(code) for code in codes} == {18}


def test_an_exclusive_grid_holds_what_it_is_for() -> None:
    plan, people = made_up_city(), population()
    (market,) = (row for row, kind in enumerate(plan.levels[-1].kinds) if kind == "exclusive")
    use = np.array(people.buildings.column("use").to_pylist())[building_grids(people) == market]
    assert "market" in use
    assert set(use) <= {"market", "residential"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def written(people: Population) -> list[bytes]:
        files = []
        for table in (people.buildings, people.households, people.devices, people.staff):
            file = io.BytesIO()
            pq.write_table(table, file)
            files.append(file.getvalue())
        return files

    plan = made_up_city()
    first, again = written(population()), written(populate(plan, lookup(plan.grids), 1))
    assert first == again
    assert all(one != other for one, other in zip(first, written(population(2)), strict=True))


def test_everything_is_marked_synthetic() -> None:
    people = population()
    for table in (people.buildings, people.households, people.devices, people.staff):
        assert table.schema.metadata[b"synthetic"] == b"true"
        assert all(table.column(name).null_count == 0 for name in table.column_names if name != "building")


def test_a_footprint_covers_width_times_depth_around_its_point() -> None:
    people = population()
    rows = np.arange(0, people.buildings.num_rows, 97)
    polygons = footprint(people.buildings, rows)
    picked = people.buildings.take(rows)
    geod = pyproj.Geod(ellps="WGS84")
    lons, lats = numbers(picked, "x") / 1e7, numbers(picked, "y") / 1e7
    for place, polygon in enumerate(polygons):
        area, around = geod.geometry_area_perimeter(polygon)
        width, depth = numbers(picked, "width_m")[place], numbers(picked, "depth_m")[place]
        assert abs(area) == pytest.approx(float(width) * float(depth), rel=0.01)
        assert around == pytest.approx(2 * float(width + depth), rel=0.01)
        assert polygon.centroid.distance(shapely.Point(lons[place], lats[place])) < 1e-7
        ring = np.array(polygon.exterior.coords)
        bearing = geod.inv(*ring[0], *ring[1])[0] % 180
        gap = abs(bearing - float(numbers(picked, "bearing_deg")[place]))
        assert min(gap, 180 - gap) < 0.5


def test_devices_stand_where_they_make_sense() -> None:
    plan, people = made_up_city(), population()
    devices = people.devices
    assert devices.column_names == ["code", "kind", "x", "y", "building"]
    codes, kinds = devices.column("code").to_pylist(), devices.column("kind").to_pylist()
    assert codes == sorted(set(codes))
    assert 14 < devices.num_rows / (people.households.num_rows / 1000) < 18
    assert {"door", "smoke", "sos", "camera", "manhole", "water"} <= set(kinds)
    x, y = numbers(devices, "x"), numbers(devices, "y")
    assert (lookup(plan.grids)(x, y) >= 0).all()
    row_of = {code: row for row, code in enumerate(people.buildings.column("code").to_pylist())}
    columns = [numbers(people.buildings, name) for name in ("x", "y")]
    place = list(zip(*columns, strict=True))
    for kind, building, point in zip(
        kinds, devices.column("building").to_pylist(), zip(x, y, strict=True), strict=True
    ):
        outside = kind in ("camera", "manhole", "water", "slope")
        assert (building is None) == outside
        assert building is None or place[row_of[building]] == point


def test_every_grid_has_one_head_three_members_and_some_micro_heads() -> None:
    plan, staff = made_up_city(), population().staff
    assert staff.column_names == ["code", "grid", "role", "person", "shift"]
    codes, grids = staff.column("code").to_pylist(), staff.column("grid").to_pylist()
    assert len(set(codes)) == len(codes)
    roles = Counter(zip(grids, staff.column("role").to_pylist(), strict=True))
    for code, count in zip(plan.levels[-1].codes, plan.households, strict=True):
        assert [roles[code, role] for role in ROLES[:4]] == [1, 1, 1, 1]
        assert roles[code, ROLES[4]] == np.clip(round(count / 37), 1, 15)
    persons = Counter(staff.column("person").to_pylist())
    assert 1 < max(persons.values()) <= 10
    assert sum(1 for posts in persons.values() if posts == 1) > len(persons) / 2


def test_progress_is_told_in_words_and_rising_shares() -> None:
    plan, told = made_up_city(), list[tuple[str, float]]()
    populate(plan, lookup(plan.grids), 3, lambda step, share: told.append((step, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_lookup_of_another_city_is_refused_with_the_grid_named() -> None:
    plan = made_up_city()
    with pytest.raises(InputError, match="centre of grid 500103001001001"):
        populate(plan, lambda xs, _ys: np.full(len(xs), -1, np.int32), 1)


def test_a_stubborn_border_sends_buildings_to_the_centre() -> None:
    plan = made_up_city()
    locate, centres = lookup(plan.grids), {tuple(point) for point in plan.centres.tolist()}

    def only_the_centre(xs: Int32Array, ys: Int32Array) -> AnyArray:
        rows = locate(xs, ys)
        at_centre = np.array([point in centres for point in zip(xs.tolist(), ys.tolist(), strict=True)], bool)
        return np.where((rows == 8) & ~at_centre, -1, rows)

    people = populate(plan, only_the_centre, 1)
    there = locate(numbers(people.buildings, "x"), numbers(people.buildings, "y")) == 8
    assert people.centred == there.sum() > 0
    assert people.retried >= people.centred


@pytest.mark.parametrize("crowd", [1, 20])
def test_sizes_reach_the_limits_of_what_households_can_hold(crowd: int) -> None:
    counts, wanted = np.array([3, 0, 5]), np.array([0, 0, 8 * crowd])
    sizes = households.sizes(counts, wanted, np.random.default_rng(1))
    assert sizes.tolist() == [crowd] * 8


@pytest.mark.parametrize("people", [7, 161])
def test_people_that_no_household_can_hold_are_refused(people: int) -> None:
    with pytest.raises(InputError, match="a household has 1 to 20 people"):
        households.sizes(np.array([8]), np.array([people]), np.random.default_rng(1))


def test_the_census_shares_come_out_at_the_census_mean() -> None:
    counts = np.full(400, 200)
    mean = float(households.SIZE_SHARES @ np.arange(1, 9) / households.SIZE_SHARES.sum())
    wanted = np.rint(counts * mean).astype(np.int64)
    sizes = households.sizes(counts, wanted, np.random.default_rng(1))
    shares = np.bincount(sizes, minlength=9)[1:9] / len(sizes) * 100
    assert np.abs(shares - households.SIZE_SHARES).max() < 1.5


def test_settings_follow_density_and_committee() -> None:
    plan, people = made_up_city(), population()
    settings = forms.settings(plan, np.array([code[9] == "2" for code in plan.levels[-1].codes]))
    assert {forms.SETTINGS[number] for number in settings} >= {"rural", "dense"}
    floors = numbers(people.buildings, "floors")
    setting = settings[building_grids(people)]
    assert floors[setting == forms.RURAL].mean() < 3
    assert floors[setting == forms.DENSE].mean() > 8


def test_a_district_is_the_same_alone_as_in_the_whole_city() -> None:
    plan, whole = made_up_city(), population()
    alone = split(plan)[1].plan
    people = populate(alone, lookup(alone.grids), 1)
    codes = whole.buildings.column("code").to_pylist()
    first = next(row for row, code in enumerate(codes) if code.startswith(DISTRICTS[1]))
    assert people.buildings.to_pylist() == whole.buildings.slice(first).to_pylist()
    households_before = int(np.searchsorted(numbers(whole.households, "building"), first))
    shifted = numbers(people.households, "building") + first
    assert shifted.tolist() == numbers(whole.households, "building")[households_before:].tolist()
    assert set(people.staff.column("code").to_pylist()) < set(whole.staff.column("code").to_pylist())


def test_a_plan_with_a_lost_parent_is_refused() -> None:
    plan = made_up_city()
    town = plan.levels[1]
    levels = (plan.levels[0], replace(town, parents=["999999", *town.parents[1:]]), *plan.levels[2:])
    with pytest.raises(InputError, match="parent 999999 is no district of the plan"):
        populate(replace(plan, levels=levels), lookup(plan.grids), 1)


def test_a_district_where_nobody_lives_has_posts_and_nothing_else() -> None:
    plan = made_up_city()
    nobody = np.array([code.startswith(DISTRICTS[1]) for code in plan.levels[-1].codes])
    empty = replace(
        plan, households=np.where(nobody, 0, plan.households), people=np.where(nobody, 0, plan.people)
    )
    people = populate(empty, lookup(plan.grids), 1)
    assert people.households.num_rows == plan.households[~nobody].sum()
    assert {code[:6] for code in people.buildings.column("code").to_pylist()} == {DISTRICTS[0]}
    assert {code[:6] for code in people.devices.column("code").to_pylist()} == {DISTRICTS[0]}
    assert set(people.staff.column("grid").to_pylist()) == set(plan.levels[-1].codes)
