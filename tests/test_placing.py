"""Where events are: many at once is one by one, in every datum, by a code, by a place's QR code."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from event_oracles import NO_PLACE, OUTSIDE, given, placed_one_by_one
from hypothesis import given as drawn
from hypothesis import strategies as st
from town import SOUTH, WEST
from webtown import COMMUNITY, GRID, HOLED, Held, make_twin, place

from gridmap import crs, lattice
from gridmap.errors import InputError
from gridmap.events.document import EventIn
from gridmap.events.placing import Placed, place_all, read_qr

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILDINGS = {"B-7": place(1, 3), "B-far": (0.0, 0.0), "B:8": place(3, 3)}
DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4490", "epsg:4523", "EPSG:32648", "Xian", "EPSG:4610")


class Built(Held):
    """A source with some buildings, that counts how often it was asked for one."""

    asked = 0

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        self.asked += 1
        return {code: BUILDINGS[code] for code in codes if code in BUILDINGS}


SOURCE = Built()
CITY = make_twin(source=SOURCE).current


def at(lon: float, lat: float, datum: str = "wgs84") -> EventIn:
    return EventIn(id="a", source="s", class_="其他", lon=lon, lat=lat, crs=datum)


def somewhere(chance: random.Random) -> EventIn:
    """An event in or near Toytown, in some datum, or at a code, or nowhere."""
    way = chance.random()
    if way < 0.1:
        return given().event
    if way < 0.25:
        codes = [GRID, HOLED, COMMUNITY, "500999", "999", "B-7", "B-far", "B:8", "gridmap:x"]
        return given(place=chance.choice(codes)).event
    datum = chance.choice(DATUMS)
    x = WEST + chance.choice([chance.randrange(-9999, 99_999), 10_000 * chance.randrange(10)])
    y = SOUTH + chance.choice([chance.randrange(-9999, 49_999), 10_000 * chance.randrange(5)])
    lon, lat = x / lattice.SCALE, y / lattice.SCALE
    if chance.random() < 0.05:
        return at(chance.choice([math.nan, math.inf, 181.0, 1e300, -1e308]), lat, datum)
    try:
        lons, lats = crs.from_lonlat([lon], [lat], datum)
    except InputError:
        return at(lon, lat, datum)
    return at(float(lons[0]), float(lats[0]), datum)


def test_many_at_once_are_as_one_by_one() -> None:
    chance = random.Random(3)
    events = [somewhere(chance) for _ in range(2_000)]
    seen = set()
    for event, found in zip(events, place_all(events, CITY), strict=True):
        expected = placed_one_by_one(event, CITY, BUILDINGS)
        if isinstance(found, InputError):
            assert found.name == expected
        else:
            assert (found.code, found.unplaced) == expected, event
            assert (found.code is None) == (found.unplaced is not None)
            if found.at is not None and found.code is not None:
                assert CITY.locate(*found.at, "wgs84") == found.code
        seen.add(found.name if isinstance(found, InputError) else found.unplaced or "placed")
    assert {"crs", "lon", "placed", NO_PLACE, OUTSIDE} <= seen


def test_a_place_is_told_on_the_lattice() -> None:
    lon, lat = place(1.5, 1.5)
    (found,) = place_all([at(lon + 3e-8, lat - 3e-8)], CITY)
    assert found == Placed((lon, lat), "500999001002001", None)


def test_a_bad_neighbour_changes_nothing() -> None:
    good, bad = at(*place(1, 1)), at(math.nan, 29.5)
    alone = place_all([good], CITY)[0]
    first, second, third = place_all([bad, good, bad], CITY)
    assert second == alone
    assert isinstance(first, InputError)
    assert "nan, 29.5 is no place in wgs84" in str(first)
    assert isinstance(third, InputError)


def test_codes_of_places() -> None:
    asked = [GRID, COMMUNITY, "B-7", "B-far", "x" * 100]
    found = place_all([given(place=code).event for code in asked], CITY)
    assert found == [
        Placed(None, GRID, None),
        Placed(None, None, f"{COMMUNITY} is a community, not a grid"),
        Placed(place(1, 3), "500999001001901", None),
        Placed((0.0, 0.0), None, OUTSIDE),
        Placed(None, None, f"no grid or building has the code {'x' * 60}"),
    ]


def test_a_building_is_looked_for_once_in_a_batch() -> None:
    before = SOURCE.asked
    place_all([given(place="B-7").event] * 50 + [given(qr="gridmap:B-7").event] * 50, CITY)
    assert SOURCE.asked == before + 1


def test_nothing_is_placed_of_nothing() -> None:
    assert place_all([], CITY) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GRID, GRID), (f" {GRID}\n", GRID), (f"gridmap:{GRID}", GRID), (f"GridMap:/{GRID}/", GRID),
        (f"https://city.example/?place={GRID}", GRID), (f"https://city.example/p?a=1&code={GRID}#x", GRID),
        (f"https://city.example/p/{GRID}/", GRID), (f"https://city.example/p/x?place={GRID}", GRID),
        ("https://city.example/p?place=B%3A8", "B:8"), ("B:8", "B:8"), (f"weixin://p/{GRID}", GRID),
        ("https://city.example/", ""), ("https://[", "https://["), ("https://h:99999999/B-7", "B-7"),
        ("", ""),
    ],
)  # fmt: skip
def test_qr_codes(text: str, code: str) -> None:
    assert read_qr(text) == code


@drawn(st.text() | st.builds("{}://{}?place={}".format, st.text(max_size=5), st.text(), st.text()))
def test_any_qr_code_is_read(text: str) -> None:
    (found,) = place_all([EventIn(id="a", source="s", class_="其他", qr=text)], CITY)
    assert isinstance(found, Placed)


def test_a_qr_code_is_a_place() -> None:
    codes = [f"https://city.example/?place={GRID}", "gridmap:B-7", "https://[", "x://?place=%00"]
    grid, building, *others = place_all([given(qr=code).event for code in codes], CITY)
    assert grid == Placed(None, GRID, None)
    assert isinstance(building, Placed)
    assert building.code == "500999001001901"
    assert all(isinstance(other, Placed) and other.code is None and other.unplaced for other in others)
