"""Casework: what is to be done about what the log says. Events become situations, situations orders.

Theory of operation. Everything here happens at the desk, inside the transaction that takes the rows of the
log: a situation, the order that it opens and the row of the log that tells of it are there together or not at
all, once, whoever does it and however often it is begun. The rules themselves know of none of this
(`gridmap.orders`, `gridmap.events.situations`): they are given values and give values.

- A thing that opens gets an order, unless a live one is about it already. Who reports the same manhole again
  under the same subject adds to the situation, not to the orders.
- A source that closes a thing withdraws the order that nobody has accepted yet. One that somebody works on
  goes its way: he says what he found.
- A thing that is said to be more urgent, or to be no drill after all, makes its order so; one that is said
  to be less urgent does not: that is for a dispatcher to say.
- While a thing is open, its order is where the thing is. When the thing moves, or the boundaries do, so does
  the order, with a line in its history; in another grid to the duty staff there, when nobody has accepted it
  yet.
- Marks of a clock (80, 100, 150 %) are rows of the log, known by order, clock and percent: once for ever. At
  150 % the order is supervised.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gridmap.errors import NotFoundError
from gridmap.events.document import CLOSE
from gridmap.events.placing import OUTSIDE
from gridmap.events.situations import applied, read_said, read_state, situation_of, things_of
from gridmap.order_rows import fact_of, milliseconds, row_of
from gridmap.orders import clocks
from gridmap.orders.dispatch import assign
from gridmap.orders.facts import Facts
from gridmap.orders.machine import SYSTEM, act, open_order
from gridmap.orders.order import Origin, order_from_json
from gridmap.orders.requests import NO_ARGS, Absorbed, Args
from gridmap.orders.words import LIVE, URGENCIES
from gridmap.store.desk import OrderRow
from gridmap.store.log import EVENT, NOTICE, Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gridmap.events.placing import City
    from gridmap.events.situations import Said, State
    from gridmap.model import StaffPost
    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import Assignment, OrderEntry, WorkOrder
    from gridmap.orders.rules import Rules
    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry

Place = tuple[str | None, tuple[float, float] | None]
"""The code of a grid, and a point in degrees."""

NOT_ACCEPTED: Final = frozenset({"reported", "verified", "filed", "dispatched"})
"""States in which nobody has taken an order in hand."""

BOUNDARIES: Final = "boundaries"
"""The checkpoint that says by which edition everything that is open has its grid."""

PLACES: Final = "places"
"""The checkpoint that says that orders are where their things are; an earlier gridmap left them behind."""

MOVED_AT_ONCE: Final = 5_000
"""Situations and orders that are looked at together when the boundaries have changed."""

SUPERVISED: Final = 150
"""Percent of a clock at which an order is supervised."""


class Request(NamedTuple):
    """What somebody wants to do to an order."""

    action: str
    actor: str
    role: str
    note: str = ""
    args: Args = NO_ARGS
    version: int | None = None


class Casework:
    """Makes situations, orders and notices of the log's rows. One for a process; holds no state of a city."""

    def __init__(self, city: Callable[[], City], rules: Rules, clock: Callable[[], datetime]) -> None:
        self._city = city
        self.rules = rules
        self.calendar: WorkCalendar = rules.work_calendar()
        self._clock = clock

    def keep(self, entries: Sequence[Entry], desk: Desk) -> int:
        """Make of the next rows of the log what they add up to; the number of rows that were taken.

        None while another process has moved everything to an edition that this one does not serve yet.
        """
        city = self._city()
        if desk.checkpoint(BOUNDARIES) > city.edition.number:
            return 0
        self._take(entries, desk, city)
        return len(entries)

    def move(self, desk: Desk) -> int:
        """Give everything that is open the grid in which its place is now; the edition by which it is.

        Once for each edition, whoever serves it first, and once for orders that an earlier gridmap left
        behind. What an event says that was placed by an earlier edition is placed anew when its row is taken.
        """
        city = self._city()
        known, number = desk.checkpoint(BOUNDARIES), city.edition.number
        if known > number or (known == number and desk.checkpoint(PLACES)):
            return known
        self._move_situations(desk, city)
        self._move_orders(desk, city)
        desk.remember(BOUNDARIES, number)
        desk.remember(PLACES, 1)
        return number

    def sound(self, desk: Desk, limit: int) -> int:
        """Tell of the marks that clocks have passed by now; the number of orders that were looked at."""
        now = self._clock()
        rows = desk.due_orders(milliseconds(now), limit)
        facts, changed = [], []
        for row in rows:
            order = order_from_json(row.body)
            passed = clocks.notices(order, now, self.calendar)
            told = desk.find(NOTICE, [notice.key for notice in passed])
            fresh = [notice for notice in passed if notice.key not in told]
            facts += [Fact(NOTICE, notice.key, _told(notice, order)) for notice in fresh]
            if any(notice.percent == SUPERVISED for notice in fresh) and order.state in LIVE:
                order, entry = self._act(order, "supervise", now)
                facts.append(fact_of(entry))
            changed.append(self._row(order, row.thing, now))
        self._store(desk, facts, changed)
        return len(rows)

    def is_due(self, desk: Desk) -> bool:
        """Whether a clock has passed a mark of which nothing was told yet."""
        return bool(desk.due_orders(milliseconds(self._clock()), 1))

    def act(self, desk: Desk, id_: str, request: Request) -> WorkOrder:
        """Let somebody act on an order. NotFoundError, OrderError, InputError: then nothing is changed."""
        now = self._clock()
        row, order = self._find(desk, id_)
        moved, entry = act(
            order,
            request.action,
            request.actor,
            request.role,
            request.note,
            now,
            rules=self.rules,
            calendar=self.calendar,
            args=request.args,
            expected_version=request.version,
        )
        facts, changed = [fact_of(entry)], [self._row(moved, row.thing, now)]
        if request.action == "merge" and request.args.into is not None:
            other_row, other = self._find(desk, request.args.into)
            args = Args(absorbed=Absorbed(order.id, order.handlers))
            whole, said = self._act(other, "absorb", now, args)
            facts.append(fact_of(said))
            changed.append(self._row(whole, other_row.thing, now))
        self._store(desk, facts, changed)
        return moved

    def _find(self, desk: Desk, id_: str) -> tuple[OrderRow, WorkOrder]:
        row = desk.orders([id_]).get(id_)
        if row is None:
            raise NotFoundError(f"There is no order {id_[:40]!r}.")
        return row, order_from_json(row.body)

    def _take(self, entries: Sequence[Entry], desk: Desk, city: City) -> None:
        events = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]
        if not events:
            return
        earlier = [said for _, said in events if said.edition < city.edition.number and said.at is not None]
        for said, code in zip(
            earlier, codes_of([(said.code, said.at) for said in earlier], city), strict=True
        ):
            said.code, said.unplaced = code, None if code is not None else OUTSIDE
        things = things_of(events, desk)
        states = {thing: read_state(row) for thing, row in desk.situations(things).items()}
        desks = _Open(desk, things, [said.code for _, said in events])
        for (entry, said), thing in zip(events, things, strict=True):
            before = states.get(thing)
            states[thing] = after = applied(before, entry.seq, said, thing)
            self._respond(desks, before, after, (entry, said), city)
        desk.put_situations(map(situation_of, states.values()))
        self._store(desk, desks.facts, desks.changed.values())

    def _respond(
        self, at: _Open, before: State | None, after: State, event: tuple[Entry, Said], city: City
    ) -> None:
        """What the change of a situation means for its order."""
        entry, said = event
        now = datetime.fromisoformat(said.received_at)
        order = at.orders.get(after.thing)
        if order is None:
            if after.is_open and (before is None or not before.is_open):
                made, first = self._open(at, after, (entry, said), city)
                at.note(after.thing, made, [first], self._row(made, after.thing, now))
            return
        if said.op == CLOSE and not after.is_open and order.state in NOT_ACCEPTED:
            args: dict[str, Any] = {"note": "来源已撤销 / withdrawn by its source"}
            order, line = self._act(order, "void", now, **args)
            at.note(after.thing, order, [line], self._row(order, after.thing, now))
            return
        lines: list[OrderEntry] = []
        if after.is_open and _is_graver(after, order):
            order, line = self._act(order, "regrade", now, Args(urgency=after.urgency, drill=after.drill))
            lines.append(line)
        if after.is_open and (after.code, after.at) != (order.code, order.at):
            there = Args(code=after.code, at=after.at)
            order, moved = self._moved(order, there, at.staff(after.code), city, now)
            lines += moved
        if lines:
            at.note(after.thing, order, lines, self._row(order, after.thing, now))

    def _open(
        self, at: _Open, state: State, event: tuple[Entry, Said], city: City
    ) -> tuple[WorkOrder, OrderEntry]:
        entry, said = event
        now = datetime.fromisoformat(said.received_at)
        facts = Facts(
            Origin(said.source, said.id, entry.seq),
            state.class_,
            state.urgency,
            state.title,
            now,
            state.kind or None,
            state.matter,
            state.drill,
            state.code,
            state.at,
        )
        staff = at.staff(state.code)
        loads = at.loads(staff)
        chain = city.chain(state.code) if state.code is not None and city.has(state.code) else ()
        assignment = assign(facts, chain, staff, self.rules, loads=loads, calendar=self.calendar)
        return open_order(facts, assignment, self.rules, self.calendar, now)

    def _moved(
        self,
        order: WorkOrder,
        there: Args,
        staff: Sequence[StaffPost],
        city: City,
        now: datetime,
    ) -> tuple[WorkOrder, list[OrderEntry]]:
        """An order whose place is another now; one that waited for a grid is dispatched.

        `there` has its grid, and its point where that is another. Within a grid it stays with who has it.
        """
        code = there.code or None
        assignment: Assignment | None = None
        if order.state in NOT_ACCEPTED and code != order.code:
            facts = Facts(
                order.event,
                order.class_,
                order.urgency,
                order.title,
                now,
                order.kind,
                order.matter,
                order.drill,
                code,
                there.at_after(order),
            )
            chain = city.chain(code) if code is not None and city.has(code) else ()
            assignment = assign(facts, chain, staff, self.rules, calendar=self.calendar)
        order, line = self._act(order, "move", now, Args(assignment, code=there.code, at=there.at))
        if order.state != "filed" or assignment is None or assignment.queue is not None:
            return order, [line]
        order, given = self._act(order, "dispatch", now, Args(assignment=assignment))
        return order, [line, given]

    def _act(
        self, order: WorkOrder, action: str, now: datetime, args: Args = NO_ARGS, note: str = ""
    ) -> tuple[WorkOrder, OrderEntry]:
        rules, calendar = self.rules, self.calendar
        return act(order, action, SYSTEM, SYSTEM, note, now, rules=rules, calendar=calendar, args=args)

    def _move_situations(self, desk: Desk, city: City) -> None:
        after = 0
        while situations := desk.open_situations(after, MOVED_AT_ONCE):
            after = situations[-1].seq
            states = [read_state(row) for row in situations]
            codes = codes_of([(state.code, state.at) for state in states], city)
            moved = []
            for state, code in zip(states, codes, strict=True):
                if state.code != code:
                    state.code, state.unplaced = code, None if code is not None else OUTSIDE
                    moved.append(situation_of(state))
            desk.put_situations(moved)

    def _move_orders(self, desk: Desk, city: City) -> None:
        now, after = self._clock(), 0
        while rows := desk.live_orders(after, MOVED_AT_ONCE):
            after = rows[-1].number
            orders = [order_from_json(row.body) for row in rows]
            places = _places(rows, orders, desk)
            codes = codes_of(places, city)
            staff = desk.staff([code for code in codes if code is not None])
            facts: list[Fact] = []
            changed = []
            for row, order, (_, at), code in zip(rows, orders, places, codes, strict=True):
                if (code, at) != (order.code, order.at):
                    there = Args(code=code) if at == order.at else Args(code=code, at=at)
                    whole, lines = self._moved(order, there, staff.get(code or "", []), city, now)
                    facts += map(fact_of, lines)
                    changed.append(self._row(whole, row.thing, now))
            self._store(desk, facts, changed)

    def _row(self, order: WorkOrder, thing: str, now: datetime) -> OrderRow:
        return row_of(order, thing, clocks.next_notice(order, now, self.calendar))

    def _store(self, desk: Desk, facts: Sequence[Fact], changed: Iterable[OrderRow]) -> None:
        if facts:
            desk.append(facts)
        desk.put_orders(changed)


