"""Orders over HTTP: listed, read with their history, acted on, refused with reasons; live tiles of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import pytest
from checked import Checked
from office import roster
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, make_twin

from gridmap.affairs import Affairs
from gridmap.events.document import from_object
from gridmap.store.home import Home
from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 60
METRICS = ("open_events", "open_orders")


class Desk:
    """A service of Toytown with orders."""

    def __init__(self, folder: Path) -> None:
        self.twin = make_twin()
        self.store = Home.create(folder).store()
        self.store.put_staff(roster(HOLED, GRID))
        self.affairs = Affairs(self.twin, self.store)
        self.web = Checked(self.twin, self.affairs)

    def report(self, name: str, code: str | None = HOLED, **said: Any) -> str:
        """Report an event and wait for its order; the order's id."""
        event: dict[str, Any] = {
            "id": name,
            "source": "12345",
            "class": "城市管理",
            "title": "井盖破损",
            **said,
        }
        if code is not None:
            inside = self.twin.current.polygon(code).representative_point()
            event |= {"lon": round(inside.x, 7), "lat": round(inside.y, 7), "crs": "wgs84"}
        (answer,) = self.affairs.intake.take([from_object(event, b"secret")])
        assert not isinstance(answer, Exception)
        id_ = f"o-{answer.seq}"
        end = time.monotonic() + PATIENCE_S
        while not self.affairs.book.looking(lambda desk: desk.orders([id_])):
            assert time.monotonic() < end
            time.sleep(0.01)
        return id_

    def act(self, order: str, status: int = 200, headers: dict[str, str] | None = None, **said: Any) -> Any:
        """Act on an order."""
        options = {"json": said, "headers": headers or {}, "method": "POST"}
        return self.web.json(f"/orders/{order}/actions", status, **options)


@pytest.fixture(name="desk", scope="module")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("orders") / "home")
    yield desk
    desk.affairs.close()
    desk.store.close()


def test_an_order_is_listed_by_area_state_person_and_what_is_live(desk: Desk) -> None:
    one, two = desk.report("list-1"), desk.report("list-2", GRID)
    listed = desk.web.json("/orders?live=1")["orders"]
    assert [each["id"] for each in listed if each["id"] in (one, two)] == [one, two]
    here = desk.web.json(f"/orders?area={GRID}")["orders"]
    assert [each["id"] for each in here] == [two]
    for wide in (DISTRICT, COMMUNITY):
        ids = [each["id"] for each in desk.web.json(f"/orders?area={wide}")["orders"]]
        assert {one, two} <= set(ids)
    person = here[0]["assignees"][0]["person"]
    assert two in [each["id"] for each in desk.web.json(f"/orders?person={person}")["orders"]]
    assert desk.web.json("/orders?state=closed")["orders"] == []
    page = desk.web.json("/orders?limit=1")
    following = desk.web.json(f"/orders?limit=1&since={page['next']}")
    assert page["orders"][0]["id"] != following["orders"][0]["id"]


def test_an_order_goes_through_its_life(desk: Desk) -> None:
    order = desk.report("life")
    for action, role, actor, more in (
        ("accept", "grid_member", "me", {}),
        ("arrive", "grid_member", "me", {}),
        ("feedback", "grid_member", "me", {"note": "已更换"}),
        ("check", "verifier", "you", {}),
        ("close", "verifier", "you", {}),
        ("evaluate", "resident", "she", {"satisfaction": 5}),
    ):
        allowed = desk.web.json(f"/orders/{order}?role={role}&actor={actor}")["allowed_actions"]
        assert action in allowed
        said = desk.act(order, action=action, role=role, actor=actor, **more)
        assert action == said.get("history", [{"action": action}])[-1]["action"]
    found = desk.web.json(f"/orders/{order}")
    assert (found["state"], found["state_zh"], found["satisfaction"]) == ("evaluated", "已评价", 5)
    assert [line["action"] for line in found["history"]] == [
        *("open", "accept", "arrive", "feedback", "check", "close", "evaluate")
    ]


def test_who_was_slower_is_told(desk: Desk) -> None:
    order = desk.report("race")
    reply = desk.web.ask(f"/orders/{order}")
    tag = reply.headers["ETag"]
    desk.act(order, action="accept", role="grid_member", actor="me", headers={"If-Match": tag})
    problem = desk.act(
        order, 412, {"If-Match": tag}, action="return", role="grid_member", actor="you", note="x"
    )
    assert problem["type"] == "/problems#stale-order"
    assert problem["state"] == "accepted"
    assert "arrive" in problem["allowed_actions"]
    desk.act(order, 400, {"If-Match": "nonsense"}, action="arrive", role="grid_member", actor="me")


