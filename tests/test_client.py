"""The Python client against a running service: it says what the service says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
import shapely
from frontdoor import front_door
from test_surroundings import DEVICES, POSTS
from test_within import furnished, square
from tiletown import DOOR, TownEngine, make_tiling
from town import toytown
from webtown import COMMUNITY, DISTRICT, GRID, TOWN, Held, make_twin, place

from gridmap import answers, client
from gridmap.client import Client, ServiceError
from gridmap.inventory import Inventory
from tiles.address import SCHEMES
from tiles.web.app import create_app
from tiles.web.fast import Fast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridmap.twin import Twin


@pytest.fixture(name="twin", scope="module")
def _twin() -> Twin:
    buildings = furnished(1, toytown().polygons_at(3)).buildings
    return make_twin(source=Held(Inventory(buildings, DEVICES, has_staff=True), POSTS))


@pytest.fixture(name="city", scope="module")
def _city(twin: Twin) -> Iterator[Client]:
    tiling = make_tiling(twin)
    app = create_app(twin, tiling)
    with (
        front_door(app=app, fast=Fast(twin, tiling), body_limits=app.body_limits) as door,
        Client(f"http://127.0.0.1:{door.port}/", trust_env=False) as found,
    ):
        yield found


def test_locate(city: Client, twin: Twin) -> None:
    lon, lat = place(3, 3)
    found = city.locate(lon, lat, "wgs84")
    chain = twin.current.chain(GRID)
    assert (found.code, found.name, found.level, found.kind) == (GRID, chain[-1].name, "grid", chain[-1].kind)
    assert [step.code for step in found.path] == [area.code for area in chain]
    assert found.memberships[0].scheme == "governance"
    assert (found.edition, found.proven, found.on_border, found.candidates) == (7, True, None, ())
    assert city.locate(0, 0, "wgs84").code is None
    assert city.locate(lon, lat, "wgs84", level="community").code == COMMUNITY
    told = city.locate(lon, lat, "wgs84", explain=True, accuracy_m=200, scheme="governance")
    assert told.on_border is False
    assert told.nearest is not None
    assert (told.nearest.code, told.nearest.distance_m) == (GRID, 0)
    assert sum(each.share for each in told.candidates) == pytest.approx(1)
    corner = city.locate(*place(2, 2), "wgs84", explain=True)
    assert [type(each) for each in corner.rivals] == [answers.Area] * 3


def test_tiles_and_values(city: Client, twin: Twin) -> None:
    found = city.tilejson("grid,device", scheme="gcj02")
    assert found["token"] == TownEngine(7).token
    assert city.tilejson("grid", edition=7)["tiles"] == city.tilejson("grid")["tiles"]
    tile = SCHEMES["bd09"].tile_at(*DOOR, 12)
    assert city.tile("grid", *tile, scheme="bd09") == TownEngine(7).tile(["grid"], "bd09", *tile)
    assert city.tile("grid", 14, 0, 0, token=TownEngine(2).token) == b""
    values = city.values("grid", "people", area=TOWN)
    assert (values.edition, values.seq) == (7, 7)
    assert dict(zip(values.ids.tolist(), values.values.tolist(), strict=True)).keys() == {
        number
        for code, number in twin.current.source.features().items()
        if code[:9] == TOWN and len(code) == 15
    }
    with pytest.raises(ServiceError, match="No edition was in force"):
        city.tilejson("grid", at=datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=8))))


@pytest.mark.parametrize("kind", [list, np.array, pa.array])
def test_locate_many(city: Client, twin: Twin, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BATCH", 37)
    points = np.random.default_rng(3).uniform(place(-1, -1), place(9, 5), (100, 2)).round(7)
    points[[5, 90]] = 500
    expected = [
        twin.current.locate(each[0], each[1], "wgs84") if each[0] < 500 else None for each in points.tolist()
    ]
    found = city.locate_many(kind(points[:, 0].tolist()), kind(points[:, 1].tolist()), "wgs84")
    assert found.codes.tolist() == expected
    assert found.edition == 7
    assert sorted(found.errors) == [5, 90]
    assert "500" in found.errors[90]
    towns = city.locate_many(points[:, 0], points[:, 1], "wgs84", level="district").codes
    assert set(towns.tolist()) == {DISTRICT, None}
    assert city.locate_many([], [], "wgs84").codes.tolist() == []


def test_locate_table(city: Client) -> None:
    lon, lat = place(3, 3)
    found = city.locate_table(pa.table({"id": ["a"], "lon": [lon], "lat": [lat]}), "wgs84")
    assert found.to_pylist() == [
        {"id": "a", "lon": lon, "lat": lat, "code": GRID, "edition": 7, "error": None}
    ]


def test_nearby(city: Client) -> None:
    found = city.nearby(*place(3.15, 1.2), "wgs84", kind="smoke", k=2)
    assert [each.code for each in found.things] == ["smoke-6", "smoke-7"]
    assert found.things[0].direction == "西南"
    assert found.complete is False
    assert city.nearby(*place(3, 1), "wgs84", kind="staff", radius_m=0.001).things == ()


def test_within(city: Client) -> None:
    shape = square(0, 0, 2, 3)
    found = city.within(shape)
    assert found == city.within(shapely.from_geojson(json.dumps(shape)))
    assert [each.whole for each in found.grids] == [False, False, False, True, False]
    assert found.households is not None
    assert found.devices == sum(found.devices_by_kind.values())


def test_areas(city: Client, twin: Twin) -> None:
    assert [each.code for each in city.areas()] == [DISTRICT]
    found = city.area(COMMUNITY)
    assert [each.code for each in found.children] == [area.code for area in twin.current.children(COMMUNITY)]
    assert found.measures.area_m2 > 0
    assert city.border(GRID)["id"] == GRID


def test_a_refusal_carries_the_problem(city: Client) -> None:
    with pytest.raises(ServiceError, match="crs") as refused:
        city.locate(1, 1, "mars")
    assert refused.value.status == 400
    assert refused.value.problem["type"] == "/problems#bad-parameter"
    assert refused.value.problem["detail_zh"]
    with pytest.raises(ServiceError) as unknown:
        city.area("a/b?c")
    assert unknown.value.status == 404


def test_a_service_that_is_not_there_is_said_kindly() -> None:
    with (
        Client("http://127.0.0.1:9", trust_env=False) as city,
        pytest.raises(ServiceError, match="gridmap serve"),
    ):
        city.areas()


def test_a_proxy_s_own_page_is_an_error_too_and_new_members_are_none() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/areas":
            area = {"code": "1", "name": "x", "level": "grid", "kind": "basic", "colour": "red"}
            return httpx.Response(200, json={"areas": [area], "more": 1})
        return httpx.Response(502, text="<h1>Bad gateway</h1>")

    with Client(transport=httpx.MockTransport(answer)) as city:
        assert city.areas() == (answers.Area("1", "x", "grid", "basic"),)
        with pytest.raises(ServiceError, match="HTTP 502"):
            city.locate(1, 1, "wgs84")
