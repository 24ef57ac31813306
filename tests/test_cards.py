"""`GET /cards/{code}`: each part of a card, counted again in the plainest way."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from checked import Checked
from event_oracles import SECRET, event
from furnished import Town, furnished, town
from lively import Town as Lively
from msgspec.structs import replace as altered
from pyproj import Geod
from reported import PATIENCE_S
from town import GRIDS, SCHOOL, lattice_polygon, tables, toytown
from webtown import DISTRICT, GRID, HOLED, TOWN, TWO_PARTS, Held, make_twin

from gridmap.cards import PAIRS_KEPT, PRINTS_KEPT, Past, count_overdue, neighbours
from gridmap.chronicle import Chronicle
from gridmap.coverage.canonical import to_bytes
from gridmap.coverage.partition import partition_of
from gridmap.coverage.proof import examine
from gridmap.daybook.backlog import NEVER, due_ms
from gridmap.events.document import from_object
from gridmap.index.nearby import direction_of
from gridmap.lattice import SCALE
from gridmap.model import StaffPost
from gridmap.order_rows import milliseconds
from gridmap.orders.calendar import CHINA
from gridmap.orders.clocks import lamp, next_due
from gridmap.orders.dispatch import ON_DUTY, on_duty
from gridmap.orders.order import Clock, order_from_json
from gridmap.orders.words import LIVE
from gridmap.publishing import publish
from gridmap.store.address import CityAddress
from gridmap.store.home import Home
from gridmap.surroundings import Source
from gridmap.twin import Twin
from tiles.web import gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reported import Reported

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.store.device_states import DeviceTable

GEOD = Geod(ellps="WGS84")
CITY = make_twin().current
CODES = [area.code for area in CITY.partition.areas()]
URGENT = ["red", "orange", "yellow", "blue"]


@pytest.fixture(name="made", scope="module")
def _made() -> Town:
    return town(5)


@pytest.fixture(name="web", scope="module")
def _web(made: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    with furnished(tmp_path_factory.mktemp("cards"), made) as web:
        yield web


def inside(x: int, y: int, code: str) -> bool:
    return any(area.code == code for area in CITY.chain_at(CITY.index.at(x, y)))


def length_m(line: shapely.Geometry) -> float:
    """The length of a line in lattice units on the ellipsoid, side by side."""
    total = 0.0
    for part in shapely.get_parts(line):
        if part.length:
            lons, lats = (np.array(each) / SCALE for each in part.xy)
            total += GEOD.line_length(lons, lats)
    return total


# --- neighbours


@pytest.mark.parametrize("depth", range(4))
def test_neighbours_are_those_that_shapely_finds(depth: int) -> None:
    partition = CITY.partition
    shapes = partition.polygons_at(depth)
    for row, shape in enumerate(shapes):
        expected = {}
        for other, beside in enumerate(shapes):
            shared = length_m(shapely.intersection(shape.boundary, beside.boundary)) if other != row else 0.0
            if shared:
                expected[other] = shared
        found = neighbours(partition.coverage_at(depth), row)
        assert {each.row: each.shared_m for each in found} == pytest.approx(expected, rel=1e-9)
        assert all(one.shared_m >= other.shared_m for one, other in pairwise(found))


def test_a_card_names_its_neighbours(web: Reported) -> None:
    for code in (GRID, HOLED, TWO_PARTS, TOWN, DISTRICT):
        depth = CITY.partition.depth_of(CITY.area(code).level)
        table = CITY.partition.levels[depth]
        found = neighbours(CITY.partition.coverage_at(depth), table.row_of[code])
        assert web.json(f"/cards/{code}")["neighbours"] == [
            {
                "code": table.codes[each.row],
                "name": table.names[each.row],
                "shared_m": round(each.shared_m, 3),
            }
            for each in found
        ]
    (school,) = (code for code, (name, _) in GRIDS.items() if name == "玩具小学")
    assert [each["code"] for each in web.json(f"/cards/{school}")["neighbours"]] == [HOLED]


# --- what stands there


def test_a_card_begins_as_the_area_does(web: Reported) -> None:
    for code in CODES:
        said, area = web.json(f"/cards/{code}"), web.json(f"/areas/{code}")
        for name in ("code", "name", "level", "kind", "parent", "path", "edition", "synthetic", "measures"):
            assert said[name] == area[name]


@pytest.mark.parametrize("code", CODES)
def test_the_stock_is_counted_again(web: Reported, made: Town, code: str) -> None:
    rows = [row for row, each in enumerate(made.buildings) if inside(*made.at(each), code)]
    living = [home for row in rows for home in made.living(row)]
    people = sum(home["people"] for home in living)
    assert web.json(f"/cards/{code}")["stock"] == {
        "households": len(living),
        "people": None if 0 < people < 5 else people,
        "buildings": len(rows),
        "devices": sum(inside(each.x, each.y, code) for each in made.devices),
        "staff": sum(post.grid.startswith(code) for post in made.posts),
    }


@pytest.mark.parametrize("code", CODES)
def test_buildings_of_a_grid_the_tallest_first(web: Reported, made: Town, code: str) -> None:
    rows = [row for row, each in enumerate(made.buildings) if inside(*made.at(each), code)]
    rows.sort(key=lambda row: -made.buildings[row]["floors"])
    told = [
        {
            "code": made.buildings[row]["code"],
            "name": made.buildings[row]["name"],
            "use": made.buildings[row]["use"],
            "height": 3 * made.buildings[row]["floors"],
            "households": len(made.living(row)),
        }
        for row in rows
    ]
    assert web.json(f"/cards/{code}")["buildings"] == (told[:60] if len(code) == 15 else [])


def test_no_more_buildings_than_a_card_holds(tmp_path: Path) -> None:
    with furnished(tmp_path, town(2, 900)) as web:
        found = web.json(f"/cards/{HOLED}")
        assert len(found["buildings"]) == 60 < found["stock"]["buildings"]


@pytest.fixture(name="heard", scope="module")
def _heard(web: Reported, made: Town) -> Reported:
    """Every third device was heard; every sixth is offline since."""
    now = datetime.now(UTC).isoformat()
    codes = [device.code for device in made.devices][::3]
    said = [{"device": code, "at": now, "heartbeat": True} for code in codes]
    taken = web.json("/devices/readings", method="POST", json=said)
    assert taken["accepted"] == len(said)

    def lose(table: DeviceTable) -> None:
        rows = table.states(codes[::2]).values()
        table.put([row._replace(body=row.body.replace("online", "offline", 1)) for row in rows])

    web.affairs.devices.book.change(lose)
    return web


@pytest.mark.parametrize("code", CODES)
def test_devices_by_kind_and_whether_they_are_heard(heard: Reported, made: Town, code: str) -> None:
    expected: dict[str, Counter[str]] = {}
    for device in made.devices:
        if inside(device.x, device.y, code):
            found = heard.json(f"/devices/{device.code}")
            status = "unheard" if found["online"] is None else "online" if found["online"] else "offline"
            expected.setdefault(device.kind, Counter())[status] += 1
    assert heard.json(f"/cards/{code}")["devices"] == [
        {
            "kind": kind,
            "total": expected[kind].total(),
            **{name: expected[kind][name] for name in ("online", "offline", "unheard")},
        }
        for kind in sorted(expected)
    ]
    if code == DISTRICT:
        assert min(sum(expected.values(), Counter[str]()).values()) > 3


def test_devices_are_not_read_again_for_each_card(heard: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    """A district has tens of thousands: each state is read when it changes."""
    first, book = heard.json(f"/cards/{DISTRICT}")["devices"], heard.affairs.devices.book
    for name in ("standing", "standing_among", "standing_of"):
        monkeypatch.setattr(book, name, None)
    assert heard.json(f"/cards/{DISTRICT}")["devices"] == first


@pytest.mark.parametrize("hour", [3, 10, 17, 23])
def test_posts_of_a_grid_those_on_duty_first(
    web: Reported, made: Town, hour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 5, 6, hour, 30, tzinfo=CHINA)
    monkeypatch.setattr(web.affairs, "now", lambda: now.astimezone(UTC))
    calendar, rules = web.affairs.casework.calendar, web.affairs.casework.rules
    for grid in GRIDS:
        said = web.json(f"/cards/{grid}")["staff"]
        posts = {post.code: post for post in made.posts if post.grid == grid}
        assert {each["code"] for each in said} == set(posts)
        for each in said:
            post = posts[each["code"]]
            assert (each["role"], each["person"], each["shift"]) == (post.role, post.person, post.shift)
            assert each["on_duty"] == (on_duty(post.shift, now, calendar) == ON_DUTY)
            assert each["acts_as"] == rules.staff_roles[post.role]
        assert [each["on_duty"] for each in said] == sorted((each["on_duty"] for each in said), reverse=True)
    assert web.json(f"/cards/{TOWN}")["staff"] == []


def test_what_is_not_known_of_a_post_is_null_and_a_name_is_masked(tmp_path: Path) -> None:
    posts = [
        StaffPost(f"{GRID}-01", GRID, "网格长", "张小三", "白班 09:00-18:00"),
        StaffPost(f"{GRID}-02", GRID, "楼栋长", "P-2", "白班 09:00-18:00"),
    ]
    with furnished(tmp_path, Town([], [], [], posts)) as web:
        alone = Checked(make_twin(source=Source(CityAddress(tmp_path / "home"))))
        for server, role in ((web, "grid_leader"), (alone, None)):
            said = server.json(f"/cards/{GRID}")["staff"]
            assert [(each["person"], each["acts_as"]) for each in said] == [("张*三", role), ("P-2", None)]


def test_what_is_near_in_words(web: Reported, made: Town) -> None:
    for code in CODES:
        middle = CITY.polygon(code).point_on_surface()
        ways = [
            (*GEOD.inv(middle.x, middle.y, each.x / SCALE, each.y / SCALE), each) for each in made.devices
        ]
        bearing, _, metres, device = min(ways, key=lambda way: way[2])
        said = web.json(f"/cards/{code}")["nearest"]
        assert said["zh"].startswith(direction_of(bearing % 360))
        assert f"{max(1, round(metres))}米" in said["zh"]
        assert said["en"].startswith(f"{device.kind}: {max(1, round(metres))} m to the ")
    assert Checked(make_twin()).json(f"/cards/{GRID}")["nearest"] is None


# --- what goes on there


@pytest.fixture(name="lively")
def _lively(tmp_path: Path) -> Iterator[Lively]:
    folder = tmp_path / "lively"
    folder.mkdir()
    town = Lively(folder)
    yield town
    town.close()


@cache
def spot(code: str) -> tuple[float, float]:
    found = CITY.polygon(code).representative_point()
    return round(found.x, 7), round(found.y, 7)


def report(web: Lively, id_: str, code: str, urgency: str, **more: Any) -> int:
    lon, lat = spot(code)
    event: dict[str, Any] = {
        "id": id_,
        "source": "s",
        "class": "城市管理",
        "title": f"事件{id_}",
        "urgency": urgency,
    }
    event |= {"lon": lon, "lat": lat, "crs": "wgs84", **more}
    seq: int = web.post("/events", event, 201)["seq"]
    return seq


def test_orders_and_events_of_an_area(lively: Lively) -> None:
    for number in range(60):
        code = [GRID, HOLED, TWO_PARTS][number % 3]
        report(lively, f"{number}", code, ["blue", "red", "yellow", "orange"][number % 4])
        if number % 10 == 0:
            report(lively, f"d{number}", GRID, "red", drill=True)
            report(lively, f"c{number}", GRID, "blue", op="close", subject=f"{number}")
            lively.wait(minutes=7)
    lively.settle()
    calendar = lively.affairs.casework.calendar
    rows = lively.affairs.book.looking(lambda desk: desk.find_orders(0, 1000))
    orders = [order_from_json(row.body) for row in rows]
    events = lively.json("/events?limit=1000")["events"]
    for code in (GRID, HOLED, TWO_PARTS, TOWN, DISTRICT, GRID[:12]):
        said = lively.json(f"/cards/{code}")
        live = {
            order.id: order
            for order in orders
            if order.state in LIVE and (order.code or "").startswith(code) and not order.drill
        }
        assert said["orders"]["open"] == len(live) > 0
        late = [o for o in live.values() if any(c.since and c.due_at <= lively.now for c in o.clocks)]  # type: ignore[operator]  # a running clock is due some time
        assert said["orders"]["overdue"] == len(late)
        latest = said["orders"]["latest"]
        assert len(latest) == min(20, len(live))
        ranks = [URGENT.index(each["urgency"]) for each in latest]
        assert ranks == sorted(ranks)
        worst = sorted(URGENT.index(o.urgency) for o in live.values())
        assert ranks == worst[: len(ranks)]
        for each in latest:
            order = live[each["id"]]
            assert each["lamp"] == lamp(order, lively.now, calendar)
            assert (each["title"], each["class"], each["state"]) == (order.title, order.class_, order.state)
            running = [clock.due_at for clock in order.clocks if clock.since is not None and clock.due_at]
            assert datetime.fromisoformat(each["due_at"]) == min(running)
            assert datetime.fromisoformat(each["opened_at"]) == order.opened_at
        inside = [each for each in events if (each["code"] or "").startswith(code)]
        assert said["history"] == [
            {
                "seq": each["seq"],
                "title": each["title"],
                "class": each["class"],
                "urgency": each["urgency"],
                "op": each.get("op", "open"),
                "drill": each.get("drill", False),
                "occurred_at": each["occurred_at"],
            }
            for each in inside[::-1][:20]
        ]


def test_a_clock_that_is_over_is_not_due() -> None:
    """A card and the overview count by one rule."""
    late, now = datetime(2026, 5, 6, tzinfo=UTC), datetime(2026, 5, 7, tzinfo=UTC)
    clock = Clock("accept", 1, "always", 60, late, late, 0, late)
    over, stands = altered(clock, done_at=late), altered(clock, since=None)
    later = altered(clock, name="close", due_at=now + timedelta(hours=1))
    for clocks, due in (((clock, later), late), ((over, stands, later), later.due_at), ((over,), None)):
        order: Any = SimpleNamespace(clocks=clocks)
        assert next_due(order) == due
        assert due_ms(order) == (NEVER if due is None else milliseconds(due))
        assert count_overdue([order], now) == (due == late)


def test_a_history_has_what_is_said_without_a_place(lively: Lively) -> None:
    first = event("a", place=GRID, title="事件a", occurred_at="2026-05-01 07:59:00+08:00")
    lively.affairs.intake.take([from_object(first, SECRET)])
    lively.post("/events", event("b", subject="a", op="close"), 201)
    lively.post("/events", event("c", corrects="a", title="改正"), 201)
    report(lively, "elsewhere", HOLED, "red", drill=True)
    lively.settle()
    found = lively.json(f"/cards/{GRID}")["history"]
    assert [(each["title"], each["drill"]) for each in found] == [
        ("改正", False),
        ("", False),
        ("事件a", False),
    ]
    assert found[-1]["occurred_at"] == "2026-04-30T23:59:00.000Z"
    assert [each["drill"] for each in lively.json(f"/cards/{HOLED}")["history"]] == [True]


def test_overdue_begins_with_the_limit(lively: Lively) -> None:
    report(lively, "1", GRID, "red")
    lively.settle()
    first = lively.json(f"/cards/{GRID}")["orders"]
    due = datetime.fromisoformat(first["latest"][0]["due_at"])
    assert (first["open"], first["overdue"], first["latest"][0]["lamp"]) == (1, 0, "green")
    lively.now = due - timedelta(seconds=1)
    assert lively.json(f"/cards/{GRID}")["orders"]["overdue"] == 0
    lively.now = due
    late = lively.json(f"/cards/{GRID}")["orders"]
    assert (late["overdue"], late["latest"][0]["lamp"]) == (1, "red")


def test_the_chronicle_follows_the_log_and_forgets_what_is_old(lively: Lively) -> None:
    book, chronicle = lively.affairs.book, Chronicle(lively.affairs.book, span=12)
    for number in range(40):
        report(lively, str(number), GRID if number % 2 else HOLED, "blue")
        if number % 3 == 0:
            lively.settle()
            head = book.head()
            newest = [entry for entry in book.read(max(0, head - 12), 12) if entry.kind == "event"]
            found = chronicle.latest(CITY, frozenset([GRID, HOLED]), 100)
            assert [line.seq for line in found] == [entry.seq for entry in newest[::-1]]
            assert {line.code for line in chronicle.latest(CITY, {GRID}, 100)} <= {GRID}
    assert [line.seq for line in Chronicle(book, span=12).latest(CITY, {GRID, HOLED}, 100)] == [
        line.seq for line in chronicle.latest(CITY, {GRID, HOLED}, 100)
    ]
    assert len(chronicle.latest(CITY, {GRID, HOLED}, 2)) == 2
    assert chronicle.latest(CITY, {TOWN}, 5) == []


# --- editions


def renamed() -> Partition:
    names = tables()
    grid = replace(
        names[3],
        names=tuple(
            "新名" if code == GRID else n for code, n in zip(names[3].codes, names[3].names, strict=True)
        ),
    )
    return partition_of((*names[:3], grid), {"grid": toytown().polygons_at(3)})


def shifted() -> Partition:
    """The border between the first two grids has a bend."""
    shapes = toytown().polygons_at(3).copy()
    rows = toytown().finest.row_of
    shapes[rows[HOLED]] = lattice_polygon([(0, 2), (2, 2), (2.1, 3), (2, 4), (0, 4)], SCHOOL)
    shapes[rows[GRID]] = lattice_polygon([(2, 2), (3.9, 2), (4.1, 3), (4, 4), (2, 4), (2.1, 3)])
    return partition_of(tables(), {"grid": shapes})


def test_an_edition_changes_what_has_another_name_or_shape() -> None:
    bodies = {1: toytown(), 2: renamed(), 3: shifted(), 4: shifted()}
    editions = {
        number: replace(CITY.edition, number=number, base=number - 1 or None, checksum=str(min(number, 3)))
        for number in bodies
    }
    past, asked = Past(), Counter[int]()

    def read(edition: Edition) -> bytes:
        asked[edition.number] += 1
        return to_bytes(bodies[edition.number])

    def changed(number: int) -> set[str]:
        base = editions.get(number - 1)
        found = {code: past.changed(editions[number], base, code, read) for code in CODES}
        assert None not in found.values()
        return {code for code, is_so in found.items() if is_so}

    assert changed(1) == set(CODES)
    assert changed(2) == {GRID}
    assert changed(3) == {GRID, HOLED}  # the name is the old one again
    assert changed(4) == set()
    assert set(asked.values()) == {1}
    assert past.changed(editions[1], None, "unknown", read) is False
    assert past.changed(editions[4], editions[3], GRID, None) is False
    assert past.changed(editions[3], editions[2], GRID, None) is None


def shapes(partition: Partition) -> dict[str, tuple[str, bytes]]:
    """The name and the polygon of each area, written down in one form."""
    return {
        code: (name, bytes(shape))
        for depth, table in enumerate(partition.levels)
        for code, name, shape in zip(
            table.codes,
            table.names,
            shapely.to_wkb(shapely.normalize(partition.polygons_at(depth))),
            strict=True,
        )
    }


@pytest.mark.parametrize("seed", range(12))
def test_shapes_differ_where_their_polygons_do(seed: int) -> None:
    """Grids change places, or a border gets a bend: of their communities only some become others."""
    chance, town = np.random.default_rng(seed), toytown() if seed % 2 else shifted()
    places = np.arange(len(town.finest))
    some = chance.choice(places, size=int(chance.integers(0, 5)), replace=False)
    places[some] = chance.permutation(some)
    other = partition_of(tables(), {"grid": (shifted() if seed % 3 else toytown()).polygons_at(3)[places]})
    bodies = {"a": to_bytes(town), "b": to_bytes(other)}
    editions = [replace(CITY.edition, checksum=name) for name in bodies]
    before, now, past = shapes(town), shapes(other), Past()
    assert past.changed(editions[1], editions[0], GRID, None) is None
    for code in [*CODES, "unknown"]:
        found = past.changed(editions[1], editions[0], code, lambda edition: bodies[edition.checksum])
        assert found == (before.get(code) != now.get(code)), code


def test_of_many_editions_few_are_kept() -> None:
    past, asked = Past(), Counter[str]()
    towns = [to_bytes(each) for each in (toytown(), renamed(), shifted())]

    def read(edition: Edition) -> bytes:
        asked[edition.checksum] += 1
        return towns[edition.number % 3]

    editions = [replace(CITY.edition, number=number, checksum=str(number)) for number in range(200)]
    for base, edition in pairwise(editions):
        assert past.changed(edition, base, GRID, read)
    assert set(asked.values()) == {1}
    assert (len(past._pairs), len(past._prints)) == (PAIRS_KEPT, PRINTS_KEPT)
    newest = list(pairwise(editions))[: -PAIRS_KEPT - 1 : -1]
    assert all(past.changed(edition, base, HOLED, read) is not None for base, edition in newest)
    assert set(asked.values()) == {1}  # from memory, in whatever order


def test_who_asks_for_what_is_known_waits_for_nobody() -> None:
    past, editions = Past(), [replace(CITY.edition, checksum=name) for name in "abc"]
    bodies = {"a": to_bytes(toytown()), "b": to_bytes(renamed()), "c": to_bytes(shifted())}

    def read(edition: Edition) -> bytes:
        if edition.checksum == "c":  # while this is read, another asks
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(past.changed, editions[1], editions[0], GRID, read)
                assert asked.result(PATIENCE_S) is True
        return bodies[edition.checksum]

    assert past.changed(editions[1], editions[0], GRID, read) is True
    assert past.changed(editions[2], editions[1], HOLED, read) is True


def test_a_card_lists_the_newest_editions_first() -> None:
    source = Held()
    twin = make_twin(30, source=source)
    web = Checked(twin)
    assert [each["number"] for each in web.json(f"/cards/{GRID}")["editions"]] == [30]
    source.published = [
        replace(twin.current.edition, number=number, base=number - 1 or None, reason=f"r{number}")
        for number in range(1, 31)
    ]
    said = web.json(f"/cards/{GRID}")["editions"]
    assert [each["number"] for each in said] == list(range(30, 10, -1))
    assert [each["reason"] for each in said] == [f"r{number}" for number in range(30, 10, -1)]
    assert {each["changed"] for each in said} == {False}  # all have one checksum
    assert said[0]["effective_at"] == "2026-05-01T00:00:00Z"
    older = Checked(make_twin(12, source=source)).json(f"/cards/{GRID}")
    assert older["edition"] == 12
    assert [each["number"] for each in older["editions"]] == list(range(12, 0, -1)), "none that is not served"


def test_editions_of_a_home_are_compared(tmp_path: Path) -> None:
    towns = [toytown(), renamed(), shifted()]
    with Home.create(tmp_path / "home").store() as store:
        for number, each in enumerate(towns, 1):
            publish(store, each, examine(each), author="甲", reason=f"第{number}版")
    twin = Twin.open(tmp_path / "home")
    web = Checked(twin)
    for code, changes in (
        (GRID, [True, True, True]),
        (HOLED, [True, False, True]),
        (TWO_PARTS, [False, False, True]),
    ):
        said = web.json(f"/cards/{code}")["editions"]
        assert [(each["number"], each["author"]) for each in said] == [(3, "甲"), (2, "甲"), (1, "甲")]
        assert said[0]["reason"] == "第3版"
        assert [each["changed"] for each in said] == changes
    twin.close()


# --- the door


def test_without_a_log_it_says_so() -> None:
    said = Checked(make_twin()).json(f"/cards/{GRID}")
    assert (said["orders"], said["history"], said["staff"], said["devices"]) == (None, None, [], [])
    assert said["stock"] == {
        "households": None, "people": None, "buildings": None, "devices": 0, "staff": 0,
    }  # fmt: skip


def test_it_discloses_everything_and_so_needs_every_layer(
    web: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = web.ask(f"/cards/{GRID}")
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"
    for lack in ("areas", "households", "things", "events"):
        layers = frozenset(gate.LAYERS) - {lack}
        monkeypatch.setattr(gate, "scope_of", lambda _request, layers=layers: gate.Scope(layers))
        web.ask(f"/cards/{GRID}", 403)


def test_an_unknown_code_is_404(web: Reported) -> None:
    for code in ("1", "500999999", f"{GRID}0"):
        assert "There is no area" in web.json(f"/cards/{code}", 404)["detail"]
    assert web.json(f"/cards/{GRID}?x=1", 400)["parameter"] == "x"