class _Open:
    """The live orders about some things, the rosters that they need, and what is to be stored of them."""

    def __init__(self, desk: Desk, things: Iterable[str], codes: Iterable[str | None]) -> None:
        self._desk = desk
        about = desk.orders_about(things)
        self.orders = {thing: order_from_json(rows[-1].body) for thing, rows in about.items()}
        wanted = [code for code in dict.fromkeys(codes) if code is not None]
        found = desk.staff(wanted)
        self._staff: dict[str, Sequence[StaffPost]] = {code: found.get(code, ()) for code in wanted}
        persons = [post.person for posts in self._staff.values() for post in posts]
        self._loads = desk.loads(persons) if persons else {}
        self.facts: list[Fact] = []
        self.changed: dict[str, OrderRow] = {}

    def staff(self, code: str | None) -> Sequence[StaffPost]:
        """The roster of a grid."""
        if code is not None and code not in self._staff:
            self._staff[code] = self._desk.staff([code]).get(code, [])
        return self._staff.get(code or "", [])

    def loads(self, staff: Sequence[StaffPost]) -> dict[str, int]:
        """How many orders each of a roster has, those counted that were made just now."""
        return {post.person: self._loads.get(post.person, 0) for post in staff}

    def note(self, thing: str, order: WorkOrder, lines: Sequence[OrderEntry], row: OrderRow) -> None:
        """Take an order as it is now, to be stored with lines of its history."""
        if order.version == 1 and row.person is not None and row.is_live:
            self._loads[row.person] = self._loads.get(row.person, 0) + 1
        self.facts += map(fact_of, lines)
        self.changed[order.id] = row
        if row.is_live:
            self.orders[thing] = order
        else:
            self.orders.pop(thing, None)


