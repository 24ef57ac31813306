"""The feed: what stands in the log, told to the hub of the live stream, row by row.

It follows the log from a cursor of its own, so it tells what other processes wrote as well, and tells
everything in the log's order. What this process writes wakes it; for the rest it looks some times a second.
"""

from __future__ import annotations

import json
import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from gridmap.events.intake import with_number
from gridmap.events.situations import read_said, things_of
from gridmap.lattice import to_degrees, to_lattice
from gridmap.model import DEVICE, NOWHERE
from gridmap.orders.order import as_document, entry_from_json, order_from_json
from gridmap.store.log import EVENT, NOTICE, ORDER
from gridmap.trying import Trying
from tiles.web.devices import written
from tiles.web.live.items import LiveItem
from tiles.web.reply import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gridmap.affairs import Affairs
    from gridmap.orders.order import WorkOrder
    from gridmap.store.desk import Desk, OrderRow
    from gridmap.store.device_states import Standing
    from gridmap.store.log import Entry
    from gridmap.twin import Snapshot, Twin
    from tiles.web.live.filters import Filter
    from tiles.web.live.hub import Hub

LOG: Final = logging.getLogger("tiles.web")

PAGE: Final = 2_000
"""Rows that are told at a time."""

EVERY_S: Final = 0.1
"""How often the log is looked at for what other processes wrote."""

PAUSE_S: Final = 0.02
"""The shortest time between two looks: what comes in between is read at once."""

UNHEARD_S: Final = 0.2
"""How often it is seen how far the log is while nobody listens; nothing is read for an empty room."""

BACK: Final = 10_000
"""Rows before the newest that are told to who comes back to a room that was empty, or to a new server."""

COUNTED_S: Final = 0.5
"""How often numbers and devices that changed are told."""

MOST_DEVICES: Final = 20_000
"""Devices whose states are told to who has come back; of more, GET /devices tells in pages."""

_OF_A_LINE: Final = ("version", "action", "actor", "role", "note", "at", "from", "to")
_OF_AN_ORDER: Final = (
    *("id", "state", "version", "class", "urgency", "title", "code", "at", "level", "assignees", "drill"),
)


