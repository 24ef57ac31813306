"""What is near: devices and duty rosters, as the twin finds them and as `GET /nearby` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from checked import Checked
from pyproj import Geod
from town import GRIDS, SOUTH, STEP, WEST
from webtown import Held, make_twin, place

from gridmap import crs
from gridmap.boundaries.residents import households_in
from gridmap.index.nearby import Thing
from gridmap.inventory import NOTHING, Inventory
from gridmap.lattice import to_degrees
from gridmap.model import Device, StaffPost
from gridmap.store.address import address_of
from gridmap.twin import Twin
from gridmap.within import lattice_shape
from tiles.web.nearby import sentence

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.twin import Snapshot

DEVICES = tuple(
    Device(f"{kind}-{at}", kind, WEST + at * STEP // 2, SOUTH + STEP, None)
    for kind in ("camera", "smoke")
    for at in range(17)
)
ROLES = ("网格长", "专职网格员")
POSTS = tuple(
    StaffPost(f"{grid}-{at}", grid, role, f"P-{grid}", "白班 09:00-18:00")
    for grid in GRIDS
    for at, role in enumerate(ROLES)
    if grid != "500999001002001"
)


@pytest.fixture(name="snapshot", scope="module")
def _snapshot() -> Snapshot:
    return make_twin(source=Held(Inventory(None, DEVICES, has_staff=False), POSTS)).current


@pytest.fixture(name="web", scope="module")
def _web(snapshot: Snapshot) -> Checked:
    return Checked(Twin(snapshot))


def near(web: Checked, x: float, y: float, more: str = "", status: int = 200) -> Any:
    lon, lat = place(x, y)
    return web.json(f"/nearby?lon={lon}&lat={lat}&crs=wgs84{more}", status)


def test_devices_come_nearest_first_with_the_way_to_them(web: Checked) -> None:
    lon, lat = place(3.15, 1.2)
    things = near(web, 3.15, 1.2, "&kind=device")["things"]
    assert len(things) == 10
    geod = Geod(ellps="WGS84")
    for thing in things:
        bearing, _, metres = geod.inv(lon, lat, thing["lon"], thing["lat"])
        assert thing["distance_m"] == pytest.approx(metres, abs=0.001)
        assert thing["bearing_deg"] == pytest.approx(bearing % 360, abs=0.01)
        assert (thing["sort"], thing["shift"]) == ("device", None)
    assert [each["distance_m"] for each in things] == sorted(each["distance_m"] for each in things)
    assert things[0]["direction"] == "西南"
    assert things[0]["text"] == "西南方向27米处有摄像头"
    assert things[0]["grid"] == "500999001002002"


def test_a_kind_of_device_can_be_asked_for(web: Checked) -> None:
    things = near(web, 3.1, 1.4, "&kind=smoke&k=3")["things"]
    assert [each["kind"] for each in things] == ["smoke"] * 3
    assert [each["code"] for each in things] == ["smoke-6", "smoke-7", "smoke-5"]


def test_staff_stand_in_their_grid(web: Checked, snapshot: Snapshot) -> None:
    for code in GRIDS:
        inside = snapshot.polygon(code).point_on_surface()
        found = web.json(f"/nearby?lon={inside.x:.7f}&lat={inside.y:.7f}&crs=wgs84&kind=staff&k=2")["things"]
        if code == "500999001002001":  # nobody is on duty there
            assert code not in [each["grid"] for each in found]
            continue
        assert [each["grid"] for each in found] == [code] * 2
        assert [each["kind"] for each in found] == list(ROLES)
        assert found[0]["shift"] == "白班 09:00-18:00"
        lon, lat = found[0]["lon"], found[0]["lat"]
        assert web.json(f"/locate?lon={lon}&lat={lat}&crs=wgs84")["code"] == code
        assert "person" not in found[0]


def test_all_staff_are_found_however_many_are_asked_for(web: Checked) -> None:
    for k in (1, 2, 3, 7, 16, 100):
        found = near(web, 1, 1, f"&kind=staff&k={k}")
        assert len(found["things"]) == min(k, len(POSTS))
        assert found["complete"] == (k >= len(POSTS))


def test_without_a_kind_everything_is_there(web: Checked) -> None:
    found = near(web, 3, 1, "&k=1000")
    assert {each["sort"] for each in found["things"]} == {"device", "staff"}
    assert len(found["things"]) == len(DEVICES) + len(POSTS)
    assert found["complete"] is True
    assert near(web, 3, 1, "&kind=resource") == {"things": [], "complete": True, "edition": 7}


def test_a_radius_takes_all_within(web: Checked) -> None:
    lons, lats = to_degrees([device.x for device in DEVICES], [device.y for device in DEVICES])
    ways = crs.ways(*place(3, 1), lons, lats)[0]
    for radius in (0.001, 49, 200.5, 1000):
        found = near(web, 3, 1, f"&kind=device&radius={radius}")
        assert len(found["things"]) == (ways <= radius).sum()
        assert found["complete"] is True
    few = near(web, 3, 1, "&kind=device&radius=1000&k=4")
    assert (len(few["things"]), few["complete"]) == (4, False)


def test_places_come_in_the_datum_of_the_question(web: Checked) -> None:
    lon, lat = place(3.1, 1.4)
    plain = near(web, 3.1, 1.4, "&k=5")["things"]
    for datum in ("gcj02", "bd09", "EPSG:4524"):
        x, y = (float(each[0]) for each in crs.from_lonlat([lon], [lat], datum))
        found = web.json(f"/nearby?lon={x!r}&lat={y!r}&crs={datum}&k=5")["things"]
        assert [each["code"] for each in found] == [each["code"] for each in plain]
        back = crs.to_lonlat([each["lon"] for each in found], [each["lat"] for each in found], datum)
        assert back[0] == pytest.approx([each["lon"] for each in plain], abs=1e-8)
        assert back[1] == pytest.approx([each["lat"] for each in plain], abs=1e-8)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("&kind=bus", "kind"),
        ("&kind=", "kind"),
        ("&k=0", "k"),
        ("&k=1001", "k"),
        ("&k=1.5", "k"),
        ("&k=٣", "k"),
        ("&radius=0", "radius"),
        ("&radius=nan", "radius"),
        ("&colour=red", "colour"),
    ],
)
def test_what_cannot_be_used_is_named(web: Checked, more: str, name: str) -> None:
    assert near(web, 1, 1, more, 400)["parameter"] == name


def test_an_unknown_kind_is_told_which_there_are(web: Checked) -> None:
    detail = near(web, 1, 1, "&kind=bus", 400)["detail"]
    for known in ("device", "staff", "resource", "camera", "smoke"):
        assert known in detail


def test_things_are_for_our_own_pages_only(web: Checked) -> None:
    reply = web.ask("/nearby?lon=106.5&lat=29.5&crs=wgs84")
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_thing_that_moved_is_found_where_it_is(snapshot: Snapshot) -> None:
    town = make_twin(source=Held(Inventory(None, DEVICES[:3], has_staff=False))).current
    lon, lat = place(7, 3)
    town.surroundings.nearby.put(Thing("camera-0", "device", "camera", WEST + 7 * STEP, SOUTH + 3 * STEP))
    (found,) = town.surroundings.near(lon, lat, 1)
    assert (found.near.thing.code, found.near.distance_m, found.grid) == ("camera-0", 0.0, "500999100200003")
    assert snapshot.surroundings.near(lon, lat, 1, sort="device")[0].near.distance_m > 0


def test_a_city_without_things_has_none_near() -> None:
    web = Checked(make_twin(source=Held(NOTHING)))
    assert near(web, 1, 1)["things"] == []
    assert Checked(make_twin()).json("/nearby?lon=1&lat=1&crs=wgs84")["things"] == []


@pytest.mark.parametrize(
    ("distance_m", "direction", "text"),
    [
        (200.2, "西南", "西南方向200米处有鱼塘"),
        (0.2, "北", "北方向1米处有鱼塘"),
        (999.4, "东", "东方向999米处有鱼塘"),
        (999.6, "东", "东方向1.0公里处有鱼塘"),
        (12_345, "东", "东方向12.3公里处有鱼塘"),
        (0.0, None, "就在此处有鱼塘"),
    ],
)
def test_sentences(distance_m: float, direction: str | None, text: str) -> None:
    assert sentence(distance_m, direction, "鱼塘") == text


def test_a_real_home_is_read(yuzhong: Path) -> None:
    twin = Twin.open(yuzhong)
    try:
        snapshot = twin.current
        snapshot.warm()
        found = snapshot.surroundings.near(106.577, 29.559, 5, sort="staff")
        assert len(found) == 5
        assert all(each.grid for each in found)
        codes = snapshot.partition.levels[2].codes[:20]
        shapes = np.array([lattice_shape(snapshot.polygon(code)) for code in codes], dtype=object)
        with address_of(yuzhong).open() as store:
            expected = households_in(store, shapes)
            total = store.counts()
        for code, residents in zip(codes, expected, strict=True):
            within = snapshot.within(snapshot.polygon(code))
            assert (within.households, within.people) == (residents.households, residents.people)
        whole = snapshot.within(snapshot.polygon("500103"))
        assert whole.households == total["households"]
        assert whole.buildings == total["buildings"]
        assert sum(whole.devices.values()) == total["devices"]
    finally:
        twin.close()
