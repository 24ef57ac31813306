"""Names, codes and coordinates, against looking through all there is."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from furnished import BUILDINGS, HOUSEHOLDS, STEMS, TAILS, Town, stored, town
from hypothesis import example, given
from hypothesis import strategies as st
from webtown import COMMUNITY, DISTRICT, GRID, TOWN, make_twin, place

from gridmap.crs import from_lonlat
from gridmap.errors import InputError
from gridmap.gazetteer.gazetteer import AREA, BUILDING, DEVICE, Gazetteer, Hit
from gridmap.gazetteer.names import EXACT, NOT, PART, PREFIX, Names, plain
from gridmap.gazetteer.register import CodeList, empty_register, read_register
from gridmap.gazetteer.spots import read_spot
from gridmap.model import NOWHERE

CITY = make_twin().current
LETTERS = "花园苑号楼12３aＡ "


def fit(name: str, wanted: str) -> int:
    """The slow, obvious answer."""
    name, wanted = plain(name), plain(wanted)
    if not wanted or wanted not in name:
        return NOT
    return EXACT if name == wanted else PREFIX if name.startswith(wanted) else PART


@given(st.lists(st.text(LETTERS, max_size=8), max_size=30), st.text(LETTERS, max_size=5))
def test_names_are_found_as_by_looking_at_each(names: list[str], wanted: str) -> None:
    found = Names(names).fits(plain(wanted))
    assert found.tolist() == [fit(name, wanted) for name in names]


def test_every_part_of_every_name_is_found() -> None:
    names = [stem + tail for stem in STEMS for tail in TAILS]
    index = Names(names)
    parts = {
        plain(name)[a:b] for name in names for a in range(len(name)) for b in range(a + 1, len(name) + 1)
    }
    for part in parts:
        if part == part.strip():
            assert index.fits(part).tolist() == [fit(name, part) for name in names]


def test_names_are_compared_in_one_form() -> None:
    index = Names(["Toy Tower　３号楼"])
    for text in ("toy tower 3号楼", "TOY  TOWER ３号楼", "Ｔoy tower 3号楼 "):
        assert index.fits(plain(text)).tolist() == [EXACT]


HALF = str.maketrans("０１２３４５６７８９ＤＧｄ－", "0123456789DGd-")


def small(code: str) -> str:
    """The form in which codes are compared, of the letters of these tests."""
    return code.translate(HALF).lower()


@given(
    st.lists(st.text("0129-Dad码２Ｄ", min_size=1, max_size=6), unique=True, max_size=40),
    st.text("0129-Dad码２Ｄ", max_size=8),
)
@example(["1", "9"], "")
@example(["D-003", "d-003"], "Ｄ-００")
@example(["码"], "码\0")
def test_codes_are_found_in_any_form_and_order(codes: list[str], text: str) -> None:
    found, wanted = CodeList(codes), small(text)
    for row, code in enumerate(codes):
        assert (row in found.alike(text)) == (small(code) == wanted)
        assert (row in found.beginning(text)) == small(code).startswith(wanted)
    assert found.beginning(text).tolist() == sorted(found.beginning(text).tolist())
    assert found.row_of(text) == (codes.index(text) if text in codes else None)
    assert [found[row] for row in range(len(found))] == codes


def test_a_code_longer_than_any_costs_no_copy_of_all_codes() -> None:
    codes = CodeList([f"{number:018}" for number in range(100_000)])
    for text in ("长" * 7, "9" * 4_000, "000000000000000017", "0000000000000001"):
        tracemalloc.start()
        codes.row_of(text), codes.alike(text), codes.beginning(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100_000, text
    assert codes.row_of("000000000000000017") == 17
    assert len(codes.beginning("0000000000000001")) == 100


@pytest.fixture(name="made", scope="module")
def _made() -> Town:
    return town(7)


@pytest.fixture(name="gazetteer", scope="module")
def _gazetteer(made: Town, tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    with stored(Path(tmp_path_factory.mktemp("gazetteer")) / "home", made).open() as store:
        return Gazetteer(CITY.partition, CITY.index, read_register(store))


def scanned(made: Town, wanted: str, most: int, within: str = "") -> list[Hit]:
    """Look at everything there is, and sort it."""
    index, partition = CITY.index, CITY.partition
    areas = list(partition.areas())
    codes = partition.finest.codes

    def inside(x: int, y: int) -> bool:
        row = index.at(x, y)
        return not within or (row != NOWHERE and codes[row].startswith(within))

    def best(code: str, *names: int) -> int:
        own, said = small(code), small(wanted)
        return max(EXACT if own == said else PREFIX if own.startswith(said) else NOT, *names)

    hits = [
        Hit(best(area.code, fit(area.name, wanted)), AREA, row)
        for row, area in enumerate(areas)
        if area.code.startswith(within)
    ]
    for row, each in enumerate(made.buildings):
        if inside(*made.at(each)):
            street = fit(each["address"], wanted)
            street = PART if street == PREFIX else street
            hits.append(Hit(best(each["code"], fit(each["name"], wanted), street), BUILDING, row))
    for row, device in enumerate(made.devices):
        if inside(device.x, device.y):
            hits.append(Hit(best(device.code, NOT), DEVICE, row))
    order = {AREA: 0, BUILDING: 1, DEVICE: 2}
    hits.sort(key=lambda hit: (-hit.fit, order[hit.sort], hit.row))
    return [hit for hit in hits if hit.fit != NOT][:most]


WANTED = [
    "花园", "学府", "学府苑1栋", "1", "3号楼", "东街", "路3", "学府路1", "第1网格", "第2", "栋", "号",
    "玩具区", "没有", "玩具小学", "toy", "Toy Tower 12栋", "500999", GRID, "D-0", "D-007", "d-007",
    "500999000", "500999000003", "Ｄ－０", "ｄ-007", "５００９９９０", "500999000003" * 40, "长" * 30,
]  # fmt: skip


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("within", ["", DISTRICT, TOWN, COMMUNITY, GRID])
def test_what_is_found_is_what_a_scan_finds(
    gazetteer: Gazetteer, made: Town, wanted: str, within: str
) -> None:
    chosen = None
    if within:
        depth = CITY.partition.depth_of(CITY.area(within).level)
        chosen = depth, CITY.partition.levels[depth].row_of[within]
    for most in (1, 4, 500):
        found = gazetteer.find(wanted, most, chosen)
        assert found == scanned(made, wanted, most, within), wanted


def test_parts_by_chance_are_found_as_by_a_scan(gazetteer: Gazetteer, made: Town) -> None:
    chance = Random(3)
    for _ in range(200):
        text = chance.choice(
            [each["name"] + each["address"] for each in made.buildings] + ["学府社区第1网格"]
        )
        begin = chance.randrange(len(text))
        wanted = text[begin : begin + chance.randrange(1, 6)].strip()
        if wanted:
            assert gazetteer.find(wanted, 9) == scanned(made, wanted, 9), wanted


def test_a_city_of_areas_alone_has_areas_alone() -> None:
    bare = Gazetteer(CITY.partition, CITY.index, empty_register())
    assert {hit.sort for hit in bare.find("网格", 50)} == {AREA}
    assert bare.find("花园", 5) == []
    assert bare.buildings is None


LON, LAT = place(3, 3)


@pytest.mark.parametrize(
    "text",
    [
        f"{LON} {LAT}",
        f"{LON},{LAT}",
        f"{LAT}，{LON}",
        f"{LAT}N {LON}E",
        f"{LAT} N, {LON} E wgs84",
        f"N{LAT}E{LON}",
        f"东经{LON} 北纬{LAT}",
        f"{LON}°E {LAT}°N",
        f"WGS-84 {LON};{LAT}",
        f"CGCS2000 {LON} {LAT}",
        f"EPSG:4490 {LAT} {LON}",
        f"WGS84:{LON},{LAT}",
        f"wgs84：{LON}，{LAT}",
        f"({LON}, {LAT})",
        f"（{LAT}，{LON}）",
        f"[{LON},{LAT}]",
        f"wgs84({LON} {LAT})",
        f"{LON}、{LAT}",
        f"{LON} {LAT}wgs84",
        f"{LAT}N{LON}E wgs84:",
        f"东经：{LON}、北纬：{LAT}",
        f"{LON}ºE {LAT}˚N",
    ],
)
def test_coordinates_as_people_write_them(gazetteer: Gazetteer, text: str) -> None:
    found = gazetteer.place(text)
    assert found is not None
    assert (found.lon, found.lat) == pytest.approx((LON, LAT), abs=1e-9)
    assert CITY.partition.finest.codes[found.row] == GRID


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "EPSG:4544", "EPSG:4545", "EPSG:32648", "EPSG:3857"])
def test_coordinates_of_any_datum_in_either_order(gazetteer: Gazetteer, datum: str) -> None:
    easts, norths = from_lonlat([LON], [LAT], datum)
    for text in (
        f"{datum} {easts[0]:.9f} {norths[0]:.9f}",
        f"{norths[0]:.9f}, {easts[0]:.9f} {datum.lower()}",
    ):
        found = gazetteer.place(text)
        assert found is not None
        assert (found.lon, found.lat) == pytest.approx((LON, LAT), abs=1e-8)
        assert CITY.partition.finest.codes[found.row] == GRID


def test_minutes_and_seconds() -> None:
    spot = read_spot("29°33'22.5\"N 106°34′48″E")
    assert spot is not None
    assert spot.is_sure
    assert spot.meanings[0] == pytest.approx((106.58, 29.55625))
    assert read_spot("29º33'22.5\"N 106º34′48″E") == spot  # as keyboards of other countries have it
    south = read_spot("33.5S 151.2E")
    assert south is not None
    assert south.meanings == ((151.2, -33.5),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "七星岗",
        "1栋 2",
        "106.5",
        "12 N 13 N",
        "1 2 3",
        "EPSG:4545",
        "106.5 x 29.5",
        "a1 2",
        "()",
        "106.5)(29.5",
        "Agcj02 1 2",
        "GCJ02:",
    ],
)
def test_what_is_no_pair_of_numbers_is_no_place(gazetteer: Gazetteer, text: str) -> None:
    assert gazetteer.place(text) is None


def test_two_bare_numbers_are_a_place_near_the_city_only(gazetteer: Gazetteer) -> None:
    assert gazetteer.place("3 5") is None
    assert gazetteer.place("1000 2000") is None
    near = gazetteer.place("107.1 30.2")
    assert near is not None
    assert near.row == NOWHERE
    far = gazetteer.place("5 N 3 E")
    assert far is not None
    assert (far.lon, far.lat, far.row) == (3.0, 5.0, NOWHERE)


@pytest.mark.parametrize("text", ["EPSG:99999 1 2", "EPSG:4545 1e9 2", "wgs84 500 600", "gcj02 1000 2000"])
def test_a_datum_that_cannot_be_is_refused_by_name(gazetteer: Gazetteer, text: str) -> None:
    if "e9" in text:
        assert gazetteer.place(text) is None
        return
    with pytest.raises(InputError) as refused:
        gazetteer.place(text)
    assert refused.value.name == "q"


def test_buildings_that_have_not_changed_are_not_read_again(made: Town, tmp_path: Path) -> None:
    with stored(tmp_path / "home", made).open() as store:
        first = read_register(store)
        store.put_devices(made.devices[:5])
        again = read_register(store, known=first)
        assert again.buildings is first.buildings
        assert (len(first.devices.codes), len(again.devices.codes)) == (len(made.devices), 5)
        fewer = made.buildings[:10]
        store.put_columns("buildings", pa.Table.from_pylist(fewer, BUILDINGS), synthetic=True)
        store.put_columns("households", pa.Table.from_pylist([], HOUSEHOLDS), synthetic=True)
        other = read_register(store, known=again)
        assert other.buildings is not None
        assert [other.buildings.codes[row] for row in range(10)] == [each["code"] for each in fewer]
        assert other.homes is not None
        assert len(other.homes.units) == 0
        assert first.homes is not None  # who is told of households finds their doors
        assert first.buildings is not None
        assert first.buildings.households is not None
        assert np.diff(first.homes.offsets).tolist() == first.buildings.households.tolist()


def test_a_register_of_what_has_not_changed_is_that_very_one(made: Town, tmp_path: Path) -> None:
    with stored(tmp_path / "home", made).open() as store:
        known = read_register(store)
        assert read_register(store, known=known) is known
        one, _, *rest = made.devices
        alike = next(each for each in rest if each.kind == one.kind)
        others = [each for each in made.devices if each not in (one, alike)]
        for changed in (
            [replace(one, code="D-100"), *made.devices[1:]],
            [replace(one, x=one.x + 1), *made.devices[1:]],
            [replace(one, kind="another"), *made.devices[1:]],
            [replace(one, x=alike.x, y=alike.y), replace(alike, x=one.x, y=one.y), *others],
            [one, *rest],
            [],
        ):
            store.put_devices(changed)
            found = read_register(store, known=known)
            assert found is not known
            assert [found.devices.codes[row] for row in range(len(changed))] == sorted(
                each.code for each in changed
            )
            known = found
        post = made.posts[0]
        store.put_staff([replace(post, code="another"), *made.posts])
        found = read_register(store, known=known)
        assert found.posts[post.grid] == known.posts[post.grid] + 1
        assert (found.buildings, found.devices) == (known.buildings, known.devices)
        assert read_register(store, known=found) is found
