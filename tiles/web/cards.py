"""Everything that is known of one area, for its card on the page: `GET /cards/{code}`.

It is told as of now: what stands there, who is on duty, what is open, what happened lately, which areas lie
beside it, and in which editions it became another. Numbers of few people are not told, as of
buildings.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.cards import MOST_COMPARED, Past, count_overdue, live_in, neighbours
from gridmap.chronicle import Chronicle
from gridmap.daybook.days import in_utc, moment_of
from gridmap.events.intake import rfc3339
from gridmap.model import DEVICE, RESOURCE
from gridmap.orders.clocks import lamp, next_due
from gridmap.orders.dispatch import ON_DUTY, on_duty
from gridmap.orders.words import STATES
from gridmap.store.store import utc_now
from tiles.web import areas, card_schema, posts
from tiles.web.buildings import named, told_people
from tiles.web.events import affairs_of
from tiles.web.kept import GAZETTEERS, Kept
from tiles.web.nearby import WORDS, sentence
from tiles.web.parameters import Parameter
from tiles.web.reply import NEVER, PROBLEM, Reply, to_json
from tiles.web.route import Route, json_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gridmap.affairs import Affairs
    from gridmap.gazetteer.gazetteer import Gazetteer
    from gridmap.model import Edition
    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import WorkOrder
    from gridmap.surroundings import Source
    from gridmap.twin import Snapshot
    from gridmap.types import Int32Array
    from tiles.web.call import Call

SCHEMAS: Final = card_schema.SCHEMAS

LAYERS: Final = ("households", "things", "events")
"""What a card discloses beside areas."""

MOST_BUILDINGS: Final = 60
MOST_NEIGHBOURS: Final = 30
MOST: Final = 20
"""Posts, orders, events and editions on a card."""

_DIRECTIONS: Final = {
    "北": "north",
    "东北": "north-east",
    "东": "east",
    "东南": "south-east",
    "南": "south",
    "西南": "south-west",
    "西": "west",
    "西北": "north-west",
}

_CHRONICLES: Final[Kept[Affairs, Chronicle]] = Kept(lambda affairs: Chronicle(affairs.book))
_PASTS: Final[Kept[Source, Past]] = Kept(lambda _: Past())


def answer(call: Call) -> Reply:
    """Tell all that is known of an area. Raises NotFoundError for a code that the edition does not have."""
    snapshot, code = call.snapshot, call.path["code"]
    area = snapshot.area(code)
    depth = snapshot.partition.depth_of(area.level)
    row = snapshot.partition.levels[depth].row_of[code]
    gazetteer, is_grid = GAZETTEERS.of(snapshot), depth == len(snapshot.partition.levels) - 1
    affairs = None if call.affairs is None else affairs_of(call)
    now, grids = utc_now() if affairs is None else affairs.now(), gazetteer.grids(depth, row)
    codes = frozenset(snapshot.partition.finest.codes[grid] for grid in grids.tolist())
    area_said = areas.told(call, code)
    said = {
        **{name: area_said[name] for name in card_schema.OF_AREAS},
        "stock": _stock(snapshot, gazetteer, depth, row, grids),
        "buildings": _buildings(gazetteer, grids) if is_grid else [],
        "devices": _devices(gazetteer, grids) if affairs is None else _heard(snapshot, code, affairs),
        "staff": _staff(snapshot, code, now, affairs) if is_grid else [],
        "orders": None if affairs is None else _orders(affairs, codes, now),
        "history": None if affairs is None else _history(snapshot, affairs, codes),
        "neighbours": _neighbours(snapshot, depth, row),
        "editions": _editions(snapshot, code),
        "nearest": _nearest(snapshot, code),
    }
    return Reply(to_json(said), cache=NEVER, layers=LAYERS)


def _stock(
    snapshot: Snapshot, gazetteer: Gazetteer, depth: int, row: int, grids: Int32Array
) -> dict[str, int | None]:
    """How much of everything there is in an area; null where nobody knows."""
    found: dict[str, int | None] = {}
    for what in ("households", "people", "buildings", "devices"):
        counts = snapshot.surroundings.tallies.of(what, depth)
        found[what] = None if counts is None else int(counts[row])
    codes, posts = snapshot.partition.finest.codes, gazetteer.register.posts
    staff = sum(posts.get(codes[grid], 0) for grid in grids.tolist())
    return {**found, "people": told_people(found["people"]), "staff": staff}


def _buildings(gazetteer: Gazetteer, grids: Int32Array) -> list[dict[str, Any]]:
    """The tallest buildings of a grid."""
    table, rows = gazetteer.register.buildings, gazetteer.buildings
    if table is None or rows is None:
        return []
    there = rows.of(grids)
    order = np.argsort(-table.floors[there].astype(np.int64), kind="stable")[:MOST_BUILDINGS]
    return [
        {**named(table, row), "households": None if table.households is None else int(table.households[row])}
        for row in there[order].tolist()
    ]


def _devices(gazetteer: Gazetteer, grids: Int32Array) -> list[dict[str, Any]]:
    """How many devices of each kind there are, where nobody hears them."""
    table = gazetteer.register.devices
    kinds = Counter(table.kinds[int(table.kind_of[row])] for row in gazetteer.devices.of(grids).tolist())
    return [_kind(kind, total, 0, 0) for kind, total in sorted(kinds.items())]


def _heard(snapshot: Snapshot, code: str, affairs: Affairs) -> list[dict[str, Any]]:
    """How many devices of each kind there are, and how many of them are heard."""
    return [_kind(*each) for each in sorted(affairs.daybook.devices(snapshot, code).by_kind)]


def _kind(kind: str, total: int, online: int, offline: int) -> dict[str, Any]:
    unheard = total - online - offline
    return {"kind": kind, "total": total, "online": online, "offline": offline, "unheard": unheard}


def _staff(snapshot: Snapshot, grid: str, now: datetime, affairs: Affairs | None) -> list[dict[str, Any]]:
    """The posts of a grid, those on duty first."""
    calendar = None if affairs is None else affairs.casework.calendar
    roles = {} if affairs is None else affairs.casework.rules.staff_roles
    ranked = [(on_duty(post.shift, now, calendar), post.code, post) for post in snapshot.source.posts(grid)]
    return [
        {
            "code": post.code,
            **posts.members(post, is_on_duty=duty == ON_DUTY),
            "acts_as": roles.get(post.role),
        }
        for duty, _, post in sorted(ranked, key=lambda each: each[:2])[:MOST]
    ]


def _orders(affairs: Affairs, codes: frozenset[str], now: datetime) -> dict[str, Any]:
    """The live orders of some grids: how many, and the most urgent of them."""
    live = live_in(affairs.board.refresh().orders.values(), codes)
    calendar = affairs.casework.calendar
    latest = [_order(order, now, calendar) for order in live[:MOST]]
    return {"open": len(live), "overdue": count_overdue(live, now), "latest": latest}


def _order(order: WorkOrder, now: datetime, calendar: WorkCalendar) -> dict[str, Any]:
    due = next_due(order)
    return {
        "id": order.id,
        "title": order.title,
        "class": order.class_,
        "urgency": order.urgency,
        "state": order.state,
        "state_zh": STATES[order.state].zh,
        "opened_at": _time(order.opened_at),
        "due_at": None if due is None else _time(due),
        "lamp": lamp(order, now, calendar),
    }


def _history(snapshot: Snapshot, affairs: Affairs, codes: frozenset[str]) -> list[dict[str, Any]]:
    """The newest events in some grids."""
    return [
        {
            "seq": line.seq,
            "title": line.title,
            "class": line.class_,
            "urgency": line.urgency,
            "op": line.op,
            "drill": line.drill,
            "occurred_at": rfc3339(in_utc(moment_of(line.occurred_at))),
        }
        for line in _CHRONICLES.of(affairs).latest(snapshot, codes, MOST)
    ]


def _neighbours(snapshot: Snapshot, depth: int, row: int) -> list[dict[str, Any]]:
    table = snapshot.partition.levels[depth]
    found = neighbours(snapshot.partition.coverage_at(depth), row)[:MOST_NEIGHBOURS]
    return [
        {"code": table.codes[each.row], "name": table.names[each.row], "shared_m": round(each.shared_m, 3)}
        for each in found
    ]


def _editions(snapshot: Snapshot, code: str) -> list[dict[str, Any]]:
    """The newest editions up to the one that is told of, and whether the area became another in each."""
    newest = snapshot.edition.number
    published = {each.number: each for each in snapshot.source.editions() if each.number <= newest}
    published.setdefault(newest, snapshot.edition)
    past, read = _PASTS.of(snapshot.source), _reader(snapshot)
    out = []
    for number in sorted(published, reverse=True)[:MOST]:
        edition = published[number]
        base = None if edition.base is None else published.get(edition.base)
        is_known = edition.base is None or base is not None
        out.append(
            {
                "number": number,
                "effective_at": _time(edition.effective_at),
                "reason": edition.reason,
                "author": edition.author,
                "changed": past.changed(edition, base, code, read) if is_known else None,
            }
        )
    return out


def _reader(snapshot: Snapshot) -> Callable[[Edition], bytes] | None:
    """How the bytes of an edition are read; None where that would take long."""
    there = snapshot.source.store()
    if there is None or len(snapshot.partition.finest) > MOST_COMPARED:
        return None
    store, _ = there
    return lambda edition: store.body(edition.number)


def _nearest(snapshot: Snapshot, code: str) -> dict[str, str] | None:
    """What is nearest to the middle of an area, in words: a resource where there is one, else a device."""
    shape = snapshot.polygon(code)
    if shape.is_empty:
        return None
    inside = shape.point_on_surface()
    near = snapshot.surroundings.near
    found = near(inside.x, inside.y, 1, sort=RESOURCE) or near(inside.x, inside.y, 1, sort=DEVICE)
    if not found:
        return None
    thing, metres, direction = found[0].near.thing, found[0].near.distance_m, found[0].near.direction
    what = f"{max(1, round(metres))} m" if metres < 999.5 else f"{metres / 1000:.1f} km"
    where = "right here" if direction is None else f"{what} to the {_DIRECTIONS[direction]}"
    zh = sentence(metres, direction, WORDS.get(thing.kind, thing.kind))
    return {"zh": zh, "en": f"{thing.kind}: {where}"}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


ROUTES: Final = (
    Route(
        path="/cards/{code}",
        name="card",
        layer="areas",
        answer=answer,
        summary="Everything that is known of one area 区域一张卡",
        description="What stands there, who is on duty, open orders, the last events, neighbours, editions.",
        parameters=(
            Parameter(
                "code",
                {"type": "string", "examples": ["500103"]},
                "Code of the area.",
                required=True,
                place="path",
            ),
        ),
        responses={
            "200": json_response("The card.", "Card"),
            "404": json_response("No area has this code.", "Problem", PROBLEM),
        },
    ),
)
