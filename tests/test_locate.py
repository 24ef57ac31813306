"""`GET /locate` beyond the plain question: level, scheme, explain, accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from checked import Checked
from oracles import segments_of
from pyproj import Geod
from town import toytown
from webtown import COMMUNITY, DISTRICT, HOLED, TOWN, make_twin, place

from gridmap.coverage.partition import level_table, partition_of
from gridmap.index.index import LARGEST_ACCURACY_M
from gridmap.lattice import SCALE, point_to_lattice
from gridmap.model import GOVERNANCE
from tiles.web.locate import MOST_ACCURACY_M


@pytest.fixture(name="web", scope="module")
def _web() -> Checked:
    return Checked(make_twin())


def at(x: float, y: float, more: str = "") -> str:
    lon, lat = place(x, y)
    return f"/locate?lon={lon}&lat={lat}&crs=wgs84{more}"


@pytest.mark.parametrize(
    ("level", "code"), [("district", DISTRICT), ("town", TOWN), ("community", COMMUNITY), ("grid", HOLED)]
)
def test_a_level_answers_the_area_there(web: Checked, level: str, code: str) -> None:
    whole, found = web.json(at(0.5, 3.5)), web.json(at(0.5, 3.5, f"&level={level}"))
    assert (found["code"], found["level"]) == (code, level)
    assert found["path"] == whole["path"][: len(found["path"])]
    assert found["path"][-1]["code"] == code
    assert found["memberships"] == whole["memberships"]


def test_memberships_name_the_grid_of_every_scheme(web: Checked) -> None:
    found = web.json(at(0.5, 3.5))
    assert [each["scheme"] for each in found["memberships"]] == [GOVERNANCE]
    assert {name: found[name] for name in ("code", "name", "level", "kind")}.items() <= found["memberships"][
        0
    ].items()
    assert web.json(at(-1, -1))["memberships"] == []
    assert web.json(at(0.5, 3.5, "&scheme=governance")) == found


def test_other_schemes_have_memberships_of_their_own() -> None:
    """The police have one beat for each community, but for the first, which they do not look after."""
    town = toytown()
    table = town.levels[2]
    beats = [f"beat-{row}" for row in range(1, len(table))]
    level = level_table("beat", beats, beats, [""] * len(beats), [None] * len(beats))
    police = partition_of([level], {"beat": town.polygons_at(2)[1:]})
    web = Checked(make_twin(schemes={"police": make_twin(3, partition=police)}))
    there = web.json(at(5, 1))
    row = table.codes.index(there["path"][2]["code"])
    assert [(each["scheme"], each["code"]) for each in there["memberships"]] == [
        (GOVERNANCE, there["code"]),
        ("police", f"beat-{row}"),
    ]
    asked = web.json(at(5, 1, "&scheme=police&explain=1"))
    assert (asked["code"], asked["level"], asked["edition"]) == (f"beat-{row}", "beat", 3)
    assert asked["memberships"] == there["memberships"]
    first = next(x for x in (0.5, 1.5) if web.json(at(x, 3.5))["path"][2]["code"] == table.codes[0])
    assert [each["scheme"] for each in web.json(at(first, 3.5))["memberships"]] == [GOVERNANCE]
    assert web.json(at(first, 3.5, "&scheme=police"))["code"] is None
    problem = web.json(at(5, 1, "&scheme=court"), 400)
    assert "governance, police" in problem["detail"]


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("&scheme=police", "scheme"),
        ("&scheme=", "scheme"),
        ("&level=street", "level"),
        ("&level=Grid", "level"),
        ("&explain=yes", "explain"),
        ("&accuracy_m=0", "accuracy_m"),
        ("&accuracy_m=-3", "accuracy_m"),
        ("&accuracy_m=nan", "accuracy_m"),
        ("&accuracy_m=100001", "accuracy_m"),
    ],
)
def test_what_is_not_known_is_named(web: Checked, more: str, name: str) -> None:
    problem = web.json(at(3, 3, more), 400)
    assert problem["parameter"] == name
    assert name in problem["detail_zh"]


def test_nothing_is_explained_unasked(web: Checked) -> None:
    assert web.json(at(3, 3, "&explain=0")) == web.json(at(3, 3)) == web.json(at(3, 3, "&explain=false"))


def test_an_explanation_says_how_near_the_border_is(web: Checked) -> None:
    geod = Geod(ellps="WGS84")
    points = np.random.default_rng(3).uniform((-2, -2), (10, 6), (60, 2)).round(2)
    segments = [
        each for polygon in make_twin().current.partition.polygons_at(3) for each in segments_of(polygon)
    ]
    for x, y in points.tolist():
        found = web.json(at(x, y, "&explain=1"))
        lon, lat = place(x, y)
        along = np.linspace(0, 1, 200)
        ends = np.array(segments, np.float64) / SCALE
        lons = ends[:, 0, 0, None] + along * (ends[:, 1, 0] - ends[:, 0, 0])[:, None]
        lats = ends[:, 0, 1, None] + along * (ends[:, 1, 1] - ends[:, 0, 1])[:, None]
        distances = geod.inv(np.full(lons.size, lon), np.full(lons.size, lat), lons.ravel(), lats.ravel())[2]
        assert found["edge_m"] == pytest.approx(distances.min(), abs=1.0)
        assert found["on_border"] == (found["edge_m"] == 0)
        inside = found["code"] is not None
        assert (found["nearest"]["code"] == found["code"]) == inside
        assert found["nearest"]["distance_m"] == (0 if inside else found["edge_m"])


def test_rivals_are_the_other_grids_on_a_border(web: Checked) -> None:
    corner = web.json(at(2, 2, "&explain=1"))
    assert corner["on_border"] is True
    assert corner["edge_m"] == 0
    codes = [each["code"] for each in corner["rivals"]]
    assert len(codes) == 3
    assert all(code > corner["code"] for code in codes)
    middle = web.json(at(0.4, 2.4, "&explain=true"))
    assert (middle["on_border"], middle["rivals"]) == (False, [])


def test_an_uncertain_point_has_candidates_with_shares(web: Checked) -> None:
    found = web.json(at(2, 1, "&accuracy_m=20"))
    shares = [each["share"] for each in found["candidates"]]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert shares[:2] == pytest.approx([0.5, 0.5], abs=0.01)
    at_sea = web.json(at(0, 1, "&accuracy_m=20"))["candidates"]
    assert {each["code"] is None: each["share"] for each in at_sea} == pytest.approx(
        {True: 0.5, False: 0.5}, abs=0.01
    )
    whole = web.json(at(2, 1, "&accuracy_m=20&level=district"))["candidates"]
    assert [(each["code"], each["share"]) for each in whole] == [(DISTRICT, pytest.approx(1))]


def test_the_limit_of_uncertainty_is_the_index_s() -> None:
    assert MOST_ACCURACY_M == LARGEST_ACCURACY_M


def test_the_same_place_in_other_datums_is_explained_the_same(web: Checked) -> None:
    from gridmap import crs

    lon, lat = place(3, 1)
    assert point_to_lattice(lon, lat)
    expected = web.json(f"/locate?lon={lon}&lat={lat}&crs=cgcs2000&explain=1&accuracy_m=5")
    for name in ("gcj02", "bd09", "EPSG:4524"):
        x, y = crs.from_lonlat([lon], [lat], name)
        found = web.json(
            f"/locate?lon={x[0]!r}&lat={y[0]!r}&crs={name}&explain=1&accuracy_m=5".replace(
                "np.float64(", ""
            ).replace(")", "")
        )
        assert found["code"] == expected["code"]
        assert found["edge_m"] == pytest.approx(expected["edge_m"], abs=0.01)
