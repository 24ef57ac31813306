"""An office for tests: Toytown with a log, a roster, a keeper and a clock that a test moves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from webtown import make_twin

from gridmap.affairs import KEEPER
from gridmap.casework import Casework, Request
from gridmap.events.document import from_object
from gridmap.events.intake import body_of, rfc3339
from gridmap.events.placing import Placed, place_all
from gridmap.model import StaffPost
from gridmap.order_rows import history
from gridmap.orders.order import OrderEntry, WorkOrder, order_from_json, replay
from gridmap.orders.requests import args_of
from gridmap.orders.rules import Rules
from gridmap.store.home import Home
from gridmap.store.log import EVENT, Fact

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.store.log import Entry
    from gridmap.twin import Twin

BEGIN = datetime(2026, 5, 6, 1, tzinfo=UTC)
"""Nine in the morning of a working Wednesday."""

ROLES = ("网格长", "专职网格员", "兼职网格员", "微网格长")


def roster(*grids: str) -> list[StaffPost]:
    """Each grid has one of each role, always on duty."""
    return [
        StaffPost(f"{grid}-{number:02d}", grid, role, f"P{grid[-3:]}-{number}", "全天 00:00-23:59")
        for grid in grids
        for number, role in enumerate(ROLES, 1)
    ]


class Office:
    """Takes events, keeps situations and orders; the clock stands still unless it is moved."""

    def __init__(self, folder: Path, twin: Twin | None = None, rules: Rules | None = None) -> None:
        self.twin = twin or make_twin()
        self.store = Home.create(folder).store()
        self.book = self.store.log
        self.now = BEGIN
        grids = [area.code for area in self.twin.current.partition.areas() if area.level == "grid"]
        self.store.put_staff(roster(*grids))
        self.casework = Casework(lambda: self.twin.current, rules or Rules(), lambda: self.now)

    def wait(self, **time: float) -> None:
        """Let time pass, and the clocks of orders be looked at."""
        self.now += timedelta(**time)
        self.book.at_desk(lambda desk: self.casework.sound(desk, 1000))

    def report(self, name: str, **said: Any) -> int:
        """Report an event, and have it kept; its number."""
        event = {"id": name, "source": "12345", "class": "城市管理", "title": "井盖破损", **said}
        code = event.pop("code", None)
        if code is not None:
            inside = self.twin.current.polygon(code).representative_point()
            event["lon"], event["lat"] = round(inside.x, 7), round(inside.y, 7)
            event["crs"] = "wgs84"
        given = from_object(event, b"secret")
        (placed,) = place_all([given.event], self.twin.current)
        assert isinstance(placed, Placed), placed
        body = body_of(given, placed, rfc3339(self.now), self.twin.current.edition.number)
        (written,) = self.book.add([Fact(EVENT, given.event.key, body)])
        self.keep()
        return written.seq

    def keep(self) -> None:
        """Take all rows of the log that nobody has taken."""
        while self.book.advance(KEEPER, 100, self.casework.keep):
            pass

    def move(self) -> None:
        """Move everything by the edition that is served now."""
        self.book.at_desk(self.casework.move)

    def order(self, seq: int) -> WorkOrder:
        """The order that an event opened, which is what its history makes."""
        row = self.book.looking(lambda desk: desk.orders([f"o-{seq}"]))[f"o-{seq}"]
        order = order_from_json(row.body)
        assert replay(self.history(order)) == order
        assert (row.state, row.code, row.version) == (order.state, order.code, order.version)
        return order

    def history(self, order: WorkOrder) -> list[OrderEntry]:
        """The lines of its history."""
        return self.book.looking(lambda desk: history(desk, order))

    def act(self, seq: int, action: str, role: str, *, actor: str = "p", **more: Any) -> WorkOrder:
        """Let somebody act on the order of an event."""
        version = more.pop("version", None)
        request = Request(action, actor, role, more.pop("note", ""), args_of(more), version)
        return self.book.at_desk(lambda desk: self.casework.act(desk, f"o-{seq}", request))

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What the log says of a kind."""
        return [json.loads(entry.body) for entry in self._all() if entry.kind == kind]

    def _all(self) -> list[Entry]:
        return self.book.read(0, 100_000)