def _is_graver(state: State, order: WorkOrder) -> bool:
    """Whether a thing is more urgent than its order says, or is no drill any more."""
    rank = tuple(URGENCIES)
    return rank.index(state.urgency) < rank.index(order.urgency) or (order.drill and not state.drill)


def _places(rows: Sequence[OrderRow], orders: Sequence[WorkOrder], desk: Desk) -> list[Place]:
    """Where orders are: with their things while these are open, else where they were left."""
    found = desk.situations([row.thing for row in rows])
    things = {thing: read_state(each) for thing, each in found.items() if each.is_open}
    about = [things.get(row.thing, order) for row, order in zip(rows, orders, strict=True)]
    return [(each.code, each.at) for each in about]


def codes_of(places: Sequence[Place], city: City) -> list[str | None]:
    """The grid of each place by an edition; what has no point keeps its code while there is that grid."""
    pointed = [at for _, at in places if at is not None]
    lons, lats = (np.array([at[axis] for at in pointed], np.float64) for axis in (0, 1))
    areas = iter([city.area_at(row) for row in city.rows_at(lons, lats).tolist()] if pointed else ())
    out = []
    for code, at in places:
        if at is not None:
            area = next(areas)
            out.append(area.code if area is not None else None)
        else:
            out.append(code if code is not None and city.has(code) else None)
    return out


def _told(notice: clocks.Notice, order: WorkOrder) -> str:
    times = {"at": notice.at.isoformat(), "due": notice.due.isoformat()}
    about = {"code": order.code, "urgency": order.urgency, "title": order.title}
    return json.dumps({**notice._asdict(), **times, **about}, ensure_ascii=False)
