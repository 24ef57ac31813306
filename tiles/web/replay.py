"""The replay: `GET /replay`, what was open at any moment of a period, to be played again on a map.

The answer is as things were known when the period ended, so that of a period that is over stays what it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.casework import codes_of
from gridmap.daybook.days import BEGINNING, in_utc, moment_of
from gridmap.daybook.episodes import episodes
from gridmap.daybook.ground import Ground
from gridmap.errors import InputError
from gridmap.events.document import CLASSES, URGENCIES
from gridmap.events.intake import rfc3339
from tiles.web import fields
from tiles.web.coded import coded
from tiles.web.events import LAYER, affairs_of
from tiles.web.overview import read_area
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import NEVER, Reply, to_json
from tiles.web.route import Route, json_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.daybook.episodes import Episode
    from gridmap.events.situations import State
    from gridmap.model import Edition
    from gridmap.twin import Snapshot
    from tiles.web.call import Call

LONGEST: Final = timedelta(days=31)
USUAL: Final = timedelta(hours=24)

MOST: Final = 20_000
"""Things of one reply at most; of more, those that were opened last."""


def answer(call: Call) -> Reply:
    """Answer what was open. InputError: no such period or area."""
    snapshot, affairs, area = call.snapshot, affairs_of(call), read_area(call)
    begin, end = _period(call, affairs.now())
    scene = affairs.board.refresh()
    found = affairs.book.looking(lambda desk: episodes(desk, begin, end, scene.seq, scene.things))
    inside = found.episodes if area is None else _in_area(snapshot, area, found.episodes)
    editions = in_force(snapshot, begin, end)
    edition = editions[-1].number
    told = inside[-MOST:]
    said = {
        "from": _written(begin),
        "to": _written(end),
        "edition": edition,
        "editions": [
            {"number": each.number, "effective_at": _written(each.effective_at)} for each in editions
        ],
        "things": _things(snapshot, told, is_current=edition == snapshot.edition.number),
        "truncated": len(told) < len(inside) or not found.whole,
    }
    return coded(Reply(to_json(said), cache=NEVER), call.encodings)


def in_force(snapshot: Snapshot, begin: datetime, end: datetime) -> list[Edition]:
    """The editions whose boundaries were in force at some moment of a period; the first one before all."""
    every = sorted(snapshot.source.editions() or [snapshot.edition], key=lambda each: each.number)

    def place_at(moment: datetime) -> int:
        return max((place for place, each in enumerate(every) if each.effective_at <= moment), default=0)

    return every[place_at(begin) : place_at(end) + 1]


def _period(call: Call, now: datetime) -> tuple[datetime, datetime]:
    """From when to when; what is still to come is left out."""
    end = _moment(call, "to") if "to" in call.query else now
    begin = _moment(call, "from") if "from" in call.query else max(min(end, now), BEGINNING + USUAL) - USUAL
    if begin > min(end, now):
        other = "now" if end > now else f"to, {_written(end)}"
        raise InputError("from", f"{_written(begin)} is later than {other}; give an earlier time")
    end = min(end, now)
    if end - begin > LONGEST:
        raise InputError("from", f"is {(end - begin).days} days before the end; give at most {LONGEST.days}")
    return begin, end


def _moment(call: Call, name: str) -> datetime:
    text = call.query[name]
    advice = "give one such as 2026-05-01T08:00:00Z, or with %2B08:00 in place of the Z"
    try:
        moment = moment_of(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(name, f"{quote(text)} is no time; {advice}") from None
    raise InputError(name, f"{quote(text)} names no offset from UTC; {advice}")


def _in_area(snapshot: Snapshot, area: str, found: Sequence[Episode]) -> list[Episode]:
    """Those in an area of today: by their place, and without one by their grid's code."""
    ground = Ground(snapshot)
    points = np.array([each.state.at or (np.nan, np.nan) for each in found], np.float64).reshape(-1, 2)
    rows = ground.rows(points[:, 0], points[:, 1], [each.state.code for each in found])
    return [found[each] for each in np.flatnonzero(ground.inside(area)[rows]).tolist()]


