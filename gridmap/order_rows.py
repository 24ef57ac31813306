"""Orders as the store keeps them: a row for finding each, rows of the log for its history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gridmap.orders.order import entry_from_json, to_json
from gridmap.orders.words import LIVE
from gridmap.store.desk import OrderRow
from gridmap.store.log import ORDER, Fact

if TYPE_CHECKING:
    from gridmap.orders.clocks import Notice
    from gridmap.orders.order import OrderEntry, WorkOrder
    from gridmap.store.desk import Desk

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def row_of(order: WorkOrder, thing: str, following: Notice | None) -> OrderRow:
    """An order as its table keeps it; `following` is the next that is to be said of its clocks."""
    return OrderRow(
        id=order.id,
        number=order.event.seq,
        thing=thing,
        is_live=order.state in LIVE,
        state=order.state,
        code=order.code,
        person=order.assignees[0].person if order.assignees else None,
        due_ms=None if following is None else milliseconds(following.at),
        version=order.version,
        body=to_json(order).decode(),
    )


def fact_of(entry: OrderEntry) -> Fact:
    """A line of an order's history as it goes into the log."""
    return Fact(ORDER, entry.key, to_json(entry).decode())


def history(desk: Desk, order: WorkOrder) -> list[OrderEntry]:
    """The history of an order, from the log."""
    keys = [f"{order.id}:{version}" for version in range(1, order.version + 1)]
    found = desk.find(ORDER, keys)
    return [entry_from_json(found[key].body) for key in keys if key in found]


def milliseconds(moment: datetime) -> int:
    """A moment as whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
