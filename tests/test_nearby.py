"""Things near a place, against measuring every one of them, and while others change them."""

from __future__ import annotations

import math
import random
from threading import Event, Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyproj import Geod

from gridmap.errors import InputError
from gridmap.index.nearby import DIRECTIONS, Near, Nearby, Thing, direction_of, window_of
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable

GEOD = Geod(ellps="WGS84")


def oracle(
    things: Iterable[Thing],
    lon: float,
    lat: float,
    k: int,
    within_m: float = math.inf,
    sort: str = "",
    kind: str = "",
) -> list[tuple[float, str]]:
    """Measure every thing, sort, take k."""
    found = []
    for thing in things:
        if sort in ("", thing.sort) and kind in ("", thing.kind):
            metres = GEOD.inv(lon, lat, thing.x / SCALE, thing.y / SCALE)[2]
            if metres <= within_m:
                found.append((metres, thing.code))
    return sorted(found)[:k]


def scattered(seed: int, count: int, west: float, south: float, size: float) -> list[Thing]:
    chance = random.Random(seed)
    kinds = [("device", "camera"), ("device", "smoke"), ("staff", "head"), ("resource", "pond")]
    return [
        Thing(
            f"{at:05}",
            *chance.choice(kinds),
            round((west + chance.random() * size) * SCALE),
            round((south + chance.random() * size) * SCALE),
        )
        for at in range(count)
    ]


def told(near: list[Near]) -> list[tuple[float, str]]:
    return [(each.distance_m, each.thing.code) for each in near]


