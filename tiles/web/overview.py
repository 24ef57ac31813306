"""The overview: `GET /overview`, how today stands in an area, in one reply for the wall of a command centre.

The counting is `gridmap.daybook`'s; here it is written down, beside what stands in the area. How many
people live there is not told below LEAST_PEOPLE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.casework import codes_of
from gridmap.daybook.daybook import MOST
from gridmap.daybook.days import in_utc, moment_of
from gridmap.errors import InputError
from gridmap.events.document import CLASSES, URGENCIES
from gridmap.events.intake import rfc3339
from gridmap.model import NOWHERE
from gridmap.orders.words import LIVE, STATES
from gridmap.tallies import rows_below
from tiles.web import fields, posts
from tiles.web.buildings import PEOPLE, told_people
from tiles.web.coded import coded
from tiles.web.events import LAYER, affairs_of
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import NEVER, Reply, to_json
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.daybook.daybook import Alarm, Below, Page
    from gridmap.daybook.roster import Duty
    from gridmap.twin import Snapshot
    from tiles.web.call import Call

ZONE: Final = "+08:00"
MOST_RANKED: Final = 50
PER: Final = 10_000

LEAST_RATED: Final = 100
"""People from whom on a rate is told: of five people one event makes 2,000 for 10,000."""

LEVELS: Final = {"district": "districts", "town": "towns", "community": "communities", "grid": "grids"}
"""The levels, and what a reply calls how many there are."""


def answer(call: Call) -> Reply:
    """Answer how today stands. InputError: no such area."""
    snapshot, code = call.snapshot, read_area(call)
    page = affairs_of(call).daybook.look(snapshot, code)
    counts = page.sums
    said = {
        "area": None if code is None else fields.step(snapshot.area(code)),
        "edition": snapshot.edition.number,
        "seq": page.seq,
        "as_of": rfc3339(page.as_of),
        "day": page.midnight.date().isoformat(),
        "zone": ZONE,
        "stock": _stock(snapshot, code, page),
        "today": {
            "new": counts.new,
            "closed": counts.closed,
            "open": counts.open,
            "overdue": counts.overdue,
            "urgent": counts.urgent,
            "drills": counts.drills,
        },
        "by_hour": _by_hour(page),
        "by_class": _by_class(page),
        "ranking": [] if page.below is None else _ranking(snapshot, page.below),
        "devices": {
            **page.devices._asdict(),
            "by_kind": [kind._asdict() for kind in page.devices.by_kind],
        },
        "duty": [_duty(each) for each in page.duty],
        "alarms": _alarms(snapshot, page.alarms),
    }
    return coded(Reply(to_json(said), cache=NEVER, layers=("areas", "households", "things")), call.encodings)


def read_area(call: Call) -> str | None:
    """The code of the area that is asked for, None for the city. InputError: there is none of that code."""
    code = call.query.get("area")
    if code is not None and not call.snapshot.has(code):
        text = f"{quote(code)} is no area of edition {call.snapshot.edition.number}"
        raise InputError("area", f"{text}; give the code of one, or leave it out")
    return code


def _stock(snapshot: Snapshot, code: str | None, page: Page) -> dict[str, int | None]:
    """How much there is in an area; it counts as one of its own level, and holds none of a higher one."""
    found: dict[str, int | None] = {**_areas_in(snapshot, code)}
    for what in ("buildings", "households", "people"):
        found[what] = _amount(snapshot, code, what)
    found["people"] = told_people(found["people"])
    return {**found, "devices": page.devices.total, "staff": page.staff}


def _areas_in(snapshot: Snapshot, code: str | None) -> dict[str, int]:
    partition = snapshot.partition
    counts = dict.fromkeys(LEVELS.values(), 0)
    above, row = position(snapshot, code)
    for depth, table in enumerate(partition.levels):
        if table.level in LEVELS and depth >= above:
            inside = len(table) if code is None else len(rows_below(partition, above, row, depth))
            counts[LEVELS[table.level]] = inside
    return counts


def _amount(snapshot: Snapshot, code: str | None, what: str) -> int | None:
    """How much of something stands in the grids of an area, None where nobody knows."""
    tallies = snapshot.surroundings.tallies
    depth, row = position(snapshot, code)
    if code is None:
        every = tallies.of(what, len(snapshot.partition.levels) - 1)
        return None if every is None else int(every.sum())
    counts = tallies.of(what, depth)
    return None if counts is None else int(counts[row])


def position(snapshot: Snapshot, code: str | None) -> tuple[int, int]:
    """The level of an area and its row there; of the city the widest, and no row."""
    if code is None:
        return 0, NOWHERE
    depth = snapshot.partition.depth_of(snapshot.area(code).level)
    return depth, snapshot.partition.levels[depth].row_of[code]


def _by_hour(page: Page) -> list[dict[str, int]]:
    found = zip(page.new_by_hour.tolist(), page.closed_by_hour.tolist(), strict=True)
    return [{"hour": hour, "new": new, "closed": closed} for hour, (new, closed) in enumerate(found)]


def _by_class(page: Page) -> list[dict[str, Any]]:
    """The classes of which there is something, those with most new things first."""
    found = zip(CLASSES, page.new_by_class.tolist(), page.open_by_class.tolist(), strict=True)
    told = [{"class": name, "new": new, "open": live} for name, new, live in found if new or live]
    return sorted(told, key=lambda each: (-each["new"], -each["open"]))


def _ranking(snapshot: Snapshot, below: Below) -> list[dict[str, Any]]:
    """The areas below, those with most new things by their people first, then those without such a rate.

    Only those that are told are written down: a city asked for its grids has tens of thousands.
    """
    counts = snapshot.surroundings.tallies.of("people", below.depth)
    people = np.zeros(len(below.rows), np.int64) if counts is None else counts[below.rows]
    rated = people >= LEAST_RATED
    rates = np.where(rated, below.new * PER / np.maximum(people, 1), -1.0)
    best = np.lexsort((below.rows, -below.new, -rates))[:MOST_RANKED]
    table = snapshot.partition.levels[below.depth]
    return [
        {
            **fields.step(table.area(int(below.rows[each]))),
            "new": int(below.new[each]),
            "open": int(below.open[each]),
            "overdue": int(below.overdue[each]),
            "people": None if counts is None else told_people(int(people[each])),
            "per_10k": round(float(rates[each]), 2) if rated[each] else None,
        }
        for each in best.tolist()
    ]


def _duty(duty: Duty) -> dict[str, Any]:
    post = duty.post
    return {
        "post": post.code,
        "grid": post.grid,
        **posts.members(post, is_on_duty=duty.on_duty),
    }


def _alarms(snapshot: Snapshot, alarms: Sequence[Alarm]) -> list[dict[str, Any]]:
    codes = codes_of([(alarm.state.code, alarm.state.at) for alarm in alarms], snapshot)
    return [
        {
            "seq": state.last,
            "order": None if order is None else order.id,
            "title": state.title,
            "class": state.class_,
            "urgency": order.urgency if order is not None and order.state in LIVE else state.urgency,
            "code": code,
            "at": state.at,
            "time": rfc3339(in_utc(moment_of(state.opened_at))),
            "state": None if order is None else order.state,
        }
        for alarm, code in zip(alarms, codes, strict=True)
        for state, order in [(alarm.state, alarm.order)]
    ]


_COUNT: Final = {"type": "integer", "minimum": 0}
_OR_NONE: Final = fields.or_null(_COUNT)
_TEXT: Final = {"type": "string"}
_WHEN: Final = {"type": "string", "format": "date-time"}
_CLASS: Final = {"type": "string", "enum": list(CLASSES)}
_STEP: Final = fields.SCHEMAS["Step"]["properties"]
_OVERDUE: Final = {**_COUNT, "description": "Live orders with a running clock that is used up."}
AREA: Final = {"oneOf": [reference("Step"), {"type": "null"}], "description": "null: the whole city."}


def _list(properties: dict[str, Any], most: int, description: str) -> dict[str, Any]:
    items = fields.closed(properties)
    return {"type": "array", "maxItems": most, "items": items, "description": description}


SCHEMAS: Final[dict[str, Any]] = {
    "Overview": fields.closed(
        {
            "area": AREA,
            "edition": fields.EDITION,
            "seq": {**_COUNT, "description": "The number of the log up to which is counted."},
            "as_of": _WHEN,
            "day": {"type": "string", "format": "date", "description": "Today in China."},
            "zone": {"const": ZONE},
            "stock": fields.closed(
                {
                    **dict.fromkeys(LEVELS.values(), _COUNT),
                    **dict.fromkeys(("buildings", "households"), _OR_NONE),
                    "people": PEOPLE,
                    "devices": _COUNT,
                    "staff": {**_COUNT, "description": "Posts of the roster."},
                },
                "What there is in the area; null where nobody knows.",
            ),
            "today": fields.closed(
                {
                    "new": {**_COUNT, "description": "Things whose last opening was today."},
                    "closed": {**_COUNT, "description": "Things that were closed today, and are."},
                    "open": {**_COUNT, "description": "Orders that are live now, whenever they began."},
                    "overdue": _OVERDUE,
                    "urgent": {**_COUNT, "description": "Live orders that are red or orange."},
                    "drills": {**_COUNT, "description": "Drills opened today; counted nowhere else."},
                }
            ),
            "by_hour": _list(
                {"hour": {"type": "integer", "minimum": 0, "maximum": 23}, "new": _COUNT, "closed": _COUNT},
                24,
                "Each hour of today.",
            ),
            "by_class": _list(
                {"class": _CLASS, "new": _COUNT, "open": {**_COUNT, "description": "Live orders."}},
                len(CLASSES),
                "Classes of which there is something, those with most new things first.",
            ),
            "ranking": _list(
                {
                    **_STEP,
                    "new": _COUNT,
                    "open": {**_COUNT, "description": "Live orders."},
                    "overdue": _OVERDUE,
                    "people": PEOPLE,
                    "per_10k": {
                        "type": ["number", "null"],
                        "description": f"New things by 10,000 people; null of fewer than {LEAST_RATED}.",
                    },
                },
                MOST_RANKED,
                "The areas directly below, those with most new things by their people first; those without "
                "such a rate come after, by their new things.",
            ),
            "devices": fields.closed(
                {
                    "total": _COUNT,
                    "online": _COUNT,
                    "offline": {**_COUNT, "description": "Those never heard are neither."},
                    "alarms": {**_COUNT, "description": "Devices with an alarm that is active."},
                    "by_kind": {
                        "type": "array",
                        "items": fields.closed(
                            {"kind": _TEXT, "total": _COUNT, "online": _COUNT, "offline": _COUNT}
                        ),
                    },
                }
            ),
            "duty": _list(
                {
                    **dict.fromkeys(("post", "grid"), _TEXT),
                    **posts.MEMBERS,
                },
                MOST,
                "Posts of the roster, those on duty first.",
            ),
            "alarms": _list(
                {
                    "seq": {**_COUNT, "description": "The event that last changed it."},
                    "order": {"type": ["string", "null"], "description": "Its order."},
                    "title": _TEXT,
                    "class": _CLASS,
                    "urgency": {
                        "type": "string",
                        "enum": list(URGENCIES),
                        "description": "As it was reported, or as a dispatcher has said since.",
                    },
                    "code": {"type": ["string", "null"], "description": "The grid it is in."},
                    "at": {
                        "type": ["array", "null"],
                        "items": {"type": "number"},
                        "description": "Longitude and latitude, WGS84.",
                    },
                    "time": {**_WHEN, "description": "When it was opened."},
                    "state": {"type": ["string", "null"], "enum": [*STATES, None]},
                },
                MOST,
                "The things that were reported as urgent today, the newest first; no drills.",
            ),
        },
        "How today stands in an area.",
    ),
}

ROUTES: Final = (
    Route(
        path="/overview",
        name="overview",
        layer=LAYER,
        answer=answer,
        summary="How today stands in an area, in numbers. 今日概况",
        description="Things are counted by how they stand: one that opens and closes ten times is one. "
        "A day begins at midnight in China.",
        parameters=(
            Parameter(
                "area",
                {"type": "string", "minLength": 1},
                "Only what lies in the area of this code; without it the whole city.",
                "give the code of an area, or leave it out",
            ),
        ),
        responses={"200": json_response("The numbers.", "Overview")},
    ),
)