def test_refusals_say_what_would_be_allowed(desk: Desk) -> None:
    order = desk.report("refused")
    wrong = desk.act(order, 409, action="close", role="dispatcher", actor="d")
    assert wrong["type"] == "/problems#wrong-state"
    assert "whistle" in wrong["allowed_actions"]
    assert "不能结案" in wrong["detail_zh"]
    denied = desk.act(order, 403, action="accept", role="resident", actor="r")
    assert (denied["type"], denied["allowed_actions"]) == ("/problems#wrong-role", [])


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "action"),
        ({"action": "accept"}, "actor"),
        ({"action": "accept", "actor": "p"}, "role"),
        ({"action": "accept", "actor": "p", "role": 7}, "role"),
        ({"action": "fly", "actor": "p", "role": "grid_member"}, "action"),
        ({"action": "accept", "actor": "p", "role": "king"}, "role"),
        ({"action": "accept", "actor": "p", "role": "grid_member", "note": 1}, "note"),
        ({"action": "return", "actor": "p", "role": "grid_member"}, "note"),
        ({"action": "accept", "actor": "p", "role": "grid_member", "color": "red"}, "arguments"),
    ],
)
def test_a_body_that_cannot_be_used_is_told_by_name(desk: Desk, said: dict[str, Any], name: str) -> None:
    order = desk.report(f"bad-{name}-{len(said)}-{said.get('action')}")
    assert desk.act(order, 400, **said)["parameter"] == name


def test_there_is_no_such_order(desk: Desk) -> None:
    desk.web.ask("/orders/o-999999", 404)
    desk.act("o-999999", 404, action="accept", actor="p", role="grid_member")
    desk.web.ask("/orders?area=nowhere", 404)
    desk.web.ask("/orders?role=king", 400)


def test_the_table_of_transitions_is_served(desk: Desk) -> None:
    table = desk.web.json("/orders/transitions")
    assert any(row["action"] == "whistle" for row in table["transitions"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_open_is_in_the_live_tile_of_its_place(desk: Desk, scheme: str) -> None:
    order = desk.report(f"tile-{scheme}", GRID, urgency="red")
    inside = desk.twin.current.polygon(GRID).representative_point()
    seq = int(order.removeprefix("o-"))
    for layer in ("event", "order"):
        for z in (12, 17):
            x, y = SCHEMES[scheme].tile_at(inside.x, inside.y, z)[1:]
            reply = desk.web.ask(f"/tiles/live/{seq}/{layer}/{scheme}/{z}/{x}/{y}.mvt")
            assert int(reply.headers["X-Gridmap-Seq"]) >= seq
            features = mapbox_vector_tile.decode(reply.get_data())[layer]["features"]
            assert any(each["properties"]["urgency"] == "red" for each in features)
    desk.web.ask("/tiles/live/0/event/xyz/9/0/255.mvt", 204)


def test_the_live_tilejson_names_tiles_that_are_there(desk: Desk) -> None:
    desk.report("json")
    said = desk.web.json("/tiles/live/order.json?scheme=gcj02")
    assert f"/tiles/live/{said['seq']}/order/gcj02/" in said["tiles"][0]
    desk.web.ask("/tiles/live/nothing.json", 404)
    desk.web.ask("/tiles/live/x/event/xyz/0/0/0.mvt", 400)
    desk.web.ask("/tiles/live/0/event/xyz/1/5/0.mvt", 404)


def test_open_orders_and_events_are_numbers_beside_the_tiles(desk: Desk) -> None:
    def told(level: str, metric: str) -> tuple[int, int]:
        said = desk.web.json(f"/values/{level}/{metric}")
        return sum(said["values"]), said["seq"]

    before = [told(level, metric)[0] for level in ("district", "grid") for metric in METRICS]
    order = desk.report("counted", GRID)
    desk.report("drill", GRID, drill=True)
    after = [told(level, metric) for level in ("district", "grid") for metric in METRICS]
    assert [count for count, _ in after] == [count + 1 for count in before]
    assert all(seq >= int(order.removeprefix("o-")) for _, seq in after)


def test_without_a_store_there_are_no_orders() -> None:
    web = Checked(make_twin())
    for address in (
        "/orders",
        "/orders/o-1",
        "/events",
        "/tiles/live/event.json",
        "/values/grid/open_orders",
    ):
        assert json.loads(web.ask(address, 503).get_data())["status"] == 503