@pytest.mark.parametrize(
    ("west", "south", "size"),
    [
        (106.5, 29.5, 0.2),
        (106.5, 29.5, 2e-6),
        (10.0, 78.0, 3.0),
        (-1.0, -0.5, 1.0),
        (178.5, 65.0, 1.5),
        (0.0, 88.0, 2.0),
        (-179.99, -89.9, 30.0),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_are_those_of_measuring_all(west: float, south: float, size: float, seed: int) -> None:
    things = scattered(seed, 300, west, south, size)
    nearby = Nearby(things)
    chance = random.Random(seed)
    for _ in range(25):
        lon = max(-180.0, min(180.0, west + (chance.random() * 1.4 - 0.2) * size))
        lat = max(-90.0, min(90.0, south + (chance.random() * 1.4 - 0.2) * size))
        k = chance.choice([1, 2, 10, 299, 300, 500])
        within_m = chance.choice([math.inf, 0.0, 200.0, 20_000.0])
        sort, kind = chance.choice(
            [("", ""), ("device", ""), ("device", "smoke"), ("staff", ""), ("x", ""), ("", "pond")]
        )
        found = told(nearby.nearest(lon, lat, k, within_m, sort, kind))
        expected = oracle(things, lon, lat, k, within_m, sort, kind)
        assert [code for _, code in found] == [code for _, code in expected]
        assert [metres for metres, _ in found] == pytest.approx([metres for metres, _ in expected], abs=1e-6)


def test_the_window_holds_every_way_of_its_length() -> None:
    chance = random.Random(4)
    for _ in range(2000):
        lon, lat = chance.uniform(-180, 180), chance.uniform(-90, 90)
        radius = 10 ** chance.uniform(-2, 6.5)
        west, south, east, north = window_of(lon, lat, radius)
        there = GEOD.fwd(lon, lat, chance.uniform(0, 360), radius * chance.random() ** 0.1)
        assert west <= there[0] * SCALE <= east
        assert south <= there[1] * SCALE <= north


def test_a_pond_200_metres_to_the_south_west() -> None:
    lon, lat = 106.577, 29.559
    nearby = Nearby()
    for at, word in enumerate(DIRECTIONS):
        there = GEOD.fwd(lon, lat, 45 * at, 200.0 + at)
        nearby.put(Thing(word, "resource", "pond", round(there[0] * SCALE), round(there[1] * SCALE)))
    found = nearby.nearest(lon, lat, 8)
    assert [each.direction for each in found] == list(DIRECTIONS)
    assert [each.thing.code for each in found] == list(DIRECTIONS)
    for at, each in enumerate(found):
        assert each.distance_m == pytest.approx(200 + at, abs=0.02)
        assert each.bearing_deg == pytest.approx(45 * at, abs=0.01) or each.bearing_deg == pytest.approx(
            360, abs=0.01
        )


@pytest.mark.parametrize(
    ("bearing", "word"),
    [
        (0, "北"),
        (22.4, "北"),
        (22.5, "东北"),
        (90, "东"),
        (180, "南"),
        (202.5, "西南"),
        (337.4, "西北"),
        (337.5, "北"),
        (359.9, "北"),
    ],
)
def test_words_of_directions(bearing: float, word: str) -> None:
    assert direction_of(bearing) == word


def test_a_thing_at_the_very_place_has_no_direction() -> None:
    nearby = Nearby([Thing("here", "device", "camera", 1_065_770_000, 295_590_000)])
    (near,) = nearby.nearest(106.577, 29.559, 3)
    assert (near.distance_m, near.bearing_deg, near.direction) == (0.0, None, None)


def test_changes_are_seen_by_the_next_question() -> None:
    chance = random.Random(8)
    nearby, truth = Nearby(), dict[str, Thing]()
    for step in range(600):
        code = f"{chance.randrange(80)}"
        if chance.random() < 0.3:
            assert nearby.remove(code) == (truth.pop(code, None) is not None)
        else:
            place = (
                round((106.5 + chance.random() * 0.01) * SCALE),
                round((29.5 + chance.random() * 0.01) * SCALE),
            )
            truth[code] = Thing(code, "device", chance.choice(["camera", "smoke"]), *place)
            nearby.put(truth[code])
        if step % 5 == 0:
            lon, lat = 106.5 + chance.random() * 0.01, 29.5 + chance.random() * 0.01
            expected = oracle(truth.values(), lon, lat, 7)
            assert [code for _, code in told(nearby.nearest(lon, lat, 7))] == [code for _, code in expected]
    assert len(nearby) == len(truth)
    for code in list(truth):
        nearby.remove(code)
    assert nearby.nearest(106.5, 29.5, 3) == []


def test_of_two_with_one_code_the_later_one_stays() -> None:
    nearby = Nearby([Thing("a", "device", "camera", 0, 0), Thing("a", "device", "smoke", 10, 10)])
    assert len(nearby) == 1
    assert nearby.nearest(0, 0, 5)[0].thing.kind == "smoke"


@pytest.mark.parametrize(
    ("lon", "lat", "name"), [(181, 0, "lon"), (0, math.nan, "lat"), (math.inf, 0, "lon")]
)
def test_what_is_no_place_is_refused(lon: float, lat: float, name: str) -> None:
    with pytest.raises(InputError) as refused:
        Nearby().nearest(lon, lat, 1)
    assert refused.value.name == name


def test_readers_and_writers_at_once() -> None:
    """Fixed things are always found, moving ones are found at one of their places, and nothing breaks."""
    still = scattered(1, 400, 106.5, 29.5, 0.01)
    nearby, ended, wrong = Nearby(still), Event(), []
    expected = {each.code for each in still}

    def move(number: int) -> None:
        chance = random.Random(number)
        while not ended.is_set():
            code = f"m{number}-{chance.randrange(20)}"
            x, y = (
                round((106.5 + chance.random() * 0.01) * SCALE),
                round((29.5 + chance.random() * 0.01) * SCALE),
            )
            if chance.random() < 0.3:
                nearby.remove(code)
            else:
                nearby.put(Thing(code, "device", chance.choice(["camera", "bus"]), x, y))

    def ask(number: int) -> None:
        chance = random.Random(number)
        for _ in range(150):
            lon, lat = 106.5 + chance.random() * 0.01, 29.5 + chance.random() * 0.01
            found = nearby.nearest(lon, lat, 1000)
            codes = [each.thing.code for each in found]
            if len(set(codes)) != len(codes) or not expected <= set(codes):
                wrong.append(codes)
            one = nearby.nearest(lon, lat, 1)
            if len(one) != 1:
                wrong.append([])

    movers = [Thread(target=move, args=(number,)) for number in range(3)]
    askers = [Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in (*movers, *askers):
        thread.start()
    for thread in askers:
        thread.join()
    ended.set()
    for thread in movers:
        thread.join()
    assert not wrong


def test_a_large_town_is_held_at_once() -> None:
    places = np.random.default_rng(2).integers(0, 2_000_000, (50_000, 2)).tolist()
    things = [
        Thing(str(at), "device", "camera", 1_065_000_000 + x, 295_000_000 + y)
        for at, (x, y) in enumerate(places)
    ]
    nearby = Nearby(things)
    found = told(nearby.nearest(106.6, 29.6, 25))
    assert [code for _, code in found] == [code for _, code in oracle(things, 106.6, 29.6, 25)]
