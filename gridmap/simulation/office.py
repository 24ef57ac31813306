"""The office of the simulated staff: looks for new orders, and does what is due."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final

from gridmap.simulation import photo
from gridmap.simulation.day import SOURCE
from gridmap.simulation.staff import Pace, is_done, next_action, wait_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.simulation.link import Link

LOOK_EVERY_S: Final = 2.0
"""How often new orders are looked for."""
PAGE: Final = 200
"""Orders that are looked at together."""
MOST_IN_HAND: Final = 20_000
"""Orders that the staff have at a time; the others wait until some are closed."""
MOST_REFUSED: Final = 3
"""An order that refuses so often in a row is left to others."""


class Office:
    """Has orders in hand and moves them."""

    def __init__(self, link: Link, pace: Pace) -> None:
        self._link = link
        self._pace = pace
        self._due: list[tuple[float, str]] = []
        self._refused: dict[str, int] = {}
        self._seen = 0
        self._look_at = 0.0
        self.actions = 0
        self.closings: list[dict[str, Any]] = []
        """Events that close what an order was about, to be sent."""

    @property
    def in_hand(self) -> int:
        """How many orders the staff have."""
        return len(self._due)

    def next_at(self) -> float:
        """When something is to be done next."""
        return min(self._look_at, self._due[0][0]) if self._due else self._look_at

    def work(self, now: float, most: int) -> None:
        """Do what is due by now, so many things at most."""
        if now >= self._look_at:
            self._look(now)
        for _ in range(most):
            if not self._due or self._due[0][0] > now:
                return
            self._move(heappop(self._due)[1], now)

    @cached_property
    def _photo(self) -> str:
        """The photo of all that is handled on the spot, sent once."""
        return self._link.send_photo(photo.drawn(), photo.MEDIA_TYPE)

    def _look(self, now: float) -> None:
        self._look_at = now + LOOK_EVERY_S
        if len(self._due) >= MOST_IN_HAND:
            return
        said = self._link.get("/orders", {"live": 1, "since": self._seen, "limit": PAGE})
        orders = said["orders"] if said else []
        for order in orders:
            if order["event"]["source"] == SOURCE:
                self._plan(order, now)
        if said and orders:
            self._seen = said["next"]
            if len(orders) == PAGE:
                self._look_at = now

    def _plan(self, order: Mapping[str, Any], now: float) -> None:
        """Note when an order is to be moved next, if ever."""
        after = wait_s(order, now, self._pace)
        if after is not None and not is_done(order):
            heappush(self._due, (now + after, order["id"]))

    def _move(self, id_: str, now: float) -> None:
        order = self._link.get(f"/orders/{id_}")
        action = None if order is None else next_action(order, self._pace)
        if order is None or action is None:
            self._refused.pop(id_, None)
            return
        if action["action"] == "handle_on_spot":
            action |= {"photos": [self._photo]}
        moved = self._link.act(id_, action)
        if moved is None:  # somebody else was faster
            self._refused[id_] = self._refused.get(id_, 0) + 1
            if self._refused[id_] < MOST_REFUSED:
                heappush(self._due, (now + LOOK_EVERY_S, id_))
            else:
                del self._refused[id_]
            return
        self._refused.pop(id_, None)
        self.actions += 1
        if moved["state"] == "closed":
            self.closings.append(_closing(moved, now))
        self._plan(moved, now)


def _closing(order: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The event that the thing of an order is over."""
    thing = thing_of(order["event"]["id"])
    said = {
        "id": f"{thing}.{order['id']}",
        "source": SOURCE,
        "class": order["class"],
        "op": "close",
        "subject": thing,
        "title": order["title"],
        "text": "工单已结案",
        "occurred_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        "fields": {"channel": "网格员"},
    }
    if order["at"]:
        said |= {"lon": order["at"][0], "lat": order["at"][1], "crs": "wgs84"}
    elif order["code"]:
        said |= {"place": order["code"]}
    return said | ({"drill": True} if order["drill"] else {})


def thing_of(id_: str) -> str:
    """The thing that an event of the simulator is about, by its id."""
    return id_.partition(".")[0]