class Feed:
    """Tells a hub what happens; `close` ends it."""

    def __init__(self, affairs: Affairs, twin: Twin, hub: Hub, seq: int) -> None:
        """Begin behind a number of the log, which is the hub's."""
        self._affairs = affairs
        self._twin = twin
        self._hub = hub
        self._seq = seq
        self._chains: dict[str, tuple[str, ...]] = {}
        self._snapshot: Snapshot | None = None
        self._open: dict[str, int] = {}
        self._counted_orders: Mapping[str, WorkOrder] = {}
        self._recount = False
        self._counted = 0.0
        self._changed = affairs.devices.book.changed()
        self._wake = Event()
        self._ended = False
        self._came = Event()
        hub.came = self._came.set
        affairs.listen(self._written)
        self._thread = Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell no more."""
        self._ended = True
        self._wake.set()
        self._thread.join(5)

    def states(self, wanted: Filter) -> list[LiveItem]:
        """The numbers and the devices of now that a filter wants, for who has come back."""
        numbers = [_counted(code, count, self._codes(code)) for code, count in list(self._open.items())]
        if DEVICE not in wanted.kinds:
            return numbers
        west, south, east, north = wanted.bbox or self._twin.current.bounds
        (left, right), (low, high) = to_lattice([west, east], [south, north])
        found, _ = self._affairs.devices.book.standing(
            (int(left), int(low), int(right), int(high)), MOST_DEVICES
        )
        return numbers + self._devices([each for each in found if each.body is not None])

    def _written(self) -> None:
        """Let who comes now begin behind what this process has written."""
        if not self._hub.streams:
            self._hub.reached = max(self._hub.reached, self._affairs.book.head())
        self._wake.set()

    def _run(self) -> None:
        trying = Trying(LOG, "the live stream stands still")
        while not self._ended:
            told = 0
            with trying:
                told = self._step()
            if told < PAGE:
                self._wake.wait(EVERY_S if trying.is_well else 10 * EVERY_S)
                self._wake.clear()
                if self._hub.streams:
                    time.sleep(PAUSE_S)
                else:
                    self._came.wait(UNHEARD_S)
                    self._came.clear()

    def _step(self) -> int:
        """Tell what is new; how many rows that were."""
        if self._twin.current is not self._snapshot:
            self._snapshot, self._chains, self._recount = self._twin.current, {}, True
            number = self._snapshot.edition.number
            self._hub.publish([LiveItem(None, "value", "edition", to_json({"edition": number}))])
        if not self._hub.streams and self._rests():
            return 0
        entries = self._affairs.book.read(self._seq, PAGE)
        if entries:
            self._hub.publish(list(self._items(entries)))
            self._seq = entries[-1].seq
        if time.monotonic() - self._counted >= COUNTED_S:
            self._counted = time.monotonic()
            self._count()
            self._tell_devices()
        return len(entries)

    def _rests(self) -> bool:
        """Leave what is new until somebody comes; False when somebody has come."""
        head, changed = self._affairs.book.head(), self._affairs.devices.book.changed()
        self._hub.reached = max(self._hub.reached, head)
        if self._hub.streams:
            return False
        self._changed = changed  # who comes back reads all states
        if head > self._seq + BACK:
            self._hub.pass_over(head)
            self._seq = head
        return True

    def _tell_devices(self) -> None:
        """Tell the states of devices that have changed."""
        book = self._affairs.devices.book
        while rows := book.changed_since(self._changed, PAGE):
            self._changed = rows[-1].changed
            self._hub.publish(self._devices(book.standing_among([row.device for row in rows])))

    def _devices(self, found: Sequence[Standing]) -> list[LiveItem]:
        snapshot = self._snapshot or self._twin.current
        lons, lats = to_degrees([each.x for each in found], [each.y for each in found])
        rows = snapshot.rows_at(lons, lats).tolist() if found else []
        codes = snapshot.partition.finest.codes
        return [
            LiveItem(
                None,
                DEVICE,
                each.code,
                text.encode(),
                () if row == NOWHERE else self._codes(codes[row]),
                lon,
                lat,
            )
            for each, text, row, lon, lat in zip(
                found, written(snapshot, found), rows, lons.tolist(), lats.tolist(), strict=True
            )
        ]

    def _items(self, entries: Sequence[Entry]) -> Iterator[LiveItem]:
        ids = {entry.key.partition(":")[0] for entry in entries if entry.kind in (ORDER, NOTICE)}
        events = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]

        def look(desk: Desk) -> tuple[dict[str, OrderRow], list[str]]:
            return desk.orders(ids), things_of(events, desk)

        orders, things = self._affairs.book.looking(look)
        reported = iter(zip(events, things, strict=True))
        for entry in entries:
            if entry.kind == EVENT:
                (_, said), thing = next(reported)
                lon, lat = said.at or (None, None)
                data = with_number(entry.seq, entry.body).encode()
                codes = self._codes(said.code)
                yield LiveItem(entry.seq, EVENT, thing, data, codes, lon, lat, said.class_)
            elif entry.kind in (ORDER, NOTICE):
                yield self._of_order(entry, orders[entry.key.partition(":")[0]])
            else:
                yield LiveItem(entry.seq, entry.kind, entry.kind, with_number(entry.seq, entry.body).encode())

    def _of_order(self, entry: Entry, row: OrderRow) -> LiveItem:
        order = order_from_json(row.body)
        said: dict[str, Any] = {"seq": entry.seq}
        if entry.kind == ORDER:
            line = as_document(entry_from_json(entry.body))
            said |= {name: line[name] for name in _OF_A_LINE}
        else:
            said |= json.loads(entry.body)
        whole = as_document(order)
        said["order"] = {name: whole[name] for name in _OF_AN_ORDER}
        lon, lat = order.at or (None, None)
        codes = self._codes(order.code)
        return LiveItem(entry.seq, entry.kind, order.id, to_json(said), codes, lon, lat, order.class_)

    def _codes(self, code: str | None) -> tuple[str, ...]:
        """A grid and all areas above it, by the edition that is served."""
        chains = self._chains  # before the snapshot: what is written into these is never of an older one
        snapshot = self._snapshot
        if code is None or snapshot is None:
            return ()
        found = chains.get(code)
        if found is None:
            found = tuple(area.code for area in snapshot.chain(code)) if snapshot.has(code) else ()
            chains[code] = found
        return found

    def _count(self) -> None:
        """Tell where the number of open orders has changed, in grids and in all areas above them."""
        before, after = self._counted_orders, self._affairs.board.refresh().orders
        was: dict[str, int] = {}
        counts = self._open.copy()  # who comes back meanwhile is told what was counted last, not half of this
        if self._recount:  # other areas stand above the grids
            before, was, counts = {}, counts, dict.fromkeys(counts, 0)
        gone = [order for id_, order in before.items() if after.get(id_) is not order]
        come = [order for id_, order in after.items() if before.get(id_) is not order]
        for orders, step in ((gone, -1), (come, 1)):
            for order in orders:
                for code in () if order.drill else self._codes(order.code):
                    count = counts.get(code, 0)
                    was.setdefault(code, count)
                    counts[code] = count + step
        self._open, self._counted_orders, self._recount = counts, after, False
        changed = [code for code, count in was.items() if counts[code] != count]
        if changed:
            self._hub.publish([_counted(code, counts[code], self._codes(code)) for code in changed])


def _counted(code: str, count: int, codes: tuple[str, ...] = ()) -> LiveItem:
    said = {"metric": "open_orders", "code": code, "value": count}
    return LiveItem(None, "value", f"open_orders/{code}", to_json(said), codes or (code,))