def _things(snapshot: Snapshot, found: Sequence[Episode], *, is_current: bool) -> list[dict[str, Any]]:
    """Things as they are told; the grid is that of the edition in force, where it is the one served."""
    codes: Sequence[str | None] = [each.state.code for each in found]
    if is_current:
        codes = codes_of([(each.state.code, each.state.at) for each in found], snapshot)
    out = []
    for (state, opened, closed), code in zip(map(_parts, found), codes, strict=True):
        lon, lat = state.at or (None, None)
        out.append(
            {
                "thing": state.thing,
                "lon": lon,
                "lat": lat,
                "code": code,
                "class": state.class_,
                "urgency": state.urgency,
                "title": state.title,
                "drill": state.drill,
                "opened_at": _written(opened),
                "closed_at": None if closed is None else _written(closed),
            }
        )
    return out


def _parts(episode: Episode) -> tuple[State, datetime, datetime | None]:
    return episode.state, episode.opened_at, episode.closed_at


def _written(moment: datetime) -> str:
    return rfc3339(in_utc(moment))


_TEXT: Final = {"type": "string"}
_WHEN: Final = {"type": "string", "format": "date-time"}
_DEGREES: Final = {"type": ["number", "null"], "description": "WGS84; null without a point."}

SCHEMAS: Final[dict[str, Any]] = {
    "Replay": fields.closed(
        {
            "from": _WHEN,
            "to": {**_WHEN, "description": "Not later than now."},
            "edition": {**fields.EDITION, "description": "The edition in force at the end of the period."},
            "editions": {
                "type": "array",
                "minItems": 1,
                "description": "All that were in force in it; the first one also before it took effect.",
                "items": fields.closed({"number": fields.EDITION, "effective_at": _WHEN}),
            },
            "things": {
                "type": "array",
                "maxItems": MOST,
                "description": "In the order in which they were opened; one that was opened twice is there "
                "twice.",
                "items": fields.closed(
                    {
                        "thing": {**_TEXT, "description": "Source and subject, or id: what it is known by."},
                        "lon": _DEGREES,
                        "lat": _DEGREES,
                        "code": {"type": ["string", "null"], "description": "The grid it was in."},
                        "class": {"type": "string", "enum": list(CLASSES)},
                        "urgency": {"type": "string", "enum": list(URGENCIES)},
                        "title": _TEXT,
                        "drill": {"type": "boolean"},
                        "opened_at": _WHEN,
                        "closed_at": {
                            "type": ["string", "null"],
                            "format": "date-time",
                            "description": "null: it was still open at the end of the period.",
                        },
                    }
                ),
            },
            "truncated": {"type": "boolean", "description": "Whether some of it may be missing."},
        },
        "What was open at any moment of a period.",
    ),
}

ROUTES: Final = (
    Route(
        path="/replay",
        name="replay",
        layer=LAYER,
        answer=answer,
        summary="What was open in a period, to be played again. 历史回放",
        description=f"At most {LONGEST.days} days and {MOST:,} things. It is told as it was known at the end "
        "of the period, from the log, its archives too.",
        parameters=(
            Parameter(
                "from",
                {"type": "string", "format": "date-time"},
                "Where the period begins; without it 24 hours before its end.",
                "give a time with an offset, such as 2026-05-01T08:00:00Z",
            ),
            Parameter(
                "to",
                {"type": "string", "format": "date-time"},
                "Where it ends; without it now.",
                "give a time with an offset, such as 2026-05-01T08:00:00Z",
            ),
            Parameter(
                "area",
                {"type": "string", "minLength": 1},
                "Only what lies in the area of this code; without it the whole city.",
                "give the code of an area, or leave it out",
            ),
        ),
        responses={"200": json_response("What was open.", "Replay")},
    ),
)
