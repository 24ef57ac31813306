"""Slow, plain truths of events: a list as the log, one lookup an event, a dictionary of what is open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gridmap.errors import InputError
from gridmap.events.document import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.events.document import EventIn, Given
    from gridmap.store.log import Entry, Fact
    from gridmap.twin import Snapshot

NO_PLACE = "no place was given"
OUTSIDE = "outside the city"


SECRET = b"a key of tests"


def event(name: object = "a-1", /, **fields: Any) -> dict[str, Any]:
    """An event as its source reports it; `class_` is class, what is None is left out."""
    whole = {"id": str(name), "source": "12345", "class": "城市管理"}
    whole |= {key.rstrip("_"): value for key, value in fields.items()}
    return {key: value for key, value in whole.items() if value is not None}


def given(name: object = "a-1", /, **fields: Any) -> Given:
    """The same, read."""
    return decode(json.dumps(event(name, **fields)).encode(), SECRET)


class ListLog:
    """The log as a list: a row's number is its place in it."""

    def __init__(self) -> None:
        self.rows: list[Fact] = []

    def add(self, facts: Sequence[Fact]) -> list[tuple[int, str | None]]:
        """Write what is not there; say of each its number, and what stood there before."""
        out: list[tuple[int, str | None]] = []
        for fact in facts:
            there = [
                (seq, row.body)
                for seq, row in enumerate(self.rows, 1)
                if (row.kind, row.key) == (fact.kind, fact.key)
            ]
            if there:
                out.append(there[0])
            else:
                self.rows.append(fact)
                out.append((len(self.rows), None))
        return out

    def read(self, after: int, limit: int) -> list[tuple[int, str, str, str]]:
        """Rows behind a number."""
        return [(seq, *row) for seq, row in enumerate(self.rows, 1) if seq > after][:limit]


def placed_one_by_one(event: EventIn, snapshot: Snapshot, buildings: dict[str, Any]) -> tuple[Any, Any] | str:
    """Grid code and why there is none; or the name of the field that cannot be used."""
    if event.crs is not None:
        try:
            code = snapshot.locate(event.lon or 0.0, event.lat or 0.0, event.crs)
        except InputError as error:
            return {"lat": "lon"}.get(error.name, error.name)
        return code, None if code else OUTSIDE
    if event.place is None:
        return None, NO_PLACE
    if event.place in buildings:
        code = snapshot.locate(buildings[event.place][0], buildings[event.place][1], "wgs84")
        return code, None if code else OUTSIDE
    if not snapshot.has(event.place):
        return None, f"no grid or building has the code {event.place}"
    area = snapshot.area(event.place)
    return (area.code, None) if area.level == "grid" else (None, f"{area.code} is a {area.level}, not a grid")


@dataclass
class Thing:
    """What a dictionary remembers of a thing."""

    is_open: bool
    since: datetime
    said: dict[str, Any]
    events: int = 1
    late: int = 0
    opened_at: str = ""


def replay(entries: Sequence[tuple[Entry, dict[str, Any]]]) -> dict[str, Thing]:
    """What is open, by thing: every event is looked at once, in the order of the log."""
    things: dict[str, Thing] = {}
    first: dict[tuple[str, str], str] = {}
    for _, said in entries:
        source, name = said["source"], said["id"]
        corrected = first.get((source, said.get("corrects", "")))
        thing = corrected or f"{source.replace('/', '%2F')}/{said.get('subject', name)}"
        first[source, name] = thing
        _count(things, thing, said)
    return things


def _count(things: dict[str, Thing], thing: str, said: dict[str, Any]) -> None:
    moment = datetime.fromisoformat(said["occurred_at"])
    op = said.get("op") or ("update" if "corrects" in said else "open")
    known = things.get(thing)
    if known is None:
        kept = {"urgency": "blue", "drill": False} | said
        things[thing] = Thing(op != "close", moment, kept, opened_at=said["occurred_at"])
        return
    known.events += 1
    if moment < known.since:
        known.late += 1
        return
    if said.get("drill") and known.is_open and not known.said["drill"]:
        return
    goes_on = {"open": True, "close": False, "update": known.is_open}[op]
    if goes_on and not known.is_open:
        known.opened_at = said["occurred_at"]
    known.is_open, known.since = goes_on, moment
    placeless = said.get("unplaced") == NO_PLACE
    for name in ("class", "urgency", "title", "kind", "matter", "occurred_at"):
        if said.get(name):
            known.said[name] = said[name]
    known.said["drill"] = said.get("drill", False)
    if not placeless:
        for name in ("at", "code", "unplaced"):
            known.said[name] = said.get(name)
